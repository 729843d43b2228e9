"""The command behind `make invoke`: one function of the stack that is up, in a container, with an event.

`sam local invoke` itself ends with 0 also when the function failed or was too slow; this ends with 1 then.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local import containers
from local.environment import ROOT, SAM, STACK_FILE, STATE, LocalError
from local.stack import logical_id

PREPARED = STATE / "run" / containers.FOLDER


def main(arguments: Sequence[str] | None = None) -> int:
    """Invoke it; return the exit status: 0 when the function answered, 1 when it failed, was too slow, or can't run."""
    command = argparse.ArgumentParser(prog="make invoke")
    command.add_argument("function", help="its folder below functions/, or its name in template.yaml")
    command.add_argument("event", nargs="?", help="a file of JSON (default: the function's own in events/)")
    options = command.parse_args(arguments)
    try:
        name, event = chosen(options.function, options.event)
        require_stack()
        containers.engine()
        require_prepared()
        print(invoke(name, event))
    except LocalError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1
    return 0


def chosen(function: str, event: str | None) -> tuple[str, Path]:
    """Return the function's name in the template, and its event."""
    known = {path.parent.name for path in ROOT.glob("functions/*/app.py")}
    found = [name for name in known if function in (name, logical_id(name))]
    if not found:
        raise LocalError(f"FUNCTION={function}: there is none; there are {', '.join(sorted(known))}")
    path = Path(event) if event else ROOT / "events" / f"{found[0]}.json"
    if not path.is_file():
        raise LocalError(f"EVENT={event}: there is no such file")
    return logical_id(found[0]), path


def require_stack() -> None:
    """Raise LocalError unless a stack is up."""
    if not STACK_FILE.exists():
        raise LocalError("the stack is not up: run `make run` in another terminal, and leave it running")


def require_prepared() -> None:
    """Raise LocalError unless `make run` has written what containers need."""
    if not (PREPARED / containers.VARIABLES).exists():
        raise LocalError("`make run` is not ready for containers: it says why, or is still at its demo")


def invoke(name: str, event: Path, root: Path = ROOT) -> str:
    """Return what the function answered; raise LocalError if it failed or did not answer. What it logs goes to stderr.

    SAM reads samconfig.toml in `root`.
    """
    command: list[str | Path] = [SAM, "local", "invoke", name, "--event", event.absolute()]
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}  # no profile is needed
    done = subprocess.run(command, cwd=root, env=own, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - the user's own function and file
    return checked(name, done.returncode, done.stdout)


def checked(name: str, status: int, output: str) -> str:
    """Return the answer, or raise LocalError if `output` is none or tells of a failure."""
    answer = output.strip()
    if status or not answer:
        raise LocalError(f"{name} gave no answer: it was too slow, or could not be started (see above)")
    try:
        told = json.loads(answer.splitlines()[-1])
    except ValueError as exc:
        raise LocalError(f"{name} answered no JSON: {answer.splitlines()[-1]}") from exc
    if isinstance(told, dict) and "errorType" in told:
        raise LocalError(f"{name} failed: {answer}")
    if isinstance(told, dict) and told.get("batchItemFailures"):
        raise LocalError(f"{name} gave records back as failed: {answer}")
    return answer


if __name__ == "__main__":
    sys.exit(main())

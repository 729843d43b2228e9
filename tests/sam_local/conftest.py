"""A stack that is ready for `sam local`, as `make run` keeps it up, and an engine for it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console

from local import containers
from local.environment import ROOT, LocalError
from local.stack import Stack, running_stack
from tests.sam_local import standin
from tests.sam_local.daemon import running_daemon

STAND_IN = pytest.StashKey[str]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    why = terminalreporter.config.stash.get(STAND_IN, None)
    if why is not None:
        terminalreporter.write_line(
            f"the containers' image was a stand-in for Amazon's, Debian with Lambda's Python and runtime client: {why}"
        )


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> Iterator[containers.Engine]:
    """The user's engine with Amazon's image; else one of our own with a stand-in; else these tests are left out."""
    with ExitStack() as ending:
        try:
            found = containers.engine()
            has_image = any(
                not subprocess.run(["docker", *command, standin.IMAGE], capture_output=True, check=False).returncode
                for command in (["image", "inspect"], ["pull", "--quiet"])
            )
        except (LocalError, FileNotFoundError) as exc:
            found, has_image, why = None, False, str(exc)
        else:
            why = f"{standin.IMAGE} can't be pulled"
        if found is None or not has_image:
            try:
                host = ending.enter_context(running_daemon())
                patch = ending.enter_context(pytest.MonkeyPatch.context())
                patch.setenv("DOCKER_HOST", host)
                subprocess.run(["docker", "import", standin.made(), standin.IMAGE], capture_output=True, check=True)
            except LocalError as exc:
                pytest.skip(f"no functions in containers: {why}; {exc}")
            pytestconfig.stash[STAND_IN] = why
            found = containers.engine()
        yield found


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks to SAM as this checkout does, with a state of its own."""
    home = tmp_path_factory.mktemp("checkout")
    for name in ("samconfig.toml", "events"):
        (home / name).symlink_to(ROOT / name)
    (home / ".local" / "run").mkdir(parents=True)
    return home


@pytest.fixture(scope="session")
def stack(engine: containers.Engine, home: Path) -> Iterator[Stack]:
    state = home / ".local" / "run"
    with (
        running_stack(state, Console(quiet=True)) as running,
        containers.prepared(state, engine, running, lambda _: None),
        pytest.MonkeyPatch.context() as patch,
    ):
        # SAM's own settings, not the user's; and images are here already.
        for name in [name for name in os.environ if name.startswith(("AWS_", "SAM_"))]:
            patch.delenv(name)
        patch.setenv("SAM_CLI_TELEMETRY", "0")
        patch.setenv("SAM_SKIP_PULL_IMAGE", "1")
        patch.setenv("__SAM_CLI_APP_DIR", str(state / "sam"))
        patch.setenv("SAM_CLI_CONTAINER_CONNECTION_TIMEOUT", "60")
        yield running

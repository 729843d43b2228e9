"""Build the template and deploy it to the emulator, with the very SAM CLI that a user deploys to AWS with."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml

from local.aws import session
from local.emulator import Emulator
from local.environment import (
    ACCESS_KEY,
    BUILD_PYTHON,
    REGION,
    ROOT,
    SAM,
    LocalError,
    architecture,
    child_environment,
    running,
    tail,
)

STACK_NAME = "api-segments"
BUCKET = "artifacts"
DEADLINE_SECONDS = 900.0
BUILDING = re.compile(r"^(?:Building|(\w+): Running) (.+)$", re.MULTILINE)
PLANNED = re.compile(r"^\+ Add", re.MULTILINE)
RESOURCE = re.compile(r"^(CREATE_IN_PROGRESS|CREATE_COMPLETE)\s+\S+\s+(\S+)", re.MULTILINE)
FAILED_RESOURCE = re.compile(r"CREATE_FAILED|ROLLBACK")
ERROR = re.compile(r"^(?:.*\bERROR: |Error: |Build Failed.*\n)(.+)$", re.MULTILINE)

Tell = Callable[[str], None]


def require_tools() -> None:
    """Raise LocalError when something that building or deploying needs is missing."""
    if not (SAM.exists() and BUILD_PYTHON.exists()):
        raise LocalError("the SAM CLI is not installed: run `make run`, or `python3 local/bootstrap.py sam`")
    if not shutil.which("make"):
        raise LocalError("`make` is not on the PATH; building the layer needs it")


def build(state: Path, tell: Tell, *, for_aws: bool = False) -> Path:
    """Build the template below `state`; return the built template.

    The layers are for this machine and the Python that the emulator runs the functions with, or as they are on AWS.
    """
    require_tools()
    target = state / "build"
    command: list[str | Path] = [
        "build",
        "--build-dir",
        target,
        "--parameter-overrides",
        f"Architecture={architecture()}",
    ]
    own = {
        "PYTHON": str(BUILD_PYTHON),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **({} if for_aws else {"TARGETS": "host"}),
    }
    _sam(state, command, own, lambda log: tell(_last(BUILDING, log)))
    template = target / "template.yaml"
    template.write_text(without_metric_math(template.read_text()))
    return template


def without_metric_math(template: str) -> str:
    """Return the built template without alarms on expressions: MiniStack takes a template with one for a mistake."""
    body = yaml.safe_load(template)
    body["Resources"] = {
        name: each
        for name, each in body["Resources"].items()
        if each["Type"] != "AWS::CloudWatch::Alarm" or "Metrics" not in each["Properties"]
    }
    return yaml.safe_dump(body, sort_keys=False)


def deploy(
    state: Path, template: Path, emulator: Emulator, parameters: Mapping[str, str], tell: Tell
) -> dict[str, str]:
    """Deploy the built template to the emulator; return its resources' physical ids by their names in the template."""
    session().client("s3", endpoint_url=emulator.endpoint_url).create_bucket(Bucket=BUCKET)
    values = {"Architecture": architecture(), **parameters}
    command: list[str | Path] = [
        *("deploy", "--template-file", template, "--stack-name", STACK_NAME, "--s3-bucket", BUCKET),
        *("--region", REGION, "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar"),
        *("--parameter-overrides", *(f"{name}={value}" for name, value in values.items())),
    ]
    own = {"AWS_ENDPOINT_URL": emulator.endpoint_url, "SAM_CLI_POLL_DELAY": "1"}
    _sam(state, command, own, lambda log: tell(_resources(log)), lambda: _failed_resource(emulator))
    stacks = session().client("cloudformation", endpoint_url=emulator.endpoint_url)
    pages = stacks.get_paginator("list_stack_resources").paginate(StackName=STACK_NAME)
    found = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}


def _sam(
    state: Path, command: Sequence[str | Path], own: Mapping[str, str], watch: Tell, reason: Callable[[], str] = str
) -> None:
    """Run the SAM CLI to its end, handing its log so far to `watch`; raise LocalError with the reason when it fails."""
    what = str(command[0])
    log = state / f"{what}.log"
    env = child_environment({**_environment(state), **own})
    config = ("--config-file", state / "samconfig.toml")
    deadline = time.monotonic() + DEADLINE_SECONDS
    with running([SAM, *command, *config], env, ROOT, log) as process:
        if process.stdin:
            process.stdin.close()
        while process.poll() is None and time.monotonic() < deadline:
            watch(log.read_text(errors="replace"))
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    if process.returncode:
        why = reason() or _last(ERROR, log.read_text(errors="replace")) or tail(log, 1)
        raise LocalError(f"sam {what} failed: {why.strip()} (the whole of it: {log})")


def _environment(state: Path) -> dict[str, str]:
    """Return what keeps the SAM CLI to the emulator and to `state`: no telemetry, no files elsewhere."""
    home = state / "sam"
    home.mkdir(exist_ok=True)
    (home / "metadata.json").write_text(json.dumps({"lastVersionCheck": time.time()}))
    (state / "samconfig.toml").write_text("version = 0.1\n")
    nothing = str(state / "none")
    return {
        "__SAM_CLI_APP_DIR": str(home),
        "TMPDIR": str(home),
        "SAM_CLI_TELEMETRY": "0",
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _last(pattern: re.Pattern[str], log: str) -> str:
    """Return the last group of the last match, or an empty string."""
    found = list(pattern.finditer(log))
    return found[-1].group(found[-1].re.groups) if found else ""


def _resources(log: str) -> str:
    """Return how many of the planned resources are there, and which is next."""
    seen = RESOURCE.findall(log)
    done = {name for status, name in seen if status == "CREATE_COMPLETE"}
    return f"{len(done)} of {len(PLANNED.findall(log))} resources, {seen[-1][1]}" if seen else "uploading"


def _failed_resource(emulator: Emulator) -> str:
    """Return which resource of the stack failed first and why, or an empty string."""
    client = session().client("cloudformation", endpoint_url=emulator.endpoint_url)
    try:
        events = client.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    except client.exceptions.ClientError:
        return ""
    failed = [event for event in events if event.get("ResourceStatus", "").endswith("_FAILED")]
    first = min(failed, key=lambda event: event["Timestamp"], default=None)
    return f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason', '')}" if first else ""

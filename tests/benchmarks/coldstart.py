"""What starting costs: a fresh interpreter for each measurement, with nothing on its path but what Lambda has there.

*Ready* is when the handler is imported and what its first request needs, clients included, is made.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from local.environment import BUILD_PYTHON, child_environment
from tests.support.dynamodb.control import Control, environment
from tests.support.template import ROOT, layers_of, resources

BARE = "bare boto3 client"
NEEDS = {
    "authorizer": "accounts.accounts()",
    "create_segment": "segments.segments()",
    "update_segment": "memberships.updates()",
    "publish_changes": "memberships.publishing()",
    "project_members": "memberships.projection()",
    "profiles": "profiles.profiles()",
    "manage_segments": "segments.segment_reads()",
    "accounts": "accounts.accounts()",
    "purge_segment": "memberships.purging()",
    "publish_segments": "segments.publishing()",
    "reconcile": "repair.reconciliation(), repair.reconciliation_queue()",
    "replay": "repair.failed_records(), repair.functions()",
    "dashboard": "",
    "campaigns": "campaigns.campaign_creation()",
    "run_campaign": "campaigns.campaign_runs(), campaigns.campaign_queue()",
    "trigger_campaigns": "campaigns.campaign_triggers()",
    "send_messages": "campaigns.sending()",
    "unsubscribe": "campaigns.opt_outs()",
    "mail_feedback": "campaigns.opt_outs()",
    "imports": "imports.imports()",
    "read_import": "imports.reading()",
    "apply_import": "imports.applying()",
}
"""What a function's first request asks for; every function is here (tests/unit/test_benchmarks.py)."""
SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")
AWS_TARGETS = "3.13:aarch64 3.13:x86_64"

# Linux's own account of the peak: getrusage's would begin at what the parent of a new process had.
_PEAK = "next((line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')), 0)"
_ENDING = f"; import time; print(time.process_time(), {_PEAK})"


@dataclass
class Start:
    """Milliseconds of CPU from the interpreter's start until ready, and peak memory in MiB, over repetitions."""

    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Layer:
    """The built layer with its compiled modules: bytes by what takes them, and which Python compiled it."""

    parts: Mapping[str, int]
    compiler: str

    @property
    def total(self) -> int:
        return sum(self.parts.values())


def measure_starts(home: Path, repetitions: int) -> dict[str, Start]:
    """Start every function and the bare client in turn, so often."""
    sdk = _sdk(home / "sdk")
    layers = {
        name: build_layer(home / name, "host", name) for name in sorted(resources("AWS::Serverless::LayerVersion"))
    }
    programs = {BARE: f"{_path(sdk)}; import boto3; boto3.client('dynamodb')"}
    for function, need in NEEDS.items():
        path = _path(ROOT / "functions" / function, *(layers[name] for name in layers_of(function)), sdk)
        room = need.partition(".")[0]
        makes = f"; from api_segments.{room} import wiring as {room}; {need}" if need else ""
        programs[function] = f"{path}; import app{makes}"
    starts = {name: Start() for name in programs}
    variables = environment(Control("http://127.0.0.1:9"), {})  # nothing is sent
    for _ in range(repetitions):
        for name, program in programs.items():
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", program + _ENDING],
                env=child_environment(variables),
                capture_output=True,
                text=True,
                check=True,
            )
            cpu, peak = done.stdout.split()[-2:]
            starts[name].cpu.append(float(cpu) * 1000)
            starts[name].peak.append(float(peak) / 1024)
    return starts


def weigh_layer(home: Path) -> Layer:
    """Build the layer as it goes to AWS and return what its bytes are.

    Where the makefile finds no Python of Lambda's version to compile it with, this one does: the sizes are much alike.
    """
    layer = build_layer(home / "layer-for-aws", AWS_TARGETS)
    compiler = "python3.13"
    if not any(layer.rglob("*.pyc")):
        compiler = f"python{sys.version_info.major}.{sys.version_info.minor}"
        command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
        subprocess.run([*command, str(layer)], check=True)
    parts: dict[str, int] = {}
    for path in layer.rglob("*"):
        if path.is_file():
            part = path.relative_to(layer).parts[0]
            name = "compiled modules" if path.suffix == ".pyc" else part.split("-")[0].removesuffix(".py")
            parts[name] = parts.get(name, 0) + path.stat().st_size
    return Layer(parts, compiler)


def build_layer(home: Path, targets: str, name: str = "SegmentsLayer") -> Path:
    """Build a layer with its own makefile, as `sam build` does; return what goes on the path."""
    shutil.copytree(ROOT / "layers" / "segments", home / "source", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [
            *("make", "--silent", f"build-{name}"),
            *(f"ARTIFACTS_DIR={home}", f"TARGETS={targets}", f"PYTHON={BUILD_PYTHON}"),
        ],
        cwd=home / "source",
        env=child_environment({"PIP_DISABLE_PIP_VERSION_CHECK": "1"}),
        capture_output=True,
        check=True,
    )
    return home / "python"


def _sdk(home: Path) -> Path:
    """Copy this environment's SDK and nothing else, compiled, as Lambda's runtime brings it along."""
    home.mkdir()
    site = Path(boto3.__file__).parents[1]
    for name in SDK:
        if (site / name).is_dir():
            shutil.copytree(site / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(site / name, home / name)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(home)], check=True)
    return home


def _path(*folders: Path) -> str:
    return f"import sys; sys.path[:0] = {[str(folder) for folder in folders]!r}"

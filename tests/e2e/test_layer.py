"""The built layers: everything a function imports is in those that it has, for each machine it must run on.

Where Lambda's Python is found, it compiles the layers and imports from them; else the Python of the tests does.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from local.bootstrap import environment as environment_of
from local.environment import BUILD_PYTHON, child_environment
from tests.benchmarks.coldstart import NEEDS
from tests.support.dynamodb.control import Control, environment
from tests.support.template import ROOT, layers_of

FUNCTIONS = sorted(path.parent for path in ROOT.glob("functions/*/app.py"))
SEGMENTS, CAMPAIGNS = "SegmentsLayer", "CampaignsLayer"
OF_LAMBDA = "cpython-313"
RUNTIME = environment_of("runtime") / "bin" / "python"
TAG, STANDARD_LIBRARY = subprocess.check_output(
    [
        RUNTIME,
        "-c",
        "import sys, sysconfig; print(sys.implementation.cache_tag, sysconfig.get_path('stdlib'), sep='\\n')",
    ],
    text=True,
).splitlines()
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Both layers as `sam build` makes them for AWS, and this machine unless that is a Linux with Lambda's Python."""
    home = tmp_path_factory.mktemp("layers")
    shutil.copytree(ROOT / "layers" / "segments", home / "source")
    targets = "3.13:aarch64 3.13:x86_64"
    if TAG != OF_LAMBDA or sys.platform != "linux":
        targets += " host"
    compilers = {"PATH": f"{RUNTIME.parent}{os.pathsep}{os.environ['PATH']}"}
    for name in (SEGMENTS, CAMPAIGNS):
        subprocess.run(
            [
                "make",
                "--silent",
                f"build-{name}",
                f"ARTIFACTS_DIR={home / name}",
                f"TARGETS={targets}",
                f"PYTHON={BUILD_PYTHON}",
            ],
            cwd=home / "source",
            env=child_environment(compilers),
            check=True,
        )
    return {name: home / name / "python" for name in (SEGMENTS, CAMPAIGNS)}


@pytest.fixture(scope="module")
def layer(layers: Mapping[str, Path]) -> Path:
    """The layer that every function has."""
    return layers[SEGMENTS]


@pytest.fixture(scope="module")
def lambda_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDK that Lambda's Python runtime brings along: boto3 and what it needs, nothing else."""
    home = tmp_path_factory.mktemp("sdk")
    version = re.search(r"^boto3==(\S+)", (ROOT / "requirements" / "dev.txt").read_text(), re.MULTILINE)
    assert version
    subprocess.run(
        [str(BUILD_PYTHON), "-m", "pip", "install", "--quiet", "--target", str(home), f"boto3=={version[1]}"],
        env=child_environment({}),
        check=True,
    )
    return home


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda path: path.name)
def test_a_function_has_what_it_needs_in_its_layers_and_lambdas_sdk(
    function: Path, layers: Mapping[str, Path], lambda_sdk: Path
) -> None:
    """It imports its handler and makes what its first request needs, with only what it has on Lambda on its path."""
    own = [str(function), *(str(layers[name]) for name in layers_of(function.name)), str(lambda_sdk)]
    need = NEEDS[function.name]
    room = need.partition(".")[0]
    program = (
        f"import sys; sys.path[:0] = {own!r}; import app, json; assert callable(app.handler); "
        + (f"from api_segments.{room} import wiring as {room}; {need}; " if need else "")
        + "print(json.dumps(sorted({getattr(m, '__file__', None) or '' for m in list(sys.modules.values())})))"
    )
    variables = environment(Control("http://127.0.0.1:9"), {})  # nothing is sent
    done = _alone(program, variables)
    assert done.returncode == 0, done.stderr
    allowed = (*own, STANDARD_LIBRARY)
    assert [file for file in json.loads(done.stdout) if file and not file.startswith(allowed)] == []


@pytest.mark.parametrize("function", ["campaigns", "send_messages"])
def test_functions_that_fill_templates_in_have_the_library(
    function: str, layers: Mapping[str, Path], lambda_sdk: Path
) -> None:
    """The data of the template library's own libraries is gone."""
    own = [*(str(layers[name]) for name in layers_of(function)), str(lambda_sdk)]
    program = (
        f"import sys; sys.path[:0] = {own!r}; "
        "from api_segments.campaigns import wiring; from api_segments.campaigns.sending import service; "
        "from api_segments.campaigns.content.templates import render; "
        "from api_segments.campaigns.content.plain_text import text_of; "
        "print(render('{{ a | escape }} {{ 100000 | date: \"%Y\" }} {{ a | json }}', {'a': '<ü>'}, is_html=True)); "
        "print(text_of('<p>ü</p>', 'https://x'))"
    )
    done = _alone(program, {})
    text = "ü\n\nUnsubscribe: https://x\n"
    assert (done.returncode, done.stdout) == (0, f"&lt;ü&gt; 1970 &#34;&lt;ü&gt;&#34;\n{text}"), done.stderr
    assert not (layers[CAMPAIGNS] / "babel" / "locale-data").exists()


@pytest.mark.parametrize("function", ["accounts", "campaigns"])
def test_functions_that_know_time_zones_have_them(function: str, layers: Mapping[str, Path], lambda_sdk: Path) -> None:
    """Lambda's system has none."""
    own = [*(str(layers[name]) for name in layers_of(function)), str(lambda_sdk)]
    program = (
        f"import sys; sys.path[:0] = {own!r}; import zoneinfo; zoneinfo.reset_tzpath(()); "
        "print(zoneinfo.ZoneInfo('Europe/Berlin'), 'Asia/Kolkata' in zoneinfo.available_timezones())"
    )
    done = _alone(program, {})
    assert (done.returncode, done.stdout) == (0, "Europe/Berlin True\n"), done.stderr


def _alone(program: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run it with -I and -S: no working directory, no site-packages."""
    command = [str(RUNTIME), "-I", "-S", "-X", "utf8", "-c", program]
    return subprocess.run(command, env=child_environment(variables), capture_output=True, text=True, check=False)


def test_the_layers_have_compiled_modules_for_both_architectures(layers: Mapping[str, Path]) -> None:
    for name, module in ((SEGMENTS, "_pydantic_core"), (CAMPAIGNS, "_html")):
        compiled = {path.name for path in layers[name].rglob("*.so")}
        for machine in ("aarch64", "x86_64"):
            assert f"{module}.cpython-313-{machine}-linux-gnu.so" in compiled


def test_the_modules_that_a_function_imports_are_compiled(layer: Path) -> None:
    """Lambda can't write where the layer is, so a module that is not compiled is compiled at every cold start."""
    for module in ("api_segments/memberships/wiring", "pydantic/main", "aws_lambda_powertools/logging/logger"):
        directory, _, name = module.rpartition("/")
        compiled = layer / directory / "__pycache__" / f"{name}.{TAG}.pyc"
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, "by the hash of the source, unchecked: a zip changes files' times (PEP 552)"


def test_the_layer_is_small(layer: Path) -> None:
    """Lambda allows 250 MiB unzipped; every MiB is loaded at a cold start.

    Counted are the modules that Lambda's Python compiled, or this one where Lambda's is not here: they are much alike.
    """
    only_here = () if TAG == OF_LAMBDA else (f".{TAG}-",)
    counted = [path for path in layer.rglob("*") if path.is_file() and not any(tag in path.name for tag in only_here)]
    assert any(path.suffix == ".pyc" for path in counted)
    assert sum(path.stat().st_size for path in counted) < 25 * MEBIBYTE

"""The built layer: everything a function imports is in it, for each machine it must run on."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.environment import BUILD_PYTHON, child_environment
from tests.support.template import ROOT

FUNCTIONS = sorted(path.parent for path in ROOT.glob("functions/*/app.py"))
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer as `sam build` makes it for AWS, and for this interpreter too, so that it can be imported here."""
    home = tmp_path_factory.mktemp("layer")
    shutil.copytree(ROOT / "layers" / "segments", home / "source")
    targets = "3.13:manylinux2014_aarch64 3.13:manylinux2014_x86_64 host"
    subprocess.run(
        [
            "make",
            "--silent",
            "build-SegmentsLayer",
            f"ARTIFACTS_DIR={home}",
            f"TARGETS={targets}",
            f"PYTHON={BUILD_PYTHON}",
        ],
        cwd=home / "source",
        env=child_environment({}),
        check=True,
    )
    return home / "python"


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
def test_a_function_imports_from_the_layer_and_lambdas_sdk_alone(function: Path, layer: Path, lambda_sdk: Path) -> None:
    """-I and -S: no environment, no working directory, no site-packages; only what Lambda has on its path."""
    program = (
        f"import sys; sys.path[:0] = [{str(function)!r}, {str(layer)!r}, {str(lambda_sdk)!r}]; import app, json; "
        "assert callable(app.handler); "
        "print(json.dumps(sorted({getattr(m, '__file__', None) or '' for m in list(sys.modules.values())})))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    allowed = (str(function), str(layer), str(lambda_sdk), str(Path(json.__file__).parents[1]))
    assert [file for file in json.loads(done.stdout) if file and not file.startswith(allowed)] == []


def test_templates_are_rendered_by_what_the_layer_holds(layer: Path, lambda_sdk: Path) -> None:
    """What `send_messages` imports later than its handler; the data of the template library's own libraries is gone."""
    program = (
        f"import sys; sys.path[:0] = [{str(layer)!r}, {str(lambda_sdk)!r}]; "
        "from api_segments.campaigns import wiring; from api_segments.campaigns.sending import service; "
        "from api_segments.campaigns.content.templates import render; "
        "print(render('{{ a | escape }} {{ 100000 | date: \"%Y\" }} {{ a | json }}', {'a': '<ü>'}, is_html=True))"
    )
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "&lt;ü&gt; 1970 &#34;&lt;ü&gt;&#34;\n"), done.stderr
    assert not (layer / "babel" / "locale-data").exists()


def test_the_layer_has_compiled_modules_for_both_architectures(layer: Path) -> None:
    compiled = {path.name for path in layer.rglob("*.so")}
    for machine in ("aarch64", "x86_64"):
        assert f"_pydantic_core.cpython-313-{machine}-linux-gnu.so" in compiled


def test_the_modules_that_a_function_imports_are_compiled(layer: Path) -> None:
    """Lambda can't write where the layer is, so a module that is not compiled is compiled at every cold start."""
    for module in ("api_segments/memberships/wiring", "pydantic/main", "aws_lambda_powertools/logging/logger"):
        directory, _, name = module.rpartition("/")
        compiled = layer / directory / "__pycache__" / f"{name}.{sys.implementation.cache_tag}.pyc"
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, "by the hash of the source, unchecked: a zip changes files' times (PEP 552)"


def test_the_layer_is_small(layer: Path) -> None:
    """Lambda allows 250 MiB unzipped; every MiB is loaded at a cold start."""
    this_interpreter = {*layer.rglob(f"*.{sys.implementation.cache_tag}*")}
    for_lambda = {*layer.rglob("*.cpython-313*")}
    counted = [path for path in layer.rglob("*") if path.is_file() and path not in this_interpreter - for_lambda]
    assert sum(path.stat().st_size for path in counted) < 25 * MEBIBYTE

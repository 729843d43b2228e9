"""Functions that start from a snapshot: how they are deployed so, and that a snapshot keeps nothing unique or fresh."""

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from local.bootstrap import environment
from local.snapstart import ALIAS, WAITED_FOR, with_snapstart
from tests.support.template import ROOT, load, resources
from tests.support.waiting import PATIENCE_SECONDS

Json = Any

LONG_FORMS = {"GetAtt", "If", "Sub", "Equals", "Not"}


def built(value: Json) -> Json:
    """Return a part of the template as `sam build` writes it."""
    if isinstance(value, dict):
        return {f"Fn::{key}" if key in LONG_FORMS else key: built(inner) for key, inner in value.items()}
    return [built(inner) for inner in value] if isinstance(value, list) else deepcopy(value)


def translated(template: Json, home: Path) -> Json:
    source = home / "template.json"
    source.write_text(json.dumps(template))
    python = environment("emulator") / "bin" / "python"
    command: list[str | Path] = [python, "-P", ROOT / "tests" / "support" / "translate.py", source]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_SECONDS).stdout)


@pytest.fixture(scope="module")
def plain() -> Json:
    return built(load())


@pytest.fixture(scope="module")
def stack(plain: Json, tmp_path_factory: pytest.TempPathFactory) -> Json:
    return translated(with_snapstart(plain), tmp_path_factory.mktemp("snapstart"))["Resources"]


def of_type(stack: Json, kind: str) -> dict[str, Json]:
    return {name: each["Properties"] for name, each in stack.items() if each["Type"] == kind}


def test_what_people_wait_for_has_a_version_an_alias_and_snapshots_and_nothing_else_has(stack: Json) -> None:
    functions = of_type(stack, "AWS::Lambda::Function")
    assert {name for name, each in functions.items() if "SnapStart" in each} == set(WAITED_FOR)
    assert all(functions[name]["SnapStart"] == {"ApplyOn": "PublishedVersions"} for name in WAITED_FOR)
    aliases = of_type(stack, "AWS::Lambda::Alias").values()
    assert {alias["FunctionName"]["Ref"] for alias in aliases} == set(WAITED_FOR)
    versions = of_type(stack, "AWS::Lambda::Version")
    for alias in aliases:
        version = versions[alias["FunctionVersion"]["Fn::GetAtt"][0]]
        assert (alias["Name"], version["FunctionName"]) == (ALIAS, alias["FunctionName"])


def test_the_api_asks_them_by_their_alias_and_may(stack: Json) -> None:
    (api,) = of_type(stack, "AWS::ApiGateway::RestApi").values()
    body = json.dumps(api["Body"])
    permitted = json.dumps([each["FunctionName"] for each in of_type(stack, "AWS::Lambda::Permission").values()])
    for name in WAITED_FOR:
        by_alias = f"{name}Alias{ALIAS}"
        assert f"${{{by_alias}}}" in body or json.dumps({"Ref": by_alias}) in body, name
        assert f"${{{name}.Arn}}" not in body, name
        assert json.dumps({"Ref": by_alias}) in permitted, name


def test_a_parameter_that_changes_makes_a_new_version(stack: Json, plain: Json) -> None:
    given = [name for name in plain["Parameters"] if json.dumps({"Ref": name}) in json.dumps(plain["Globals"])]
    assert {"Architecture", "LogLevel"} <= set(given)
    for version in of_type(stack, "AWS::Lambda::Version").values():
        assert version["Description"] == {"Fn::Sub": " ".join(f"${{{name}}}" for name in given)}


def test_the_template_alone_has_no_versions(plain: Json, tmp_path: Path) -> None:
    kinds = {each["Type"] for each in translated(plain, tmp_path)["Resources"].values()}
    assert not kinds & {"AWS::Lambda::Version", "AWS::Lambda::Alias"}


def test_linting_finds_nothing_in_it(plain: Json, tmp_path: Path) -> None:
    path = tmp_path / "snapstart.json"
    path.write_text(json.dumps(with_snapstart(plain)))
    command: list[str | Path] = [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", "W1100", "--", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def restored() -> list[Json]:
    """What a process has once its handlers are imported, and what two make that go on from there."""
    folders = [resources("AWS::Serverless::Function")[name]["CodeUri"].partition("/")[2] for name in WAITED_FOR]
    command = [sys.executable, "-m", "tests.support.snapshot", *folders]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS, cwd=ROOT)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_snapshot_has_no_connection_no_client_no_key_and_no_thread(restored: list[Json]) -> None:
    init = restored[0]
    assert (init["sockets"], init["threads"], init["made"]) == (0, 1, [])


def test_what_starts_from_one_snapshot_draws_other_ids_and_waits_otherwise(restored: list[Json]) -> None:
    _, first, second = restored
    for what in ("profile", "token", "waited"):
        assert first[what] != second[what], what


def test_what_starts_from_a_snapshot_knows_the_time_and_reads_the_signing_key_itself(restored: list[Json]) -> None:
    init, first, second = restored
    assert init["now"] < first["now"] < second["now"]
    assert (first["reads_of_the_key"], second["reads_of_the_key"]) == (1, 1)

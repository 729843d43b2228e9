"""Imports beside other writers, with crashes, lost answers and repeats: figures, events and members are exact."""

import pytest

from tests.simulation.importing import Importing, play
from tests.simulation.run import main


@pytest.mark.parametrize("seed", [*range(1, 26), 744])
def test_an_import_ends_with_exact_figures_and_the_right_members(seed: int) -> None:
    play(seed)


def test_a_seed_that_fails_is_shown_with_its_trace_and_how_to_replay_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check(_: Importing) -> None:
        raise AssertionError("a row is lost")

    assert main(["1", "--first", "10", "--what", "imports"]) == 0
    monkeypatch.setattr(Importing, "check", check)
    assert main(["3", "--first", "10"]) == 1

    shown = capsys.readouterr().out
    assert "1 seeds of imports hold" in shown
    assert "3 seeds of requests hold" in shown
    assert "make simulate WHAT=imports SEEDS=1 FIRST=10" in shown
    assert "a row is lost" in shown
    assert "call 1 starts imports" in shown

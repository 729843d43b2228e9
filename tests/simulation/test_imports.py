"""Imports beside other writers, with crashes, lost answers and repeats: figures, events and members are exact."""

import pytest

from tests.simulation.importing import play


@pytest.mark.parametrize("seed", range(1, 26))
def test_an_import_ends_with_exact_figures_and_the_right_members(seed: int) -> None:
    play(seed)

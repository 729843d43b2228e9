"""One stack for all tiers that need it: built, deployed and stopped once, beside whatever `make run` keeps up."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from rich.console import Console

from local.stack import Stack, running_stack

# A busy machine may take any time for an example; what an example leaves in a fixture is one more state for the next.
# The same examples in each run, so that what is red today was not red by chance; new ones, and many more, at night.
settings.register_profile(
    "tests",
    deadline=None,
    derandomize=True,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
)
settings.register_profile("night", settings.get_profile("tests"), derandomize=False, max_examples=2000)
settings.load_profile("tests")

# A shell without job control has what it starts in the background ignore Ctrl-C, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack"), Console(quiet=True)) as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs that stack: all else of these tiers runs beside it (Makefile)."""
    for item in items:
        if isinstance(item, pytest.Function) and "stack" in item.fixturenames:
            item.add_marker("deployed")

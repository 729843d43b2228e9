"""The engines that the in-memory DynamoDB is held against: MiniStack, and Amazon's DynamoDB Local."""

from collections.abc import Iterator

import pytest

from local.dynamodb_local import NotHereError, running_dynamodb_local
from local.emulator import running_emulator
from tests.conformance.pair import Two, side_by_side


@pytest.fixture(scope="session")
def ministack() -> Iterator[str]:
    with running_emulator() as emulator:
        yield emulator.endpoint_url


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[str]:
    try:
        with running_dynamodb_local() as endpoint:
            yield endpoint
    except NotHereError as exc:
        pytest.skip(f"NOT RUN on DynamoDB Local, because {exc}")


@pytest.fixture(params=["ministack", "dynamodb_local"])
def two(request: pytest.FixtureRequest) -> Iterator[Two]:
    """Each engine beside the model, one after the other."""
    with side_by_side(request.getfixturevalue(request.param)) as two:
        yield two


@pytest.fixture
def beside_amazon(dynamodb_local: str) -> Iterator[Two]:
    """DynamoDB Local beside the model, for what MiniStack lets pass."""
    with side_by_side(dynamodb_local) as two:
        yield two

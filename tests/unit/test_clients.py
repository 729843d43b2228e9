"""Every client that a function may ask for can be made: botocore is told which services there are."""

from collections.abc import Callable

import pytest

from segments import clients

MADE = [
    clients.dynamodb_client,
    clients.retrying_dynamodb_client,
    clients.events_client,
    clients.sqs_client,
    clients.streams_client,
    clients.lambda_client,
    clients.scheduler_client,
    clients.sesv2_client,
    clients.sns_client,
]


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_a_client_can_be_made(make: Callable[[], object]) -> None:
    assert make() is make()


def test_no_client_is_left_out() -> None:
    named = {name for name in vars(clients) if name.endswith("_client")}
    assert named == {make.__name__ for make in MADE}

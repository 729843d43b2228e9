"""Accounts of the deployed stack, clients of its API, and subscribers of its bus."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Protocol

import httpx
import pytest

from local.campaigns import declare
from local.outbox import Outbox
from local.stack import Account, Stack, create_account
from local.subscriber import Event, EventQueue, subscribe
from tests.e2e.campaigning import Shop, Started, start_campaigns
from tests.support.event_schemas import assert_described
from tests.support.waiting import PATIENCE_SECONDS


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    """Speaks to the API as the stack's own account."""
    with client_of(stack, stack.account) as client:
        yield client


def client_of(stack: Stack, account: Account) -> httpx.Client:
    return httpx.Client(base_url=stack.api_url, headers=account.headers, timeout=PATIENCE_SECONDS, trust_env=False)


class AccountFactory(Protocol):
    def __call__(self, plan: str = "Advanced", *, private_beta: bool = True) -> Account: ...


@pytest.fixture
def account_factory(stack: Stack) -> AccountFactory:
    """Makes further accounts, by the deployed `accounts` function."""

    def make(plan: str = "Advanced", *, private_beta: bool = True) -> Account:
        name = f"Test {uuid.uuid4().hex[:8]}"
        return create_account(stack.endpoint_url, stack.functions["accounts"], name, plan, private_beta=private_beta)

    return make


class DescribedQueue(EventQueue):
    """A subscriber to whom nothing comes that the schemas do not describe."""

    def receive(self, wait_seconds: int = 1) -> list[Event]:
        events = super().receive(wait_seconds)
        for event in events:
            assert_described(event.detail_type, event.detail)
        return events


class SubscriberFactory(Protocol):
    def __call__(self, pattern: Mapping[str, object]) -> EventQueue: ...


@pytest.fixture
def subscriber(stack: Stack) -> SubscriberFactory:
    """Makes a queue of the test's own that gets what matches an EventBridge pattern."""

    def make(pattern: Mapping[str, object]) -> EventQueue:
        name = f"test-{uuid.uuid4().hex}"
        return DescribedQueue(stack.endpoint_url, subscribe(stack.endpoint_url, stack.bus_name, name, pattern))

    return make


@pytest.fixture(scope="session")
def shop(stack: Stack) -> Iterator[Shop]:
    """An account with campaigns of its own, for the whole tier."""
    account = create_account(stack.endpoint_url, stack.functions["accounts"], "Campaigns")
    pattern = {"detail": {"Account ID": [account.account_id]}}
    queue_url = subscribe(stack.endpoint_url, stack.bus_name, f"campaigns-{account.account_id}", pattern)
    outbox, queue = Outbox(stack.endpoint_url, stack.webhook_origin), DescribedQueue(stack.endpoint_url, queue_url)
    with client_of(stack, account) as api:
        yield Shop(stack, account, api, declare(stack, account), outbox, queue)
    outbox.close()


@pytest.fixture(scope="session")
def started(shop: Shop) -> Started:
    """All campaigns that have to wait for something, begun at once."""
    return start_campaigns(shop)

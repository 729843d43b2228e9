"""Accounts of the deployed stack, clients of its API, and subscribers of its bus."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Protocol

import httpx
import pytest

from local.stack import Account, Stack, create_account
from local.subscriber import EventQueue, subscribe


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    """Speaks to the API as the stack's own account."""
    with client_of(stack, stack.account) as client:
        yield client


def client_of(stack: Stack, account: Account) -> httpx.Client:
    return httpx.Client(base_url=stack.api_url, headers=account.headers, timeout=60, trust_env=False)


class AccountFactory(Protocol):
    def __call__(self, plan: str = "Advanced", *, private_beta: bool = True) -> Account: ...


@pytest.fixture
def account_factory(stack: Stack) -> AccountFactory:
    """Makes further accounts, by the deployed `accounts` function."""

    def make(plan: str = "Advanced", *, private_beta: bool = True) -> Account:
        name = f"Test {uuid.uuid4().hex[:8]}"
        return create_account(stack.endpoint_url, stack.functions["accounts"], name, plan, private_beta=private_beta)

    return make


class SubscriberFactory(Protocol):
    def __call__(self, pattern: Mapping[str, object]) -> EventQueue: ...


@pytest.fixture
def subscriber(stack: Stack) -> SubscriberFactory:
    """Makes a queue of the test's own that gets what matches an EventBridge pattern."""

    def make(pattern: Mapping[str, object]) -> EventQueue:
        name = f"test-{uuid.uuid4().hex}"
        return EventQueue(stack.endpoint_url, subscribe(stack.endpoint_url, stack.bus_name, name, pattern))

    return make

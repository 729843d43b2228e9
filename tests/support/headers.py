"""Requests as the authorizer sees them."""

from copy import deepcopy

from tests.support.events import Event, sample

ACCOUNT, PASSCODE = "X-CleverTap-Account-Id", "X-CleverTap-Passcode"


def event_with(headers: dict[str, list[str]]) -> Event:
    """Return the authorizer's sample with these headers beside those that every client sends."""
    event = deepcopy(sample("authorizer"))
    kept = {name: values for name, values in event["multiValueHeaders"].items() if name not in {ACCOUNT, PASSCODE}}
    event["multiValueHeaders"] = kept | headers
    event["headers"] = {name: values[-1] for name, values in event["multiValueHeaders"].items() if values}
    return event


def authorizer_event(account_id: str, passcode: str) -> Event:
    """Return a request with one value of each of the two headers."""
    return event_with({ACCOUNT: [account_id], PASSCODE: [passcode]})

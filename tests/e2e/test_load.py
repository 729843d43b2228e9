"""A burst on the stack of one machine: whoever waits too long is told to come again, and no answer is lost."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from local.stack import Stack
from tests.e2e.conftest import AccountFactory, client_of
from tests.support.waiting import PATIENCE_SECONDS, wait_until

CONNECTIONS = 50
REQUESTS = 2000
USERS = 1000


def test_fifty_cold_connections_get_all_their_answers_and_the_sums_agree(
    stack: Stack, account_factory: AccountFactory
) -> None:
    account = account_factory()

    def push(connection: int) -> Counter[str]:
        """Put every fiftieth user into the segment; each comes twice in all."""
        sums: Counter[str] = Counter()
        with client_of(stack, account) as api:
            for number in range(connection, REQUESTS, CONNECTIONS):
                sums.update(put(api, f"L{number % USERS}"))
        return sums

    with client_of(stack, account) as api:
        assert api.post("/api/createSegment", json=[{"segment_name": "Load", "customer_segment_id": "LOAD"}]).is_success
        with ThreadPoolExecutor(CONNECTIONS) as connections:
            sums = sum(connections.map(push, range(CONNECTIONS)), Counter[str]())
        assert sums == {"answers": REQUESTS, "added": USERS, "unchanged": REQUESTS - USERS, "profiles_created": USERS}

        def members() -> Any:
            (segment,) = api.get("/api/segments", params={"customer_segment_id": "LOAD"}).json()["segments"]
            return segment["members"]

        wait_until(lambda: members() == USERS, f"{USERS} members")
        wait_until(lambda: api.get("/api/usage").json()["data_points"] == USERS, f"{USERS} data points")


def put(api: httpx.Client, identity: str) -> Counter[str]:
    """Put a user into the segment, as often as it takes; return the sums of the answer."""
    user, segment = {"identity": identity}, {"customer_segment_id": "LOAD", "action": "ADD"}
    update = {"bulk_profiles": [{"user_profiles": [user], "segments": [segment]}]}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = api.post("/api/updateSegment", json=update, timeout=PATIENCE_SECONDS)
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            break
        assert answer.json() == {"status": "fail", "error": "too many requests", "code": 429}
        assert time.monotonic() < deadline
        time.sleep(int(answer.headers["Retry-After"]))
    assert answer.status_code == httpx.codes.OK, answer.text
    body = answer.json()
    assert body["unprocessed"] == []
    return Counter({"answers": 1, **body["summary"]})

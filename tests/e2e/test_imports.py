"""An import on the deployed stack: a file put at its signed URL, previewed, guarded, applied, undone."""

from typing import Any

import httpx

from tests.e2e.conftest import SubscriberFactory
from tests.e2e.test_profiles import Fresh, create, join, wait_for_counts
from tests.e2e.test_profiles import fresh as fresh  # noqa: PLC0414 - a fixture
from tests.support.waiting import wait_until

Json = Any


def begun(api: httpx.Client, segment: int, file: bytes, **wanted: Json) -> str:
    """Create an import, upload its file as a client does, and start it; return its id."""
    created = api.post("/api/imports", json={"segment": segment, "mode": "replace", **wanted}).json()
    upload = created["upload"]
    with httpx.Client(trust_env=False) as anybody:
        assert anybody.put(upload["url"], content=file, headers=upload["headers"]).status_code == 200
    answer = api.post(f"/api/imports/{created['import_id']}/start")
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "reading"
    return str(created["import_id"])


def ended(api: httpx.Client, import_id: str, *statuses: str) -> Json:
    """Wait until an import is in one of these states, and return it."""
    shown: Json = {}

    def is_there() -> bool:
        shown.update(api.get(f"/api/imports/{import_id}").json())
        assert shown["status"] != "failed", shown
        return shown["status"] in statuses

    wait_until(is_there, f"an import that is {' or '.join(statuses)}")
    return shown


def test_a_nightly_replace_is_refused_by_its_guard_then_previewed_applied_and_undone(
    fresh: Fresh, subscriber: SubscriberFactory
) -> None:
    account, api = fresh
    pattern = {"source": ["api-segments"], "detail": {"Account ID": [account.account_id]}}
    events = subscriber(pattern)
    (segment,) = create(api, "Lapsed")
    join(api, segment, *(f"u{number}" for number in range(4)))
    wait_for_counts(api, segment, 4)
    file = b"\xef\xbb\xbfidentity;name\r\nu0;Ada\r\nnew;Bob\r\n;nobody\r\nnew;again\r\n"

    refused = ended(api, begun(api, segment, file, guard={"max_removed_percent": 50}), "refused")
    assert refused["reason"] == "max_removed_percent is 50, and 3 of 4 members would be removed"

    import_id = begun(api, segment, file, apply="manual", guard={"max_removed_percent": 75})
    previewed = ended(api, import_id, "previewed")
    assert previewed["preview"] == {
        "rows": 4,
        "rejected": 1,
        "duplicate": 1,
        "skipped": 0,
        "unchanged": 1,
        "to_add": 1,
        "to_create": 1,
        "to_remove": 3,
    }
    with httpx.Client(trust_env=False) as anybody:
        assert b"nobody" in anybody.get(previewed["rejected_rows"]).content
    other = api.post("/api/imports", json={"segment": segment, "mode": "add"})
    assert (other.status_code, import_id in other.json()["error"]) == (409, True)

    assert api.post(f"/api/imports/{import_id}/apply").json()["status"] == "applying"
    done = ended(api, import_id, "done")
    assert done["result"] == {"added": 1, "removed": 3, "created": 1, "superseded": 0}
    wait_for_counts(api, segment, 2)

    assert api.post(f"/api/imports/{import_id}/undo").json()["status"] == "undoing"
    undone = ended(api, import_id, "undone")
    assert undone["undo"] == {"added": 3, "removed": 1, "left_alone": 0}
    wait_for_counts(api, segment, 4)
    listed = api.get("/api/imports").json()["imports"]
    assert [each["status"] for each in listed] == ["undone", "refused"]

    told: list[Json] = []

    def all_came() -> bool:
        told.extend(
            (event.detail_type, event.detail.get("Import Phase"), event.detail.get("Action"))
            for event in events.receive()
        )
        return ("Import Completed", None, None) in told and len(told) >= 11 + 2

    wait_until(all_came, "the events of the import")
    assert sorted(each for each in told if each[1] == "apply") == [
        ("Segment Membership Change", "apply", "ADD"),
        *[("Segment Membership Change", "apply", "REMOVE")] * 3,
    ]
    assert sum(each[1] == "undo" for each in told) == 4
    assert ("Import Refused", None, None) in told

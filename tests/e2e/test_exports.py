"""An export and a custom list on the deployed stack: files that leave by a signed link, and come in by one."""

import csv
import io
from typing import Any

import httpx

from tests.e2e.conftest import SubscriberFactory
from tests.e2e.test_profiles import Fresh, create, join, wait_for_counts
from tests.e2e.test_profiles import fresh as fresh  # noqa: PLC0414 - a fixture
from tests.support.waiting import wait_until

Json = Any


def exported(api: httpx.Client, segment: int) -> tuple[str, list[list[str]]]:
    """Export a segment; return the export's id and the rows of its file."""
    asked = api.post(f"/api/segments/{segment}/export").json()
    shown: Json = {}

    def is_over() -> bool:
        shown.update(api.get(f"/api/exports/{asked['export_id']}").json())
        assert shown["status"] != "failed", shown
        return bool(shown["status"] == "done")

    wait_until(is_over, "the export")
    with httpx.Client(trust_env=False) as anybody:
        file = anybody.get(shown["file"])
    assert file.headers["content-disposition"] == f'attachment; filename="segment-{segment}-members.csv"'
    rows = list(csv.reader(io.StringIO(file.text, newline="")))
    assert shown["members"] == len(rows) - 1
    return asked["export_id"], rows


def test_a_segment_leaves_as_a_file_and_comes_back_as_a_custom_list(
    fresh: Fresh, subscriber: SubscriberFactory
) -> None:
    account, api = fresh
    ends = {"detail-type": ["Export Completed", "Export Failed"], "detail": {"Account ID": [account.account_id]}}
    events = subscriber({"source": ["api-segments"], **ends})
    (segment,) = create(api, "Lapsed")
    join(api, segment, "ann", "+14155551234", "bob")
    wait_for_counts(api, segment, 3)
    export_id, (header, *rows) = exported(api, segment)
    assert header == ["identity", "guid", "added_at"]
    assert sorted(row[0] for row in rows) == ["'+14155551234", "ann", "bob"]
    told: set[Json] = set()

    def has_come() -> bool:
        told.update((each.detail_type, each.detail["Export ID"], each.detail["Members"]) for each in events.receive())
        return bool(told)

    wait_until(has_come, "the event of the export")
    assert told == {("Export Completed", export_id, 3)}

    # As a public client does it: no body, the file without a type, the link back.
    link = api.post("/get_custom_list_segment_url", headers={"Content-Type": "application/json"}).json()
    assert link["status"] == "success"
    with httpx.Client(trust_env=False) as anybody:
        assert anybody.put(link["presignedS3URL"], content=b"type,identity\ni,+14155551234\ni,nobody\n").is_success
    completed = api.post(
        "/upload_custom_list_segment_completed",
        json={
            "name": "From outside",
            "email": "ops@example.com",
            "filename": "list.csv",
            "creator": "Rudderstack",
            "url": link["presignedS3URL"],
            "replace": False,
        },
    )
    assert completed.json()["status"] == "success", completed.text
    list_id = completed.json()["Segment ID"]
    wait_for_counts(api, list_id, 1)
    assert api.get(f"/api/segments/{list_id}/members").json()["members"][0]["identity"] == "+14155551234"

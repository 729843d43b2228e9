"""An export and a custom list on the deployed stack: files that leave by a signed link, and come in by one."""

import csv
import io
from typing import Any

import httpx

from tests.e2e.test_profiles import Fresh, create, join, wait_for_counts
from tests.e2e.test_profiles import fresh as fresh  # noqa: PLC0414 - a fixture
from tests.support.waiting import wait_until

Json = Any


def exported(api: httpx.Client, segment: int) -> list[list[str]]:
    """Export a segment; return the rows of its file."""
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
    return rows


def test_a_segment_leaves_as_a_file_and_comes_back_as_a_custom_list(fresh: Fresh) -> None:
    _, api = fresh
    (segment,) = create(api, "Lapsed")
    join(api, segment, "ann", "+14155551234", "bob")
    wait_for_counts(api, segment, 3)
    header, *rows = exported(api, segment)
    assert header == ["identity", "guid", "added_at"]
    assert sorted(row[0] for row in rows) == ["'+14155551234", "ann", "bob"]

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

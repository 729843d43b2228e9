"""Files up and down through the stack's own handlers: each method of imports and exports, and its command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from client.tests.bucket import linked_s3
from client.tests.commands import account, called, objects
from tests.support.served import Served, served_api, serving

from api_segments_client import Client, ConflictError, ImportEndedError, ImportRefusedError, NotFoundError
from api_segments_client.models import Import


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Served]]:
    with linked_s3() as bucket, served_api(bucket) as api, serving(api) as url:
        yield url, api


@pytest.fixture(scope="module")
def client(served: tuple[str, Served]) -> Iterator[Client]:
    url, api = served
    with Client(url, api.account_id, api.passcode, timeout=60) as made:
        yield made


@pytest.fixture
def segment(client: Client, request: pytest.FixtureRequest) -> str:
    """A segment with ann and bob."""
    customer_id = request.node.name
    client.segments.create(customer_id, customer_id)
    client.members.push(customer_id, add=["ann", "bob"])
    return str(customer_id)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Bob and Eve, and a row that names nobody."""
    path = tmp_path / "users.csv"
    path.write_text("identity,name\nbob,Bob\neve,Eve\n,nobody\n", encoding="utf-8")
    return path


def members_of(client: Client, segment: str) -> set[str | None]:
    return {member.identity for member in client.members.list(segment)}


AFTER = {"add": {"ann", "bob", "eve"}, "remove": {"ann"}, "replace": {"bob", "eve"}}


@pytest.mark.parametrize("mode", AFTER)
def test_a_file_is_imported_in_each_mode_and_undone(client: Client, segment: str, file: Path, mode: str) -> None:
    uploaded: list[tuple[int, int]] = []
    told: list[str] = []
    done: Import = getattr(client.imports, mode)(
        segment,
        file,
        on_bytes=lambda *now: uploaded.append(now),
        on_status=lambda now: told.append(now.status),
    )
    assert (done.mode, done.status, done.file_name) == (mode, "done", "users.csv")
    assert members_of(client, segment) == AFTER[mode]
    assert uploaded[-1] == (file.stat().st_size,) * 2
    assert (told[0], told[-1]) == ("awaiting_upload", "done")
    rejected = client.imports.save_rejected_rows(done.import_id, file.with_name("rejected.csv"))
    assert "nobody" in rejected.read_text("utf-8")
    assert [each.import_id for each in client.imports.list(segment)] == [done.import_id]
    assert client.imports.undo(done.import_id).status == "undone"
    assert members_of(client, segment) == {"ann", "bob"}


@pytest.mark.parametrize("mode", AFTER)
def test_a_file_is_imported_in_each_mode_by_its_command(
    client: Client, served: tuple[str, Served], segment: str, file: Path, mode: str
) -> None:
    url, api = served
    command = ("import", file.name, "--segment", segment, "--mode", mode, "--yes", "--json")
    done = called(file.parent, account(url, api.account_id, api.passcode), *command, code=6)
    assert objects(done)[0]["status"] == "done"
    assert members_of(client, segment) == AFTER[mode]


@pytest.mark.parametrize("mode", AFTER)
def test_an_import_is_previewed_and_applied_or_cancelled(client: Client, segment: str, file: Path, mode: str) -> None:
    preview = getattr(client.imports, mode)
    first = preview(segment, file, preview=True)
    assert (first.status, members_of(client, segment)) == ("previewed", {"ann", "bob"})
    assert client.imports.cancel(first.import_id).status == "cancelled"
    with pytest.raises(ConflictError):
        client.imports.apply(first.import_id)
    second = preview(segment, file, preview=True)
    assert client.imports.get(second.import_id) == second
    assert client.imports.apply(second.import_id).status == "done"
    assert members_of(client, segment) == AFTER[mode]
    assert client.imports.wait(second.import_id, "done").status == "done"
    with pytest.raises(ImportEndedError):
        client.imports.wait(second.import_id, "previewed")


def test_a_guard_refuses_and_one_key_is_one_import(client: Client, segment: str, file: Path) -> None:
    with pytest.raises(ImportRefusedError):
        client.imports.replace(segment, file, guard={"max_removed": 0})
    file.write_text("identity\nbob\nunknown\n", encoding="utf-8")
    done = client.imports.add(segment, file, key="tonight", unknown_users="skip")
    assert (done.unknown_users, members_of(client, segment)) == ("skip", {"ann", "bob"})
    again = client.imports.add(segment, file, key="tonight", unknown_users="skip")
    assert again.import_id == done.import_id == client.imports.resume(done.import_id, file).import_id


def test_a_custom_list_is_the_segment_of_its_name(client: Client, file: Path) -> None:
    client.profiles.upload([{"identity": "bob", "type": "profile", "profileData": {"Name": "Bob"}}])
    file.write_text("identity\nbob\nunknown\n", encoding="utf-8")
    listed = client.imports.custom_list("Lapsed", file, email="ops@example.com", creator="Ops")
    assert {member.identity for member in client.members.list(listed)} == {"bob"}
    with pytest.raises(ConflictError):
        client.imports.custom_list("Lapsed", file)
    file.write_text("identity\nann\n", encoding="utf-8")
    client.profiles.upload([{"identity": "ann", "type": "profile", "profileData": {"Name": "Ann"}}])
    assert client.imports.custom_list("Lapsed", file, replace=True) == listed
    assert {member.identity for member in client.members.list(listed)} == {"ann"}


def test_a_segment_is_exported(client: Client, segment: str, tmp_path: Path) -> None:
    exported = client.exports.save(segment, tmp_path / "members.csv")
    assert (exported.status, exported.members) == ("done", 2)
    lines = (tmp_path / "members.csv").read_text("utf-8-sig").splitlines()
    assert {line.split(",")[0] for line in lines} == {"identity", "ann", "bob"}
    assert [each.export_id for each in client.exports.list(segment)] == [exported.export_id]
    assert client.exports.get(exported.export_id).status == "done"
    with pytest.raises(NotFoundError):
        client.exports.create("none")

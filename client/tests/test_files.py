"""Imports and exports: files up and down, with addresses that end and connections that break."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from client.tests.conftest import MakeClient
from client.tests.server import Reply, Request

from api_segments_client import (
    ConflictError,
    ExportFailedError,
    FileUploadError,
    ImportCancelledError,
    ImportEndedError,
    ImportFailedError,
    ImportRefusedError,
    NoAnswerError,
    NotFoundError,
    Retry,
)
from api_segments_client import imports as module

MOMENT = "2026-11-23T14:13:54.567890Z"
EXPIRED = Reply(403, raw=b"<Error><Code>AccessDenied</Code>Request has expired</Error>")
NO_ANSWER = Reply(503, {"status": "fail", "error": "no answer in time", "code": 503})


@dataclass
class Warehouse:
    """The calls of imports and exports, and the storage beside them; the address of an upload is another each time."""

    uploads: list[Reply | None] = field(default_factory=list)
    """What storage answers to one PUT after the other; then it takes the file."""
    steps: list[str] = field(default_factory=lambda: ["reading", "applying", "done"])
    starts: list[Reply | None] = field(default_factory=list)
    downloads: list[Reply | None] = field(default_factory=list)
    status: str = "awaiting_upload"
    apply: str = "auto"
    addresses: int = 0
    put_at: list[str] = field(default_factory=list)
    stored: bytes = b""
    seen: list[Request] = field(default_factory=list)
    reason: str | None = None
    rejected: bool = True
    asked: list[Reply] = field(default_factory=list)
    """What is answered to the calls that cancel, apply and undo; then they are carried out."""
    result: Any = None
    preview: Any = None
    busy: list[Reply | None] = field(default_factory=list)
    """What is answered instead to one look at an import after the other; None: it is shown."""
    meanwhile: Callable[[], object] = lambda: None

    def __call__(self, request: Request) -> Reply | None:  # noqa: PLR0911 - one return a call
        self.seen.append(request)
        host = f"http://{request.headers['Host']}"
        if request.method == "PUT":
            return self.put(request)
        if request.path.startswith("/file"):
            return self.downloads.pop(0) if self.downloads else Reply(raw=b"identity,guid,added_at\na,g,\n")
        if request.path == "/api/imports" and request.method == "POST":
            self.apply = request.json["apply"]
        if request.path.endswith("/start"):
            self.status = self.steps.pop(0)
            lost = self.starts.pop(0) if self.starts else Reply()
            return lost if lost is None or lost.status != 200 else Reply(body=self.shown(host))
        if request.path.endswith(("/cancel", "/apply", "/undo")):
            said = self.asked.pop(0) if self.asked else Reply()
            if said.status != 200:
                return said
            self.status = self.steps.pop(0)
            return Reply(body=self.shown(host))
        if "export" in request.path:
            body = {
                "export_id": "x",
                "segment_id": 7,
                "status": self.status,
                "created_at": MOMENT,
                "reason": self.reason,
            }
            self.status = "done" if self.status == "writing" else self.status
            return Reply(body={**body, "file": f"{host}/file?X-Amz-Signature=s3cr3t"})
        if request.method == "GET" and self.busy and (instead := self.busy.pop(0)) is not None:
            return instead
        body = self.shown(host)
        if (
            request.method == "GET"
            and self.status not in {"awaiting_upload", "previewed", "done", "undone", "cancelled", "failed"}
            and self.steps
        ):
            self.status = self.steps.pop(0)
        return Reply(body=body)

    def put(self, request: Request) -> Reply | None:
        self.put_at.append(request.path)
        self.meanwhile()
        said = self.uploads.pop(0) if self.uploads else Reply(raw=b"")
        if said is not None and said.status == 200:
            self.stored = request.body
        return said

    def shown(self, host: str) -> Any:
        upload = None
        if self.status == "awaiting_upload":
            self.addresses += 1
            url = f"{host}/bucket/{self.addresses}?X-Amz-Signature=s3cr3t"
            headers = {"Content-Type": "application/octet-stream"}
            upload = {"url": url, "method": "PUT", "headers": headers, "expires_at": MOMENT}
        return {
            "import_id": "i-1",
            "segment_id": 7,
            "mode": "replace",
            "status": self.status,
            "created_at": MOMENT,
            "reason": self.reason,
            "apply": self.apply,
            "upload": upload,
            "result": self.result,
            "preview": self.preview,
            "rejected_rows": f"{host}/file?X-Amz-Signature=s3cr3t" if self.rejected else None,
        }


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_LOOK_SECONDS", 0.001)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "users.csv"
    path.write_bytes(b"identity\n" + b"".join(b"u%d\n" % number for number in range(200_000)))
    return path


def test_a_file_is_put_started_waited_for_and_its_progress_told(client_of: MakeClient, file: Path) -> None:
    house = Warehouse()
    told: list[tuple[int, int]] = []
    states: list[str] = []
    done = client_of(house).imports.replace(
        "S",
        file,
        guard={"max_removed_percent": 20},
        on_bytes=lambda through, size: told.append((through, size)),
        on_status=lambda now: states.append(now.status),
    )
    size = file.stat().st_size
    assert (done.status, house.stored) == ("done", file.read_bytes())
    assert told == sorted(told)
    assert (len(told) > 3, told[-1]) == (True, (size, size))
    assert states == ["awaiting_upload", "reading", "applying", "done"]
    created, put = house.seen[0], next(request for request in house.seen if request.method == "PUT")
    assert created.json["segment"] == {"customer_segment_id": "S"}
    assert (created.json["mode"], created.json["guard"]) == ("replace", {"max_removed_percent": 20})
    assert created.json["file_name"] == "users.csv"
    assert put.headers["Content-Type"] == "application/octet-stream"
    assert "X-CleverTap-Passcode" in created.headers
    assert [name for name in put.headers if name.lower().startswith("x-clevertap")] == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (b"l\xc3\xa4psed \xf0\x9f\x98\x80.csv", "läpsed 😀.csv"),
        (b"l\xe4psed\n\x7f\xef\xbf\xbd.csv", "l_psed___.csv"),
        (b" ", None),
        (b"\xe2\x80\x8b", None),  # it has no width
    ],
)
def test_a_file_of_any_name_can_be_imported(
    client_of: MakeClient, tmp_path: Path, name: bytes, told: str | None
) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_text("identity\nann\n")
    house = Warehouse()
    assert client_of(house).imports.replace(7, path).status == "done"
    assert house.seen[0].json["file_name"] == told


@pytest.mark.parametrize("failed", [EXPIRED, Reply(500), NO_ANSWER, None], ids=["expired", "500", "503", "reset"])
def test_a_failed_upload_goes_to_a_fresh_address(client_of: MakeClient, file: Path, failed: Reply | None) -> None:
    house = Warehouse(uploads=[failed])
    assert client_of(house).imports.add(7, file).status == "done"
    assert house.stored == file.read_bytes()
    assert len(house.put_at) == len(set(house.put_at)) == 2


@pytest.mark.parametrize(("answers", "tries"), [([EXPIRED] * 3, 2), ([Reply(411, raw=b"length")], 1)])
def test_storage_that_refuses_is_told(client_of: MakeClient, file: Path, answers: list[Reply], tries: int) -> None:
    house = Warehouse(uploads=[*answers])
    with pytest.raises(FileUploadError, match=r"users\.csv could not be uploaded: storage answered 4"):
        client_of(house).imports.replace(7, file)
    assert len(house.put_at) == tries
    assert not any(request.path.endswith("/start") for request in house.seen)


def test_a_file_that_changes_meanwhile_is_not_started(client_of: MakeClient, file: Path) -> None:
    house = Warehouse(meanwhile=lambda: file.write_text("identity\nother\n"))
    with pytest.raises(FileUploadError, match="was changed while it was uploaded"):
        client_of(house).imports.replace(7, file)
    assert not any(request.path.endswith("/start") for request in house.seen)


def test_an_import_of_before_under_the_same_key_is_only_waited_for(client_of: MakeClient, file: Path) -> None:
    house = Warehouse(status="applying", steps=["done"])
    assert client_of(house).imports.replace(7, file, key="lapsed-2026-11-23").status == "done"
    assert house.put_at == []
    assert house.seen[0].headers["Idempotency-Key"] == "lapsed-2026-11-23"
    assert not any(request.path.endswith("/start") for request in house.seen)


def test_a_start_whose_answer_was_lost_is_no_conflict(client_of: MakeClient, file: Path) -> None:
    conflict = Reply(409, {"status": "fail", "error": "import i-1 is done", "code": 409})
    house = Warehouse(starts=[None, conflict], steps=["reading", "applying", "done"])
    assert client_of(house).imports.replace(7, file).status == "done"
    for starts in ([conflict], [Reply(429, {"error": "too many requests"}), conflict]):
        with pytest.raises(ConflictError):
            client_of(Warehouse(starts=[*starts], steps=["reading", "reading"])).imports.replace(7, file)


@pytest.mark.parametrize(
    ("status", "kind"),
    [("refused", ImportRefusedError), ("failed", ImportFailedError), ("cancelled", ImportCancelledError)],
)
def test_how_an_import_ends_is_told_with_its_figures(
    client_of: MakeClient, file: Path, status: str, kind: type[ImportEndedError]
) -> None:
    house = Warehouse(steps=["reading", status], reason="max_removed_percent is 20, and 3 of 4 would be removed")
    with pytest.raises(kind, match="max_removed_percent is 20") as ended:
        client_of(house).imports.replace(7, file)
    assert ended.value.imported.import_id == "i-1"


def test_what_may_pass_does_not_end_the_waiting(client_of: MakeClient, file: Path) -> None:
    throttled = Reply(429, {"error": "too many requests"}, {"Retry-After": "0"})
    house = Warehouse(busy=[throttled, NO_ANSWER, None, None, throttled, Reply(502, raw=b"<html>"), NO_ANSWER])
    assert client_of(house).imports.add(7, file).status == "done"
    assert house.busy == []


RESULT = {"added": 500, "removed": 0, "created": 20, "superseded": 1}


@pytest.mark.parametrize("end", ["cancelled", "done"])
def test_a_cancelled_import_is_waited_for_until_its_steps_have_stopped(client_of: MakeClient, end: str) -> None:
    house = Warehouse(status="applying", steps=["cancelling", "cancelling", end], result=RESULT)
    states: list[str] = []
    stopped = client_of(house).imports.cancel("i-1", on_status=lambda now: states.append(now.status))
    assert (stopped.status, states) == (end, ["cancelling", "cancelling", end])
    assert stopped.result is not None
    assert stopped.result.added == 500


def test_who_waits_for_an_import_that_is_cancelled_is_told_what_it_changed(client_of: MakeClient, file: Path) -> None:
    house = Warehouse(steps=["applying", "cancelling", "cancelled", "undoing", "undone"], result=RESULT)
    client = client_of(house)
    with pytest.raises(ImportCancelledError) as ended:
        client.imports.add(7, file)
    assert ended.value.imported.result is not None
    assert client.imports.undo("i-1").status == "undone"


def test_a_preview_is_waited_for_and_changes_nothing(client_of: MakeClient, file: Path) -> None:
    house = Warehouse(steps=["reading", "previewed"])
    assert client_of(house).imports.replace(7, file, preview=True).status == "previewed"
    assert house.seen[0].json["apply"] == "manual"


def test_no_file_is_told_before_anything_is_asked(client_of: MakeClient, tmp_path: Path) -> None:
    house = Warehouse()
    with pytest.raises(FileUploadError, match="is no file"):
        client_of(house).imports.replace(7, tmp_path / "none.csv")
    assert house.seen == []


@pytest.mark.parametrize(
    "failed", [Reply(missing=5, raw=b"identity,guid\n"), EXPIRED, None], ids=["half", "403", "reset"]
)
def test_a_download_that_breaks_off_begins_anew(client_of: MakeClient, tmp_path: Path, failed: Reply | None) -> None:
    house = Warehouse(status="writing", downloads=[failed])
    target = tmp_path / "members.csv"
    target.write_text("of before")
    assert client_of(house).exports.save(7, target).status == "done"
    assert target.read_text() == "identity,guid,added_at\na,g,\n"
    assert [path.name for path in tmp_path.iterdir()] == ["members.csv"]


def test_a_download_that_fails_leaves_what_was_there(client_of: MakeClient, tmp_path: Path) -> None:
    target = tmp_path / "members.csv"
    target.write_text("of before")
    with pytest.raises(NotFoundError):
        client_of(Warehouse(status="done", downloads=[Reply(404, raw=b"NoSuchKey")])).exports.save(7, target)
    assert target.read_text() == "of before"
    with pytest.raises(ExportFailedError, match="the segment was deleted"):
        client_of(Warehouse(status="failed", reason="the segment was deleted")).exports.save(7, target)


def test_storage_that_can_not_be_reached_is_named(client_of: Any, file: Path) -> None:
    impatient = Retry(patience=0)
    house = Warehouse(uploads=[None], downloads=[None])
    with pytest.raises(FileUploadError, match=r"the upload to 127\.0\.0\.1:\d+ broke off: "):
        client_of(house, impatient).imports.add(7, file)
    with pytest.raises(NoAnswerError, match=r"the download from 127\.0\.0\.1:\d+ broke off: ") as failed:
        client_of(house, impatient).imports.save_rejected_rows("i-1", file.with_name("rejected.csv"))
    assert "s3cr3t" not in str(failed.value)


def test_rejected_rows_are_fetched(client_of: MakeClient, tmp_path: Path) -> None:
    client_of(Warehouse(status="done")).imports.save_rejected_rows("i-1", tmp_path / "rejected.csv")
    assert (tmp_path / "rejected.csv").read_text().startswith("identity")
    with pytest.raises(NotFoundError, match="has no rejected rows"):
        client_of(Warehouse(status="done", rejected=False)).imports.save_rejected_rows("i-1", tmp_path / "none.csv")


def test_signed_addresses_are_in_no_log(client_of: MakeClient, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    done = client_of(Warehouse(uploads=[EXPIRED])).imports.replace(7, file)
    assert "PUT" in caplog.text
    assert "s3cr3t" not in caplog.text + repr(done)

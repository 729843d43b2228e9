"""What is known of users: uploaded, looked up, erased; the suppression list."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from api_segments_client.decoding import decode
from api_segments_client.errors import ApiError, NotFoundError
from api_segments_client.members import OnRefused, of_user, teller
from api_segments_client.models import FoundProfile, Guid, Profile, Refused, Suppression
from api_segments_client.pages import pages
from api_segments_client.push import MAY_PASS
from api_segments_client.sending import Outcome, Progress, Sender
from api_segments_client.totals import UploadTotals
from api_segments_client.transport import THROTTLED, Transport

Record = Mapping[str, Any]
RECORDS_PER_REQUEST = 1000
BYTES_PER_REQUEST = 3_900_000
"""The API takes 4 MiB."""
_REFUSED = 400
_broken = re.compile("[\ud800-\udfff]").search


class Profiles:
    """`client.profiles`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(
        self,
        records: Iterable[Record],
        *,
        in_flight: int = 1,
        dry_run: bool = False,
        on_progress: Callable[[UploadTotals], object] | None = None,
        on_refused: OnRefused | None = None,
    ) -> UploadTotals:
        """Upload records of any number, as `POST /1/upload` takes them; return what became of them.

        Records of one user are applied in their order as long as one request goes at a time; with more in flight, let
        no user have records that are a thousand apart. `dry_run` checks all and writes nothing. Else as
        `members.push`.
        """
        path = "1/upload?dryRun=1" if dry_run else "1/upload"
        with ExitStack() as ending:
            sender: Sender[list[Record], UploadTotals] = Sender(
                partial(_send_records, self._transport, path),
                len,
                Progress(UploadTotals()),
                in_flight,
                on_progress,
                teller(on_refused, ending),
            )
            return sender.run(_batched(records))

    def get(self, user: str) -> Profile:
        """Return what is known of a user, an identity or a `Guid`; NotFoundError for an unknown one."""
        by_guid = "objectId" if self._transport.is_clevertap else "guid"
        query: dict[str, str | int | None] = {by_guid if isinstance(user, Guid) else "identity": user}
        return decode(Profile, self._transport.call("GET", "1/profile.json", query=query).body["record"], "record")

    def find(self, *, email: str | None = None, phone: str | None = None) -> Iterator[FoundProfile]:
        """Give all users who have an email address, or a phone number (E.164)."""
        given = _address(email, phone)
        return pages(self._transport, "api/profiles", "profiles", FoundProfile, 1000, given)

    def erase(self, user: str) -> None:
        """Erase a user, an identity or a `Guid`, for good; NotFoundError for an unknown one.

        CleverTap does not tell whether there was one.
        """
        if self._transport.is_clevertap:
            named = {"guid" if isinstance(user, Guid) else "identity": str(user)}
            self._transport.call("POST", "1/delete/profiles.json", named)
            return
        path, query = of_user("api/profiles/", user)
        attempts = self._transport.retry.attempts()
        try:
            self._transport.call("DELETE", path, query=query, attempts=attempts)
        except NotFoundError:
            if not attempts.lost:  # else an earlier try may have erased the user
                raise

    def suppressions(self, *, email: str | None = None, phone: str | None = None) -> Iterator[Suppression]:
        """Give the suppression list, or what is known of one address."""
        given = _address(email, phone) if email or phone else None
        return pages(self._transport, "api/suppressions", "suppressions", Suppression, 1000, given)

    def suppress(self, *, email: str | None = None, phone: str | None = None) -> Suppression:
        """Put an address on the suppression list: no messages go to it any more."""
        return self._suppression("PUT", email, phone)

    def lift(self, *, email: str | None = None, phone: str | None = None) -> Suppression:
        """Take an address off the suppression list; do so only when its user has asked for it."""
        return self._suppression("DELETE", email, phone)

    def _suppression(self, method: str, email: str | None, phone: str | None) -> Suppression:
        body = self._transport.call(method, "api/suppressions", query=_address(email, phone)).body
        return decode(Suppression, body["suppression"], "suppression")


def _address(email: str | None, phone: str | None) -> dict[str, str | int | None]:
    if (email is None) == (phone is None):
        raise ValueError("give an email address or a phone number, one of them")
    return {"email": email, "phone": phone}


def _batched(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size = 0
    for record in records:
        length = len(json.dumps(record)) + 1
        if batch and (len(batch) == RECORDS_PER_REQUEST or size + length > BYTES_PER_REQUEST):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += length
    if batch:
        yield batch


def _send_records(transport: Transport, path: str, batch: list[Record], stop: threading.Event) -> Outcome[UploadTotals]:
    """Upload records until each is written or refused, or patience is over."""
    outcome = Outcome(UploadTotals(given=len(batch)))
    attempts = transport.retry.attempts(stop)
    refused: dict[int, Refused] = {}
    written: set[int] = set()
    doubtful: set[int] = set()
    for index, record in enumerate(batch):
        if (flaw := _flaw(record)) is not None:
            refused[index] = Refused(record, _REFUSED, flaw)
    pending = [index for index in range(len(batch)) if index not in refused]
    try:
        while pending:
            outcome.totals.requests += 1
            body = {"d": [batch[index] for index in pending]}
            try:
                answer = transport.call("POST", path, body, attempts=attempts)
            finally:
                if attempts.lost:
                    doubtful = {*pending}
            before, doubtful = doubtful, {*pending}  # until the answer has been understood
            failed = _failed(answer.body.get("unprocessed") or (), batch, pending)
            doubtful = {index for index, entry in failed.items() if index in before or entry.code != THROTTLED}
            written.update({*pending} - failed.keys())
            for index in pending:
                refused.pop(index, None)
            refused |= {index: entry for index, entry in failed.items() if entry.code not in MAY_PASS}
            pending = _again(batch, pending, {index for index in failed if index not in refused})
            if pending and not attempts.wait(answer.retry_after, f"{len(pending):,} records were not written yet"):
                outcome.error = ApiError.of(503, "the API did not write these records in time")
                break
    except Exception as exc:  # noqa: BLE001 - told by the upload, with totals that add up
        outcome.error = exc
    # What was written before may be sent again behind an earlier record of its user.
    unwritten = {*pending} - refused.keys() - written
    outcome.totals.unconfirmed = len(unwritten & doubtful)
    outcome.totals.not_sent = len(unwritten) - outcome.totals.unconfirmed
    for _, entry in sorted(refused.items()):
        outcome.refuse(entry)
    outcome.totals.processed = len(batch) - len(refused) - len(unwritten)
    return outcome


def _flaw(record: Record) -> str | None:
    """Return what JSON can't have of a record, which would have the whole request refused; None if it can have all."""
    try:
        if "\\ud" not in json.dumps(record, allow_nan=False):
            return None
    except ValueError:
        pass
    return next(_flaws(record, ""), None)


def _flaws(value: object, place: str) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{place} is {value}, which is no number in JSON"
    elif isinstance(value, str) and _broken(value):
        yield f"{place} has half of a character, which is no text in JSON"
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _flaws(name, place)
            yield from _flaws(each, f"{place}.{name}" if place else str(name))
    elif isinstance(value, (list, tuple)):
        for index, each in enumerate(value):
            yield from _flaws(each, f"{place}[{index}]")


def _failed(unprocessed: Iterable[Any], batch: list[Record], sent: list[int]) -> dict[int, Refused]:
    """Return the entries that failed, by where they stand in the batch: they repeat the record, or say where it is."""
    places: dict[str, list[int]] = {}
    for index in reversed(sent):
        places.setdefault(json.dumps(batch[index], sort_keys=True), []).append(index)
    failed: dict[int, Refused] = {}
    for entry in unprocessed:
        record = entry["record"]
        at = record.get("d") if record.keys() == {"d"} else None
        index = places[json.dumps(record, sort_keys=True)].pop() if at is None else sent[at]
        failed[index] = Refused(batch[index], entry["code"], entry["error"])
    return failed


def _again(batch: list[Record], sent: list[int], failed: set[int]) -> list[int]:
    """Return what to send again: each user's records from the first on that could not be written, so in their order."""
    begins: dict[object, int] = {}
    for index in sorted(failed):
        begins.setdefault(_user(batch[index]), index)
    return [index for index in sent if index >= begins.get(_user(batch[index]), len(batch))]


def _user(record: Record) -> object:
    return record.get("identity"), record.get("objectId")

"""Segments: created, listed, changed, compared, verified."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from hashlib import md5
from typing import Any

from api_segments_client.decoding import decode
from api_segments_client.errors import ApiError, NotFoundError, UnexpectedAnswerError
from api_segments_client.models import (
    Creation,
    Day,
    Guid,
    NewSegment,
    Overlap,
    Refused,
    Segment,
    SegmentName,
    Verification,
)
from api_segments_client.pages import pages
from api_segments_client.push import MAY_PASS, SegmentKey
from api_segments_client.transport import Transport

SETTLE_SECONDS = 10.0
"""Counts follow changes within about two seconds."""


class Segments:
    """`client.segments`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        segment_name: str,
        customer_segment_id: str | None = None,
        *,
        description: str | None = None,
        tags: Sequence[str] = (),
        key: str | None = None,
    ) -> SegmentName:
        """Create a segment; `key` is as for `create_many`. Raises ConflictError where the id is in use."""
        new = NewSegment(segment_name, customer_segment_id, description, tuple(tags))
        creation = self.create_many([new], key=key)
        for refused in creation.refused:
            raise ApiError.of(refused.code, refused.error)
        return creation.segments[0]

    def create_many(self, segments: Sequence[NewSegment], *, key: str | None = None) -> Creation:
        """Create 1 to 100 segments; return them, and the entries that were refused.

        `key` is the Idempotency-Key, for 24 hours: with the same key and segments nothing is created again. Without
        one this call makes one up, so that it can repeat itself. CleverTap knows no such keys: there, an answer that
        got lost is NoAnswerError with `may_be_done`.
        """
        body = [_new(segment) for segment in segments]
        headers = {} if self._transport.is_clevertap else {"Idempotency-Key": key or str(uuid.uuid4())}
        attempts = self._transport.retry.attempts()
        while True:
            answer = self._transport.call(
                "POST", "api/createSegment", body, headers=headers, may_repeat=bool(headers), attempts=attempts
            )
            told = answer.body
            if not isinstance(told, dict):
                raise UnexpectedAnswerError("the answer to a creation is no object")
            refused = [Refused(each["record"], each["code"], each["error"]) for each in told.get("unprocessed") or ()]
            # Such an answer is not final: the whole request again, under its key.
            if headers and MAY_PASS.intersection(each.code for each in refused):
                what = "not all segments were created yet"
                if attempts.wait(answer.retry_after, what):
                    continue
            created = decode(tuple[SegmentName, ...], told.get("segments") or [], "segments")
            return Creation(created, tuple(refused))

    def list(
        self,
        *,
        status: str = "active",
        customer_segment_id_prefix: str | None = None,
        tag: str | None = None,
        page_size: int = 1000,
    ) -> Iterator[Segment]:
        """Give segments with their counts, the newest first; `status` is `active`, `deleted` or `all`."""
        given = {"status": status, "customer_segment_id_prefix": customer_segment_id_prefix, "tag": tag}
        return pages(self._transport, "api/segments", "segments", Segment, page_size, given)

    def get(self, segment: SegmentKey) -> Segment:
        """Return a segment; NotFoundError if there is none, a deleted one has `status` deleted."""
        if isinstance(segment, int):
            return decode(Segment, self._transport.call("GET", f"api/segments/{segment}").body, "segment")
        given = {"status": "all", "customer_segment_id": segment}
        for found in pages(self._transport, "api/segments", "segments", Segment, None, given):
            return found
        raise NotFoundError(404, f"there is no segment with the customer_segment_id {segment}")

    def id_of(self, segment: SegmentKey) -> int:
        """Return the API's id of a segment, which is looked up where `segment` is your own id of it."""
        return segment if isinstance(segment, int) else self.get(segment).id

    def change(
        self,
        segment: SegmentKey,
        *,
        segment_name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Segment:
        """Change a segment's name, description or tags, whichever is given; an empty description takes it away."""
        wanted: dict[str, Any] = {"segment_name": segment_name, "tags": None if tags is None else [*tags]}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        if description is not None:
            wanted["description"] = description or None
        path = f"api/segments/{self.id_of(segment)}"
        return decode(Segment, self._transport.call("PATCH", path, wanted).body, "segment")

    def delete(self, segment: SegmentKey) -> Segment:
        """Delete a segment for good, also once more; ConflictError if a campaign uses it."""
        return decode(Segment, self._transport.call("DELETE", f"api/segments/{self.id_of(segment)}").body, "segment")

    def history(self, segment: SegmentKey, *, first: date | None = None, last: date | None = None) -> Sequence[Day]:
        """Return the days of a segment (UTC), the oldest first: without dates the last 90 up to today."""
        query = {"from": None if first is None else first.isoformat(), "to": None if last is None else last.isoformat()}
        body = self._transport.call("GET", f"api/segments/{self.id_of(segment)}/history", query=query).body
        return decode(tuple[Day, ...], body["days"], "days")

    def overlap(self, segments: Iterable[SegmentKey]) -> Overlap:
        """Return how many users 2 to 5 segments have in common."""
        body = {"segments": [self.id_of(segment) for segment in segments]}
        return decode(Overlap, self._transport.call("POST", "api/segments/overlap", body).body, "overlap")

    def verify(self, segment: SegmentKey, rows: Iterable[str], *, settle: float = SETTLE_SECONDS) -> Verification:
        """Compare a segment's members with a list of users, who are in it once each, by one number of each.

        Nothing is downloaded. Counts follow changes within a moment: as long as the two differ the segment is read
        again, for up to `settle` seconds.
        """
        expected, members = digest_of(rows)
        segment_id = self.id_of(segment)
        until = time.monotonic() + settle
        while True:
            compared = Verification(self.get(segment_id), members, expected)
            if compared.matches or time.monotonic() >= until:
                return compared
            time.sleep(0.5)


def digest_of(rows: Iterable[str]) -> tuple[str, int]:
    """Return the digest that a segment of these users has, and how many they are."""
    total = members = 0
    for user in rows:
        text = f"guid:{user}" if isinstance(user, Guid) else user
        total += int(md5(text.encode(), usedforsecurity=False).hexdigest()[:15], 16)
        members += 1
    return str(total), members


def _new(segment: NewSegment) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "segment_name": segment.segment_name,
        "customer_segment_id": segment.customer_segment_id,
        "description": segment.description,
        "tags": [*segment.tags],
    }
    return {name: value for name, value in wanted.items() if value not in (None, [])}

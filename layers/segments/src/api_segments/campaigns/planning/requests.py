"""What requests to /1/targets ask for, in the domain's words, and the part of a list that they want."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from api_segments.campaigns.model import CampaignStatus, TargetMode
from api_segments.campaigns.planning import bodies as target_bodies
from api_segments.campaigns.planning.creation import Duplicate, NewCampaign, RequestKey
from api_segments.campaigns.planning.editing import Edit
from api_segments.campaigns.planning.named_segments import AskedAudience, SegmentAt
from api_segments.campaigns.planning.previews import Preview, TestMessage
from api_segments.campaigns.planning.reads import CampaignFilter
from api_segments.campaigns.planning.times import NOW, start_of_day
from api_segments.core.errors import InvalidRequestError
from api_segments.core.limits import MAX_CAMPAIGN_SEGMENTS
from api_segments.http.cursors import Cursors
from api_segments.http.gateway import Request
from api_segments.http.parameters import Paging, idempotency_key
from api_segments.http.validation import read_body, validate
from api_segments.memberships.model import Action


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A campaign to create, under which Idempotency-Key; or only to estimate."""

    campaign: NewCampaign
    estimate_only: bool
    key: RequestKey | None


def parse_create(request: Request) -> CreateRequest:
    """Read POST /1/targets/create.json; raises InvalidRequestError or BodyTooLargeError."""
    raw = read_body(request.body)
    body = validate(target_bodies.CREATE, raw)
    estimate_only = body.get("estimate_only", False)
    audience = _audience(body)
    if not estimate_only:
        for name in ("name", "content", "when"):
            if name not in body:
                raise InvalidRequestError(f"{name}: is required")
    when = body.get("when")
    campaign = NewCampaign(
        name=body.get("name", ""),
        target_mode=TargetMode(body["target_mode"]),
        audience=audience,
        when=when if isinstance(when, str) else None,
        content=body.get("content"),
        users_limit=body.get("users_limit_overall"),
    )
    return CreateRequest(campaign, estimate_only, _request_key(request, raw))


def _request_key(request: Request, raw: object) -> RequestKey | None:
    key = idempotency_key(request.headers)
    digest = sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()
    return None if key is None else RequestKey(key, digest)


def parse_duplicate(request: Request) -> tuple[Duplicate, RequestKey | None]:
    """Read POST /1/targets/duplicate.json; raises InvalidRequestError or BodyTooLargeError."""
    raw = read_body(request.body)
    body = validate(target_bodies.DUPLICATE, raw)
    when = body["when"]
    trigger = None if isinstance(when, str) else _trigger(when)
    duplicate = Duplicate(body["id"], body.get("name"), when if isinstance(when, str) else None, trigger)
    # The same key with the same body for creations of both kinds would still be another request.
    return duplicate, _request_key(request, ["duplicate", raw])


def parse_edit(body: bytes) -> Edit:
    """Read POST /1/targets/edit.json; raises InvalidRequestError or BodyTooLargeError."""
    asked = validate(target_bodies.EDIT, read_body(body))
    if not set(asked) - {"id", "version"}:
        raise InvalidRequestError("what is to be changed is required")
    audience = None
    if "segment" in asked or "segments" in asked:
        audience = _audience({name: asked[name] for name in ("segment", "segments") if name in asked})
    return Edit(
        campaign_id=asked["id"],
        version=asked.get("version"),
        name=asked.get("name"),
        audience=audience,
        when=asked.get("when"),
        content=asked.get("content"),
        users_limit=asked.get("users_limit_overall"),
        changes_limit="users_limit_overall" in asked,
    )


def _audience(body: Mapping[str, Any]) -> AskedAudience:
    if "segment" in body and "segments" in body:
        raise InvalidRequestError("segment and segments: only one of them may be given")
    include: Sequence[SegmentAt] = ()
    exclude: Sequence[SegmentAt] = ()
    if "segment" in body:
        include = [SegmentAt(body["segment"], "segment")]
    elif "segments" in body:
        sides = body["segments"]
        include = [SegmentAt(each, f"segments.include[{index}]") for index, each in enumerate(sides["include"])]
        exclude = [SegmentAt(each, f"segments.exclude[{index}]") for index, each in enumerate(sides.get("exclude", ()))]
        if len(include) + len(exclude) > MAX_CAMPAIGN_SEGMENTS:
            raise InvalidRequestError(
                f"segments: must have at most {MAX_CAMPAIGN_SEGMENTS} entries together, "
                f"has {len(include) + len(exclude)}"
            )
    when = body.get("when")
    if when is None or isinstance(when, str):
        if not include:
            raise InvalidRequestError("segment or segments is required")
        return AskedAudience(include, exclude)
    return AskedAudience(include, exclude, _trigger(when))


def _trigger(when: object) -> tuple[SegmentAt, Action]:
    event = validate(target_bodies.EVENT, {"when": when})["when"]
    return SegmentAt(event["segment"], "when.segment"), Action(event["action"])


def parse_start(body: bytes) -> str:
    """Read the body of when.json: a local time; raises InvalidRequestError or BodyTooLargeError."""
    when = validate(target_bodies.START, read_body(body))["when"]
    if when == NOW:
        raise InvalidRequestError(f'when: must be a time, not "{NOW}"')
    return when


def parse_target(body: bytes) -> int:
    """Read the body of stop.json or result.json: a campaign's id; raises InvalidRequestError or BodyTooLargeError."""
    campaign_id: int = validate(target_bodies.TARGET, read_body(body))["id"]
    return campaign_id


def parse_preview(body: bytes) -> Preview:
    """Read the body of preview.json; raises InvalidRequestError or BodyTooLargeError."""
    return _preview(validate(target_bodies.PREVIEW, read_body(body)))


def parse_test(body: bytes) -> TestMessage:
    """Read the body of test.json; raises InvalidRequestError or BodyTooLargeError."""
    asked = validate(target_bodies.TEST, read_body(body))
    return TestMessage(_preview(asked), asked.get("to"))


def _preview(asked: target_bodies.PreviewCampaignRequest) -> Preview:
    mode = TargetMode(asked["target_mode"])
    return Preview(mode, asked["content"], asked.get("identity"), asked.get("guid"), asked.get("event"))


def parse_nothing(body: bytes) -> None:
    """Read the body of settings.json, an empty object; raises InvalidRequestError or BodyTooLargeError."""
    validate(target_bodies.NOTHING, read_body(body))


_FILTERS = ("from", "to", "name", "status", "target_mode", "segment")


class TargetList:
    """Which part of the list of campaigns is asked for, and the cursor to the next.

    `filter` bounds when they were created by days of the time zone. Raises
    InvalidRequestError, BodyTooLargeError, ThrottledError or UnavailableError.
    """

    def __init__(self, request: Request, cursors: Cursors, time_zone: str) -> None:
        body = validate(target_bodies.LIST, read_body(request.body))
        first, last = body.get("from"), body.get("to")
        created: tuple[datetime | None, datetime | None] = (
            None if first is None else start_of_day(first, time_zone, "from"),
            None if last is None else start_of_day(last, time_zone, "to", later_days=1),
        )
        status, mode = body.get("status"), body.get("target_mode")
        self.filter = CampaignFilter(
            created,
            name=body.get("name"),
            status=None if status is None else CampaignStatus(status),
            target_mode=None if mode is None else TargetMode(mode),
            segment=SegmentAt(body["segment"], "segment") if "segment" in body else None,
        )
        if first is not None and last is not None and first > last:
            raise InvalidRequestError("from: must not be after to")
        self.paging = _paging(request, cursors, "/1/targets/list.json", body, *_FILTERS)


class DeliveryLog:
    """Which part of which campaign's log is asked for; raises as TargetList does."""

    def __init__(self, request: Request, cursors: Cursors) -> None:
        body = validate(target_bodies.LOG, read_body(request.body))
        self.campaign_id: int = body["id"]
        self.paging = _paging(request, cursors, "/1/targets/log.json", body, "id")


def _paging(request: Request, cursors: Cursors, path: str, body: Mapping[str, Any], *filters: str) -> Paging:
    """Read the part of a list from a body as other lists read it from the query."""
    query = {name: str(body[name]) for name in ("limit", "cursor") if name in body}
    asked = {name: str(body[name]) for name in filters if name in body}
    return Paging(replace(request, query=query), cursors, path, asked)

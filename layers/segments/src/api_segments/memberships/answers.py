"""The bodies of answers about members: their shapes, and how they are written."""

from collections.abc import Sequence
from typing import Any, Literal

from typing_extensions import TypedDict

from api_segments.core.errors import SegmentsError
from api_segments.http.answers import UnprocessedBody
from api_segments.http.batch_answers import Entry, batch_answer, is_too_long, unprocessed_entry
from api_segments.http.gateway import CODE_OF_SLUG, Answer
from api_segments.memberships.model import (
    KeptRejection,
    Member,
    ProfileSegments,
    Rejection,
    SentUser,
    UpdateResult,
    UserReference,
)
from api_segments.segments.answers import SegmentNameBody, segment_name_body
from api_segments.segments.model import SegmentReference


class SummaryBody(TypedDict):
    """What an update did, in pairs of user and segment, and how many users it created."""

    added: int
    removed: int
    unchanged: int
    profiles_created: int


class UpdateResultBody(TypedDict):
    """What came of the pairs of an update: added + removed + unchanged = processed."""

    status: Literal["success", "partial", "fail"]
    processed: int
    summary: SummaryBody
    unprocessed: list[UnprocessedBody]


class MemberBody(TypedDict):
    """A member of a segment; `added_at` is null for a moment after it was added."""

    identity: str | None
    guid: str
    added_at: str | None


class MembersBody(TypedDict):
    """A page of members."""

    members: list[MemberBody]
    cursor: str | None


class ProfileSegmentsBody(TypedDict):
    """A user and the segments it is in."""

    identity: str | None
    guid: str
    segments: list[SegmentNameBody]


class UpdateErrorBody(TypedDict):
    """A rejected entry of an update: what it asked for, and why not."""

    ct_segment_id: int | None
    customer_segment_id: str | None
    identity: str | None
    guid: str | None
    action: Literal["ADD", "REMOVE"]
    code: int
    error: str
    occurred_at: str
    request_id: str


class UpdateErrorsBody(TypedDict):
    """A page of the error stream."""

    errors: list[UpdateErrorBody]
    cursor: str | None


def member_body(member: Member) -> MemberBody:
    """Write a member."""
    return {"identity": member.identity, "guid": member.profile_id, "added_at": member.added_at}


def members_body(rows: Sequence[Member], cursor: str | None) -> MembersBody:
    """Write a page of members."""
    return {"members": [member_body(row) for row in rows], "cursor": cursor}


def profile_segments_body(found: ProfileSegments) -> ProfileSegmentsBody:
    """Write the segments of a user."""
    return {
        "identity": found.identity,
        "guid": found.profile_id,
        "segments": [segment_name_body(segment) for segment in found.segments],
    }


def update_errors_body(rows: Sequence[KeptRejection], cursor: str | None) -> UpdateErrorsBody:
    """Write a page of the error stream."""
    return {
        "errors": [
            {
                "ct_segment_id": row.segment.segment_id,
                "customer_segment_id": row.segment.customer_segment_id,
                "identity": row.user.identity,
                "guid": row.user.guid,
                "action": row.action.value,
                "code": CODE_OF_SLUG[row.error_slug],
                "error": row.message,
                "occurred_at": row.occurred_at,
                "request_id": row.request_id,
            }
            for row in rows
        ],
        "cursor": cursor,
    }


def update_answer(result: UpdateResult) -> Answer:
    """Answer POST /api/updateSegment.

    A failed entry's record is an element of `bulk_profiles`, to be sent again as it is. It holds one user and one
    segment, unless the answer would get too long for Lambda: then users and segments that failed alike share one, and
    users who could not be read are told by where they stand in the request.
    """
    unprocessed = [unprocessed_entry(rejection.error, _record_of(rejection)) for rejection in result.rejections]
    if is_too_long(unprocessed):
        unprocessed = _places(result.rejections)
        unprocessed += _merged([rejection for rejection in result.rejections if rejection.sent is None])
    summary = {
        "added": result.added,
        "removed": result.removed,
        "unchanged": result.unchanged,
        "profiles_created": result.profiles_created,
    }
    return batch_answer(result.processed, unprocessed, {"summary": summary})


def _record_of(rejection: Rejection) -> dict[str, Any]:
    if rejection.sent is None:
        return _record([rejection.user], [rejection])
    if rejection.sent.is_long:
        return _place(rejection.sent)
    return {**_record([], [rejection]), "user_profiles": [rejection.sent.value]}


def _places(rejections: Sequence[Rejection]) -> list[Entry]:
    """Tell each user who could not be read once."""
    sent = {(each.sent.group, each.sent.index): each for each in rejections if each.sent is not None}
    return [unprocessed_entry(each.error, _place(each.sent)) for each in sent.values() if each.sent is not None]


def _place(sent: SentUser) -> dict[str, Any]:
    return {"bulk_profiles": sent.group, "user_profiles": sent.index}


def _merged(rejections: Sequence[Rejection]) -> list[Entry]:
    """Put users who failed with the same segments for the same reason together."""
    reasons: dict[tuple[type[SegmentsError], str], dict[UserReference, list[Rejection]]] = {}
    for rejection in rejections:
        by_user = reasons.setdefault((type(rejection.error), str(rejection.error)), {})
        by_user.setdefault(rejection.user, []).append(rejection)
    entries = []
    for by_user in reasons.values():
        alike: dict[tuple[tuple[SegmentReference, str], ...], list[UserReference]] = {}
        for user, failed in by_user.items():
            alike.setdefault(tuple((rejection.segment, rejection.action) for rejection in failed), []).append(user)
        entries += [
            unprocessed_entry(by_user[users[0]][0].error, _record(users, by_user[users[0]])) for users in alike.values()
        ]
    return entries


def _record(users: Sequence[UserReference], rejections: Sequence[Rejection]) -> dict[str, Any]:
    return {
        "user_profiles": [
            {"identity": user.identity} if user.identity is not None else {"guid": user.guid} for user in users
        ],
        "segments": [{**_segment(rejection.segment), "action": rejection.action} for rejection in rejections],
    }


def _segment(reference: SegmentReference) -> dict[str, str]:
    ids = {}
    if reference.segment_id is not None:
        ids["ct_segment_id"] = str(reference.segment_id)
    if reference.customer_segment_id is not None:
        ids["customer_segment_id"] = reference.customer_segment_id
    return ids

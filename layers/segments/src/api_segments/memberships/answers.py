"""The bodies of answers about members: their shapes, and how they are written."""

from collections.abc import Sequence
from typing import Annotated, Any

from typing_extensions import TypedDict

from api_segments.core.errors import SegmentsError
from api_segments.http.answers import Unprocessed
from api_segments.http.batch_answers import Entry, batch_answer, is_too_long, unprocessed_entry
from api_segments.http.described import SEGMENT_ID as EXAMPLE_ID
from api_segments.http.described import (
    About,
    ActionBody,
    BatchStatus,
    Guid,
    NextCursor,
    NullableIdentity,
    moment,
)
from api_segments.http.gateway import CODE_OF_SLUG, Answer
from api_segments.memberships.freshness import Freshness
from api_segments.memberships.model import (
    KeptRejection,
    Member,
    ProfileSegments,
    Rejection,
    SentUser,
    UpdateResult,
    UserReference,
)
from api_segments.memberships.overlap import Overlap
from api_segments.segments.answers import SegmentNameBody, segment_name_body
from api_segments.segments.model import SegmentReference


class UpdateSummaryBody(TypedDict):
    """What an update did, in pairs of user and segment, and how many users it created."""

    added: Annotated[int, About("Users who were added to a segment.", 2)]
    removed: Annotated[int, About("Users who were removed from a segment.", 0)]
    unchanged: Annotated[int, About("Users who were as asked before.", 0)]
    profiles_created: Annotated[int, About("Users who did not exist before.", 1)]


class UpdateMembersResultBody(TypedDict):
    """What came of the pairs of an update: added + removed + unchanged = processed."""

    status: BatchStatus
    processed: Annotated[int, About("Pairs of user and segment that now are as asked.", 2)]
    summary: Annotated[UpdateSummaryBody, About("What was done with them.")]
    unprocessed: Unprocessed


class MemberBody(TypedDict):
    """A member of a segment."""

    identity: NullableIdentity
    guid: Guid
    added_at: Annotated[str | None, moment("When the user was added; null for a moment after it.")]


class MemberListBody(TypedDict):
    """A page of members."""

    members: Annotated[list[MemberBody], About("The members of this page.")]
    cursor: NextCursor


class ProfileSegmentsBody(TypedDict):
    """A user and the segments it is in."""

    identity: NullableIdentity
    guid: Guid
    segments: Annotated[list[SegmentNameBody], About("The active segments that the user is in.")]


class UpdateErrorBody(TypedDict):
    """A rejected entry of an update: what it asked for, and why not."""

    ct_segment_id: Annotated[int | None, About("The id of the segment, if the entry had it.", EXAMPLE_ID)]
    customer_segment_id: Annotated[str | None, About("Your id of the segment, if the entry had it.", "SEG99999")]
    identity: Annotated[str | None, About("Your id of the user, if the entry had it.", "CT123456")]
    guid: Annotated[str | None, About("The API's id of the user, if the entry had it.", "abcde12345")]
    action: Annotated[ActionBody, About("What was asked for.", "ADD")]
    code: Annotated[int, About("The code of the entry in the answer.", 404)]
    error: Annotated[str, About("Why it was rejected.", "segment does not exist")]
    occurred_at: Annotated[str, moment("When it was rejected.")]
    request_id: Annotated[
        str, About("The `X-Request-Id` of the answer that said so.", "6f4f4a0c-5d0b-4c3f-9d8f-2f5d0f8c3b11")
    ]


class UpdateErrorListBody(TypedDict):
    """A page of the error stream."""

    errors: Annotated[list[UpdateErrorBody], About("The rejected entries of this page.")]
    cursor: NextCursor


def member_body(member: Member) -> MemberBody:
    """Write a member."""
    return {"identity": member.identity, "guid": member.profile_id, "added_at": member.added_at}


def members_body(rows: Sequence[Member], cursor: str | None) -> MemberListBody:
    """Write a page of members."""
    return {"members": [member_body(row) for row in rows], "cursor": cursor}


def profile_segments_body(found: ProfileSegments) -> ProfileSegmentsBody:
    """Write the segments of a user."""
    return {
        "identity": found.identity,
        "guid": found.profile_id,
        "segments": [segment_name_body(segment) for segment in found.segments],
    }


def update_errors_body(rows: Sequence[KeptRejection], cursor: str | None) -> UpdateErrorListBody:
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


class OverlapSegmentBody(SegmentNameBody):
    """A segment that is compared."""

    members: Annotated[int, About("How many members it has.", 1704)]


class IntersectionBody(TypedDict):
    """What some of the segments have in common."""

    segments: Annotated[list[int], About("The ids of these segments.", [EXAMPLE_ID])]
    members: Annotated[int, About("Users who are in all of them.", 226)]
    only: Annotated[int, About("Users who are in all of them, and in none of the others that are compared.", 200)]
    members_margin: Annotated[int, About("By how much `members` may be off, 19 times in 20; 0 if it is exact.", 0)]
    only_margin: Annotated[int, About("By how much `only` may be off, 19 times in 20; 0 if it is exact.", 0)]


class OverlapBody(TypedDict):
    """How many users segments have in common."""

    segments: Annotated[list[OverlapSegmentBody], About("The segments, in the order of the request.")]
    intersections: Annotated[list[IntersectionBody], About("Each choice of them, smaller ones first.")]
    exact: Annotated[bool, About("Whether all members were counted.", True)]  # noqa: FBT003 - an example
    counted: Annotated[float, About("The part of all users that was counted; 1 if all were.", 1)]


def overlap_body(overlap: Overlap) -> OverlapBody:
    """Write how many users segments have in common."""
    return {
        "segments": [{**segment_name_body(segment), "members": counts.members} for segment, counts in overlap.segments],
        "intersections": [
            {
                "segments": list(each.segment_ids),
                "members": each.members,
                "only": each.only,
                "members_margin": each.members_margin,
                "only_margin": each.only_margin,
            }
            for each in overlap.intersections
        ],
        "exact": overlap.counted == 1,
        "counted": overlap.counted,
    }


class FreshnessBody(TypedDict):
    """How far lists and counts are behind what was acknowledged."""

    behind_seconds: Annotated[
        float | None,
        About("Seconds that they were behind when changes last came to them; null if none did within the hour.", 0.4),
    ]
    measured_at: Annotated[str | None, moment("When that was measured.")]
    worst_last_hour_seconds: Annotated[float | None, About("The most that it was within the last hour.", 2.1)]


def freshness_body(found: Freshness) -> FreshnessBody:
    """Write how far lists and counts are behind."""
    return {
        "behind_seconds": found.behind,
        "measured_at": found.measured_at,
        "worst_last_hour_seconds": found.worst,
    }

"""The bodies of answers to single reads and writes: their shapes, and how they are written."""

from collections.abc import Sequence
from typing import Literal

from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from segments.edge.http import CODE_OF_SLUG
from segments.model import (
    NOBODY,
    AttributeValue,
    Channel,
    CountedSegment,
    KeptRejection,
    Member,
    ProfileSegments,
    Segment,
    Usage,
)
from segments.stores.profiles import ProfileState


class ErrorBody(TypedDict):
    """A whole request that failed."""

    status: Literal["fail"]
    error: str
    code: int


class UnprocessedBody(TypedDict):
    """An entry of a batch that failed; `record` can be sent again as it is."""

    status: Literal["fail"]
    code: int
    error: str
    record: object


class SegmentNameBody(TypedDict):
    """What a segment is called."""

    id: int
    segment_name: str
    customer_segment_id: str | None


class CreateResultBody(TypedDict):
    """What came of the entries of a create request."""

    status: Literal["success", "partial", "fail"]
    processed: int
    segments: list[SegmentNameBody]
    unprocessed: list[UnprocessedBody]


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


class UploadResultBody(TypedDict):
    """What came of the records of an upload."""

    status: Literal["success", "partial", "fail"]
    processed: int
    unprocessed: list[UnprocessedBody]


OF_BATCHES = (CreateResultBody, UpdateResultBody, UploadResultBody)


class ReachableBody(TypedDict):
    """Members of a segment that each channel reaches."""

    email: int
    sms: int
    push: int
    whatsapp: int
    web_push: int


class SegmentBody(TypedDict):
    """A segment with its counts."""

    id: int
    segment_name: str
    customer_segment_id: str | None
    type: Literal["API Segments"]
    status: Literal["active", "deleted"]
    created_at: str
    deleted_at: str | None
    members: int
    reachable: ReachableBody
    as_of: str


class SegmentsBody(TypedDict):
    """A page of segments."""

    segments: list[SegmentBody]
    cursor: str | None


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

    identity: str
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


class UsageBody(TypedDict):
    """Data points of a month, and the plan."""

    month: str
    data_points: int
    plan: str


class TokenBody(TypedDict):
    """A device's token."""

    id: str
    type: str


class ReachedBody(TypedDict):
    """Whether each channel reaches a user."""

    email: bool
    sms: bool
    push: bool
    whatsapp: bool
    web_push: bool


class ProfileRecordBody(TypedDict):
    """What is known of a user."""

    identity: str | None
    guid: str
    profileData: dict[str, AttributeValue]
    tokens: list[TokenBody]
    reachable: ReachedBody


class ProfileBody(TypedDict):
    """A user, in CleverTap's shape where it has one."""

    status: Literal["success"]
    record: ProfileRecordBody


class DoneBody(TypedDict):
    """Something was done that there is nothing to say of."""

    status: Literal["success"]


class HealthBody(TypedDict):
    """The API answers."""

    status: Literal["ok"]


def segment_body(counted: CountedSegment) -> SegmentBody:
    """Write a segment; counts that never changed are as of its creation, or of its deletion."""
    segment, counts = counted
    return {
        "id": segment.segment_id,
        "segment_name": segment.name,
        "customer_segment_id": segment.customer_segment_id,
        "type": "API Segments",
        "status": "deleted" if segment.deleted_at else "active",
        "created_at": segment.created_at,
        "deleted_at": segment.deleted_at,
        "members": counts.members,
        "reachable": {
            "email": counts.reachable[Channel.EMAIL],
            "sms": counts.reachable[Channel.SMS],
            "push": counts.reachable[Channel.PUSH],
            "whatsapp": counts.reachable[Channel.WHATSAPP],
            "web_push": counts.reachable[Channel.WEB_PUSH],
        },
        "as_of": counts.as_of or segment.deleted_at or segment.created_at,
    }


def segments_body(rows: Sequence[CountedSegment], cursor: str | None) -> SegmentsBody:
    """Write a page of segments."""
    return {"segments": [segment_body(row) for row in rows], "cursor": cursor}


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


def segment_name_body(segment: Segment) -> SegmentNameBody:
    """Write what a segment is called."""
    return {
        "id": segment.segment_id,
        "segment_name": segment.name,
        "customer_segment_id": segment.customer_segment_id,
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


def usage_body(usage: Usage) -> UsageBody:
    """Write an account's usage of a month."""
    return {"month": usage.month, "data_points": usage.data_points, "plan": usage.plan}


def profile_body(found: ProfileState) -> ProfileBody:
    """Write a profile."""
    profile = found.profile
    reach = NOBODY.reach if found.membership is None else found.membership.reach
    tokens = sorted(profile.tokens, key=lambda token: (token.type, token.token_id))
    return {
        "status": "success",
        "record": {
            "identity": profile.identity,
            "guid": profile.profile_id,
            "profileData": dict(profile.attributes),
            "tokens": [{"id": token.token_id, "type": token.type} for token in tokens],
            "reachable": {
                "email": Channel.EMAIL in reach,
                "sms": Channel.SMS in reach,
                "push": Channel.PUSH in reach,
                "whatsapp": Channel.WHATSAPP in reach,
                "web_push": Channel.WEB_PUSH in reach,
            },
        },
    }

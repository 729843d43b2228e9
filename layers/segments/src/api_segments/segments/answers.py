"""The bodies of answers about segments: their shapes, and how they are written."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from typing_extensions import TypeAliasType, TypedDict

from api_segments.core.channels import Channel
from api_segments.core.limits import TREND_DAYS
from api_segments.http.answers import Unprocessed
from api_segments.http.batch_answers import batch_answer, is_too_long, unprocessed_entry
from api_segments.http.described import (
    CAMPAIGN_ID,
    About,
    BatchStatus,
    CustomerSegmentId,
    NextCursor,
    SegmentId,
    SegmentName,
    moment,
    object_of,
)
from api_segments.http.gateway import Answer
from api_segments.segments.creation import Creation
from api_segments.segments.model import CountedSegment, Day, Segment, SegmentCounts, SegmentStatus, Trend

CAMPAIGNS_SHOWN = 100
SegmentStatusBody = TypeAliasType(
    "SegmentStatusBody", Annotated[Literal["active", "deleted"], About("Whether a segment was deleted.", "active")]
)


class SegmentNameBody(TypedDict):
    """What a segment is called, here, in the answer of a creation and in the list of a user's segments."""

    id: SegmentId
    segment_name: SegmentName
    customer_segment_id: CustomerSegmentId


class CreateSegmentsResultBody(TypedDict):
    """What came of the entries of a create request."""

    status: BatchStatus
    processed: Annotated[int, About("How many segments were created.", 1)]
    segments: Annotated[list[SegmentNameBody], About("The created segments, in the order of the request.")]
    unprocessed: Unprocessed


ReachableMembersBody: Any = object_of(
    "ReachableMembersBody",
    "Members of a segment that each channel reaches now.",
    {channel.value: Annotated[int, About(f"Members whom {channel.word} reaches now.", 912)] for channel in Channel},
)


class SegmentBody(SegmentNameBody):
    """A segment with its counts."""

    type: Annotated[Literal["API Segments"], About("All segments are of this type.", "API Segments")]
    status: Annotated[SegmentStatusBody, About("Whether it was deleted.", "active")]
    created_at: Annotated[str, moment("When it was created.")]
    created_by: Annotated[
        str | None, About("The name of the passcode that created it; null before passcodes had names.", "nightly sync")
    ]
    deleted_at: Annotated[str | None, moment("When it was deleted; null if it was not.")]
    deleted_by: Annotated[str | None, About("The name of the passcode that deleted it.", "Ada's laptop")]
    updated_at: Annotated[str, moment("When its members, its name, description or tags last changed.")]
    description: Annotated[str | None, About("What it is for; null if nobody said.", "Spent 750 or more")]
    tags: Annotated[list[str], About("What it is found by, in order.", ["loyalty", "spring"])]
    campaigns: Annotated[
        list[int],
        About(f"The ids of campaigns that use it or have used it, the newest {CAMPAIGNS_SHOWN}.", [CAMPAIGN_ID]),
    ]
    members: Annotated[int, About("How many members it has; a deleted one has none.", 1704)]
    reachable: Annotated[ReachableMembersBody, About("How many of them each channel reaches now.")]
    as_of: Annotated[str, moment("When the counts last changed.")]
    digest: Annotated[
        str | None,
        About(
            "One number of who its members are: the sum over them of the first 15 hexadecimal digits of the MD5 of "
            "the identity, or, without one, of `guid:` and the guid. A database of yours computes the same, see "
            "docs/verify.md. Null while it is not known.",
            "884080036042467504",
        ),
    ]


DayBody = TypedDict(  # `from` can't be a name in a class
    "DayBody",
    {
        "date": Annotated[str, About("The day, UTC.", "2026-11-28", "date")],
        "members": Annotated[int | None, About("Members at the end of the day; null if nobody noted them.", 1704)],
        "reachable": Annotated[
            ReachableMembersBody | None,
            About(
                "How many of them each channel reached then.",
                {"email": 1630, "sms": 912, "push": 455, "whatsapp": 78, "web_push": 240},
            ),
        ],
        "joined": Annotated[int | None, About("How often a user joined since `from`; null if it is not known.", 31)],
        "left": Annotated[int | None, About("How often a user left since `from`; null if it is not known.", 12)],
        "corrected": Annotated[
            int | None, About("By how much reconciliation mended the number of members meanwhile, as a rule 0.", 0)
        ],
        "from": Annotated[
            str | None,
            moment(
                "Since when `joined` and `left` count: the beginning of the day or a moment later, or when the segment "
                "was created. Earlier after a day at whose end nobody noted anything."
            ),
        ],
        "to": Annotated[str | None, moment("Until when: the end of the day or a moment later, or now.")],
    },
)
DayBody.__doc__ = "A day of a segment."


class SegmentHistoryBody(TypedDict):
    """The days of a segment."""

    days: Annotated[list[DayBody], About("One entry a day, the oldest first, today so far the last.")]


class TrendBody(TypedDict):
    """The last days of a segment."""

    id: SegmentId
    members: Annotated[
        list[int | None],
        About("Members at the end of each of the `days`; null where nobody noted them.", [1684, None, 1690, 1704]),
    ]


class TrendsBody(TypedDict):
    """The last days of all segments."""

    days: Annotated[
        list[str], About(f"The {TREND_DAYS} days before today, UTC, the oldest first.", ["2026-11-27", "2026-11-28"])
    ]
    segments: Annotated[
        list[TrendBody], About("Segments that were active at the end of one of the days, the newest first.")
    ]


class SegmentListBody(TypedDict):
    """A page of segments."""

    segments: Annotated[list[SegmentBody], About("The segments of this page.")]
    cursor: NextCursor


def segment_body(counted: CountedSegment) -> SegmentBody:
    """Write a segment; counts that never changed are as of its creation, or of its deletion."""
    segment, counts = counted
    is_digested = segment.digest_since is not None or segment.status is SegmentStatus.DELETED
    return {
        **segment_name_body(segment),
        "type": "API Segments",
        "status": "deleted" if segment.deleted_at else "active",
        "created_at": segment.created_at,
        "created_by": segment.created_by,
        "deleted_at": segment.deleted_at,
        "deleted_by": segment.deleted_by,
        "updated_at": max(filter(None, (counts.as_of, segment.changed_at, segment.deleted_at, segment.created_at))),
        "description": segment.description,
        "tags": list(segment.tags or ()),
        "campaigns": sorted(segment.campaign_ids, reverse=True)[:CAMPAIGNS_SHOWN],
        "members": counts.members,
        "reachable": _reachable_body(counts),
        "as_of": counts.as_of or segment.deleted_at or segment.created_at,
        "digest": str(counts.digest) if is_digested and counts.digest is not None else None,
    }


def segments_body(rows: Sequence[CountedSegment], cursor: str | None) -> SegmentListBody:
    """Write a page of segments."""
    return {"segments": [segment_body(row) for row in rows], "cursor": cursor}


def history_body(days: Sequence[Day]) -> SegmentHistoryBody:
    """Write the days of a segment."""
    return {"days": [_day_body(day) for day in days]}


def trends_body(days: Sequence[date], trends: Sequence[Trend]) -> TrendsBody:
    """Write the last days of all segments."""
    return {
        "days": [day.isoformat() for day in days],
        "segments": [{"id": trend.segment_id, "members": list(trend.members)} for trend in trends],
    }


def _day_body(day: Day) -> DayBody:
    return {
        "date": day.day.isoformat(),
        "members": None if day.counts is None else day.counts.members,
        "reachable": None if day.counts is None else _reachable_body(day.counts),
        "joined": day.joined,
        "left": day.left,
        "corrected": day.corrected,
        "from": day.began_at,
        "to": day.ended_at,
    }


def _reachable_body(counts: SegmentCounts) -> dict[str, int]:
    return {channel.value: counts.reachable[channel] for channel in Channel}


def segment_name_body(segment: Segment) -> SegmentNameBody:
    """Write what a segment is called."""
    return {
        "id": segment.segment_id,
        "segment_name": segment.segment_name,
        "customer_segment_id": segment.customer_segment_id,
    }


def create_answer(sent: Sequence[object], result: Creation) -> Answer:
    """Answer POST /api/createSegment: segments and failures, each in the order of the request.

    A failed entry's record is the one that was sent; if that made the answer too long for Lambda, its index.
    """
    segments = [segment_name_body(segment) for _, segment in sorted(result.created.items())]
    failed = sorted(result.refused.items())
    unprocessed = [unprocessed_entry(error, sent[index]) for index, error in failed]
    if is_too_long([*segments, *unprocessed]):
        unprocessed = [unprocessed_entry(error, {"index": index}) for index, error in failed]
    return batch_answer(len(segments), unprocessed, {"segments": segments})

"""The routes of members and of updates, as the API's description has them."""

from collections.abc import Sequence
from http import HTTPStatus

from api_segments.core.limits import (
    MAX_OVERLAP_EXACT_MEMBERS,
    MAX_SEGMENTS_PER_UPDATE,
    MAX_USERS_PER_UPDATE,
    UPDATE_ERROR_DAYS,
)
from api_segments.http.described import GUID, MOMENT, SEGMENT_ID
from api_segments.http.openapi import (
    ACCOUNT,
    BODY_ERRORS,
    MEMBERS,
    NEXT_PAGE,
    OF_ACTIVE_SEGMENT,
    OF_SEGMENT,
    PAGED,
    PROFILES,
    SEGMENTS,
    USER_IN_PATH,
    Link,
    Route,
)
from api_segments.memberships import answers
from api_segments.memberships.requests import OVERLAP, UPDATE
from api_segments.segments.errors import NO_SUCH_SEGMENT
from api_segments.segments.routes import CREATED

_MEMBER = {"identity": "CT123456", "guid": GUID, "added_at": MOMENT}

_SECOND = {"id": SEGMENT_ID + 1, "segment_name": "Lapsed Buyers", "customer_segment_id": None}
_EXACT = {"members_margin": 0, "only_margin": 0}

_FIRST_SEGMENT = {"segment_id": "$request.body#/bulk_profiles/0/segments/0/ct_segment_id"}
_FIRST_USER = {"identity": "$request.body#/bulk_profiles/0/user_profiles/0/identity"}

ROUTES: Sequence[Route] = (
    Route(
        "updateMembers",
        "post",
        "/api/updateSegment",
        MEMBERS,
        "Add users to segments and remove them",
        answers.UpdateMembersResultBody,
        {
            "status": "success",
            "processed": 1,
            "summary": {"added": 1, "removed": 0, "unchanged": 0, "profiles_created": 1},
            "unprocessed": [],
        },
        description=f"Every action of a group for every user of it; at most {MAX_USERS_PER_UPDATE} users and "
        f"{MAX_SEGMENTS_PER_UPDATE} segments in all. A change whose first answer was lost is counted as unchanged; its "
        "event is sent all the same.",
        body=UPDATE,
        body_example={
            "bulk_profiles": [
                {
                    "user_profiles": [{"identity": "CT123456"}],
                    "segments": [{"customer_segment_id": "SEG12345", "action": "ADD"}],
                }
            ]
        },
        errors=BODY_ERRORS,
        is_batch=True,
        links=(
            Link("getMember", "Shows the first user as a member of the first segment.", _FIRST_SEGMENT | _FIRST_USER),
            Link("listMembers", "Lists the members of the first segment.", _FIRST_SEGMENT),
            Link("listSegmentsOfProfile", "Lists the segments of the first user.", _FIRST_USER),
            Link("listUpdateErrors", "Lists what was rejected."),
            Link("getUsage", "Shows how many changes the month has had."),
        ),
    ),
    Route(
        "listMembers",
        "get",
        "/api/segments/{segment_id}/members",
        MEMBERS,
        "List a segment's members",
        answers.MemberListBody,
        {"members": [_MEMBER], "cursor": None},
        description="In an order that never changes: who is a member the whole time is listed once.",
        parameters=PAGED,
        errors=OF_ACTIVE_SEGMENT,
        links=(
            Link("listMembers", "Lists the next page.", {"segment_id": "$request.path.segment_id", **NEXT_PAGE}),
            Link(
                "getMember",
                "Shows the first of them.",
                {"segment_id": "$request.path.segment_id", "identity": "$response.body#/members/0/identity"},
            ),
            Link(
                "listSegmentsOfProfile",
                "Lists the segments of the first of them.",
                {"identity": "$response.body#/members/0/identity"},
            ),
        ),
    ),
    Route(
        "getMember",
        "get",
        "/api/segments/{segment_id}/members/{identity}",
        MEMBERS,
        "Show a member, or that the user is none",
        answers.MemberBody,
        _MEMBER,
        description="As of this moment; 404 says that the user is no member.",
        parameters=USER_IN_PATH,
        errors=OF_ACTIVE_SEGMENT,
    ),
    Route(
        "compareSegments",
        "post",
        "/api/segments/overlap",
        SEGMENTS,
        "Show how many users segments have in common",
        answers.OverlapBody,
        {
            "segments": [{**CREATED, "members": 1704}, {**_SECOND, "members": 342}],
            "intersections": [
                {"segments": [SEGMENT_ID], "members": 1704, "only": 1478, **_EXACT},
                {"segments": [SEGMENT_ID + 1], "members": 342, "only": 116, **_EXACT},
                {"segments": [SEGMENT_ID, SEGMENT_ID + 1], "members": 226, "only": 226, **_EXACT},
            ],
            "exact": True,
            "counted": 1,
        },
        description=f"Exact up to {MAX_OVERLAP_EXACT_MEMBERS:,} members together; estimated beyond that, with how far "
        "it may be off. By the lists of members, which follow changes within about a second.",
        body=OVERLAP,
        body_example={"segments": [SEGMENT_ID, SEGMENT_ID + 1]},
        errors=(*BODY_ERRORS, HTTPStatus.NOT_FOUND, HTTPStatus.GONE),
    ),
    Route(
        "listSegmentsOfProfile",
        "get",
        "/api/profiles/{identity}/segments",
        PROFILES,
        "List the segments that a user is in",
        answers.ProfileSegmentsBody,
        {"identity": "CT123456", "guid": GUID, "segments": [CREATED]},
        description="The active ones, as of this moment.",
        parameters=USER_IN_PATH,
        errors=OF_SEGMENT,
    ),
    Route(
        "getFreshness",
        "get",
        "/api/freshness",
        ACCOUNT,
        "Show how far lists and counts are behind",
        answers.FreshnessBody,
        {"behind_seconds": 0.4, "measured_at": MOMENT, "worst_last_hour_seconds": 2.1},
        description="Of the whole stack, as measured when changes last came to the lists: seconds since the oldest of "
        "them was acknowledged. What is asked as of this moment (a member, a user's segments) is never behind.",
    ),
    Route(
        "listUpdateErrors",
        "get",
        "/api/errors",
        ACCOUNT,
        "List rejected entries of updates",
        answers.UpdateErrorListBody,
        {
            "errors": [
                {
                    "ct_segment_id": None,
                    "customer_segment_id": "SEG99999",
                    "identity": "CT123456",
                    "guid": None,
                    "action": "ADD",
                    "code": 404,
                    "error": NO_SUCH_SEGMENT,
                    "occurred_at": MOMENT,
                    "request_id": "6f4f4a0c-5d0b-4c3f-9d8f-2f5d0f8c3b11",
                }
            ],
            "cursor": None,
        },
        description=f"Those of the last {UPDATE_ERROR_DAYS} days, the newest first.",
        parameters=PAGED,
        links=(Link("listUpdateErrors", "Lists the next page.", NEXT_PAGE),),
    ),
)

"""The body of an update: what it asks for, and what is said about a wrong one."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import CoreSchema, core_schema

from api_segments.core.errors import InvalidRequestError
from api_segments.core.limits import MAX_OVERLAP_SEGMENTS, MAX_USERS_PER_UPDATE, MIN_OVERLAP_SEGMENTS
from api_segments.http.described import GUID, About, ActionBody, DescribedAs, described
from api_segments.http.described import SEGMENT_ID as EXAMPLE_ID
from api_segments.http.gateway import to_json
from api_segments.http.strict_json import show
from api_segments.http.validation import (
    OPTIONAL_TEXT,
    REQUIRED_SEGMENT_ID,
    SEGMENT_ID,
    Shape,
    filled_list,
    read_body,
    strict_object,
    validate,
)
from api_segments.memberships.model import Action, Rejection, SentUser, UpdateGroup, UserReference
from api_segments.segments.model import SegmentReference

_LONGEST_USER = 4096  # two ids of 255 characters, each escaped as JSON

_USER = strict_object(
    "UserReference",
    "A user, by one of its ids.",
    {
        "identity": described(OPTIONAL_TEXT, About("Your id of the user; wins over `guid`.", "CT123456")),
        "guid": described(OPTIONAL_TEXT, About("The user's id as the API gave it, or its `objectId`.", GUID)),
    },
    optional={"identity", "guid"},
)
_SEGMENT_ACTION = strict_object(
    "SegmentAction",
    "A segment, by one of its ids or by both, and what is to be done.",
    {
        "ct_segment_id": described(
            SEGMENT_ID, About("The segment's id as the API gave it, or its digits.", EXAMPLE_ID)
        ),
        "customer_segment_id": described(OPTIONAL_TEXT, About("Your id of the segment.", "SEG12345")),
        "action": described(
            core_schema.literal_schema(["ADD", "REMOVE"]),
            DescribedAs(ActionBody),
            About("What to do with the users.", "ADD"),
        ),
    },
    optional={"ct_segment_id", "customer_segment_id"},
)


def _update_of(user: CoreSchema) -> CoreSchema:
    group = strict_object(
        "UpdateGroup",
        "Users and actions: every action applies to every user.",
        {
            "user_profiles": described(filled_list(user, MAX_USERS_PER_UPDATE), About("The users of this group.")),
            "segments": described(filled_list(_SEGMENT_ACTION), About("What to do with them, segment by segment.")),
        },
    )
    groups = described(filled_list(group, MAX_USERS_PER_UPDATE), About("The groups, done in their order."))
    return strict_object("UpdateMembersRequest", "Changes of memberships, group by group.", {"bulk_profiles": groups})


UPDATE = _update_of(_USER)
# Users are read one by one, since each stands or falls alone.
_UPDATE, _USER_ALONE = Shape(_update_of(core_schema.any_schema())), Shape(_USER)


OVERLAP = strict_object(
    "OverlapRequest",
    "The segments to compare.",
    {
        "segments": described(
            filled_list(described(REQUIRED_SEGMENT_ID, About("A segment's id.", EXAMPLE_ID)), MAX_OVERLAP_SEGMENTS),
            About(f"{MIN_OVERLAP_SEGMENTS} to {MAX_OVERLAP_SEGMENTS} segments.", [EXAMPLE_ID, EXAMPLE_ID + 1]),
        )
    },
)
_OVERLAP = Shape(OVERLAP)


def parse_overlap(body: bytes) -> list[int]:
    """Read the body of POST /api/segments/overlap; raises InvalidRequestError or BodyTooLargeError."""
    segment_ids: list[int] = validate(_OVERLAP, read_body(body))["segments"]
    if len(segment_ids) < MIN_OVERLAP_SEGMENTS:
        raise InvalidRequestError(f"segments: must have {MIN_OVERLAP_SEGMENTS} entries or more")
    for index, segment_id in enumerate(segment_ids):
        if segment_id in segment_ids[:index]:
            raise InvalidRequestError(f"segments[{index}]: entry [{segment_ids.index(segment_id)}] is the same")
    return segment_ids


def parse_update(body: bytes) -> tuple[list[UpdateGroup], list[Rejection]]:
    """Read the body of POST /api/updateSegment: what it asks for, and the pairs of users who can't be read.

    Raises InvalidRequestError or BodyTooLargeError when the body as a whole can't be read.
    """
    groups = validate(_UPDATE, read_body(body))["bulk_profiles"]
    users = sum(len(group["user_profiles"]) for group in groups)
    if users > MAX_USERS_PER_UPDATE:
        raise InvalidRequestError(
            f"bulk_profiles: must have at most {MAX_USERS_PER_UPDATE} user_profiles over the whole request, has {users}"
        )
    asked: list[UpdateGroup] = []
    refused: list[Rejection] = []
    for group_index, group in enumerate(groups):
        actions = [
            (_segment(entry, f"bulk_profiles[{group_index}].segments[{index}]"), Action(entry["action"]))
            for index, entry in enumerate(group["segments"])
        ]
        read: list[UserReference] = []
        for index, user in enumerate(group["user_profiles"]):
            try:
                read.append(_user(user, f"bulk_profiles[{group_index}].user_profiles[{index}]"))
            except InvalidRequestError as error:
                is_long = len(to_json(user)) > _LONGEST_USER
                shown, sent = _shown(user), SentUser(user, group_index, index, is_long)
                refused += [Rejection(shown, segment, action, error, sent) for segment, action in actions]
        asked.append(UpdateGroup(read, actions))
    return asked, refused


def _user(value: object, path: str) -> UserReference:
    user = validate(_USER_ALONE, value, at=path)
    identity, guid = user.get("identity"), user.get("guid")
    if identity is not None:
        return UserReference(identity=identity)
    if guid is None:
        raise InvalidRequestError(f"{path}: identity or guid is required")
    return UserReference(guid=guid)


def _shown(user: object) -> UserReference:
    """Return what the error stream can keep of a user who could not be read: ids that can be printed, shortened."""
    ids = user if isinstance(user, dict) else {"identity": user}
    texts = {
        name: show(ids[name])
        for name in ("identity", "guid")
        if isinstance(ids.get(name), str | int | float) and not isinstance(ids[name], bool)
    }
    return UserReference(**texts)


def _segment(entry: Mapping[str, Any], path: str) -> SegmentReference:
    segment_id, customer_segment_id = entry.get("ct_segment_id"), entry.get("customer_segment_id")
    if segment_id is None and customer_segment_id is None:
        raise InvalidRequestError(f"{path}: ct_segment_id or customer_segment_id is required")
    return SegmentReference(segment_id, customer_segment_id)

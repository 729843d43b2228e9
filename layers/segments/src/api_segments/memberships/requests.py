"""The body of an update: what it asks for, and what is said about a wrong one."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import SchemaValidator, core_schema

from api_segments.core.errors import InvalidRequestError
from api_segments.core.limits import MAX_USERS_PER_UPDATE
from api_segments.http.described import GUID, About, ActionBody, DescribedAs, described
from api_segments.http.described import SEGMENT_ID as EXAMPLE_ID
from api_segments.http.validation import OPTIONAL_TEXT, SEGMENT_ID, filled_list, read_body, strict_object, validate
from api_segments.memberships.model import Action, UpdateGroup, UserReference
from api_segments.segments.model import SegmentReference

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
_GROUP = strict_object(
    "UpdateGroup",
    "Users and actions: every action applies to every user.",
    {
        "user_profiles": described(filled_list(_USER, MAX_USERS_PER_UPDATE), About("The users of this group.")),
        "segments": described(filled_list(_SEGMENT_ACTION), About("What to do with them, segment by segment.")),
    },
)
UPDATE = strict_object(
    "UpdateMembersRequest",
    "Changes of memberships, group by group.",
    {"bulk_profiles": described(filled_list(_GROUP, MAX_USERS_PER_UPDATE), About("The groups, done in their order."))},
)
_UPDATE = SchemaValidator(UPDATE)


def parse_update(body: bytes) -> list[UpdateGroup]:
    """Read the body of POST /api/updateSegment; raises InvalidRequestError or BodyTooLargeError."""
    groups = validate(_UPDATE, read_body(body))["bulk_profiles"]
    users = sum(len(group["user_profiles"]) for group in groups)
    if users > MAX_USERS_PER_UPDATE:
        raise InvalidRequestError(
            f"bulk_profiles: must have at most {MAX_USERS_PER_UPDATE} user_profiles over the whole request, has {users}"
        )
    return [
        UpdateGroup(
            users=[
                _user(user, f"bulk_profiles[{index}].user_profiles[{inner}]")
                for inner, user in enumerate(group["user_profiles"])
            ],
            actions=[
                (_segment(entry, f"bulk_profiles[{index}].segments[{inner}]"), Action(entry["action"]))
                for inner, entry in enumerate(group["segments"])
            ],
        )
        for index, group in enumerate(groups)
    ]


def _user(user: Mapping[str, Any], path: str) -> UserReference:
    identity, guid = user.get("identity"), user.get("guid")
    if identity is not None:
        return UserReference(identity=identity)
    if guid is None:
        raise InvalidRequestError(f"{path}: identity or guid is required")
    return UserReference(guid=guid)


def _segment(entry: Mapping[str, Any], path: str) -> SegmentReference:
    segment_id, customer_segment_id = entry.get("ct_segment_id"), entry.get("customer_segment_id")
    if segment_id is None and customer_segment_id is None:
        raise InvalidRequestError(f"{path}: ct_segment_id or customer_segment_id is required")
    return SegmentReference(segment_id, customer_segment_id)

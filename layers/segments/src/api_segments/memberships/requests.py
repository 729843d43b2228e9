"""The body of an update: what it asks for, and what is said about a wrong one."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import SchemaValidator, core_schema

from api_segments.core.errors import InvalidRequestError
from api_segments.core.limits import MAX_USERS_PER_UPDATE
from api_segments.http.validation import OPTIONAL_TEXT, SEGMENT_ID, filled_list, read_body, strict_object, validate
from api_segments.memberships.model import Action, UpdateGroup, UserReference
from api_segments.segments.model import SegmentReference

_USER = strict_object(
    "UserBody",
    "A user of POST /api/updateSegment.",
    {"identity": OPTIONAL_TEXT, "guid": OPTIONAL_TEXT},
    optional={"identity", "guid"},
)
_SEGMENT_ACTION = strict_object(
    "SegmentActionBody",
    "A segment and an action of POST /api/updateSegment.",
    {
        "ct_segment_id": SEGMENT_ID,
        "customer_segment_id": OPTIONAL_TEXT,
        "action": core_schema.literal_schema(["ADD", "REMOVE"]),
    },
    optional={"ct_segment_id", "customer_segment_id"},
)
_GROUP = strict_object(
    "GroupBody",
    "A group of POST /api/updateSegment.",
    {"user_profiles": filled_list(_USER, MAX_USERS_PER_UPDATE), "segments": filled_list(_SEGMENT_ACTION)},
)
UPDATE = strict_object(
    "UpdateBody", "The body of POST /api/updateSegment.", {"bulk_profiles": filled_list(_GROUP, MAX_USERS_PER_UPDATE)}
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

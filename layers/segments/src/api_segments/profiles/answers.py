"""The bodies of answers about profiles: their shapes, and how they are written."""

from collections.abc import Mapping, Sequence, Set
from typing import Any, Literal, cast

from typing_extensions import TypedDict

from api_segments.core.channels import Channel
from api_segments.core.errors import SegmentsError
from api_segments.http.answers import UnprocessedBody
from api_segments.http.batch_answers import batch_answer, is_too_long, unprocessed_entry
from api_segments.http.gateway import Answer
from api_segments.memberships.model import NOBODY
from api_segments.profiles.model import AttributeValue
from api_segments.profiles.store import ProfileState


class UploadResultBody(TypedDict):
    """What came of the records of an upload."""

    status: Literal["success", "partial", "fail"]
    processed: int
    unprocessed: list[UnprocessedBody]


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


class FoundProfileBody(TypedDict):
    """A user who has the address."""

    identity: str | None
    guid: str
    reachable: ReachedBody


class FoundProfilesBody(TypedDict):
    """A part of the users who have an address."""

    profiles: list[FoundProfileBody]
    cursor: str | None


def found_profiles_body(found: Sequence[ProfileState], cursor: str | None) -> FoundProfilesBody:
    """Write users who have an address."""
    return {
        "profiles": [
            {
                "identity": state.profile.identity,
                "guid": state.profile.profile_id,
                "reachable": reached_body(NOBODY.reach if state.membership is None else state.membership.reach),
            }
            for state in found
        ],
        "cursor": cursor,
    }


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
            "reachable": reached_body(reach),
        },
    }


def upload_answer(records: Sequence[Any], failed: Mapping[int, SegmentsError]) -> Answer:
    """Answer POST /1/upload.

    A failed entry's record is the one that was sent; if that made the answer too long for Lambda, its index in `d`.
    """
    unprocessed = [unprocessed_entry(error, records[index]) for index, error in sorted(failed.items())]
    if is_too_long(unprocessed):
        unprocessed = [unprocessed_entry(error, {"d": index}) for index, error in sorted(failed.items())]
    return batch_answer(len(records) - len(failed), unprocessed, {})


def reached_body(reach: Set[Channel]) -> ReachedBody:
    """Write whether each channel reaches a user; a test holds the shape to the channels."""
    return cast("ReachedBody", {channel.value: channel in reach for channel in Channel})

"""The bodies of answers about profiles: their shapes, and how they are written."""

from collections.abc import Mapping, Sequence, Set
from typing import Annotated, Any, Literal

from typing_extensions import TypeAliasType, TypedDict

from api_segments.core.channels import Channel
from api_segments.core.errors import SegmentsError
from api_segments.http.answers import Unprocessed
from api_segments.http.batch_answers import batch_answer, is_too_long, unprocessed_entry
from api_segments.http.described import (
    About,
    BatchStatus,
    Done,
    Guid,
    NextCursor,
    NullableIdentity,
    TokenTypeBody,
    moment,
    object_of,
)
from api_segments.http.gateway import Answer
from api_segments.memberships.model import NOBODY
from api_segments.profiles.channels import RULES
from api_segments.profiles.model import AttributeValue
from api_segments.profiles.reachability import closed_to
from api_segments.profiles.store import ProfileState
from api_segments.profiles.store_suppressions import Suppression, SuppressionReason


class UploadProfilesResultBody(TypedDict):
    """What came of the records of an upload."""

    status: BatchStatus
    processed: Annotated[int, About("How many records were stored.", 1)]
    unprocessed: Unprocessed


class TokenBody(TypedDict):
    """A device's token."""

    id: Annotated[str, About("The token, as the device's service gave it.", "demo-token-1")]
    type: Annotated[TokenTypeBody, About("The service that gave it.", "fcm")]


def _asked_of(channel: Channel) -> str:
    """Say what it takes for a channel to reach a user."""
    rule = RULES[channel]
    opted = "no opt-out of" if rule.default else "an opt-in to"
    return f"There is {rule.needs}, and {opted} {channel.word}."


ReachedByBody: Any = object_of(
    "ReachedByBody",
    "Whether each channel reaches a user.",
    {channel.value: Annotated[bool, About(_asked_of(channel), example=True)] for channel in RULES},
)


ProfileAttributesBody = TypeAliasType(
    "ProfileAttributesBody",
    Annotated[
        dict[str, AttributeValue], About("The attributes of a user, by name.", {"Name": "Ada Example", "Visits": 3})
    ],
)


class ProfileBody(TypedDict):
    """What is known of a user."""

    identity: NullableIdentity
    guid: Guid
    profileData: Annotated[ProfileAttributesBody, About("What was uploaded.")]
    tokens: Annotated[list[TokenBody], About("The tokens of the user's devices.")]
    reachable: Annotated[ReachedByBody, About("Whether each channel reaches the user now.")]
    opted_out: Annotated[
        list[str], About("Channels that the user or the suppression list has closed, whatever is uploaded.", ["email"])
    ]


class GetProfileResultBody(TypedDict):
    """A user, in CleverTap's shape where it has one."""

    status: Done
    record: Annotated[ProfileBody, About("What is known of the user.")]


AddressTypeBody = TypeAliasType(
    "AddressTypeBody", Annotated[Literal["email", "phone"], About("A kind of address.", "email")]
)


class SuppressionBody(TypedDict):
    """An address as the suppression list has it."""

    id: Annotated[str, About("Stands for the address, which is not kept.", "0f5c1d3e7b9a4268a1e0d4f6b8c2937a")]
    type: Annotated[AddressTypeBody, About("What kind of address it is.", "email")]
    suppressed: Annotated[bool, About("Whether it is on the list.", example=True)]
    unsubscribed_at: Annotated[str | None, moment("When a user with it used the link in an email.")]
    complained_at: Annotated[str | None, moment("When a user with it complained about an email.")]
    bounced_at: Annotated[str | None, moment("When an email to it came back for good.")]
    entered_at: Annotated[str | None, moment("When the account put it on the list.")]
    lifted_at: Annotated[str | None, moment("When it was last taken off the list.")]
    applied_at: Annotated[str | None, moment("When all users who have it had followed the last change.")]
    profiles: Annotated[int, About("How many users who have it have followed the last change so far.", 2)]


class SuppressionListBody(TypedDict):
    """A page of the suppression list."""

    suppressions: Annotated[list[SuppressionBody], About("The addresses of this page.")]
    cursor: NextCursor


class SuppressResultBody(TypedDict):
    """An address that was put on the suppression list."""

    status: Done
    suppression: Annotated[SuppressionBody, About("The address as the list has it now.")]


class LiftSuppressionResultBody(TypedDict):
    """An address that is not on the suppression list."""

    status: Done
    lifted: Annotated[bool, About("Whether it was on the list.", example=True)]
    suppression: Annotated[SuppressionBody, About("The address as the list has it now.")]


class FoundProfileBody(TypedDict):
    """A user who has the address."""

    identity: NullableIdentity
    guid: Guid
    reachable: Annotated[ReachedByBody, About("Whether each channel reaches the user now.")]


class FoundProfileListBody(TypedDict):
    """A page of the users who have an address."""

    profiles: Annotated[list[FoundProfileBody], About("The users of this page.")]
    cursor: NextCursor


def found_profiles_body(found: Sequence[ProfileState], cursor: str | None) -> FoundProfileListBody:
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


def profile_body(found: ProfileState) -> GetProfileResultBody:
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
            "tokens": [{"id": token.token_id, "type": token.type.value} for token in tokens],
            "reachable": reached_body(reach),
            "opted_out": sorted(closed_to(profile)),
        },
    }


def suppression_body(entry: Suppression) -> SuppressionBody:
    """Write an address as the suppression list has it."""
    return {
        "id": entry.address.key,
        "type": entry.address.type.value,
        "suppressed": entry.is_active,
        "unsubscribed_at": entry.since.get(SuppressionReason.UNSUBSCRIBED),
        "complained_at": entry.since.get(SuppressionReason.COMPLAINED),
        "bounced_at": entry.since.get(SuppressionReason.BOUNCED),
        "entered_at": entry.since.get(SuppressionReason.ENTERED),
        "lifted_at": entry.lifted_at,
        "applied_at": entry.applied_at,
        "profiles": entry.profiles,
    }


def suppressions_body(entries: Sequence[Suppression], cursor: str | None) -> SuppressionListBody:
    """Write a part of the suppression list."""
    return {"suppressions": [suppression_body(entry) for entry in entries], "cursor": cursor}


def upload_answer(records: Sequence[Any], failed: Mapping[int, SegmentsError]) -> Answer:
    """Answer POST /1/upload.

    A failed entry's record is the one that was sent; if that made the answer too long for Lambda, its index in `d`.
    """
    unprocessed = [unprocessed_entry(error, records[index]) for index, error in sorted(failed.items())]
    if is_too_long(unprocessed):
        unprocessed = [unprocessed_entry(error, {"d": index}) for index, error in sorted(failed.items())]
    return batch_answer(len(records) - len(failed), unprocessed, {})


def reached_body(reach: Set[Channel]) -> Mapping[str, bool]:
    """Write whether each channel reaches a user, as `ReachedByBody` says."""
    return {channel.value: channel in reach for channel in Channel}

"""The bodies that clients send to /1/targets, as types: their shapes and their limits."""

import re
from typing import Annotated, Any, Literal, NotRequired

from pydantic import BeforeValidator, ConfigDict, Field, PlainValidator, TypeAdapter, WithJsonSchema, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType, TypedDict

from api_segments.campaigns.model import TargetMode
from api_segments.core.limits import (
    MAX_CAMPAIGN_SEGMENTS,
    MAX_PAGE,
    MAX_SEGMENT_ID,
    MAX_TOKEN_CHARACTERS,
    MAX_USERS_LIMIT,
)
from api_segments.http.described import CAMPAIGN_ID, GUID, SEGMENT_ID, About, ActionBody, DescribedAs
from api_segments.http.fields import OptionalText, TaggedBy, Text
from api_segments.segments.named import NamedSegment

_STRICT = ConfigDict(extra="forbid", strict=True)
_DIGITS = re.compile(r"[0-9]{1,16}")


def _whole_number(most: int, about: About) -> Any:  # noqa: ANN401 - a type as pydantic takes it
    """Return the type of whole numbers from 1 to `most`, sent as a number or as a string of digits."""

    def check(value: object) -> object:
        number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            raise PydanticCustomError("whole_number", "must be a whole number from 1 to {most}", {"most": most})
        return number

    one_of = [
        {"type": "integer", "format": "int64", "minimum": 1, "maximum": most},
        {"type": "string", "pattern": "^0*[1-9][0-9]*$"},
    ]
    return Annotated[int, PlainValidator(check), WithJsonSchema({"anyOf": one_of}), about]


def _check_day(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


CampaignId: Any = _whole_number(MAX_SEGMENT_ID, About("The campaign's id.", CAMPAIGN_ID))
_DAY_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "integer", "format": "int64", "minimum": 10000101, "maximum": 99991231},
        {"type": "string", "pattern": "^[0-9]{8}$"},
    ]
}
Day = Annotated[str, BeforeValidator(_check_day), WithJsonSchema(_DAY_SCHEMA)]
Limit: Any = _whole_number(MAX_PAGE, About("How many entries a page has at most.", 100))
UsersLimit: Any = _whole_number(MAX_USERS_LIMIT, About("The most messages in all.", 10000))
Cursor = Annotated[str, Field(min_length=1), About("The `cursor` of the answer before.", "eyJ2IjoxfQ")]
_MODES: Any = Literal[tuple(mode.value for mode in TargetMode)]
TargetModeBody = TypeAliasType("TargetModeBody", Annotated[_MODES, About("How a campaign sends.", "email")])
Mode = Annotated[TargetModeBody, About("How the campaign sends.", "email")]
Content = Annotated[dict[str, str], About("What the messages say, by the fields of the channel.")]
_LOCAL_TIME = "[0-9]{8} [0-9]{2}:[0-9]{2}"
StartTime = TypeAliasType(
    "StartTime",
    Annotated[
        str,
        Field(pattern=f"^(now|{_LOCAL_TIME})$"),
        About("`now`, or a minute in the account's time zone.", "20261201 09:30"),
    ],
)


@with_config(_STRICT)
class Audience(TypedDict):
    """Whom a campaign is for: users in any included and in no excluded segment."""

    include: Annotated[
        list[NamedSegment],
        Field(min_length=1, max_length=MAX_CAMPAIGN_SEGMENTS),
        About("Segments whose users get it.", [SEGMENT_ID]),
    ]
    exclude: NotRequired[
        Annotated[
            list[NamedSegment],
            Field(max_length=MAX_CAMPAIGN_SEGMENTS),
            About("Segments whose users don't.", [{"customer_segment_id": "LAPSED-180"}]),
        ]
    ]


@with_config(_STRICT)
class MembershipEvent(TypedDict):
    """The change that an online campaign acts on."""

    type: Annotated[Literal["event"], About("The campaign is online: it acts on a change.", "event")]
    segment: Annotated[NamedSegment, About("The segment that users join or leave.", SEGMENT_ID)]
    action: Annotated[ActionBody, About("Joining or leaving.", "ADD")]


class AroundEvent(TypedDict):
    """What stands around the change, so that an error names its path."""

    when: MembershipEvent


When = TypeAliasType(
    "When",
    Annotated[
        StartTime | Annotated[MembershipEvent, TaggedBy("type", "event")],
        About("When a campaign sends, or at which change.", "20261201 09:30"),
    ],
)


@with_config(_STRICT)
class CreateCampaignRequest(TypedDict):
    """A campaign to create, or to estimate."""

    target_mode: Mode
    name: NotRequired[Annotated[Text, About("What people call it; required unless `estimate_only`.", "Spring sale")]]
    segment: NotRequired[Annotated[NamedSegment, About("One segment whose users get it, in place of `segments`.")]]
    segments: NotRequired[Annotated[Audience, About("The segments whose users get it.")]]
    when: NotRequired[
        Annotated[
            Any,
            DescribedAs(When),
            About("When to send, or at which change; required unless `estimate_only`.", "20261201 09:30"),
        ]
    ]
    content: NotRequired[Content]
    users_limit_overall: NotRequired[UsersLimit]
    estimate_only: NotRequired[
        Annotated[bool, About("True creates nothing, and answers how many users it would reach.", example=False)]
    ]


ListCampaignsRequest = TypedDict(
    "ListCampaignsRequest",
    {
        "from": NotRequired[Annotated[Day, About("The first day of creation.", 20261101)]],
        "to": NotRequired[Annotated[Day, About("The last day of creation.", 20261130)]],
        "name": NotRequired[Annotated[Text, About("A part of the name, in any case.", "sale")]],
        "status": NotRequired[
            Annotated[Literal["scheduled", "running", "completed", "stopped"], About("How far they are.", "scheduled")]
        ],
        "target_mode": NotRequired[Annotated[TargetModeBody, About("How they send.", "email")]],
        "segment": NotRequired[
            Annotated[NamedSegment, About("A segment that they include, exclude or act on.", SEGMENT_ID)]
        ],
        "limit": NotRequired[Limit],
        "cursor": NotRequired[Cursor],
    },
)
ListCampaignsRequest.__doc__ = "Which campaigns to list; days are in the account's time zone."
ListCampaignsRequest.__pydantic_config__ = _STRICT  # type: ignore[attr-defined]  # the decorator can't stand before a call


@with_config(_STRICT)
class GetCampaignStartRequest(TypedDict):
    """A local time of the account."""

    when: Annotated[
        str,
        WithJsonSchema({"type": "string", "pattern": f"^{_LOCAL_TIME}$"}),
        About("YYYYMMDD HH:MM in the account's time zone.", "20261201 09:30"),
    ]


@with_config(_STRICT)
class EditCampaignRequest(TypedDict):
    """What is to be other of a scheduled campaign."""

    id: CampaignId
    version: NotRequired[Annotated[int, Field(ge=0), About("The version that it has; 409 if it was edited since.", 0)]]
    name: NotRequired[Annotated[Text, About("What people call it.", "Summer sale")]]
    segment: NotRequired[Annotated[NamedSegment, About("One segment whose users get it, in place of `segments`.")]]
    segments: NotRequired[Annotated[Audience, About("The segments whose users get it.")]]
    when: NotRequired[Annotated[StartTime, About("When to send.", "20261202 09:30")]]
    content: NotRequired[
        Annotated[dict[str, str], About("All that the messages say, by the fields of the channel.", {"body": "Hello"})]
    ]
    users_limit_overall: NotRequired[
        Annotated[UsersLimit | None, About("The most messages in all; null for no limit.", 10000)]
    ]


@with_config(_STRICT)
class DuplicateCampaignRequest(TypedDict):
    """Like which campaign to create another, and when."""

    id: CampaignId
    when: Annotated[Any, DescribedAs(When), About("When to send, or at which change.", "20261201 09:30")]
    name: NotRequired[Annotated[Text, About("What people call it; the same if absent.", "Spring sale, again")]]


@with_config(_STRICT)
class CampaignReference(TypedDict):
    """A campaign, by its id."""

    id: CampaignId


@with_config(_STRICT)
class ListCampaignMessagesRequest(TypedDict):
    """Of which campaign to list the messages."""

    id: CampaignId
    limit: NotRequired[Limit]
    cursor: NotRequired[Cursor]


EventDetail = TypeAliasType(
    "EventDetail", Annotated[dict[str, Any], About("The detail of an event.", {"Action": "ADD"})]
)


@with_config(_STRICT)
class PreviewCampaignRequest(TypedDict):
    """A content to fill in, and for whom."""

    target_mode: Mode
    content: Content
    identity: NotRequired[
        Annotated[OptionalText, About("Your id of the user; nobody in particular if absent.", "CT123456")]
    ]
    guid: NotRequired[Annotated[OptionalText, About("The user's guid, in place of `identity`.", GUID)]]
    event: NotRequired[
        Annotated[
            EventDetail | None,
            About("The detail of a `Segment Membership Change`, for an online campaign.", {"Action": "ADD"}),
        ]
    ]


@with_config(_STRICT)
class SendTestMessageRequest(PreviewCampaignRequest):
    """A content to send as a test, filled in for whom, and to whom."""

    to: NotRequired[
        Annotated[
            str,
            Field(min_length=1, max_length=MAX_TOKEN_CHARACTERS),
            About("One of the account's test recipients; absent for a webhook.", "ada@example.com"),
        ]
    ]


@with_config(_STRICT)
class GetCampaignSettingsRequest(TypedDict):
    """An empty object."""


CREATE = TypeAdapter(CreateCampaignRequest)
EVENT = TypeAdapter(AroundEvent)
START = TypeAdapter(GetCampaignStartRequest)
EDIT = TypeAdapter(EditCampaignRequest)
DUPLICATE = TypeAdapter(DuplicateCampaignRequest)
LIST = TypeAdapter(ListCampaignsRequest)
TARGET = TypeAdapter(CampaignReference)
LOG = TypeAdapter(ListCampaignMessagesRequest)
PREVIEW = TypeAdapter(PreviewCampaignRequest)
TEST = TypeAdapter(SendTestMessageRequest)
NOTHING = TypeAdapter(GetCampaignSettingsRequest)

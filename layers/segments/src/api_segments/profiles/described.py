"""What the API's description says of a user's attributes; what they may really be, each is asked by itself."""

from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict
from typing_extensions import TypeAliasType, TypedDict

from api_segments.http.described import About
from api_segments.profiles.channels import RULES, ReachRule, channels_of
from api_segments.profiles.model import AttributeValue

_STRICT = ConfigDict(extra="forbid")

RemoveAttribute = TypedDict("RemoveAttribute", {"$remove": Annotated[Literal[True], About("Takes it away.", True)]})  # noqa: FBT003 - it is the value
RemoveAttribute.__doc__ = "Takes an attribute away, as null does."
RemoveAttribute.__pydantic_config__ = _STRICT  # type: ignore[attr-defined]  # the decorator can't stand before a call
Gender = TypeAliasType("Gender", Annotated[Literal["M", "F", "O"], About("Male, female or other.", "F")])
_Text = str | RemoveAttribute | None
_Flag = bool | RemoveAttribute | None


def _said_of(rule: ReachRule) -> str:
    channels = " and ".join(channel.word for channel in channels_of(rule.flag))
    return f"False opts out of {channels}." if rule.default else f"True opts in to {channels}."


ProfileData = TypedDict(  # type: ignore[misc]  # mypy does not know `extra_items` yet
    "ProfileData",
    {
        "Name": NotRequired[Annotated[_Text, About("The user's name.", "Ada Example")]],
        "Email": NotRequired[Annotated[_Text, About("An address, checked for its syntax.", "ada@example.com")]],
        "Phone": NotRequired[Annotated[_Text, About("A phone number in E.164.", "+12025550123")]],
        "Gender": NotRequired[Annotated[Gender | RemoveAttribute | None, About("`M`, `F` or `O`.", "F")]],
        "DOB": NotRequired[
            Annotated[_Text, About("A date of birth, or `$D_` and the seconds since 1970.", "1990-12-31")]
        ],
        **{rule.flag: NotRequired[Annotated[_Flag, About(_said_of(rule), example=True)]] for rule in RULES.values()},
    },
    extra_items=AttributeValue | RemoveAttribute | None,
)
ProfileData.__doc__ = (
    "Attributes to set, or to take away: those that mean something here, and any of yours. Others stay as they are."
)

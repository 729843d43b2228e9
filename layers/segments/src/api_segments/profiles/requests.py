"""The records of POST /1/upload, in CleverTap's shape: what they may hold, and what is said about wrong ones."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Literal, NotRequired

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType, TypedDict

from api_segments.core.errors import InvalidRequestError, SegmentsError
from api_segments.core.limits import (
    MAX_ATTRIBUTE_NAME_BYTES,
    MAX_ATTRIBUTE_VALUE_BYTES,
    MAX_RECORDS_PER_UPLOAD,
    MAX_TOKEN_CHARACTERS,
)
from api_segments.http.described import About, DescribedAs, TokenTypeBody
from api_segments.http.fields import OptionalText
from api_segments.http.ids import check_text
from api_segments.http.strict_json import BROKEN, REPLACEMENT, show
from api_segments.http.validation import read_body, validate
from api_segments.profiles.channels import FLAGS
from api_segments.profiles.described import ProfileData
from api_segments.profiles.model import Address, AddressType, AttributeValue, ProfileUpdate, Token, TokenType
from api_segments.profiles.names import is_identity, mistaken

_STRICT = ConfigDict(extra="forbid", strict=True)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164: at most 15 digits
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH_DATE = re.compile(r"\$D_-?[0-9]{1,12}")  # CleverTap's way to write a moment

# CleverTap's clients send these; nothing here asks for them.
_Time = Annotated[
    Any, WithJsonSchema({"type": "integer", "format": "int64"}), About("Seconds since 1970; ignored.", 1795960434)
]
_Source = Annotated[Any, WithJsonSchema({"type": "string"}), About("Where the record comes from; ignored.", "shop")]
_Keys = Annotated[
    Any, WithJsonSchema({"type": "object"}), About("A browser's keys; ignored.", {"auth": "a", "p256dh": "b"})
]

_Identity = Annotated[OptionalText, About("Your id of the user; this or `objectId`.", "CT123456")]
_ObjectId = Annotated[OptionalText, About("An id from a device, which updates of segments call `guid`.", "abcde12345")]


@with_config(_STRICT)
class ProfileRecord(TypedDict):
    """Attributes and opt-outs of a user."""

    identity: NotRequired[_Identity]
    objectId: NotRequired[_ObjectId]
    type: Annotated[Literal["profile"], About("The record is about attributes.", "profile")]
    ts: NotRequired[_Time]
    source: NotRequired[_Source]
    profileData: Annotated[
        dict[str, Any], DescribedAs(ProfileData), About("The attributes.", {"Email": "ada@example.com"})
    ]


def _check_token_id(value: object) -> object:
    """Take what messaging services hand out: opaque ASCII text (Firebase advises to allow for 4 KB)."""
    if isinstance(value, str) and not (
        1 <= len(value) <= MAX_TOKEN_CHARACTERS and value.isascii() and value.isprintable() and value.strip()
    ):
        said = f"must have 1 to {MAX_TOKEN_CHARACTERS} printable ASCII characters, not only spaces"
        raise PydanticCustomError("token_id", said)
    return value


TokenId = Annotated[str, BeforeValidator(_check_token_id)]
TokenData = TypedDict(
    "TokenData",
    {
        "id": Annotated[TokenId, About("The token, as the device's service gave it.", "demo-token-1")],
        "type": Annotated[TokenTypeBody, About("The service that gave it.", "fcm")],
        "keys": NotRequired[_Keys],
        "$remove": NotRequired[Annotated[bool, About("True takes the token away.", example=False)]],
    },
)
TokenData.__doc__ = "A device's token."
TokenData.__pydantic_config__ = _STRICT  # type: ignore[attr-defined]  # the decorator can't stand before a call


@with_config(_STRICT)
class TokenRecord(TypedDict):
    """A device's token, to add or, with `$remove`, to take away."""

    identity: NotRequired[_Identity]
    objectId: NotRequired[_ObjectId]
    type: Annotated[Literal["token"], About("The record is about a token.", "token")]
    ts: NotRequired[_Time]
    source: NotRequired[_Source]
    tokenData: Annotated[TokenData, About("The token.")]


UploadRecord = TypeAliasType(
    "UploadRecord",
    Annotated[ProfileRecord | TokenRecord, Field(discriminator="type"), About("What is known of a user, or a token.")],
)


@with_config(_STRICT)
class UploadProfilesRequest(TypedDict):
    """What is known of users; the records are read one by one, since each stands or falls alone."""

    d: Annotated[
        list[Annotated[Any, DescribedAs(UploadRecord)]],
        Field(min_length=1, max_length=MAX_RECORDS_PER_UPLOAD),
        About("The records, done in their order."),
    ]


BODY = TypeAdapter(UploadProfilesRequest)
_RECORD: TypeAdapter[ProfileRecord | TokenRecord] = TypeAdapter(UploadRecord)


def parse_upload(body: bytes) -> tuple[list[Any], dict[int, ProfileUpdate], dict[int, SegmentsError]]:
    """Read the body of POST /1/upload: its records as they came, those that can be applied, and why the others can't.

    Raises InvalidRequestError or BodyTooLargeError when the body as a whole can't be read.
    """
    records: list[Any] = validate(BODY, read_body(body))["d"]
    updates: dict[int, ProfileUpdate] = {}
    refused: dict[int, SegmentsError] = {}
    for index, record in enumerate(records):
        try:
            updates[index] = _to_update(validate(_RECORD, record, is_tagged=True, whole="record"))
        except InvalidRequestError as error:
            refused[index] = error
    return records, updates, refused


def address_in_query(query: Mapping[str, str]) -> Address:
    """Read `email` or `phone`, one of which there must be; raises InvalidRequestError."""
    given = [Address(each, query[each]) for each in AddressType if each in query]
    if len(given) != 1:
        raise InvalidRequestError("email or phone is required, and not both")
    (address,) = given
    try:
        _STANDARD[address.type.attribute](address.text)
    except ValueError as exc:
        hint = "; in a URL + is %2B" if address.type is AddressType.PHONE else ""
        raise InvalidRequestError(f"{address.type}: {exc}{hint}") from exc
    return address


def _to_update(record: ProfileRecord | TokenRecord) -> ProfileUpdate:
    identity, guid = record.get("identity"), record.get("objectId")
    if record["type"] == "profile":
        identity = _identity(identity, record["profileData"])
    if identity is None and guid is None:
        raise InvalidRequestError("identity or objectId is required")
    if record["type"] == "token":
        data = record["tokenData"]
        token = frozenset({Token(TokenType(data["type"]), data["id"])})
        if data.get("$remove", False):
            return ProfileUpdate(identity, guid, removed_tokens=token)
        return ProfileUpdate(identity, guid, added_tokens=token)
    return _attributes(identity, guid, record["profileData"])


def _identity(identity: str | None, data: Mapping[str, Any]) -> str | None:
    """Return a record's identity, which may stand in `profileData` instead of beside it."""
    for name, value in data.items():
        if not is_identity(name) or _is_removed(value):
            continue
        try:
            check_text(value)
        except PydanticCustomError as exc:
            raise InvalidRequestError(f"profileData.{name}: {exc.message()}") from exc
        if not isinstance(value, str):
            raise InvalidRequestError(f"profileData.{name}: must be a string")
        if identity is None:
            identity = value
        elif value != identity:
            raise InvalidRequestError(f"profileData.{name}: the record names another identity")
    return identity


def _is_removed(value: object) -> bool:
    return value is None or (isinstance(value, dict) and value.keys() == {"$remove"} and value["$remove"] is True)


def _attributes(identity: str | None, guid: str | None, data: Mapping[str, Any]) -> ProfileUpdate:
    values: dict[str, AttributeValue] = {}
    removed: set[str] = set()
    for name, value in data.items():
        if _is_removed(value):
            removed.add(name)
            continue
        if is_identity(name):
            continue
        try:
            _check_name(name)
            if name in _STANDARD:
                _check_not_broken(value)
            _STANDARD.get(name, _check_custom)(value)
        except ValueError as exc:
            raise InvalidRequestError(f"profileData.{show(name)}: {exc}") from exc
        values[name] = value
    return ProfileUpdate(identity, guid, attributes=values, removed_attributes=frozenset(removed))


def _check_name(name: str) -> None:
    wrong = mistaken(name)
    if wrong is not None:
        raise ValueError(wrong)
    if not name.strip() or _CONTROL.search(name):
        raise ValueError("a name must not be blank nor have control characters")
    _check_not_broken(name)
    if len(_utf8(name)) > MAX_ATTRIBUTE_NAME_BYTES:
        raise ValueError(f"a name must have at most {MAX_ATTRIBUTE_NAME_BYTES} bytes of UTF-8")


def _check_not_broken(value: object) -> None:
    if isinstance(value, str) and REPLACEMENT in value:
        raise ValueError(BROKEN)


def _check_custom(value: object) -> None:
    """Take a string, a number or true and false."""
    if not isinstance(value, str | int | float):
        raise ValueError('must be a string, a number, true or false, or null or {"$remove":true} to clear it')  # noqa: TRY004 - all alike to the caller
    if isinstance(value, str) and _CONTROL_BUT_LINES.search(value):
        raise ValueError("must have no control characters but tabs and line ends")
    size = len(_utf8(value) if isinstance(value, str) else json.dumps(value))
    if size > MAX_ATTRIBUTE_VALUE_BYTES:
        raise ValueError(f"must have at most {MAX_ATTRIBUTE_VALUE_BYTES} bytes of UTF-8, has {size}")


def _check_name_of_person(value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a string that is not blank")
    _check_custom(value)


# RFC 5321, 4.5.3.1.3. The validator refuses longer ones too, after seconds for some megabytes.
_MAX_EMAIL_CHARACTERS = 254


def _check_email(value: object) -> None:
    if not isinstance(value, str) or len(value) > _MAX_EMAIL_CHARACTERS:
        raise ValueError("must be an email address")
    try:
        # Syntax alone: the product works without a resolver, and a domain may come later.
        validate_email(_utf8(value).decode(), check_deliverability=False)
    except EmailNotValidError as exc:
        raise ValueError("must be an email address") from exc


def _check_phone(value: object) -> None:
    said = 'must be a phone number in E.164, like "+14155551234"'
    if not isinstance(value, str) or not _E164.fullmatch(value):
        raise ValueError(said)
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException as exc:
        raise ValueError(said) from exc
    if not phonenumbers.is_possible_number(number):
        raise ValueError(said)


def _one_of(*values: object) -> Callable[[object], None]:
    def check(value: object) -> None:
        if not any(value is known or (isinstance(known, str) and value == known) for known in values):
            raise ValueError(f"must be {' or '.join(json.dumps(known) for known in values)}")

    return check


def _check_date(value: object) -> None:
    said = 'must be a date like "1990-12-31", or "$D_" and the seconds since 1970'
    if not isinstance(value, str):
        raise ValueError(said)  # noqa: TRY004 - as above
    if _EPOCH_DATE.fullmatch(value):
        return
    try:
        date.fromisoformat(value if _DATE.fullmatch(value) else "")
    except ValueError as exc:
        raise ValueError(said) from exc


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise ValueError("must have no lone surrogates") from exc


_TRUE_OR_FALSE = _one_of(True, False)  # noqa: FBT003 - they are the values
_STANDARD: Mapping[str, Callable[[object], None]] = {
    "Name": _check_name_of_person,
    "Email": _check_email,
    "Phone": _check_phone,
    "Gender": _one_of("M", "F", "O"),
    "DOB": _check_date,
    **dict.fromkeys(FLAGS, _TRUE_OR_FALSE),
}

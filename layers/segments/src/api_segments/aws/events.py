"""Events as rooms write them, and what they say as JSON Schema: a room describes its events where it writes them.

Only keywords that mean the same in all drafts from 4 on are used: EventBridge's registry takes draft 4, validators read
draft 7, OpenAPI has 2020-12.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

Json = dict[str, Any]

SOURCE = "api-segments"
# Grows when a subscriber that keeps to the schemas could break; a field more does not change it.
VERSION = 1


class BusEvent(NamedTuple):
    """An event as a room writes it: its detail-type, its detail, and when it occurred."""

    name: str
    detail: Mapping[str, object]
    occurred_at: datetime


def full_detail(detail: Mapping[str, object]) -> dict[str, object]:
    """Return a detail as it is sent: with its version, and under names without spaces too.

    EventBridge's input paths know no spaces, and its patterns compare numbers of at most 15 digits: ids are text there.
    """
    twins = {plain_name(name): as_text(value) for name, value in detail.items() if " " in name}
    return {"Version": VERSION, **detail, **twins}


@cache
def plain_name(name: str) -> str:
    """Return the name of a field without spaces."""
    return name.replace(" ", "_")


def as_text(value: object) -> object:
    """Return an id as text, anything else as it is."""
    return str(value) if type(value) is int else value


_MOMENT = "2026-11-23T14:13:54Z"
_VERSION: Json = {
    "type": "integer",
    "format": "int64",
    "enum": [VERSION],
    "description": "The version of this schema; fields may be added without a new one.",
}


@dataclass(frozen=True, slots=True)
class EventKind:
    """A kind of event: its detail-type, when it is sent, and the fields of its detail; a few of them may be absent."""

    name: str
    description: str
    fields: Mapping[str, Json]
    optional: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """The name in one word, as files, registries and generated code have it."""
        return self.name.replace(" ", "")

    def detail_schema(self) -> Json:
        """Return what its detail is, under all names it is sent with."""
        twins = {plain_name(name): _twin(name, field) for name, field in self.fields.items() if " " in name}
        properties = {"Version": _VERSION, **self.fields, **twins}
        left_out = {*self.optional, *map(plain_name, self.optional)}
        return {
            "type": "object",
            "description": self.description,
            "required": [name for name in properties if name not in left_out],
            "properties": properties,
        }

    def schema(self) -> Json:
        """Return what a rule hands on: EventBridge's envelope with the detail."""
        envelope = _envelope(self.name)
        return {
            "title": self.title,
            "type": "object",
            "required": [*envelope, "detail"],
            "properties": {**envelope, "detail": self.detail_schema()},
        }

    def example(self) -> Json:
        """Return an event as a rule hands it on, with all of its fields."""
        detail = {name: field["examples"][0] for name, field in self.fields.items()}
        return {
            **{name: field["examples"][0] for name, field in _envelope(self.name).items()},
            "detail": full_detail(detail),
        }


def text(description: str, example: str | None, *, nullable: bool = False, **more: object) -> Json:
    """Describe a field that is text."""
    return {
        "type": ["string", "null"] if nullable else "string",
        "description": description,
        "examples": [example],
        **more,
    }


def identifier(description: str, example: int) -> Json:
    """Describe a field that is an id: a number below 2^53."""
    return {"type": "integer", "format": "int64", "minimum": 1, "description": description, "examples": [example]}


def moment(description: str, example: str = _MOMENT) -> Json:
    """Describe a field that is a time."""
    return text(description, example, format="date-time")


def _twin(name: str, field: Json) -> Json:
    """Describe a field under its name without spaces, where ids are text."""
    if field["type"] != "integer":
        return {**field, "description": f"The same as `{name}`."}
    example = str(field["examples"][0])
    return text(f"The same as `{name}`, as text.", example, pattern="^[0-9]+$")


def _envelope(name: str) -> dict[str, Json]:
    """Describe what EventBridge puts around a detail."""
    return {
        "version": text("Of EventBridge's envelope.", "0"),
        "id": text(
            "EventBridge's name of this one sending; repeats are known by `Event_ID`.",
            "7f1c9d8e-0000-4000-8000-000000000001",
        ),
        "detail-type": text("The kind of event.", name, enum=[name]),
        "source": text("Whose events these are.", SOURCE, enum=[SOURCE]),
        "account": text("The AWS account of the bus.", "123456789012"),
        "time": moment("When it occurred, to the second."),
        "region": text("The AWS region of the bus.", "us-east-1"),
        "resources": {"type": "array", "items": {"type": "string"}, "description": "Empty.", "examples": [[]]},
    }


ACCOUNT_ID = text("The account that it happened in.", "SHP-7KD-42QX")
IDENTITY = text("Your id of the user; null for an anonymous one.", "CT123456", nullable=True)
PROFILE_ID = text("Our id of the user (`guid`), which never changes.", "5f2d6c1e9b7a4c38a1e0d4f6b8c2937a")

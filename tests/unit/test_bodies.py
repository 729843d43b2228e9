"""The two spellings of a body's shape: the types that the API is described by, and what checks requests."""

from typing import Any

import pytest
from pydantic import TypeAdapter
from pydantic_core import CoreSchema

from api_segments.http import fields, validation
from api_segments.memberships import bodies as of_memberships
from api_segments.memberships.requests import UPDATE
from api_segments.segments import bodies as of_segments
from api_segments.segments.requests import CREATE, RENAME

# What pydantic adds for its own use, and what says nothing about which values pass.
SAYS_NOTHING = {"cls", "computed_fields", "metadata", "ref", "title"}


def plain(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: plain(value) for name, value in schema.items() if name not in SAYS_NOTHING and value is not None}
    return [plain(each) for each in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize(
    ("described", "checked"),
    [
        (of_segments.CREATE, CREATE),
        (of_memberships.UPDATE, UPDATE),
        (of_segments.RENAME, RENAME),
        (fields.TEXT, validation.TEXT),
        (fields.SEGMENT_ID, validation.SEGMENT_ID),
    ],
    ids=["create", "update", "rename", "text", "segment id"],
)
def test_a_body_is_checked_as_it_is_described(described: TypeAdapter[Any], checked: CoreSchema) -> None:
    assert plain(checked) == plain(described.core_schema)

"""The two spellings of a body's shape: the types that the API is described by, and what checks requests."""

from typing import Any

import pytest
from pydantic import TypeAdapter
from pydantic_core import CoreSchema

from api_segments.http import validation as requests
from api_segments.memberships.requests import UPDATE
from api_segments.segments.requests import CREATE, RENAME
from api_segments.UNKNOWN import bodies

# What pydantic adds for its own use, and what says nothing about which values pass.
SAYS_NOTHING = {"cls", "computed_fields", "metadata", "ref", "title"}


def plain(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: plain(value) for name, value in schema.items() if name not in SAYS_NOTHING and value is not None}
    return [plain(each) for each in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize(
    ("described", "checked"),
    [
        (bodies.CREATE, CREATE),
        (bodies.UPDATE, UPDATE),
        (bodies.RENAME, RENAME),
        (bodies.TEXT, requests.TEXT),
        (bodies.SEGMENT_ID, requests.SEGMENT_ID),
    ],
    ids=["create", "update", "rename", "text", "segment id"],
)
def test_a_body_is_checked_as_it_is_described(described: TypeAdapter[Any], checked: CoreSchema) -> None:
    assert plain(checked) == plain(described.core_schema)

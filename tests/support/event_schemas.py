"""What left as an event is as its schema says, and has no field that the schema does not name."""

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from api_segments.aws.events import SOURCE, EventKind
from api_segments.site.webhooks import EVENTS

Json = Any

KINDS: Mapping[str, EventKind] = {kind.name: kind for kind in EVENTS}
_VALIDATORS = {
    name: jsonschema_rs.Draft7Validator(kind.detail_schema(), validate_formats=True) for name, kind in KINDS.items()
}


def assert_described(name: str, detail: Json) -> None:
    """Fail unless the schema of this detail-type takes the detail, and names all of it."""
    wrong = [f"{error.instance_path}: {error.message}" for error in _VALIDATORS[name].iter_errors(detail)]
    assert wrong == [], (name, detail)
    assert detail.keys() <= KINDS[name].detail_schema()["properties"].keys(), (name, detail)


def assert_entry_described(entry: Mapping[str, Any], detail: Json) -> None:
    """Fail unless an entry of PutEvents, whose detail was read, is one of ours and as described."""
    assert entry["Source"] == SOURCE
    assert_described(entry["DetailType"], detail)

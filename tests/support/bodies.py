"""Bodies of requests, from their parts; a part that a test does not care about is a good one."""

from typing import Any

Json = Any

USER = {"identity": "CT123456"}
ADD = {"customer_segment_id": "SEG12345", "action": "ADD"}


def update(users: list[Json] | None = None, segments: list[Json] | None = None) -> Json:
    """Return the body of an update with one group."""
    return {"bulk_profiles": [group(users, segments)]}


def group(users: list[Json] | None = None, segments: list[Json] | None = None) -> Json:
    return {"user_profiles": [USER] if users is None else users, "segments": [ADD] if segments is None else segments}


def user(**fields: Json) -> Json:
    return update(users=[fields])


def segment(**fields: Json) -> Json:
    """Return the body of an update of one segment, added unless `fields` say otherwise."""
    return update(segments=[{"action": "ADD", **fields}])


def name(value: Json) -> Json:
    """Return the body that creates a segment of this name."""
    return [{"segment_name": value}]


def act(action: str, *, ct: int | str | None = None, customer: str | None = None) -> Json:
    """Return what to do with a segment, named by either id or by both."""
    ids = {"ct_segment_id": ct, "customer_segment_id": customer}
    return {**{name: value for name, value in ids.items() if value is not None}, "action": action}


def users(*identities: str) -> list[Json]:
    return [{"identity": identity} for identity in identities]

"""JSON of the wrong shape, or over a limit: the exact answer, and the services are never asked."""

import json
from typing import Any

import pytest

from api_segments.core.limits import MAX_SEGMENTS_PER_CREATE, MAX_SEGMENTS_PER_UPDATE, MAX_USERS_PER_UPDATE
from api_segments.segments.model import NewSegment
from tests.support import bodies
from tests.unit.conftest import CREATE, UPDATE, Api

Json = Any
SEGMENT = "bulk_profiles[0].segments[0]"
NOT_AN_ID = "must be a whole number from 1 to 2^53 - 1, or a string of its digits"
NOT_AN_ACTION = "must be 'ADD' or 'REMOVE'"


NO_TEXT: list[Json] = [True, 1, 1.5, [], {}]
NO_OBJECT: list[Json] = [None, True, 1, "a", []]
NO_LIST: list[Json] = [None, True, 1, "a", {}]


def one_too_many(path: str, most: int, things: str = "entries") -> str:
    return f"{path}: must have at most {most} {things}, has {most + 1}"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        *((body, "body: must be a list") for body in [*NO_LIST, {"segment_name": "a"}]),
        *(([entry], "[0]: must be an object") for entry in NO_OBJECT),
        ([{"segment_name": 1}, 2], "[1]: must be an object"),
    ],
)
def test_create_of_the_wrong_type_is_refused(api: Api, body: Json, error: str) -> None:
    api.refuses(CREATE, json.dumps(body), error)


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ({}, "segment_name: is required"),
        ({"customer_segment_id": 1}, "segment_name: is required"),
        *(({"segment_name": name}, "segment_name: must be a string") for name in [None, *NO_TEXT]),
        *(
            ({"segment_name": "a", "customer_segment_id": wrong}, "customer_segment_id: must be a string")
            for wrong in NO_TEXT
        ),
    ],
)
def test_an_entry_that_cannot_be_read_fails_alone(api: Api, entry: Json, error: str) -> None:
    api.rejects_entry(entry, error)


def test_entries_beside_one_that_cannot_be_read_are_asked_for(api: Api) -> None:
    entries: list[Json] = [
        {"segment_name": "a"},
        {"segment_name": 1, "more": [{"\ud800": None}]},
        {"segment_name": "b"},
    ]
    status, answer = api.post(CREATE, entries)
    assert status == 200
    assert [(failed["error"], failed["record"]) for failed in answer["unprocessed"]] == [
        ("segment_name: must be a string", entries[1])
    ]
    ((_, (_, asked, *_)),) = api.services.calls
    assert asked.entries == {0: NewSegment("a"), 2: NewSegment("b")}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        *((body, "body: must be an object") for body in NO_OBJECT),
        ({}, "bulk_profiles: is required"),
        *(({"bulk_profiles": wrong}, "bulk_profiles: must be a list") for wrong in NO_LIST),
        *(({"bulk_profiles": [wrong]}, "bulk_profiles[0]: must be an object") for wrong in NO_OBJECT),
        ({"bulk_profiles": [{"segments": [bodies.ADD]}]}, "bulk_profiles[0].user_profiles: is required"),
        ({"bulk_profiles": [{"user_profiles": [bodies.USER]}]}, "bulk_profiles[0].segments: is required"),
        *(
            ({"bulk_profiles": [{**bodies.group(), field: wrong}]}, f"bulk_profiles[0].{field}: must be a list")
            for field in ("user_profiles", "segments")
            for wrong in NO_LIST
        ),
        *((bodies.update(segments=[wrong]), f"{SEGMENT}: must be an object") for wrong in NO_OBJECT),
        *(
            (bodies.segment(customer_segment_id=wrong), f"{SEGMENT}.customer_segment_id: must be a string")
            for wrong in NO_TEXT
        ),
        (bodies.update(segments=[{"ct_segment_id": 1}]), f"{SEGMENT}.action: is required"),
        *(
            (bodies.segment(ct_segment_id=1, action=wrong), f"{SEGMENT}.action: {NOT_AN_ACTION}")
            for wrong in [None, *NO_TEXT, "", "add", "ADD ", "DELETE"]
        ),
        (
            {"bulk_profiles": [bodies.group(), bodies.group(segments=[bodies.ADD, {**bodies.ADD, "action": 1}])]},
            f"bulk_profiles[1].segments[1].action: {NOT_AN_ACTION}",
        ),
    ],
)
def test_update_of_the_wrong_type_is_refused(api: Api, body: Json, error: str) -> None:
    api.refuses(UPDATE, json.dumps(body), error)


@pytest.mark.parametrize(
    "wrong",
    [
        *(0, -1, True, False, 1.0, 1.5, 1e300, 2**53, 12345678901234567890, [], {}, [1]),
        *("", "0", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "1_0", "one", "null", "1\n", "\ud800"),
        *(
            str(2**53),
            "12345678901234567890",
            "0" * 17,
            "\u0661\u0662\u0663",
            "\xb2",
            "\uff11",
        ),  # digits of other scripts
    ],
)
def test_what_is_no_segment_id_is_refused(api: Api, wrong: Json) -> None:
    api.refuses(UPDATE, bodies.segment(ct_segment_id=wrong), f"{SEGMENT}.ct_segment_id: {NOT_AN_ID}")


@pytest.mark.parametrize("given", [1, "1", "0001", 1763901234567890, "1763901234567890", 2**53 - 1, str(2**53 - 1)])
def test_segment_id_is_taken_as_a_number_or_as_digits(api: Api, given: Json) -> None:
    assert api.post(UPDATE, bodies.segment(ct_segment_id=given))[0] == 200
    (_, (_, groups, _)), *_ = api.services.calls
    assert groups[0].actions[0][0].segment_id == int(given)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (bodies.segment(), f"{SEGMENT}: ct_segment_id or customer_segment_id is required"),
        (
            bodies.segment(ct_segment_id=None, customer_segment_id=None),
            f"{SEGMENT}: ct_segment_id or customer_segment_id is required",
        ),
        (
            bodies.update(users=[bodies.USER, {}], segments=[bodies.ADD, {"action": "ADD"}]),
            "bulk_profiles[0].segments[1]: ct_segment_id or customer_segment_id is required",
        ),
    ],
)
def test_segment_without_an_id_is_refused(api: Api, body: Json, error: str) -> None:
    api.refuses(UPDATE, body, error)


def test_identity_wins_over_guid(api: Api) -> None:
    assert api.post(UPDATE, bodies.user(identity="a", guid="b"))[0] == 200
    (_, (_, groups, _)), *_ = api.services.calls
    assert [(user.identity, user.guid) for user in groups[0].users] == [("a", None)]


@pytest.mark.parametrize(
    ("user", "error"),
    [
        *((wrong, ": must be an object") for wrong in NO_OBJECT),
        *(({field: wrong}, f".{field}: must be a string") for field in ("identity", "guid") for wrong in NO_TEXT),
        ({}, ": identity or guid is required"),
        ({"identity": None, "guid": None}, ": identity or guid is required"),
        ({"identity": "a", "guid": ""}, ".guid: must have 1 to 255 characters, has 0"),
        ({"identity": "a", "guid": "a\tb"}, ".guid: must have no control characters"),
        ({"identity": "a", "email": "a@example.com"}, ".email: unknown field"),
        ({"Identity": "a"}, ".Identity: unknown field; it is written identity"),
        ({"objectId": "a"}, ".objectId: unknown field; it is written guid"),
    ],
)
def test_a_user_who_cannot_be_read_fails_alone(api: Api, user: Json, error: str) -> None:
    api.rejects(user, error)


def test_users_beside_one_who_cannot_be_read_are_asked_for(api: Api) -> None:
    status, answer = api.post(UPDATE, bodies.update(users=[{"identity": "a"}, {"identity": 5}, {"guid": "b"}]))
    assert status == 200
    assert [failed["record"]["user_profiles"] for failed in answer["unprocessed"]] == [[{"identity": 5}]]
    assert answer["unprocessed"][0]["error"] == "bulk_profiles[0].user_profiles[1].identity: must be a string"
    (_, (_, groups, _)), _ = api.services.calls
    assert [(user.identity, user.guid) for user in groups[0].users] == [("a", None), (None, "b")]


@pytest.mark.parametrize(
    ("function", "body", "error"),
    [
        (CREATE, [], "body: must not be empty"),
        (
            CREATE,
            [{"segment_name": str(index)} for index in range(MAX_SEGMENTS_PER_CREATE + 1)],
            one_too_many("body", MAX_SEGMENTS_PER_CREATE),
        ),
        (UPDATE, {"bulk_profiles": []}, "bulk_profiles: must not be empty"),
        (UPDATE, bodies.update(users=[]), "bulk_profiles[0].user_profiles: must not be empty"),
        (UPDATE, bodies.update(segments=[]), "bulk_profiles[0].segments: must not be empty"),
        (
            UPDATE,
            bodies.update(users=[{"identity": str(index)} for index in range(MAX_USERS_PER_UPDATE + 1)]),
            one_too_many("bulk_profiles[0].user_profiles", MAX_USERS_PER_UPDATE),
        ),
        (
            UPDATE,
            {"bulk_profiles": [bodies.group(users=[bodies.USER] * part) for part in (1, MAX_USERS_PER_UPDATE)]},
            one_too_many("bulk_profiles", MAX_USERS_PER_UPDATE, "user_profiles over the whole request"),
        ),
        (
            UPDATE,
            {"bulk_profiles": [bodies.group()] * (MAX_USERS_PER_UPDATE + 1)},
            one_too_many("bulk_profiles", MAX_USERS_PER_UPDATE),
        ),
    ],
)
def test_empty_lists_and_one_more_than_the_limit_are_refused(api: Api, function: str, body: Json, error: str) -> None:
    api.refuses(function, body, error)


@pytest.mark.parametrize(
    ("function", "body"),
    [
        (CREATE, [{"segment_name": str(index)} for index in range(MAX_SEGMENTS_PER_CREATE)]),
        (UPDATE, bodies.update(users=[{"identity": str(index)} for index in range(MAX_USERS_PER_UPDATE)])),
        (UPDATE, {"bulk_profiles": [bodies.group()] * MAX_USERS_PER_UPDATE}),
        (
            UPDATE,
            bodies.update(
                segments=[{"ct_segment_id": index + 1, "action": "ADD"} for index in range(MAX_SEGMENTS_PER_UPDATE)]
            ),
        ),
    ],
)
def test_as_many_as_the_limit_are_taken(api: Api, function: str, body: Json) -> None:
    assert api.post(function, body)[0] == 200


FIELDS = [
    ("phone", "phone"),
    ("ключ", "ключ"),
    ("😀", "😀"),
    ("a\nb\x00\x1b\x7f", r"a\nb\x00\x1b\x7f"),
    ("\u202eevil\u2028", r"\u202eevil\u2028"),
    ("k" * 64, "k" * 64),
    ("k" * 10_000, "k" * 64 + "…"),
]


@pytest.mark.parametrize(("field", "shown"), FIELDS)
def test_an_unknown_field_is_refused_by_its_name(api: Api, field: str, shown: str) -> None:
    api.rejects_entry({"segment_name": "a", field: 1}, f"{shown}: unknown field")
    api.refuses(UPDATE, {**bodies.update(), field: 1}, f"{shown}: unknown field")
    api.refuses(UPDATE, {"bulk_profiles": [{**bodies.group(), field: 1}]}, f"bulk_profiles[0].{shown}: unknown field")
    api.rejects({"identity": "a", field: 1}, f".{shown}: unknown field")
    api.refuses(UPDATE, bodies.segment(**{"ct_segment_id": 1, field: 1}), f"{SEGMENT}.{shown}: unknown field")


@pytest.mark.parametrize(
    "field",
    [
        "Segment_Name",
        "segment-name",
        "segmentName",
        " segment_name",
        "\uff53\uff45\uff47\uff4d\uff45\uff4e\uff54_name",
        "SEGMENT NAME",
    ],
)
def test_a_field_that_looks_like_ours_is_refused_with_the_right_name(api: Api, field: str) -> None:
    api.rejects_entry({field: "a", "segment_name": "a"}, f"{field}: unknown field; it is written segment_name")


def test_a_field_name_with_a_lone_surrogate_is_refused(api: Api) -> None:
    api.rejects_entry({"segment_name": "a", "x\ud800": 1}, "entry: must have no lone surrogates")
    status, answer = api.post(CREATE, r'[{"x\ud800": 1, "x\ud800": 2}]')
    assert (status, answer["error"].endswith("stands twice")) == (400, True)
    assert api.services.calls == []

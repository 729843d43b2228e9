"""Bodies that can't be read: the exact answer, and the services are never asked."""

import json
from typing import Any

import pytest

from tests.support import bodies
from tests.support.events import with_body
from tests.unit.conftest import CREATE, UPDATE, Api

Json = Any

EMPTY = "body: is empty, must be JSON"
TOO_DEEP = "body: nested too deeply"
TOO_MANY_DIGITS = "body: a number has too many digits"
MIB = 1024 * 1024


@pytest.mark.parametrize(("function", "body"), [(CREATE, bodies.name("Gold")), (UPDATE, bodies.update())])
def test_a_good_body_reaches_the_service(api: Api, function: str, body: Json) -> None:
    assert api.post(function, body)[0] == 200
    assert api.services.calls != []


@pytest.mark.parametrize("function", [CREATE, UPDATE])
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (None, EMPTY),
        ("", EMPTY),
        (" \r\n\t", EMPTY),
        ("Premium Users", "body: not JSON: Expecting value at line 1 column 1"),
        ("[\n{'segment_name'", "body: not JSON: Expecting property name enclosed in double quotes at line 2 column 2"),
        ("[] []", "body: not JSON: Extra data at line 1 column 4"),
        ("NaN", "body: not JSON: NaN is not a JSON value"),
        ('[{"segment_name": Infinity}]', "body: not JSON: Infinity is not a JSON value"),
        ('{"bulk_profiles": [-Infinity]}', "body: not JSON: -Infinity is not a JSON value"),
        ("[" * 100_000, TOO_DEEP),
        ('{"a":' * 100_000, TOO_DEEP),
        ("9" * 10_000, TOO_MANY_DIGITS),
        (f'[{{"ct_segment_id": -{"9" * 10_000}}}]', TOO_MANY_DIGITS),
        ("\ud800", "body: not UTF-8 at byte 0"),
    ],
)
def test_what_is_not_json_is_refused(api: Api, function: str, body: str | None, error: str) -> None:
    api.refuses(function, body, error)


@pytest.mark.parametrize("function", [CREATE, UPDATE])
@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", EMPTY),
        (b'[{"segment_name": "\xff"}]', "body: not UTF-8 at byte 19"),
        (b'"\xed\xa0\x80"', "body: not UTF-8 at byte 1"),
        ("[]".encode("utf-16-le"), "body: not JSON: Expecting value at line 1 column 2"),
    ],
)
def test_bytes_that_are_not_utf_8_are_refused(api: Api, function: str, raw: bytes, error: str) -> None:
    api.refuses(function, None, error, raw=raw)


@pytest.mark.parametrize("function", [CREATE, UPDATE])
@pytest.mark.parametrize("body", ["!", "A", "AAA", "W10=x", "é", "\ud800"])
def test_body_that_is_not_the_base64_it_claims_to_be_is_refused(api: Api, function: str, body: str) -> None:
    status, answer = api.send(function, {**with_body(function, "T-1", body), "isBase64Encoded": True})
    error = "body: not the base64 that it claims to be"
    assert (status, answer) == (400, {"status": "fail", "error": error, "code": 400})
    assert api.services.calls == []


@pytest.mark.parametrize(("function", "body"), [(CREATE, bodies.name("Gold")), (UPDATE, bodies.update())])
def test_a_body_in_base64_is_read(api: Api, function: str, body: Json) -> None:
    assert api.post(function, None, raw=json.dumps(body).encode())[0] == 200


@pytest.mark.parametrize("function", [CREATE, UPDATE])
@pytest.mark.parametrize("size", [4 * MIB + 1, 5_900_000])
def test_body_over_4_mib_is_refused_as_too_large(api: Api, function: str, size: int) -> None:
    error = f"body: must be at most 4 MiB, has {size} bytes"
    api.refuses(function, json.dumps("a" * (size - 2)), error, code=413)
    api.refuses(function, None, error, code=413, raw=json.dumps("a" * (size - 2)).encode())


def test_limit_of_the_body_is_counted_in_bytes_not_characters(api: Api) -> None:
    api.refuses(CREATE, "é" * (2 * MIB + 1), f"body: must be at most 4 MiB, has {4 * MIB + 2} bytes", code=413)


def test_body_of_4_mib_is_read(api: Api) -> None:
    body = json.dumps(bodies.name("Gold"))
    assert api.post(CREATE, body + " " * (4 * MIB - len(body)))[0] == 200


@pytest.mark.parametrize(
    ("function", "body", "error"),
    [
        (CREATE, '[{"segment_name": "a", "segment_name": "b"}]', "[0]: the key 'segment_name' stands twice"),
        (CREATE, '{"a": 1, "b": 2, "a": 1}', "body: the key 'a' stands twice"),
        (CREATE, '[1, {"a": [{}, {"b": {"c": 1, "c": 2}}]}]', "[1].a[1].b: the key 'c' stands twice"),
        (UPDATE, '{"bulk_profiles": [], "bulk_profiles": []}', "body: the key 'bulk_profiles' stands twice"),
        (
            UPDATE,
            '{"bulk_profiles": [{"user_profiles": [{"identity": "a", "identity": "a"}]}]}',
            "bulk_profiles[0].user_profiles[0]: the key 'identity' stands twice",
        ),
        (
            UPDATE,
            r'{"bulk_profiles": [{"segments": [{"action": "ADD", "\u0061ction": "REMOVE"}]}]}',
            "bulk_profiles[0].segments[0]: the key 'action' stands twice",
        ),
    ],
)
def test_a_key_twice_in_one_object_is_refused_by_its_path(api: Api, function: str, body: str, error: str) -> None:
    api.refuses(function, body, error)


@pytest.mark.parametrize("depth", [100, 900, 990, 995, 1000, 1005, 3000, 9000, 50_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_key_twice_at_any_depth_is_refused(api: Api, depth: int, opening: str, closing: str) -> None:
    status, answer = api.post(CREATE, opening * depth + '{"a":1,"a":2}' + closing * depth)
    assert (status, answer["status"]) == (400, "fail")
    assert answer["error"].endswith("the key 'a' stands twice") or answer["error"] == TOO_DEEP


@pytest.mark.parametrize(
    ("account", "error"),
    [
        ({"plan": "Essentials"}, "API Segments need the plan Advanced or Cutting Edge; this account is on Essentials"),
        ({"beta": False}, "API Segments are in private beta; this account does not have the beta flag"),
    ],
)
@pytest.mark.parametrize("function", [CREATE, UPDATE])
def test_plan_without_api_segments_is_refused_whatever_the_body(
    api: Api, function: str, account: dict[str, Any], error: str
) -> None:
    assert api.post(function, "NaN", **account) == (403, {"status": "fail", "error": error, "code": 403})
    assert api.services.calls == []

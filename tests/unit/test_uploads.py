"""POST /1/upload as a whole: whose a record is, what is no record, what is no body, and that any of it is answered."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.test_upload_records import NOT_AN_EMAIL, SURROGATES, Upload, profile, token
from tests.unit.test_upload_records import upload as upload  # noqa: PLC0414 - a fixture, used by its name

Json = Any

NO_OBJECT: list[Json] = [None, True, 0, 1.5, "", "profile", [], [{}]]
NO_TYPES: list[Json] = [None, "", "event", "Profile", 1, True, [], {}, "\ud800", ["profile"]]
NO_RECORD = "record: must be an object"
NO_TYPE = "record: 'type' is required"
NOT_A_TYPE = "record: 'type' must be one of 'profile', 'token'"
LAMBDA_ANSWER_BYTES = 6 * 1024 * 1024  # AWS Lambda quotas: invocation payload, synchronous
MAX_BODY = 4 * 1024 * 1024


@pytest.mark.parametrize(
    ("record", "error"),
    [
        *((record, NO_RECORD) for record in NO_OBJECT),
        *((record, NO_TYPE) for record in [{}, {"identity": "a"}, {"profileData": {}}, {"Type": "profile"}]),
        *(({"identity": "a", "type": wrong, "profileData": {}}, NOT_A_TYPE) for wrong in NO_TYPES),
        ({"identity": "a", "type": "profile"}, "profileData: is required"),
        ({"identity": "a", "type": "token"}, "tokenData: is required"),
        *((profile(wrong), "profileData: must be an object") for wrong in NO_OBJECT),
        ({**profile({}), "tokenData": {}}, "tokenData: unknown field"),
        ({**token({"id": "t", "type": "fcm"}), "profileData": {}}, "profileData: unknown field"),
        *(({**profile({}), name: 1}, f"{name}: unknown field") for name in ["evtData", "userId"]),
        *(
            ({**profile({}), name: 1}, f"{name}: unknown field; it is written {right}")
            for name, right in [
                *(("Identity", "identity"), ("identity ", "identity"), ("object_id", "objectId")),
                *(("guid", "objectId"), ("TYPE", "type"), ("profile-data", "profileData"), ("\uff34\uff33", "ts")),
            ]
        ),
        ({**profile({}), "\n": 1}, "\\n: unknown field"),
        ({**profile({}), "\ud800": 1}, f"record: {SURROGATES}"),
        ({"type": "profile", "profileData": {}}, "identity or objectId is required"),
        ({"type": "token", "tokenData": {"id": "t", "type": "fcm"}}, "identity or objectId is required"),
        (profile({}, identity=None), "identity or objectId is required"),
        (profile({}, identity=None, objectId=None), "identity or objectId is required"),
        *(
            (profile({}, **{field: wrong}), f"{field}: {error}")
            for field in ("identity", "objectId")
            for wrong, error in [
                *((wrong, "must be a string") for wrong in [1, 1.5, True, False, [], {}]),
                ("", "must have 1 to 255 characters, has 0"),
                ("n" * 256, "must have 1 to 255 characters, has 256"),
                ("🦊" * 256, "must have 1 to 255 characters, has 256"),
                (" ", "must not be only spaces"),
                ("a\x00", "must have no control characters"),
                ("\ud800", SURROGATES),
            ]
        ),
        (profile({}, identity="a", objectId=""), "objectId: must have 1 to 255 characters, has 0"),
    ],
)
def test_what_is_no_record_is_refused(upload: Upload, record: Json, error: str) -> None:
    upload.refuses(record, error)


@pytest.mark.parametrize(
    ("who", "identity", "guid"),
    [
        ({"identity": "a"}, "a", None),
        ({"objectId": "g"}, None, "g"),
        ({"identity": "a", "objectId": "g"}, "a", "g"),
        ({"identity": "a", "objectId": None}, "a", None),
        ({"identity": None, "objectId": "g"}, None, "g"),
        ({"identity": "n" * 255}, "n" * 255, None),
        ({"objectId": "🦊" * 255}, None, "🦊" * 255),
        ({"identity": " a#b "}, " a#b ", None),
    ],
)
def test_a_record_is_of_an_identity_a_guid_or_both(
    upload: Upload, who: Json, identity: str | None, guid: str | None
) -> None:
    for record in (profile({}, **who), token({"id": "t", "type": "fcm"}, **who)):
        update = upload.takes(record)
        assert (update.identity, update.guid) == (identity, guid)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        *((body, "body: must be an object") for body in [[], [profile({})], 1, True]),
        ({}, "d: is required"),
        *(({"d": wrong}, "d: must be a list") for wrong in [None, {}, "", 1, True, profile({})]),
        ({"d": []}, "d: must not be empty"),
        ({"d": [profile({})] * 1001}, "d: must have at most 1000 entries, has 1001"),
        ({"d": [profile({})], "dryRun": 1}, "dryRun: unknown field"),
        (None, "body: is empty, must be JSON"),
        ("{", "body: not JSON: Expecting property name enclosed in double quotes at line 1 column 2"),
        ('{"d":[{"a":NaN}]}', "body: not JSON: NaN is not a JSON value"),
        *((f'{{"d":[{{"a":{sign}1e400}}]}}', "body: a number is out of range") for sign in ("", "-")),
        (f'{{"d":[{"1" * 5000}]}}', "body: a number has too many digits"),
        ('{"d":[{"profileData":{"a":1,"a":2}}]}', "d[0].profileData: the key 'a' stands twice"),
        (f'{{"d":{"[" * 100_000}{"]" * 100_000}}}', "body: nested too deeply"),
    ],
)
def test_a_body_that_is_none_is_refused_whole(upload: Upload, body: Json, error: str) -> None:
    assert upload.send(body) == (400, {"status": "fail", "error": error, "code": 400})
    assert upload.profiles.calls == 0


def test_a_body_over_the_limit_is_refused_whole(upload: Upload) -> None:
    frame = json.dumps({"d": [profile({"x": ""})]})
    blank = " " * (MAX_BODY - len(frame))
    assert upload.send(frame + blank)[0] == 200
    assert upload.send(frame + blank + " ")[0] == 413
    assert upload.profiles.calls == 1


def test_a_thousand_records_are_taken_in_by_index(upload: Upload) -> None:
    records = [profile({"n": index}, identity=f"u{index}") for index in range(1000)]
    assert upload.send({"d": records})[1] == {"status": "success", "processed": 1000, "unprocessed": []}
    assert [update.attributes["n"] for _, update in sorted(upload.profiles.updates.items())] == list(range(1000))


def test_refusals_come_in_the_order_of_the_records(upload: Upload) -> None:
    records = [profile({"n": index}) if index % 2 else index for index in range(9)]
    answer = upload.send({"d": records})[1]
    assert (answer["status"], answer["processed"]) == ("partial", 4)
    assert [entry["record"] for entry in answer["unprocessed"]] == [0, 2, 4, 6, 8]
    assert sorted(upload.profiles.updates) == [1, 3, 5, 7]


@pytest.mark.parametrize(
    "record",
    [
        {"identity": "\ud800", "é🦊": "\udfff\ud800", "type": "profile", "profileData": {}},
        {"type": "token", "tokenData": {"\udc00": ["\ud83e", {"\udd8a": None}]}},
        ["\ud800" * 1000, "\u2028\u2029\x00"],
        "\udfff",
        {"": {"": {"": []}}},
    ],
)
def test_a_hostile_record_comes_back_as_it_was_in_an_answer_of_utf_8(upload: Upload, record: Json) -> None:
    status, answer = upload.send({"d": [record, profile({"x": 1})]})
    assert (status, answer["status"]) == (200, "partial")
    assert answer["unprocessed"][0]["record"] == record
    assert sorted(upload.profiles.updates) == [1]


@pytest.mark.parametrize("nested", [lambda n: "[" * n + "]" * n, lambda n: '{"a":' * n + "1" + "}" * n])
def test_a_record_is_refused_however_deeply_it_is_nested(upload: Upload, nested: Any) -> None:
    # From Python 3.12 on the reader's depth is bounded apart, at some 10,000.
    depths = [*range(1, 900, 50), *range(900, 1010), *range(9_950, 10_010)]
    statuses = {n: upload.send(f'{{"d":[{nested(n)}]}}')[0] for n in depths}
    assert set(statuses.values()) == {200, 400}
    assert list(statuses.values()) == sorted(statuses.values()), "the deeper are refused"


def padded(filler: str, count: int = 1000) -> list[Json]:
    """Return records that fill a body to nearly 4 MiB, each wrong."""
    room = (MAX_BODY - 16) // count - len(json.dumps(profile({"Email": ""}, identity="u0000"))) - 4
    value = filler * (room // len(json.dumps(filler)[1:-1].encode()))
    return [profile({"Email": value}, identity=f"u{index:04}") for index in range(count)]


@pytest.mark.parametrize("count", [1000, 1])
@pytest.mark.parametrize("filler", ["a", '"', "\\", "\x01", "é", "🦊", "\ud800", "🦊é\ud800"])
def test_an_answer_about_a_full_body_of_wrong_records_fits_lambda(upload: Upload, filler: str, count: int) -> None:
    records = padded(filler, count)
    body = json.dumps({"d": records})
    assert 0.99 * MAX_BODY < len(body) <= MAX_BODY
    status, answer = upload.send(body)
    assert (status, answer["status"], answer["processed"], len(answer["unprocessed"])) == (200, "fail", 0, count)
    told = [entry["record"] for entry in answer["unprocessed"]]
    assert told in (records, [{"d": index} for index in range(count)])
    assert {entry["error"] for entry in answer["unprocessed"]} <= {
        f"profileData.Email: {NOT_AN_EMAIL}",
        f"profileData.Email: {SURROGATES}",
    }
    payload = json.dumps({"statusCode": status, "headers": {"X-Request-Id": "0" * 36}, "body": upload.raw})
    assert len(payload) <= LAMBDA_ANSWER_BYTES


def test_a_full_body_in_utf_8_of_wrong_records_fits_lambda_too(upload: Upload) -> None:
    records = [profile({"Email": "🦊" * 1020}, identity=f"u{index:04}") for index in range(1000)]
    body = json.dumps({"d": records}, ensure_ascii=False)
    assert 0.98 * MAX_BODY < len(body.encode()) <= MAX_BODY
    _, answer = upload.send(body)
    assert [entry["record"] for entry in answer["unprocessed"]] == records
    payload = json.dumps({"statusCode": 200, "body": upload.raw}, ensure_ascii=False)  # as Python 3.13's runtime does
    assert len(payload.encode()) <= LAMBDA_ANSWER_BYTES


text = st.text(st.characters(exclude_categories=()), max_size=200)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), text, st.just("profile")
)
names = text | st.sampled_from(["Email", "Phone", "Name", "DOB", "Gender", "MSG-email", "$remove", "id", "type", "x"])
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=15,
)
ids = st.sampled_from(["a", None]) | scalars
data = st.dictionaries(names, scalars, max_size=4)
records = st.one_of(
    json_values,
    st.fixed_dictionaries(
        {"type": st.just("profile"), "profileData": data | json_values}, optional={"identity": ids, "objectId": ids}
    ),
    st.fixed_dictionaries(
        {"type": st.just("token"), "tokenData": data | json_values}, optional={"identity": ids, "objectId": ids}
    ),
)


@given(sent=st.lists(records, min_size=1, max_size=5))
@example(
    sent=[profile({"Email": "a@xn--a.com"}), profile({"Email": "\u202e@example.com"}), profile({"Email": "a@\u2488"})]
)
def test_any_records_are_taken_or_told_of(upload: Upload, sent: list[Json]) -> None:
    upload.profiles.updates.clear()
    status, answer = upload.send({"d": sent})
    assert status == 200
    refused = answer["unprocessed"]
    assert answer["processed"] + len(refused) == len(sent)
    assert len(upload.profiles.updates) == answer["processed"]
    left = [record for index, record in enumerate(sent) if index not in upload.profiles.updates]
    assert [entry["record"] for entry in refused] == left
    for entry in refused:
        assert entry["code"] == 400
        assert entry["error"].isprintable()
        assert 0 < len(entry["error"]) < 500


@given(body=text)
def test_any_text_is_answered(upload: Upload, body: str) -> None:
    status, answer = upload.send(body)
    assert (status, answer["code"]) == (400, 400)

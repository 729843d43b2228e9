"""Single calls: what is repeated and what is not, what errors say, and that no secret gets out."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from client.tests.conftest import QUICK, MakeClient
from client.tests.server import Api, Reply, Request, serving

from api_segments_client import (
    ApiError,
    AuthenticationError,
    Client,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidRequestError,
    LimitError,
    NewSegment,
    NoAnswerError,
    NotFoundError,
    Retry,
    SettingsError,
    UnavailableError,
    UnexpectedAnswerError,
)

CREATED = {"status": "success", "processed": 1, "segments": [{"id": 7, "segment_name": "A"}], "unprocessed": []}
NOT_WRITTEN = {"status": "fail", "code": 503, "error": "no answer in time", "record": {"segment_name": "A"}}


class Script:
    """Answers with one reply after the other; the last one again and again."""

    def __init__(self, *replies: Reply | None) -> None:
        self.replies = [*replies]
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Reply | None:
        self.requests.append(request)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, InvalidRequestError),
        (401, AuthenticationError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, GoneError),
        (413, InvalidRequestError),
        (422, LimitError),
        (418, ApiError),
    ],
)
def test_a_refusal_is_an_error_of_its_kind_and_is_not_repeated(
    client_of: MakeClient, code: int, kind: type[ApiError]
) -> None:
    script = Script(Reply(code, {"status": "fail", "error": "bulk_profiles: why", "code": code}))
    with pytest.raises(kind) as raised:
        client_of(script).usage()
    assert type(raised.value) is kind
    assert str(raised.value) == f"{code}: bulk_profiles: why (request r-1)"
    assert len(script.requests) == 1


def test_a_creation_is_repeated_under_its_key_until_no_entry_may_still_be_written(client_of: MakeClient) -> None:
    partly = {"status": "fail", "processed": 0, "segments": [], "unprocessed": [NOT_WRITTEN]}
    running = Reply(409, {"error": "a request with this key is still running"})
    script = Script(None, running, Reply(503, partly), Reply(200, partly), Reply(body=CREATED))
    assert client_of(script).segments.create("A").id == 7
    keys = [request.headers["Idempotency-Key"] for request in script.requests]
    assert (len(keys), len(set(keys))) == (5, 1)
    assert len({request.body for request in script.requests}) == 1


def test_a_key_of_ones_own_is_sent_and_its_conflict_told(client_of: MakeClient) -> None:
    script = Script(Reply(409, {"error": "a request with this key is still running"}))
    with pytest.raises(ConflictError):
        client_of(script).segments.create_many([NewSegment("A", tags=("x",))], key="nightly")
    assert script.requests[0].headers["Idempotency-Key"] == "nightly"
    assert script.requests[0].json == [{"segment_name": "A", "tags": ["x"]}]


def test_a_refused_entry_of_a_creation_is_an_error(client_of: MakeClient) -> None:
    entry = {"status": "fail", "code": 409, "error": "customer_segment_id is in use", "record": {}}
    script = Script(Reply(body={"status": "fail", "processed": 0, "segments": [], "unprocessed": [entry]}))
    with pytest.raises(ConflictError, match="in use"):
        client_of(script).segments.create("A", "S")


@pytest.mark.parametrize("lost", [None, Reply(missing=3, body={"status": "success"}), Reply(503, {"error": "no"})])
def test_what_can_not_be_repeated_is_not(client_of: MakeClient, lost: Reply | None) -> None:
    script = Script(lost)
    with pytest.raises((NoAnswerError, UnavailableError)):
        client_of(script).campaigns.test("sms", {"body": "Hello"}, to="+12025550123")
    assert len(script.requests) == 1


def test_what_was_throttled_was_not_done_and_is_repeated_always(client_of: MakeClient) -> None:
    sent = {"status": "success", "test": {"status": "sent", "reason": None}}
    script = Script(Reply(429, {"error": "too many requests"}), Reply(body=sent))
    assert client_of(script).campaigns.test("sms", {"body": "Hello"})["status"] == "sent"


@pytest.mark.parametrize(
    ("first", "why"),
    [
        (Reply(429, {"error": "too many requests"}), " was answered with 429: too many requests; trying again in "),
        (Reply(502, raw=b"<html>"), " was answered with 502: <html>; trying again in "),
        (Reply(missing=3, body={"status": "success"}), " got no answer from 127.0.0.1:"),
        (Reply(raw=b'{"status": "suc'), " was cut off; trying again in "),
    ],
)
def test_why_a_request_is_sent_again_is_told(
    client_of: MakeClient, caplog: pytest.LogCaptureFixture, first: Reply, why: str
) -> None:
    caplog.set_level(logging.INFO, "api_segments_client")
    client_of(Script(first, Reply(body={"status": "success"}))).profiles.erase("u1")
    assert why in caplog.text


def test_what_was_not_written_yet_is_told(client_of: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "api_segments_client")
    client_of(Api(faults=["unwritten"])).members.push("S", add=["a", "b", "c"])
    assert "1 users were not written yet; trying again in " in caplog.text


def test_no_connection_is_no_answer_that_may_be_done() -> None:
    with serving(lambda _: None) as url:
        pass
    with Client(url, "A", "P", retry=Retry(patience=0)) as client, pytest.raises(NoAnswerError) as raised:
        client.campaigns.edit(5, {"name": "B"})
    assert not raised.value.may_be_done
    assert f" got no answer from {url.removeprefix('http://')}: " in str(raised.value)


def test_an_erasure_whose_first_answer_was_lost_finds_nobody_and_is_done(client_of: MakeClient) -> None:
    gone = Reply(404, {"status": "fail", "error": "no such user", "code": 404})
    client_of(Script(None, gone)).profiles.erase("u/1")
    with pytest.raises(NotFoundError):
        client_of(Script(gone)).profiles.erase("u/1")
    with pytest.raises(NotFoundError):
        client_of(Script(Reply(429, {"error": "too many requests"}), gone)).profiles.erase("u/1")


def test_a_page_instead_of_json_asks_whether_the_address_is_right(client_of: MakeClient) -> None:
    script = Script(Reply(raw=b"<html>hello</html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(UnexpectedAnswerError, match=r"answered with text/html instead of JSON: is http://127.0.0.1"):
        client_of(script).usage()
    assert len(script.requests) == 1


def test_a_redirect_is_not_followed_with_the_passcode(client_of: MakeClient) -> None:
    with pytest.raises(UnexpectedAnswerError, match=r"redirected to evil\.example"):
        client_of(Script(Reply(302, {}, {"Location": "https://evil.example/x"}))).usage()


def test_an_error_that_is_no_json_is_told_by_its_beginning(client_of: MakeClient) -> None:
    script = Script(Reply(403, raw=b"<html>Forbidden</html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(ForbiddenError, match="403: <html>Forbidden"):
        client_of(script).usage()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"month": "2026-11", "data_points": "2", "plan": "Advanced"},
            "usage.data_points is '2', where int was expected",
        ),
        ({"month": "2026-11", "plan": "Advanced"}, "usage has no data_points"),
        ({"month": "2026-11", "data_points": True, "plan": "A"}, "usage.data_points is True"),
        ([], "usage is [], where dict was expected"),
    ],
)
def test_an_answer_of_another_shape_names_the_place(client_of: MakeClient, body: Any, said: str) -> None:
    with pytest.raises(UnexpectedAnswerError) as raised:
        client_of(Script(Reply(body=body))).usage()
    assert said in str(raised.value)


def test_fields_that_are_new_are_passed_over(client_of: MakeClient) -> None:
    body = {"month": "2026-11", "data_points": 2, "plan": "Advanced", "more": {}}
    assert client_of(Script(Reply(body=body))).usage("2026-11").data_points == 2


def test_the_passcode_is_in_no_log_and_in_no_error(client_of: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(Script(None, Reply(401, {"error": "unknown account or passcode"})))
    with pytest.raises(AuthenticationError) as raised:
        client.usage()
    assert "secret-passcode" not in caplog.text + repr(client) + str(raised.value) + repr(raised.value)
    assert "trying again" in caplog.text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://api.example.com", "must be https"),
        ("ftp://api.example.com", "must be like https://"),
        ("api.example.com", "must be like https://"),
        ("https://api.example.com:port", "must be like https://.*, not https://api.example.com:port"),
        ("https://[::1", "must be like https://"),
    ],
)
def test_a_passcode_goes_to_no_address_that_would_show_it(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Client(url, "A", "P")


@pytest.mark.parametrize("begin", ["https://user:", "https://:", "user:", "//user:"])
def test_an_address_with_a_password_is_refused_and_not_repeated(begin: str) -> None:
    with pytest.raises(SettingsError, match="without user, password") as raised:
        Client(f"{begin}hunter2@api.example.com/live", "A", "P")
    assert "hunter2" not in str(raised.value)


def test_headers_take_no_other_characters(client_of: MakeClient) -> None:
    assert client_of(Script(Reply(body={}))) is not None
    with pytest.raises(SettingsError, match="visible ASCII"):
        Client("https://api.example.com", "A", "pässcode", retry=QUICK)


def test_what_json_can_not_have_is_never_sent(client_of: MakeClient) -> None:
    script = Script(Reply(body={"id": 1}))
    with pytest.raises(ValueError, match="not JSON compliant"):
        client_of(script).campaigns.create({"name": "Spring", "when": float("nan")})
    assert script.requests == []

"""Links to unsubscribe, bounces and complaints: who is opted out, and who is not."""

import base64
import json
from copy import deepcopy
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from api_segments.aws import clients
from api_segments.aws import wiring as aws_wiring
from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.campaigns.sending.opt_outs import MessageTokens, Origin, TokenUse
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline
from api_segments.core.errors import NotFoundError, NotWrittenError
from api_segments.profiles import wiring as profiles_wiring
from api_segments.profiles.model import Address, AddressType, Profile, ProfileUpdate
from functions.mail_feedback.app import handler as mail_feedback
from functions.reconcile.app import handler as reconcile
from functions.unsubscribe.app import handler as unsubscribe
from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.events import Context, Event, sample
from tests.support.faults import FaultyClient
from tests.support.tables import create_tables

Json = Any

CAMPAIGN = 1763901234567892
OLD = Origin("T-1", "5f2d", CAMPAIGN, Channel.EMAIL, "5f2d", None)
"""What tokens of before version 0.2.0 tell."""
ADDRESS = "ada@example.com"


class Queue:
    """Stands in for SQS's client, and gives its tasks to their function."""

    def __init__(self) -> None:
        self.tasks: list[Json] = []

    def send_message(self, *, MessageBody: str, **_: Any) -> None:  # noqa: N803 - boto3's own name
        self.tasks.append(json.loads(MessageBody))

    def work(self) -> None:
        while self.tasks:
            self.work_once()

    def work_once(self) -> None:
        reconcile({"Records": [{"body": json.dumps(self.tasks.pop(0))}]}, Context())


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    made = Queue()
    monkeypatch.setattr(clients, "sqs_client", lambda: made)
    return made


@pytest.fixture
def memory() -> InMemoryDynamoDB:
    return InMemoryDynamoDB()


@pytest.fixture
def database(memory: InMemoryDynamoDB, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> FaultyClient:
    assert queue.tasks == []
    client = FaultyClient(memory)
    for name, table in create_tables(cast("Any", memory)).items():
        monkeypatch.setenv(name, table)
    monkeypatch.setattr(clients, "dynamodb_client", lambda: client)
    for account_id in ("T-1", "T-2"):
        upload(account_id, Email=ADDRESS, Name="Ada")
    return client


def deadline() -> Deadline:
    return Deadline.after(20)


def upload(account_id: str, **attributes: Any) -> None:
    update = ProfileUpdate(identity="CT1", guid="5f2d", attributes=attributes)
    assert profiles_wiring.profiles().update(account_id, {0: update}, deadline()) == {}


def profile(account_id: str = "T-1") -> Profile:
    return profiles_wiring.profiles().get(account_id, None, "5f2d", deadline()).profile


def reach(account_id: str = "T-1") -> frozenset[Channel]:
    membership = profiles_wiring.profiles().get(account_id, None, "5f2d", deadline()).membership
    assert membership is not None
    return membership.reach


def tokens() -> MessageTokens:
    return campaigns_wiring.message_tokens()


def origin(address: str | None = ADDRESS, *, account_id: str = "T-1", guid: str = "5f2d") -> Origin:
    """Return what a token tells of an email of a campaign that went to an address; None: of an older version's."""
    email = Address(AddressType.EMAIL, address or "")
    key = None if address is None else profiles_wiring.address_keys().of(account_id, email, deadline()).key
    return Origin(account_id, guid, CAMPAIGN, Channel.EMAIL, guid, key)


def token(use: TokenUse = TokenUse.UNSUBSCRIBE, said: Origin | None = None) -> str:
    return tokens().write(use, said or origin(), deadline())


def as_before(use: TokenUse, said: Origin = OLD) -> str:
    """Return a token as version 0.1.0 wrote it."""
    payload = json.dumps([said.account_id, said.profile_id, said.campaign_id, said.channel]).encode()
    return aws_wiring.signed_tokens().write(["message", use], payload, deadline())


def request(method: str, said: str, body: str | None = None) -> Json:
    event: Event = deepcopy(sample("unsubscribe"))
    event["httpMethod"] = event["requestContext"]["httpMethod"] = method
    event["pathParameters"], event["body"] = {"token": said}, body
    answer = unsubscribe(event, Context())
    assert answer["headers"]["X-Request-Id"] == event["requestContext"]["requestId"]
    return answer


def told(event_type: str, headers: Json, **about: Any) -> Event:
    mail = {"headers": headers, "destination": [ADDRESS]}
    message = {"eventType": event_type, "mail": mail, **about}
    return {"Records": [{"Sns": {"Message": json.dumps(message), "Timestamp": "2026-11-29T10:00:00.000Z"}}]}


def ours(said: str | None = None) -> Json:
    value = token(TokenUse.FEEDBACK) if said is None else said
    return [{"name": "Subject", "value": "Hello"}, {"name": "x-api-segments-message", "value": value}]


def bounce(kind: str, *recipients: str, headers: Json = None) -> Event:
    listed = [{"emailAddress": each} for each in recipients or (ADDRESS,)]
    return told("Bounce", headers or ours(), bounce={"bounceType": kind, "bouncedRecipients": listed})


def complaint(**about: Any) -> Event:
    return told("Complaint", ours(), complaint={"complainedRecipients": [{"emailAddress": ADDRESS}], **about})


def test_a_token_comes_back_as_it_was_written(database: FaultyClient) -> None:
    assert database is not None
    long = Origin("T-2", "ü#'\"|,\u2028" * 20, 2**53 - 1, Channel.EMAIL, "change-1", "f" * 32)
    for said in (origin(), OLD, long):
        for use in TokenUse:
            written = token(use, said)
            assert written.isascii()
            assert set(written) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
            assert tokens().read(use, written, deadline()) == said


def test_a_token_of_an_ordinary_user_fits_into_a_header_many_times(database: FaultyClient) -> None:
    assert database is not None
    long = Origin("A" * 64, "f" * 255, 2**53 - 1, Channel.EMAIL, "c" * 60, "f" * 32)
    assert len(token(said=long)) < 700


def test_a_token_that_was_altered_anywhere_is_none(database: FaultyClient) -> None:
    assert database is not None
    good = token()
    altered = [good[:index] + ("A" if good[index] != "A" else "B") + good[index + 1 :] for index in range(len(good))]
    altered += [good[:-1], good + "A", good + "=", f" {good}", f"{good}\n", good.replace(good[3], "!", 1), "", "A", "é"]
    altered += [base64.urlsafe_b64encode(b"x" * 60).decode(), good[22:], good * 2]
    for each in altered:
        with pytest.raises(NotFoundError):
            tokens().read(TokenUse.UNSUBSCRIBE, each, deadline())


def test_a_token_of_one_use_is_none_of_the_other(database: FaultyClient) -> None:
    assert database is not None
    with pytest.raises(NotFoundError):
        tokens().read(TokenUse.UNSUBSCRIBE, token(TokenUse.FEEDBACK), deadline())
    with pytest.raises(NotFoundError):
        tokens().read(TokenUse.FEEDBACK, token(TokenUse.UNSUBSCRIBE), deadline())


def test_a_token_of_another_stack_is_none(
    memory: InMemoryDynamoDB, database: FaultyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database is not None
    written = token()
    for name, table in create_tables(cast("Any", memory)).items():
        monkeypatch.setenv(name, table)
    for made in (
        aws_wiring.settings,
        aws_wiring.signing_key,
        aws_wiring.signed_tokens,
        campaigns_wiring.message_tokens,
    ):
        made.cache_clear()
    with pytest.raises(NotFoundError):
        tokens().read(TokenUse.UNSUBSCRIBE, written, deadline())


def test_a_get_shows_a_button_and_changes_nothing(database: FaultyClient) -> None:
    said = token()
    before, database.calls = profile(), type(database.calls)()
    answer = request("GET", said)
    assert answer["statusCode"] == 200
    assert answer["body"].count("<button") == 1
    assert '<form method="post">' in answer["body"]
    assert profile() == before
    assert not [name for name in database.calls if "write" in name or "update" in name or "put" in name]


def test_a_post_opts_out_at_once_and_reachability_follows(database: FaultyClient) -> None:
    assert database is not None
    assert Channel.EMAIL in reach()
    for _ in range(2):
        answer = request("POST", token())
        assert answer["statusCode"] == 200
        assert "You are unsubscribed" in answer["body"]
        assert profile().attributes == {"Email": ADDRESS, "Name": "Ada"}
        assert set(profile().opted_out) == {Channel.EMAIL}
        assert Channel.EMAIL not in reach()
    assert Channel.EMAIL in reach("T-2")


def test_the_pages_let_in_nothing_and_are_kept_nowhere(database: FaultyClient) -> None:
    assert database is not None
    for answer in (
        request("GET", token()),
        request("POST", token()),
        request("GET", "wrong"),
        request("POST", "wrong"),
    ):
        headers, body = answer["headers"], answer["body"]
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "<script" not in body
        assert "src=" not in body
        assert "href=" not in body


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_link_is_404_and_shows_nothing_of_itself(database: FaultyClient, method: str) -> None:
    assert database is not None
    before = profile()
    for said in ("wrong", "<script>alert(1)</script>", token()[:-2], token(TokenUse.FEEDBACK), "%00", "\ud800"):
        answer = request(method, said)
        assert answer["statusCode"] == 404
        assert "This link does not work" in answer["body"]
        assert said not in answer["body"]
    assert profile() == before


def test_when_the_database_is_away_the_page_says_to_try_again(database: FaultyClient) -> None:
    said = token()

    def refuse(*_: Any) -> Json:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "TransactWriteItems")

    database.always("transact_write_items", refuse)
    answer = request("POST", said)
    assert answer["statusCode"] == 503
    assert answer["headers"]["Retry-After"] == "1"
    assert "Please try again" in answer["body"]
    assert Channel.EMAIL in reach()


def test_the_sample_event_is_of_a_link_of_another_stack(database: FaultyClient) -> None:
    assert database is not None
    assert unsubscribe(sample("unsubscribe"), Context())["statusCode"] == 404


@pytest.mark.parametrize(
    "event_of", [lambda: bounce("Permanent"), complaint, lambda: complaint(complaintFeedbackType="abuse")]
)
def test_a_permanent_bounce_and_a_complaint_opt_out(database: FaultyClient, event_of: Any) -> None:
    assert database is not None
    event = event_of()
    for _ in range(2):
        mail_feedback(event, Context())
        assert "MSG-email" not in profile().attributes
        assert Channel.EMAIL not in reach()
    assert Channel.EMAIL in reach("T-2")


@pytest.mark.parametrize(
    "event_of",
    [
        lambda: bounce("Transient"),
        lambda: bounce("Undetermined"),
        lambda: complaint(complaintFeedbackType="not-spam"),
        lambda: told("Delivery", ours(), delivery={"recipients": [ADDRESS]}),
        lambda: told("Open", ours()),
        lambda: bounce("Permanent", "before@example.com", headers=ours(as_before(TokenUse.FEEDBACK))),
        lambda: bounce("Permanent", headers=[{"name": "Subject", "value": "not one of ours"}]),
        lambda: bounce("Permanent", headers=ours("forged")),
        lambda: bounce("Permanent", headers=ours(token(TokenUse.UNSUBSCRIBE))),
        lambda: bounce(
            "Permanent", headers=ours(token(TokenUse.FEEDBACK, origin("nobody@example.com", guid="nobody")))
        ),
        lambda: sample("mail_feedback"),
    ],
)
def test_nothing_else_opts_out(database: FaultyClient, event_of: Any) -> None:
    assert database is not None
    before = profile(), profile("T-2")
    mail_feedback(event_of(), Context())
    assert (profile(), profile("T-2")) == before
    with pytest.raises(NotFoundError):
        profiles_wiring.profiles().get("T-1", None, "nobody", deadline())


@pytest.mark.parametrize(
    "text",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        "",
        '"Bounce"',
        "null",
        "[]",
        "{}",
        '{"mail": null, "eventType": ["Bounce"]}',
    ],
)
def test_what_is_no_event_of_ses_is_passed_over_and_the_rest_is_taken_in(
    database: FaultyClient, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    assert database is not None
    event, (foreign,) = bounce("Permanent"), bounce("Permanent")["Records"]
    foreign["Sns"]["Message"] = text
    event["Records"].insert(0, foreign)
    mail_feedback(event, Context())
    assert Channel.EMAIL not in reach()
    assert {record.levelname for record in caplog.records} <= {"INFO"}


def test_the_text_that_ses_sends_to_a_new_destination_is_logged_once_and_is_no_error(
    database: FaultyClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert database is not None
    event = bounce("Permanent")
    event["Records"][0]["Sns"]["Message"] = "Successfully validated SNS topic for Amazon SES event publishing."
    mail_feedback(event, Context())
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "a notification is no event of SES")
    ]
    assert Channel.EMAIL in reach()


def test_an_address_beyond_ascii_bounces_as_mail_servers_write_it(database: FaultyClient) -> None:
    assert database is not None
    upload("T-1", Email="Ada@münchen.example.com")
    old = ours(as_before(TokenUse.FEEDBACK))
    mail_feedback(bounce("Permanent", "ada@xn--mnchen-3ya.example.com", headers=old), Context())
    assert Channel.EMAIL not in reach()


def test_feedback_that_could_not_be_kept_is_delivered_again(database: FaultyClient) -> None:
    event = bounce("Permanent")

    def refuse(*_: Any) -> Json:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "TransactWriteItems")

    database.always("transact_write_items", refuse)
    with pytest.raises(NotWrittenError):
        mail_feedback(event, Context())
    database.heal()
    mail_feedback(event, Context())
    assert Channel.EMAIL not in reach()


def test_neither_links_nor_addresses_are_logged(
    database: FaultyClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert database is not None
    caplog.set_level("DEBUG")
    said, feedback = token(), bounce("Permanent")
    request("GET", said)
    request("POST", said)
    request("POST", f"{said}x")
    mail_feedback(feedback, Context())
    mail_feedback(bounce("Permanent", headers=ours("forged-token")), Context())
    out, err = capfd.readouterr()
    written = f"{out}{err}{caplog.text}{[vars(record) for record in caplog.records]}"
    assert "OptOuts" in written
    for secret in (said, token(TokenUse.FEEDBACK), "forged-token", ADDRESS, "Ada"):
        assert secret not in written

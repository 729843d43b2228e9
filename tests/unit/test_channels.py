"""What SES and SNS are asked for, and what their answers and errors mean for a message."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any, cast

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.stub import ANY, Stubber

from api_segments.aws import clients
from api_segments.aws.delivery import Reply, deliver
from api_segments.campaigns.providers import email
from api_segments.campaigns.providers.email import VERIFIED_SECONDS, Email, EmailProvider, from_header
from api_segments.campaigns.providers.push import PushProvider
from api_segments.campaigns.providers.sms import SmsProvider
from api_segments.core.clock import Deadline
from api_segments.core.errors import UnavailableError
from api_segments.profiles.model import Token, TokenType
from tests.support.clock import MovableClock

URL = "https://provider.example.com/"
EMAIL = Email(
    sender="news@example.com",
    sender_name="Example Shop",
    recipient="ada@example.com",
    reply_to="help@example.com",
    subject="Hello",
    html="<p>Hello</p>",
    text="Hello",
    unsubscribe_url="https://api.example.com/unsubscribe/abc",
    token="def",
)
FCM = "arn:aws:sns:us-east-1:000000000000:app/GCM/shop"
APNS = "arn:aws:sns:us-east-1:000000000000:app/APNS_SANDBOX/shop"
PHONE_TOKEN = Token(TokenType.FCM, "a-token")
ENDPOINT = f"{FCM.replace(':app/', ':endpoint/')}/1"


@pytest.fixture
def deadline() -> Deadline:
    return Deadline.after(60, MovableClock())


@pytest.fixture
def ses() -> Iterator[Stubber]:
    with Stubber(clients.sesv2_client()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def sns() -> Iterator[Stubber]:
    with Stubber(clients.sns_client()) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def emails(ses: Stubber) -> EmailProvider:
    return EmailProvider(cast("Any", ses).client, "the-set")


@pytest.fixture
def sms(sns: Stubber) -> SmsProvider:
    return SmsProvider(cast("Any", sns).client)


@pytest.fixture
def pushes(sns: Stubber) -> PushProvider:
    return PushProvider(cast("Any", sns).client)


def raising(*errors: Exception) -> Callable[[], None]:
    remaining = list(errors)

    def call() -> None:
        if remaining:
            raise remaining.pop(0)

    return call


def error(code: str, status: int = 400) -> ClientError:
    said = {"Code": code, "Message": "to +12025550123, ada@example.com"}
    return ClientError({"Error": said, "ResponseMetadata": {"HTTPStatusCode": status}}, "Send")  # type: ignore[typeddict-item]  # what is read of it


@pytest.mark.parametrize(
    ("failure", "reply"),
    [
        (error("Final"), Reply.REFUSED),
        (error("AccessDeniedException", 403), Reply.TRY_AGAIN),
        (error("InternalFailure", 500), Reply.UNKNOWN),
        (error("InternalServerErrorException", 500), Reply.UNKNOWN),
        (error("502", 502), Reply.UNKNOWN),
        (error("504", 504), Reply.UNKNOWN),
        (error("Final", 500), Reply.UNKNOWN),
        (error("ServiceUnavailable", 503), Reply.TRY_AGAIN),
        (error("ServiceUnavailable", 500), Reply.TRY_AGAIN),
        (error("503", 503), Reply.TRY_AGAIN),
        (error("SendingPausedException"), Reply.TRY_AGAIN),
        (EndpointConnectionError(endpoint_url=URL), Reply.TRY_AGAIN),
        (ConnectTimeoutError(endpoint_url=URL), Reply.TRY_AGAIN),
        (NoCredentialsError(), Reply.TRY_AGAIN),
        (ReadTimeoutError(endpoint_url=URL), Reply.UNKNOWN),
        (ConnectionClosedError(endpoint_url=URL), Reply.UNKNOWN),
    ],
)
def test_an_error_means_refused_not_taken_or_nobody_knows(
    failure: Exception, reply: Reply, deadline: Deadline, caplog: pytest.LogCaptureFixture
) -> None:
    assert deliver(raising(failure), "sms", ("Final",), deadline) is reply
    assert caplog.records
    for secret in ("+12025550123", "ada@example.com"):
        assert secret not in f"{caplog.text}{[vars(record) for record in caplog.records]}"


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ThrottlingException", "Throttled", "Throttling"])
def test_a_throttled_call_waits_and_is_made_again(code: str, deadline: Deadline) -> None:
    assert deliver(raising(error(code), error(code), error(code)), "sms", (), deadline) is Reply.ACCEPTED
    assert deadline.clock.monotonic() > 0


def test_a_call_that_is_throttled_to_the_end_may_be_made_again_later(deadline: Deadline) -> None:
    endless = raising(*[error("Throttling") for _ in range(1000)])
    assert deliver(endless, "sms", (), deadline) is Reply.TRY_AGAIN


def test_nothing_is_begun_after_the_deadline(deadline: Deadline) -> None:
    deadline.clock.sleep(61)
    assert deliver(raising(AssertionError()), "sms", (), deadline) is Reply.TRY_AGAIN


def test_an_email_goes_out_with_the_one_click_headers_and_its_token(
    emails: EmailProvider, ses: Stubber, deadline: Deadline
) -> None:
    ses.add_response(
        "send_email",
        {"MessageId": "1"},
        {
            "FromEmailAddress": "Example Shop <news@example.com>",
            "Destination": {"ToAddresses": ["ada@example.com"]},
            "ReplyToAddresses": ["help@example.com"],
            "ConfigurationSetName": "the-set",
            "Content": {
                "Simple": {
                    "Subject": {"Data": "Hello", "Charset": "UTF-8"},
                    "Body": {
                        "Html": {"Data": "<p>Hello</p>", "Charset": "UTF-8"},
                        "Text": {"Data": "Hello", "Charset": "UTF-8"},
                    },
                    "Headers": [
                        {"Name": "List-Unsubscribe", "Value": "<https://api.example.com/unsubscribe/abc>"},
                        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
                        {"Name": "X-Api-Segments-Message", "Value": "def"},
                    ],
                }
            },
        },
    )
    assert emails.send(EMAIL, deadline) is Reply.ACCEPTED


@pytest.mark.parametrize(
    ("code", "reply"),
    [
        ("MessageRejected", Reply.REFUSED),
        ("BadRequestException", Reply.REFUSED),
        ("MailFromDomainNotVerifiedException", Reply.REFUSED),
        ("AccountSuspendedException", Reply.TRY_AGAIN),
        ("LimitExceededException", Reply.TRY_AGAIN),
        ("NotFoundException", Reply.TRY_AGAIN),
    ],
)
def test_ses_refuses_for_good_or_for_now(
    emails: EmailProvider, ses: Stubber, deadline: Deadline, code: str, reply: Reply
) -> None:
    ses.add_client_error("send_email", code)
    assert emails.send(EMAIL, deadline) is reply


def test_an_email_without_sender_name_and_reply_address_has_neither(
    emails: EmailProvider, ses: Stubber, deadline: Deadline
) -> None:
    bare = {"FromEmailAddress": "news@example.com", "ReplyToAddresses": [], "Content": ANY}
    expected = {**bare, "Destination": ANY, "ConfigurationSetName": "the-set"}
    ses.add_response("send_email", {"MessageId": "1"}, expected)
    assert emails.send(replace(EMAIL, sender_name=None, reply_to=None), deadline) is Reply.ACCEPTED


def test_a_link_too_long_for_a_header_is_not_sent(emails: EmailProvider, deadline: Deadline) -> None:
    assert emails.send(replace(EMAIL, unsubscribe_url="https://x/" + "a" * 900), deadline) is Reply.REFUSED


@pytest.mark.parametrize(
    "name",
    [
        "Example Shop",
        'The "Shop", Ltd. <x@example.com>',
        "back\\slash, comma; (comment)",
        "Zoë's Läden",
        "買い物 " * 40,
        "Läden <evil@example.com>, x@example.com",
    ],
)
def test_a_senders_name_is_ascii_on_the_wire_and_comes_back_as_it_was(name: str) -> None:
    header = from_header(name, "news@example.com")
    assert header.isascii()
    assert header.isprintable()
    encoded, address = parseaddr(header)
    assert (str(make_header(decode_header(encoded))).strip(), address) == (name.strip(), "news@example.com")


def test_a_sender_is_verified_by_itself_or_by_a_domain_above(
    emails: EmailProvider, ses: Stubber, deadline: Deadline
) -> None:
    for identity, verified in [("mail.example.com", None), ("example.com", False), ("a@mail.example.com", True)]:
        asked = {"EmailIdentity": identity}
        if verified is None:
            ses.add_client_error("get_email_identity", "NotFoundException", expected_params=asked)
        else:
            ses.add_response("get_email_identity", {"VerifiedForSendingStatus": verified}, asked)
    assert emails.is_verified("a@mail.example.com", deadline)


def test_a_sender_whom_ses_does_not_know_is_not_verified(
    emails: EmailProvider, ses: Stubber, deadline: Deadline
) -> None:
    for _ in ("a@example.com", "example.com"):
        ses.add_client_error("get_email_identity", "NotFoundException")
    assert not emails.is_verified("a@example.com", deadline)


class Identities:
    """SES, as far as it knows who is verified; keeps what it was asked."""

    def __init__(self, *verified: str) -> None:
        self.verified = set(verified)
        self.asked: list[str] = []

    def get_email_identity(self, EmailIdentity: str) -> dict[str, bool]:  # noqa: N803 - boto3's own name
        self.asked.append(EmailIdentity)
        return {"VerifiedForSendingStatus": EmailIdentity in self.verified}


@pytest.mark.parametrize(
    ("verified", "asked"),
    [
        ("mail.example.com", ["mail.example.com"]),
        ("example.com", ["mail.example.com", "example.com"]),
    ],
)
def test_a_hundred_senders_of_a_domain_ask_ses_once(deadline: Deadline, verified: str, asked: list[str]) -> None:
    identities = Identities(verified)
    store = EmailProvider(cast("Any", identities), "the-set")
    assert all(store.is_verified(f"a{number}@mail.example.com", deadline) for number in range(100))
    assert identities.asked == asked


def test_what_ses_said_of_a_sender_is_good_for_a_minute(deadline: Deadline) -> None:
    identities = Identities()
    store = EmailProvider(cast("Any", identities), "the-set")
    for _ in range(2):
        assert not store.is_verified("a@example.com", deadline)
    assert identities.asked == ["example.com", "a@example.com"]
    identities.verified.add("a@example.com")
    deadline.clock.sleep(VERIFIED_SECONDS)
    assert not store.is_verified("a@example.com", deadline)
    deadline.clock.sleep(1)
    assert store.is_verified("a@example.com", deadline)
    assert len(identities.asked) == 4


def test_what_is_known_of_senders_is_bounded(deadline: Deadline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email, "_KEPT_IDENTITIES", 3)
    identities = Identities()
    store = EmailProvider(cast("Any", identities), "the-set")
    for domain in ("a.com", "b.com", "c.com", "a.com"):
        store.is_verified(f"x@{domain}", deadline)
    assert len(identities.asked) == 8


def test_ses_may_be_unavailable_when_it_is_asked(emails: EmailProvider, ses: Stubber) -> None:
    ses.add_client_error("get_email_identity", "TooManyRequestsException")
    with pytest.raises(UnavailableError):
        emails.is_verified("a@example.com", Deadline.after(0, MovableClock()))


def test_an_sms_goes_to_the_number(sms: SmsProvider, sns: Stubber, deadline: Deadline) -> None:
    attributes = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Promotional"}}
    expected = {"PhoneNumber": "+12025550123", "Message": "Hello", "MessageAttributes": attributes}
    sns.add_response("publish", {"MessageId": "1"}, expected)
    assert sms.send("+12025550123", "Hello", deadline) is Reply.ACCEPTED


@pytest.mark.parametrize(
    ("code", "reply"),
    [
        ("InvalidParameter", Reply.REFUSED),
        ("OptedOut", Reply.REFUSED),
        ("AuthorizationError", Reply.TRY_AGAIN),
        ("InternalError", Reply.TRY_AGAIN),
    ],
)
def test_sns_refuses_an_sms_for_good_or_for_now(
    sms: SmsProvider, sns: Stubber, deadline: Deadline, code: str, reply: Reply
) -> None:
    sns.add_client_error("publish", code)
    assert sms.send("+12025550123", "Hello", deadline) is reply


@pytest.mark.parametrize(
    ("application", "kind", "platform", "payload"),
    [
        (FCM, TokenType.FCM, "GCM", {"notification": {"title": "T", "body": "B"}, "data": {"deep_link": "app://x"}}),
        (
            APNS,
            TokenType.APNS,
            "APNS_SANDBOX",
            {"aps": {"alert": {"title": "T", "body": "B"}, "sound": "default"}, "deep_link": "app://x"},
        ),
    ],
)
def test_a_push_goes_to_the_tokens_endpoint_in_its_platforms_shape(  # noqa: PLR0913, PLR0917 - a case has four parts
    pushes: PushProvider,
    sns: Stubber,
    deadline: Deadline,
    application: str,
    kind: TokenType,
    platform: str,
    payload: dict[str, Any],
) -> None:
    asked = {"PlatformApplicationArn": application, "Token": "a-token"}
    sns.add_response("create_platform_endpoint", {"EndpointArn": ENDPOINT}, asked)
    sns.add_response("publish", {"MessageId": "1"}, {"TargetArn": ENDPOINT, "MessageStructure": "json", "Message": ANY})
    sent: list[dict[str, Any]] = []
    cast("Any", sns).client.meta.events.register_first(
        "provide-client-params.sns.Publish", lambda params, **_: sent.append(params)
    )
    content = {"title": "T", "body": "B", "deep_link": "app://x"}
    assert pushes.send(application, Token(kind, "a-token"), content, deadline) is Reply.ACCEPTED
    message = json.loads(sent[0]["Message"])
    assert message["default"] == "B"
    assert json.loads(message[platform]) == payload


def test_a_disabled_endpoint_is_a_dead_token(pushes: PushProvider, sns: Stubber, deadline: Deadline) -> None:
    sns.add_response("create_platform_endpoint", {"EndpointArn": ENDPOINT})
    sns.add_client_error("publish", "EndpointDisabled")
    assert pushes.send(FCM, PHONE_TOKEN, {"title": "T", "body": "B"}, deadline) is Reply.GONE


@pytest.mark.parametrize(
    ("code", "reply"),
    [
        ("InvalidParameter", Reply.REFUSED),
        ("PlatformApplicationDisabled", Reply.TRY_AGAIN),
        ("InternalError", Reply.TRY_AGAIN),
    ],
)
def test_sns_refuses_a_push_for_good_or_for_now(
    pushes: PushProvider, sns: Stubber, deadline: Deadline, code: str, reply: Reply
) -> None:
    sns.add_response("create_platform_endpoint", {"EndpointArn": ENDPOINT})
    sns.add_client_error("publish", code)
    assert pushes.send(FCM, PHONE_TOKEN, {"title": "T", "body": "B"}, deadline) is reply


def test_a_token_that_is_none_is_refused(pushes: PushProvider, sns: Stubber, deadline: Deadline) -> None:
    sns.add_client_error("create_platform_endpoint", "InvalidParameter")
    assert pushes.send(FCM, PHONE_TOKEN, {"title": "T", "body": "B"}, deadline) is Reply.REFUSED


def test_an_endpoint_that_may_have_been_made_is_no_message_sent(pushes: PushProvider, deadline: Deadline) -> None:
    class NoAnswer:
        def create_platform_endpoint(self, **_: Any) -> None:
            raise ReadTimeoutError(endpoint_url=URL)

    store = PushProvider(cast("Any", NoAnswer()))
    assert store.send(FCM, PHONE_TOKEN, {"title": "T", "body": "B"}, deadline) is Reply.TRY_AGAIN
    assert pushes is not None

"""What an account declares for its campaigns, through the `accounts` function."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from api_segments.aws import wiring as aws_wiring
from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.campaigns.model import CampaignSettings
from api_segments.core.clock import Deadline
from api_segments.core.limits import MAX_SENDERS, MAX_TEST_RECIPIENTS, MAX_WEBHOOKS
from api_segments.profiles.model import TokenType
from functions.accounts.app import handler as accounts
from tests.support.events import Context

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any
Call = Callable[..., Json]

FCM = "arn:aws:sns:eu-central-1:123456789012:app/GCM/shop-fcm"
APNS = "arn:aws:sns:eu-central-1:123456789012:app/APNS/shop"
SANDBOX = "arn:aws:sns:eu-central-1:123456789012:app/APNS_SANDBOX/shop.1"


@pytest.fixture
def call(tables: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> Call:
    assert tables is not None
    monkeypatch.setenv("WEBHOOK_TEST_ORIGIN", "http://127.0.0.1:8080")
    monkeypatch.setenv("CAMPAIGN_QUEUE_ARN", "arn:aws:sqs:eu-central-1:123456789012:campaigns")
    for account_id in ("T-1", "T-2"):
        new = {"operation": "create_account", "name": "Shop", "plan": "Advanced", "account_id": f"{account_id}"}
        assert accounts(new, Context())["status"] == "success"
    return lambda operation, **fields: accounts({"operation": operation, "account_id": "T-1", **fields}, Context())


def settings_of(account_id: str) -> CampaignSettings:
    return campaigns_wiring.settings_store().get(account_id, Deadline.after(5))


def refused(answer: Json, code: int, error: str) -> bool:
    assert answer == {"status": "fail", "error": error, "code": code}
    return True


def test_a_new_account_has_declared_nothing(call: Call) -> None:
    assert call is not None
    assert settings_of("T-1") == CampaignSettings("UTC", (), {}, {})


def test_the_time_zone_is_one_of_the_iana_database(call: Call) -> None:
    assert call("set_time_zone", time_zone="Europe/Berlin")["settings"]["time_zone"] == "Europe/Berlin"
    for wrong in ("Berlin", "../../etc/passwd", "+01:00", "europe/berlin"):
        answer = call("set_time_zone", time_zone=wrong)
        assert refused(answer, 400, "time_zone: must be a name of the IANA database, like Europe/Berlin")
    assert settings_of("T-1").time_zone == "Europe/Berlin"


def test_senders_are_kept_in_order_and_each_once(call: Call) -> None:
    for email in ("news@example.com", "shop@example.com", "NEWS@example.com"):
        call("add_sender", email=email)
    answer = call("add_sender", email="x@münchen.example.com")
    assert answer["settings"]["senders"] == ["news@example.com", "shop@example.com", "x@xn--mnchen-3ya.example.com"]
    answer = call("remove_sender", email="News@Example.com")
    assert answer["settings"]["senders"] == ["shop@example.com", "x@xn--mnchen-3ya.example.com"]
    assert refused(call("remove_sender", email="news@example.com"), 404, "email: account T-1 has no such sender")


@pytest.mark.parametrize(
    "email", ["nobody", "a@b@example.com", "Ada <ada@example.com>", "ä@example.com", "a@localhost"]
)
def test_a_sender_is_an_address(call: Call, email: str) -> None:
    assert refused(call("add_sender", email=email), 400, "email: must be an email address")


def test_a_webhook_gets_a_secret_that_is_shown_once(
    call: Call, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")  # below it the SDK shows what it writes to the table
    answer = call("add_webhook", name="crm", url="https://crm.example.com/hook?x=1")
    secret = answer["webhook"]["secret"]
    assert len(secret) >= 43
    assert answer["webhook"] == {"name": "crm", "url": "https://crm.example.com/hook?x=1", "secret": secret}
    assert answer["settings"]["webhooks"] == [{"name": "crm", "url": "https://crm.example.com/hook?x=1"}]
    assert settings_of("T-1").webhooks["crm"].secret == secret
    later = call("set_time_zone", time_zone="Europe/Berlin")
    out, err = capfd.readouterr()
    assert secret not in f"{later}{out}{err}{caplog.text}{[vars(record) for record in caplog.records]}"


def test_a_name_is_one_webhooks_until_it_is_removed(call: Call) -> None:
    first = call("add_webhook", name="crm", url="https://crm.example.com/")
    taken = call("add_webhook", name="crm", url="https://crm.example.com/other")
    assert refused(taken, 409, "name: the account has a webhook of this name; remove it first")
    assert call("remove_webhook", name="crm")["settings"]["webhooks"] == []
    assert refused(call("remove_webhook", name="crm"), 404, "name: account T-1 has no such webhook")
    second = call("add_webhook", name="crm", url="https://crm.example.com/")
    assert first["webhook"]["secret"] != second["webhook"]["secret"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://crm.example.com/", "must begin with https://"),
        ("ftp://crm.example.com/", "must begin with https://"),
        ("http://127.0.0.1:8081/", "must begin with https://"),
        ("http://127.0.0.1:8080@evil.example.com/", "must have no user, no passcode and no fragment"),
        ("https://user:secret@crm.example.com/", "must have no user, no passcode and no fragment"),
        ("https://crm.example.com/#part", "must have no user, no passcode and no fragment"),
        ("https:///hook", "must be a URL of at most 2,000 printable ASCII characters"),
        ("https://crm.example.com:99999/", "must be a URL of at most 2,000 printable ASCII characters"),
        ("https://crm.example.com/a b", "must be a URL of at most 2,000 printable ASCII characters"),
        ("https://crm.example.com/\r\nX: y", "must be a URL of at most 2,000 printable ASCII characters"),
        ("https://crm.exämple.com/", "must be a URL of at most 2,000 printable ASCII characters"),
        ("https://[::1", "must be a URL of at most 2,000 printable ASCII characters"),
        ("https://crm.example.com/" + "x" * 2000, "must be a URL of at most 2,000 printable ASCII characters"),
        ("crm", "must be a URL of at most 2,000 printable ASCII characters"),
        ("", "must be a URL of at most 2,000 printable ASCII characters"),
    ],
)
def test_a_webhook_is_https(call: Call, url: str, reason: str) -> None:
    assert refused(call("add_webhook", name="crm", url=url), 400, f"url: {reason}")
    assert settings_of("T-1").webhooks == {}


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com",
        "https://crm.example.com:8443/a?b=c",
        "https://[2606:4700::1]/",
        "http://127.0.0.1:8080/hook",
    ],
)
def test_a_webhook_may_have_a_port_a_query_or_the_origin_of_tests(call: Call, url: str) -> None:
    assert call("add_webhook", name="crm", url=url)["webhook"]["url"] == url


def test_push_applications_are_one_a_type_of_token(call: Call) -> None:
    call("set_push_application", type="fcm", arn=FCM)
    answer = call("set_push_application", type="apns", arn=APNS)
    assert answer["settings"]["push_applications"] == {"apns": APNS, "fcm": FCM}
    call("set_push_application", type="apns", arn=SANDBOX)
    assert settings_of("T-1").push_applications == {TokenType.FCM: FCM, TokenType.APNS: SANDBOX}
    call("set_push_application", type="fcm", arn=None)
    assert settings_of("T-1").push_applications == {TokenType.APNS: SANDBOX}


@pytest.mark.parametrize("arn", [APNS, "arn:aws:sns:eu-central-1:123456789012:topic", "", "arn:aws:sns:*:*:app/GCM/x"])
def test_an_application_is_of_the_tokens_platform(call: Call, arn: str) -> None:
    answer = call("set_push_application", type="fcm", arn=arn)
    assert (answer["status"], answer["code"]) == ("fail", 400)
    assert answer["error"].startswith("arn: must")


@pytest.mark.parametrize(
    "arn",
    [
        FCM.replace("eu-central-1", "us-east-1"),
        FCM.replace("123456789012", "210987654321"),
        FCM.replace("arn:aws:", "arn:aws-cn:"),
    ],
)
def test_an_application_is_in_the_stacks_own_account_and_region(call: Call, arn: str) -> None:
    answer = call("set_push_application", type="fcm", arn=arn)
    error = "arn: must be that of an SNS platform application for fcm in this stack's account and region"
    assert refused(answer, 400, error)


def test_other_tokens_have_no_application(call: Call) -> None:
    answer = call("set_push_application", type="chrome", arn=FCM)
    assert refused(answer, 400, "type: must be 'fcm' or 'apns'")


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("set_time_zone", {"time_zone": "UTC"}),
        ("add_sender", {"email": "a@example.com"}),
        ("remove_sender", {"email": "a@example.com"}),
        ("add_webhook", {"name": "crm", "url": "https://crm.example.com/"}),
        ("remove_webhook", {"name": "crm"}),
        ("set_push_application", {"type": "fcm", "arn": FCM}),
    ],
)
def test_only_an_account_that_is_there_declares_and_for_itself_alone(call: Call, operation: str, fields: Json) -> None:
    missing = call(operation, **fields, account_id="T-9")
    assert refused(missing, 404, "account_id: there is no account T-9")
    assert call(operation, **fields, colour="red")["error"] == "colour: unknown field"
    call(operation, **fields)
    assert settings_of("T-2") == CampaignSettings()


def test_there_is_a_limit_on_what_is_declared(call: Call) -> None:
    for number in range(MAX_SENDERS):
        call("add_sender", email=f"a{number}@example.com")
    full = call("add_sender", email="one-more@example.com")
    assert refused(full, 409, f"account T-1 has {MAX_SENDERS} senders; remove one first")
    for number in range(MAX_WEBHOOKS):
        call("add_webhook", name=f"n{number}", url="https://crm.example.com/")
    full = call("add_webhook", name="one-more", url="https://crm.example.com/")
    assert refused(full, 409, f"account T-1 has {MAX_WEBHOOKS} webhooks; remove one first")


def test_test_recipients_are_kept_each_once_and_taken_back(call: Call) -> None:
    email = {"type": "email", "address": "Ada@example.com"}
    phone = {"type": "phone", "address": "+12025550199"}
    token = {"type": "fcm", "address": "ours-1"}
    answers = [call("add_test_recipient", **recipient) for recipient in (email, phone, token, email)]
    assert answers[-1]["settings"]["test_recipients"] == [email, phone, token]
    assert call("remove_test_recipient", **phone)["settings"]["test_recipients"] == [email, token]
    assert refused(call("remove_test_recipient", **phone), 404, "address: account T-1 has no such test recipient")
    assert settings_of("T-2").test_recipients == ()


@pytest.mark.parametrize(
    ("kind", "address", "error"),
    [
        ("email", "nobody", "address: must be an email address"),
        ("email", "a@example.com\nBcc: b@example.com", "address: must be an email address"),
        ("phone", "0171 123", 'address: must be a phone number in E.164, like "+14155551234"'),
        ("fcm", "", "address: must be a token of printable ASCII characters"),
        ("apns", "a b", "address: must be a token of printable ASCII characters"),
        ("chrome", "x" * 4097, "address: must be a token of printable ASCII characters"),
    ],
)
def test_an_address_that_is_none_of_its_type_is_refused(call: Call, kind: str, address: str, error: str) -> None:
    assert refused(call("add_test_recipient", type=kind, address=address), 400, error)
    assert settings_of("T-1").test_recipients == ()


def test_an_account_has_a_bounded_number_of_test_recipients(call: Call) -> None:
    for number in range(MAX_TEST_RECIPIENTS):
        assert call("add_test_recipient", type="fcm", address=f"t{number}")["status"] == "success"
    error = f"account T-1 has {MAX_TEST_RECIPIENTS} test recipients; remove one first"
    assert refused(call("add_test_recipient", type="fcm", address="one-more"), 409, error)


def test_settings_that_were_written_before_test_recipients_have_none(call: Call, tables: "DynamoDBClient") -> None:
    call("add_test_recipient", type="fcm", address="t1")
    table = aws_wiring.settings().accounts_table
    (item,) = [each for each in tables.scan(TableName=table)["Items"] if "test_recipients" in each]
    key = {name: item[name] for name in ("account_id", "sk")}
    tables.update_item(TableName=table, Key=key, UpdateExpression="REMOVE test_recipients")
    assert settings_of("T-1").test_recipients == ()

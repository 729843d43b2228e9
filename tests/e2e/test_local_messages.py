"""How messages that leave the stack are read back here, and whether the emulator still needs what is mended for it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.aws import session
from local.emulator import Emulator, running_emulator
from local.outbox import Outbox
from local.webhook_receiver import running_receiver

PATCHED = pytest.mark.parametrize("emulator", [True], indirect=True, ids=["patched"])
UNPATCHED = pytest.mark.parametrize("emulator", [False], indirect=True, ids=["unpatched"])
DROP_THE_SHIM = "MiniStack does this itself now: drop it from local/ministack_main.py"
SENDER = "news@example.com"
HEADERS = [{"Name": "List-Unsubscribe", "Value": "<https://example.com/u>"}, {"Name": "X-Mine", "Value": "1"}]


@pytest.fixture(scope="module")
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with running_emulator(patched=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def webhooks() -> Iterator[str]:
    with running_receiver() as origin:
        yield origin


def client(emulator: Emulator, service: str) -> Any:
    return session().client(service, endpoint_url=emulator.endpoint_url)  # type: ignore[call-overload] # by name


def send_email(emulator: Emulator) -> None:
    ses = client(emulator, "sesv2")
    ses.create_email_identity(EmailIdentity=SENDER)
    ses.send_email(
        FromEmailAddress=f"Shop <{SENDER}>",
        Destination={"ToAddresses": ["ada@example.com"]},
        ReplyToAddresses=["help@example.com"],
        Content={
            "Simple": {"Subject": {"Data": "Hi"}, "Body": {"Html": {"Data": "<p>Hé</p>"}}, "Headers": HEADERS},
        },
    )


def new_endpoint(emulator: Emulator, token: str, *, enabled: bool) -> str:
    sns = client(emulator, "sns")
    application = sns.create_platform_application(Name="shop", Platform="GCM", Attributes={"PlatformCredential": "x"})
    arn = application["PlatformApplicationArn"]
    endpoint: str = sns.create_platform_endpoint(PlatformApplicationArn=arn, Token=token)["EndpointArn"]
    if not enabled:
        sns.set_endpoint_attributes(EndpointArn=endpoint, Attributes={"Enabled": "false"})
    return endpoint


@UNPATCHED
def test_emulator_alone_still_forgets_the_headers_of_an_email(emulator: Emulator) -> None:
    send_email(emulator)
    kept = httpx.get(f"{emulator.endpoint_url}/_ministack/ses/messages", trust_env=False)
    assert "Hi" in kept.text
    assert "List-Unsubscribe" not in kept.text, DROP_THE_SHIM
    assert "help@example.com" not in kept.text, DROP_THE_SHIM


@UNPATCHED
def test_emulator_alone_still_forgets_pushes_and_takes_them_for_disabled_endpoints(emulator: Emulator) -> None:
    client(emulator, "sns").publish(TargetArn=new_endpoint(emulator, "t", enabled=False), Message="hello")
    for path in ("sms-messages", "platform-endpoint-messages", "messages"):
        kept = httpx.get(f"{emulator.endpoint_url}/_ministack/sns/{path}", trust_env=False)
        assert "hello" not in kept.text, DROP_THE_SHIM


@PATCHED
def test_outbox_gives_each_message_once_as_it_was_sent(emulator: Emulator, webhooks: str) -> None:
    send_email(emulator)
    outbox = Outbox(emulator.endpoint_url, webhooks)
    send_email(emulator)
    sns = client(emulator, "sns")
    sns.publish(PhoneNumber="+12025550123", Message="Grüße")
    sns.publish(TargetArn=new_endpoint(emulator, "token-1", enabled=True), Message="ping")
    httpx.post(f"{webhooks}/hook", content="{}", headers={"X-Mine": "1"}, trust_env=False)

    email, sms, push, webhook = outbox.new()
    assert (email["channel"], email["from"], email["to"]) == ("email", f"Shop <{SENDER}>", ["ada@example.com"])
    assert (email["subject"], email["html"], email["reply_to"]) == ("Hi", "<p>Hé</p>", ["help@example.com"])
    assert email["headers"] == {header["Name"]: header["Value"] for header in HEADERS}
    assert (sms["channel"], sms["to"], sms["text"]) == ("sms", "+12025550123", "Grüße")
    assert (push["channel"], push["token"], push["text"]) == ("push", "token-1", "ping")
    assert (webhook["channel"], webhook["path"], webhook["headers"]["x-mine"]) == ("webhook", "/hook", "1")
    assert outbox.new() == []
    outbox.close()


@PATCHED
def test_push_to_a_disabled_endpoint_is_refused(emulator: Emulator) -> None:
    sns = client(emulator, "sns")
    with pytest.raises(sns.exceptions.EndpointDisabledException):
        sns.publish(TargetArn=new_endpoint(emulator, "token-2", enabled=False), Message="ping")


@pytest.mark.parametrize(("path", "status"), [("/a", 200), ("/status/503", 503), ("/status/302/x", 302)])
def test_webhook_receiver_answers_as_its_path_says(webhooks: str, path: str, status: int) -> None:
    assert httpx.post(f"{webhooks}{path}", content=b"{}", trust_env=False).status_code == status

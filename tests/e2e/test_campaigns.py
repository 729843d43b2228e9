"""Campaigns on the deployed template: every channel over HTTP, on a change, stopped, delivered again."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from local.aws import session
from local.campaigns import TIME_ZONE, WEBHOOK
from local.providers import SENDER
from local.stack import Stack, create_account, invoke
from local.subscriber import CHANGE, SOURCE
from tests.e2e.campaigning import ADA, CONTENT, MODES, PROFILES, Shop, Started
from tests.e2e.conftest import client_of
from tests.support.template import ROOT, load
from tests.support.waiting import PATIENCE_SECONDS, wait_until

MANY = 200


def reached(mode: str) -> Sequence[str]:
    """Return who of the audience a channel reaches."""
    return {"email": ["ada", "bouncing", "leaving"], "webhook": [*sorted(PROFILES), "unreachable"]}.get(mode, ["ada"])


@pytest.mark.parametrize("mode", MODES)
def test_a_campaign_reaches_its_audience_and_nobody_else(shop: Shop, started: Started, mode: str) -> None:
    campaign = started.by_mode[mode]
    whom = [identity for identity in reached(mode) if identity != "excluded"]
    result = shop.completed(campaign)
    assert (result["status"], result["sent"], result["failed"]) == ("completed", len(whom), {})
    assert result["skipped"] == ({} if mode == "webhook" else {"unreachable": 4 - len(whom)})
    log = shop.post("/1/targets/log.json", {"id": campaign})["log"]
    assert sorted(entry["identity"] for entry in log if entry["status"] == "sent") == sorted(whom)
    assert all(entry["reason"] == "unreachable" for entry in log if entry["status"] != "sent")


def test_an_email_is_personal_escaped_and_can_be_unsubscribed_from(shop: Shop, started: Started) -> None:
    shop.completed(started.by_mode["email"])
    (email,) = shop.sent(lambda message: message.get("to") == ["ada@example.com"])
    assert (email["from"], email["reply_to"]) == (f"Example Shop <{SENDER}>", ["help@example.com"])
    assert email["subject"] == "Hello Ada <Example>"
    assert "<p>Ada &lt;Example&gt; of Leeds &amp; York</p>" in email["html"]
    assert email["configuration_set"]
    assert email["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert email["headers"]["List-Unsubscribe"].startswith("<https://")
    link = email["headers"]["List-Unsubscribe"].strip("<>")
    assert f'href="{link}"' in email["html"]
    assert email["text"] == f"Ada <Example> of Leeds & York\n\nUnsubscribe ({link})"


def test_a_test_goes_to_a_declared_address_and_its_link_unsubscribes_nobody(shop: Shop, started: Started) -> None:
    shop.completed(started.by_mode["email"])
    recipient = {"type": "email", "address": "tests@example.com", "account_id": shop.account.account_id}
    accounts = shop.stack.functions["accounts"]
    assert (
        invoke(shop.stack.endpoint_url, accounts, {"operation": "add_test_recipient", **recipient})["status"]
        == "success"
    )
    test = {"target_mode": "email", "content": CONTENT["email"], "identity": "ada"}
    assert "no test recipient" in shop.post("/1/targets/test.json", {**test, "to": "ada@example.com"}, 400)["error"]
    answer = shop.post("/1/targets/test.json", {**test, "to": "tests@example.com"})
    assert answer == {"status": "success", "test": {"status": "sent", "reason": None}}
    (email,) = shop.sent(lambda message: message.get("to") == ["tests@example.com"])
    assert email["subject"] == "[Test] Hello Ada <Example>"
    token = email["headers"]["List-Unsubscribe"].strip("<>").rpartition("/unsubscribe/")[2]
    with httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS) as anybody:
        page = anybody.post(f"{shop.stack.api_url}/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
    assert (page.status_code, "This was a test message" in page.text) == (200, True)
    assert shop.profile("ada")["reachable"]["email"]


def test_an_sms_is_personal(shop: Shop, started: Started) -> None:
    shop.completed(started.by_mode["sms"])
    assert shop.sent(lambda message: message.get("text") == "Hello Ada")[0]["to"] == ADA["Phone"]


def test_a_push_goes_to_each_app(shop: Shop, started: Started) -> None:
    shop.completed(started.by_mode["push"])
    pushes = shop.sent(lambda message: message["channel"] == "push")
    assert sorted(push["token"] for push in pushes) == ["token-a", "token-f"]
    assert all("shop://ada" in push["text"] and "Ada <Example>" in push["text"] for push in pushes)


def test_a_webhook_is_signed(shop: Shop, started: Started) -> None:
    shop.completed(started.by_mode["webhook"])
    calls = shop.sent(lambda message: message["channel"] == "webhook" and message["path"] == "/hook")
    assert len(calls) == 4
    for call in calls:
        signature = dict(part.split("=", 1) for part in call["headers"]["x-api-segments-signature"].split(","))
        signed = f"{signature['t']}.{call['body']}".encode()
        assert signature["v1"] == hmac.new(shop.secret.encode(), signed, hashlib.sha256).hexdigest()
    (ada,) = (body for body in (json.loads(call["body"]) for call in calls) if body["profile"]["identity"] == "ada")
    assert (ada["profile"]["Name"], ada["campaign"]["id"]) == ("Ada <Example>", started.by_mode["webhook"])


def test_whatsapp_and_web_push_are_handed_to_the_teams_provider(shop: Shop, started: Started) -> None:
    for mode in ("whatsapp", "webpush"):
        shop.completed(started.by_mode[mode])
    wait_until(lambda: len(shop.published("Message Requested")) == 2, "both requests")
    requested = {detail["Channel"]: detail for detail in shop.published("Message Requested")}
    assert requested["whatsapp"]["Phone"] == ADA["Phone"]
    assert requested["whatsapp"]["Content"] == {"body": "Hello ada"}
    assert requested["webpush"]["Tokens"] == ["token-c"]
    assert {detail["Identity"] for detail in requested.values()} == {"ada"}
    rule = load(ROOT / "docs" / "message_requested.yaml")["Resources"]["RequestedRule"]["Properties"]
    assert sorted(rule["EventPattern"]["detail"]["Channel"]) == sorted(requested)


def test_start_and_end_are_told_once(shop: Shop, started: Started) -> None:
    ids = {shop.completed(campaign)["status"]: campaign for campaign in started.by_mode.values()}
    assert ids.keys() == {"completed"}
    expected = sorted(started.by_mode.values())
    for detail_type in ("Campaign Started", "Campaign Completed"):
        wait_until(lambda kind=detail_type: told(shop, kind) >= set(expected), detail_type)  # type: ignore[misc] # bound
    completed = {detail["Campaign ID"]: detail for detail in shop.published("Campaign Completed")}
    assert completed[started.by_mode["email"]]["Results"]["sent"] == 3


def told(shop: Shop, detail_type: str) -> set[int]:
    return {detail["Campaign ID"] for detail in shop.published(detail_type)}


def test_a_change_is_one_message_however_often_its_event_is_delivered(shop: Shop, started: Started) -> None:
    shop.change(started.joined, "ADD", "ada", "excluded", "unreachable")

    def texts() -> list[str]:
        return [message["text"] for message in shop.sent(lambda message: " joined " in (message.get("text") or ""))]

    wait_until(lambda: texts() == ["ada joined Joined too"], "the welcome")

    def changes() -> list[Mapping[str, object]]:
        return [detail for detail in shop.published(CHANGE) if detail["Segment ID"] == started.joined]

    wait_until(lambda: len(changes()) == 3, "the changes")
    bus = session().client("events", endpoint_url=shop.stack.endpoint_url)
    for change in changes():
        again = {"Source": SOURCE, "DetailType": CHANGE, "Detail": json.dumps(change)}
        bus.put_events(Entries=[{**again, "EventBusName": shop.stack.bus_name}])  # type: ignore[typeddict-item] # it is one
    shop.change(started.joined, "REMOVE", "ada")
    shop.change(started.joined, "ADD", "ada")  # a change of its own
    wait_until(lambda: len(texts()) == 2, "the second welcome")
    wait_until(lambda: shop.result(started.online)["sent"] == 2, "the second welcome to be counted")
    shop.wait_for_queues()
    assert len(texts()) == 2
    assert shop.result(started.online)["status"] == "running"


def test_a_message_that_comes_again_sends_nothing(shop: Shop, started: Started) -> None:
    campaign = started.by_mode["sms"]
    shop.completed(campaign)
    guid = shop.profile("ada")["guid"]
    message = {
        "account_id": shop.account.account_id,
        "campaign_id": campaign,
        "delivery_id": guid,
        "profile_id": guid,
        "event": None,
    }
    again = {
        "Records": [{"messageId": "1", "body": json.dumps(message), "attributes": {"ApproximateReceiveCount": "2"}}]
    }
    answer = invoke(shop.stack.endpoint_url, shop.stack.functions["send_messages"], again)
    assert answer == {"batchItemFailures": []}
    assert shop.result(campaign)["sent"] == 1
    assert len(shop.sent(lambda sent: sent.get("text") == "Hello Ada")) == 1


def test_unsubscribing_needs_a_post_and_opts_out(shop: Shop, started: Started) -> None:
    shop.completed(started.by_mode["email"])
    (email,) = shop.sent(lambda message: message.get("to") == ["leaving@example.com"])
    token = email["headers"]["List-Unsubscribe"].strip("<>").rpartition("/unsubscribe/")[2]
    url = f"{shop.stack.api_url}/unsubscribe/{token}"
    with httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS) as anybody:
        page = anybody.get(url)
        assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
        assert shop.profile("leaving")["reachable"]["email"]
        assert anybody.post(f"{url}x", data={"List-Unsubscribe": "One-Click"}).status_code == 404
        assert shop.profile("leaving")["reachable"]["email"]
        assert anybody.post(url, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    left = shop.profile("leaving")
    assert (left["opted_out"], left["reachable"]["email"], "MSG-email" in left["profileData"]) == (
        ["email"],
        False,
        False,
    )
    assert shop.result(started.by_mode["email"])["unsubscribed"] == 1
    address = {"email": "leaving@example.com"}
    (found,) = shop.api.get("/api/profiles", params=address).json()["profiles"]
    assert (found["identity"], found["reachable"]["email"]) == ("leaving", False)
    (listed,) = shop.api.get("/api/suppressions", params=address).json()["suppressions"]
    assert (listed["suppressed"], listed["unsubscribed_at"] is not None) == (True, True)


def test_an_account_puts_an_address_on_its_list_and_takes_it_off(shop: Shop, started: Started) -> None:
    shop.completed(started.by_mode["email"])
    address = {"email": "Ada@example.com"}
    assert shop.profile("ada")["reachable"]["email"]
    assert shop.api.put("/api/suppressions", params=address).json()["suppression"]["suppressed"] is True
    wait_until(lambda: not shop.profile("ada")["reachable"]["email"], "the user to follow the list")
    assert shop.api.delete("/api/suppressions", params=address).json()["lifted"] is True
    wait_until(lambda: shop.profile("ada")["reachable"]["email"], "the user to follow the list again")


def test_only_a_permanent_bounce_opts_out(shop: Shop, started: Started) -> None:
    shop.completed(started.by_mode["email"])
    (email,) = shop.sent(lambda message: message.get("to") == ["bouncing@example.com"])
    headers = [{"name": name, "value": value} for name, value in email["headers"].items()]

    def bounce(kind: str) -> str:
        notification = {
            "eventType": "Bounce",
            "bounce": {
                "bounceType": kind,
                "bouncedRecipients": [{"emailAddress": "bouncing@example.com"}],
                "timestamp": "2026-11-23T14:20:03.000Z",
            },
            "mail": {"headers": headers, "messageId": "1", "source": SENDER},
        }
        return json.dumps(notification)

    function = shop.stack.functions["mail_feedback"]
    transient = {"Records": [{"Sns": {"Message": bounce("Transient")}}]}
    assert invoke(shop.stack.endpoint_url, function, transient) is None  # it has ended, and did not fail
    assert shop.profile("bouncing")["reachable"]["email"]
    sns = session().client("sns", endpoint_url=shop.stack.endpoint_url)
    sns.publish(TopicArn=shop.stack.mail_feedback_topic_arn, Message=bounce("Permanent"))
    wait_until(lambda: not shop.profile("bouncing")["reachable"]["email"], "the opt-out")
    wait_until(lambda: shop.result(started.by_mode["email"])["bounced"] == 1, "the campaign's results")


def test_a_campaign_stopped_midway_sends_no_more(shop: Shop, started: Started) -> None:  # noqa: ARG001 - in turn
    many = shop.segment("Many", *(f"many-{n}" for n in range(MANY)))
    content = {"url": WEBHOOK, "body": '{"many": "{{ profile.identity }}"}'}
    campaign = shop.create("webhook", segment=many, content=content)

    def calls() -> int:
        return len(shop.sent(lambda message: '"many"' in message.get("body", "")))

    wait_until(lambda: calls() > 0, "the first call")
    answer = shop.post("/1/targets/stop.json", {"id": campaign})
    assert answer == {"status": "success", "message": f"Target {campaign} stopped"}
    assert shop.post("/1/targets/stop.json", {"id": campaign})["status"] == "success"

    def settled() -> bool:
        waiting: int = shop.result(campaign)["waiting"]
        return waiting == 0

    wait_until(settled, "the queued ones to be skipped")
    result = shop.result(campaign)
    assert (result["status"], result["failed"]) == ("stopped", {})
    assert 0 < result["sent"] == calls() < MANY
    assert result["sent"] + result["skipped"].get("stopped", 0) == result["queued"]


def test_a_scheduled_campaign_is_edited_found_and_duplicated(shop: Shop) -> None:
    """The edit moves its schedule: at its old time nothing starts."""
    segment = shop.segment("Edited", "edited-1")
    at = datetime.now(ZoneInfo(TIME_ZONE)) + timedelta(days=2)
    campaign = shop.create("sms", name="Spring sale to edit", segment=segment, when=f"{at:%Y%m%d %H:%M}")
    later = at + timedelta(days=1)
    told = shop.post("/1/targets/when.json", {"when": f"{later:%Y%m%d %H:%M}"})["start"]
    edit = {"id": campaign, "version": 0, "name": "Edited sale", "when": f"{later:%Y%m%d %H:%M}"}
    assert shop.post("/1/targets/edit.json", edit)["version"] == 1
    (found,) = shop.post("/1/targets/list.json", {"name": "EDITED SALE", "status": "scheduled", "segment": segment})[
        "targets"
    ]
    assert (found["id"], found["starts_at"], found["version"]) == (campaign, told["starts_at"], 1)
    assert shop.api.post("/1/targets/edit.json", json=edit).status_code == 409
    copy = shop.post("/1/targets/duplicate.json", {"id": campaign, "when": "now", "name": "The copy"})["id"]
    wait_until(lambda: shop.result(copy)["status"] == "completed", "the copy")
    assert shop.result(campaign)["status"] == "scheduled"
    for each in (campaign, copy):
        shop.post("/1/targets/stop.json", {"id": each})
    assert shop.api.post("/1/targets/edit.json", json={"id": campaign, "name": "x"}).status_code == 409


def test_a_segment_in_use_cant_be_deleted(shop: Shop) -> None:
    segment = shop.segment("In use")
    at = datetime.now(ZoneInfo(TIME_ZONE)) + timedelta(days=2)
    campaign = shop.create("sms", name="Spring sale", segment=segment, when=f"{at:%Y%m%d %H:%M}")
    refused = shop.api.delete(f"/api/segments/{segment}")
    assert refused.status_code == 409
    assert f"{campaign} (Spring sale)" in refused.json()["error"]
    shop.post("/1/targets/stop.json", {"id": campaign})
    wait_until(lambda: shop.api.delete(f"/api/segments/{segment}").status_code == 200, "the deletion")


def test_an_estimate_creates_nothing(shop: Shop, started: Started) -> None:
    before = shop.campaigns()
    asked = {"target_mode": "sms", "segments": {"include": [started.everybody]}, "estimate_only": True}
    assert shop.post("/1/targets/create.json", asked) == {"status": "success", "estimates": {"sms": 2}}
    assert shop.campaigns() == before


@pytest.mark.parametrize(
    ("changed", "status", "named"),
    [
        ({"segment": 5}, 404, "segment"),
        ({"when": "20200101 10:00"}, 400, "when"),
        ({"content": {"body": "{{ profile.Name"}}, 400, "content.body"),
        ({"content": {"boddy": "x"}}, 400, "boddy"),
        ({"target_mode": "email", "content": {**CONTENT["email"], "sender": "x@example.org"}}, 400, "content.sender"),
        ({"target_mode": "webhook", "content": {"url": "https://example.org"}}, 400, "content.url"),
    ],
    ids=["unknown segment", "past", "template", "unknown field", "undeclared sender", "undeclared webhook"],
)
def test_a_mistake_is_named_and_creates_nothing(
    shop: Shop, started: Started, changed: Mapping[str, object], status: int, named: str
) -> None:
    before = shop.campaigns()
    good = {"name": "x", "target_mode": "sms", "segment": started.everybody, "when": "now", "content": CONTENT["sms"]}
    refused = shop.post("/1/targets/create.json", {**good, **changed}, status)
    assert (refused["status"], refused["code"]) == ("fail", status)
    assert named in refused["error"]
    assert shop.campaigns() == before


def test_another_account_sees_and_changes_nothing(stack: Stack, shop: Shop, started: Started) -> None:
    other = create_account(stack.endpoint_url, stack.functions["accounts"], "Other")
    with client_of(stack, other) as api:
        assert api.post("/1/targets/list.json", json={}).json()["targets"] == []
        for path in ("result", "stop", "log"):
            answer = api.post(f"/1/targets/{path}.json", json={"id": started.online})
            assert answer.status_code == 404, path
        theirs = {"target_mode": "sms", "segment": started.everybody, "estimate_only": True}
        assert api.post("/1/targets/create.json", json=theirs).status_code == 404
        settings = api.post("/1/targets/settings.json", json={}).json()["settings"]
    none: dict[str, object] = {"senders": [], "webhooks": [], "test_recipients": []}
    assert settings == {"time_zone": "UTC", **none, "push": {"fcm": False, "apns": False}}
    mine = shop.post("/1/targets/settings.json", {})["settings"]
    assert mine["senders"] == [{"email": SENDER, "verified": True}]
    assert mine["webhooks"] == [{"name": WEBHOOK, "url": f"{stack.webhook_origin}/hook"}]
    assert shop.result(started.online)["status"] == "running"

"""Whom an opt-out holds for: all who have the address, now and later; for how long; and what is said of it."""

import os
from typing import Any

import pytest
from botocore.exceptions import ClientError

from api_segments.aws import keys
from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.campaigns.model import AfterSending, Delivery, DeliveryStatus, Message, Results
from api_segments.campaigns.planning.answers import deliveries_body
from api_segments.campaigns.sending.opt_outs import TokenUse
from api_segments.campaigns.store_deliveries import delivery_key
from api_segments.core.channels import Channel
from api_segments.core.errors import NotFoundError, NotWrittenError
from api_segments.profiles import wiring as profiles_wiring
from api_segments.profiles.model import Address, AddressType, ProfileUpdate
from api_segments.profiles.store import ProfileStore
from api_segments.profiles.store_suppressions import SuppressionReason
from functions.mail_feedback.app import handler as mail_feedback
from tests.support.clock import MovableClock
from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.events import Context
from tests.support.faults import FaultyClient
from tests.unit.test_opt_outs import (
    ADDRESS,
    CAMPAIGN,
    Queue,
    as_before,
    bounce,
    complaint,
    database,
    deadline,
    memory,
    origin,
    ours,
    profile,
    queue,
    request,
    token,
    told,
    upload,
)

Json = Any
__all__ = ["database", "memory", "queue"]  # fixtures

AGAIN = "Subscribe=Again"
ONE_CLICK = "List-Unsubscribe=One-Click"
OTHER = "other@example.com"


def add(guid: str, **attributes: Any) -> None:
    update = ProfileUpdate(identity=guid.upper(), guid=guid, attributes=attributes)
    assert profiles_wiring.profiles().update("T-1", {0: update}, deadline()) == {}


def is_reached(guid: str = "5f2d", account_id: str = "T-1") -> bool:
    membership = profiles_wiring.profiles().get(account_id, None, guid, deadline()).membership
    assert membership is not None
    return Channel.EMAIL in membership.reach


def entry(address: str = ADDRESS, account_id: str = "T-1") -> Any:
    key = profiles_wiring.address_keys().of(account_id, Address(AddressType.EMAIL, address), deadline())
    return profiles_wiring.suppression_store().get(key, deadline())


def is_listed(address: str = ADDRESS) -> bool:
    found = entry(address)
    return found is not None and found.is_active


def erase() -> None:
    profiles_wiring.profiles().erase("T-1", "CT1", deadline())


def at(moment: str, **about: Any) -> Json:
    return {"timestamp": f"2026-11-29T{moment}.000Z", **about}


def bounced(moment: str, address: str = ADDRESS, headers: Json = None) -> Json:
    listed = [{"emailAddress": address}]
    said = headers or ours(token(TokenUse.FEEDBACK, origin(address)))
    return told("Bounce", said, bounce=at(moment, bounceType="Permanent", bouncedRecipients=listed))


OPT_OUTS = {
    "link": lambda: request("POST", token()),
    "complaint": lambda: mail_feedback(complaint(), Context()),
    "bounce": lambda: mail_feedback(bounce("Permanent"), Context()),
}


@pytest.mark.parametrize("by", OPT_OUTS)
def test_it_holds_for_all_who_have_the_address_and_who_will(database: FaultyClient, queue: Queue, by: str) -> None:
    assert database is not None
    add("twin", Email=ADDRESS.upper())
    add("other", Email=OTHER)
    OPT_OUTS[by]()
    assert not is_reached()
    queue.work()
    assert (is_reached("twin"), is_reached("other"), is_reached(account_id="T-2")) == (False, True, True)
    add("late", Email=ADDRESS, **{"MSG-email": True})
    add("other", Email=ADDRESS)
    assert (is_reached("late"), is_reached("other")) == (False, False)


@pytest.mark.parametrize("by", OPT_OUTS)
def test_no_upload_undoes_it(database: FaultyClient, queue: Queue, by: str) -> None:
    assert database is not None
    OPT_OUTS[by]()
    for _ in range(2):
        upload("T-1", **{"MSG-email": True, "Email": ADDRESS})
        update = ProfileUpdate("CT1", "5f2d", removed_attributes=frozenset({"MSG-email"}))
        assert profiles_wiring.profiles().update("T-1", {0: update}, deadline()) == {}
        assert not is_reached()
        queue.work()
        assert not is_reached()


@pytest.mark.parametrize(("by", "reached"), [("link", False), ("complaint", False), ("bounce", True)])
def test_a_new_address_is_reached_after_a_bounce_and_not_after_the_users_own_word(
    database: FaultyClient, by: str, *, reached: bool
) -> None:
    assert database is not None
    OPT_OUTS[by]()
    upload("T-1", Email="new@example.com")
    assert is_reached() is reached
    upload("T-1", Email=ADDRESS)
    assert not is_reached()


@pytest.mark.parametrize("by", OPT_OUTS)
def test_it_holds_though_the_user_was_erased_before(database: FaultyClient, by: str) -> None:
    assert database is not None
    erase()
    OPT_OUTS[by]()
    assert is_listed()
    with pytest.raises(NotFoundError):
        profile()
    add("again", Email=ADDRESS)
    assert not is_reached("again")


def test_what_is_said_is_what_was_done(database: FaultyClient) -> None:
    assert database is not None
    answer = request("POST", token())
    assert (answer["statusCode"], "go to the address" in answer["body"]) == (200, True)
    old = as_before(TokenUse.UNSUBSCRIBE)
    answer = request("POST", old)
    assert (answer["statusCode"], "The customer whom this email was written to gets no more" in answer["body"]) == (
        200,
        True,
    )
    erase()
    answer = request("POST", token())
    assert (answer["statusCode"], "go to the address" in answer["body"]) == (200, True)
    answer = request("POST", old)
    assert (answer["statusCode"], "Nobody was unsubscribed" in answer["body"]) == (410, True)
    assert "unsubscribed" not in answer["body"].replace("Nobody was unsubscribed", "")


def test_an_old_link_opts_out_the_user_and_the_address_that_is_the_users_now(database: FaultyClient) -> None:
    assert database is not None
    upload("T-1", Email=OTHER)
    assert request("POST", as_before(TokenUse.UNSUBSCRIBE))["statusCode"] == 200
    assert (is_listed(), is_listed(OTHER), is_reached()) == (False, True, False)
    upload("T-1", Email="third@example.com")
    assert not is_reached()


def test_an_old_link_of_a_user_without_address_opts_the_user_out(database: FaultyClient) -> None:
    assert database is not None
    update = ProfileUpdate("CT1", "5f2d", removed_attributes=frozenset({"Email"}))
    assert profiles_wiring.profiles().update("T-1", {0: update}, deadline()) == {}
    assert request("POST", as_before(TokenUse.UNSUBSCRIBE))["statusCode"] == 200
    upload("T-1", Email=ADDRESS)
    assert not is_reached()


def test_a_link_to_an_address_of_before_leaves_the_new_one_to_others(database: FaultyClient) -> None:
    assert database is not None
    upload("T-1", Email=OTHER)
    add("twin", Email=OTHER)
    request("POST", token())
    assert (is_listed(), is_listed(OTHER)) == (True, False)
    assert (is_reached(), is_reached("twin")) == (False, True)


def test_a_bounce_of_an_address_of_before_leaves_the_new_one(database: FaultyClient) -> None:
    assert database is not None
    upload("T-1", Email=OTHER)
    mail_feedback(bounce("Permanent"), Context())
    assert (is_listed(), is_listed(OTHER), is_reached()) == (True, False, True)


def test_feedback_with_an_old_token_finds_the_address_in_what_ses_says(database: FaultyClient) -> None:
    assert database is not None
    erase()
    mail_feedback(bounced("10:00:00", headers=ours(as_before(TokenUse.FEEDBACK))), Context())
    assert is_listed()


# ---------------------------------------------------------------- coming back


def test_the_user_subscribes_again_by_the_page(database: FaultyClient, queue: Queue, clock: MovableClock) -> None:
    assert database is not None
    add("twin", Email=ADDRESS)
    page = request("POST", token(), ONE_CLICK)
    assert '<button name="Subscribe" value="Again">' in page["body"]
    queue.work()
    assert (is_reached(), is_reached("twin")) == (False, False)
    clock.move(seconds=1)
    answer = request("POST", token(), AGAIN)
    assert (answer["statusCode"], "subscribed again" in answer["body"]) == (200, True)
    queue.work()
    assert (is_reached(), is_reached("twin"), is_listed()) == (True, True, False)


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        ONE_CLICK,
        "Subscribe=again",
        f"{AGAIN}&x=1",
        f"{AGAIN}&{ONE_CLICK}",
        "\ud800",
        "--x\r\n\r\nOne-Click\r\n--x--",
    ],
)
def test_any_other_post_opts_out(database: FaultyClient, body: str | None) -> None:
    assert database is not None
    assert request("POST", token(), body)["statusCode"] == 200
    assert not is_reached()


def test_what_came_back_or_was_closed_by_the_account_stays_closed_and_the_page_says_so(
    database: FaultyClient, clock: MovableClock
) -> None:
    assert database is not None
    for close in (
        lambda: mail_feedback(bounce("Permanent"), Context()),
        lambda: profiles_wiring.suppressions().add(entry().address, SuppressionReason.ENTERED, None, deadline()),
    ):
        close()
        request("POST", token())
        clock.move(seconds=1)
        answer = request("POST", token(), AGAIN)
        assert (answer["statusCode"], "no emails are sent" in answer["body"]) == (409, True)
        assert not is_reached()


@pytest.mark.parametrize("why", ["switched off", "no address"])
def test_who_gets_no_emails_all_the_same_is_told_so(database: FaultyClient, why: str) -> None:
    assert database is not None
    request("POST", token())
    cleared = {"Email"} if why == "no address" else set()
    said = {} if cleared else {"MSG-email": False}
    update = ProfileUpdate("CT1", "5f2d", attributes=said, removed_attributes=frozenset(cleared))
    assert profiles_wiring.profiles().update("T-1", {0: update}, deadline()) == {}
    answer = request("POST", token(), AGAIN)
    assert (answer["statusCode"], "the sender has switched emails off for you" in answer["body"]) == (409, True)
    assert not profile().opted_out


@pytest.mark.parametrize(("closed", "status"), [(ADDRESS, 200), (OTHER, 409)])
def test_the_address_that_the_user_has_now_decides_whether_emails_go_out(
    database: FaultyClient, closed: str, status: int
) -> None:
    assert database is not None
    request("POST", token())
    upload("T-1", Email=OTHER)
    key = profiles_wiring.address_keys().of("T-1", Address(AddressType.EMAIL, closed), deadline())
    profiles_wiring.suppressions().add(key, SuppressionReason.ENTERED, None, deadline())
    answer = request("POST", token(), AGAIN)
    assert (answer["statusCode"], is_reached()) == (status, status == 200)


@pytest.mark.parametrize("closed", [True, False])
def test_who_was_erased_is_told_of_the_address(database: FaultyClient, *, closed: bool) -> None:
    assert database is not None
    request("POST", token())
    if closed:
        mail_feedback(bounce("Permanent"), Context())
    erase()
    assert request("POST", token(), AGAIN)["statusCode"] == (409 if closed else 200)


def test_an_old_link_of_an_erased_user_takes_nothing_back_and_says_so(database: FaultyClient) -> None:
    assert database is not None
    erase()
    answer = request("POST", as_before(TokenUse.UNSUBSCRIBE), AGAIN)
    assert (answer["statusCode"], "Nobody was subscribed" in answer["body"]) == (410, True)
    assert "taken back" not in answer["body"]


@pytest.mark.parametrize("kind", ["bounce", "complaint"])
def test_the_same_news_again_after_the_user_came_back_does_nothing(
    database: FaultyClient, queue: Queue, clock: MovableClock, kind: str
) -> None:
    assert database is not None
    event = OPT_OUTS_BY_EVENT[kind]()
    clock.move(seconds=3600)
    mail_feedback(event, Context())
    assert not is_reached()
    lists = profiles_wiring.suppressions()
    lists.lift(entry().address, tuple(SuppressionReason), deadline())
    queue.work()
    assert is_reached()
    for _ in range(2):
        mail_feedback(event, Context())
        queue.work()
        assert (is_reached(), is_listed()) == (True, False)
    clock.move(seconds=3600)
    later = {**event, "Records": [{"Sns": {**event["Records"][0]["Sns"], "Timestamp": "2027-11-29T10:00:00.000Z"}}]}
    mail_feedback(later, Context())
    assert not is_reached()


OPT_OUTS_BY_EVENT = {"bounce": lambda: bounce("Permanent"), "complaint": complaint}


def test_a_bounce_that_is_told_late_stands_though_the_user_came_back(
    database: FaultyClient, queue: Queue, clock: MovableClock
) -> None:
    """The user took back the own word; what came back before is told after it, for the first time."""
    assert database is not None
    request("POST", token())
    late = bounce("Permanent")
    clock.move(seconds=3600)
    assert request("POST", token(), AGAIN)["statusCode"] == 200
    queue.work()
    mail_feedback(late, Context())
    queue.work()
    assert (is_reached(), is_listed()) == (False, True)


def test_an_old_complaint_does_not_close_what_the_account_opened_for_a_new_address(
    database: FaultyClient, queue: Queue, clock: MovableClock
) -> None:
    """The complaint is about the address of before, which stays on the list; the user's own word was taken back."""
    assert database is not None
    event = complaint()
    mail_feedback(event, Context())
    upload("T-1", Email=OTHER)
    clock.move(seconds=1)
    other = profiles_wiring.address_keys().of("T-1", Address(AddressType.EMAIL, OTHER), deadline())
    profiles_wiring.suppressions().lift(other, tuple(SuppressionReason), deadline())
    queue.work()
    assert is_reached()
    mail_feedback(event, Context())
    queue.work()
    assert (is_reached(), is_listed()) == (True, True)


@pytest.mark.parametrize("then", ["the first pass", "the second pass", "the daily sweep", "another entry"])
def test_an_address_that_was_lifted_before_the_user_got_it_does_not_take_the_opt_out_back(
    database: FaultyClient, queue: Queue, clock: MovableClock, then: str
) -> None:
    assert database is not None
    request("POST", token())
    add("twin", Email=OTHER)
    clock.move(seconds=1)
    lists = profiles_wiring.suppressions()
    other = profiles_wiring.address_keys().of("T-1", Address(AddressType.EMAIL, OTHER), deadline())
    lists.add(other, SuppressionReason.ENTERED, None, deadline())
    lists.lift(other, tuple(SuppressionReason), deadline())
    clock.move(seconds=1)
    if then == "the first pass":
        upload("T-1", Email=OTHER)
        queue.work()
    elif then == "the second pass":
        for _ in range(3):  # the first ones, of the link too
            queue.work_once()
    else:
        queue.work()
    upload("T-1", Email=OTHER)
    if then == "another entry":
        clock.move(seconds=1)
        lists.add(other, SuppressionReason.BOUNCED, None, deadline())
    if then == "the daily sweep":
        assert lists.sweep_page("T-1", None, deadline()) is None
    queue.work()
    assert Channel.EMAIL in profile().opted_out
    assert not is_reached()


def lifted(address: str = ADDRESS) -> None:
    key = profiles_wiring.address_keys().of("T-1", Address(AddressType.EMAIL, address), deadline())
    profiles_wiring.suppressions().lift(key, tuple(SuppressionReason), deadline())


@pytest.mark.parametrize("by", ["link", "complaint"])
def test_the_daily_sweep_makes_up_for_the_lost_task_of_a_lift(
    database: FaultyClient, queue: Queue, clock: MovableClock, by: str
) -> None:
    assert database is not None
    add("twin", Email=ADDRESS)
    event = complaint()
    clock.move(seconds=3600)
    OPT_OUTS[by]() if by == "link" else mail_feedback(event, Context())
    queue.work()
    clock.move(seconds=3600)
    lifted()
    queue.tasks.clear()
    assert profiles_wiring.suppressions().sweep_page("T-1", None, deadline()) is None
    assert (is_reached(), is_reached("twin"), profile().opted_out) == (True, True, {})
    clock.move(seconds=1)
    request("POST", token())
    queue.tasks.clear()
    assert profiles_wiring.suppressions().sweep_page("T-1", None, deadline()) is None
    assert (is_reached(), is_reached("twin"), set(profile().opted_out)) == (False, False, {Channel.EMAIL})


def test_who_had_the_address_before_and_came_back_to_it_after_it_was_lifted_stays_opted_out(
    database: FaultyClient, queue: Queue, clock: MovableClock
) -> None:
    """The account took back the word of those who had it then."""
    assert database is not None
    clock.move(seconds=1)
    request("POST", token())
    upload("T-1", Email=OTHER)
    clock.move(seconds=1)
    lifted()
    clock.move(seconds=1)
    upload("T-1", Email=ADDRESS)
    queue.work()
    assert (is_reached(), is_listed()) == (False, False)


@pytest.mark.parametrize("by", ["link", "complaint"])
def test_who_opts_out_again_after_a_lift_stays_opted_out_though_those_who_had_the_address_follow_later(
    database: FaultyClient, queue: Queue, clock: MovableClock, by: str
) -> None:
    assert database is not None
    request("POST", token())
    upload("T-1", Email=OTHER)
    clock.move(seconds=1)
    lifted(OTHER)
    if by == "link":
        clock.move(seconds=1)
        request("POST", token())
    else:
        event = complaint()
        later = {**event["Records"][0]["Sns"], "Timestamp": "2027-11-29T10:00:00.000Z"}
        mail_feedback({**event, "Records": [{"Sns": later}]}, Context())
    queue.work()
    assert (is_reached(), is_listed(OTHER)) == (False, False)


def test_another_spelling_of_the_address_is_no_other_address(
    database: FaultyClient, queue: Queue, clock: MovableClock
) -> None:
    assert database is not None
    clock.move(seconds=1)
    request("POST", token())
    clock.move(seconds=1)
    lifted()
    clock.move(seconds=1)
    upload("T-1", Email=ADDRESS.upper())
    upload("T-1", Email=ADDRESS, Name="Ada L.")
    queue.work()
    assert is_reached()


def test_who_has_gone_to_another_address_meanwhile_is_not_opened_by_an_index_that_lags(
    database: FaultyClient, queue: Queue, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database is not None
    request("POST", token())
    upload("T-1", Email=OTHER)
    clock.move(seconds=1)
    lifted()
    monkeypatch.setattr(ProfileStore, "having_address", lambda *_: ["5f2d"])
    queue.work_once()
    assert Channel.EMAIL in profile().opted_out


def test_a_profile_that_does_not_know_since_when_has_had_its_address(
    database: FaultyClient, memory: InMemoryDynamoDB, queue: Queue, clock: MovableClock
) -> None:
    """Older versions did not write it, nor the key of the address, which comes with any write."""
    assert database is not None
    clock.move(seconds=1)
    request("POST", token())
    queue.work()
    key = {"pk": {"S": keys.profile("T-1", "5f2d")}}
    forget = "REMOVE address_since, email_key"
    memory.update_item(TableName=os.environ["PROFILES_TABLE"], Key=key, UpdateExpression=forget)
    clock.move(seconds=1)
    lifted()
    clock.move(seconds=1)
    as_the_walk_of_old_ones = ProfileUpdate(None, "5f2d")
    profiles_wiring.profiles().update("T-1", {0: as_the_walk_of_old_ones}, deadline())
    assert profile().address_since == {}
    queue.work()
    assert is_reached()


# ---------------------------------------------------------------- results


def deliver(memory: InMemoryDynamoDB, status: DeliveryStatus, **further: Any) -> None:
    memory.put_item(
        TableName=os.environ["CAMPAIGNS_TABLE"],
        Item={
            **delivery_key("T-1", CAMPAIGN, "5f2d"),
            "delivery_id": {"S": "5f2d"},
            "profile_id": {"S": "5f2d"},
            "status": {"S": status},
            "moved_at": {"S": "2026-11-29T10:00:00.000000Z"},
            **further,
        },
    )


def results() -> Results:
    return campaigns_wiring.delivery_store().results("T-1", CAMPAIGN, deadline())


def status() -> str:
    message = Message("T-1", CAMPAIGN, "5f2d", "5f2d")
    found = campaigns_wiring.delivery_store().get(message, deadline())
    assert found is not None
    return found.status


@pytest.mark.parametrize("by", OPT_OUTS)
def test_results_count_each_once_however_often_it_is_told(
    database: FaultyClient, memory: InMemoryDynamoDB, by: str
) -> None:
    assert database is not None
    deliver(memory, DeliveryStatus.SENT)
    for _ in range(3):
        OPT_OUTS[by]()
    what = {"link": AfterSending.UNSUBSCRIBED, "complaint": AfterSending.COMPLAINED, "bounce": AfterSending.BOUNCED}[by]
    (line,) = campaigns_wiring.delivery_store().page("T-1", CAMPAIGN, None, 10, deadline())
    shown = Delivery("5f2d", "5f2d", "CT1", line.status, line.reason, line.at, line.after_sending)
    (told,) = deliveries_body([shown], None)["log"]
    known = {name: at is not None for name, at in told.items() if name.endswith("_at")}
    assert known == {f"{each}_at": each is what for each in AfterSending}
    assert {name: count for name, count in results().after_sending.items() if count} == {what: 1}
    assert (results().sent, results().settled, status()) == (0, 0, "sent")  # those were counted when it was sent


@pytest.mark.parametrize(
    ("before", "sent", "settled"),
    [
        (DeliveryStatus.SENDING, 1, 1),
        (DeliveryStatus.QUEUED, 1, 1),
        (DeliveryStatus.FAILED, 1, 0),
        (DeliveryStatus.SKIPPED, 0, 0),
    ],
)
def test_what_bounced_was_sent(
    database: FaultyClient, memory: InMemoryDynamoDB, before: DeliveryStatus, sent: int, settled: int
) -> None:
    assert database is not None
    deliver(memory, before, reason={"S": "outcome_unknown"}, sending_until={"S": "2026-11-29T10:02:30.000000Z"})
    for _ in range(2):
        mail_feedback(bounce("Permanent"), Context())
    found = results()
    assert (found.sent, found.settled, found.after_sending[AfterSending.BOUNCED]) == (sent, settled, sent)
    assert status() == ("sent" if sent else "skipped")


@pytest.mark.parametrize("by", OPT_OUTS)
def test_a_damaged_line_of_the_log_holds_up_no_opt_out(
    database: FaultyClient, memory: InMemoryDynamoDB, by: str
) -> None:
    assert database is not None
    deliver(memory, DeliveryStatus.SENT, moved_at={"N": "1"})
    answer = OPT_OUTS[by]()
    assert answer is None or answer["statusCode"] == 200
    assert (is_listed(), is_reached()) == (True, False)
    assert set(profile().opted_out) == (set() if by == "bounce" else {Channel.EMAIL})
    assert not any(results().after_sending.values())


def test_an_old_link_that_opts_nobody_out_is_not_counted(database: FaultyClient, memory: InMemoryDynamoDB) -> None:
    assert database is not None
    deliver(memory, DeliveryStatus.SENT)
    erase()
    assert request("POST", as_before(TokenUse.UNSUBSCRIBE))["statusCode"] == 410
    assert not any(results().after_sending.values())


def test_what_is_no_longer_in_the_log_is_not_counted(database: FaultyClient) -> None:
    assert database is not None
    request("POST", token())
    assert not any(results().after_sending.values())


# ---------------------------------------------------------------- trouble


@pytest.mark.parametrize("by", ["link", "bounce", "complaint"])
@pytest.mark.parametrize("call", ["update_item", "transact_write_items", "batch_get_item"])
def test_what_could_not_be_written_is_told_and_done_by_another_try(
    database: FaultyClient, queue: Queue, memory: InMemoryDynamoDB, by: str, call: str
) -> None:
    deliver(memory, DeliveryStatus.SENT)
    add("twin", Email=ADDRESS)

    def refuse(*_: Any) -> Json:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "UpdateItem")

    database.always(call, refuse)
    if by == "link":
        answer = request("POST", token())
        assert (answer["statusCode"], "unsubscribed" in answer["body"]) == (503, False)
    else:
        with pytest.raises(NotWrittenError):
            OPT_OUTS[by]()
    database.heal()
    OPT_OUTS[by]()
    queue.work()
    assert (is_reached(), is_reached("twin"), sum(results().after_sending.values())) == (False, False, 1)


def test_a_queue_that_takes_nothing_is_told(
    database: FaultyClient, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database is not None

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ServiceUnavailable"}}, "SendMessage")

    monkeypatch.setattr(queue, "send_message", refuse)
    assert request("POST", token())["statusCode"] == 503
    assert is_listed()  # so nothing is sent, whatever the page could promise


def test_a_get_and_a_wrong_link_put_nothing_on_the_list(database: FaultyClient, queue: Queue) -> None:
    assert database is not None
    request("GET", token())
    request("POST", token()[:-1])
    request("POST", token(TokenUse.FEEDBACK))
    assert (entry(), queue.tasks) == (None, [])

"""Campaigns while they load, run, fail, are stopped or are none, and a segment that one of them uses."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.mocked import NOW, MockedApi, deliveries, fail, result, segment, target
from tests.browser.tab import Tab

LIST = "/1/targets/list.json"
SALE = 1763901234567890


def row(tab: Tab, name: str) -> Locator:
    return tab.row(name)


def figure(tab: Tab, name: str, column: str) -> Locator:
    return row(tab, name).locator(f".{column} .figure")


def running(**results: Any) -> dict[str, Any]:
    return target(SALE, "Spring sale", status="running", result=result(**results))


def test_without_campaigns_the_page_says_what_they_are_and_leads_to_the_first(mocked_tab: Tab) -> None:
    mocked_tab.page.get_by_role("link", name="Campaigns").click()
    expect(mocked_tab.page.get_by_text("There are no campaigns yet.")).to_be_visible()
    mocked_tab.press("Create the first")
    expect(mocked_tab.page.get_by_label("Name of the campaign")).to_be_visible()


def test_loading_is_shown_until_there_is_something(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.targets = [running(sent=1)]
    held: list[Route] = []
    mocked_tab.page.route(f"**{LIST}", lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    mocked_tab.go("/campaigns")
    expect(mocked_tab.page.locator(".skeleton")).to_be_visible()
    expect(mocked_tab.page.get_by_text("no campaigns yet")).to_have_count(0)
    held[0].fallback()
    expect(row(mocked_tab, "Spring sale")).to_be_visible()
    expect(mocked_tab.page.locator(".skeleton")).to_be_hidden()


def test_the_list_says_of_each_campaign_all_that_matters(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    joining = {"type": "event", "segment": 1, "action": "ADD"}
    mocked_api.targets = [
        target(1, "Sale", status="running", result=result(50, 40, {"unreachable": 9}, {"refused": 1})),
        target(2, "Welcome", target_mode="webpush", status="running", when=joining, scheduled_on=None),
        target(
            3,
            "Later",
            target_mode="sms",
            status="scheduled",
            when="20261127 09:00",
            starts_at="2026-11-27T08:00:00.000000Z",
        ),
        target(
            *(5, "Moved"),
            status="scheduled",
            when="20261127 09:00",
            when_time_zone="America/New_York",
            starts_at="2026-11-27T14:00:00.000000Z",
        ),
        target(4, "Old", segments={"include": [1], "exclude": [2]}, result=result(0, 3)),
    ]
    mocked_api.targets[1]["segments"] = {"include": [], "exclude": []}
    mocked_tab.go("/campaigns")
    expect(row(mocked_tab, "Sale")).to_contain_text("50% so far")
    for column, shown in {"queued": "91", "sent": "40", "skipped": "9", "failed": "1"}.items():
        expect(figure(mocked_tab, "Sale", column)).to_have_text(shown)
    expect(mocked_tab.cell("Welcome", "Channel")).to_have_text("Web push")
    expect(mocked_tab.cell("Welcome", "When")).to_have_text("on joining Gold")
    expect(mocked_tab.cell("Welcome", "Who")).to_have_text("anyone")
    expect(mocked_tab.cell("Later", "When")).to_have_text("2026-11-27 09:00 Europe/Berlin")
    expect(mocked_tab.cell("Moved", "When")).to_have_text(
        "2026-11-27 15:00 Europe/Berlin, planned as 2026-11-27 09:00 America/New_York"
    )
    expect(mocked_tab.cell("Later", "Status")).to_have_text("scheduled")
    expect(mocked_tab.cell("Old", "Who")).to_have_text("in Goldnot in Lapsed")
    expect(mocked_tab.cell("Old", "Progress")).to_have_text("100% sent")
    expect(mocked_tab.page.get_by_role("button", name="Stop Old")).to_have_count(0)


def test_progress_follows_by_itself_and_rows_stay_the_elements_that_they_are(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    mocked_api.targets = [running(waiting=90, sent=10)]
    mocked_tab.go("/campaigns")
    expect(figure(mocked_tab, "Spring sale", "sent")).to_have_text("10")
    stop = mocked_tab.page.get_by_role("button", name="Stop Spring sale")
    stop.focus()
    element = row(mocked_tab, "Spring sale").element_handle()
    assert element is not None
    mocked_api.targets = [target(SALE + 1, "Next"), running(waiting=20, sent=75, failed={"refused": 5})]
    expect(figure(mocked_tab, "Spring sale", "sent")).to_have_text("75")
    expect(row(mocked_tab, "Spring sale")).to_contain_text("80% so far")
    expect(row(mocked_tab, "Next")).to_be_visible()
    expect(stop).to_be_focused()
    assert element.evaluate("element => element.isConnected")


def test_a_failed_refresh_keeps_what_is_shown(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.targets = [running(sent=1)]
    mocked_tab.go("/campaigns")
    expect(row(mocked_tab, "Spring sale")).to_be_visible()
    mocked_api.answers[LIST] = lambda _: fail(500, "internal error")
    expect(mocked_tab.alert).to_contain_text("internal error What is shown is from before.")
    expect(row(mocked_tab, "Spring sale")).to_be_visible()
    del mocked_api.answers[LIST]
    mocked_tab.press("Try again")
    expect(mocked_tab.alert).to_have_count(0)


def test_what_the_api_says_against_the_first_reading_is_shown(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.answers[LIST] = lambda _: fail(403, "API Segments are not in this account's plan")
    mocked_tab.go("/campaigns")
    expect(mocked_tab.alert).to_contain_text("not in this account's plan")
    expect(mocked_tab.page.get_by_text("no campaigns yet")).to_have_count(0)


def test_a_campaign_is_stopped_only_when_that_is_confirmed(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.targets = [running(waiting=5)]
    mocked_tab.go("/campaigns")
    mocked_tab.press("Stop Spring sale")
    expect(mocked_tab.dialog).to_contain_text("Messages that wait are not sent any more")
    expect(mocked_tab.page.get_by_role("button", name="Let it go on")).to_be_focused()
    mocked_tab.press("Let it go on")
    expect(mocked_tab.dialog).to_have_count(0)
    assert mocked_api.bodies("/1/targets/stop.json") == []
    mocked_tab.press("Stop Spring sale")
    mocked_tab.press("Stop the campaign")
    expect(mocked_tab.cell("Spring sale", "Status")).to_have_text("stopped")
    expect(mocked_tab.page.get_by_role("button", name="Stop Spring sale")).to_have_count(0)
    assert mocked_api.bodies("/1/targets/stop.json") == [{"id": SALE}]


def test_what_became_known_of_emails_after_they_were_sent_is_told_as_a_share_of_those(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    results = {**result(sent=200, skipped={"unreachable": 50}), "bounced": 4, "complained": 1, "unsubscribed": 12}
    line = next(deliveries(1))
    mocked_api.log = [{**line, "bounced_at": NOW}, {**line, "complained_at": NOW, "unsubscribed_at": NOW}]
    mocked_api.targets = [target(SALE, "Spring sale", result=results)]
    mocked_tab.go(f"/campaigns/{SALE}")
    figures = mocked_tab.page.locator(".results .figures > div")
    for label, shown in {"Sent": "20080%", "Bounced": "42%", "Complained": "10.5%", "Unsubscribed": "126%"}.items():
        expect(figures.filter(has_text=label)).to_have_text(f"{label}{shown}")
    why = mocked_tab.page.get_by_role("table", name="Delivery log").locator(".why")
    expect(why).to_have_text(
        [
            "Bounced 2026-11-25 10:30:00 Europe/Berlin",
            "Complained 2026-11-25 10:30:00 Europe/Berlin, Unsubscribed 2026-11-25 10:30:00 Europe/Berlin",
        ]
    )
    mocked_api.targets = [target(SALE, "Spring sale", result={**results, "bounced": 6})]
    expect(figures.filter(has_text="Bounced")).to_have_text("Bounced63%")


def test_channels_that_nothing_is_known_of_after_sending_don_t_tell_it(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.targets = [target(SALE, "Spring sale", target_mode="sms", result=result(sent=200))]
    mocked_tab.go(f"/campaigns/{SALE}")
    expect(mocked_tab.page.locator(".results .figures dt")).to_have_text(["Queued", "Sent", "Skipped", "Failed"])


def test_campaigns_are_shown_page_by_page(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.targets = [target(SALE - number, f"Campaign {number:02}") for number in range(30)]
    mocked_tab.go("/campaigns")
    names = mocked_tab.page.get_by_role("rowheader")
    expect(names).to_have_count(25)
    mocked_tab.press("Next")
    expect(names).to_have_text([f"Campaign {number}" for number in range(25, 30)])
    expect(mocked_tab.page.locator(".range")).to_have_text(re.compile(r"^26\W30$"))
    expect(mocked_tab.page.get_by_role("button", name="Next")).to_be_disabled()
    mocked_tab.press("Previous")
    expect(names.first).to_have_text("Campaign 00")


def test_a_campaign_names_segments_that_are_deleted(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.targets = [target(SALE, "Old", segments={"include": [7], "exclude": [8]})]
    mocked_api.answers["/api/segments/7"] = lambda _: {**segment(7, "Gone"), "status": "deleted"}
    mocked_tab.go("/campaigns")
    expect(mocked_tab.cell("Old", "Who")).to_have_text("in Gonenot in segment 8")
    assert len(mocked_api.bodies("/api/segments/8")) == 1


def test_one_campaign_shows_results_by_reason_its_log_and_its_content(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    skipped = {"unreachable": 12, "removed": 1, "a_new_reason": 2}
    mocked_api.targets = [running(waiting=20, sent=60, skipped=skipped, failed={"template": 5})]
    mocked_api.log = list(deliveries(30))
    mocked_tab.go(f"/campaigns/{SALE}")
    page = mocked_tab.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Spring sale")
    reasons = page.get_by_role("table", name="Why messages were skipped or failed").locator("tbody tr")
    expect(reasons).to_have_text(
        [
            "skippedThe channel does not reach them12",
            "skippeda_new_reason2",
            "skippedLeft the audience before their turn1",
            "failedThe content can't be written for this user5",
        ]
    )
    expect(page.locator(".facts")).to_contain_text("Created2026-11-25 10:30:00 Europe/Berlin")
    log = page.get_by_role("table", name="Delivery log").locator("tbody tr")
    expect(log).to_have_count(25)
    expect(log.nth(1)).to_contain_text("anonymous")
    expect(log.nth(2)).to_contain_text("The provider refused it for good")
    pages = page.get_by_role("navigation", name="Pages of the delivery log")
    pages.get_by_role("button", name="Next").click()
    expect(log).to_have_count(5)
    expect(pages).to_contain_text(re.compile(r"26\W30 lines"))
    expect(page.locator(".written")).to_contain_text("<p>Hello</p>")
    mocked_api.targets = [running(waiting=0, sent=80, skipped=skipped, failed={"template": 5})]
    expect(page.locator(".results .figures div").filter(has_text="Sent").locator(".figure")).to_have_text("80")
    mocked_tab.press("Stop")
    mocked_tab.press("Stop the campaign")
    expect(page.locator("h1 + .badge")).to_have_text("stopped")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_hidden()


def test_a_campaign_that_nothing_went_out_of_says_so(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.targets = [target(SALE, "Later", status="scheduled", started_at=None, when="20261127 09:00")]
    mocked_tab.go(f"/campaigns/{SALE}")
    expect(mocked_tab.page.get_by_text("Nothing went out yet.")).to_be_visible()
    expect(mocked_tab.page.get_by_text("Started")).to_be_hidden()
    expect(mocked_tab.page.get_by_role("table")).to_have_count(0)


@pytest.mark.parametrize("view", [f"/campaigns/{SALE}", "/campaigns/abc"])
def test_a_campaign_that_is_not_there_says_so_and_leads_back(mocked_tab: Tab, view: str) -> None:
    mocked_tab.go(view)
    expect(mocked_tab.page.get_by_text("There is no")).to_be_visible()
    mocked_tab.page.locator("main").get_by_role("link", name="All").click()


def test_a_segment_that_campaigns_use_names_them_when_it_is_to_be_deleted(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    mocked_api.targets = [running(sent=1)]
    mocked_tab.go("/segments/1")
    mocked_tab.press("Delete")
    mocked_tab.page.get_by_label("Type the name to confirm").fill("Gold")
    used = f"used by campaigns {SALE} (Spring sale), {SALE + 1} (<b>Welcome</b> (2), again) and 7 more"
    mocked_api.answers["/api/segments/1"] = lambda _: fail(409, used)
    mocked_tab.press("Delete for ever")
    expect(mocked_tab.alert).to_contain_text(
        "It can't be deleted while campaigns that are scheduled or running use it."
    )
    links = mocked_tab.alert.get_by_role("link")
    expect(links).to_have_text(["Spring sale", "<b>Welcome</b> (2), again"])
    expect(mocked_tab.alert.get_by_role("listitem").last).to_have_text("7 more")
    expect(mocked_tab.page.get_by_role("button", name="Delete for ever")).to_be_enabled()
    links.first.click()
    expect(mocked_tab.dialog).to_have_count(0)
    expect(mocked_tab.page.get_by_role("heading", level=1)).to_have_text("Spring sale")


def test_a_delivery_log_that_fails_leaves_the_rest(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.targets = [target(SALE, "Sale", ended_at=NOW, result=result(sent=4))]
    mocked_api.answers["/1/targets/log.json"] = lambda _: fail(400, "cursor: is not one of ours")
    mocked_tab.go(f"/campaigns/{SALE}")
    expect(mocked_tab.alert).to_contain_text("cursor: is not one of ours")
    expect(mocked_tab.page.get_by_text("100% sent")).to_be_visible()


@pytest.mark.parametrize(
    ("reason", "told"),
    [("account_disabled", "The account was disabled"), ("no_api_segments", "The account's plan had no API Segments")],
)
def test_a_campaign_that_its_account_stopped_says_why(
    mocked_tab: Tab, mocked_api: MockedApi, reason: str, told: str
) -> None:
    counted = {**result(0, 3, {reason: 4}), "stop_reason": reason}
    mocked_api.targets = [target(SALE, "Spring sale", status="stopped", ended_at=NOW, result=counted)]
    mocked_tab.go(f"/campaigns/{SALE}")
    facts = mocked_tab.page.locator("dl.facts")
    expect(facts).to_contain_text(f"· {told}")
    expect(mocked_tab.page.get_by_role("table", name="Why messages were skipped or failed")).to_contain_text(told)

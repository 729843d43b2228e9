"""axe finds nothing in any state of campaigns, light, dark or on a phone, and a phone is wide enough for each."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.drafts import CREATE, resume
from tests.browser.mocked import SETTINGS, MockedApi, deliveries, fail, result, segment, target
from tests.browser.tab import Tab
from tests.browser.test_accessibility import WIDE, check, check_narrow

SALE = 1763901234567890


@pytest.fixture
def options() -> dict[str, Any]:
    """What fades in or flashes has other colours for a moment."""
    return {"viewport": WIDE, "reduced_motion": "reduce"}


def look(tab: Tab, where: str) -> None:
    check(tab, where)
    check_narrow(tab, where)


def test_axe_finds_nothing_in_the_list_and_a_campaign(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_tab.go("/campaigns")
    expect(page.get_by_text("no campaigns yet")).to_be_visible()
    look(mocked_tab, "no campaigns")
    counts = result(50, 40, {"unreachable": 9, "removed": 1}, {"refused": 1})
    joining = {"type": "event", "segment": 1, "action": "ADD"}
    mocked_api.targets = [
        target(SALE, "Sale", status="running", result=counts, segments={"include": [1, 2], "exclude": [3]}),
        target(SALE + 1, "Welcome", status="running", when=joining, scheduled_on=None),
        target(SALE + 2, "W" * 255, status="scheduled", when="20261127 09:00", scheduled_on=202611270900),
        *(target(SALE + number, f"Old {number}", status="stopped") for number in range(3, 30)),
    ]
    mocked_api.log = list(deliveries(30))
    page.reload()
    expect(mocked_tab.row("Sale")).to_be_visible()
    look(mocked_tab, "the list of campaigns")
    mocked_tab.press("Stop Sale")
    look(mocked_tab, "stopping one")
    page.keyboard.press("Escape")
    mocked_tab.go(f"/campaigns/{SALE}?created")
    expect(page.get_by_role("table", name="Delivery log").get_by_role("row")).to_have_count(26)
    look(mocked_tab, "one campaign")
    mocked_api.answers["/1/targets/list.json"] = lambda _: fail(500, "internal error")
    mocked_tab.go("/campaigns")
    expect(mocked_tab.alert).to_be_visible()
    look(mocked_tab, "a failed list")


def test_axe_finds_nothing_in_any_step(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_api.settings = {**SETTINGS, "push": {"fcm": False, "apns": False}}
    mocked_api.segments += [segment(3, "W" * 255), *(segment(number, f"Segment {number}") for number in range(4, 80))]
    mocked_tab.go("/campaigns/new")
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("Give the campaign a name.")
    look(mocked_tab, "the channel, without a name")
    page.get_by_label("Name of the campaign").fill("Sale")
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("Choose a channel.")
    look(mocked_tab, "no channel")
    resume(mocked_tab, "who", rules=[])
    expect(page.get_by_text("There is no rule yet.")).to_be_visible()
    look(mocked_tab, "who, without a rule")
    resume(mocked_tab, "who", rules=[{"kind": "include", "ids": [1, 3]}, {"kind": "exclude", "ids": []}])
    expect(page.get_by_role("complementary")).to_contain_text("2,500")
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("Choose at least one segment")
    look(mocked_tab, "who, with a rule that is empty")
    resume(mocked_tab, "content")
    expect(page.frame_locator("iframe.mail").locator("p")).to_be_visible()
    page.get_by_text("What differs from user to user").click()
    look(mocked_tab, "the content of a mail")
    resume(mocked_tab, "content", mode="webhook", contents={"webhook": {"body": "{}"}})
    expect(page.get_by_role("region", name="Body of the call")).to_be_visible()
    look(mocked_tab, "the content of a webhook")
    resume(mocked_tab, "content", mode="webpush", contents={"webpush": {"title": "Sale", "body": "Now"}})
    expect(page.locator(".note")).to_be_visible()
    look(mocked_tab, "the content of a web push message")
    resume(mocked_tab, "when")
    page.get_by_role("radio", name="At a time").check()
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("Choose a day and a time.")
    look(mocked_tab, "a time that is missing")
    page.get_by_role("radio", name="When someone joins or leaves").check()
    page.get_by_role("radio", name="Gold").check()
    look(mocked_tab, "on joining")
    resume(mocked_tab, "confirm")
    expect(page.get_by_role("complementary")).to_contain_text("1,500")
    look(mocked_tab, "to be confirmed")
    mocked_api.answers[CREATE] = lambda _: fail(422, "the account's 1,000 live campaigns are used up")
    mocked_tab.press("Create the campaign")
    expect(mocked_tab.alert).to_be_visible()
    look(mocked_tab, "refused")


def test_axe_finds_nothing_in_a_segment_that_can_not_be_deleted(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_tab.go("/segments/1")
    mocked_tab.press("Delete")
    mocked_tab.page.get_by_label("Type the name to confirm").fill("Gold")
    mocked_api.answers["/api/segments/1"] = lambda _: fail(409, f"used by campaigns {SALE} (Spring sale)")
    mocked_tab.press("Delete for ever")
    expect(mocked_tab.alert.get_by_role("link")).to_be_visible()
    look(mocked_tab, "a segment in use")

"""Campaigns that are there: found among many, edited before they begin, duplicated."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.drafts import MAIL, created, resume
from tests.browser.mocked import Json, MockedApi, fail, target
from tests.browser.tab import Tab

EDIT = "/1/targets/edit.json"
LIST = "/1/targets/list.json"
PLANNED: Json = {
    "status": "scheduled",
    "when": "20261227 09:00",
    "when_time_zone": "Europe/Berlin",
    "starts_at": "2026-12-27T08:00:00.000000Z",
    "started_at": None,
    "content": MAIL,
}


def planned(**other: Any) -> Json:
    return target(5, "Spring sale", **{**PLANNED, **other})


def opened(tab: Tab, api: MockedApi, campaign: Json, button: str) -> None:
    """Open a campaign and press one of its buttons."""
    api.targets = [campaign]
    tab.go("/campaigns/5")
    tab.press(button)


def pressed_on_to_the_end(tab: Tab) -> None:
    for step in ("Who", "Content", "When", "Confirm"):
        tab.press("Next")
        expect(tab.page.locator("[aria-current=step]")).to_contain_text(step)


def test_a_scheduled_campaign_is_edited(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    opened(mocked_tab, mocked_api, planned(version=3, users_limit_overall=50), "Edit")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Edit campaign")
    expect(page.get_by_role("radio", name="SMS")).to_be_disabled()
    page.get_by_label("Name of the campaign").fill("Summer sale")
    for step in ("Who", "Content", "When"):
        mocked_tab.press("Next")
        expect(page.locator("[aria-current=step]")).to_contain_text(step)
    expect(page.get_by_role("radio", name="When someone joins or leaves")).to_have_count(0)
    expect(page.get_by_label("Day")).to_have_value("2026-12-27")
    expect(page.get_by_label("Time in Europe/Berlin")).to_have_value("09:00")
    mocked_tab.press("Next")
    mocked_tab.press("Save the changes")
    expect(page.get_by_text("The changes are saved.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Summer sale")
    assert mocked_api.bodies(EDIT) == [
        {
            "id": 5,
            "version": 3,
            "name": "Summer sale",
            "segments": {"include": [1]},
            "content": MAIL,
            "users_limit_overall": 50,
        }
    ]
    assert page.evaluate("sessionStorage.length") == 1, "the draft is kept after it was saved"


def test_a_time_that_is_changed_goes_with_the_edit(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    opened(mocked_tab, mocked_api, planned(), "Edit")
    for _ in range(3):
        mocked_tab.press("Next")
    mocked_tab.page.get_by_label("Time in Europe/Berlin").fill("10:30")
    mocked_tab.press("Next")
    mocked_tab.press("Save the changes")
    expect(mocked_tab.page.get_by_text("The changes are saved.")).to_be_visible()
    assert mocked_api.bodies(EDIT)[0]["when"] == "20261227 10:30"
    assert mocked_api.bodies(EDIT)[0]["users_limit_overall"] is None


def test_an_edit_that_comes_too_late_says_so(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    opened(mocked_tab, mocked_api, planned(), "Edit")
    pressed_on_to_the_end(mocked_tab)
    mocked_api.targets = [planned(status="running")]
    mocked_tab.press("Save the changes")
    expect(mocked_tab.alert).to_contain_text("campaign 5 is running; only a scheduled one can be edited")
    mocked_tab.press("Discard the changes")
    mocked_tab.dialog.get_by_role("button", name="Discard the changes").click()
    expect(mocked_tab.page.get_by_role("heading", level=1)).to_have_text("Spring sale")
    expect(mocked_tab.page.get_by_role("button", name="Edit")).to_be_hidden()
    assert mocked_tab.page.evaluate("sessionStorage.length") == 1


def test_an_edit_whose_answer_is_lost_is_not_sent_twice(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    opened(mocked_tab, mocked_api, planned(), "Edit")
    pressed_on_to_the_end(mocked_tab)
    mocked_api.answers[EDIT] = lambda _: fail(503, "the database did not answer")
    mocked_tab.press("Save the changes")
    expect(mocked_tab.alert).to_contain_text("Whether it was saved is not known")
    assert len(mocked_api.bodies(EDIT)) == 1


def test_a_duplicate_is_a_draft_that_waits_for_its_time(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    opened(mocked_tab, mocked_api, planned(status="completed"), "Duplicate")
    expect(page.get_by_label("Name of the campaign")).to_have_value("Spring sale")
    for _ in range(4):
        mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("Choose a day and a time.")
    page.get_by_role("radio", name="Now").check()
    mocked_tab.press("Next")
    mocked_tab.press("Create the campaign")
    expect(page.get_by_text("Created. It starts in a moment.")).to_be_visible()
    (body,) = created(mocked_api)
    assert (body["name"], body["segments"], body["when"]) == ("Spring sale", {"include": [1]}, "now")
    assert body["content"]["subject"] == MAIL["subject"]


def test_a_duplicate_of_one_that_acts_on_joining_acts_on_joining(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    joining = {"type": "event", "segment": 2, "action": "REMOVE"}
    online = planned(when=joining, starts_at=None, status="running", segments={"include": [], "exclude": []})
    opened(mocked_tab, mocked_api, online, "Duplicate")
    pressed_on_to_the_end(mocked_tab)
    mocked_tab.press("Create the campaign")
    expect(mocked_tab.page.get_by_text("Created. From now on")).to_be_visible()
    assert created(mocked_api)[0]["when"] == joining


@pytest.mark.parametrize("button", ["Edit", "Duplicate"])
def test_a_campaign_that_is_being_written_is_not_replaced_without_asking(
    mocked_tab: Tab, mocked_api: MockedApi, button: str
) -> None:
    page = mocked_tab.page
    resume(mocked_tab, "content", name="Half written")
    opened(mocked_tab, mocked_api, planned(), button)
    expect(mocked_tab.dialog).to_contain_text("Half written is not saved yet.")
    expect(page.get_by_role("button", name="Go on with it")).to_be_focused()
    mocked_tab.press("Go on with it")
    expect(page.get_by_label("Name of the campaign")).to_have_value("Half written")
    mocked_tab.go("/campaigns/5")
    mocked_tab.press(button)
    mocked_tab.press("Close")
    expect(page.get_by_role("heading", level=1)).to_have_text("Spring sale")
    mocked_tab.press(button)
    mocked_tab.press("Discard it")
    expect(page.get_by_label("Name of the campaign")).to_have_value("Spring sale")


def test_what_was_only_looked_at_is_replaced_without_asking(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_tab.go("/campaigns/new")
    expect(mocked_tab.page.get_by_label("Name of the campaign")).to_be_visible()
    opened(mocked_tab, mocked_api, planned(), "Duplicate")
    expect(mocked_tab.page.get_by_label("Name of the campaign")).to_have_value("Spring sale")


def test_changes_of_another_campaign_are_not_replaced_without_asking(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    opened(mocked_tab, mocked_api, planned(), "Edit")
    expect(mocked_tab.page.get_by_label("Name of the campaign")).to_have_value("Spring sale")
    mocked_tab.go("/campaigns/5")
    mocked_tab.press("Edit")
    expect(mocked_tab.dialog).to_contain_text("Changes of Spring sale are not saved yet.")


def test_campaigns_are_found_under_an_address(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_api.targets = [
        target(1, "Spring sale", status="scheduled"),
        target(2, "Spring news", target_mode="sms"),
        target(3, "Summer", segments={"include": [2], "exclude": []}),
    ]
    mocked_tab.go("/campaigns")
    names = page.locator("tbody th")
    expect(names).to_have_count(3)
    page.get_by_label("Search by name").fill("SPRING")
    expect(names).to_have_text(["Spring sale", "Spring news"])
    page.get_by_label("Channel").select_option("sms")
    expect(names).to_have_text(["Spring news"])
    assert page.evaluate("location.hash") == "#/campaigns?name=SPRING&target_mode=sms"
    page.reload()
    expect(names).to_have_text(["Spring news"])
    expect(page.get_by_label("Search by name")).to_have_value("SPRING")
    page.get_by_label("Status").select_option("running")
    expect(page.get_by_text("No campaign is like that.")).to_be_visible()
    mocked_tab.go("/campaigns?segment=2")
    expect(names).to_have_text(["Summer"])
    page.get_by_role("button", name="Only those with Lapsed: show all").click()
    expect(names).to_have_count(3)
    assert page.evaluate("location.hash") == "#/campaigns"


def test_a_page_is_filled_from_answers_that_are_short(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    """The API looks through so many campaigns for an answer, and may find none of those that are wanted."""
    answers = iter([([], "a"), ([target(1, "Sale one")], "b"), ([target(2, "Sale two")], None)])

    def answer(body: Json) -> Json:
        if "name" not in body:
            return {"status": "success", "targets": [], "cursor": None}
        found, cursor = next(answers, ([], None))
        return {"status": "success", "targets": found, "cursor": cursor}

    mocked_api.answers[LIST] = answer
    mocked_tab.go("/campaigns?name=sale")
    expect(mocked_tab.page.locator("tbody th")).to_have_text(["Sale one", "Sale two"])
    assert [body.get("cursor") for body in mocked_api.bodies(LIST)][:3] == [None, "a", "b"]

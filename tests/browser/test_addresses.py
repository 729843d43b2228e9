"""Addresses: whether messages go to one, why not, who has it, and what support people can do about it."""

import pytest
from playwright.sync_api import expect

from tests.browser.mocked import NOW, Json, MockedApi, fail
from tests.browser.tab import Tab
from tests.browser.test_accessibility import WIDE, check, check_narrow

ADA = "ada@example.com"
BOUNCED: Json = {
    "id": "0f5c",
    "type": "email",
    "suppressed": True,
    "unsubscribed_at": None,
    "complained_at": NOW,
    "bounced_at": NOW,
    "entered_at": None,
    "lifted_at": None,
    "applied_at": NOW,
    "profiles": 2,
}


def closed(api: MockedApi) -> None:
    api.suppressions = {ADA: BOUNCED}
    api.having = {ADA: [{"identity": "CT1", "guid": "5f2d"}, {"identity": None, "guid": "77aa"}]}


def test_an_address_is_looked_up_and_says_why_it_is_closed_and_who_has_it(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    page = mocked_tab.page
    closed(mocked_api)
    page.get_by_role("link", name="Users").click()
    page.get_by_role("link", name="Look an address up").click()
    expect(page.get_by_text("Look an address up to see")).to_be_visible()
    page.get_by_label("Address").fill(f" {ADA} ")
    mocked_tab.press("Look up")
    expect(page.get_by_role("heading", name=ADA)).to_be_visible()
    expect(page.get_by_text("It is on the suppression list: no messages go to it.")).to_be_visible()
    expect(page.locator(".facts dt")).to_have_text(
        ["A user complained about an email", "An email came back for good", "Users that have followed"]
    )
    expect(page.locator(".facts dd").last).to_contain_text("2, all since 2026-11-25")
    expect(page.get_by_role("link", name="CT1")).to_have_attribute("href", "#/users/identity/CT1")
    expect(page.get_by_role("link", name="anonymous")).to_have_attribute("href", "#/users/guid/77aa")
    page.reload()
    expect(page.get_by_role("heading", name=ADA)).to_be_visible()
    expect(page.get_by_label("Address")).to_have_value(ADA)


def test_it_is_lifted_only_when_that_is_confirmed(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    closed(mocked_api)
    mocked_tab.go(f"/addresses?email={ADA}")
    mocked_tab.press("Take off the list")
    expect(mocked_tab.dialog).to_contain_text("Do it only when they have said so.")
    expect(page.get_by_role("button", name="Leave it as it is")).to_be_focused()
    mocked_tab.press("Leave it as it is")
    assert mocked_api.bodies("DELETE /api/suppressions") == []
    mocked_tab.press("Take off the list")
    mocked_tab.press("Take it off")
    expect(page.get_by_text("It is not on the suppression list.")).to_be_visible()
    expect(page.locator(".facts dt")).to_have_text(["Last taken off the list", "Users that have followed"])
    assert mocked_api.bodies("DELETE /api/suppressions") == [{"email": ADA}]


def test_a_phone_number_is_put_on_the_list(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_tab.go("/addresses")
    page.get_by_label("Kind").select_option("phone")
    page.get_by_label("Address").fill("+12025550123")
    mocked_tab.press("Look up")
    expect(page.get_by_text("Nobody. What is said of it holds for whoever comes with it.")).to_be_visible()
    mocked_tab.press("Put on the list")
    mocked_tab.press("Put it on the list")
    expect(page.get_by_text("It was put on the list by the account")).to_be_visible()
    assert mocked_api.bodies("PUT /api/suppressions") == [{"phone": "+12025550123"}]
    assert page.evaluate("location.hash") == "#/addresses?phone=%2B12025550123"


def test_what_is_no_address_and_what_fails_is_said(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_tab.go("/addresses?email=nobody")
    expect(mocked_tab.alert).to_contain_text("email: must be an email address")
    closed(mocked_api)
    mocked_tab.go(f"/addresses?email={ADA}")
    mocked_tab.press("Take off the list")
    mocked_api.answers["/api/suppressions"] = lambda _: fail(403, "not now")
    mocked_tab.press("Take it off")
    expect(mocked_tab.dialog.get_by_role("alert")).to_contain_text("not now")
    expect(mocked_tab.page.get_by_role("button", name="Take it off")).to_be_enabled()


@pytest.mark.parametrize("options", [{"viewport": WIDE, "reduced_motion": "reduce"}])
def test_axe_finds_nothing_and_a_phone_is_wide_enough(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_tab.go("/addresses")
    expect(page.get_by_text("Look an address up to see")).to_be_visible()
    check(mocked_tab, "no address yet")
    long = f"{'w' * 60}@{'example.' * 20}com"
    mocked_api.suppressions = {long: BOUNCED}
    mocked_api.having = {long: [{"identity": "W" * 255, "guid": "5f2d"}]}
    mocked_tab.go(f"/addresses?email={long}")
    expect(page.get_by_text("no messages go to it")).to_be_visible()
    check(mocked_tab, "an address")
    check_narrow(mocked_tab, "an address")
    mocked_tab.press("Take off the list")
    check(mocked_tab, "lifting it")

"""Everything can be done without a pointer, and the focus is always somewhere that makes sense."""

import httpx
from playwright.sync_api import expect

from local.stack import Account
from tests.browser.tab import Tab
from tests.support.bodies import act, update, users


def test_signing_in_and_deleting_a_segment_with_the_keyboard_alone(
    tab: Tab, api: httpx.Client, account: Account
) -> None:
    api.post("/api/createSegment", json=[{"segment_name": "Gold"}])
    page, keyboard = tab.page, tab.page.keyboard
    tab.open()
    expect(page.get_by_label("Account id")).to_be_focused()
    keyboard.type(account.account_id)
    keyboard.press("Tab")
    keyboard.type(account.passcode)
    keyboard.press("Enter")
    expect(tab.row("Gold")).to_be_visible()
    expect(page.get_by_role("heading", name="Segments", exact=True)).to_be_focused()

    link = page.get_by_role("link", name="Gold", exact=True)
    tab_to(tab, "Gold")
    expect(link).to_be_focused()
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Gold")).to_be_focused()
    tab_to(tab, "Delete")
    keyboard.press("Enter")
    expect(page.get_by_label("Type the name to confirm")).to_be_focused()
    keyboard.press("Escape")
    expect(tab.dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Delete", exact=True)).to_be_focused()
    keyboard.press("Enter")
    keyboard.type("Gold")
    keyboard.press("Enter")
    expect(page.locator(".badge.deleted")).to_be_visible()
    expect(page.get_by_role("heading", name="Gold")).to_be_focused()
    assert api.get("/api/segments").json()["segments"] == []


def test_creating_the_first_segment_with_the_keyboard_alone(tab: Tab, account: Account) -> None:
    tab.sign_in(account)
    expect(tab.page.get_by_text("There are no segments yet.")).to_be_visible()
    tab_to(tab, "Create the first")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.type("Gold")
    tab.page.keyboard.press("Enter")
    expect(tab.row("Gold")).to_be_visible()
    expect(tab.page.get_by_role("heading", name="Segments", exact=True)).to_be_focused()


def test_removing_a_member_with_the_keyboard_alone(tab: Tab, api: httpx.Client, account: Account) -> None:
    gold = api.post("/api/createSegment", json=[{"segment_name": "Gold"}]).json()["segments"][0]["id"]
    api.post("/api/updateSegment", json=update(users("ada", "ben"), [act("ADD", ct=gold)]))
    page = tab.page
    tab.sign_in(account)
    tab.go(f"/segments/{gold}")
    for left, identity in ((1, "ada"), (0, "ben")):
        button = page.get_by_role("button", name=f"Remove {identity}")
        expect(button).to_be_visible()
        button.focus()
        page.keyboard.press("Enter")
        expect(button).to_have_count(0)
        expect(page.locator(".figures div").filter(has_text="Members").locator("dd")).to_have_text(str(left))
        expect(page.get_by_role("table", name="Members").get_by_role("rowheader")).to_have_count(left)
        expect(page.get_by_role("region", name="Page of members") if left else page.locator("#members")).to_be_focused()


def test_the_content_can_be_reached_without_going_through_the_bar(tab: Tab, account: Account) -> None:
    tab.sign_in(account)
    tab.page.reload()
    expect(tab.page.get_by_role("button", name="Create segments")).to_be_visible()
    tab.page.keyboard.press("Tab")
    expect(tab.page.get_by_role("link", name="To the content")).to_be_focused()
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Tab")
    expect(tab.page.get_by_role("button", name="Create segments")).to_be_focused()


def tab_to(tab: Tab, text: str, most: int = 60) -> None:
    """Press Tab until something that reads so has the focus."""
    for _ in range(most):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate("document.activeElement.textContent") == text:
            return
    raise AssertionError(f"{text} can't be reached with Tab")

"""axe finds nothing in any state, light or dark, wide or narrow; and all of it can be done with the keyboard."""

from typing import Any

import httpx
import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults  # type: ignore[import-untyped] # has no types
from playwright.sync_api import ViewportSize, expect

from local.stack import Account
from tests.browser.tab import Tab
from tests.support.bodies import act, update, users
from tests.support.uploads import profile

WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 390, "height": 800}
EVERYTHING = {"resultTypes": ["violations"]}
COLOURS = {**EVERYTHING, "runOnly": ["color-contrast"]}


@pytest.fixture
def options() -> dict[str, Any]:
    """What fades in or flashes has other colours for a moment."""
    return {"viewport": WIDE, "reduced_motion": "reduce"}


def check(tab: Tab, where: str) -> None:
    """Look at what is shown: everything in light, colours in dark, and whether a phone is wide enough for it."""
    page = tab.page
    expect(page.locator("h1").first).to_be_visible()
    expect_nothing(tab, f"{where}, light", EVERYTHING)
    page.emulate_media(color_scheme="dark")
    expect_nothing(tab, f"{where}, dark", COLOURS)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(NARROW)
    content, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert content <= window, f"{where} is wider than a phone"
    page.set_viewport_size(WIDE)


def expect_nothing(tab: Tab, where: str, options: dict[str, Any]) -> None:
    if not tab.page.evaluate("'axe' in window"):
        tab.page.evaluate(AXE_SCRIPT)
    results = AxeResults(tab.page.evaluate("options => axe.run(document, options)", options))
    assert results.violations_count == 0, f"{where}: {results.generate_report()}"


def check_narrow(tab: Tab, where: str) -> None:
    """Look at a view that is laid out in another way on a phone."""
    tab.page.set_viewport_size(NARROW)
    expect_nothing(tab, f"{where}, narrow", EVERYTHING)
    tab.page.set_viewport_size(WIDE)


def test_axe_finds_nothing_before_there_is_anything(tab: Tab, account: Account) -> None:
    page = tab.page
    tab.open()
    check(tab, "signing in")
    tab.fill_in(account.account_id, "wrong")
    expect(tab.alert).to_be_visible()
    check(tab, "a wrong passcode")
    tab.fill_in(account.account_id, account.passcode)
    expect(page.get_by_text("no segments yet")).to_be_visible()
    check(tab, "no segments")


def test_axe_finds_nothing_in_any_view_or_dialog(tab: Tab, api: httpx.Client, account: Account) -> None:
    page = tab.page
    created = api.post(
        "/api/createSegment", json=[{"segment_name": "Gold", "customer_segment_id": "GOLD-" + "X" * 200}]
    )
    gold = created.json()["segments"][0]["id"]
    api.post("/1/upload", json={"d": [profile("ada", Email="ada@example.com")]})
    everyone = ["ada", "long-" + "y" * 240, *(f"user-{number}" for number in range(30))]
    api.post("/api/updateSegment", json=update(users(*everyone), [act("ADD", ct=gold)]))
    api.post("/api/updateSegment", json=update(users("ada"), [act("ADD", customer="NO-SUCH")]))
    tab.sign_in(account)
    expect(tab.row("Gold")).to_be_visible()
    check(tab, "the list")
    check_narrow(tab, "the list")
    tab.press("Create segments")
    check(tab, "creating one")
    page.get_by_label("Many, from pasted lines").check()
    page.get_by_label("Segments, one a line").fill("x" * 256)
    tab.press("Create")
    expect(tab.alert).to_be_visible()
    check(tab, "creating many")
    page.keyboard.press("Escape")

    tab.go(f"/segments/{gold}")
    expect(page.get_by_role("table", name="Members").get_by_role("row").nth(20)).to_be_visible()
    page.get_by_text("Do it from your backend").click()
    check(tab, "one segment")
    check_narrow(tab, "one segment")
    for name in ("Rename", "Delete"):
        tab.press(name)
        check(tab, name)
        page.keyboard.press("Escape")
    tab.press("Add or remove users")
    check(tab, "adding or removing users")
    page.get_by_label("Users, one a line").fill("ben\n" + "z" * 256)
    tab.press("Add users")
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    check(tab, "the result")
    page.keyboard.press("Escape")

    tab.go("/users/identity/ada")
    expect(page.get_by_role("heading", name="1 segment")).to_be_visible()
    check(tab, "a user")
    tab.go("/errors")
    expect(page.get_by_role("table", name="Rejected entries")).to_be_visible()
    check(tab, "the errors")
    tab.go("/usage")
    expect(page.get_by_text("There were no data points in the eleven months before.")).to_be_visible()
    check(tab, "the usage")

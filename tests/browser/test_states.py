"""What the page looks like while it loads, when something fails, and with all the segments that there may be."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import Route, expect

from api_segments.core.errors import WRONG_CREDENTIALS
from api_segments.core.limits import MAX_ACTIVE_SEGMENTS, MAX_SEGMENTS_PER_CREATE
from local.stack import Account, Stack
from tests.browser.tab import Tab
from tests.e2e.conftest import client_of

LISTS = "**/api/segments?*"
WAITERS = 4


def create(api: httpx.Client, *names: str) -> None:
    answer = api.post("/api/createSegment", json=[{"segment_name": name} for name in names])
    assert answer.json()["status"] == "success", answer.text


def fail(code: int, error: str) -> dict[str, object]:
    return {"status": code, "json": {"status": "fail", "error": error, "code": code}}


def test_loading_is_shown_until_there_is_something(tab: Tab, api: httpx.Client, account: Account) -> None:
    create(api, "Gold")
    tab.sign_in(account)
    held: list[Route] = []
    tab.page.route(LISTS, lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    tab.page.reload()
    expect(tab.page.get_by_text("Loading …")).to_be_visible()
    expect(tab.page.locator(".skeleton")).to_be_visible()
    expect(tab.page.get_by_text("no segments yet")).to_have_count(0)
    held[0].continue_()
    tab.page.unroute(LISTS)
    expect(tab.row("Gold")).to_be_visible()
    expect(tab.page.locator(".skeleton")).to_be_hidden()


def test_a_failed_refresh_keeps_the_figures_and_says_of_when_they_are(
    tab: Tab, api: httpx.Client, account: Account
) -> None:
    create(api, "Gold")
    tab.sign_in(account)
    expect(tab.row("Gold")).to_be_visible()
    tab.page.route(LISTS, lambda route: route.abort())
    expect(tab.alert).to_contain_text("The API does not answer.")
    expect(tab.alert).to_contain_text("The figures are those of ")
    expect(tab.row("Gold")).to_be_visible()
    tab.page.unroute(LISTS)
    tab.press("Try again")
    expect(tab.alert).to_have_count(0)


@pytest.mark.parametrize(("code", "error"), [(500, "internal error"), (429, "too many requests")])
def test_what_the_api_says_against_it_is_shown(tab: Tab, account: Account, code: int, error: str) -> None:
    tab.sign_in(account)
    tab.page.route(LISTS, lambda route: route.fulfill(**fail(code, error)))
    tab.page.reload()
    expect(tab.alert).to_contain_text(error)
    expect(tab.page.get_by_text("no segments yet")).to_have_count(0)


def test_a_revoked_passcode_ends_the_session_and_says_why(tab: Tab, account: Account) -> None:
    tab.sign_in(account)
    wrong = WRONG_CREDENTIALS
    tab.page.route(LISTS, lambda route: route.fulfill(**fail(401, wrong)))
    expect(tab.alert).to_contain_text(f"Signed out: {wrong}")
    expect(tab.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert tab.page.evaluate("sessionStorage.length") == 0


def test_a_refusal_of_one_view_does_not_end_the_session(tab: Tab, account: Account) -> None:
    tab.sign_in(account)
    tab.page.route("**/api/errors?*", lambda route: route.fulfill(**fail(403, "not from this network")))
    tab.page.get_by_role("link", name="Errors").click()
    expect(tab.alert).to_contain_text("not from this network")
    tab.page.get_by_role("link", name="Segments", exact=True).click()
    expect(tab.page.get_by_role("heading", name="Segments", exact=True)).to_be_visible()


def test_a_plan_that_was_taken_away_ends_the_session_and_says_why(tab: Tab, account: Account) -> None:
    tab.sign_in(account)
    tab.page.route(LISTS, lambda route: route.fulfill(**fail(403, "API Segments need the plan Advanced")))
    expect(tab.alert).to_contain_text("Signed out: API Segments need the plan Advanced")


@pytest.mark.parametrize("view", ["/segments/12345", "/segments/abc", "/nothing"])
def test_what_is_not_there_says_so_and_leads_back(tab: Tab, account: Account, view: str) -> None:
    tab.sign_in(account)
    tab.go(view)
    expect(tab.page.get_by_text("There is no")).to_be_visible()
    tab.page.get_by_role("link", name="All segments").click()
    expect(tab.page.get_by_role("heading", name="Segments", exact=True)).to_be_visible()


def test_all_the_segments_there_may_be(tab: Tab, stack: Stack, account: Account) -> None:
    """Two and a half thousand are listed, searched, sorted and paged as a dozen are."""
    firsts = range(0, MAX_ACTIVE_SEGMENTS, MAX_SEGMENTS_PER_CREATE)

    def create_some(start: int) -> None:
        with client_of(stack, account) as api:
            create(api, *(f"Segment {number:04}" for number in range(start, start + MAX_SEGMENTS_PER_CREATE)))

    with ThreadPoolExecutor(WAITERS) as threads:
        list(threads.map(create_some, firsts))
    page = tab.page
    tab.sign_in(account)
    expect(page.get_by_text("of 2,500 segments")).to_be_visible()
    expect(page.get_by_text("Figures as read at")).to_be_visible()
    rows = page.get_by_role("rowheader")
    expect(rows).to_have_count(25)
    page.get_by_role("columnheader", name="Name").get_by_role("button").click()
    expect(rows.first).to_have_text("Segment 0000")
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    page.get_by_label("Rows a page").select_option("100")
    tab.press("Next")
    expect(rows.first).to_have_text("Segment 0100")
    page.get_by_label("Search by name, id or tag").fill("249 SEGMENT")  # 0249, 1249, 2249, and 2490 to 2499
    expect(page.get_by_text("of 13 segments")).to_be_visible()
    rows.nth(6).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Segment 2493")
    page.go_back()
    expect(page.get_by_text("of 13 segments")).to_be_visible()
    expect(page.get_by_label("Search by name, id or tag")).to_have_value("249 SEGMENT")
    page.get_by_label("Search by name, id or tag").fill("none such")
    expect(page.get_by_text("No segment has all of this")).to_be_visible()
    tab.press("Clear the search")
    expect(page.get_by_text("of 2,500 segments")).to_be_visible()

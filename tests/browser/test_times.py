"""Times of lists: how long ago they are, with all of them at the pointer and at the focus."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.mocked import NOON, MockedApi, deliveries, error, segment, target
from tests.browser.tab import Tab
from tests.browser.test_accessibility import expect_nothing

CAMPAIGN = 1763901234567890
BERLIN: dict[str, Any] = {"timezone_id": "Europe/Berlin"}
AGES = {
    "2026-11-25T12:00:00.000Z": "just now",
    "2026-11-25T11:59:00.001Z": "just now",
    "2026-11-25T11:59:00.000Z": "1 min ago",
    "2026-11-25T11:00:00.001Z": "59 min ago",
    "2026-11-25T11:00:00.000Z": "1 h ago",
    "2026-11-24T12:00:00.001Z": "23 h ago",
    "2026-11-24T12:00:00.000Z": "1 d ago",
    "2026-10-26T12:00:00.001Z": "29 d ago",
    "2026-10-26T12:00:00.000Z": "26 Oct 2026",
    "2025-12-31T23:30:00.000Z": "1 Jan 2026",  # by the clocks of Berlin
    "2026-11-25T12:00:30.000Z": "just now",  # a clock that is a little behind
    "2026-11-25T15:00:00.000Z": "in 3 h",
}


@pytest.fixture
def options() -> dict[str, Any]:
    return BERLIN


def times(tab: Tab) -> Locator:
    return tab.page.get_by_role("table", name="Delivery log").locator("tbody time")


def show(tab: Tab, api: MockedApi, *moments: str) -> None:
    """Show times in a list of a campaign, whose account is in Berlin."""
    tab.page.clock.set_fixed_time(NOON)
    api.targets = [target(CAMPAIGN, "Sale")]
    api.log = [{**line, "at": at} for line, at in zip(deliveries(len(moments)), moments, strict=True)]
    tab.go(f"/campaigns/{CAMPAIGN}")
    expect(times(tab)).to_have_count(len(moments))


def test_a_list_tells_how_long_ago(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    show(mocked_tab, mocked_api, *AGES)
    expect(times(mocked_tab)).to_have_text(list(AGES.values()))


@pytest.mark.parametrize("options", [{"timezone_id": "Pacific/Auckland"}])
def test_a_day_is_one_of_the_account_where_the_list_is_of_it(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    show(mocked_tab, mocked_api, "2026-10-01T21:30:00Z")
    expect(times(mocked_tab)).to_have_text("1 Oct 2026")
    times(mocked_tab).hover()
    expect(mocked_tab.page.get_by_role("tooltip")).to_have_text("2026-10-01 23:30:00 Europe/Berlin")


def test_times_grow_older_by_themselves(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    page.clock.install(time=NOON)
    mocked_api.answers["/api/errors"] = lambda _: {"errors": [error("2026-11-25T11:59:30Z")], "cursor": None}
    mocked_tab.go("/errors")
    page.reload()
    shown = page.locator("tbody time")
    expect(shown).to_have_text("just now")
    page.clock.fast_forward(60_000)
    expect(shown).to_have_text("1 min ago")


def test_the_exact_time_is_shown_at_the_pointer_and_at_the_focus(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    show(mocked_tab, mocked_api, "2026-11-25T09:30:00Z", "2026-11-25T08:30:00Z")
    exact = page.get_by_role("tooltip")
    expect(exact).to_have_count(0)
    first, second = times(mocked_tab).nth(0), times(mocked_tab).nth(1)
    first.hover()
    expect(exact).to_have_text("2026-11-25 10:30:00 Europe/Berlin")
    expect_nothing(mocked_tab, "an exact time", {"resultTypes": ["violations"]})
    exact.hover()
    expect(exact).to_be_visible()
    page.get_by_role("heading", level=1).hover()
    expect(exact).to_be_hidden()
    second.focus()
    expect(exact).to_have_text("2026-11-25 09:30:00 Europe/Berlin")
    expect(second).to_have_accessible_description("2026-11-25 09:30:00 Europe/Berlin")
    page.keyboard.press("Escape")
    expect(exact).to_be_hidden()
    expect(second).to_be_focused()
    first.focus()
    expect(exact).to_have_text("2026-11-25 10:30:00 Europe/Berlin")
    page.keyboard.press("Shift+Tab")
    expect(exact).to_be_hidden()


def test_the_exact_time_stays_inside_the_window(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    page.set_viewport_size({"width": 390, "height": 800})
    show(mocked_tab, mocked_api, *["2026-11-25T09:30:00Z"] * 3)
    for time in times(mocked_tab).all():
        time.focus()
        box = page.get_by_role("tooltip").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 800


def test_what_is_of_no_account_names_the_readers_own_zone(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    page.clock.set_fixed_time(NOON)
    mocked_api.segments = [{**segment(1, "Gold"), "updated_at": "2026-11-25T09:00:00Z"}]
    page.reload()
    updated = mocked_tab.cell("Gold", "Updated").locator("time")
    expect(updated).to_have_text("3 h ago")
    updated.hover()
    expect(page.get_by_role("tooltip")).to_have_text("2026-11-25 10:00:00 GMT+1")

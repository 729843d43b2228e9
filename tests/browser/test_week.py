"""The list shows of each segment how its members changed in a week; what nobody noted is a gap, never a guess."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.mocked import MockedApi, fail, segment
from tests.browser.tab import Tab
from tests.browser.test_accessibility import WIDE, check, check_narrow


@pytest.fixture
def options() -> dict[str, Any]:
    """What fades in or flashes has other colours for a moment."""
    return {"viewport": WIDE, "reduced_motion": "reduce"}


@pytest.fixture
def segments(mocked_api: MockedApi) -> None:
    """One grew, one shrank, one stayed, one is of yesterday, of one nothing was noted, and one is deleted."""
    names = ("Grew", "Shrank", "Stayed", "New", "Unknown", "Deleted")
    mocked_api.segments = [segment(number, name, 1000) for number, name in enumerate(names, 1)]
    mocked_api.segments[-1] |= {"status": "deleted", "members": 0}
    mocked_api.weeks = {
        1: [400, 400, None, 700, 800, 900, 990],
        2: [2500] * 7,
        3: [1000] * 7,
        4: [None] * 6 + [10],
        6: [5000] * 7,
    }


@pytest.fixture
def unanswered(mocked_api: MockedApi) -> None:
    """Nobody can tell of the week now."""
    mocked_api.answers["/api/segments/trends"] = lambda _: fail(503, "not now")


@pytest.mark.usefixtures("segments")
def test_a_week_is_a_line_and_the_change(mocked_tab: Tab) -> None:
    mocked_tab.go("/")
    changes = {"Grew": "+600", "Shrank": "\N{MINUS SIGN}1,500", "Stayed": "±0", "New": "+990"}
    changes |= {"Unknown": "", "Deleted": ""}
    for name, change in changes.items():
        expect(mocked_tab.cell(name, "7 days")).to_have_text(change)
    told = "400 members at the end of 2026-11-18 (UTC), 1,000 now"
    expect(mocked_tab.cell("Grew", "7 days")).to_have_attribute("title", told)
    told = "10 members at the end of 2026-11-24 (UTC), 1,000 now"
    expect(mocked_tab.cell("New", "7 days")).to_have_attribute("title", told)
    line = mocked_tab.cell("Grew", "7 days").locator("path").get_attribute("d")
    assert line is not None
    assert (line.count("M"), line.count("L")) == (2, 5)  # it does not pass over the day that nobody noted
    expect(mocked_tab.cell("Unknown", "7 days").locator("svg")).to_have_count(0)
    check(mocked_tab, "list with a week")


@pytest.mark.usefixtures("segments")
def test_the_list_is_put_in_order_by_the_change(mocked_tab: Tab) -> None:
    mocked_tab.go("/")
    head = mocked_tab.page.get_by_role("columnheader", name="7 days")
    expect(mocked_tab.cell("Grew", "7 days")).to_have_text("+600")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    rows = mocked_tab.page.get_by_role("rowheader").get_by_role("link")
    expect(rows).to_have_text(["New", "Grew", "Deleted", "Unknown", "Stayed", "Shrank"])


@pytest.mark.usefixtures("segments")
def test_the_change_follows_the_members(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_tab.go("/")
    expect(mocked_tab.cell("Grew", "7 days")).to_have_text("+600")
    mocked_api.segments[0] = segment(1, "Grew", 1100)
    expect(mocked_tab.cell("Grew", "7 days")).to_have_text("+700")


@pytest.mark.usefixtures("segments", "unanswered")
def test_the_list_does_not_wait_for_the_week(mocked_tab: Tab) -> None:
    mocked_tab.go("/")
    expect(mocked_tab.cell("Grew", "Members")).to_have_text("1,000")
    expect(mocked_tab.cell("Grew", "7 days")).to_have_text("")
    expect(mocked_tab.alert).to_have_count(0)


@pytest.mark.parametrize("options", [{"viewport": {"width": 375, "height": 740}, "reduced_motion": "reduce"}])
@pytest.mark.usefixtures("segments")
def test_a_phone_shows_the_week_too(mocked_tab: Tab) -> None:
    mocked_tab.go("/")
    expect(mocked_tab.cell("Grew", "7 days")).to_have_text("+600")
    check_narrow(mocked_tab, "list with a week on a phone")

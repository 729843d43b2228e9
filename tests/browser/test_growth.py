"""How a segment grew is a picture and a table; a day that nobody noted is a gap, never a guess."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.mocked import MockedApi, fail
from tests.browser.tab import Tab
from tests.browser.test_accessibility import WIDE, check, check_narrow


@pytest.fixture
def options() -> dict[str, Any]:
    """What fades in or flashes has other colours for a moment."""
    return {"viewport": WIDE, "reduced_motion": "reduce"}


def day(date: str, members: int | None, joined: int | None = 0, left: int | None = 0) -> dict[str, Any]:
    corrected = None if joined is None else 0
    figures = {"members": members, "joined": joined, "left": left, "corrected": corrected}
    return {"date": date, **figures, "reachable": None, "from": None, "to": None}


def test_days_are_a_picture_and_a_table(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_api.days = [
        day("2026-11-21", 1400, 1400),
        day("2026-11-22", 1450, 60, 10),
        day("2026-11-23", None, None, None),
        day("2026-11-24", 1480, 50, 20),
        day("2026-11-25", 1500, 31, 11),
    ]
    mocked_tab.go("/segments/1")
    picture = page.get_by_role("img")
    expect(picture).to_have_accessible_name(
        "In 5 days up to today (UTC): 1,541 joined, 41 left. Above: members at the end of each day; below: who joined "
        "(up) and left (down). From 1,400 members on 2026-11-21 to 1,500 members on 2026-11-25."
    )
    expect(picture.locator("polyline")).to_have_count(2)  # the line does not pass over the gap
    expect(page.get_by_text("1 day without figures: nobody noted them.")).to_be_visible()
    page.get_by_text("The same in numbers").click()
    rows = page.get_by_role("table", name="Growth by day").get_by_role("row")
    assert rows.nth(1).all_inner_texts() == ["2026-11-25\t1,500\t31\t11\t0"]
    assert [text for text in rows.nth(3).locator("td").all_inner_texts() if text.isdigit()] == []
    check(mocked_tab, "growth")
    check_narrow(mocked_tab, "growth")


def test_a_segment_of_an_hour_has_one_day(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.days = [day("2026-11-25", 2, 3, 1)]
    mocked_tab.go("/segments/1")
    expect(mocked_tab.page.get_by_text("Today so far (UTC): 3 joined, 1 left.")).to_be_visible()
    expect(mocked_tab.page.get_by_role("img").locator("circle")).to_have_count(1)


def test_days_that_can_not_be_read_leave_the_rest(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.answers["/api/segments/1/history"] = lambda _: fail(400, "no days now")
    mocked_tab.go("/segments/1")
    expect(mocked_tab.alert).to_contain_text("no days now")
    expect(mocked_tab.page.locator(".figures .whole dd")).to_have_text("1,500")

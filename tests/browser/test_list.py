"""The list of segments: found by words and tags, turned by numbers, with what all of them come to, also on a phone."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.mocked import NOON, Json, MockedApi, segment
from tests.browser.tab import Tab
from tests.browser.test_accessibility import NARROW, WIDE, check, check_narrow


@pytest.fixture
def options() -> dict[str, Any]:
    """What fades in or flashes has other colours for a moment."""
    return {"viewport": WIDE, "reduced_motion": "reduce", "permissions": ["clipboard-read", "clipboard-write"]}


def many(count: int) -> list[Json]:
    return [segment(number, f"Segment {number:03}", number) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("buyers german", ["Germany, lapsed buyers"]),
        ("  LAPSED   180 ", ["Germany, lapsed buyers"]),
        ("de-180 spring", ["Germany, lapsed buyers"]),
        ("no-purchase", ["Germany, lapsed buyers"]),
        ("176390", ["Germany, lapsed buyers"]),
        ("buyers", ["Buyers in Austria", "Germany, lapsed buyers"]),
        ("buyers nobody", []),
    ],
)
def test_each_word_is_searched_in_any_field_and_order(
    mocked_tab: Tab, mocked_api: MockedApi, search: str, found: list[str]
) -> None:
    lapsed = segment(1763901234567890, "Germany, lapsed buyers", customer="DE-180")
    mocked_api.segments = [
        {**lapsed, "tags": ["spring"], "description": "No-purchase since May"},
        segment(1, "Buyers in Austria", customer="AT"),
    ]
    mocked_tab.go("/?sort=name&order=up")
    expect(mocked_tab.row("Buyers in Austria")).to_be_visible()
    mocked_tab.page.get_by_label("Search by name, id or tag").fill(search)
    expect(mocked_tab.page.locator("tbody th > a")).to_have_text(found)


def test_pages_are_turned_by_number(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.segments = many(240)
    mocked_tab.go("/?sort=name&order=up")
    numbers = mocked_tab.page.locator(".numbers li")
    expect(numbers).to_have_text(["1", "2", "…", "10"])
    mocked_tab.press("Page 10")
    expect(mocked_tab.row("Segment 240")).to_be_visible()
    expect(numbers).to_have_text(["1", "…", "9", "10"])
    expect(mocked_tab.page.get_by_role("button", name="Next")).to_be_disabled()
    mocked_tab.press("Page 9")
    mocked_tab.press("Previous")
    mocked_tab.press("Previous")
    expect(numbers).to_have_text(["1", "…", "6", "7", "8", "…", "10"])
    expect(mocked_tab.page.get_by_role("button", name="Page 7")).to_have_attribute("aria-current", "page")
    expect(mocked_tab.row("Segment 151")).to_be_visible()
    assert "page=7" in mocked_tab.page.url


def test_one_page_has_no_numbers(mocked_tab: Tab) -> None:
    expect(mocked_tab.row("Gold")).to_be_visible()
    expect(mocked_tab.page.locator(".numbers")).to_be_hidden()


def test_the_totals_are_of_all_active_segments(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    new, unknown = segment(3, "New", 50), segment(4, "Unknown", 7)
    gone = {**segment(5, "Gone", 0), "status": "deleted"}
    unknown["created_at"] = "2026-11-01T00:00:00Z"
    mocked_api.segments = [segment(1, "Gold", 1500), segment(2, "Lapsed", 400), new, unknown, gone]
    mocked_api.weeks = {1: [1400] * 7, 2: [420] * 7}
    mocked_tab.go("/?status=all")
    told = ["Active, of 2,5004", "Memberships1,957", "Change today (UTC)+130"]
    expect(mocked_tab.page.locator(".totals > div")).to_have_text(told)
    title = "Without 1 segment of which nobody noted the members at 00:00."
    expect(mocked_tab.page.locator(".totals > div").last).to_have_attribute("title", title)
    mocked_tab.page.get_by_label("Search by name, id or tag").fill("gold")
    expect(mocked_tab.page.get_by_text("of 1 segment")).to_be_visible()
    expect(mocked_tab.page.locator(".totals > div")).to_have_text(told)


def test_tags_are_shown_and_filter_the_list(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    expect(mocked_tab.row("Gold")).to_be_visible()
    expect(page.get_by_label("Tag", exact=True)).to_be_hidden()
    mocked_api.segments[0]["tags"] = ["loyalty", "spring 2026"]
    mocked_api.segments[1]["tags"] = ["loyalty"]
    page.reload()
    expect(page.get_by_label("Tag", exact=True).get_by_role("option")).to_have_text(
        ["All", "loyalty (2)", "spring 2026 (1)"]
    )
    page.get_by_label("Tag", exact=True).select_option("spring 2026")
    expect(mocked_tab.row("Lapsed")).to_have_count(0)
    page.get_by_label("Tag", exact=True).select_option("")
    mocked_tab.row("Gold").get_by_role("link", name="spring 2026").click()
    expect(mocked_tab.row("Lapsed")).to_have_count(0)
    expect(page.get_by_label("Tag", exact=True)).to_have_value("spring 2026")
    mocked_api.segments[0]["tags"] = []
    expect(page.get_by_text("No segment has all of this")).to_be_visible()
    check(mocked_tab, "a tag that nobody has any more")
    mocked_tab.press("Clear the search")
    expect(mocked_tab.row("Lapsed")).to_be_visible()


def test_a_row_tells_its_use_and_its_last_change_and_copies_its_ids(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    page.clock.set_fixed_time(NOON)
    mocked_api.segments[0] |= {"campaigns": [11, 12], "updated_at": "2026-11-25T11:30:00Z", "tags": ["loyalty"]}
    mocked_api.segments[1] |= {"campaigns": list(range(100)), "status": "deleted"}
    mocked_tab.go("/?status=all")
    page.reload()
    uses = mocked_tab.cell("Gold", "Used by").get_by_role("link", name="2 campaigns")
    expect(uses).to_have_attribute("href", "#/campaigns?segment=1")
    expect(mocked_tab.cell("Lapsed", "Used by")).to_have_text("100 campaigns or more")
    expect(mocked_tab.row("Lapsed").locator(".badge")).to_have_text("deleted")
    expect(mocked_tab.cell("Gold", "Updated")).to_have_text("30 min ago")
    for head in ("Type", "Id", "Status"):
        expect(page.get_by_role("columnheader", name=head, exact=True)).to_have_count(0)
    check(mocked_tab, "the list")
    page.get_by_role("button", name="Copy from Gold").press("Enter")
    expect(page.get_by_role("button", name="Copy the customer id GOLD")).to_be_visible()
    check(mocked_tab, "what can be copied")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copy from Gold")).to_have_text("Copied")
    expect(page.get_by_role("button", name="Copy from Gold")).to_be_focused()
    assert page.evaluate("navigator.clipboard.readText()") == "1"
    page.get_by_role("button", name="Copy from Lapsed").click()
    expect(page.get_by_role("button", name="Copy the id 2")).to_be_visible()
    expect(page.get_by_role("button", name="Copy the customer id")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Copy the id 2")).to_be_hidden()


def test_on_a_phone_a_segment_is_its_name_members_and_reach(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_api.segments[0] |= {"tags": ["loyalty"], "campaigns": [11]}
    mocked_api.weeks = {1: [1400] * 7}
    page.set_viewport_size(NARROW)
    page.reload()
    expect(mocked_tab.cell("Gold", "7 days")).to_have_text("+100")
    for column in ("Members", "7 days", "Email", "Web push"):
        expect(mocked_tab.cell("Gold", column)).to_be_visible()
    for column in ("Customer id", "Used by", "Updated"):
        expect(mocked_tab.cell("Gold", column)).to_be_hidden()
    boxes = [mocked_tab.row(name).bounding_box() for name in ("Gold", "Lapsed")]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert abs(boxes[0]["y"] - boxes[1]["y"]) <= 95
    check_narrow(mocked_tab, "the list on a phone")


def test_on_a_phone_the_menu_is_one_line(mocked_tab: Tab) -> None:
    mocked_tab.page.set_viewport_size(NARROW)
    tops = mocked_tab.page.evaluate("[...document.querySelectorAll('header nav a')].map((a) => a.offsetTop)")
    assert len(set(tops)) == 1

"""A list or a count that has not caught up says so, and never passes for an empty one."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.mocked import NOON, MockedApi, fail, freshness, member, segment
from tests.browser.tab import Tab

LATER = "2026-11-25T09:31:00.000Z"
NOBODY = "Nobody is in it yet."


@pytest.fixture
def mocked_api() -> MockedApi:
    """One segment that nobody is in."""
    return MockedApi(segments=[segment(1, "Gold", 0)])


def members(tab: Tab) -> Locator:
    """Return the figure of all members, with what is said beside it."""
    return tab.page.locator(".figures .whole dd")


def update(**summary: int) -> dict[str, Any]:
    nothing = dict.fromkeys(("added", "removed", "unchanged", "profiles_created"), 0)
    return {"status": "success", "summary": {**nothing, **summary}, "unprocessed": []}


def add_users(tab: Tab) -> None:
    tab.press("Add or remove users")
    tab.page.get_by_label("Users, one a line").fill("ada\nben")
    tab.press("Add users")
    expect(tab.page.get_by_role("heading", name="Done")).to_be_visible()
    tab.page.keyboard.press("Escape")


def test_users_that_were_added_here_are_caught_up_with(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    tab = mocked_tab
    mocked_api.answers["/api/updateSegment"] = lambda _: update(added=2)
    tab.go("/segments/1")
    expect(members(tab)).to_have_text("0")
    expect(tab.page.get_by_text(NOBODY)).to_be_visible()
    add_users(tab)
    expect(members(tab)).to_have_text("0catching up")
    expect(tab.page.get_by_text("Catching up: members are shown in a moment.")).to_be_visible()
    expect(tab.page.get_by_text(NOBODY)).to_have_count(0)
    tab.go("/")
    expect(tab.row("Gold")).to_be_visible()
    tab.go("/segments/1")  # another view of the same tab knows as well
    expect(members(tab)).to_have_text("0catching up")
    mocked_api.segments[0] |= {"members": 1, "as_of": NOON}
    expect(members(tab)).to_have_text("1catching up")
    mocked_api.segments[0] |= {"members": 2, "as_of": LATER}
    mocked_api.members[1] = [member("ada"), member("ben")]
    expect(members(tab)).to_have_text("2")
    expect(tab.page.get_by_role("rowheader", name="ben")).to_be_visible()


def test_users_that_were_there_already_are_waited_for_by_nobody(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.answers["/api/updateSegment"] = lambda _: update(unchanged=2)
    mocked_tab.go("/segments/1")
    add_users(mocked_tab)
    expect(mocked_tab.page.get_by_text("From this page: 2 unchanged")).to_be_visible()
    expect(members(mocked_tab)).to_have_text("0")


def test_a_member_that_was_removed_here_is_caught_up_with(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.segments[0] = segment(1, "Gold", 1)
    mocked_api.members[1] = [member("ada")]
    mocked_api.answers["/api/updateSegment"] = lambda _: update(removed=1)
    mocked_tab.go("/segments/1")
    mocked_tab.press("Remove ada")
    expect(members(mocked_tab)).to_have_text("1catching up")
    mocked_api.segments[0] |= {"members": 0, "as_of": LATER}
    mocked_api.members[1] = []
    expect(members(mocked_tab)).to_have_text("0")
    expect(mocked_tab.page.get_by_text(NOBODY)).to_be_visible()


def test_a_stack_that_is_behind_says_by_how_much(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.freshness = freshness(12.4, 15)
    mocked_tab.go("/segments/1")
    line = mocked_tab.page.locator(".behind")
    expect(line).to_have_text("Lists and counts are catching up, 12 s behind; at worst 15 s in the last hour.")
    expect(members(mocked_tab)).to_have_text("0catching up, 12 s behind")
    expect(mocked_tab.page.get_by_text(NOBODY)).to_have_count(0)
    mocked_api.freshness = freshness(0.42, 15)
    expect(line).to_contain_text("Lists and counts were 0.4 s behind at the last change")
    expect(members(mocked_tab)).to_have_text("0")
    expect(mocked_tab.page.get_by_text(NOBODY)).to_be_visible()


def test_what_was_measured_long_ago_is_behind_no_more(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.freshness = {**freshness(12), "measured_at": "2026-11-25T09:30:00Z"}
    mocked_tab.go("/segments/1")
    expect(mocked_tab.page.locator(".behind")).to_contain_text("were 12 s behind at the last change")
    expect(members(mocked_tab)).to_have_text("0")


def test_where_nothing_changes_lists_are_up_to_date(mocked_tab: Tab) -> None:
    told = "Lists and counts are up to date: nothing has changed within the last hour."
    expect(mocked_tab.page.locator(".behind")).to_have_text(told)


def test_a_list_whose_freshness_is_not_told_is_shown_all_the_same(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.answers["/api/freshness"] = lambda _: fail(404, "no such route")  # an older stack
    mocked_tab.page.reload()
    expect(mocked_tab.row("Gold")).to_be_visible()
    expect(mocked_tab.page.locator(".behind")).to_be_hidden()

"""Several segments of the list at once: tagged, exported, deleted, and a campaign for them."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.mocked import UPLOADS, MockedApi, fail, segment
from tests.browser.tab import Tab
from tests.browser.test_accessibility import WIDE, check, check_narrow


@pytest.fixture
def options() -> dict[str, Any]:
    """What fades in or flashes has other colours for a moment."""
    return {"viewport": WIDE, "reduced_motion": "reduce"}


@pytest.fixture
def mocked_api() -> MockedApi:
    """Thirty segments, so that they have two pages, the last of them deleted."""
    segments = [segment(number, f"Segment {number:02}", number * 10) for number in range(1, 31)]
    segments[29] |= {"status": "deleted", "members": 0}
    return MockedApi(segments=segments)


def select(tab: Tab, *names: str) -> None:
    for name in names:
        tab.page.get_by_role("checkbox", name=f"Select {name}").check()


def test_a_selection_outlasts_pages_and_searches(mocked_tab: Tab) -> None:
    page = mocked_tab.page
    mocked_tab.go("/?status=all&sort=name&order=up")
    bar = page.get_by_role("region", name="Selected segments")
    expect(bar).to_be_hidden()
    select(mocked_tab, "Segment 01")
    mocked_tab.press("Next")
    expect(page.get_by_role("checkbox", name="Select Segment 30")).to_be_hidden()
    page.get_by_role("checkbox", name="Select all of this page").check()
    expect(bar.locator("strong")).to_have_text("5 segments selected")
    page.get_by_label("Search by name, id or tag").fill("1")
    expect(bar.get_by_role("button", name="Select all 12 found")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Select Segment 01")).to_be_checked()
    mocked_tab.press("Select all 12 found")
    expect(bar.locator("strong")).to_have_text("16 segments selected")
    check(mocked_tab, "a selection")
    check_narrow(mocked_tab, "a selection")
    page.get_by_role("checkbox", name="Select Segment 01").uncheck()
    expect(bar.locator("strong")).to_have_text("15 segments selected")
    mocked_tab.press("Clear")
    expect(bar).to_be_hidden()


def test_what_somebody_else_deletes_is_selected_no_more(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_tab.go("/?sort=name&order=up")
    select(mocked_tab, "Segment 01", "Segment 02")
    del mocked_api.segments[0]
    expect(mocked_tab.page.get_by_role("region", name="Selected segments")).to_contain_text("1 segment selected")


def test_tags_are_given_and_taken_and_others_stay(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    for index, tags in enumerate((["all", "one"], ["all", "mixed"], ["all"], ["elsewhere"])):
        mocked_api.segments[index]["tags"] = tags
    mocked_tab.go("/?sort=name&order=up")
    expect(mocked_tab.row("Segment 04").get_by_role("link", name="elsewhere")).to_be_visible()
    select(mocked_tab, "Segment 01", "Segment 02", "Segment 03")
    mocked_tab.press("Tags")
    boxes = mocked_tab.dialog.get_by_role("checkbox")
    expect(boxes).to_have_count(4)
    states = boxes.evaluate_all("boxes => boxes.map((box) => [box.checked, box.indeterminate])")
    assert states == [[True, False], [False, True], [False, True], [False, False]]  # all, mixed, one, elsewhere
    check(mocked_tab, "tags")
    check_narrow(mocked_tab, "tags")
    mocked_tab.dialog.get_by_label("all 3 of 3").uncheck()
    mocked_tab.dialog.get_by_label("one 1 of 3").check()
    mocked_tab.dialog.get_by_label("New tag").fill(" new ")
    page.keyboard.press("Enter")
    mocked_tab.dialog.get_by_label("New tag").fill("last")
    mocked_api.segments[2]["tags"] = ["all", "of another tab"]
    mocked_tab.press("Save tags")
    expect(mocked_tab.dialog).to_have_count(0)
    assert [each["tags"] for each in mocked_api.segments[:4]] == [
        ["last", "new", "one"],
        ["last", "mixed", "new", "one"],
        ["last", "new", "of another tab", "one"],
        ["elsewhere"],
    ]
    expect(mocked_tab.row("Segment 01").get_by_role("link", name="last")).to_be_visible()


def test_a_segment_that_can_not_be_tagged_is_named(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_tab.go("/?sort=name&order=up")
    select(mocked_tab, "Segment 01", "Segment 02")
    mocked_tab.press("Tags")
    mocked_tab.dialog.get_by_label("New tag").fill("new")
    mocked_api.answers["/api/segments/2"] = lambda _: fail(400, "tags: must have at most 20 entries")
    mocked_tab.press("Save tags")
    told = "1 segment could not be tagged:Segment 02: tags: must have at most 20 entries"
    expect(mocked_tab.alert).to_have_text(told)
    assert mocked_api.segments[0]["tags"] == ["new"]


def test_several_are_deleted_once_that_is_typed(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_tab.go("/?sort=name&order=up")
    select(mocked_tab, "Segment 01", "Segment 02", "Segment 03")
    mocked_tab.page.get_by_role("region", name="Selected segments").get_by_role("button", name="Delete").click()
    expect(mocked_tab.dialog).to_contain_text("This deletes 3 segments, with 60 memberships, for ever")
    expect(mocked_tab.dialog.get_by_role("listitem")).to_have_text(["Segment 01", "Segment 02", "Segment 03"])
    submit = page.get_by_role("button", name="Delete for ever")
    typed = page.get_by_label('Type "delete 3 segments" to confirm')
    for text in ("delete 2 segments", "1", "Segment 01"):
        typed.fill(text)
        expect(submit).to_be_disabled()
    check(mocked_tab, "deleting several")
    typed.fill("delete 3 segments")
    error = "used by campaigns 1763901234567890 (Sale, \N{MULTIPLICATION SIGN}) and 2 more"
    mocked_api.answers["/api/segments/2"] = lambda _: fail(409, error)
    page.keyboard.press("Enter")
    told = "1 segment could not be deleted:Segment 02: used by Sale, \N{MULTIPLICATION SIGN}, 2 more"
    expect(mocked_tab.alert).to_have_text(told)
    link = mocked_tab.alert.get_by_role("link")
    expect(link).to_have_attribute("href", "#/campaigns/1763901234567890")
    expect(submit).to_be_disabled()
    page.keyboard.press("Escape")
    expect(mocked_tab.row("Segment 03")).to_have_count(0)
    expect(page.get_by_role("region", name="Selected segments")).to_contain_text("1 segment selected")


def test_members_of_several_are_exported(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_api.steps_end = False
    mocked_tab.go("/?sort=name&order=up")
    select(mocked_tab, "Segment 01", "Segment 02", "Segment 03")
    mocked_api.answers["/api/segments/3/export"] = lambda _: fail(410, "segment was deleted")
    mocked_tab.press("Export")
    lines = mocked_tab.dialog.get_by_role("listitem")
    expect(lines).to_have_text(
        ["Segment 01being written …", "Segment 02being written …", "Segment 03segment was deleted"]
    )
    check(mocked_tab, "an export that is written")
    mocked_api.steps_end = True
    expect(mocked_tab.dialog.get_by_role("status")).to_have_text("2 of 3 segments written.")
    expect(lines.first).to_have_text("Segment 011,500 membersDownload")
    links = [each.get_attribute("href") or "" for each in page.get_by_role("link", name="Download Segment").all()]
    assert sorted(links) == [f"{UPLOADS}/{number:021x}.csv" for number in (1, 2)]
    check(mocked_tab, "an export")
    check_narrow(mocked_tab, "an export")


def test_a_campaign_for_them_begins_with_them(mocked_tab: Tab) -> None:
    page = mocked_tab.page
    mocked_tab.go("/?sort=name&order=up")
    select(mocked_tab, "Segment 01", "Segment 02")
    mocked_tab.press("New campaign")
    page.get_by_label("Name of the campaign").fill("Sale")
    page.get_by_label("SMS").check()
    mocked_tab.press("Next")
    chosen = page.get_by_role("list", name="Chosen segments")
    expect(chosen.locator("bdi")).to_have_text(["Segment 01", "Segment 02"])
    assert page.url.endswith("#/campaigns/new/who")


def test_a_campaign_that_is_being_written_is_not_lost(mocked_tab: Tab) -> None:
    page = mocked_tab.page
    mocked_tab.go("/campaigns/new")
    page.get_by_label("Name of the campaign").fill("Half written")
    mocked_tab.go("/campaigns/new?include=1,2&exclude=3")
    expect(mocked_tab.dialog).to_contain_text("Half written")
    mocked_tab.press("Go on with it")
    expect(page.get_by_label("Name of the campaign")).to_have_value("Half written")
    mocked_tab.go("/campaigns/new?include=1,2&exclude=3")
    mocked_tab.press("Discard it")
    expect(page.get_by_label("Name of the campaign")).to_have_value("")
    page.get_by_label("Name of the campaign").fill("Another")
    page.get_by_label("SMS").check()
    mocked_tab.press("Next")
    chosen = page.get_by_role("list", name="Chosen segments")
    expect(chosen.first.locator("bdi")).to_have_text(["Segment 01", "Segment 02"])
    expect(chosen.last.locator("bdi")).to_have_text(["Segment 03"])

"""axe finds nothing in any state of an import, light, dark or on a phone; and it all goes with the keyboard."""

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.importing import FIRST, SEGMENT, file_of, lead
from tests.browser.mocked import NO_FIGURES, MockedApi, import_of
from tests.browser.tab import Tab
from tests.browser.test_accessibility import WIDE, check, check_narrow
from tests.browser.test_keyboard import tab_to

PREVIEW = {
    **NO_FIGURES,
    "rows": 2998,
    "rejected": 4,
    "duplicate": 2,
    "unchanged": 10,
    "to_add": 2980,
    "to_create": 2970,
}
RESULT = {"added": 2979, "removed": 12, "created": 2970, "superseded": 1}
LINK = "http://uploads.localhost/rejected"
STATES = {
    "waiting": import_of(1),
    "reading": import_of(1, "reading", preview={**NO_FIGURES, "rows": 1200}),
    "previewed": import_of(1, "previewed", mode="replace", preview={**PREVIEW, "to_remove": 12}, rejected_rows=LINK),
    "refused": import_of(
        1,
        "refused",
        mode="replace",
        guard={"max_removed_percent": 20, "max_created": 100},
        preview={**PREVIEW, "to_remove": 12},
        reason="max_removed_percent is 20, and 12 of 22 members would be removed",
    ),
    "applying": import_of(1, "applying", preview=PREVIEW, result={**RESULT, "added": 1400}),
    "done": import_of(
        1, "done", preview=PREVIEW, result=RESULT, rejected_rows=LINK, ended_at=datetime.now(UTC).isoformat()
    ),
    "failed": import_of(1, "failed", reason="the file line 2: must be a header with a column named identity or guid"),
    "undone": import_of(1, "undone", preview=PREVIEW, result=RESULT, undo={"added": 12, "removed": 9, "left_alone": 1}),
}


@pytest.fixture
def options() -> dict[str, Any]:
    """What fades in or flashes has other colours for a moment."""
    return {"viewport": WIDE, "reduced_motion": "reduce"}


def look(tab: Tab, where: str) -> None:
    check(tab, where)
    check_narrow(tab, where)


def test_axe_finds_nothing_in_the_dialog(mocked_tab: Tab) -> None:
    mocked_tab.go(SEGMENT)
    mocked_tab.press("Import a file")
    look(mocked_tab, "no file yet")
    picker = mocked_tab.page.locator("#import-file")
    picker.set_input_files(files=[file_of(b"PK\x03\x04")])
    expect(mocked_tab.alert).to_be_visible()
    look(mocked_tab, "a file that is none")
    picker.set_input_files(files=[file_of(b"Kunde,name\n" + b"z" * 250 + b",M\xfcller\n", "w" * 120 + ".csv")])
    expect(mocked_tab.dialog.locator(".sample")).to_be_visible()
    mocked_tab.dialog.get_by_label("Make the segment equal to the file").check()
    mocked_tab.dialog.get_by_text("Limits", exact=True).click()
    look(mocked_tab, "a chosen file")


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_in_an_import(mocked_tab: Tab, mocked_api: MockedApi, state: str) -> None:
    mocked_api.imports, mocked_api.steps_end = [STATES[state]], False
    mocked_tab.go(f"/imports/{FIRST}")
    expect(lead(mocked_tab)).to_be_visible()
    look(mocked_tab, state)


def test_axe_finds_nothing_in_the_list_of_imports(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_tab.go("/imports")
    expect(mocked_tab.page.get_by_text("There are no imports yet.")).to_be_visible()
    look(mocked_tab, "no imports")
    mocked_api.segments[0]["segment_name"] = "W" * 255
    states = enumerate(STATES.values(), 1)
    mocked_api.imports = [
        {**each, "import_id": f"{number:021x}", "segment_id": 1 + number % 2} for number, each in states
    ]
    mocked_tab.page.reload()
    expect(mocked_tab.page.get_by_role("table", name="Imports").get_by_role("row")).to_have_count(len(STATES) + 1)
    look(mocked_tab, "the list of imports")


def test_importing_with_the_keyboard_alone(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page, keyboard = mocked_tab.page, mocked_tab.page.keyboard
    mocked_api.now = datetime.now(UTC).isoformat()
    mocked_tab.go(SEGMENT)
    expect(page.get_by_role("heading", name="Gold")).to_be_visible()
    tab_to(mocked_tab, "Import a file")
    keyboard.press("Enter")
    expect(page.locator("#import-file")).to_be_focused()
    page.locator("#import-file").set_input_files(files=[file_of(b"identity\nada\n")])
    expect(mocked_tab.dialog.locator(".sample")).to_be_visible()
    tab_to(mocked_tab, "Upload and preview")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Import into Gold")).to_be_focused()
    expect(page.get_by_role("button", name="Add 2 users")).to_be_visible()
    tab_to(mocked_tab, "Add 2 users")
    keyboard.press("Enter")
    expect(lead(mocked_tab)).to_contain_text("2 users were added")
    expect(page.get_by_role("heading", name="Import into Gold")).to_be_focused()
    tab_to(mocked_tab, "Undo the import")
    keyboard.press("Enter")
    expect(mocked_tab.dialog.get_by_role("button", name="Undo the import")).to_be_focused()
    keyboard.press("Enter")
    expect(lead(mocked_tab)).to_contain_text("2 users were removed again")
    expect(page.get_by_role("heading", name="Import into Gold")).to_be_focused()

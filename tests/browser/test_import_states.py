"""An import by its address and in the list: what is said of each state, cancelling, undoing."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser import mocked
from tests.browser.importing import FIRST, SEGMENT, chosen, lead, sent
from tests.browser.mocked import NO_FIGURES, MockedApi, fail, import_of
from tests.browser.tab import Tab

NO_RESULT = dict.fromkeys(("added", "removed", "created", "superseded"), 0)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (import_of(1), "It waits for its file, and for a day at most. Nothing was changed."),
        (
            import_of(1, "failed", reason="the file line 3: is wrong"),
            "It failed: line 3 of the file: is wrong. Nothing was changed.",
        ),
        (import_of(1, "cancelled"), "It was cancelled. Nothing was changed."),
        (
            import_of(1, "cancelled", reason="its preview was not applied within 24 hours"),
            "It ended, as its preview was not applied within 24 hours. Nothing was changed.",
        ),
        (import_of(1, "previewed"), "The file has no rows. Nothing would change."),
        (
            import_of(1, "undone", undo={"added": 0, "removed": 1, "left_alone": 1}),
            "1 user was removed again; 1 user stays as they are, as others changed them since.",
        ),
    ],
    ids=["waiting", "failed", "cancelled", "lapsed", "no rows", "undone"],
)
def test_an_import_is_shown_by_its_address_as_it_is(
    mocked_tab: Tab, mocked_api: MockedApi, state: mocked.Json, said: str
) -> None:
    mocked_api.imports, mocked_api.steps_end = [state], False
    mocked_tab.go(f"/imports/{FIRST}")
    expect(lead(mocked_tab)).to_have_text(said)
    mocked_tab.page.reload()
    expect(lead(mocked_tab)).to_have_text(said)


def test_an_import_is_cancelled_before_it_is_applied(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    chosen(mocked_tab, b"identity\nada\n")
    sent(mocked_tab, mocked_api)
    mocked_tab.press("Cancel the import")
    expect(lead(mocked_tab)).to_have_text("It was cancelled. Nothing was changed.")
    assert mocked_api.imports[0]["status"] == "cancelled"


def test_undoing_ends_after_seven_days(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    result = {"added": 1, "removed": 0, "created": 0, "superseded": 0}
    for days, count in ((6.9, 1), (7.1, 0)):
        ended_at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        mocked_api.imports = [import_of(1, "done", result=result, ended_at=ended_at)]
        mocked_tab.go(f"/imports/{FIRST}")
        mocked_tab.page.reload()
        expect(lead(mocked_tab)).to_have_text("1 user was added.")
        expect(mocked_tab.page.get_by_role("button", name="Undo the import")).to_have_count(count)


def test_what_an_undoing_is_refused_for_is_said(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    result = {"added": 1, "removed": 0, "created": 0, "superseded": 0}
    mocked_api.imports = [import_of(1, "done", result=result, ended_at=datetime.now(UTC).isoformat())]
    mocked_api.answers[f"/api/imports/{FIRST}/undo"] = lambda _: fail(
        409, "import 1 is undone, and can't be undone now"
    )
    mocked_tab.go(f"/imports/{FIRST}")
    mocked_tab.press("Undo the import")
    mocked_tab.dialog.get_by_role("button", name="Undo the import").click()
    expect(mocked_tab.dialog.get_by_role("alert")).to_contain_text("can't be undone now")


def test_an_account_that_is_disabled_amid_an_import_is_signed_out_with_the_reason(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    mocked_api.imports = [import_of(1, "previewed", preview=mocked_api.preview)]
    mocked_tab.go(f"/imports/{FIRST}")
    said = "account account is disabled"
    mocked_api.answers |= dict.fromkeys((f"/api/imports/{FIRST}/apply", "/api/segments"), lambda _: fail(403, said))
    mocked_tab.press("Add 2 users")
    expect(mocked_tab.page.get_by_label("Passcode", exact=True)).to_be_visible()
    expect(mocked_tab.alert).to_contain_text("Signed out")


def test_imports_are_listed_with_who_when_what_and_how_far(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    result = {"added": 2994, "removed": 12, "created": 2, "superseded": 0}
    many = [import_of(number, "cancelled", segment_id=2) for number in range(30, 4, -1)]
    mocked_api.imports = [
        import_of(33, "done", mode="replace", result=result, preview={**NO_FIGURES, "rejected": 4}),
        import_of(32, "previewed", preview={**NO_FIGURES, "to_add": 5}, created_by=None, file_name=None),
        *many,
    ]
    page = mocked_tab.page
    page.get_by_role("link", name="Imports").click()
    rows = page.get_by_role("table", name="Imports").get_by_role("row")
    expect(rows).to_have_count(26)
    expect(rows.nth(1)).to_contain_text("Gold")
    expect(rows.nth(1)).to_contain_text("2,994 added, 12 removed, 4 rejected")
    expect(rows.nth(1)).to_contain_text("Ada's laptop")
    expect(rows.nth(1)).to_contain_text("customers.csv")
    expect(rows.nth(2).locator(".what")).to_have_text("Add the file's users")
    expect(rows.nth(2)).to_contain_text("5 to add")
    expect(rows.nth(2)).to_contain_text("to be applied")
    page.get_by_role("button", name="Next").click()
    expect(rows).to_have_count(4)
    mocked_tab.go(SEGMENT)
    page.get_by_role("link", name="Its imports").click()
    expect(rows).to_have_count(3)
    expect(page.get_by_text("Those of Gold.")).to_be_visible()
    rows.nth(2).get_by_role("link").click()
    expect(page.get_by_role("heading", name="Import into Gold")).to_be_visible()
    expect(page.get_by_role("heading", name="Import into Gold")).to_be_focused()


def test_there_are_no_imports_or_no_such_import(mocked_tab: Tab) -> None:
    mocked_tab.go("/imports")
    expect(mocked_tab.page.get_by_text("There are no imports yet.")).to_be_visible()
    mocked_tab.go(f"/imports/{FIRST}")
    expect(mocked_tab.alert).to_contain_text(f"There is no import {FIRST}")


@pytest.mark.parametrize("ends", ["cancelled", "done"])
def test_an_import_is_cancelled_while_it_is_applied_and_what_it_changed_is_undone(
    mocked_tab: Tab, mocked_api: MockedApi, ends: str
) -> None:
    """If all was applied by then, it is done."""
    page = mocked_tab.page
    mocked_api.now = datetime.now(UTC).isoformat()
    result = {"added": 500, "removed": 0, "created": 0, "superseded": 0}
    preview = {**NO_FIGURES, "rows": 2000, "to_add": 2000}
    mocked_api.imports = [import_of(1, "applying", preview=preview, result=result)]
    mocked_api.steps_end = False
    mocked_tab.go(f"/imports/{FIRST}")
    expect(page.get_by_text("500 of 2,000 changes")).to_be_visible()
    mocked_tab.press("Cancel the import")
    expect(lead(mocked_tab)).to_have_text("It is being stopped. What was changed by then stays, and can be undone.")
    expect(page.get_by_role("button", name="Cancel the import")).to_have_count(0)
    expect(page.get_by_role("button", name="Undo the import")).to_have_count(0)
    mocked_api.imports[0]["result"] = result = {**result, "added": 1000 if ends == "cancelled" else 2000}
    expect(page.get_by_text(f"{result['added']:,} of 2,000 changes")).to_be_visible()  # it looks again by itself
    mocked_api.imports[0] |= {"status": ends, "ended_at": mocked_api.now}
    said = (
        "It was cancelled while it was applied. 1,000 users were added."
        if ends == "cancelled"
        else "2,000 users were added."
    )
    expect(lead(mocked_tab)).to_have_text(said)
    mocked_api.steps_end = True
    mocked_tab.press("Undo the import")
    mocked_tab.dialog.get_by_role("button", name="Undo the import").click()
    expect(lead(mocked_tab)).to_have_text(f"{result['added']:,} users were removed again.")


def test_a_cancelling_that_comes_too_late_says_so_and_shows_the_result(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    preview = {**NO_FIGURES, "rows": 2, "to_add": 2}
    mocked_api.imports = [import_of(1, "applying", preview=preview, result={**NO_RESULT, "added": 1})]
    mocked_api.steps_end = False
    said = f"import {FIRST} is done, and can't be cancelled now"
    mocked_api.answers[f"/api/imports/{FIRST}/cancel"] = lambda _: fail(409, said)
    mocked_tab.go(f"/imports/{FIRST}")
    mocked_tab.press("Cancel the import")
    expect(mocked_tab.alert).to_contain_text("can't be cancelled now")
    mocked_api.preview, mocked_api.steps_end = preview, True
    expect(lead(mocked_tab)).to_have_text("2 users were added.")
    expect(mocked_tab.page.get_by_role("alert")).to_have_count(0)

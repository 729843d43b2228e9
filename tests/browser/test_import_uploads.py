"""The upload of an import: shown, renewed, made good when it came to a stop, and ended with the session."""

from playwright.sync_api import Route, expect

from tests.browser import mocked
from tests.browser.importing import FIRST, UPLOAD, chosen, file_of, lead
from tests.browser.mocked import MockedApi, import_of
from tests.browser.tab import Tab
from tests.support.waiting import wait_until


def test_an_upload_shows_how_far_it_is_and_goes_on_while_another_view_is_shown(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    held: list[Route] = []
    mocked_tab.page.route(f"{mocked.UPLOADS}/**", lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    chosen(mocked_tab, b"identity\nada\n")
    mocked_tab.press("Upload and preview")
    expect(mocked_tab.page.get_by_role("progressbar")).to_be_visible()
    expect(lead(mocked_tab)).to_contain_text("The file is being uploaded")
    wait_until(lambda: mocked_tab.page.evaluate("1") == 1 and len(held) == 1, "the upload")
    mocked_tab.go("/")
    expect(mocked_tab.row("Gold")).to_be_visible()
    mocked_api.take_upload(held[0])
    mocked_tab.go(f"/imports/{FIRST}")
    expect(lead(mocked_tab)).to_have_text("2 users will be added, 1 of them new.")


def test_a_link_that_has_expired_is_renewed(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    chosen(mocked_tab, b"identity\nada\n")

    def refuse(route: Route) -> None:
        mocked_api.imports[0]["upload"] = mocked.upload_of(FIRST, "second")
        route.fulfill(status=403, headers={"Access-Control-Allow-Origin": "*"}, body="Request has expired")

    mocked_tab.page.route(UPLOAD, refuse)
    mocked_tab.press("Upload and preview")
    expect(lead(mocked_tab)).to_have_text("2 users will be added, 1 of them new.")
    assert list(mocked_api.uploaded) == [f"{mocked.UPLOADS}/{FIRST}/second"]


def test_a_connection_that_is_lost_amid_the_upload_is_told_of_and_made_good(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    mocked_api.upload_statuses = [None]
    chosen(mocked_tab, b"identity\nada\n")
    mocked_tab.press("Upload and preview")
    expect(mocked_tab.alert).to_contain_text("The connection was lost.")
    expect(lead(mocked_tab)).to_have_text("The upload came to a stop. Nothing was changed.")
    mocked_tab.press("Try again")
    expect(lead(mocked_tab)).to_have_text("2 users will be added, 1 of them new.")


def test_an_upload_that_came_to_a_stop_goes_on_when_the_network_is_back(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.upload_statuses = [None]
    chosen(mocked_tab, b"identity\nada\n")
    mocked_tab.press("Upload and preview")
    expect(mocked_tab.alert).to_contain_text("The connection was lost.")
    mocked_tab.page.evaluate("dispatchEvent(new Event('online'))")
    expect(lead(mocked_tab)).to_have_text("2 users will be added, 1 of them new.")


def test_a_tab_that_was_closed_after_the_upload_loses_nothing(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.imports = [import_of(1)]
    mocked_tab.go(f"/imports/{FIRST}")
    mocked_tab.press("It is uploaded already: read it")
    expect(mocked_tab.alert).to_contain_text("nothing has been uploaded yet")
    mocked_api.uploaded[UPLOAD] = b"identity\nada\n"
    mocked_tab.press("It is uploaded already: read it")
    expect(lead(mocked_tab)).to_have_text("2 users will be added, 1 of them new.")


def test_the_file_of_an_import_that_waits_can_be_chosen_later(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.imports = [import_of(1)]
    mocked_tab.go(f"/imports/{FIRST}")
    mocked_tab.press("Choose the file")
    mocked_tab.page.locator("#import-file").set_input_files(files=[file_of(b"customer_id\n7\n")])
    mocked_tab.press("Upload")
    expect(lead(mocked_tab)).to_have_text("2 users will be added, 1 of them new.")
    assert mocked_api.uploaded[UPLOAD] == b"identity\n7\n"


def test_leaving_the_page_is_asked_about_only_while_a_file_is_uploaded(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    asks = "!dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    held: list[Route] = []
    mocked_tab.page.route(f"{mocked.UPLOADS}/**", lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    chosen(mocked_tab, b"identity\nada\n")
    assert mocked_tab.page.evaluate(asks) is False
    mocked_tab.press("Upload and preview")
    wait_until(lambda: mocked_tab.page.evaluate("1") == 1 and len(held) == 1, "the upload")
    assert mocked_tab.page.evaluate(asks) is True
    mocked_api.take_upload(held[0])
    expect(mocked_tab.page.get_by_role("button", name="Add 2 users")).to_be_visible()
    assert mocked_tab.page.evaluate(asks) is False


def test_signing_out_ends_an_upload(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    held: list[Route] = []
    mocked_tab.page.route(f"{mocked.UPLOADS}/**", lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    chosen(mocked_tab, b"identity\nada\n")
    mocked_tab.press("Upload and preview")
    wait_until(lambda: mocked_tab.page.evaluate("1") == 1 and len(held) == 1, "the upload")
    with mocked_tab.page.expect_event("requestfailed", lambda request: request.method == "PUT"):
        mocked_tab.press("Sign out")
    assert mocked_api.imports[0]["status"] == "awaiting_upload"

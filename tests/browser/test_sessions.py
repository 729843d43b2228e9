"""Who is signed in: in one tab, in several, on a device for good; and a draft when a session ends by itself."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.drafts import resume
from tests.browser.mocked import ACCOUNT, BASE, MockedApi, fail
from tests.browser.tab import Tab

LIST = "/api/segments"
STORED = "[localStorage.length, sessionStorage.length]"
ASK_AND_HEAR = """() => new Promise((done) => {
  new BroadcastChannel("api-segments").onmessage = ({ data }) => data.kind === "session" && setTimeout(done);
  document.dispatchEvent(new Event("visibilitychange"));
})"""
WRONG = "account id or passcode is wrong"


def another(tab: Tab, view: str = "/") -> Tab:
    """Open another tab of the same browser."""
    page = tab.page.context.new_page()
    page.goto(f"{BASE}/#{view}")
    return Tab(page, f"{BASE}/")


def stay_signed_in(tab: Tab) -> None:
    tab.open()
    tab.page.get_by_label("Stay signed in on this device").check()
    tab.fill_in(ACCOUNT.account_id, ACCOUNT.passcode)
    expect(tab.row("Gold")).to_be_visible()


def revoke(api: MockedApi) -> Callable[[], None]:
    """Let the API take no passcode any more, until what is returned is called."""
    api.answers[LIST] = lambda _: fail(401, WRONG)
    return api.answers.clear


def test_an_open_tab_hands_its_session_to_a_new_one(mocked_tab: Tab) -> None:
    second = another(mocked_tab, "/segments/1")
    expect(second.page.get_by_role("heading", level=1)).to_have_text("Gold")
    assert second.page.evaluate(STORED) == [0, 1]
    second.page.reload()
    expect(second.page.get_by_role("heading", level=1)).to_have_text("Gold")


def test_the_session_is_gone_with_the_last_tab(mocked_tab: Tab) -> None:
    second = another(mocked_tab)
    expect(second.row("Gold")).to_be_visible()
    mocked_tab.page.close()
    third = another(second)
    expect(third.row("Gold")).to_be_visible()
    context = second.page.context
    second.page.close()
    third.page.close()
    last = context.new_page()
    last.goto(f"{BASE}/")
    expect(last.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    assert last.evaluate(STORED) == [0, 0]


def test_signing_out_ends_all_tabs(mocked_tab: Tab) -> None:
    second = another(mocked_tab)
    expect(second.row("Gold")).to_be_visible()
    mocked_tab.press("Sign out")
    expect(second.alert).to_contain_text("Signed out in another tab.")
    for page in (mocked_tab.page, second.page):
        expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
        assert page.evaluate(STORED) == [0, 0]
    second.page.reload()
    expect(second.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_who_stays_signed_in_is_so_after_the_last_tab(signed_out_tab: Tab) -> None:
    stay_signed_in(signed_out_tab)
    assert signed_out_tab.page.evaluate(STORED) == [1, 1]
    context = signed_out_tab.page.context
    signed_out_tab.page.close()
    page = context.new_page()
    page.goto(f"{BASE}/")
    expect(page.get_by_role("link", name="Gold")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    assert page.evaluate(STORED) == [0, 0]


def test_a_passcode_that_was_revoked_does_not_stay_on_the_device(signed_out_tab: Tab, mocked_api: MockedApi) -> None:
    stay_signed_in(signed_out_tab)
    revoke(mocked_api)
    expect(signed_out_tab.alert).to_contain_text(f"Signed out: {WRONG}")
    assert signed_out_tab.page.evaluate(STORED) == [0, 0]


def test_a_draft_outlives_a_session_that_ends_by_itself(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    resume(mocked_tab, "content", name="Half written")
    restore = revoke(mocked_api)
    page.reload()
    expect(mocked_tab.alert).to_contain_text("The campaign that you were writing is kept in this tab")
    restore()
    mocked_tab.fill_in(ACCOUNT.account_id, "another-passcode")
    expect(page.locator("[aria-current=step]")).to_contain_text("Content")
    mocked_tab.go("/campaigns/new/channel")
    expect(page.get_by_label("Name of the campaign")).to_have_value("Half written")


def test_a_draft_is_not_shown_to_another_account(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    resume(mocked_tab, "content", name="Half written")
    restore = revoke(mocked_api)
    page.reload()
    expect(mocked_tab.alert).to_be_visible()
    restore()
    mocked_tab.fill_in("another-account", ACCOUNT.passcode)
    mocked_tab.go("/campaigns/new/channel")
    expect(page.get_by_label("Name of the campaign")).to_have_value("")


def test_signing_out_asks_where_a_campaign_is_being_written(mocked_tab: Tab) -> None:
    page = mocked_tab.page
    resume(mocked_tab, "content", name="Half written")
    mocked_tab.press("Sign out")
    expect(mocked_tab.dialog).to_contain_text("is discarded")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(mocked_tab.dialog).to_have_count(0)
    expect(page.locator("[aria-current=step]")).to_contain_text("Content")
    mocked_tab.press("Sign out")
    mocked_tab.dialog.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    assert page.evaluate(STORED) == [0, 0]


def test_a_session_that_the_api_takes_no_more_is_not_taken_from_another_tab(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    second = another(mocked_tab, "/nothing")  # it asks the API for nothing, so it does not notice
    expect(second.page.get_by_text("There is no such page")).to_be_visible()
    revoke(mocked_api)
    expect(mocked_tab.alert).to_contain_text(WRONG)
    account = mocked_tab.page.get_by_label("Account id")
    account.fill("typed")
    mocked_tab.page.evaluate(ASK_AND_HEAR)
    expect(account).to_have_value("typed")


def test_what_another_tab_asked_for_is_not_taken(mocked_tab: Tab) -> None:
    second = another(mocked_tab)
    expect(second.row("Gold")).to_be_visible()
    mocked_tab.press("Sign out")
    expect(second.alert).to_contain_text("Signed out in another tab.")
    mocked_tab.fill_in(ACCOUNT.account_id, ACCOUNT.passcode)
    expect(mocked_tab.row("Gold")).to_be_visible()
    third = another(mocked_tab)
    expect(third.row("Gold")).to_be_visible()
    expect(second.alert).to_contain_text("Signed out in another tab.")


def test_a_tab_that_is_signed_out_takes_the_session_of_another_once_it_is_looked_at(mocked_tab: Tab) -> None:
    second = another(mocked_tab)
    expect(second.row("Gold")).to_be_visible()
    mocked_tab.press("Sign out")
    expect(second.alert).to_contain_text("Signed out in another tab.")
    mocked_tab.fill_in(ACCOUNT.account_id, ACCOUNT.passcode)
    expect(mocked_tab.row("Gold")).to_be_visible()
    second.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(second.row("Gold")).to_be_visible()


def test_the_form_of_signing_in_suits_password_managers_and_shows_the_passcode(signed_out_tab: Tab) -> None:
    page = signed_out_tab.page
    signed_out_tab.open()
    expect(page.get_by_label("Account id")).to_have_attribute("autocomplete", "username")
    passcode = page.get_by_label("Passcode", exact=True)
    expect(passcode).to_have_attribute("autocomplete", "current-password")
    expect(page.get_by_label("Account id")).to_be_focused()
    expect(passcode).to_have_attribute("type", "password")
    page.get_by_label("Show passcode").check()
    expect(passcode).to_have_attribute("type", "text")
    page.get_by_label("Show passcode").uncheck()
    expect(passcode).to_have_attribute("type", "password")
    expect(page.get_by_text("Ask whoever runs this installation.")).to_be_visible()


def test_starting_over_asks(mocked_tab: Tab) -> None:
    page = mocked_tab.page
    resume(mocked_tab, "content", name="Half written")
    mocked_tab.press("Start over")
    mocked_tab.press("Keep writing")
    expect(page.locator("[aria-current=step]")).to_contain_text("Content")
    mocked_tab.press("Start over")
    mocked_tab.dialog.get_by_role("button", name="Start over").click()
    expect(page.get_by_label("Name of the campaign")).to_have_value("")
    mocked_tab.press("Start over")  # nothing is lost: it does not ask
    expect(mocked_tab.dialog).to_have_count(0)

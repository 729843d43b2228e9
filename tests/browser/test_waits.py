"""Every wait has an end, a reason and a way out: an API that is slow, or that never answers."""

from playwright.sync_api import Page, Route, expect

from tests.browser.mocked import ACCOUNT, MockedApi, fail
from tests.browser.tab import Tab

LISTS = "**/api/segments?*"
ERRORS = "**/api/errors?*"
NO_REFRESHES = "{ const soon = setTimeout; window.setTimeout = (work, wait) => soon(work, wait > 1000 ? 1e9 : wait); }"
SLOW = "The API is slow to answer. Waiting up to 30 seconds …"
NOT_IN_TIME = "The API has not answered for 30 seconds."


def keep_silent(page: Page, path: str) -> list[Route]:
    """Answer nothing at a path; returns what was asked there."""
    held: list[Route] = []
    page.route(path, lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    return held


def begin_to_sign_in(tab: Tab) -> None:
    tab.page.clock.install()
    tab.open()
    keep_silent(tab.page, LISTS)
    with tab.page.expect_request(LISTS):
        tab.fill_in(ACCOUNT.account_id, ACCOUNT.passcode)
    expect(tab.page.get_by_role("button", name="Signing in …")).to_be_disabled()


def test_signing_in_ends_when_the_api_does_not_answer(signed_out_tab: Tab) -> None:
    page = signed_out_tab.page
    begin_to_sign_in(signed_out_tab)
    expect(page.get_by_text(SLOW)).to_be_hidden()
    page.clock.fast_forward(6_000)
    expect(page.get_by_text(SLOW)).to_be_visible()
    page.clock.fast_forward(25_000)
    expect(signed_out_tab.alert).to_contain_text(NOT_IN_TIME)
    expect(page.get_by_text(SLOW)).to_be_hidden()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_focused()
    page.unroute(LISTS)
    signed_out_tab.press("Sign in")
    expect(signed_out_tab.row("Gold")).to_be_visible()


def test_signing_in_is_given_up(signed_out_tab: Tab) -> None:
    page = signed_out_tab.page
    begin_to_sign_in(signed_out_tab)
    signed_out_tab.press("Cancel")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_focused()
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(signed_out_tab.alert).to_have_count(0)
    expect(page.get_by_label("Account id")).to_have_value(ACCOUNT.account_id)


def test_a_view_that_is_not_answered_says_so_and_can_be_tried_again(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_api.answers["/api/errors"] = lambda _: {"errors": [], "cursor": None}
    page.clock.install()
    page.reload()
    expect(mocked_tab.row("Gold")).to_be_visible()
    keep_silent(page, ERRORS)
    with page.expect_request(ERRORS):
        mocked_tab.go("/errors")
    page.clock.fast_forward(31_000)
    expect(mocked_tab.alert).to_contain_text(NOT_IN_TIME)
    page.unroute(ERRORS)
    mocked_tab.press("Try again")
    expect(page.get_by_text("Nothing was rejected")).to_be_visible()


def test_leaving_a_view_that_is_waited_for_ends_the_wait(mocked_tab: Tab) -> None:
    page = mocked_tab.page
    page.clock.install()
    page.reload()
    expect(mocked_tab.row("Gold")).to_be_visible()
    keep_silent(page, ERRORS)
    with page.expect_request(ERRORS):
        mocked_tab.go("/errors")
    page.clock.fast_forward(6_000)
    expect(page.get_by_text(SLOW)).to_be_visible()
    mocked_tab.go("/")
    expect(mocked_tab.row("Gold")).to_be_visible()
    expect(page.get_by_text(SLOW)).to_be_hidden()
    expect(mocked_tab.alert).to_have_count(0)


def test_what_fails_is_not_tried_for_longer_than_anything_is_waited_for(mocked_tab: Tab) -> None:
    """Each try of a gateway that gives up late takes long; four of them would stand for two minutes."""
    page = mocked_tab.page
    page.clock.install()
    page.reload()
    expect(mocked_tab.row("Gold")).to_be_visible()
    held = keep_silent(page, ERRORS)
    with page.expect_request(ERRORS):
        mocked_tab.go("/errors")
    page.clock.fast_forward(25_000)
    held[0].fulfill(status=504, headers={"Retry-After": "10"}, json={"message": "Endpoint request timed out"})
    expect(mocked_tab.alert).to_contain_text("The API answered 504.")
    assert len(held) == 1


def test_the_api_is_not_waited_for_as_long_as_it_asks(mocked_tab: Tab) -> None:
    page = mocked_tab.page
    later = {"status": 429, "headers": {"Retry-After": "3600"}, "json": fail(429, "too many requests")[1]}
    page.route(ERRORS, lambda route: route.fulfill(**later))
    mocked_tab.go("/errors")
    expect(mocked_tab.alert).to_contain_text("too many requests")


def test_offline_the_figures_stay_with_the_time_that_they_are_of(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    page.add_init_script(NO_REFRESHES)
    page.reload()
    expect(mocked_tab.cell("Gold", "Members")).to_have_text("1,500")
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline. Figures stay as they were at ")).to_be_visible()
    expect(mocked_tab.cell("Gold", "Members")).to_have_text("1,500")
    mocked_api.segments[0]["members"] = 1501
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_be_hidden()
    expect(mocked_tab.cell("Gold", "Members")).to_have_text("1,501")

"""Usage: this month first, and of those before it only what there is."""

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route, expect

from tests.browser.mocked import NOON
from tests.browser.tab import Tab
from tests.browser.test_accessibility import check


def use(page: Page, points: dict[str, int]) -> None:
    """Let months have data points, all others none."""

    def answer(route: Route) -> None:
        (month,) = parse_qs(urlsplit(route.request.url).query)["month"]
        route.fulfill(json={"month": month, "data_points": points.get(month, 0), "plan": "Advanced"})

    page.clock.set_fixed_time(NOON)
    page.route("**/api/usage?*", answer)


def test_this_month_comes_first_and_empty_months_before_the_first_are_left_out(mocked_tab: Tab) -> None:
    page = mocked_tab.page
    use(page, {"2026-11": 1200, "2026-08": 7})
    mocked_tab.go("/usage")
    expect(page.locator(".totals > div").first).to_have_text("Nov 2026 so far1,200")
    expect(page.get_by_role("rowheader")).to_have_text(["Nov 2026", "Oct 2026", "Sep 2026", "Aug 2026"])
    expect(page.locator("svg rect")).to_have_count(4)
    told = "Data points by month: Aug 2026 7, Sep 2026 0, Oct 2026 0, Nov 2026 1,200"
    expect(page.get_by_role("img")).to_have_accessible_name(told)
    check(mocked_tab, "usage")


def test_an_account_without_earlier_months_shows_no_zeros(mocked_tab: Tab) -> None:
    page = mocked_tab.page
    use(page, {"2026-11": 3})
    mocked_tab.go("/usage")
    expect(page.get_by_text("There were no data points in the eleven months before.")).to_be_visible()
    expect(page.get_by_role("img")).to_have_count(0)
    expect(page.get_by_role("table")).to_have_count(0)


def test_this_month_does_not_wait_for_those_before(mocked_tab: Tab) -> None:
    page = mocked_tab.page
    use(page, {"2026-11": 3})
    page.route("**/api/usage?month=2026-03", lambda _: None)
    mocked_tab.go("/usage")
    expect(page.locator(".totals > div").first).to_have_text("Nov 2026 so far3")
    expect(page.get_by_text("Loading the months before …")).to_be_visible()

"""`/docs`: axe finds nothing in it, light or dark; it leads back to the page, and calls the API that it came from."""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import opened
from tests.browser.tab import Tab
from tests.browser.test_accessibility import EVERYTHING, expect_nothing
from tests.support.served import Served, served_api, serving

NARROW: ViewportSize = {"width": 390, "height": 800}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
CREATE, LIST = "#operations-Segments-createSegments", "#operations-Segments-listSegments"


@pytest.fixture
def api() -> Iterator[Served]:
    with served_api() as served:
        yield served


@pytest.fixture
def docs(browser: Browser, api: Served, unforeseen: list[str]) -> Iterator[Tab]:
    with serving(api) as url, opened(browser, url, {"reduced_motion": "reduce"}, unforeseen) as tab:
        tab.page.goto(f"{url}/docs")
        expect(tab.page.locator(LIST)).to_be_visible()
        yield tab


def dress(page: Page, scheme: Scheme) -> None:
    page.emulate_media(color_scheme=scheme)
    expect(page.locator("html")).to_have_class("dark-mode" if scheme == "dark" else "")


def check(tab: Tab, where: str) -> None:
    for scheme in SCHEMES:
        dress(tab.page, scheme)
        expect_nothing(tab, f"{where}, {scheme}", EVERYTHING)


def open_operation(page: Page, operation: str) -> None:
    page.locator(f"{operation} .opblock-summary-control").click()
    expect(page.locator(f"{operation} .opblock-body")).to_be_visible()


def test_axe_finds_nothing_in_the_docs(docs: Tab, api: Served) -> None:
    page = docs.page
    check(docs, "the list")
    for operation in (CREATE, LIST):
        open_operation(page, operation)
    check(docs, "two operations")
    page.locator(".btn.authorize").first.click()
    check(docs, "the headers")
    for label, value in (("AccountId", api.account_id), ("Passcode", api.passcode)):
        form = page.locator(".auth-container").filter(has_text=label)
        form.locator("input").fill(value)
        form.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close", exact=True).last.click()
    page.locator(f"{LIST} .try-out__btn").click()
    for parameter in ("customer_segment_id", "customer_segment_id_prefix", "cursor"):
        page.locator(f'{LIST} tr[data-param-name="{parameter}"] input').fill("")
    page.locator(f"{LIST} .execute").click()
    expect(page.locator(f"{LIST} .live-responses-table td.response-col_status").last).to_have_text("200")
    check(docs, "an answer")


def test_the_docs_lead_back_to_the_page_and_fit_a_phone(docs: Tab) -> None:
    page = docs.page
    back = page.get_by_role("navigation", name="Main").get_by_role("link", name="API Segments")
    assert back.evaluate("link => link.href") == docs.url
    page.set_viewport_size(NARROW)
    content, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert content <= window


def test_the_docs_follow_the_systems_colours(docs: Tab) -> None:
    for scheme, ground in {"light": "rgba(0, 0, 0, 0)", "dark": "rgb(28, 32, 34)"}.items():
        dress(docs.page, "dark" if scheme == "dark" else "light")
        expect(docs.page.locator("body")).to_have_css("background-color", ground)

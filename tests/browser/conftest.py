"""A headless Chromium before the deployed stack, a tab of its own for each test, and what a person does in it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, expect, sync_playwright

from local.stack import Account, Stack
from tests.browser import chromium, mocked
from tests.browser.mocked import MockedApi
from tests.browser.tab import Tab
from tests.e2e.conftest import AccountFactory, account_factory, client_of, shop
from tests.support.waiting import PATIENCE_SECONDS

__all__ = ["account_factory", "shop"]  # fixtures of the other tier

PATIENCE = PATIENCE_SECONDS * 1000  # milliseconds

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    try:
        path = chromium.find(playwright)
    except chromium.MissingChromiumError as exc:
        pytest.exit(str(exc), returncode=1)
    running = playwright.chromium.launch(executable_path=path, args=chromium.ARGUMENTS)
    yield running
    running.close()


@pytest.fixture
def account(account_factory: AccountFactory) -> Account:
    """An account of the test's own, without segments."""
    return account_factory()


@pytest.fixture
def api(stack: Stack, account: Account) -> Iterator[httpx.Client]:
    """Speaks to the API for that account, as a backend does beside the page."""
    with client_of(stack, account) as client:
        yield client


@pytest.fixture
def options() -> dict[str, Any]:
    """What the tab's window is like; tests override it by parametrizing."""
    return {}


@pytest.fixture
def unforeseen() -> list[str]:
    """What happened in the tab that should not; whoever foresees it takes it out."""
    return []


@pytest.fixture
def tab(browser: Browser, stack: Stack, options: dict[str, Any], unforeseen: list[str]) -> Iterator[Tab]:
    """An empty tab of a browser that has never been here; nothing unforeseen may have happened in it at the end."""
    with opened(browser, stack.api_url, options, unforeseen) as tab:
        yield tab


@pytest.fixture
def mocked_api() -> MockedApi:
    """What the API of `mocked_tab` answers."""
    return MockedApi()


@pytest.fixture
def signed_out_tab(
    browser: Browser, mocked_api: MockedApi, options: dict[str, Any], unforeseen: list[str]
) -> Iterator[Tab]:
    """A tab as `tab` before an API that is made up: no stack is needed. Other tabs of its browser are before it too."""
    with opened(browser, mocked.BASE, options, unforeseen) as tab:
        tab.page.context.route(f"{mocked.ORIGIN}/**", mocked_api.handle)
        tab.page.context.route(f"{mocked.UPLOADS}/**", mocked_api.take_upload)
        yield tab


@pytest.fixture
def mocked_tab(signed_out_tab: Tab) -> Tab:
    """That tab, signed in."""
    signed_out_tab.sign_in(mocked.ACCOUNT)
    return signed_out_tab


@contextmanager
def opened(browser: Browser, api_url: str, options: Mapping[str, Any], unforeseen: list[str]) -> Iterator[Tab]:
    """Open a tab for as long as the block lasts."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    watch(page, api_url, unforeseen)
    yield Tab(page, f"{api_url}/")
    context.close()
    assert unforeseen == []


def watch(page: Page, api_url: str, unforeseen: list[str]) -> None:
    """Note errors of scripts, complaints of the browser (such as of the policy), and requests to anywhere else."""
    own = {urlsplit(address).netloc for address in (api_url, mocked.UPLOADS)}

    def on_console(message: ConsoleMessage) -> None:
        # The browser itself notes each answer that is not a success, and each request that fails.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            unforeseen.append(f"{message.type}: {message.text}")

    def on_request(request: Request) -> None:
        target = urlsplit(request.url)
        if target.scheme not in ("data", "blob") and target.netloc not in own:
            unforeseen.append(f"a request to {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: unforeseen.append(f"script error: {error}"))
    page.on("request", on_request)

"""A browser's tab and what a person does in it."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from local.stack import Account


@dataclass(frozen=True)
class Tab:
    """One tab; `url` is the page's address."""

    page: Page
    url: str

    def open(self) -> None:
        """Go to the page's address."""
        self.page.goto(self.url)

    def sign_in(self, account: Account) -> None:
        """Open the page and sign in."""
        self.open()
        self.fill_in(account.account_id, account.passcode)
        self.page.get_by_role("heading", name="Segments", exact=True).wait_for()

    def fill_in(self, account_id: str, passcode: str) -> None:
        """Fill the form of signing in and send it."""
        self.page.get_by_label("Account id").fill(account_id)
        self.page.get_by_label("Passcode", exact=True).fill(passcode)
        self.press("Sign in")

    def go(self, view: str) -> None:
        """Go to a view by its address."""
        self.page.goto(f"{self.url}#{view}")

    def press(self, name: str) -> None:
        """Press the button of that name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def row(self, name: str) -> Locator:
        """Return the row of a segment in the list."""
        return self.page.get_by_role("row").filter(has=self.page.get_by_role("link", name=name, exact=True))

    def cell(self, name: str, column: str) -> Locator:
        """Return a cell of a segment's row."""
        return self.row(name).locator(f'[data-label="{column}"]')

    @property
    def alert(self) -> Locator:
        """What the page says went wrong."""
        return self.page.get_by_role("alert")

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")

    def total(self, name: str) -> Locator:
        """Return a figure of a run's result."""
        return self.dialog.locator(".totals > div").filter(has_text=name).locator("dd")

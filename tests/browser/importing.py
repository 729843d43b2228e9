"""Files of users in the page: chosen for a segment, sent, and what is said of their imports."""

from playwright.sync_api import FilePayload, Locator, expect

from tests.browser import mocked
from tests.browser.mocked import MockedApi
from tests.browser.tab import Tab
from tests.support.waiting import wait_until

SEGMENT = "/segments/1"
FIRST = f"{1:021x}"
UPLOAD = f"{mocked.UPLOADS}/{FIRST}/first"


def file_of(content: bytes, name: str = "customers.csv") -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": content}


def chosen(tab: Tab, content: bytes, name: str = "customers.csv") -> Locator:
    """Open the dialog for a segment, choose a file in it, and return the dialog."""
    tab.go(SEGMENT)
    tab.press("Import a file")
    tab.page.locator("#import-file").set_input_files(files=[file_of(content, name)])
    expect(tab.dialog.locator(".reading .file, .reading .problem").first).to_be_visible()
    return tab.dialog


def sent(tab: Tab, api: MockedApi) -> bytes:
    """Send what is chosen; return what came to the bucket."""
    tab.press("Upload and preview")
    expect(tab.page.get_by_role("heading", name="Import into Gold")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Cancel the import")).to_be_visible()
    wait_until(lambda: tab.page.evaluate("1") == 1 and UPLOAD in api.uploaded, "the upload")
    return api.uploaded[UPLOAD]


def lead(tab: Tab) -> Locator:
    return tab.page.locator(".lead")

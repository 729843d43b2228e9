"""What reads or types badly: arrows in the names of buttons, a name that no keyboard has."""

import pytest
from playwright.sync_api import expect

from tests.browser.mocked import MockedApi, segment
from tests.browser.tab import Tab


def test_a_button_that_sorts_is_called_as_its_column(mocked_tab: Tab) -> None:
    expect(mocked_tab.page.get_by_role("button", name="Name", exact=True)).to_be_visible()
    mocked_tab.press("Name")
    expect(mocked_tab.page.get_by_role("button", name="Name", exact=True)).to_be_visible()
    mocked_tab.press("Name")
    expect(mocked_tab.page.get_by_role("button", name="Name", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("typed", "is_enough"), [("1", True), (" 1 ", True), ("2", False), ("", False), ("esrever", False)]
)
def test_a_segment_can_be_deleted_by_its_id(
    mocked_tab: Tab, mocked_api: MockedApi, typed: str, is_enough: bool
) -> None:
    mocked_api.segments = [segment(1, "\u202eesrever")]
    mocked_tab.go("/segments/1")
    mocked_tab.press("Delete")
    mocked_tab.page.get_by_label("Type the name to confirm").fill(typed)
    button = mocked_tab.page.get_by_role("button", name="Delete for ever")
    expect(button).to_be_enabled() if is_enough else expect(button).to_be_disabled()

"""Segments created from the page: from pasted lines as they stand, and once, whatever becomes of the answer."""

import httpx
import pytest
from playwright.sync_api import Route, expect

from local.stack import Account
from tests.browser.tab import Tab
from tests.support.waiting import wait_until

CREATES = "**/api/createSegment"


@pytest.fixture
def lines(tab: Tab, account: Account) -> None:
    """The dialog is open for many."""
    tab.sign_in(account)
    tab.press("Create segments")
    tab.page.get_by_label("Many, from pasted lines").check()


def created(api: httpx.Client) -> dict[str, str | None]:
    found = api.get("/api/segments").json()["segments"]
    return {segment["segment_name"]: segment["customer_segment_id"] for segment in found}


@pytest.mark.usefixtures("lines")
@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("Hats; caps\nShoes", {"Hats; caps": None, "Shoes": None}),
        ("Hats; caps,HATS", {"Hats; caps": "HATS"}),
        ("Hats, caps\tHATS\nShoes, all\t", {"Hats, caps": "HATS", "Shoes, all": None}),
    ],
    ids=["semicolons", "a comma", "tabs"],
)
def test_names_and_ids_are_divided_by_comma_or_tab_alone(
    tab: Tab, api: httpx.Client, pasted: str, expected: dict[str, str | None]
) -> None:
    tab.page.get_by_label("Segments, one a line").fill(pasted)
    tab.press("Create")
    expect(tab.dialog).to_have_count(0)
    assert created(api) == expected


@pytest.mark.usefixtures("lines")
def test_a_line_of_more_than_two_cells_is_left_to_be_mended(tab: Tab, api: httpx.Client) -> None:
    lines = tab.page.get_by_label("Segments, one a line")
    lines.fill("Gold,GOLD\nHats, caps, scarves")
    tab.press("Create")
    expect(tab.alert).to_contain_text("Created 1 segment; 1 line could not be created")
    expect(lines).to_have_value("Hats,caps,scarves")
    expect(tab.dialog.get_by_role("table")).to_contain_text("has more than a name and a customer id")
    assert created(api) == {"Gold": "GOLD"}


@pytest.mark.usefixtures("lines")
def test_quotes_that_do_not_end_create_nothing(tab: Tab, api: httpx.Client) -> None:
    tab.page.get_by_label("Segments, one a line").fill('Gold\n"Silver\nBronze')
    tab.press("Create")
    expect(tab.alert).to_contain_text("The double quote that opens a cell in line 2 has no other that closes it.")
    assert created(api) == {}


@pytest.mark.usefixtures("lines")
def test_a_line_that_the_api_cannot_read_is_left_beside_those_that_were_created(tab: Tab, api: httpx.Client) -> None:
    lines = tab.page.get_by_label("Segments, one a line")
    long = "x" * 256
    lines.fill(f"Gold,GOLD\n{long}\nSilver")
    with tab.page.expect_request(CREATES):
        tab.press("Create")
    expect(tab.alert).to_contain_text("Created 2 segments; 1 line could not be created")
    expect(lines).to_have_value(long)
    expect(tab.dialog.get_by_role("table")).to_contain_text("segment_name: must have 1 to 255 characters, has 256")
    assert created(api) == {"Gold": "GOLD", "Silver": None}


@pytest.mark.usefixtures("lines")
def test_a_line_that_the_answer_only_tells_the_index_of_is_left_whole(tab: Tab) -> None:
    failed = {"status": "fail", "code": 400, "error": "segment_name: wrong", "record": {"index": 1}}
    answer = {"status": "fail", "processed": 0, "segments": [], "unprocessed": [failed]}
    tab.page.route(CREATES, lambda route: route.fulfill(json=answer))
    lines = tab.page.get_by_label("Segments, one a line")
    lines.fill("Gold\nSilver,SILVER")
    tab.press("Create")
    expect(lines).to_have_value("Silver,SILVER")
    expect(tab.dialog.get_by_role("rowheader").or_(tab.dialog.get_by_role("cell")).first).to_have_text("Silver")


def test_one_segment_that_the_api_cannot_read_stays_in_the_form_with_the_reason(
    tab: Tab, api: httpx.Client, account: Account
) -> None:
    tab.sign_in(account)
    tab.press("Create segments")
    name = tab.page.get_by_label("Name", exact=True)
    name.fill("x" * 256)
    tab.press("Create")
    expect(tab.alert).to_have_text("segment_name: must have 1 to 255 characters, has 256")
    expect(name).to_have_value("x" * 256)
    assert created(api) == {}
    name.fill("Gold")
    tab.press("Create")
    expect(tab.row("Gold")).to_have_count(1)


def test_a_create_whose_answer_is_lost_is_done_once(tab: Tab, api: httpx.Client, account: Account) -> None:
    """Each of its tries is lost on the way back; who then presses the button again means the same segment."""
    keys: list[str | None] = []

    def lose(route: Route) -> None:
        keys.append(route.request.header_value("Idempotency-Key"))
        route.fetch()
        route.abort()

    tab.sign_in(account)
    tab.press("Create segments")
    tab.page.get_by_label("Name", exact=True).fill("Gold")
    tab.page.route(CREATES, lose)
    tab.press("Create")
    expect(tab.alert).to_contain_text("The API does not answer.")
    tab.page.unroute(CREATES)
    tab.press("Create")
    expect(tab.row("Gold")).to_have_count(1)
    assert list(created(api)) == ["Gold"]
    assert len(api.get("/api/segments").json()["segments"]) == 1
    assert keys[0]
    assert set(keys) == {keys[0]}, "a try with another key may create it again"


def test_each_create_bears_a_key_of_its_own(tab: Tab, account: Account) -> None:
    keys: list[str | None] = []

    def note(route: Route) -> None:
        keys.append(route.request.header_value("Idempotency-Key"))
        route.continue_()

    tab.sign_in(account)
    tab.page.route(CREATES, note)
    for _ in range(2):
        tab.press("Create segments")
        tab.page.get_by_label("Name", exact=True).fill("Gold")
        tab.press("Create")
        expect(tab.dialog).to_have_count(0)
    expect(tab.row("Gold")).to_have_count(2)
    assert len(set(keys)) == 2


@pytest.mark.usefixtures("lines")
def test_neither_going_back_nor_the_end_of_the_session_loses_the_lines(tab: Tab) -> None:
    held: list[Route] = []
    lines = tab.page.get_by_label("Segments, one a line")
    lines.fill("Gold\nSilver")
    tab.page.route(CREATES, lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    tab.press("Create")
    wait_until(lambda: tab.page.evaluate("1") == 1 and len(held) == 1, "the request")
    tab.go("/usage")
    expect(tab.dialog.get_by_text("Creating 2 segments …")).to_be_visible()
    held[0].fulfill(status=401, json={"status": "fail", "error": "the passcode is wrong", "code": 401})
    expect(tab.dialog.get_by_role("alert")).to_contain_text("2 lines could not be created")
    expect(lines).to_have_value("Gold\nSilver")
    tab.page.keyboard.press("Escape")
    expect(tab.dialog).to_have_count(0)
    expect(tab.alert).to_contain_text("Signed out: the passcode is wrong")

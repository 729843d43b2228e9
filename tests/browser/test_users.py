"""One user: found by identity or address, named as people name them, with attributes in order, erased after asking."""

import pytest
from playwright.sync_api import expect

from tests.browser.mocked import Json, MockedApi, fail
from tests.browser.tab import Tab
from tests.browser.test_accessibility import check

GUID = "5f2d6c1e9b7a4c38a1e0d4f6b8c2937a"
REACHABLE = {"email": True, "sms": True, "push": False, "whatsapp": False, "web_push": False}
ATTRIBUTES: Json = {
    "visits": 12345.5,
    "DOB": "$D_0",
    "Favourite shop": "Leeds",
    "MSG-email": True,
    "Email": "ada@example.com",
    "Name": "Ada Example",
    "item 10": "b",
    "item 9": "a",
}


def user(api: MockedApi, identity: str | None = "CT1", **attributes: object) -> None:
    """Let the API know one user, who is in Gold."""
    record: Json = {
        "identity": identity,
        "guid": GUID,
        "profileData": attributes,
        "tokens": [],
        "reachable": REACHABLE,
        "opted_out": [],
    }
    segments = [{"id": 1, "segment_name": "Gold", "customer_segment_id": "GOLD"}]
    told = {"identity": identity, "guid": GUID, "segments": segments}
    api.answers["/1/profile.json"] = lambda _: {"status": "success", "record": record}
    for named in (identity, GUID):
        api.answers[f"/api/profiles/{named}/segments"] = lambda _: told
    api.answers[f"/api/profiles/{GUID}"] = lambda _: {"status": "success"}


@pytest.mark.parametrize(
    ("identity", "attributes", "name"),
    [
        ("CT1", {"Name": "Ada Example", "Email": "ada@example.com"}, "Ada Example"),
        ("CT1", {"Name": " ", "Email": "ada@example.com"}, "CT1"),
        (None, {"Email": "ada@example.com", "Phone": "+12025550123"}, "ada@example.com"),
        (None, {"Phone": "+12025550123"}, "+12025550123"),
        (None, {}, "Anonymous user"),
    ],
)
def test_the_heading_is_the_users_name(
    mocked_tab: Tab, mocked_api: MockedApi, identity: str | None, attributes: Json, name: str
) -> None:
    user(mocked_api, identity, **attributes)
    mocked_tab.go(f"/users/guid/{GUID}")
    expect(mocked_tab.page.get_by_role("heading", level=1)).to_have_text(name)
    expect(mocked_tab.page).to_have_title(f"{name} · API Segments")


def test_attributes_are_in_order_and_read_as_people_write_them(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    user(mocked_api, **ATTRIBUTES)
    mocked_tab.go("/users/identity/CT1")
    shown = mocked_tab.page.locator(".attributes > div")
    expect(shown.locator("dt")).to_have_text(
        ["Name", "Email", "DOB", "MSG-email", "Favourite shop", "item 9", "item 10", "visits"]
    )
    expect(shown.locator("dd")).to_have_text(
        ["Ada Example", "ada@example.com", "1970-01-01 UTC $D_0", "yes", "Leeds", "a", "b", "12,345.5"]
    )
    check(mocked_tab, "a user")


def test_a_user_is_found_by_email_address(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    user(mocked_api, Name="Ada Example")
    mocked_api.having = {"ada@example.com": [{"identity": "CT1", "guid": GUID, "reachable": REACHABLE}]}
    page = mocked_tab.page
    page.get_by_role("link", name="Users").click()
    page.get_by_label("Named by").select_option("email address")
    page.get_by_label("User", exact=True).fill(" ada@example.com ")
    mocked_tab.press("Look up")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Example")
    assert page.evaluate("location.hash") == "#/users?email=ada%40example.com"
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Example")


def test_of_several_with_a_phone_number_each_is_a_link(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.having = {
        "+12025550123": [
            {"identity": "CT1", "guid": GUID, "reachable": REACHABLE},
            {"identity": None, "guid": "77aa", "reachable": REACHABLE},
        ]
    }
    mocked_tab.go("/users?phone=%2B12025550123")
    page = mocked_tab.page
    expect(page.get_by_role("heading", name="2 users with this phone number")).to_be_visible()
    expect(page.get_by_role("link", name="CT1")).to_have_attribute("href", "#/users/identity/CT1")
    expect(page.get_by_role("link", name="anonymous")).to_have_attribute("href", "#/users/guid/77aa")
    expect(page.get_by_label("User", exact=True)).to_have_value("+12025550123")


def test_nobody_has_an_address(mocked_tab: Tab) -> None:
    mocked_tab.go("/users?email=nobody@example.com")
    expect(mocked_tab.page.get_by_text("There is no user with this email address.")).to_be_visible()
    link = mocked_tab.page.get_by_role("link", name="Is the address suppressed?")
    expect(link).to_have_attribute("href", "#/addresses?email=nobody%40example.com")


def test_what_is_no_address_is_said_and_not_tried_again(mocked_tab: Tab) -> None:
    mocked_tab.go("/users?email=nobody")
    expect(mocked_tab.alert).to_contain_text("must be an email address")
    expect(mocked_tab.page.get_by_role("button", name="Try again")).to_have_count(0)


def test_a_user_is_erased_after_asking(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    user(mocked_api, Name="Ada Example")
    mocked_tab.go("/users/identity/CT1")
    mocked_tab.press("Erase the user")
    expect(mocked_tab.dialog).to_contain_text("for ever")
    expect(page.get_by_role("button", name="Keep the user")).to_be_focused()
    check(mocked_tab, "erasing")
    mocked_tab.press("Keep the user")
    assert mocked_api.bodies(f"/api/profiles/{GUID}") == []
    mocked_tab.press("Erase the user")
    mocked_tab.press("Erase for ever")
    expect(page.get_by_text("The user is erased.")).to_be_visible()
    assert len(mocked_api.bodies(f"/api/profiles/{GUID}")) == 1


def test_an_erasure_that_is_refused_says_why(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    user(mocked_api, Name="Ada Example")
    mocked_api.answers[f"/api/profiles/{GUID}"] = lambda _: fail(404, "there is no such user")
    mocked_tab.go("/users/identity/CT1")
    mocked_tab.press("Erase the user")
    mocked_tab.press("Erase for ever")
    expect(mocked_tab.alert).to_contain_text("there is no such user")
    expect(mocked_tab.page.get_by_role("button", name="Erase for ever")).to_be_enabled()

"""Names that look like markup, run the other way, are very long or use rare characters are text and nothing else."""

from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from local.stack import Account
from tests.browser.tab import Tab
from tests.support.bodies import act, update, users
from tests.support.uploads import profile

NAMES = (
    "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">",
    "\"><svg onload=alert(1)> ' onmouseover='alert(1)",
    "مشترو الذهب \u202eesrever",
    "W" * 255,
    "🦊 fox lovers 👩\u200d👩\u200d👧 é\u0301",
    "${alert(1)} {{1+1}} javascript:alert(1)",
    "two  spaces   three",
)


@pytest.fixture
def segments(api: httpx.Client) -> dict[str, int]:
    """Segments, customer ids, users, profiles and rejected entries that all bear such names."""
    body = [{"segment_name": name, "customer_segment_id": name} for name in NAMES]
    made = api.post("/api/createSegment", json=body).json()["segments"]
    api.post("/1/upload", json={"d": [profile(name, Name=name) for name in NAMES]})
    for segment in made:
        name = segment["segment_name"]
        api.post("/api/updateSegment", json=update(users(name), [act("ADD", ct=segment["id"])]))
        api.post("/api/updateSegment", json=update(users(name), [act("ADD", customer=f"no {name}"[:255])]))
    return {segment["segment_name"]: segment["id"] for segment in made}


def texts(tab: Tab, selector: str) -> list[Any]:
    """Return the texts of elements as they are, where innerText would fold spaces."""
    return [element.text_content() for element in tab.page.locator(selector).all()]


def test_the_list_shows_names_as_they_were_sent(tab: Tab, segments: dict[str, int], account: Account) -> None:
    tab.sign_in(account)
    expect(tab.page.get_by_role("rowheader")).to_have_count(len(NAMES))
    assert texts(tab, ".segments th bdi") == list(reversed(segments))
    assert texts(tab, ".segments .customer bdi") == list(reversed(segments))
    box = tab.page.get_by_role("table").bounding_box()
    assert box is not None
    assert box["width"] <= 1280, "a long name makes the table wider than the window"


def test_a_user_and_the_errors_show_names_as_they_were_sent(
    tab: Tab, segments: dict[str, int], account: Account
) -> None:
    page = tab.page
    tab.sign_in(account)
    page.get_by_role("link", name="Users").click()
    for name in segments:
        page.get_by_label("User", exact=True).fill(name)
        tab.press("Look up")
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        assert texts(tab, "tbody th") == [name]
        assert texts(tab, ".attributes dd") == [name]
    page.get_by_role("link", name="Errors").click()
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(len(NAMES) + 1)
    assert texts(tab, "td.user bdi") == list(reversed(segments))
    assert page.evaluate("[document.scripts.length, document.images.length]") == [1, 0]
    assert page.title() == "Errors · API Segments"


@pytest.mark.parametrize("name", [NAMES[0], NAMES[2], NAMES[3]], ids=["markup", "right to left", "long"])
def test_a_segment_can_be_deleted_by_its_name(
    tab: Tab, api: httpx.Client, segments: dict[str, int], account: Account, name: str
) -> None:
    page = tab.page
    tab.sign_in(account)
    tab.go(f"/segments/{segments[name]}")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    tab.press("Delete")
    assert tab.dialog.locator("strong").text_content() == name
    page.get_by_label("Type the name to confirm").fill(name)
    tab.press("Delete for ever")
    expect(page.locator(".badge.deleted")).to_be_visible()
    assert api.get(f"/api/segments/{segments[name]}").json()["status"] == "deleted"


@pytest.mark.parametrize("identity", [".", ".."])
def test_who_can_be_in_no_path_is_shown_as_nobody_else(
    tab: Tab, api: httpx.Client, account: Account, identity: str
) -> None:
    """A browser takes these for steps along the path, and what they lead to is another resource, with a good answer."""
    created = api.post("/api/createSegment", json=[{"segment_name": "Gold"}, {"segment_name": "Silver"}])
    gold = created.json()["segments"][0]["id"]
    api.post("/api/updateSegment", json=update(users(identity), [act("ADD", ct=gold)]))
    page = tab.page
    tab.sign_in(account)
    tab.go(f"/users/identity/{identity}")
    expect(page.get_by_role("heading", level=1)).to_have_text(identity)
    expect(page.get_by_role("link", name="Gold")).to_be_visible()  # as the guid can be in a path
    expect(page.get_by_role("link", name="Silver")).to_have_count(0)
    page.get_by_role("listbox", name="Segment").select_option("Silver")
    tab.press("Add to the segment")
    expect(page.locator("#user-segments")).to_be_focused()
    tab.go(f"/segments/{gold}")
    page.get_by_label("Is a user in it? Identity").fill(identity)
    tab.press("Look")
    expect(page.get_by_text("The API can't be asked by path for a user of this identity.")).to_be_visible()


def test_an_answer_for_somebody_else_is_not_shown(tab: Tab, api: httpx.Client, account: Account) -> None:
    api.post("/1/upload", json={"d": [profile("ada"), profile("ben")]})
    other = api.get("/api/profiles/ben/segments").json()
    tab.page.route("**/api/profiles/ada/segments", lambda route: route.fulfill(json=other))
    tab.sign_in(account)
    tab.go("/users/identity/ada")
    expect(tab.alert).to_contain_text("The API answered for another user than the one asked for.")

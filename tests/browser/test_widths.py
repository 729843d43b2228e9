"""Whatever the window's width, all of the list is in sight."""

import httpx
import pytest
from playwright.sync_api import expect

from local.stack import Account
from tests.browser.tab import Tab
from tests.support.bodies import act, update, users
from tests.support.uploads import profile

WIDTHS = (1920, 1461, 1460, 1366, 1280, 1261, 1260, 1100, 1024, 1000, 768, 640, 390, 320)
SIZES = "[...document.querySelectorAll('.scroller, html')].map((box) => [box.scrollWidth, box.clientWidth])"


@pytest.fixture
def segments(api: httpx.Client) -> None:
    """Segments with long names and figures, and one that is deleted."""
    body = [
        {
            "segment_name": "Newsletter readers in Germany, Austria and Switzerland",
            "customer_segment_id": "NEWS-DACH-2026",
        },
        {"segment_name": "W" * 255, "customer_segment_id": "W" * 255},
        {"segment_name": "Gold"},
        {"segment_name": "Lapsed buyers"},
    ]
    made = api.post("/api/createSegment", json=body).json()["segments"]
    everyone = [f"user-{number}" for number in range(40)]
    api.post("/1/upload", json={"d": [profile(name, Email=f"{name}@example.com") for name in everyone]})
    api.post("/api/updateSegment", json=update(users(*everyone), [act("ADD", ct=made[0]["id"])]))
    api.delete(f"/api/segments/{made[3]['id']}")


@pytest.mark.usefixtures("segments")
def test_the_list_is_never_wider_than_its_box(tab: Tab, account: Account) -> None:
    tab.page.add_init_script("Intl.NumberFormat.prototype.format = () => '12,345,678'")  # figures of any size
    tab.sign_in(account)
    tab.go("/?status=all&size=100")
    expect(tab.row("Lapsed buyers")).to_be_visible()
    # As they are when they are not of today, which are shorter, and in a zone whose offset is long.
    tab.page.evaluate(
        "for (const each of document.querySelectorAll('tbody time')) each.textContent = '2026-10-28 22:58 GMT+12:45'"
    )
    too_wide = {}
    for width in WIDTHS:
        tab.page.set_viewport_size({"width": width, "height": 800})
        sizes = tab.page.evaluate(SIZES)
        if any(content > box for content, box in sizes):
            too_wide[width] = sizes
    assert too_wide == {}

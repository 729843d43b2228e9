"""Campaigns of the deployed stack, made and watched in the page: what is confirmed there is what goes out."""

import re

import pytest
from playwright.sync_api import expect

from local.providers import SENDER
from tests.browser.tab import Tab
from tests.e2e.campaigning import Shop
from tests.support.uploads import profile
from tests.support.waiting import wait_until

USERS = 40


pytestmark = pytest.mark.usefixtures("segments")


@pytest.fixture(scope="module")
def segments(shop: Shop) -> None:
    """Users, half of whom have an address, in one segment; two of them in another."""
    names = [f"user-{number:02}" for number in range(USERS)]
    records = [
        profile(name, Name=f"Name <{name}>", **({"Email": f"{name}@example.com"} if index % 2 else {}))
        for index, name in enumerate(names)
    ]
    shop.post("/1/upload", {"d": records})
    shop.segment("Readers", *names)
    shop.segment("Quiet", "user-01", "user-02")


def begin(tab: Tab, shop: Shop, name: str, channel: str) -> None:
    """Sign in and take the first step."""
    tab.sign_in(shop.account)
    tab.page.get_by_role("link", name="Campaigns").click()
    tab.press("+ Campaign")
    tab.page.get_by_label("Name of the campaign").fill(name)
    tab.page.get_by_role("radio", name=channel, exact=False).first.check()
    tab.press("Next")


def include(tab: Tab, name: str) -> None:
    tab.press("+ Add rule")
    rule = tab.page.get_by_role("group", name="Rule: segments").last
    rule.get_by_label("Search by name, id or tag").fill(name)
    rule.get_by_role("checkbox", name=name).check()


def test_an_email_goes_from_the_page_to_those_whom_it_names(tab: Tab, shop: Shop) -> None:
    page = tab.page
    begin(tab, shop, "Spring sale", "Email")
    include(tab, "Readers")
    estimate = page.get_by_role("complementary", name="Estimate")
    expect(estimate).to_contain_text(f"{USERS // 2}users whom email reaches now")
    include(tab, "Quiet")
    expect(estimate).to_contain_text(f"{USERS // 2 - 1}users whom email reaches now")
    tab.press("Next")

    page.get_by_label("Subject").fill("Hello {{ profile.Name }}")
    page.get_by_label("Body (HTML)").fill("<p>Dear {{ profile.Name }}</p>{% if %}")
    expect(page.get_by_label("Body (HTML)")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Body (HTML)").fill("<p>Dear {{ profile.Name }}</p>")
    expect(page.get_by_label("Sender", exact=True)).to_have_value(SENDER)
    page.get_by_label("As this user gets it").fill("user-03")
    expect(page.locator(".letter strong")).to_have_text("Hello Name <user-03>")
    expect(page.frame_locator("iframe.mail").locator("p").first).to_have_text("Dear Name <user-03>")
    tab.press("Next")
    tab.press("Next")
    expect(page.locator(".story")).to_contain_text("to everybody who is then in Readers and not in Quiet")
    tab.press("Create the campaign")

    expect(page.get_by_text("Created. It starts in a moment.")).to_be_visible()
    expect(page.locator("h1 + .badge")).to_have_text("completed")
    sent = page.locator(".results .figures div").filter(has_text="Sent").locator(".figure")
    expect(sent).to_have_text(str(USERS // 2 - 1))
    reasons = page.get_by_role("table", name="Why messages were skipped or failed")
    expect(reasons).to_contain_text(f"The channel does not reach them{USERS // 2 - 1}")
    expect(page.get_by_role("table", name="Delivery log").get_by_role("rowheader")).to_have_count(25)
    subjects = {mail["subject"] for mail in shop.sent(lambda message: message["channel"] == "email")}
    assert "Hello Name <user-03>" in subjects
    assert "Hello Name <user-01>" not in subjects

    page.get_by_role("link", name="All campaigns").click()
    expect(tab.cell("Spring sale", "Status")).to_have_text("completed")
    expect(tab.cell("Spring sale", "Who")).to_have_text("in Readersnot in Quiet")


def test_one_that_acts_on_joining_keeps_its_segment_until_it_is_stopped(tab: Tab, shop: Shop) -> None:
    page = tab.page
    joined = shop.segment("Members")
    begin(tab, shop, "Welcome", "WhatsApp")
    tab.press("Next")
    page.get_by_label("Text").fill("Welcome to {{ event['Segment Name'] }}")
    expect(page.locator(".bubble")).to_be_visible()
    tab.press("Next")
    page.get_by_role("radio", name="When someone joins or leaves").check()
    page.get_by_label("Search by name, id or tag").fill("Members")
    page.get_by_role("radio", name="Members").check()
    tab.press("Next")
    tab.press("Create the campaign")
    expect(page.get_by_text("Created. From now on")).to_be_visible()
    shop.post("/1/upload", {"d": [profile("joining", Phone="+12025550177", **{"MSG-whatsapp": True})]})
    shop.change(joined, "ADD", "joining", "user-05")
    log = page.get_by_role("table", name="Delivery log")
    expect(log).to_contain_text("joining")
    expect(page.locator(".results .figures div").filter(has_text="Sent").locator(".figure")).to_have_text("1")
    wait_until(lambda: bool(shop.published("Message Requested")), "the message to be asked for")
    assert shop.published("Message Requested")[0]["Content"] == {"body": "Welcome to Members"}

    tab.go(f"/segments/{joined}")
    tab.press("Delete")
    page.get_by_label("Type the name to confirm").fill("Members")
    tab.press("Delete for ever")
    expect(tab.alert).to_contain_text("It can't be deleted while campaigns")
    tab.alert.get_by_role("link", name="Welcome").click()
    tab.press("Stop")
    expect(tab.dialog).to_contain_text("Who joins or leaves from now on gets no message.")
    tab.press("Stop the campaign")
    expect(page.locator("h1 + .badge")).to_have_text("stopped")
    tab.go(f"/segments/{joined}")
    tab.press("Delete")
    page.get_by_label("Type the name to confirm").fill("Members")
    tab.press("Delete for ever")
    expect(page.locator(".badge.deleted")).to_be_visible()


def test_what_the_stack_refuses_is_said_at_its_field(tab: Tab, shop: Shop) -> None:
    page = tab.page
    begin(tab, shop, "Refused", "SMS")
    include(tab, "Readers")
    tab.press("Next")
    page.get_by_label("Text").fill("Hello")
    tab.press("Next")
    tab.press("Next")
    gone = shop.segment("Gone")
    assert shop.api.delete(f"/api/segments/{gone}").status_code == 200
    page.evaluate(
        """gone => {
          const draft = JSON.parse(sessionStorage.getItem("api-segments-campaign"));
          draft.rules[0].ids.push(gone);
          sessionStorage.setItem("api-segments-campaign", JSON.stringify(draft));
        }""",
        gone,
    )
    page.reload()
    expect(page.locator(".story")).to_contain_text("Readers or Gone")
    tab.press("Create the campaign")
    expect(page.locator("[aria-current=step]")).to_contain_text("Who")
    expect(page.locator(".mistake")).to_contain_text(re.compile(r"segments\.include\[1\]: .*deleted"))
    tab.press("Take Gone away")
    expect(page.get_by_role("complementary", name="Estimate")).to_contain_text("0users whom SMS reaches now")

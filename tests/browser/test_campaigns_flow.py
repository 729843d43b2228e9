"""+ Campaign: from the channel to what the API is asked for."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.drafts import CREATE, ELSEWHERE, MAIL, created, draft, estimates, resume
from tests.browser.mocked import NOON, SETTINGS, Json, MockedApi, fail, segment
from tests.browser.tab import Tab
from tests.support.waiting import wait_until

RESTED = 1000  # milliseconds of the page's clock; it asks when the clicks have rested for less


def test_the_whole_way_to_an_email(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_tab.go("/campaigns")
    mocked_tab.press("+ Campaign")
    page.get_by_label("Name of the campaign").fill("Spring sale")
    page.get_by_role("radio", name="Email").check()
    mocked_tab.press("Next")

    expect(page.get_by_text("There is no rule yet.")).to_be_visible()
    mocked_tab.press("+ Add rule")
    expect(page.get_by_label("Search by name, id or tag")).to_be_focused()
    page.get_by_label("Search by name, id or tag").fill("gold")
    page.get_by_role("checkbox", name="Gold").check()
    estimate = page.get_by_role("complementary", name="Estimate")
    expect(estimate).to_contain_text("1,500users whom email reaches now")
    mocked_tab.press("+ Add rule")
    excluded = page.get_by_role("group", name="Rule: segments").nth(1)
    expect(excluded.get_by_role("radio", name="Exclude")).to_be_checked()
    excluded.get_by_role("checkbox", name="Lapsed").check()
    page.get_by_label("Send to at most so many users").fill("200")
    expect(estimate).to_contain_text("at most 200 users of them")
    mocked_tab.press("Next")

    page.get_by_label("Subject").fill(MAIL["subject"])
    page.get_by_label("Body (HTML)").fill(MAIL["body"])
    expect(page.locator("option", has_text="not verified yet")).to_be_disabled()
    expect(page.frame_locator("iframe").locator("p")).to_have_text("Hello")
    mocked_tab.press("Next")
    page.get_by_role("radio", name="Now").check()
    mocked_tab.press("Next")

    story = page.locator(".story")
    expect(story).to_contain_text("An email goes out now, as soon as you create it, to everybody who is then in Gold")
    expect(story).to_contain_text("and not in Lapsed.")
    expect(story).to_contain_text("It ends after 200 users.")
    expect(page.get_by_role("complementary", name="Estimate")).to_contain_text("1,500")
    mocked_tab.press("Create the campaign")
    expect(page.get_by_text("Created. It starts in a moment.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Spring sale")
    assert created(mocked_api) == [
        {
            "name": "Spring sale",
            "target_mode": "email",
            "segments": {"include": [1], "exclude": [2]},
            "when": "now",
            "content": {**MAIL, "sender": "shop@example.com"},
            "users_limit_overall": 200,
        }
    ]
    assert page.evaluate("sessionStorage.length") == 1, "the draft is kept after it was created"


CONTENTS: dict[str, dict[str, str]] = {
    "email": {"Subject": "Hi", "Body (HTML)": "<p>x</p>", "Text without HTML (optional, made from the body)": "y"},
    "sms": {"Text": "Hi"},
    "push": {"Title": "Sale", "Text": "Now", "Link that it opens (optional)": "app://sale"},
    "whatsapp": {"Text": "Hi"},
    "webpush": {"Title": "Sale", "Text": "Now"},
    "webhook": {"Body (JSON, optional)": '{"who": {{ profile.identity | json }}}'},
}
WRITTEN: dict[str, Json] = {
    "email": {"subject": "Hi", "body": "<p>x</p>", "text": "y", "sender": "shop@example.com"},
    "sms": {"body": "Hi"},
    "push": {"title": "Sale", "body": "Now", "deep_link": "app://sale"},
    "whatsapp": {"body": "Hi"},
    "webpush": {"title": "Sale", "body": "Now"},
    "webhook": {"url": "orders", "body": '{"who": {{ profile.identity | json }}}'},
}


@pytest.mark.parametrize("mode", CONTENTS)
def test_each_channel_has_its_fields_and_a_preview(mocked_tab: Tab, mocked_api: MockedApi, mode: str) -> None:
    page = resume(mocked_tab, "content", mode=mode)
    for label, text in CONTENTS[mode].items():
        page.get_by_label(label, exact=True).fill(text)
    expect(page.get_by_role("complementary", name="Preview")).to_contain_text(next(iter(CONTENTS[mode].values())))
    mocked_tab.press("Next")
    mocked_tab.press("Next")
    mocked_tab.press("Create the campaign")
    expect(page.get_by_text("Created.")).to_be_visible()
    assert created(mocked_api)[0]["content"] == WRITTEN[mode]
    assert created(mocked_api)[0]["target_mode"] == mode


def test_a_test_goes_to_whom_is_chosen_as_the_preview_shows_it(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = resume(mocked_tab, "content", contents={"email": MAIL})
    page.get_by_label("As this user gets it. Identity (optional)").fill("CT1")
    page.get_by_label("Who gets the test").select_option("bob@example.com")
    mocked_tab.press("Send a test")
    expect(page.get_by_text("Sent to bob@example.com.")).to_be_visible()
    (sent,) = mocked_api.bodies("/1/targets/test.json")
    content = {**MAIL, "sender": "shop@example.com"}
    assert sent == {"target_mode": "email", "content": content, "identity": "CT1", "to": "bob@example.com"}
    failed = {"status": "success", "test": {"status": "failed", "reason": "refused"}}
    mocked_api.answers["/1/targets/test.json"] = lambda _: failed
    mocked_tab.press("Send a test")
    expect(page.get_by_text("Not sent: ")).to_be_visible()
    error = {"status": "fail", "error": "to: is no test recipient of type email", "code": 400}
    mocked_api.answers["/1/targets/test.json"] = lambda _: (400, error)
    mocked_tab.press("Send a test")
    expect(page.get_by_text("to: is no test recipient of type email")).to_be_visible()


def test_where_nobody_is_declared_for_tests_the_page_says_so(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.settings = {**SETTINGS, "test_recipients": []}
    page = resume(mocked_tab, "content", contents={"email": MAIL})
    expect(page.get_by_text("Nobody is declared to get tests by this channel")).to_be_visible()
    expect(page.get_by_role("button", name="Send a test")).to_have_count(0)


def test_a_campaign_on_joining_needs_no_rule(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = resume(mocked_tab, "when", rules=[])
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("Whom it goes to is open")
    page.get_by_role("radio", name="When someone joins or leaves").check()
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("Choose the segment.")
    page.get_by_role("radio", name="leaves", exact=True).check()
    page.get_by_role("radio", name="Gold").check()
    mocked_tab.press("Next")
    expect(page.locator(".story")).to_contain_text("An email goes to each user who leaves Gold, from now on")
    expect(page.get_by_role("complementary")).to_have_count(0)
    mocked_tab.press("Create the campaign")
    expect(page.get_by_text("Created. From now on")).to_be_visible()
    (body,) = created(mocked_api)
    assert body["when"] == {"type": "event", "segment": 1, "action": "REMOVE"}
    assert "segments" not in body


@pytest.mark.parametrize("options", [ELSEWHERE])
def test_a_time_is_the_accounts_and_said_in_the_readers_too(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    page.clock.set_fixed_time(NOON)
    mocked_api.settings = {**SETTINGS, "time_zone": "Pacific/Auckland"}
    resume(mocked_tab, "when")
    page.get_by_role("radio", name="At a time").check()
    expect(page.get_by_text("It is 01:00 there now.")).to_be_visible()
    page.get_by_label("Day").fill("2026-11-26")
    page.get_by_label("Time in Pacific/Auckland").fill("00:59")
    past = "is past, it is 20261126 01:00 in Pacific/Auckland"
    expect(page.locator(".detail > p.hint")).to_have_text(past)
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_have_text(past)
    page.get_by_label("Time in Pacific/Auckland").fill("18:30")
    expect(page.get_by_text("That is in 17 hours: 2026-11-26 00:30 in your own time zone")).to_be_visible()
    mocked_tab.press("Next")
    expect(page.locator(".story")).to_contain_text("goes out on 2026-11-26 at 18:30 (Pacific/Auckland, in 17 hours)")
    mocked_tab.press("Create the campaign")
    expect(page.get_by_text("Created. It starts at its time.")).to_be_visible()
    assert created(mocked_api)[0]["when"] == "20261126 18:30"


@pytest.mark.parametrize("options", [ELSEWHERE])
def test_a_time_that_comes_twice_or_never_is_told_before_anything_is_created(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    page = mocked_tab.page
    mocked_api.now = "2027-10-01T12:00:00Z"
    page.clock.set_fixed_time(mocked_api.now)
    resume(mocked_tab, "when")
    page.get_by_role("radio", name="At a time").check()
    page.get_by_label("Day").fill("2027-10-31")
    page.get_by_label("Time in Europe/Berlin").fill("02:30")
    twice = "02:30 comes twice that night in Europe/Berlin: the first is taken, at UTC+02:00."
    expect(page.locator(".detail > p.hint")).to_have_text(
        f"That is in 29 days: 2027-10-30 20:30 in your own time zone, America/New_York. {twice}"
    )
    mocked_tab.press("Next")
    expect(page.locator(".story")).to_contain_text(twice)
    page.get_by_role("link", name="Back").click()
    page.get_by_label("Day").fill("2028-03-26")
    never = "there is no such time in Europe/Berlin, its clocks go forward over it"
    expect(page.locator(".detail > p.hint")).to_have_text(never)
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_have_text(never)
    assert created(mocked_api) == []


def test_a_time_whose_meaning_can_not_be_asked_is_judged_when_the_campaign_is_created(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    mocked_api.answers["/1/targets/when.json"] = lambda _: fail(500, "internal error")
    page = resume(mocked_tab, "when", when={**draft()["when"], "kind": "time", "date": "2026-11-26", "time": "02:30"})
    mocked_tab.press("Next")
    expect(page.locator(".story")).to_contain_text("goes out on 2026-11-26 at 02:30 (Europe/Berlin)")


def test_no_step_is_left_or_passed_over_while_something_is_missing(mocked_tab: Tab) -> None:
    page = mocked_tab.page
    mocked_tab.go("/campaigns/new/confirm")
    expect(page.locator("[aria-current=step]")).to_contain_text("Channel")
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("Give the campaign a name.")
    name = page.get_by_label("Name of the campaign")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    name.fill("Sale")
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("Choose a channel.")
    expect(name).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("radio", name="SMS").check()
    mocked_tab.press("Next")
    mocked_tab.press("+ Add rule")
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("Choose at least one segment in each rule")
    page.get_by_role("radio", name="Exclude").check()
    page.get_by_role("checkbox", name="Gold").check()
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("an exclusion alone names nobody")
    mocked_tab.press("Remove the rule")
    expect(page.get_by_role("button", name="+ Add rule")).to_be_focused()
    mocked_tab.press("Next")
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_contain_text("This is needed.")
    expect(page.get_by_label("Text")).to_be_focused()


def test_a_draft_survives_a_reload_and_ends_with_starting_over_or_signing_out(mocked_tab: Tab) -> None:
    page = resume(mocked_tab, "who")
    page.reload()
    expect(page.get_by_role("listitem").filter(has_text="Gold")).to_be_visible()
    page.go_back()
    mocked_tab.go("/campaigns/new")
    expect(page.get_by_label("Name of the campaign")).to_have_value("Spring sale")
    mocked_tab.press("Start over")
    mocked_tab.dialog.get_by_role("button", name="Start over").click()
    expect(page.get_by_label("Name of the campaign")).to_have_value("")
    resume(mocked_tab, "who")
    mocked_tab.press("Sign out")
    mocked_tab.dialog.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Account id")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_segment_is_taken_away_again_and_the_estimate_follows(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = resume(mocked_tab, "who", rules=[{"kind": "include", "ids": [1, 2]}])
    estimate = page.get_by_role("complementary", name="Estimate")
    expect(estimate).to_contain_text("1,900")
    mocked_tab.press("Take Gold away")
    expect(estimate).to_contain_text("400")
    expect(page.get_by_role("checkbox", name="Gold")).not_to_be_checked()
    page.get_by_role("checkbox", name="Lapsed").uncheck()
    expect(estimate).to_contain_text("Include a segment to see how many it reaches.")
    assert estimates(mocked_api)[-1]["segments"] == {"include": [2]}


def await_held(page: Page, held: list[Route], count: int) -> None:
    wait_until(lambda: page.evaluate("1") == 1 and len(held) == count, f"request {count}")


def test_an_estimate_waits_for_the_clicks_to_rest_and_an_older_answer_is_dropped(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    mocked_api.segments = [segment(number, f"Segment {number}") for number in range(1, 6)]
    page = resume(mocked_tab, "who", rules=[{"kind": "include", "ids": [5]}])
    estimate = page.get_by_role("complementary", name="Estimate")
    expect(estimate).to_contain_text("1,000")
    held: list[Route] = []
    page.route(f"**{CREATE}", lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    page.clock.install()
    page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))
    for number in (1, 2, 3):
        page.get_by_role("checkbox", name=f"Segment {number}").check()
    expect(estimate).to_contain_text("Counting")
    page.clock.run_for(RESTED)
    await_held(page, held, 1)
    page.get_by_role("checkbox", name="Segment 4").check()
    page.clock.run_for(RESTED)
    await_held(page, held, 2)
    older, newer = held
    assert [len(json.loads(route.request.post_data or "")["segments"]["include"]) for route in held] == [4, 5]
    newer.fulfill(json={"status": "success", "estimates": {"email": 55}})
    expect(estimate).to_contain_text("55users")
    older.fulfill(json={"status": "success", "estimates": {"email": 44}})
    page.evaluate("() => fetch(location.href).then((answer) => answer.text())")  # answered after the older one
    page.clock.run_for(RESTED)
    expect(estimate).to_contain_text("55users")


def test_an_estimate_that_fails_says_so_and_can_be_tried_again(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.answers[CREATE] = lambda _: fail(410, "segments.include[0]: segment 1 was deleted")
    page = resume(mocked_tab, "who")
    estimate = page.get_by_role("complementary", name="Estimate")
    expect(estimate).to_contain_text("segment 1 was deleted")
    del mocked_api.answers[CREATE]
    estimate.get_by_role("button", name="Try again").click()
    expect(estimate).to_contain_text("1,500")


def test_a_campaign_is_made_with_the_keyboard_alone(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page, keyboard = mocked_tab.page, mocked_tab.page.keyboard
    mocked_tab.go("/campaigns/new")
    expect(page.get_by_label("Name of the campaign")).to_be_visible()
    page.get_by_role("heading", level=1).focus()
    keyboard.press("Tab")  # Start over
    for _ in range(3):
        keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('input')"):
            break
    keyboard.type("Spring sale")
    keyboard.press("Tab")
    keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="SMS")).to_be_checked()
    keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("New campaign: Who")
    page.get_by_role("button", name="+ Add rule").focus()
    keyboard.press("Enter")
    keyboard.type("gold")
    keyboard.press("Tab")
    keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Gold")).to_be_checked()
    keyboard.press("Enter")
    page.get_by_label("Text").focus()
    keyboard.type("Hi")
    page.get_by_role("button", name="Next").focus()
    keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Now")).to_be_checked()
    page.get_by_role("button", name="Next").focus()
    keyboard.press("Enter")
    page.get_by_role("button", name="Create the campaign").focus()
    keyboard.press("Enter")
    expect(page.get_by_text("Created.")).to_be_visible()
    assert created(mocked_api)[0]["segments"] == {"include": [1]}

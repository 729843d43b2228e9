"""+ Campaign: from the channel to what the API is asked for, and what it says against it."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.mocked import SETTINGS, Json, MockedApi, fail, segment
from tests.browser.tab import Tab

CREATE = "/1/targets/create.json"
PREVIEW = "/1/targets/preview.json"
NOON = "2026-11-25T12:00:00Z"
AUCKLAND = {"timezone_id": "America/New_York"}
MAIL = {"subject": "Hello {{ profile.Name }}", "body": "<p>Hello</p>"}


def draft(**other: Any) -> Json:
    """Return a draft that lacks nothing, as the tab keeps it."""
    return {
        "name": "Spring sale",
        "mode": "email",
        "rules": [{"kind": "include", "ids": [1]}, {"kind": "exclude", "ids": [2]}],
        "limit": "",
        "contents": {"email": MAIL},
        "reader": "",
        "when": {"kind": "now", "date": "", "time": "", "segment": None, "action": "ADD"},
        "refusal": None,
        "sent": None,
        **other,
    }


def resume(tab: Tab, step: str, **other: Any) -> Page:
    """Go to a step with a draft that is filled in so far."""
    tab.page.evaluate("draft => sessionStorage.setItem('api-segments-campaign', draft)", json.dumps(draft(**other)))
    tab.go(f"/campaigns/new/{step}")
    tab.page.reload()  # from the same step the address alone leads nowhere
    expect(tab.page.locator("[aria-current=step]")).to_contain_text(step.title())
    return tab.page


def created(api: MockedApi) -> list[Json]:
    """Return what was asked for but for estimates."""
    return [body for body in api.bodies(CREATE) if not body.get("estimate_only")]


def estimates(api: MockedApi) -> list[Json]:
    return [body for body in api.bodies(CREATE) if body.get("estimate_only")]


def test_the_whole_way_to_an_email(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_tab.go("/campaigns")
    mocked_tab.press("+ Campaign")
    page.get_by_label("Name of the campaign").fill("Spring sale")
    page.get_by_role("radio", name="Email").check()
    mocked_tab.press("Next")

    expect(page.get_by_text("There is no rule yet.")).to_be_visible()
    mocked_tab.press("+ Add rule")
    expect(page.get_by_label("Search by name or customer id")).to_be_focused()
    page.get_by_label("Search by name or customer id").fill("gold")
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
    "sms": {"Text": "Hi"},
    "push": {"Title": "Sale", "Text": "Now", "Link that it opens (optional)": "app://sale"},
    "whatsapp": {"Text": "Hi"},
    "webpush": {"Title": "Sale", "Text": "Now"},
    "webhook": {"Body (JSON, optional)": '{"who": {{ profile.identity | json }}}'},
}
WRITTEN: dict[str, Json] = {
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


@pytest.mark.parametrize("options", [AUCKLAND])
def test_a_time_is_the_accounts_and_said_in_the_readers_too(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    page.clock.set_fixed_time(NOON)
    mocked_api.settings = {**SETTINGS, "time_zone": "Pacific/Auckland"}
    resume(mocked_tab, "when")
    page.get_by_role("radio", name="At a time").check()
    expect(page.get_by_text("It is 01:00 there now.")).to_be_visible()
    page.get_by_label("Day").fill("2026-11-26")
    page.get_by_label("Time in Pacific/Auckland").fill("00:59")
    expect(page.get_by_text("That is past.")).to_be_visible()
    mocked_tab.press("Next")
    expect(page.locator(".mistake")).to_have_text("That is past in Pacific/Auckland.")
    page.get_by_label("Time in Pacific/Auckland").fill("18:30")
    expect(page.get_by_text("That is in 17 hours: 2026-11-26 00:30 in your own time zone")).to_be_visible()
    mocked_tab.press("Next")
    expect(page.locator(".story")).to_contain_text("goes out on 2026-11-26 at 18:30 (Pacific/Auckland, in 17 hours)")
    mocked_tab.press("Create the campaign")
    expect(page.get_by_text("Created. It starts at its time.")).to_be_visible()
    assert created(mocked_api)[0]["when"] == "20261126 18:30"


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
    expect(page.get_by_label("Name of the campaign")).to_have_value("")
    resume(mocked_tab, "who")
    mocked_tab.press("Sign out")
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
    while len(held) < count:
        page.wait_for_timeout(50)  # lets the browser's requests in


def test_an_estimate_waits_for_the_clicks_to_rest_and_an_older_answer_is_dropped(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    mocked_api.segments = [segment(number, f"Segment {number}") for number in range(1, 6)]
    page = resume(mocked_tab, "who", rules=[{"kind": "include", "ids": [5]}])
    estimate = page.get_by_role("complementary", name="Estimate")
    expect(estimate).to_contain_text("1,000")
    held: list[Route] = []
    page.route(f"**{CREATE}", lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    for number in (1, 2, 3):
        page.get_by_role("checkbox", name=f"Segment {number}").check()
    expect(estimate).to_contain_text("Counting")
    await_held(page, held, 1)
    page.get_by_role("checkbox", name="Segment 4").check()
    await_held(page, held, 2)
    older, newer = held
    assert [len(json.loads(route.request.post_data or "")["segments"]["include"]) for route in held] == [4, 5]
    newer.fulfill(json={"status": "success", "estimates": {"email": 55}})
    expect(estimate).to_contain_text("55users")
    older.fulfill(json={"status": "success", "estimates": {"email": 44}})
    page.wait_for_timeout(500)
    expect(estimate).to_contain_text("55users")


def test_an_estimate_that_fails_says_so_and_can_be_tried_again(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.answers[CREATE] = lambda _: fail(410, "segments.include[0]: segment 1 was deleted")
    page = resume(mocked_tab, "who")
    estimate = page.get_by_role("complementary", name="Estimate")
    expect(estimate).to_contain_text("segment 1 was deleted")
    del mocked_api.answers[CREATE]
    estimate.get_by_role("button", name="Try again").click()
    expect(estimate).to_contain_text("1,500")


REFUSALS = [
    ("name: must have 1 to 255 characters, has 256", "Channel", "Name of the campaign"),
    ("segments.include[0]: there is no segment 1", "Who", None),
    ("users_limit_overall: must be a whole number from 1 to 100000000", "Who", "Send to at most so many users"),
    ("content.body: line 3: unexpected tag 'endfor'", "Content", "Body (HTML)"),
    ("content.sender: shop@example.com is not verified", "Content", "Sender"),
    ("when: is past", "When", None),
]


@pytest.mark.parametrize(("error", "step", "label"), REFUSALS, ids=lambda value: str(value).split(":")[0])
def test_what_the_api_refuses_is_said_at_the_field_that_it_names(
    mocked_tab: Tab, mocked_api: MockedApi, error: str, step: str, label: str | None
) -> None:
    page = resume(mocked_tab, "confirm")
    mocked_api.answers[CREATE] = lambda _: fail(400, error)
    mocked_tab.press("Create the campaign")
    expect(page.locator("[aria-current=step]")).to_contain_text(step)
    place, text = error.split(": ", 1)
    expect(page.locator(".mistake")).to_contain_text(text)
    if label is None:
        assert page.evaluate("document.activeElement.matches('main form *')"), place
    else:
        control = page.get_by_label(label, exact=label != "Send to at most so many users")
        expect(control).to_be_focused()
        expect(control).to_have_accessible_description(re.compile(f"{re.escape(text)}$"))


def test_what_names_no_field_is_said_beside_the_button(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = resume(mocked_tab, "confirm")
    mocked_api.answers[CREATE] = lambda _: fail(422, "the account's 1,000 live campaigns are used up")
    mocked_tab.press("Create the campaign")
    expect(mocked_tab.alert).to_contain_text("1,000 live campaigns are used up")
    expect(page.get_by_role("button", name="Create the campaign")).to_be_enabled()


def test_a_lost_answer_is_asked_for_again_with_the_same_key(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = resume(mocked_tab, "confirm", limit="5")
    expect(page.get_by_role("complementary")).to_contain_text("1,500")
    keys: list[str | None] = []

    def lose(route: Route) -> None:
        keys.append(route.request.header_value("Idempotency-Key"))
        route.abort()

    page.route(f"**{CREATE}", lose)
    mocked_tab.press("Create the campaign")
    expect(mocked_tab.alert).to_contain_text("Press again: it is not created twice.")
    page.unroute(f"**{CREATE}")
    with page.expect_request(f"**{CREATE}") as asked:
        mocked_tab.press("Create the campaign")
    expect(page.get_by_text("Created.")).to_be_visible()
    keys.append(asked.value.header_value("Idempotency-Key"))
    assert len(keys) > 2
    assert len(set(keys)) == 1
    assert keys[0]
    assert len(created(mocked_api)) == 1


def test_a_channel_that_nothing_is_declared_for_says_why_it_can_not_be_chosen(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    mocked_api.settings = {**SETTINGS, "senders": [], "webhooks": [], "push": {"fcm": False, "apns": False}}
    mocked_tab.go("/campaigns/new")
    page = mocked_tab.page
    for label, why in {
        "Email": "No sender's address is declared",
        "Push": "No push application is declared",
        "Webhook": "No webhook is declared",
    }.items():
        radio = page.get_by_role("radio", name=label, exact=False).and_(page.locator(f"[value={label.lower()}]"))
        expect(radio).to_be_disabled()
        expect(radio).to_have_accessible_description(f"{why} for this account. Whoever runs the stack can do so.")
    expect(page.get_by_role("radio", name="SMS")).to_be_enabled()


def test_a_draft_whose_channel_lost_what_it_needs_asks_for_another(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.settings = {**SETTINGS, "senders": []}
    page = mocked_tab.page
    page.evaluate("draft => sessionStorage.setItem('api-segments-campaign', draft)", json.dumps(draft()))
    mocked_tab.go("/campaigns/new/confirm")
    expect(page.locator("[aria-current=step]")).to_contain_text("Channel")
    expect(page.get_by_label("Name of the campaign")).to_have_value("Spring sale")
    expect(page.locator("input[name=mode]:checked")).to_have_count(0)


def test_a_preview_is_of_the_chosen_user_and_a_mistake_is_said_at_its_field(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    page = resume(mocked_tab, "content", mode="sms", contents={"sms": {"body": "Hi {{ profile.Name }}"}})
    preview = page.get_by_role("complementary", name="Preview")
    expect(preview).to_contain_text("Without a user, attributes are empty.")

    def answer(body: Json) -> Json | tuple[int, Json]:
        if body.get("identity") == "nobody":
            return fail(404, "identity: there is no user nobody")
        if "{%" in body["content"]["body"]:
            return fail(400, "content.body: line 1: unexpected end of template")
        return {"status": "success", "preview": {"body": f"Hi {body['identity'].title()}"}}

    mocked_api.answers[PREVIEW] = answer
    reader = page.get_by_label("As this user gets it")
    reader.fill("ada")
    expect(preview.locator(".bubble")).to_have_text("Hi Ada")
    reader.fill("nobody")
    expect(preview).to_contain_text("there is no user nobody")
    expect(reader).to_have_attribute("aria-invalid", "true")
    reader.fill("ben")
    expect(preview.locator(".bubble")).to_have_text("Hi Ben")
    text = page.get_by_label("Text")
    text.fill("{% if")
    expect(text).to_have_accessible_description("line 1: unexpected end of template")
    expect(preview.locator(".bubble")).to_be_hidden()
    text.fill("{{ event['Segment Name'] }}")
    expect(preview.locator(".bubble")).to_be_visible()
    expect(text).not_to_have_attribute("aria-invalid", "true")
    assert mocked_api.bodies(PREVIEW)[-1]["event"]["Segment Name"] == "Gold"


def test_settings_that_can_not_be_read_say_so(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.answers["/1/targets/settings.json"] = lambda _: fail(500, "internal error")
    mocked_tab.go("/campaigns/new")
    expect(mocked_tab.alert).to_contain_text("internal error")
    del mocked_api.answers["/1/targets/settings.json"]
    mocked_tab.press("Try again")
    expect(mocked_tab.page.get_by_label("Name of the campaign")).to_be_visible()


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

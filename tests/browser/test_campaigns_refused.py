"""What the API says against a campaign, or can not say, while it is written: at the field, and without harm."""

import json
import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.drafts import CREATE, PREVIEW, created, draft, resume
from tests.browser.mocked import SETTINGS, Json, MockedApi, fail
from tests.browser.tab import Tab

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
    where, text = error.split(": ", 1)
    expect(page.locator(".mistake")).to_contain_text(text)
    if label is None:
        assert page.evaluate("document.activeElement.matches('main form *')"), where
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
    event = mocked_api.bodies(PREVIEW)[-1]["event"]
    assert (event["Segment Name"], event["Segment_Name"]) == ("Gold", "Gold")
    assert event["Segment_ID"] == str(event["Segment ID"])


def test_settings_that_can_not_be_read_say_so(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    mocked_api.answers["/1/targets/settings.json"] = lambda _: fail(500, "internal error")
    mocked_tab.go("/campaigns/new")
    expect(mocked_tab.alert).to_contain_text("internal error")
    del mocked_api.answers["/1/targets/settings.json"]
    mocked_tab.press("Try again")
    expect(mocked_tab.page.get_by_label("Name of the campaign")).to_be_visible()

"""The content of campaigns: the fields of each channel, what may stand in them, and what comes out."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis.strategies import text

from api_segments.campaigns.content.fields import check_content, render, sender_of, variables, webhook_of
from api_segments.campaigns.content.templates import TemplateError, one_line
from api_segments.campaigns.content.values import as_read
from api_segments.campaigns.model import Audience, Campaign, CampaignSettings, CampaignStatus, TargetMode, Webhook
from api_segments.campaigns.providers.email import from_header
from api_segments.core.errors import InvalidRequestError
from api_segments.profiles.model import AttributeValue, Profile, TokenType

SETTINGS = CampaignSettings(
    senders=("news@example.com", "Shop@example.com"),
    webhooks={"crm": Webhook("crm", "https://crm.example.com/hook", "secret")},
    push_applications={TokenType.FCM: "arn:aws:sns:us-east-1:000000000000:app/GCM/shop"},
)
CONTENTS: dict[TargetMode, dict[str, str]] = {
    TargetMode.EMAIL: {"subject": "Hello", "body": "<p>Hello</p>"},
    TargetMode.SMS: {"body": "Hello"},
    TargetMode.WHATSAPP: {"body": "Hello"},
    TargetMode.PUSH: {"title": "Hello", "body": "there"},
    TargetMode.WEB_PUSH: {"title": "Hello", "body": "there"},
    TargetMode.WEBHOOK: {"url": "crm"},
}
CAMPAIGN = Campaign(
    account_id="T-1",
    campaign_id=1763901234567892,
    name="Spring",
    target_mode=TargetMode.EMAIL,
    audience=Audience((1,)),
    trigger=None,
    starts_at=datetime(2026, 12, 1, tzinfo=UTC),
    content={},
    users_limit=None,
    status=CampaignStatus.RUNNING,
    created_at="2026-11-25T10:00:00.000000Z",
)
ADA = Profile("5f2d", "CT1", {"Name": "Ada <Lovelace>", "identity": "an attribute of this name"})
LINK = "https://api.example.com/unsubscribe/abc"
KNOWN = variables(CAMPAIGN, ADA, {"Action": "ADD"}, LINK)
STOP = "<a href='{{ unsubscribe_url }}'>stop</a>"


def refused(mode: str, content: Mapping[str, str], settings: CampaignSettings = SETTINGS) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        check_content(TargetMode(mode), {**CONTENTS[TargetMode(mode)], **content}, settings)
    return str(caught.value)


def out(mode: str, **content: str) -> dict[str, str]:
    return render(TargetMode(mode), {**CONTENTS[TargetMode(mode)], **content}, KNOWN)


def failed(mode: str, **content: str) -> str:
    with pytest.raises(TemplateError) as caught:
        out(mode, **content)
    return str(caught.value)


@pytest.mark.parametrize("mode", TargetMode)
def test_the_least_content_of_each_channel_is_accepted(mode: TargetMode) -> None:
    check_content(mode, CONTENTS[mode], SETTINGS)


@pytest.mark.parametrize("mode", TargetMode)
def test_a_field_that_the_channel_has_not_is_refused_by_name(mode: TargetMode) -> None:
    assert refused(mode, {"colour": "red"}) == "content.colour: unknown field"
    assert refused(mode, {"mutable-content": "1"}) == "content.mutable-content: unknown field"
    assert refused(mode, {"<script>\n": "red"}) == "content.<script>\\n: unknown field"
    assert refused(mode, {"x" * 99: "red"}) == f"content.{'x' * 64}…: unknown field"
    field = next(iter(CONTENTS[mode]))
    wrong = f"{field.upper()} "
    assert refused(mode, {wrong: "x"}) == f"content.{wrong}: unknown field; it is written {field}"


@pytest.mark.parametrize(
    ("mode", "field"), [(mode, field) for mode, fields in CONTENTS.items() for field in fields if field != "url"]
)
def test_a_field_that_must_be_there_must_hold_something(mode: TargetMode, field: str) -> None:
    without = {name: text for name, text in CONTENTS[mode].items() if name != field}
    with pytest.raises(InvalidRequestError, match=f"^content.{field}: is required$"):
        check_content(mode, without, SETTINGS)
    assert refused(mode, {field: ""}) == f"content.{field}: is required"
    assert refused(mode, {field: " \n"}) == f"content.{field}: must not be only spaces"


@pytest.mark.parametrize(
    ("mode", "content", "error"),
    [
        ("email", {"subject": "a\n{{ x | }}"}, "content.subject: line 2: expected word, found end of expression"),
        ("email", {"sender_name": "{{ x"}, "content.sender_name: line 1: '{{' is not closed"),
        ("email", {"sender_name": "x" * 256}, "content.sender_name: comes out longer than 255 characters"),
        ("email", {"sender_name": "買" * 200}, "content.sender_name: comes out longer than 700 characters of ASCII"),
        ("sms", {"body": "{% include 'x' %}"}, "content.body: line 1: unexpected tag 'include'"),
        ("push", {"deep_link": "{{ x | sparkle }}"}, "content.deep_link: line 1: unknown filter 'sparkle'"),
        ("sms", {"body": "\ud800"}, "content.body: must have no lone surrogates"),
        ("sms", {"body": "ü" * 51_201}, "content.body: must have at most 100 KB"),
        ("email", {"subject": "x" * 102_000, "body": "x" * 103_000}, "content: must have at most 200 KB in all"),
        ("email", {"sender": "other@example.com"}, "content.sender: is not one of the account's senders"),
        (
            "email",
            {"body": "<frameset>{{ profile.Name }}"},
            "content.body: leaves no place where a link to unsubscribe is seen",
        ),
        (
            "email",
            {"body": "<a href={{ profile.Site }}>x</a>"},
            "content.body: what is filled in needs quotes around it, as",
        ),
        ("email", {"body": "<p {{ profile.x }}>x</p>"}, "content.body: what is filled in needs quotes around it, as"),
        (
            "email",
            {"body": "<p title=a{{ profile.x }}b>x</p>"},
            "content.body: what is filled in needs quotes around it, as",
        ),
        (
            "email",
            {"body": "<h{{ profile.x }}>x"},
            "content.body: a value can't be filled in as the name of an element",
        ),
        (
            "email",
            {"body": "<a href='java\nscript:x'>x</a>"},
            "content.body: the address of an attribute href would run a",
        ),
        (
            "email",
            {"body": "{{ first_name }}"},
            "content.body: line 1: there is no first_name; did you mean profile.first_name?",
        ),
        (
            "email",
            {"sender_name": "{{ Profile.Name }}"},
            "content.sender_name: line 1: there is no Profile.Name; did you mean",
        ),
        ("sms", {"body": "{{ unsubscribe_url }}"}, "content.body: line 1: there is no unsubscribe_url; did you mean"),
        ("email", {"text": "{{ x"}, "content.text: line 1: '{{' is not closed"),
        ("email", {"reply_to": "nobody"}, "content.reply_to: must be an email address"),
        ("email", {"reply_to": "a@example.com\nBcc: b@example.com"}, "content.reply_to: must be an email address"),
        ("webhook", {"url": ""}, "content.url: is required"),
        ("webhook", {"url": "https://elsewhere.example.com/"}, "content.url: is not one of the account's webhooks"),
    ],
)
def test_a_content_that_could_not_be_sent_is_refused_with_the_path(mode: str, content: Any, error: str) -> None:
    assert refused(mode, content).startswith(error)


def test_what_is_not_declared_is_refused() -> None:
    assert refused("email", {}, CampaignSettings()).startswith("content.sender: the account has declared no sender")
    assert refused("push", {}, CampaignSettings()).startswith("target_mode: the account has no push application")
    assert refused("webhook", {}, CampaignSettings()).startswith("content.url: is not one of the account's webhooks")


def test_the_first_sender_is_meant_if_none_is_named_and_case_does_not_matter() -> None:
    assert sender_of({}, SETTINGS) == "news@example.com"
    assert sender_of({"sender": "shop@EXAMPLE.com"}, SETTINGS) == "Shop@example.com"
    assert sender_of({"sender": "x@example.com"}, SETTINGS) is None
    assert sender_of({}, CampaignSettings()) is None


def test_a_webhook_is_named_by_its_name_or_its_url() -> None:
    crm = SETTINGS.webhooks["crm"]
    assert webhook_of({"url": "crm"}, SETTINGS) == webhook_of({"url": crm.url}, SETTINGS) == crm
    assert webhook_of({"url": "https://crm.example.com/"}, SETTINGS) is None


def test_templates_know_profile_campaign_and_event() -> None:
    of_profile = "{{ profile.Name }} {{ profile.identity }} {{ profile.guid }}"
    of_others = "{{ campaign.id }} {{ campaign.name }} {{ event.Action }}"
    text = out("sms", body=f"{of_profile} {of_others}")["body"]
    assert text == "Ada <Lovelace> CT1 5f2d 1763901234567892 Spring ADD"


def test_only_the_body_of_an_email_is_html() -> None:
    name = "{{ profile.Name }}"
    assert out(
        "email", subject=name, body=f"{name}{STOP}", text=f"{name} {{{{ unsubscribe_url }}}}", sender_name=name
    ) == {
        "subject": "Ada <Lovelace>",
        "body": f"Ada &lt;Lovelace&gt;<a href='{LINK}'>stop</a>",
        "text": f"Ada <Lovelace> {LINK}",
        "sender_name": "Ada <Lovelace>",
    }


@pytest.mark.parametrize(
    "evil", ["a\r\nBcc: all@example.com", "a\nX: y", "a\u2028X: y", "a\x00\x0b\x85X: y", "  a \t X: y "]
)
def test_a_header_is_one_line_whatever_a_user_is_called(evil: str) -> None:
    known = variables(CAMPAIGN, replace(ADA, attributes={"Name": evil}), None, LINK)
    content = {**CONTENTS[TargetMode.EMAIL], "subject": "{{ profile.Name }}", "sender_name": "{{ profile.Name }}"}
    rendered = render(TargetMode.EMAIL, content, known)
    for name in ("subject", "sender_name"):
        assert len(rendered[name].splitlines()) == 1
        assert not any(category(letter) == "Cc" for letter in rendered[name])
        assert rendered[name].startswith("a ")


def test_a_line_of_spaces_takes_no_longer_than_another() -> None:
    assert one_line("a" + " " * 200_000 + "b") == "a" + " " * 200_000 + "b"


OF_PEOPLE = [
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family, by joiners
    "\u2764\ufe0f\U0001f44d\U0001f3fd",  # a heart and a hand, by a variation selector and a modifier
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, by a non-joiner
    "\u2068Zo\u00eb\u2069 \u2067\u05d0\u2069 \u200e\u200f\u061c",  # isolates and marks of direction
    "10\u00a0000\u202f\u20ac  \u3000\u5c71",  # spaces that are not the plain one, and two that are
    "\U000e0067\U000e007f co\u00adop \ue000",  # tags of flags, a soft hyphen, private use
]


@pytest.mark.parametrize("text", OF_PEOPLE)
def test_what_is_no_line_break_stays_in_a_line(text: str) -> None:
    known = variables(CAMPAIGN, replace(ADA, attributes={"Name": text}), None, LINK)
    content = {"title": "{{ profile.Name }}", "body": "b", "deep_link": f"app://{text}"}
    assert render(TargetMode.PUSH, content, known) == {"title": text, "body": "b", "deep_link": f"app://{text}"}
    content = {"subject": text, "body": "b", "sender_name": "{{ profile.Name }}"}
    rendered = render(TargetMode.EMAIL, content, known)
    assert (rendered["subject"], rendered["sender_name"]) == (text, text)


@given(text())
def test_a_line_is_the_text_less_its_breaks(name: str) -> None:
    known = variables(CAMPAIGN, replace(ADA, attributes={"Name": name}), None)
    line = render(TargetMode.PUSH, {"title": "[{{ profile.Name }}]", "body": "b"}, known)["title"]
    breaks = {letter for letter in name if category(letter) in {"Cc", "Zl", "Zp"}}
    assert [letter for letter in line[1:-1] if letter != " "] == [
        letter for letter in name if letter not in breaks | {" "}
    ]
    assert breaks or line == f"[{name}]"


@pytest.mark.parametrize("name", [*OF_PEOPLE, "Shop, Inc. (new)", 'the "Shop" <a@b>', "=?utf-8?q?Bank?=", "a\\b"])
def test_a_sender_is_read_back_from_its_header_as_it_was(name: str) -> None:
    header = from_header(name, "news@example.com")
    assert header.isascii()
    assert header.isprintable()
    display_name, address = parseaddr(header)
    assert (str(make_header(decode_header(display_name))), address) == (name, "news@example.com")


@pytest.mark.parametrize("mode", [mode for mode in TargetMode if mode is not TargetMode.WEBHOOK])
def test_a_message_that_comes_out_empty_is_not_sent(mode: TargetMode) -> None:
    assert failed(mode, body="{{ profile.Missing }}") == "body: comes out empty"


def test_an_email_has_a_text_made_of_its_html_or_given_and_the_link_in_both() -> None:
    made = out("email", body="<p>Hi <b>{{ profile.Name }}</b></p><style>p{}</style>")
    assert made["text"] == f"Hi Ada <Lovelace>\n\nUnsubscribe ({LINK})"
    assert f'href="{LINK}"' in made["body"]
    assert out("email", text="Hi {{ profile.Name }}")["text"] == f"Hi Ada <Lovelace>\n\nUnsubscribe: {LINK}"
    assert out("email", text="{{ profile.Missing }}")["text"] == f"Hello\n\nUnsubscribe ({LINK})"


QUOTED = (
    "<p {% if profile.x %}hidden{% endif %} title='a{{ profile.x }}' class=b id=\"{{ profile.y }}\">{{ profile.z }}</p>"
)


@pytest.mark.parametrize(
    "body",
    [
        QUOTED,
        "<!-- <p {{ profile.x }}> -->x",
        "{% if profile.x > 1 %}<b class='{{ profile.x | append: \"'\" }}'>{% endif %}x",
    ],
)
def test_values_may_stand_in_quotes_and_in_text(body: str) -> None:
    check_content(TargetMode.EMAIL, {**CONTENTS[TargetMode.EMAIL], "body": body}, SETTINGS)


@pytest.mark.parametrize(
    "site",
    ["javascript:x", " JavaScript:x", "java\tscript:x", "\x01vbscript:x", "data:text/html,x", "&#106;avascript:x"],
)
def test_a_users_address_that_would_run_a_script_is_not_sent(site: str) -> None:
    known = variables(CAMPAIGN, replace(ADA, attributes={"Site": site}), None, LINK)
    content = {"subject": "Hi", "body": "<a href='{{ profile.Site }}'>your site</a>"}
    if site.startswith("&"):  # escaped, it is no address of that kind
        assert "&amp;#106;" in render(TargetMode.EMAIL, content, known)["body"]
        return
    with pytest.raises(TemplateError, match=r"^body: the address of an attribute href would run a script$"):
        render(TargetMode.EMAIL, content, known)


def test_people_read_values_and_programs_get_them_as_they_were_sent() -> None:
    sent: dict[str, AttributeValue] = {
        "DOB": "$D_662688000",
        "Points": 1e21,
        "Rate": 1e-7,
        "Id": 12345678901234567890,
        "Vip": True,
    }
    known = variables(CAMPAIGN, replace(ADA, attributes=sent), None, LINK)
    body = "{{ profile.DOB }} {{ profile.Points }} {{ profile.Rate }} {{ profile.Id }} {{ profile.Vip }}"
    text = render(TargetMode.SMS, {"body": body}, known)["body"]
    assert text == "1991-01-01 1000000000000000000000 0.0000001 12345678901234567890 true"
    hook = replace(CAMPAIGN, target_mode=TargetMode.WEBHOOK)
    known = variables(hook, replace(ADA, attributes=sent), None)
    profile = json.loads(render(TargetMode.WEBHOOK, CONTENTS[TargetMode.WEBHOOK], known)["body"])["profile"]
    assert {name: profile[name] for name in sent} == sent


def test_a_large_number_is_written_with_the_digits_that_were_sent() -> None:
    assert as_read(1e23) == 10**23
    assert as_read(12.0) == 12


def test_an_email_without_a_place_for_the_link_is_not_sent() -> None:
    reason = failed("email", body="<frameset>")
    assert reason == "body: leaves no place where a link to unsubscribe is seen: it is a document of frames"


def test_an_optional_field_that_comes_out_empty_is_left_out() -> None:
    assert out("push", deep_link="{{ profile.Missing }}") == {"title": "Hello", "body": "there"}


@pytest.mark.parametrize(
    ("mode", "content"),
    [
        ("sms", {"body": "x" * 1601}),
        ("whatsapp", {"body": "x" * 4097}),
        ("push", {"body": "x" * 3900}),
        ("push", {"body": "ü" * 1950}),
        ("webpush", {"title": "x" * 2000, "body": "x" * 1900}),
        ("email", {"subject": "x" * 999}),
        ("email", {"sender_name": "x" * 256}),
        ("email", {"sender_name": "買" * 200}),
    ],
)
def test_what_the_provider_would_refuse_or_cut_is_not_sent(mode: str, content: Any) -> None:
    assert "comes out" in failed(mode, **content)


def test_as_much_as_the_provider_takes_is_sent() -> None:
    assert out("sms", body="ü" * 1600)
    assert out("email", sender_name="買" * 120)
    assert out("push", body="x" * 3700)


def test_a_webhook_gets_profile_campaign_and_event_unless_it_asks_for_less() -> None:
    known = variables(CAMPAIGN, ADA, {"Action": "ADD"})
    assert json.loads(render(TargetMode.WEBHOOK, CONTENTS[TargetMode.WEBHOOK], known)["body"]) == known
    body = '{"who": {{ profile.Name | json }}, "old": {{ profile.Missing | json }}}'
    assert json.loads(out("webhook", body=body)["body"]) == {"who": "Ada <Lovelace>", "old": None}


@pytest.mark.parametrize(
    "body", ['{"who": {{ profile.Name }}}', "{{ profile.Missing }}", "NaN", "[" * 100_000, '{"a":1']
)
def test_a_webhooks_body_that_is_no_json_is_not_sent(body: str) -> None:
    assert failed("webhook", body=body) == "body: does not come out as JSON; insert values by the filter `json`"


def test_an_error_while_filling_in_names_the_field() -> None:
    assert failed("sms", body="a\n{{ 1 | divided_by: 0 }}") == "body: line 2: divided_by: can't divide by 0"

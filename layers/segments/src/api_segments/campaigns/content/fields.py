"""The content of a campaign: which fields each channel has, what may stand in them, and how they are filled in."""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from email_validator import EmailNotValidError, validate_email

from api_segments.campaigns.content import templates
from api_segments.campaigns.content.channel_fields import FIELDS
from api_segments.campaigns.content.mail import SAMPLE_LINK, check_quotes, with_link
from api_segments.campaigns.content.names import check_names
from api_segments.campaigns.content.plain_text import text_of, text_with_link
from api_segments.campaigns.content.templates import TemplateError, one_line
from api_segments.campaigns.content.values import as_read
from api_segments.campaigns.model import Campaign, CampaignSettings, TargetMode, Webhook
from api_segments.campaigns.providers.email import from_header
from api_segments.core.errors import InvalidRequestError
from api_segments.core.limits import (
    MAX_CONTENT_BYTES,
    MAX_ENCODED_NAME_CHARACTERS,
    MAX_PUSH_PAYLOAD_BYTES,
    MAX_SMS_CHARACTERS,
    MAX_SUBJECT_CHARACTERS,
    MAX_TEMPLATE_BYTES,
    MAX_WHATSAPP_CHARACTERS,
)
from api_segments.http.strict_json import BROKEN, REPLACEMENT, path
from api_segments.http.validation import hint
from api_segments.profiles.model import Profile

# Names longer than these are of no use to anybody.
_SENDER_NAME_CHARACTERS = 255
_TAG = re.compile(r"\{[{%]")
# What the other fields of a push message's payload take at most.
_PUSH_ENVELOPE_BYTES = 256
_HTML = {(TargetMode.EMAIL, "body")}
_BODY_CHARACTERS = {TargetMode.SMS: MAX_SMS_CHARACTERS, TargetMode.WHATSAPP: MAX_WHATSAPP_CHARACTERS}
TEST_MARK = "[Test]"
DEFAULT_WEBHOOK_BODY = '{"profile":{{ profile | json }},"campaign":{{ campaign | json }},"event":{{ event | json }}}'


def variables(
    campaign: Campaign, profile: Profile, event: Mapping[str, Any] | None, unsubscribe_url: str | None = None
) -> dict[str, Any]:
    """Return what the templates of a campaign's message know. Identity and guid are never an attribute's value.

    The link to unsubscribe is an email's. Programs get values as they were sent, people as they read them.
    """
    is_for_people = campaign.target_mode is not TargetMode.WEBHOOK
    attributes = {name: as_read(value) if is_for_people else value for name, value in profile.attributes.items()}
    known = {
        "profile": {**attributes, "identity": profile.identity, "guid": profile.profile_id},
        "campaign": {"id": campaign.campaign_id, "name": campaign.name},
        "event": event,
    }
    return known if unsubscribe_url is None else {**known, "unsubscribe_url": unsubscribe_url}


def check_content(mode: TargetMode, content: Mapping[str, str], settings: CampaignSettings) -> None:
    """Raise InvalidRequestError, which names field and line, unless a campaign can be sent with this content.

    Whether a sender is verified is for `EmailStore` to say.
    """
    fields = FIELDS[mode]
    known = {*fields.required, *fields.optional, *fields.plain}
    for name in content:
        if name not in known:
            _refuse(name, f"unknown field{hint(name, known)}")
    if sum(len(text.encode("utf-8", "surrogatepass")) for text in content.values()) > MAX_CONTENT_BYTES:
        raise InvalidRequestError(f"content: must have at most {MAX_CONTENT_BYTES // 1024} KB in all")
    for name in (*fields.required, *fields.optional):
        if name in content or name in fields.required:
            _check_template(mode, name, content.get(name, ""))
    if mode is TargetMode.EMAIL:
        _check_addresses(content, settings)
        _check_place_of_link(content["body"])
    elif mode is TargetMode.WEBHOOK:
        _check_webhook(content, settings)
    elif mode is TargetMode.PUSH and not settings.push_applications:
        raise InvalidRequestError("target_mode: the account has no push application; set one with set_push_application")


def sender_of(content: Mapping[str, str], settings: CampaignSettings) -> str | None:
    """Return the address that a campaign sends from, None if the account has declared none (any more)."""
    wanted = content.get("sender")
    if wanted is None:
        return next(iter(settings.senders), None)
    return next((address for address in settings.senders if address.casefold() == wanted.casefold()), None)


def webhook_of(content: Mapping[str, str], settings: CampaignSettings) -> Webhook | None:
    """Return the webhook that a content names, by name or URL; None if it is not declared (any more)."""
    wanted = content.get("url", "")
    by_url = (webhook for webhook in settings.webhooks.values() if webhook.url == wanted)
    return settings.webhooks.get(wanted) or next(by_url, None)


def render(mode: TargetMode, content: Mapping[str, str], known: Mapping[str, Any]) -> dict[str, str]:
    """Fill in the templates of a content, each field as its channel can take it; raises TemplateError.

    An email comes out with a text beside its HTML, and with the link to unsubscribe in both.
    """
    fields = FIELDS[mode]
    texts = {name: content[name] for name in (*fields.required, *fields.optional) if name in content}
    if mode is TargetMode.WEBHOOK:
        texts.setdefault("body", DEFAULT_WEBHOOK_BODY)
    rendered = {}
    for name, text in texts.items():
        try:
            filled_in = templates.render(text, known, is_html=(mode, name) in _HTML)
        except TemplateError as error:
            raise TemplateError(f"{name}: {error}") from None
        rendered[name] = one_line(filled_in) if name in fields.lines else filled_in
        if name in fields.required and not rendered[name].strip():
            raise TemplateError(f"{name}: comes out empty")
    _check_rendered(mode, rendered)
    if mode is TargetMode.EMAIL:
        rendered |= _with_links(rendered, known["unsubscribe_url"])
    return {name: text for name, text in rendered.items() if text or name in fields.required}


def marked_as_test(mode: TargetMode, rendered: Mapping[str, str]) -> dict[str, str]:
    """Return a content that says first that it is a test; one for programs stays as it is."""
    if not FIELDS[mode].required:
        return dict(rendered)
    name = FIELDS[mode].required[0]
    text = f"{TEST_MARK} {rendered[name]}"[: _BODY_CHARACTERS.get(mode, MAX_SUBJECT_CHARACTERS)]
    return {**rendered, name: text}


def _with_links(rendered: Mapping[str, str], link: str) -> dict[str, str]:
    try:
        body = with_link(rendered["body"], link)
    except TemplateError as error:
        raise TemplateError(f"body: {error}") from None
    given = rendered.get("text", "")
    return {"body": body, "text": text_with_link(given, link) if given.strip() else text_of(body, link)}


def _check_rendered(mode: TargetMode, rendered: Mapping[str, str]) -> None:
    """Raise TemplateError for what a provider would refuse, or cut."""
    body = rendered["body"]
    if mode is TargetMode.EMAIL and len(rendered["subject"]) > MAX_SUBJECT_CHARACTERS:
        raise TemplateError(f"subject: comes out longer than {MAX_SUBJECT_CHARACTERS} characters")
    _check_sender_name(rendered.get("sender_name", ""))
    if mode in _BODY_CHARACTERS and len(body) > _BODY_CHARACTERS[mode]:
        raise TemplateError(f"body: comes out longer than {_BODY_CHARACTERS[mode]:,} characters")
    if mode in (TargetMode.PUSH, TargetMode.WEB_PUSH):
        size = len(json.dumps(rendered, ensure_ascii=False).encode("utf-8", "replace"))
        if size > MAX_PUSH_PAYLOAD_BYTES - _PUSH_ENVELOPE_BYTES:
            raise TemplateError(
                f"body: comes out too long for a push message, which has {MAX_PUSH_PAYLOAD_BYTES} bytes"
            )
    if mode is TargetMode.WEBHOOK:
        _check_json(body)


def _check_sender_name(name: str) -> None:
    if len(name) > _SENDER_NAME_CHARACTERS:
        raise TemplateError(f"sender_name: comes out longer than {_SENDER_NAME_CHARACTERS} characters")
    try:
        header = from_header(name, "")
    except UnicodeError:
        raise TemplateError("sender_name: comes out with lone surrogates") from None
    if len(header) > MAX_ENCODED_NAME_CHARACTERS:
        limit = f"{MAX_ENCODED_NAME_CHARACTERS} characters of ASCII, as which a header has it"
        raise TemplateError(f"sender_name: comes out longer than {limit}")


def _check_json(text: str) -> None:
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise TemplateError("body: does not come out as JSON; insert values by the filter `json`") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _check_template(mode: TargetMode, name: str, text: str) -> None:
    if not text.strip():
        _refuse(name, "is required" if not text else "must not be only spaces")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        _refuse(name, "must have no lone surrogates")
    if REPLACEMENT in text:
        _refuse(name, BROKEN)
    if size > MAX_TEMPLATE_BYTES:
        _refuse(name, f"must have at most {MAX_TEMPLATE_BYTES // 1024} KB")
    try:
        templates.check(text, is_html=(mode, name) in _HTML)
        check_names(text, is_html=(mode, name) in _HTML, is_email=mode is TargetMode.EMAIL)
        if (mode, name) in _HTML:
            check_quotes(text)
    except TemplateError as error:
        _refuse(name, str(error))
    if name == "sender_name" and not _TAG.search(text):  # the same for everybody
        try:
            _check_sender_name(one_line(text))
        except TemplateError as error:
            raise InvalidRequestError(f"content.{error}") from None


def _check_addresses(content: Mapping[str, str], settings: CampaignSettings) -> None:
    if not settings.senders:
        _refuse("sender", "the account has declared no sender; add one with add_sender")
    if sender_of(content, settings) is None:
        _refuse("sender", "is not one of the account's senders; add it with add_sender")
    if "reply_to" in content:
        try:
            validate_email(content["reply_to"], check_deliverability=False, allow_smtputf8=False)
        except EmailNotValidError:
            _refuse("reply_to", "must be an email address")


def _check_place_of_link(body: str) -> None:
    """Refuse a body that has no place for the link to unsubscribe, as far as it can be told without a user."""
    known: dict[str, Any] = {"profile": {}, "campaign": {}, "event": None, "unsubscribe_url": SAMPLE_LINK}
    try:
        markup = templates.render(body, known, is_html=True)
    except TemplateError:
        return
    if markup.strip():
        try:
            with_link(markup, SAMPLE_LINK)
        except TemplateError as error:
            _refuse("body", str(error))


def _check_webhook(content: Mapping[str, str], settings: CampaignSettings) -> None:
    if not content.get("url"):
        _refuse("url", "is required")
    if webhook_of(content, settings) is None:
        _refuse("url", "is not one of the account's webhooks; add it with add_webhook")


def _refuse(name: str, reason: str) -> NoReturn:
    raise InvalidRequestError(f"{path(('content', name))}: {reason}")

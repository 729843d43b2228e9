"""What SES tells of emails, by way of SNS (SES developer guide, "Contents of event data that SES publishes to SNS")."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from api_segments.campaigns.providers.email import MESSAGE_HEADER
from api_segments.http.observability import logger

_PERMANENT = "Permanent"
_NOT_SPAM = "not-spam"  # a complaint that takes one back


@dataclass(frozen=True, slots=True)
class Feedback:
    """An email that must be the last: the token that went out with it, and who it came back from."""

    token: str
    recipients: tuple[str, ...]


def read_feedback(event: Mapping[str, Any]) -> Iterator[Feedback]:
    """Return the permanent bounces and the complaints; other events, and emails that are not ours, are passed over.

    So is what is no JSON object: SES tells a new destination in plain text that it has been validated.
    """
    for record in event["Records"]:
        told = _read(record["Sns"]["Message"])
        recipients = _recipients(told)
        token = _token(told["mail"]) if recipients else None
        if token is not None:
            yield Feedback(token, recipients)


def _read(text: str) -> Mapping[str, Any]:
    """Read a notification; of what is no event of SES nothing."""
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        logger.info("a notification is no event of SES")
        return {}
    return told


def _recipients(told: Mapping[str, Any]) -> tuple[str, ...]:
    kind = told.get("eventType", told.get("notificationType"))
    if kind == "Bounce" and told["bounce"]["bounceType"] == _PERMANENT:
        listed = told["bounce"]["bouncedRecipients"]
    elif kind == "Complaint" and told["complaint"].get("complaintFeedbackType") != _NOT_SPAM:
        listed = told["complaint"]["complainedRecipients"]
    else:
        listed = []
    return tuple(parseaddr(each["emailAddress"])[1] for each in listed)


def _token(mail: Mapping[str, Any]) -> str | None:
    for header in mail.get("headers", ()):
        if header["name"].casefold() == MESSAGE_HEADER.casefold():
            return str(header["value"]).strip()
    return None

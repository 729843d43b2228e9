"""What SES tells of emails, by way of SNS (SES developer guide, "Contents of event data that SES publishes to SNS")."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from api_segments.campaigns.providers.email import MESSAGE_HEADER

_PERMANENT = "Permanent"
_NOT_SPAM = "not-spam"  # a complaint that takes one back


@dataclass(frozen=True, slots=True)
class Feedback:
    """An email that must be the last: the token that went out with it, and who it came back from."""

    token: str
    recipients: tuple[str, ...]


def read_feedback(event: Mapping[str, Any]) -> Iterator[Feedback]:
    """Return the permanent bounces and the complaints; other events, and emails that are not ours, are passed over."""
    for record in event["Records"]:
        told: Mapping[str, Any] = json.loads(record["Sns"]["Message"])
        recipients = _recipients(told)
        token = _token(told.get("mail", {}))
        if recipients and token is not None:
            yield Feedback(token, recipients)


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

"""What SES tells of emails, by way of SNS (SES developer guide, "Contents of event data that SES publishes to SNS")."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from api_segments.campaigns.model import AfterSending
from api_segments.campaigns.providers.email import MESSAGE_HEADER
from api_segments.core.clock import rfc3339
from api_segments.http.observability import logger

_PERMANENT = "Permanent"
_NOT_SPAM = "not-spam"  # a complaint that takes one back


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of an email that must be the last, and when: the token that went out with it, and to whom it went."""

    token: str
    what: AfterSending
    at: str
    recipients: tuple[str, ...]


def read_feedback(event: Mapping[str, Any]) -> Iterator[Feedback]:
    """Return the permanent bounces and the complaints; other events, and emails that are not ours, are passed over.

    So is what is no JSON object: SES tells a new destination in plain text that it has been validated.
    """
    for record in event["Records"]:
        told = _read(record["Sns"]["Message"])
        what = _what(told)
        token = None if what is None else _token(told["mail"])
        if what is not None and token is not None:
            about = told["bounce" if what is AfterSending.BOUNCED else "complaint"]
            listed = about["bouncedRecipients" if what is AfterSending.BOUNCED else "complainedRecipients"]
            # The same whenever it is told again.
            at = datetime.fromisoformat(about.get("timestamp") or record["Sns"]["Timestamp"])
            recipients = tuple(parseaddr(each["emailAddress"])[1] for each in listed)
            yield Feedback(token, what, rfc3339(at), recipients)


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


def _what(told: Mapping[str, Any]) -> AfterSending | None:
    kind = told.get("eventType", told.get("notificationType"))
    if kind == "Bounce" and told["bounce"]["bounceType"] == _PERMANENT:
        return AfterSending.BOUNCED
    if kind == "Complaint" and told["complaint"].get("complaintFeedbackType") != _NOT_SPAM:
        return AfterSending.COMPLAINED
    return None


def _token(mail: Mapping[str, Any]) -> str | None:
    for header in mail.get("headers", ()):
        if header["name"].casefold() == MESSAGE_HEADER.casefold():
            return str(header["value"]).strip()
    return None

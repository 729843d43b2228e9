"""Amazon SES: sends emails, and knows which senders are verified."""

from collections.abc import Iterator
from dataclasses import dataclass
from email.header import Header
from email.utils import formataddr
from typing import TYPE_CHECKING

from api_segments.aws.delivery import Reply, deliver
from api_segments.aws.failures import CALL_FAILED, failure_code
from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import UnavailableError

if TYPE_CHECKING:
    from types_boto3_sesv2 import SESV2Client
    from types_boto3_sesv2.type_defs import SendEmailRequestTypeDef

MESSAGE_HEADER = "X-Api-Segments-Message"
"""The header that says whose message it was: SES repeats it when it tells of a bounce."""
# SES v2 API reference, MessageHeader: a value's length.
MAX_HEADER_CHARACTERS = 870
VERIFIED_SECONDS = 60
_KEPT_IDENTITIES = 1000
# SES v2 API reference, SendEmail: errors that are about the message itself.
_FINAL = ("BadRequestException", "MailFromDomainNotVerifiedException", "MessageRejected")


@dataclass(frozen=True, slots=True)
class Email:
    """An email to one address. `subject` and `sender_name` are one line each."""

    sender: str
    sender_name: str | None
    recipient: str
    reply_to: str | None
    subject: str
    html: str
    text: str
    unsubscribe_url: str
    token: str


class EmailProvider:
    """Sends emails, all through one configuration set, which tells of bounces and complaints."""

    def __init__(self, client: "SESV2Client", configuration_set: str) -> None:
        self._client = client
        self._configuration_set = configuration_set
        self._verified: dict[str, tuple[float, bool]] = {}

    def send(self, email: Email, deadline: Deadline) -> Reply:
        """Hand an email to SES; one whose links are too long for a header is refused."""
        headers = {
            "List-Unsubscribe": f"<{email.unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            MESSAGE_HEADER: email.token,
        }
        if max(map(len, headers.values())) > MAX_HEADER_CHARACTERS:
            return Reply.REFUSED
        request: SendEmailRequestTypeDef = {
            "FromEmailAddress": from_header(email.sender_name, email.sender),
            "Destination": {"ToAddresses": [email.recipient]},
            "ReplyToAddresses": [] if email.reply_to is None else [email.reply_to],
            "ConfigurationSetName": self._configuration_set,
            "Content": {
                "Simple": {
                    "Subject": {"Data": email.subject, "Charset": "UTF-8"},
                    "Body": {
                        "Html": {"Data": email.html, "Charset": "UTF-8"},
                        "Text": {"Data": email.text, "Charset": "UTF-8"},
                    },
                    "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
                }
            },
        }
        return deliver(lambda: self._client.send_email(**request), "email", _FINAL, deadline)

    def is_verified(self, address: str, deadline: Deadline) -> bool:
        """Whether SES lets this address send: itself or a domain it belongs to is verified; raises UnavailableError.

        SES takes about one such question a second, so what it says is good for a minute.
        """
        return any(self._is_verified_identity(identity, deadline) for identity in _identities(address))

    def _is_verified_identity(self, identity: str, deadline: Deadline) -> bool:
        now = deadline.clock.monotonic()
        asked_at, is_verified = self._verified.get(identity, (now - VERIFIED_SECONDS - 1, False))
        if now - asked_at > VERIFIED_SECONDS:
            is_verified = self._ask_for_identity(identity, deadline)
            self._verified.pop(identity, None)
            self._verified[identity] = (now, is_verified)
            for oldest in list(self._verified)[:-_KEPT_IDENTITIES]:
                self._verified.pop(oldest, None)
        return is_verified

    def _ask_for_identity(self, identity: str, deadline: Deadline) -> bool:
        backoff = Backoff(deadline)
        while True:
            try:
                return self._client.get_email_identity(EmailIdentity=identity)["VerifiedForSendingStatus"]
            except CALL_FAILED as exc:
                if failure_code(exc) == "NotFoundException":
                    return False
                if not backoff.wait():
                    raise UnavailableError("SES did not say whether the sender is verified") from None


def from_header(name: str | None, address: str) -> str:
    """Write a sender in ASCII, as RFC 2047 has it: a name is quoted, or encoded if it is beyond ASCII or looks so."""
    if name is None or (name.isascii() and "=?" not in name):
        return formataddr((name or "", address))
    return f"{Header(name, 'utf-8').encode(linesep='')} <{address}>"


def _identities(address: str) -> Iterator[str]:
    """Return the address's domain, the domains above it but the topmost, and, as only it is its own, the address."""
    labels = address.rpartition("@")[2].lower().split(".")
    yield from (".".join(labels[start:]) for start in range(len(labels) - 1))
    yield address

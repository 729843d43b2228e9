"""What the demo uploads of its customers, and how it expects each of them to be reachable after it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from api_segments.core.channels import Channel
from local.customers import Customer

CHANNELS = tuple(channel.value for channel in Channel)

Record = dict[str, Any]


@dataclass
class Reach:
    """How a user can be reached, by the demo's own bookkeeping."""

    data: dict[str, Any] = field(default_factory=dict)
    tokens: set[tuple[str, str]] = field(default_factory=set)

    def take(self, record: Record) -> None:
        """Take in one uploaded record."""
        if record["type"] == "profile":
            self.data |= record["profileData"]
            return
        token = record["tokenData"]
        self.tokens.add((token["type"], token["id"]))
        if token.get("$remove"):
            self.tokens.remove((token["type"], token["id"]))

    def by(self, channel: str) -> bool:
        """Tell whether the channel reaches the user now: docs/api.md, Reachability, in the demo's own words."""
        kinds = {kind for kind, _ in self.tokens}
        has_phone, wants_push = bool(self.data.get("Phone")), self.data.get("MSG-push") is not False
        return {
            "email": bool(self.data.get("Email")) and self.data.get("MSG-email") is not False,
            "sms": has_phone and self.data.get("MSG-sms") is not False,
            "whatsapp": has_phone and self.data.get("MSG-whatsapp") is True,
            "push": wants_push and not kinds.isdisjoint({"fcm", "apns"}),
            "web_push": wants_push and "chrome" in kinds,
        }[channel]


def records_of(customers: Iterable[Customer]) -> list[Record]:
    """Return the customers as records of an upload: a profile each, and a token for each device."""
    records: list[Record] = []
    for customer in customers:
        contact = customer.contact
        data: dict[str, Any] = {"Name": customer.name, "Country": customer.country}
        data |= {"Email": contact.email} if contact.email else {}
        data |= {"Phone": contact.phone} if contact.phone else {}
        data |= {f"MSG-{channel}": True for channel in contact.opted_in}
        data |= {f"MSG-{channel}": False for channel in contact.opted_out}
        records.append({"identity": customer.customer_id, "type": "profile", "profileData": data})
        records += [_token(customer, kind) for kind in contact.devices]
    return records


def second_thoughts(customers: Sequence[Customer]) -> list[Record]:
    """Return what some customers change later: they opt out or in, give a phone number up, remove the app."""
    records: list[Record] = []
    for number, customer in enumerate(customers):
        contact = customer.contact
        data: dict[str, Any] = {}
        if number % 15 == 0:
            data |= {"MSG-email": False}
        if number % 20 == 0:
            data |= {"MSG-sms": False, "MSG-whatsapp": True}
        if number % 50 == 0:
            data |= {"Phone": None}
        if number % 30 == 0:
            data |= {"MSG-push": False}
        if data:
            records.append({"identity": customer.customer_id, "type": "profile", "profileData": data})
        if number % 25 == 0:
            records += [_token(customer, kind, {"$remove": True}) for kind in contact.devices]
    return records


def _token(customer: Customer, kind: str, further: Record | None = None) -> Record:
    data = {"id": f"demo-{kind}-{customer.customer_id}", "type": kind, **(further or {})}
    return {"identity": customer.customer_id, "type": "token", "tokenData": data}

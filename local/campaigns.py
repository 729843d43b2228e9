"""The demo's last part: an offline and an online campaign, and whether what went out is as it should be."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from local.audience import Shop, played
from local.customers import read
from local.demo import SETTLE_SECONDS, SILENCE_SECONDS
from local.environment import LocalError
from local.outbox import Message, Outbox
from local.progress import bar
from local.providers import SENDER
from local.stack import Account, Stack, invoke
from local.subscriber import EventQueue

WEBHOOK = "shop"
TIME_ZONE = "Europe/Berlin"
INCLUDED = ("TIER-GOLD", "TIER-PLATINUM")
EXCLUDED = "LAPSED-180"
JOINED = "TIER-PLATINUM"
OFFLINE = {
    "name": "Thank you, Gold and Platinum",
    "target_mode": "email",
    "segments": {
        "include": [{"customer_segment_id": segment} for segment in INCLUDED],
        "exclude": [{"customer_segment_id": EXCLUDED}],
    },
    "when": "now",
    "content": {
        "subject": "{{ profile.Name | split: ' ' | first }}, thank you",
        "body": "<p>Hello {{ profile.Name }},</p><p>this is for our best customers in {{ profile.Country }}.</p>",
        "sender_name": "Example Shop",
    },
}
ONLINE = {
    "name": "Welcome to Platinum",
    "target_mode": "sms",
    "when": {"type": "event", "segment": {"customer_segment_id": JOINED}, "action": "ADD"},
    "content": {"body": "Welcome to the {{ event['Segment Name'] }}, {{ profile.Name | split: ' ' | first }}"},
}
STARTED, COMPLETED = "Campaign Started", "Campaign Completed"
EMAILS_SHOWN = 4

Sent = Counter[tuple[str, str, str]]
"""Channel, address and subject or text of each message."""
Told = tuple[int, str]
"""A campaign and an event in its life."""


@dataclass(frozen=True)
class Expected:
    """What should go out, by the demo's own books."""

    emails: Sent
    unreachable: int
    joins: str
    sms: Sent

    @classmethod
    def of(cls, shop: Shop, names: Mapping[str, str]) -> "Expected":
        """Work it out; `names` are the customers' by identity. The one who joins is the first who gets the SMS."""
        chosen = [
            identity
            for identity, segments in shop.segments_of.items()
            if not segments.isdisjoint(INCLUDED) and EXCLUDED not in segments
        ]
        reached = [identity for identity in chosen if shop.reach_of[identity].by("email")]
        first = {identity: name.split(" ")[0] for identity, name in names.items()}
        joins = next(i for i in names if JOINED not in shop.segments_of[i] and shop.reach_of[i].by("sms"))
        return cls(
            Counter(("email", shop.reach_of[i].data["Email"], f"{first[i]}, thank you") for i in reached),
            len(chosen) - len(reached),
            joins,
            Counter({("sms", shop.reach_of[joins].data["Phone"], f"Welcome to the Platinum tier, {first[joins]}"): 1}),
        )


def declare(stack: Stack, account: Account) -> str:
    """Declare time zone, sender, webhook and push applications for an account; return the webhook's secret."""
    operations: Sequence[Mapping[str, str]] = (
        {"operation": "set_time_zone", "time_zone": TIME_ZONE},
        {"operation": "add_sender", "email": SENDER},
        *({"operation": "set_push_application", "type": k, "arn": arn} for k, arn in stack.push_applications.items()),
        {"operation": "add_webhook", "name": WEBHOOK, "url": f"{stack.webhook_origin}/hook"},
    )
    answer: Any = None
    for operation in operations:
        answer = invoke(
            stack.endpoint_url, stack.functions["accounts"], {**operation, "account_id": account.account_id}
        )
        if answer.get("status") != "success":
            raise LocalError(f"the accounts function refused {operation['operation']}: {answer}")
    secret: str = answer["webhook"]["secret"]
    return secret


def play_campaigns(stack: Stack, queue: EventQueue, console: Console) -> list[str]:
    """Create both campaigns, let a user join, wait for what goes out; return what is not as it should be."""
    customers = read()
    expected = Expected.of(played(customers), {customer.customer_id: customer.name for customer in customers})
    declare(stack, stack.account)
    outbox = Outbox(stack.endpoint_url, stack.webhook_origin)
    with stack.client() as client:
        estimate = client.campaigns.estimate(OFFLINE)["email"]
        online = client.campaigns.create(ONLINE)
        offline = client.campaigns.create(OFFLINE)
        for _ in range(2):  # the repeat changes nothing, so it sends nothing
            client.members.push(JOINED, add=[expected.joins])
        told_of = Counter({(online, STARTED): 1, (offline, STARTED): 1, (offline, COMPLETED): 1})
        messages = collect(outbox, console, expected.emails.total() + expected.sms.total())
        events = campaign_events(queue, told_of)
        client.campaigns.stop(online)
        told = {campaign: client.campaigns.result(campaign) for campaign in (offline, online)}
    outbox.close()
    console.print(messages_table(messages), "")
    sent = Counter((m["channel"], *_address_and_text(m)) for m in messages)
    differences = [
        *_compared("messages", sent, expected.emails + expected.sms),
        *_compared("events", events, told_of),
    ]
    figures = {
        "the estimate": (estimate, expected.emails.total()),
        "emails sent by result.json": (told[offline].sent or 0, expected.emails.total()),
        "unreachable by result.json": ((told[offline].skipped or {}).get("unreachable", 0), expected.unreachable),
        "failed by result.json": (sum((told[offline].failed or {}).values()), 0),
        "SMS sent by result.json": (told[online].sent or 0, 1),
        "emails with one-click unsubscription": (
            sum(_has_unsubscription(m) for m in messages),
            expected.emails.total(),
        ),
    }
    console.print(figures_table(figures), "")
    differences += [f"{what}: {got:,}, expected {should:,}" for what, (got, should) in figures.items() if got != should]
    return differences


def collect(outbox: Outbox, console: Console, wanted: int) -> list[Message]:
    """Return what goes out until `wanted` messages have and a little longer, or until nothing does any more."""
    messages: list[Message] = []
    with bar(console, "messages leaving the stack", wanted, "messages") as advance:
        last = time.monotonic()
        while time.monotonic() - last < (SETTLE_SECONDS if len(messages) >= wanted else SILENCE_SECONDS):
            fresh = outbox.new()
            messages += fresh
            advance(len(fresh))
            last = time.monotonic() if fresh else last
            time.sleep(0.2)
    return messages


def campaign_events(queue: EventQueue, wanted: Counter[Told]) -> Counter[Told]:
    """Return what is told of the campaigns in `wanted`, each Event ID once, until all is or nothing comes any more."""
    ids = {campaign_id for campaign_id, _ in wanted}
    events: dict[str, Told] = {}
    last = time.monotonic()
    while time.monotonic() - last < SILENCE_SECONDS and len(events) < wanted.total():
        received = queue.receive_many()
        for event in received:
            if event.detail_type in (STARTED, COMPLETED) and event.detail["Campaign ID"] in ids:
                events[event.detail["Event ID"]] = (event.detail["Campaign ID"], event.detail_type)
        last = time.monotonic() if received else last
    return Counter(events.values())


def messages_table(messages: Sequence[Message]) -> Table:
    """Return the messages that went out, some of the emails for all."""
    shown = Table(title="The messages that went out", title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for heading in ("channel", "to", "subject or text"):
        shown.add_column(heading)
    emails = [message for message in messages if message["channel"] == "email"]
    for message in emails[:EMAILS_SHOWN]:
        shown.add_row("email", *_address_and_text(message))
    if len(emails) > EMAILS_SHOWN:
        shown.add_row("…", f"{len(emails) - EMAILS_SHOWN:,} more emails", "")
    for message in messages:
        if message["channel"] != "email":
            shown.add_row(message["channel"], *_address_and_text(message))
    return shown


def figures_table(figures: Mapping[str, tuple[int, int]]) -> Table:
    """Return what was counted beside what the customers' file lets expect."""
    shown = Table(title="What the campaigns did", title_justify="left")
    for heading in ("", "counted", "expected"):
        shown.add_column(heading, justify="right" if heading else "left")
    for what, (got, should) in figures.items():
        shown.add_row(what, f"{got:,}", f"{should:,}", style=None if got == should else "red")
    return shown


def _compared(what: str, got: Counter[Any], should: Counter[Any]) -> list[str]:
    lines = []
    for kind, difference in (("missing", should - got), ("unexpected", got - should)):
        if difference:
            lines.append(f"{difference.total():,} {what} {kind}, like {next(iter(difference))}")
    return lines


def _address_and_text(message: Message) -> tuple[str, str]:
    return (message["to"][0], message["subject"]) if message["channel"] == "email" else (message["to"], message["text"])


def _has_unsubscription(message: Message) -> bool:
    headers = message.get("headers", {})
    return headers.get("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click" and "List-Unsubscribe" in headers

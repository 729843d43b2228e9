"""Emails to users, and users, mail servers and accounts that close addresses and open them again, all at once.

What must hold: once an opt-out was confirmed nothing is sent to its address by a sender that begins after that, unless
somebody has opened the address since; when all is quiet every profile says of its addresses what the list says; and who
opted out is opted out, whatever the address is by then, unless that was taken back for the user, or for an address that
the user had at that time.
"""

import json
from base64 import urlsafe_b64decode
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB
from api_segments.campaigns.model import (
    Audience,
    Campaign,
    CampaignSettings,
    CampaignStatus,
    DeliveryStatus,
    Message,
    TargetMode,
    Trigger,
)
from api_segments.campaigns.providers.email import MESSAGE_HEADER
from api_segments.campaigns.store import CampaignStore
from api_segments.campaigns.store_deliveries import delivery_key
from api_segments.campaigns.store_settings import CampaignSettingsStore
from api_segments.core.clock import SYSTEM_CLOCK, Deadline, rfc3339
from api_segments.memberships.model import Action
from tests.simulation.broken import check
from tests.simulation.history import Moments
from tests.simulation.plan import EMAILS, IDENTITIES, Request
from tests.simulation.world import Outcome, World
from tests.support.events import Event, sample, with_body, without_body
from tests.support.uploads import profile

Json = Any
CAMPAIGN_ID = 1763901234567892
AGAIN = (429, 503)


@dataclass(frozen=True)
class Change:
    """An address of an account that was closed, as was confirmed, or that somebody tried to open.

    If it was by an email, `profile_id` is the user who got that, and is opted out or in as well.
    """

    account_id: str
    address: str
    during: Moments
    profile_id: str | None = None


@dataclass(frozen=True)
class Mail:
    """An email that SES has: to whom, whose, and its tokens."""

    account_id: str
    address: str
    profile_id: str
    delivery_id: str
    link: str
    token: str


@dataclass
class OptingOut:
    """The requests, and what they were told."""

    world: World
    closed: list[Change] = field(default_factory=list)
    opened: list[Change] = field(default_factory=list)
    sending: dict[str, Moments] = field(default_factory=dict)
    is_left: bool = False
    """Whether a change may have been begun that nobody was told of as done, and that is not tried again."""

    def prepare(self, account_id: str) -> None:
        """Give an account users with addresses, some with the same, and a campaign that sends emails to anybody."""
        people = [profile(each, Email=EMAILS[index % 2]) for index, each in enumerate(IDENTITIES)]
        outcome = self.world.invoke(
            "profiles", with_body("profiles", account_id, {"d": people}), f"{account_id} people"
        )
        check(_status(outcome) == 200, "the first upload failed", outcome)
        db, names = DynamoDB(cast("Any", self.world.db)), self.world.environment
        settings = CampaignSettings(senders=("news@example.com",))
        CampaignSettingsStore(db, names["ACCOUNTS_TABLE"]).change(account_id, lambda _: settings, _deadline())
        campaign = Campaign(
            account_id=account_id,
            campaign_id=CAMPAIGN_ID,
            name="Spring",
            target_mode=TargetMode.EMAIL,
            audience=Audience(),
            trigger=Trigger(1, Action.ADD),
            starts_at=None,
            content={"subject": "Hi", "body": "<p>Hi</p>"},
            users_limit=None,
            status=CampaignStatus.RUNNING,
            created_at="2026-11-29T00:00:00.000000Z",
            started_at="2026-11-29T00:00:00.000000Z",
        )
        store = CampaignStore(db, names["CAMPAIGNS_TABLE"])
        assert store.reserve(campaign, _deadline())
        store.create(campaign, None, SYSTEM_CLOCK.now(), _deadline())

    def send(self, request: Request, name: str) -> None:
        """Send one request, and note what it was told."""
        getattr(self, f"_{request.kind}")(request, name)

    # ---------------------------------------------------------------- requests

    def _message(self, request: Request, name: str) -> None:
        profile_id = self.world.tables.profile_of(request.account_id, request.body)
        if profile_id is None:
            return
        delivery_id = f"d{request.number}"
        message = Message(request.account_id, CAMPAIGN_ID, delivery_id, profile_id)
        line = {
            **delivery_key(request.account_id, CAMPAIGN_ID, delivery_id),
            "delivery_id": {"S": delivery_id},
            "profile_id": {"S": profile_id},
            "status": {"S": DeliveryStatus.QUEUED},
            "moved_at": {"S": rfc3339(SYSTEM_CLOCK.now())},
        }
        self.world.db.put_item(TableName=self.world.environment["CAMPAIGNS_TABLE"], Item=line)
        (record,) = deepcopy(sample("send_messages"))["Records"]
        record["body"] = json.dumps(message.to_json())
        begun = self.world.history.now
        outcome = self.world.invoke("send_messages", {"Records": [record]}, name, 120.0)
        check(outcome.error is None, "a sender raised", repr(outcome.error))
        self.sending[delivery_id] = Moments(begun, self.world.history.now)

    def _suppress(self, request: Request, name: str) -> None:
        outcome = self._call(request.account_id, "PUT", request.body, name)
        if _status(outcome) == 200:
            self.closed.append(Change(request.account_id, request.body, outcome.during))

    def _lift(self, request: Request, name: str) -> None:
        self._open(request.account_id, request.body, name)

    def _open(self, account_id: str, address: str, name: str) -> None:
        outcome = self._call(account_id, "DELETE", address, name)
        self.opened.append(Change(account_id, address, outcome.during))

    def _move(self, request: Request, name: str) -> None:
        """Open an address, and give it at once to who opted out of another: before those follow who had it."""
        account_id, address = request.account_id, request.body["address"]
        self._open(account_id, address, name)
        others = [
            guid
            for guid, item in sorted(self.world.tables.profiles(account_id).items())
            if "opted_out_by_user" in item and json.loads(item["attributes"]).get("Email") != address
        ]
        record = profile(request.body["identity"], Email=address)
        if others:
            record = {**record, "objectId": others[0]}
            del record["identity"]
        body = {"d": [record]}
        self.world.invoke("profiles", with_body("profiles", account_id, body), f"{name} moves", 28.0)

    def _call(self, account_id: str, method: str, address: str, name: str) -> Outcome:
        event = without_body(account_id, method, "/api/suppressions", {"email": address})
        outcome = self.world.invoke("profiles", event, name, 28.0)
        check(outcome.error is None, "a handler raised", repr(outcome.error))
        check(_status(outcome) in (None, 200, *AGAIN), "an answer that there is no reason for", outcome.answer)
        self.is_left |= _status(outcome) != 200
        return outcome

    def _link(self, request: Request, name: str) -> None:
        mail = self._mail(request)
        if mail is not None:
            outcome = self._post(mail, None, name)
            if _status(outcome) == 200:
                self.closed.append(_by(mail, outcome))

    def _again(self, request: Request, name: str) -> None:
        mail = self._mail(request)
        if mail is not None:
            outcome = self._post(mail, "Subscribe=Again", name)
            self.opened.append(_by(mail, outcome))

    def _post(self, mail: Mail, body: str | None, name: str) -> Outcome:
        further = {"httpMethod": "POST", "pathParameters": {"token": mail.link}, "body": body}
        outcome = self.world.invoke("unsubscribe", {**sample("unsubscribe"), **further}, name, 28.0)
        check(outcome.error is None, "a handler raised", repr(outcome.error))
        check(_status(outcome) in (None, 200, 409, *AGAIN), "an answer that there is no reason for", outcome.answer)
        self.is_left |= _status(outcome) not in (200, 409)
        return outcome

    def _feedback(self, request: Request, name: str) -> None:
        mail = self._mail(request)
        if mail is None:
            return
        outcome = self.world.invoke("mail_feedback", _feedback(mail, request.body["kind"]), name, 28.0)
        is_done = outcome.error is None and outcome.answer is not None
        self.is_left |= not is_done
        if is_done:
            is_complaint = request.body["kind"] == "Complaint"
            self.closed.append(_by(mail, outcome) if is_complaint else replace(_by(mail, outcome), profile_id=None))

    def _mail(self, request: Request) -> Mail | None:
        mails = [mail for mail in self._mails() if mail.account_id == request.account_id]
        return mails[request.body["mail"] % len(mails)] if mails else None

    def _mails(self) -> list[Mail]:
        return [_read(sent) for sent in self.world.mail.sent]

    # ---------------------------------------------------------------- what must hold

    def check_nothing_was_sent(self) -> None:
        """Nothing goes to an address that was closed before, whoever closed it."""
        for mail in self._mails():
            during = self.sending.get(mail.delivery_id)
            if during is None:
                continue
            for closed in self.closed:
                is_of_it = (closed.account_id, closed.address) == (mail.account_id, mail.address)
                if is_of_it and closed.during.last <= during.first:
                    check(self._may_be_open(closed, during), "sent to a closed address", mail, closed, during)

    def _may_be_open(self, closed: Change, until: Moments) -> bool:
        """Whether somebody tried to open the address while it was closed, or after that."""
        return any(
            (opened.account_id, opened.address) == (closed.account_id, closed.address)
            and opened.during.last >= closed.during.first
            and opened.during.first <= until.last
            for opened in self.opened
        )

    def check_opt_outs_stay(self) -> None:
        """Who opted out stays so, unless it was taken back: for the user, or for an address that the user had then."""
        for closed in self.closed:
            key = keys.profile(closed.account_id, str(closed.profile_id))
            since = Moments(closed.during.last, self.world.history.now)
            versions = [item for _, item in self.world.history.versions("PROFILES_TABLE", key, since)]
            if None in versions:  # not there, or erased since
                continue
            is_closed = "email" in (versions[-1] or {}).get("opted_out_by_user", {}).get("M", {})
            check(is_closed or self._may_be_opted_in(closed, key), "an opt-out is lost", closed)

    def _may_be_opted_in(self, closed: Change, key: str) -> bool:
        """Whether somebody opened the user, or an address that the user had, while the user opted out or after that."""
        return any(
            opened.account_id == closed.account_id
            and opened.during.last >= closed.during.first
            and (opened.profile_id == closed.profile_id or opened.address in self._addresses_at(key, opened.during))
            for opened in self.opened
        )

    def _addresses_at(self, key: str, during: Moments) -> set[str]:
        """Return the emails that a profile had then, or got by what had begun by then."""
        history, world = self.world.history, self.world
        until = Moments(during.first, history.now)
        versions = [
            item
            for since, item in history.versions("PROFILES_TABLE", key, until)
            if since <= during.last or world.began.get(history.writers[since - 1][0], 0) < during.last
        ]
        return {json.loads(item["attributes"]["S"]).get("Email", "") for item in versions if item is not None}

    def check_profiles_follow(self, account_id: str) -> None:
        """Every profile says of its addresses what the list says, and is found by them."""
        tables = self.world.tables
        active = {
            item["sk"].partition("#")[2]
            for item in tables.of_account("SUPPRESSIONS_TABLE", account_id, "")
            if any(name in item for name in ("unsubscribed_at", "complained_at", "bounced_at", "entered_at"))
        }
        for profile_id, item in tables.profiles(account_id).items():
            attributes = json.loads(item["attributes"])
            has = {kind for kind in ("email", "phone") if kind.capitalize() in attributes}
            check(has == {kind for kind in ("email", "phone") if f"{kind}_key" in item}, "not indexed", profile_id)
            closed = {kind for kind in has if item[f"{kind}_key"] in active}
            check(closed == set(item.get("suppressed", ())), "does not follow the list", profile_id, closed, item)


def _by(mail: Mail, outcome: Outcome) -> Change:
    return Change(mail.account_id, mail.address, outcome.during, mail.profile_id)


def _deadline() -> Deadline:
    return Deadline.after(60, SYSTEM_CLOCK)


def _status(outcome: Outcome) -> int | None:
    return None if outcome.answer is None else int(outcome.answer["statusCode"])


def _read(sent: Json) -> Mail:
    headers = {header["Name"]: header["Value"] for header in sent["Content"]["Simple"]["Headers"]}
    link = headers["List-Unsubscribe"].strip("<>").rpartition("/")[2]
    origin = json.loads(_payload(link))
    address = sent["Destination"]["ToAddresses"][0].lower()
    return Mail(origin[0], address, origin[1], origin[4] or origin[1], link, headers[MESSAGE_HEADER])


def _payload(token: str) -> bytes:
    """Return what a token says, whose signature is not looked at."""
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))[16:]


def _feedback(mail: Mail, kind: str) -> Event:
    listed, now = [{"emailAddress": mail.address}], datetime.fromtimestamp(SYSTEM_CLOCK.now().timestamp(), UTC)
    told = {
        "eventType": kind,
        "bounce": {"bounceType": "Permanent", "bouncedRecipients": listed, "timestamp": now.isoformat()},
        "complaint": {"complainedRecipients": listed, "timestamp": now.isoformat()},
        "mail": {"headers": [{"name": MESSAGE_HEADER, "value": mail.token}]},
    }
    event = deepcopy(sample("mail_feedback"))
    event["Records"][0]["Sns"]["Message"] = json.dumps(told)
    return event

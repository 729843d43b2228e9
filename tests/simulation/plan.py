"""What clients will do: drawn whole before anything runs, so that a failing plan can be cut down to what fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from api_segments.core.limits import MAX_ACTIVE_SEGMENTS

Json = dict[str, Any]

ACCOUNTS = ("A-1", "B-2")
CUSTOMER_IDS = ("C0", "C1", "C2", "C3")
IDENTITIES = ("u0", "u1", "u2", "u3", "u4")
GUIDS = ("g0", "g1")
EMAILS = ("a@example.com", "b@example.org")
CONTACTS: Sequence[Json] = (
    {"Email": "a@example.com"},
    {"Email": "b@example.org", "MSG-email": False},
    {"MSG-email": True},
    {"Phone": "+14155550123"},
    {"Phone": "+14155550123", "MSG-whatsapp": True, "MSG-sms": False},
    {"MSG-push": False},
)
OPT_OUT_KINDS = {"message", "link", "again", "feedback", "suppress", "lift", "move"}
START_SECONDS = (28.0, 28.0, 28.0, 28.0, 12.0, 7.0, 5.6)
"""How much of an invocation's time is left when the handler begins."""


@dataclass(frozen=True)
class Request:
    """One request of a client. A segment is named by a customer id, or by its index among those created so far."""

    number: int
    client: int
    account_id: str
    kind: str
    body: Any
    wait: float
    seconds: float
    again: bool = False
    """Send what was not processed once more."""

    def __str__(self) -> str:
        return f"[{self.number}] client {self.client}, {self.account_id}: {self.kind} {self.body}"


@dataclass(frozen=True)
class Plan:
    """All requests of a run, and what is there before: the segments that the quota counts beside those created."""

    seed: int
    requests: Sequence[Request]
    active_before: int
    shards: int

    @property
    def opts_out(self) -> bool:
        """Whether anybody is sent an email, or closes an address."""
        return any(request.kind in OPT_OUT_KINDS for request in self.requests)

    def of_client(self, client: int) -> Sequence[Request]:
        """Return what one client sends, in order."""
        return [request for request in self.requests if request.client == client]

    def without(self, numbers: frozenset[int]) -> "Plan":
        """Return the plan without some of its requests."""
        kept = [request for request in self.requests if request.number not in numbers]
        return Plan(self.seed, kept, self.active_before, self.shards)


THEMES: Sequence[Mapping[str, int]] = (
    {"update": 50, "create": 8, "upload": 14, "erase": 6, "segments": 14, "profile": 4, "delete": 4, "rename": 2},
    {"update": 70, "segments": 20, "erase": 5, "create": 5},
    {"create": 60, "delete": 15, "update": 20, "rename": 5},
    {"upload": 60, "erase": 15, "update": 20, "profile": 5},
    {"update": 50, "delete": 15, "create": 20, "segments": 10, "upload": 5},
    {"rename": 40, "delete": 30, "create": 20, "update": 10},
    {"erase": 40, "update": 40, "upload": 20},
    {"upload": 20, "message": 45, "link": 12, "again": 5, "feedback": 8, "suppress": 5, "lift": 5, "erase": 4},
    {"upload": 40, "suppress": 20, "lift": 10, "message": 30},
    {"message": 30, "link": 25, "move": 25, "upload": 10, "lift": 10},
)
"""How often each kind of request comes, in plans of different kinds."""


@dataclass
class _Draw:
    chance: Random
    identities: Sequence[str] = IDENTITIES
    account_ids: Sequence[str] = ACCOUNTS
    theme: Mapping[str, int] = field(default_factory=dict)
    number: int = 0
    marks: int = 0

    def __post_init__(self) -> None:
        self.theme = self.chance.choice(THEMES)
        self.identities = IDENTITIES[: self.chance.choice([1, 2, 5, 5])]
        self.account_ids = ACCOUNTS[: self.chance.choice([1, 2])]

    def request(self, client: int) -> Request:
        chance = self.chance
        kind = chance.choices(list(self.theme), weights=list(self.theme.values()))[0]
        self.number += 1
        return Request(
            number=self.number,
            client=client,
            account_id=chance.choice(self.account_ids),
            kind=kind,
            body=getattr(self, f"_{kind}")(),
            wait=chance.choice([0.0, 0.0, 0.0, 0.0, 0.01, 0.01, 0.2, 0.2, 3.0, 3.0, 45.0]),
            seconds=chance.choice(START_SECONDS),
            again=chance.random() < 0.5,
        )

    def _update(self) -> list[Json]:
        return [self._group() for _ in range(self.chance.choice([1, 1, 1, 2, 3]))]

    def _group(self) -> Json:
        users = [
            {"guid": self.chance.choice(GUIDS)} if self.chance.random() < 0.15 else {"identity": identity}
            for identity in self.chance.choices(self.identities, k=self.chance.randint(1, 4))
        ]
        customer_ids = self.chance.sample(CUSTOMER_IDS, self.chance.randint(0, 2))
        segments: list[Json] = [{"customer": customer_id} for customer_id in customer_ids]
        segments += [{"index": index} for index in self.chance.sample(range(6), self.chance.randint(0, 2))]
        segments = segments or [{"index": 0}]
        return {
            "users": users,
            "segments": [{**each, "action": self.chance.choice(["ADD", "ADD", "REMOVE"])} for each in segments],
        }

    def _create(self) -> list[Json]:
        count = self.chance.choice([1, 1, 2, 60])
        customer_ids = [self.chance.choice([*CUSTOMER_IDS, None]) if count < 60 else None for _ in range(count)]
        return [
            {"segment_name": f"S{self.number}-{index}", "customer_segment_id": customer_id}
            for index, customer_id in enumerate(customer_ids)
        ]

    def _upload(self) -> list[Json]:
        records = []
        for _ in range(self.chance.choice([1, 1, 2, 3])):
            self.marks += 1
            data: Json
            who: Json = {"identity": self.chance.choice(self.identities)}
            if self.chance.random() < 0.2:
                who = {"objectId": self.chance.choice(GUIDS)}
            elif self.chance.random() < 0.1:
                who["objectId"] = self.chance.choice(GUIDS)
            if self.chance.random() < 0.2:
                data = {"id": self.chance.choice(["t1", "t2"]), "type": self.chance.choice(["fcm", "chrome"])}
                data |= {"$remove": True} if self.chance.random() < 0.2 else {}
                records.append({**who, "type": "token", "tokenData": data})
            else:
                data = {**self.chance.choice(CONTACTS), f"Mark {self.marks}": True}
                records.append({**who, "type": "profile", "profileData": data})
        return records

    def _erase(self) -> str:
        return self.chance.choice(self.identities)

    _segments = _erase
    _profile = _erase

    _message = _erase

    def _suppress(self) -> str:
        return self.chance.choice(EMAILS)

    _lift = _suppress

    def _move(self) -> Json:
        return {"address": self.chance.choice(EMAILS), "identity": self.chance.choice(self.identities)}

    def _feedback(self) -> Json:
        return {"mail": self.chance.randrange(100), "kind": self.chance.choice(["Bounce", "Complaint"])}

    def _link(self) -> Json:
        return {"mail": self.chance.randrange(100)}

    _again = _link

    def _delete(self) -> int:
        return self.chance.randrange(6)

    _rename = _delete


def draw(seed: int) -> Plan:
    """Draw the plan of a seed."""
    chance = Random(f"plan {seed}")  # noqa: S311 - a seeded test
    drawing = _Draw(chance)
    requests = [drawing.request(client) for client in range(chance.randint(1, 6)) for _ in range(chance.randint(3, 10))]
    used = chance.choice([0, 0, MAX_ACTIVE_SEGMENTS - 10, MAX_ACTIVE_SEGMENTS - 3])
    return Plan(seed, requests, used, chance.choice([1, 1, 2]))

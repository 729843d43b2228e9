"""Whatever is uploaded, linked, joined, left, erased and delivered again, in any order: every figure is the model's."""

from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from functions.project_members.app import handler as project_members
from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.bodies import act
from tests.support.events import Context, Event
from tests.support.examples import examples
from tests.support.state import MEMBERS, Tables, assert_projected, assert_whole
from tests.support.uploads import profile, token

Json = Any
Names = tuple[str | None, str | None]
"""Identity and guid."""

NAMES: list[Names] = [
    *(("a", None), ("b", None), (None, "g"), (None, "h")),
    *(("a", "g"), ("a", "h"), ("b", "g"), ("b", "h")),
]
USERS: list[Names] = [("a", None), ("b", None), (None, "g"), (None, "h")]


@dataclass
class Person:
    """A profile as the model has it; `guid` is None where the product drew one."""

    identity: str | None
    guid: str | None
    data: dict[str, Json] = field(default_factory=dict)
    tokens: set[tuple[str, str]] = field(default_factory=set)
    segments: set[int] = field(default_factory=set)

    def reach(self) -> Iterator[str]:
        kinds = {kind for kind, _ in self.tokens}
        if "Email" in self.data and self.data.get("MSG-email") is not False:
            yield "email"
        if "Phone" in self.data and self.data.get("MSG-sms") is not False:
            yield "sms"
        if "Phone" in self.data and self.data.get("MSG-whatsapp") is True:
            yield "whatsapp"
        if self.data.get("MSG-push") is not False:
            if kinds & {"fcm", "apns"}:
                yield "push"
            if "chrome" in kinds:
                yield "web_push"


class Model:
    """What docs/api.md says should come of it all."""

    def __init__(self) -> None:
        self.people: dict[int, Person] = {}
        self.data_points = 0
        self._numbers = count()

    def by(self, **names: str | None) -> int | None:
        ((field_, wanted),) = names.items()
        found = [number for number, person in self.people.items() if wanted and getattr(person, field_) == wanted]
        return found[0] if found else None

    def create(self, identity: str | None, guid: str | None) -> int:
        number = next(self._numbers)
        self.people[number] = Person(identity, guid)
        return number

    def person_to_upload(self, identity: str | None, guid: str | None) -> Person | None:
        """Return whom a record is about, linked or created if need be; None for a conflict."""
        known, device = self.by(identity=identity), self.by(guid=guid)
        if known is not None and guid is not None and self.people[known].guid != guid:
            return None
        if device is not None and identity is not None and self.people[device].identity not in (None, identity):
            return None
        number = known if known is not None else device
        if number is None:
            number = self.create(identity, guid)
        self.people[number].identity = identity or self.people[number].identity
        return self.people[number]

    def upload(self, record: Json) -> bool:
        person = self.person_to_upload(record.get("identity"), record.get("objectId"))
        if person is None:
            return False
        for name, value in record.get("profileData", {}).items():
            person.data.pop(name, None)
            if value is not None:
                person.data[name] = value
        if "tokenData" in record:
            data = record["tokenData"]
            change = person.tokens.discard if data.get("$remove") else person.tokens.add
            change((data["type"], data["id"]))
        return True

    def update(self, identity: str | None, guid: str | None, action: str, segment: int) -> None:
        number = self.by(identity=identity) if identity else self.by(guid=guid)
        if number is None and action == "REMOVE":
            return
        person = self.people[self.create(identity, guid) if number is None else number]
        if (segment in person.segments) != (action == "ADD"):
            self.data_points += 1
            person.segments ^= {segment}

    def erase(self, identity: str) -> bool:
        number = self.by(identity=identity)
        if number is None:
            return False
        self.data_points += len(self.people.pop(number).segments)
        return True

    def counts(self) -> dict[int, Counter[str]]:
        found: dict[int, Counter[str]] = {}
        for person in self.people.values():
            for segment in person.segments:
                found.setdefault(segment, Counter()).update([MEMBERS, *person.reach()])
        return found


names = st.sampled_from(NAMES)
data = st.dictionaries(
    st.sampled_from(["MSG-email", "MSG-sms", "MSG-push", "MSG-whatsapp"]), st.booleans() | st.none(), max_size=2
) | st.fixed_dictionaries(
    {},
    optional={
        "Email": st.sampled_from(["a@example.com", None]),
        "Phone": st.sampled_from(["+12025550123", None]),
        "Tier": st.sampled_from(["Gold", 1, True, None]),
    },
)
kinds = st.sampled_from(["fcm", "apns", "chrome"])
records = st.one_of(
    st.builds(lambda who, values: profile(*who, **values), names, data),
    st.builds(
        lambda who, name, kind, remove: token(who[0], name, kind, guid=who[1], remove=remove),
        names,
        st.sampled_from("tu"),
        kinds,
        st.booleans(),
    ),
)
steps = st.one_of(
    st.tuples(st.just("upload"), st.lists(records, min_size=1, max_size=4)),
    st.tuples(
        st.just("update"),
        st.tuples(st.sampled_from(USERS), st.sampled_from(["ADD", "ADD", "REMOVE"]), st.integers(0, 1)),
    ),
    st.tuples(st.just("erase"), st.sampled_from("ab")),
    st.tuples(st.just("deliver"), st.integers(1, 6)),
    st.tuples(st.just("deliver again"), st.tuples(st.integers(0, 30), st.integers(1, 30))),
)


def project(records_: list[Event]) -> None:
    if records_:
        answer = project_members({"Records": deepcopy(records_)}, Context(60))
        assert answer == {"batchItemFailures": []}


@examples(60)
@given(story=st.lists(steps, min_size=4, max_size=20))
def test_every_figure_is_the_models(
    new_account: Callable[[], Account], tables: Tables, relay: Relay, bus: RecordingBus, story: list[tuple[str, Any]]
) -> None:
    account, model = new_account(), Model()
    segments = account.create(None, None)
    written: list[Event] = []
    delivered = 0
    relay.reader.read()
    for kind, what in story:
        event(kind)
        if kind == "upload":
            told = [model.upload(record) for record in what]
            unprocessed = account.upload(*what)["unprocessed"]
            assert [entry["record"] for entry in unprocessed] == [
                record for record, good in zip(what, told, strict=True) if not good
            ]
            assert {entry["code"] for entry in unprocessed} <= {409}
        elif kind == "update":
            (identity, guid), action, index = what
            model.update(identity, guid, action, segments[index])
            user = {"identity": identity} if identity else {"guid": guid}
            assert account.update(([user], [act(action, ct=segments[index])]))["status"] == "success"
        elif kind == "erase":
            assert account.erase(what)[0] == (200 if model.erase(what) else 404)
        elif kind == "deliver":
            written += relay.reader.read()
            project(written[max(0, delivered - what) : delivered + what])  # some of it again
            delivered = min(delivered + what, len(written))
        else:
            start, length = what
            project(written[:delivered][start : start + length])
    written += relay.reader.read()
    project(written[max(0, delivered - 3) :])
    project(written)
    relay.publisher.deliver(written)
    check(account, model, segments, tables, bus)


def check(account: Account, model: Model, segments: list[int], tables: Tables, bus: RecordingBus) -> None:
    assert_projected(tables, account.account_id)
    assert_whole(tables, account.account_id)
    assert tables.counts(account.account_id) == model.counts()
    for segment in segments:
        wanted = model.counts().get(segment, Counter())
        assert account.members(segment) == wanted.pop(MEMBERS, 0)
        assert account.reachable(segment) == wanted
    assert len(tables.memberships(account.account_id)) == len(model.people)
    for person in model.people.values():
        who = {"identity": person.identity} if person.identity else {"guid": person.guid or ""}
        status, answer = account.profile(**who)
        record = answer["record"]
        assert status == 200
        assert (record["identity"], person.guid or record["guid"]) == (person.identity, record["guid"])
        assert repr(sorted(record["profileData"].items())) == repr(sorted(person.data.items()))
        assert {(each["type"], each["id"]) for each in record["tokens"]} == person.tokens
        assert {channel for channel, is_reached in record["reachable"].items() if is_reached} == set(person.reach())
        assert tables.memberships(account.account_id)[record["guid"]].get("segment_ids", set()) == person.segments
    assert account.usage()[1]["data_points"] == model.data_points == len(bus.details(account.account_id))

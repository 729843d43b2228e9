"""An import beside other writers, drawn from a seed, and what must hold of it whatever goes wrong."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from api_segments.aws.keys import import_mark
from api_segments.imports import applying
from tests.simulation.delivery import WHOLE, Failed, Poller, first_failure
from tests.simulation.weather import Weather
from tests.simulation.world import Outcome, World
from tests.support.events import with_body, without_body
from tests.support.rights import allows
from tests.support.state import assert_projected, assert_whole

Json = Any

ACCOUNT = "A-1"
USERS = tuple(f"u{number}" for number in range(12))
GUIDS = ("g0", "g1", "g2")
OVER = ("refused", "done", "failed", "cancelled", "undone")


@dataclass(frozen=True)
class Plan:
    """A file, what it is to the segment, who is a member before, and what others do meanwhile."""

    seed: int
    members: Sequence[Mapping[str, str]]
    rows: Sequence[bytes]
    mode: str
    unknown: str
    apply: str
    undoes: bool
    cancels_after: float | None
    cancels_applying: bool
    pace: float
    others: Sequence[tuple[float, Mapping[str, str], str]]


def draw(seed: int) -> Plan:
    """Draw the plan of a seed."""
    chance = World(f"imports {seed}").random("plan")

    def users(most: int) -> list[Mapping[str, str]]:
        named = [{"identity": each} for each in USERS] + [{"guid": each} for each in GUIDS]
        return chance.sample(named, chance.randint(0, most))

    kinds = chance.choice([("i",), ("i",), ("g",), ("i", "g")])
    ids = [(kind, each) for kind in kinds for each in (USERS if kind == "i" else GUIDS)]
    chosen = chance.choices(ids, k=chance.choice([0, 1, 5, 12, 30]))
    rows = [f"{kind},{each}".encode() for kind, each in chosen]
    for _ in range(chance.choice([0, 0, 3])):
        rows.insert(chance.randint(0, len(rows)), b"x,u1")
    return Plan(
        seed=seed,
        members=users(12),
        rows=rows,
        mode=chance.choice(["add", "remove", "replace", "replace"]),
        unknown=chance.choice(["create", "create", "skip"]),
        apply=chance.choice(["auto", "manual"]),
        undoes=chance.random() < 0.6,
        cancels_after=chance.uniform(0, 8) if chance.random() < 0.25 else None,
        cancels_applying=chance.random() < 0.7,
        pace=chance.choice([20_000, 2]),
        others=[
            (chance.uniform(0, 25), user, chance.choice(["ADD", "REMOVE"]))
            for user in users(8)
            if chance.random() < 0.7
        ],
    )


class Follower(Poller):
    """A reader of a stream that nothing goes wrong with, and that follows at once: lists are waited for, not long."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.interval, self.stall = 0.5, 0.0

    def invoke(self, batch: Sequence[Json]) -> Failed | None:
        """Invoke the function once."""
        self.deliveries += 1
        calm = Weather(self.world.random(self.name, self.deliveries))
        name = f"{self.name}.{self.deliveries}"
        outcome = self.world.invoke(self.function, {"Records": list(batch)}, name, self.rules.timeout, calm)
        return WHOLE if outcome.answer is None else first_failure(outcome.answer, batch)

    def _lose_checkpoint(self, delivered: Sequence[Json]) -> None:
        pass


class Importing:
    """One import in a world of its own."""

    def __init__(self, plan: Plan, world: World) -> None:
        self.plan = plan
        self.world = world
        self.segment_id = 0
        self.import_id = ""
        self.shown: Json = {}
        self._calls = 0

    def play(self) -> None:
        """Play the plan to its end, and check everything."""
        self.world.mild = True
        self.world.run(self.prepare)
        for function in ("project_members", "publish_changes"):
            follower = Follower(self.world, function, 0, 1)
            self.world.spawn(follower.name, follower.poll)
        self.world.run(lambda: self.world.pause(5))
        self.world.mild = False
        for number, (after, user, action) in enumerate(self.plan.others):
            self.world.spawn_loose(f"other {number}", partial(self.change, [user], action, f"other {number}"), after)
        client = self.world.spawn("client", self._import)
        self.world.scheduler.run(until=client)
        self.world.heal()
        self.world.is_over = True
        self.world.scheduler.run()
        self.check()

    def prepare(self) -> None:
        create = {"operation": "create_account", "name": "A", "plan": "Advanced", "private_beta": True}
        self.world.invoke("accounts", {**create, "account_id": ACCOUNT}, "account")
        body = [{"segment_name": "first", "customer_segment_id": "C0"}]
        answer = self._body(self.world.invoke("create_segment", with_body("create_segment", ACCOUNT, body), "segment"))
        self.segment_id = answer["segments"][0]["id"]
        if self.plan.members:
            self.change(self.plan.members, "ADD", "members")

    def change(self, users: Sequence[Mapping[str, str]], action: str, name: str) -> None:
        segments = [{"ct_segment_id": self.segment_id, "action": action}]
        group = {"user_profiles": list(users), "segments": segments}
        event = with_body("update_segment", ACCOUNT, {"bulk_profiles": [group]})
        self.world.invoke("update_segment", event, name, 28.0, Weather(self.world.random(name)))

    @staticmethod
    def _body(outcome: Outcome) -> Json:
        assert outcome.answer is not None, outcome
        return json.loads(outcome.answer["body"])

    def call(self, method: str, path: str, body: Json = None, key: str = "") -> tuple[int, Json]:
        """Make a call until it is answered with something else than that it is to be made again."""
        while True:
            self._calls += 1
            parameters = {"import_id": self.import_id} if "{" in path else {}
            event = without_body(ACCOUNT, method, path, None, **parameters)
            event["body"] = None if body is None else json.dumps(body)
            event["headers"] = {**event["headers"], **({"Idempotency-Key": key} if key else {})}
            outcome = self.world.invoke("imports", event, f"call {self._calls}")
            assert outcome.error is None, outcome
            if outcome.answer is not None and outcome.answer["statusCode"] not in (429, 500, 503):
                return outcome.answer["statusCode"], json.loads(outcome.answer["body"])
            self.world.pause(1)

    def _import(self) -> None:
        plan = self.plan
        body = {"segment": self.segment_id, "mode": plan.mode, "apply": plan.apply}
        if plan.mode != "remove":
            body["unknown_users"] = plan.unknown
        status, created = self.call("POST", "/api/imports", body, "key")
        assert status == 200, created
        self.import_id = created["import_id"]
        file = b"\n".join([b"Type,Identity", *plan.rows])
        self.world.s3.put_object("imports", f"{ACCOUNT}/{self.import_id}/upload", file)
        if plan.cancels_after is not None:
            self.world.spawn_loose("canceller", self._cancel, plan.cancels_after)
        self._ask("start")
        shown = self.wait_for(*OVER, "previewed")
        if shown["status"] == "previewed":
            self._ask("apply")
            shown = self.wait_for(*OVER)
        self.shown = shown
        if plan.undoes and shown["result"] is not None:
            self.world.pause(5)
            while self._ask("undo")["status"] != "undone":
                self.world.pause(30)  # one that failed is undone again
            self.shown = self.wait_for("undone")

    def _ask(self, what: str) -> Json:
        status, answer = self.call("POST", f"/api/imports/{{import_id}}/{what}")
        assert status in (200, 409), answer
        return answer if status == 200 else self.call("GET", "/api/imports/{import_id}")[1]

    def _cancel(self) -> None:
        if self.plan.cancels_applying:
            while (status := self.call("GET", "/api/imports/{import_id}")[1]["status"]) not in OVER:
                if status == "applying":
                    self.world.pause((self.plan.cancels_after or 0) / 4)
                    break
                self.world.pause(0.2)
        self.call("POST", "/api/imports/{import_id}/cancel")

    def wait_for(self, *statuses: str) -> Json:
        while True:
            _, shown = self.call("GET", "/api/imports/{import_id}")
            if shown["status"] in statuses:
                return shown
            self.world.pause(2)

    # ---------------------------------------------------------------- what must hold

    def check(self) -> None:
        """Check the import's end, its figures, and who is in the segment."""
        denied = [use for use in self.world.used if not allows(use)]
        assert not denied, denied
        assert_whole(self.world.tables, ACCOUNT)
        assert_projected(self.world.tables, ACCOUNT)
        status = self.shown["status"]
        if self.world.struck or self.plan.cancels_after is not None:
            assert status in OVER, status
        else:
            assert status in ("done", "undone"), self.shown
        self._check_figures(status)
        self._check_members(status)

    def _changes(self) -> list[tuple[float, str, str, str]]:
        """Return all changes of the segment's members: when, whose, which, and the mark of an import or ""."""
        found = []
        mark_name = import_mark(self.segment_id)
        for record in self.world.db.stream_records(self.world.environment["MEMBERSHIPS_TABLE"]):
            change = record["dynamodb"]
            old, new = change.get("OldImage") or {}, change.get("NewImage") or {}
            was, is_ = (str(self.segment_id) in image.get("segment_ids", {}).get("NS", ()) for image in (old, new))
            marks = [image.get(mark_name, {}).get("S", "") for image in (old, new)]
            if was is is_:
                assert marks[0] == marks[1], "an import marked a user whom it did not change"
                continue
            item = new or old
            who = item["identity"]["S"] if "identity" in item else item["profile_id"]["S"]
            by = marks[1] if marks[0] != marks[1] else ""
            found.append((change["ApproximateCreationDateTime"], who, "ADD" if is_ else "REMOVE", by))
        return found

    def _check_figures(self, status: str) -> None:
        preview, result, undo = self.shown["preview"], self.shown["result"], self.shown["undo"]
        made = Counter((by[:1], action) for _, _, action, by in self._changes() if by)
        created = sum(by.startswith("i") and by.endswith("c") for _, _, _, by in self._changes())
        told = Counter(
            {
                (detail["Import Phase"][0].replace("a", "i"), detail["Action"], detail["Event ID"]): 1
                for detail in self.world.bus.details.get("Segment Membership Change", ())
                if "Import ID" in detail
            }
        )
        events = Counter((phase, action) for phase, action, _ in told)
        assert events == made, (events, made)
        if result is None:
            assert not made
        if status == "cancelled" and result is not None:
            assert (result["added"], result["removed"]) == (made["i", "ADD"], made["i", "REMOVE"]), (result, made)
            ended = result["added"] + result["removed"] + result["superseded"]
            assert ended < preview["to_add"] + preview["to_remove"]
            (told_of,) = {each["Event ID"] for each in self.world.bus.details["Import Cancelled"]}
            assert told_of.endswith("-cancelled")
        if status in ("done", "undone") and result is not None:
            named = preview["to_remove"] if self.plan.mode == "remove" else 0
            parts = ("rejected", "duplicate", "skipped", "unchanged", "to_add")
            assert preview["rows"] == len(self.plan.rows) == sum(preview[part] for part in parts) + named, preview
            if status == "done":
                assert (result["added"], result["removed"]) == (made["i", "ADD"], made["i", "REMOVE"]), (result, made)
                assert result["created"] == created, (result, created)
                ended = result["added"] + result["removed"] + result["superseded"]
                assert ended == preview["to_add"] + preview["to_remove"]
        if status == "undone":
            assert (undo["added"], undo["removed"]) == (made["u", "ADD"], made["u", "REMOVE"]), (undo, made)

    def _check_members(self, status: str) -> None:
        changes = self._changes()
        started = self.shown["started_at"]
        since = float("inf")
        if started is not None:
            since = datetime.fromisoformat(started).astimezone(UTC).timestamp() + 1
            since = float(-(-since // 1))
        before: set[str] = set()
        for at, who, action, by in changes:
            if at < since and not by:
                before = before | {who} if action == "ADD" else before - {who}
        touched = {who for at, who, _, by in changes if not by and at >= since}
        after: set[str] = set()
        for _, who, action, _ in changes:
            after = after | {who} if action == "ADD" else after - {who}
        want = self._wanted(before, since) if status == "done" else before
        if status == "cancelled":  # a part of what was to be changed, or nothing
            made = {(who, action == "ADD") for _, who, action, by in changes if by}
            assert all((who in self._wanted(before, since)) is is_added for who, is_added in made), made
            touched |= {who for who, _ in made}
        if status in ("done", "undone", "cancelled", "refused"):
            assert after - touched == want - touched, (status, sorted(after ^ want), sorted(touched))
        if self.plan.mode == "replace":
            for _, who, action, by in changes:
                if by.startswith("i"):
                    assert (who in before) is (action == "REMOVE"), (who, action, "others changed it first")

    def _wanted(self, before: set[str], since: float) -> set[str]:
        """Return who is to be in the segment when the import is done."""
        file = self._named()
        if self.plan.unknown == "skip":
            file &= self._known_before(since)
        return {"add": before | file, "remove": before - self._named(), "replace": file}[self.plan.mode]

    def _named(self) -> set[str]:
        rows = [row.decode().split(",") for row in self.plan.rows]
        return {each for kind, each in rows if kind in "ig"}

    def _known_before(self, since: float) -> set[str]:
        return {who for at, who, _, by in self._changes() if at < since and not by}


def play(seed: int) -> World:
    """Play a seed; raises AssertionError with the end of its trace."""
    world, plan = World(f"imports {seed}"), draw(seed)
    with world.installed(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPORT_ROWS_PER_SECOND", str(plan.pace))
        patch.setattr(applying, "CHANGES_AT_ONCE", 2)
        try:
            Importing(plan, world).play()
        except BaseException as error:
            error.add_note("\n".join([f"seed {seed}", str(plan), *world.trace[-80:]]))
            raise
    return world

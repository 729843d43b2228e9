"""Clients that send a plan's requests, and hold each answer against the history of the tables."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from api_segments.aws import keys
from tests.simulation.broken import Broken, check
from tests.simulation.history import Moments, changes, segment_ids
from tests.simulation.opting_out import OptingOut
from tests.simulation.plan import OPT_OUT_KINDS, Request
from tests.simulation.world import Outcome, World
from tests.support.events import Event, with_body, without_body

Json = Any
Pair = tuple[str, str]
"""A user as the request names it, and a segment."""

CheckAnswer = Callable[[int, Json, Outcome], None]
"""Holds an answer, its status, body and how it came about, against the history; raises Broken."""

AGAIN = {429, 503}


@dataclass(frozen=True)
class Uploaded:
    """A mark that an upload put into a profile, and since when it stands there."""

    key: str
    mark: str
    since: int


@dataclass
class Clients:
    """What all clients of a world share: which segments they have been told of, by account, in order."""

    world: World
    created: dict[str, list[int]] = field(default_factory=dict)
    uploaded: list[Uploaded] = field(default_factory=list)
    opting_out: OptingOut = field(init=False)

    def __post_init__(self) -> None:
        self.opting_out = OptingOut(self.world)

    def create_quietly(self, account_id: str, customer_ids: Sequence[str | None]) -> None:
        """Create segments before anything else happens."""
        body = [{"segment_name": f"first {n}", "customer_segment_id": wish} for n, wish in enumerate(customer_ids)]
        outcome = self.world.invoke(
            "create_segment", with_body("create_segment", account_id, body), f"{account_id} first"
        )
        assert outcome.answer is not None
        self._check_create(account_id, body, 200, json.loads(outcome.answer["body"]), outcome)

    def play(self, requests: Sequence[Request]) -> None:
        """Send one client's requests, one after the other."""
        for request in requests:
            self.world.pause(request.wait)
            self.send(request, f"[{request.number}]")

    def send(self, request: Request, name: str) -> None:
        """Send one request and check its answer; send again what was not processed, if the plan says so."""
        if request.kind in OPT_OUT_KINDS:
            self.opting_out.send(request, name)
            return
        prepared = self._prepared(request)
        if prepared is None:
            return
        event, check_answer = prepared
        function = {"update": "update_segment", "create": "create_segment", "upload": "profiles"}.get(
            request.kind, "profiles" if request.kind == "profile" else "manage_segments"
        )
        outcome = self.world.invoke(function, event, name, request.seconds)
        check(outcome.error is None, "a handler raised", repr(outcome.error))
        check(not outcome.out_of_time, "an invocation ran out of time before it answered", request)
        if outcome.answer is None:
            return
        status, body = outcome.answer["statusCode"], json.loads(outcome.answer["body"])
        check(status in {200, 404, 410, *AGAIN}, "an answer that there is no reason for", status, body)
        check_answer(status, body, outcome)
        if request.again and not name.endswith("again") and body.get("unprocessed"):
            self.send(request, f"{name}.again")

    def _prepared(self, request: Request) -> tuple[Event, CheckAnswer] | None:
        """Return the event of a request and what checks its answer, None if there is nothing to send."""
        account_id, body = request.account_id, request.body
        if request.kind == "update":
            return self._prepared_update(account_id, body)
        if request.kind in ("delete", "rename"):
            return self._prepared_change(account_id, request.kind, body, request.number)
        kinds: dict[str, Callable[[], tuple[Event, Callable[..., None]]]] = {
            "create": lambda: (with_body("create_segment", account_id, body), self._check_create),
            "upload": lambda: (with_body("profiles", account_id, {"d": body}), self._check_upload),
            "erase": lambda: (
                without_body(account_id, "DELETE", "/api/profiles/{identity}", identity=body),
                self._check_erase,
            ),
            "segments": lambda: (
                without_body(account_id, "GET", "/api/profiles/{identity}/segments", identity=body),
                self._check_segments,
            ),
            "profile": lambda: (
                without_body(account_id, "GET", "/1/profile.json", {"identity": body}),
                self._check_profile,
            ),
        }
        event, check_answer = kinds[request.kind]()
        return event, partial(check_answer, account_id, body)

    def _prepared_update(self, account_id: str, groups: Json) -> tuple[Event, CheckAnswer] | None:
        named = [group for group in (self._group(account_id, each) for each in groups) if group["segments"]]
        if not named:
            return None
        event = with_body("update_segment", account_id, {"bulk_profiles": named})
        return event, UpdateCheck(self, account_id, named).check

    def _prepared_change(self, account_id: str, kind: str, index: int, number: int) -> tuple[Event, CheckAnswer] | None:
        known = self.created.get(account_id, [])
        if not known:
            return None
        segment_id = known[index % len(known)]
        method = "DELETE" if kind == "delete" else "PATCH"
        event = without_body(account_id, method, "/api/segments/{segment_id}", segment_id=str(segment_id))
        if kind == "rename":
            event["body"] = json.dumps({"segment_name": f"renamed {number}"})
        checks = {"delete": self._check_delete, "rename": self._check_rename}
        return event, partial(checks[kind], account_id, segment_id)

    def _group(self, account_id: str, group: Json) -> Json:
        known = self.created.get(account_id, [])
        segments = []
        for segment in group["segments"]:
            if "customer" in segment:
                segments.append({"customer_segment_id": segment["customer"], "action": segment["action"]})
            elif known:
                segments.append({"ct_segment_id": known[segment["index"] % len(known)], "action": segment["action"]})
        return {"user_profiles": group["users"], "segments": segments}

    # ---------------------------------------------------------------- what was, at some moment of a request

    def profile_ids(
        self, account_id: str, user: Mapping[str, str], during: Moments
    ) -> Iterable[tuple[int, str | None]]:
        """Return the profile that a user was, by moments."""
        if "guid" in user:
            return [(during.first, user["guid"])]
        key = keys.identity_claim(account_id, user["identity"])
        claims = self.world.history.versions("PROFILES_TABLE", key, during)
        return [(since, None if item is None else str(item["profile_id"]["S"])) for since, item in claims]

    def memberships(
        self, account_id: str, user: Mapping[str, str], during: Moments
    ) -> Iterable[tuple[str | None, frozenset[int]]]:
        """Return every set of segments that a user was in at a moment, and the profile that it was."""
        for since, profile_id in self.profile_ids(account_id, user, during):
            if profile_id is None:
                yield None, frozenset()
                continue
            key = keys.membership(account_id, profile_id)
            for _, item in self.world.history.versions("MEMBERSHIPS_TABLE", key, Moments(since, during.last)):
                yield (profile_id if item is not None else None), segment_ids(item)

    def segment(self, account_id: str, reference: Mapping[str, Any], at: int) -> int | None:
        """Return the segment, active or deleted, that a reference leads to at a moment."""
        if "customer_segment_id" in reference:
            sk = keys.customer_segment_id_claim(reference["customer_segment_id"])
            item = self.world.history.at("SEGMENTS_TABLE", f"{account_id}|{sk}", at)
            return None if item is None else int(item["segment_id"]["N"])
        segment_id = int(reference["ct_segment_id"])
        is_there = self.is_active(account_id, segment_id, at) or self.is_deleted(account_id, segment_id, at)
        return segment_id if is_there else None

    def is_active(self, account_id: str, segment_id: int, at: int) -> bool:
        key = f"{account_id}|{keys.segment(segment_id)}"
        return self.world.history.at("SEGMENTS_TABLE", key, at) is not None

    def is_deleted(self, account_id: str, segment_id: int, at: int) -> bool:
        key = f"{account_id}|{keys.deleted_segment(segment_id)}"
        return self.world.history.at("SEGMENTS_TABLE", key, at) is not None

    # ---------------------------------------------------------------- the answers of the other requests

    def _check_create(self, account_id: str, body: Json, status: int, told: Json, outcome: Outcome) -> None:
        check(status != 404, "creating found nothing", told)
        check(told["processed"] == len(told["segments"]), "processed is not the number of segments", told)
        check(
            told["processed"] + len(told["unprocessed"]) == len(body), "an entry is neither created nor refused", told
        )
        made = Counter(
            write.new["segment_name"]["S"]
            for write in self.world.history.by(outcome.name, "SEGMENTS_TABLE")
            if write.new is not None and "segment_name" in write.new
        )
        check(max(made.values(), default=0) <= 1, "one entry made two segments", made)
        for segment in told["segments"]:
            reference = {"ct_segment_id": segment["id"]}
            check(self.segment(account_id, reference, outcome.during.last), "created, but not there", segment)
            self.created.setdefault(account_id, []).append(segment["id"])
        for entry in told["unprocessed"]:
            customer_id, code = entry["record"].get("customer_segment_id"), entry["code"]
            check(code in {400, 409, 422, *AGAIN}, "refused without reason", entry)
            repeated = [each["customer_segment_id"] for each in body].count(customer_id) > 1
            if code == 409 and not repeated:
                claim = {"customer_segment_id": customer_id}
                there = self.segment(account_id, claim, outcome.during.last)
                check(there is not None, "refused as taken, but it is not", entry)

    def _check_upload(self, account_id: str, body: Json, status: int, told: Json, outcome: Outcome) -> None:
        check(status != 404, "uploading found nothing", told)
        check(told["processed"] + len(told["unprocessed"]) == len(body), "a record is neither in nor out", told)
        refused = [json.dumps(entry["record"], sort_keys=True) for entry in told["unprocessed"]]
        check(all(entry["code"] in {409, *AGAIN} for entry in told["unprocessed"]), "refused without reason", told)
        for record in body:
            if json.dumps(record, sort_keys=True) in refused or record["type"] != "profile":
                continue
            user = {"identity": record["identity"]} if "identity" in record else {"guid": record["objectId"]}
            (mark,) = (name for name in record["profileData"] if name.startswith("Mark"))
            found = self._marked(account_id, user, mark, outcome.during)
            if found is None:
                raise Broken(f"uploaded, but it never was there: {record}")
            self.uploaded.append(found)

    def _marked(self, account_id: str, user: Mapping[str, str], mark: str, during: Moments) -> "Uploaded | None":
        """Return where and since when a mark stood in one of a user's profiles."""
        for since, profile_id in self.profile_ids(account_id, user, during):
            key = keys.profile(account_id, profile_id or "-")
            for moment, item in self.world.history.versions("PROFILES_TABLE", key, Moments(since, during.last)):
                if item is not None and mark in json.loads(item["attributes"]["S"]):
                    return Uploaded(key, mark, moment)
        return None

    def check_uploads_stay(self) -> None:
        """What was uploaded stays until the profile is erased, whoever else uploads."""
        now = self.world.history.now
        for upload in self.uploaded:
            for _, item in self.world.history.versions("PROFILES_TABLE", upload.key, Moments(upload.since, now)):
                if item is None:
                    break
                check(upload.mark in json.loads(item["attributes"]["S"]), "an upload was overwritten", upload)

    def _check_erase(self, account_id: str, identity: str, status: int, told: Json, outcome: Outcome) -> None:
        if status in AGAIN:
            return
        found = self.profile_ids(account_id, {"identity": identity}, outcome.during)
        check(None in {profile_id for _, profile_id in found}, "told as gone, but it was there all the time", told)

    def _check_segments(self, account_id: str, identity: str, status: int, told: Json, outcome: Outcome) -> None:
        if status in AGAIN:
            return
        possible = list(self.memberships(account_id, {"identity": identity}, outcome.during))
        if status == 404:
            check(None in {profile_id for profile_id, _ in possible}, "not found, but it was there", identity)
            return
        shown = frozenset(segment["id"] for segment in told["segments"])
        last, first = outcome.during.last, outcome.during.first
        for segment_id in shown:
            check(not self.is_deleted(account_id, segment_id, first), "a deleted segment is shown", segment_id)
        deleted = {each for _, ids in possible for each in ids if self.is_deleted(account_id, each, last)}
        fits = any(
            profile_id == told["guid"] and shown <= ids and ids - shown <= deleted for profile_id, ids in possible
        )
        check(fits, "a user was never in just these segments", told, possible)

    def _check_delete(self, account_id: str, segment_id: int, status: int, told: Json, outcome: Outcome) -> None:
        if status in AGAIN:
            return
        check(status == 200, "a segment that was created can't be deleted", status, told)
        check(told["status"] == "deleted", "deleted, but shown as active", told)
        check(self.is_deleted(account_id, segment_id, outcome.during.last), "told as deleted, but it is not", told)

    def _check_rename(self, account_id: str, segment_id: int, status: int, told: Json, outcome: Outcome) -> None:
        if status in AGAIN:
            return
        if status == 200:
            check(not self.is_deleted(account_id, segment_id, outcome.during.first), "renamed though deleted", told)
        else:
            check(status == 410, "a segment that was created can't be renamed", status, told)
            check(self.is_deleted(account_id, segment_id, outcome.during.last), "told as deleted, but it is not", told)

    def _check_profile(self, account_id: str, identity: str, status: int, told: Json, outcome: Outcome) -> None:
        if status in AGAIN:
            return
        found = {profile_id for _, profile_id in self.profile_ids(account_id, {"identity": identity}, outcome.during)}
        if status == 404:
            possible = self.memberships(account_id, {"identity": identity}, outcome.during)
            check(None in {profile_id for profile_id, _ in possible}, "not found, but it was there", identity)
            return
        check(told["record"]["guid"] in found, "shown as another's", told)


@dataclass
class UpdateCheck:
    """Holds an update's answer against the history."""

    clients: Clients
    account_id: str
    groups: Json

    def check(self, status: int, told: Json, outcome: Outcome) -> None:
        check(status != 404, "an update found nothing", told)
        summary = told["summary"]
        check(
            told["processed"] == summary["added"] + summary["removed"] + summary["unchanged"],
            "processed is not the sum of its parts",
            told,
        )
        asked, refused = self._pairs(told, outcome)
        for entry in told["unprocessed"]:
            self._check_reason(entry, outcome)
        for (who, segment), action in asked.items():
            if (who, segment) not in refused:
                self._check_was(who, segment, action, outcome)
        made = changes(self.clients.world.history.by(outcome.name, "MEMBERSHIPS_TABLE"))
        for what in ("added", "removed", "profiles_created"):
            check(summary[what] <= made[what], "more is told than was done", what, summary, made)
            if outcome.weather.told_all:
                check(summary[what] == made[what], "less is told than was done", what, summary, made)

    def _pairs(self, told: Json, outcome: Outcome) -> tuple[dict[Pair, str], set[Pair]]:
        """Return the pairs that were asked for, each with its last action, and those of them that were refused.

        Two references may lead to one user or one segment, which makes one pair of two; they were looked up at a moment
        between the first and the last, or (where nothing could be looked up) never.
        """
        during = outcome.during
        for moment in (during.first, during.last, None, *range(during.first + 1, during.last)):
            asked = {
                (self._who(user, moment), self._named(segment, moment)): segment["action"]
                for group in self.groups
                for user in group["user_profiles"]
                for segment in group["segments"]
            }
            refused = [
                (
                    self._who(entry["record"]["user_profiles"][0], moment),
                    self._named(entry["record"]["segments"][0], moment),
                )
                for entry in told["unprocessed"]
            ]
            is_each_once = len(set(refused)) == len(refused) and set(refused) <= asked.keys()
            are_there = all(segment.isdecimal() for _, segment in asked.keys() - set(refused))
            if is_each_once and are_there and told["processed"] + len(refused) == len(asked):
                return asked, set(refused)
        raise Broken(f"a pair is neither processed nor unprocessed: {told}, {self.groups}")

    def _who(self, user: Mapping[str, str], moment: int | None) -> str:
        """Return which user is meant: by the profile's id, or, where there is none, as it was named."""
        if moment is not None:
            ((_, profile_id),) = self.clients.profile_ids(self.account_id, user, Moments(moment, moment))
            if profile_id is not None:
                return json.dumps({"guid": profile_id})
        return json.dumps(user)

    def _named(self, segment: Mapping[str, Any], moment: int | None) -> str:
        """Return which segment is meant: by its id, or, where there is no active one, as it was named."""
        if moment is not None:
            found = self.clients.segment(self.account_id, segment, moment)
            if found is not None and self.clients.is_active(self.account_id, found, moment):
                return str(found)
        return str({name: str(value) for name, value in sorted(segment.items()) if name != "action"})

    def _check_reason(self, entry: Json, outcome: Outcome) -> None:
        check(entry["code"] in {404, 410, *AGAIN}, "refused without reason", entry)
        (segment,) = entry["record"]["segments"]
        before = self.clients.segment(self.account_id, segment, outcome.during.first)
        check(entry["code"] != 404 or before is None, "not found, but it was there before", entry)
        if entry["code"] == 410:
            found = self.clients.segment(self.account_id, segment, outcome.during.last)
            is_deleted = found is not None and self.clients.is_deleted(self.account_id, found, outcome.during.last)
            check(is_deleted, "told as deleted, but it is not", entry)

    def _check_was(self, who: str, segment: str, action: str, outcome: Outcome) -> None:
        """Whoever of the users named was `who` at some moment: one of them was then as asked."""
        during = outcome.during
        is_gone = self.clients.is_deleted(self.account_id, int(segment), during.first)
        check(not is_gone, "processed with a segment that was deleted before", segment)
        named = [
            user
            for group in self.groups
            for user in group["user_profiles"]
            if who in {self._who(user, moment) for moment in (during.first, during.last, None)}
            or any(
                who == json.dumps({"guid": guid}) for _, guid in self.clients.profile_ids(self.account_id, user, during)
            )
        ]
        was = {
            int(segment) in segments
            for user in named
            for _, segments in self.clients.memberships(self.account_id, user, during)
        }
        check((action == "ADD") in was, "told as done, but it never was so", action, who, segment)

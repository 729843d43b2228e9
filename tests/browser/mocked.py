"""The page before an API that is made up, for states that a real one is in for a moment only, or hardly ever."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Request, Route

from api_segments.campaigns.planning.answers import start_body
from api_segments.campaigns.planning.times import read_start
from api_segments.core.errors import InvalidRequestError
from api_segments.site.pages import Served, Site
from functions.dashboard.build_page import join
from local.stack import Account
from tests.support.template import ROOT

ORIGIN = "http://segments.localhost"
BASE = f"{ORIGIN}/live"
UPLOADS = "http://uploads.localhost"
"""Where files of imports are put; no part of the API."""
ACCOUNT = Account("account", "passcode")
PAGE = ROOT / "functions" / "dashboard" / "page"
NOW = "2026-11-25T09:30:00.000Z"
NOON = "2026-11-25T12:00:00Z"
WEEK = [f"2026-11-{day}" for day in range(18, 25)]

Json = dict[str, Any]
Answer = Json | tuple[int, Json]
Answerer = Callable[[Json], Answer]


def fail(code: int, error: str) -> tuple[int, Json]:
    """Return a refusal in the API's shape."""
    return code, {"status": "fail", "error": error, "code": code}


def segment(segment_id: int, name: str, members: int = 1000, customer: str | None = None) -> Json:
    """Return a segment as the API gives it."""
    reachable = {"email": members * 8 // 10, "sms": members // 2, "whatsapp": 0, "push": members // 4, "web_push": 0}
    return {
        "id": segment_id,
        "segment_name": name,
        "customer_segment_id": customer,
        "type": "API Segments",
        "status": "active",
        "created_at": NOW,
        "deleted_at": None,
        "created_by": "nightly sync",
        "deleted_by": None,
        "updated_at": NOW,
        "description": None,
        "tags": [],
        "campaigns": [],
        "as_of": NOW,
        "members": members,
        "reachable": reachable,
    }


def error(at: str = NOW, **other: Any) -> Json:
    """Return a rejected entry as the API gives it."""
    return {
        "occurred_at": at,
        "request_id": "0f5c",
        "action": "ADD",
        "identity": "ada",
        "guid": None,
        "ct_segment_id": "1",
        "customer_segment_id": None,
        "code": 404,
        "error": "there is no segment 1",
        **other,
    }


def result(waiting: int = 0, sent: int = 0, skipped: Json | None = None, failed: Json | None = None) -> Json:
    """Return results by reason; nobody who was skipped had been queued."""
    failed = failed or {}
    queued = waiting + sent + sum(failed.values())
    after = {"bounced": 0, "complained": 0, "unsubscribed": 0}
    return {"queued": queued, "waiting": waiting, "sent": sent, "skipped": skipped or {}, "failed": failed, **after}


def target(target_id: int, name: str, **other: Any) -> Json:
    """Return a campaign as the list has it, with its content and results beside."""
    return {
        "id": target_id,
        "name": name,
        "target_mode": "email",
        "status": "completed",
        "when": "now",
        "segments": {"include": [1], "exclude": []},
        "scheduled_on": 202611251030,
        "starts_at": NOW,
        "time_zone": "Europe/Berlin",
        "when_time_zone": None,
        "created_at": NOW,
        "started_at": NOW,
        "ended_at": None,
        "users_limit_overall": None,
        "version": 0,
        "result": result(),
        "content": {"subject": "Hello", "body": "<p>Hello</p>"},
        **other,
    }


def freshness(behind: float | None, worst: float | None = None) -> Json:
    """Return how far lists and counts are behind at this moment; None if nothing has changed for an hour."""
    measured_at = None if behind is None else datetime.now(UTC).isoformat()
    worst = behind if worst is None else worst
    return {"behind_seconds": behind, "measured_at": measured_at, "worst_last_hour_seconds": worst}


def member(identity: str | None, guid: str | None = None, added_at: str | None = NOW) -> Json:
    """Return a member as the API lists it."""
    return {"identity": identity, "guid": guid or f"guid-{identity}", "added_at": added_at}


SETTINGS: Json = {
    "time_zone": "Europe/Berlin",
    "senders": [{"email": "shop@example.com", "verified": True}, {"email": "new@example.com", "verified": False}],
    "webhooks": [{"name": "orders", "url": "https://hooks.example.com/orders"}],
    "push": {"fcm": True, "apns": False},
    "test_recipients": [
        {"type": "email", "address": "ada@example.com"},
        {"type": "email", "address": "bob@example.com"},
        {"type": "phone", "address": "+12025550199"},
    ],
}


NO_FIGURES = dict.fromkeys(
    ("rows", "rejected", "duplicate", "skipped", "unchanged", "to_add", "to_create", "to_remove"), 0
)


def import_of(number: int, status: str = "awaiting_upload", **other: Any) -> Json:
    """Return an import as the API gives it; the later `number`, the newer."""
    import_id = f"{number:021x}"
    waits = status == "awaiting_upload"
    return {
        "import_id": import_id,
        "segment_id": 1,
        "mode": "add",
        "unknown_users": "create",
        "guard": {},
        "apply": "manual",
        "status": status,
        "reason": None,
        "created_at": NOW,
        "created_by": "Ada's laptop",
        "file_name": "customers.csv",
        "started_at": None if waits else NOW,
        "ended_at": NOW if status in ("refused", "done", "failed", "cancelled", "undone") else None,
        "preview": None if waits else NO_FIGURES,
        "result": None,
        "undo": None,
        "rejected_rows": None,
        "upload": upload_of(import_id) if waits else None,
        **other,
    }


def export_of(number: int, segment_id: int = 1, **other: Any) -> Json:
    """Return an export as the API gives it while it is written; the later `number`, the newer."""
    nothing: Json = dict.fromkeys(("reason", "ended_at", "members", "file"))
    return {
        "export_id": f"{number:021x}",
        "segment_id": segment_id,
        "status": "writing",
        "created_at": NOW,
        **nothing,
        **other,
    }


def upload_of(import_id: str, link: str = "first") -> Json:
    """Return how the file of an import is uploaded."""
    return {
        "url": f"{UPLOADS}/{import_id}/{link}",
        "method": "PUT",
        "headers": {"Content-Type": "application/octet-stream"},
        "expires_at": NOW,
    }


@dataclass
class MockedApi:
    """Answers as the contract says, from what a test puts here; `answers` replaces what is answered at a path.

    An import's step has ended when it is looked at, if `steps_end`: with `preview`, and what follows from it.
    `uploaded` is by URL; `upload_statuses` says how the next uploads end, None for a connection that is lost.
    """

    segments: list[Json] = field(default_factory=lambda: [segment(1, "Gold", 1500, "GOLD"), segment(2, "Lapsed", 400)])
    targets: list[Json] = field(default_factory=list)
    log: list[Json] = field(default_factory=list)
    suppressions: dict[str, Json] = field(default_factory=dict)
    having: dict[str, list[Json]] = field(default_factory=dict)
    members: dict[int, list[Json]] = field(default_factory=dict)
    days: list[Json] = field(default_factory=list)
    freshness: Json = field(default_factory=lambda: freshness(None))
    weeks: dict[int, list[int | None]] = field(default_factory=dict)
    """By segment, its members at the ends of the days of WEEK."""
    settings: Json = field(default_factory=lambda: SETTINGS)
    imports: list[Json] = field(default_factory=list)
    exports: list[Json] = field(default_factory=list)
    preview: Json = field(default_factory=lambda: {**NO_FIGURES, "rows": 2, "to_add": 2, "to_create": 1})
    steps_end: bool = True
    uploaded: dict[str, bytes] = field(default_factory=dict)
    upload_statuses: list[int | None] = field(default_factory=list)
    now: str = NOON
    answers: dict[str, Answerer] = field(default_factory=dict)
    asked: list[tuple[str, Json]] = field(default_factory=list)

    def bodies(self, path: str) -> list[Json]:
        """Return what was asked at a path, in order."""
        return [body for asked, body in self.asked if asked == path]

    def handle(self, route: Route) -> None:
        """Answer one request of the browser."""
        request = route.request
        path = urlsplit(request.url).path.removeprefix("/live")
        if path == "/" or path.startswith("/page/"):
            self._serve(route, path)
            return
        body = json.loads(request.post_data or "{}")
        self.asked.append((path, body))
        answer = (self.answers.get(path) or self._answer(request, path))(body)
        status, content = answer if isinstance(answer, tuple) else (HTTPStatus.OK.value, answer)
        route.fulfill(status=status, json=content)

    def take_upload(self, route: Route) -> None:
        """Take a file, as the bucket does."""
        status = self.upload_statuses.pop(0) if self.upload_statuses else HTTPStatus.OK.value
        if status is None:
            route.abort("connectionreset")
            return
        if status == HTTPStatus.OK:
            self.uploaded[route.request.url] = route.request.post_data_buffer or b""
        route.fulfill(status=status, headers={"Access-Control-Allow-Origin": "*"}, body="")

    def _serve(self, route: Route, path: str) -> None:
        if path == "/":
            served: Served | None = _site().page("/live/", None)
        else:
            _, _, version, name = path.split("/")
            served = _site().file(version, name, None)
        assert served is not None, path
        route.fulfill(status=int(served.status), headers=dict(served.headers), body=served.body)

    def _answer(self, request: Request, path: str) -> Answerer:
        known: dict[str, Answerer] = {
            "/api/segments": lambda _: {"segments": self.segments, "cursor": None},
            "/api/segments/trends": lambda _: {
                "days": WEEK,
                "segments": [{"id": segment_id, "members": members} for segment_id, members in self.weeks.items()],
            },
            "/api/freshness": lambda _: self.freshness,
            "/1/targets/list.json": self._list,
            "/1/targets/when.json": self._when,
            "/1/targets/result.json": self._result,
            "/1/targets/log.json": self._log,
            "/1/targets/stop.json": self._stop,
            "/1/targets/edit.json": self._edit,
            "/1/targets/create.json": self._create,
            "/1/targets/test.json": lambda _: {"status": "success", "test": {"status": "sent", "reason": None}},
            "/1/targets/preview.json": lambda body: {"status": "success", "preview": body["content"]},
            "/1/targets/settings.json": lambda _: {"status": "success", "settings": self.settings},
        }
        if path.startswith(("/api/imports", "/api/exports")):
            return lambda body: self._files(request, path.split("/")[2:], body)
        if path.startswith("/api/segments/") and path not in known:
            return lambda body: self._segment(request, path, body)
        if path in ("/api/suppressions", "/api/profiles"):
            ((kind, address),) = [item for item in parse_qsl(urlsplit(request.url).query) if item[0] != "limit"]
            if "@" not in address and kind == "email":
                return lambda _: fail(400, "email: must be an email address")
            if path == "/api/profiles":
                return lambda _: {"profiles": self.having.get(address, []), "cursor": None}
            return lambda _: self._suppression(request.method, kind, address)
        return known[path]

    def _suppression(self, method: str, kind: str, address: str) -> Answer:
        self.asked.append((f"{method} /api/suppressions", {kind: address}))
        entry = self.suppressions.get(address)
        if method == "GET":
            return {"suppressions": [] if entry is None else [entry], "cursor": None}
        was_active = entry is not None and entry["suppressed"]
        reasons = dict.fromkeys(("unsubscribed_at", "complained_at", "bounced_at", "entered_at"))
        entry = self.suppressions[address] = {
            "id": "0f5c",
            "type": kind,
            "suppressed": method == "PUT",
            "lifted_at": None,
            "applied_at": None,
            "profiles": 0,
            **reasons,
            "entered_at" if method == "PUT" else "lifted_at": NOW,
        }
        return {"status": "success", "lifted": was_active, "suppression": entry}

    def _segment(self, request: Request, path: str, body: Json) -> Answer:
        segment_id, *rest = path.removeprefix("/api/segments/").split("/")
        found = next((each for each in self.segments if str(each["id"]) == segment_id), None)
        if found is None:
            return fail(404, f"there is no segment {segment_id}")
        if request.method == "DELETE":
            self.segments.remove(found)
            return {**found, "status": "deleted", "deleted_at": NOW}
        if request.method == "PATCH":
            found |= body
        if rest == ["export"]:
            self.exports.insert(0, export_of(len(self.exports) + 1, found["id"]))
            return self.exports[0]
        if rest == ["history"]:
            return {"days": self.days}
        return self._listed_members(found["id"], request) if rest else found

    def _listed_members(self, segment_id: int, request: Request) -> Answer:
        asked = dict(parse_qsl(urlsplit(request.url).query))
        start, limit = int(asked.get("cursor", 0)), int(asked["limit"])
        listed = self.members.get(segment_id, [])
        end = start + limit
        return {"members": listed[start:end], "cursor": str(end) if end < len(listed) else None}

    def _files(self, request: Request, names: list[str], body: Json) -> Answer:
        wanted = dict(parse_qsl(urlsplit(request.url).query))
        if names[0] == "exports":
            return self._exports(names[1:], wanted)
        return self._imports(request.method, names[1:], body, wanted)

    def _exports(self, names: list[str], wanted: dict[str, str]) -> Answer:
        if names:
            found = next(each for each in self.exports if each["export_id"] == names[0])
            if self.steps_end and found["status"] == "writing":
                found |= {"status": "done", "ended_at": NOW, "members": 1500, "file": f"{UPLOADS}/{names[0]}.csv"}
            return found
        listed = [each for each in self.exports if wanted.get("segment_id") in (None, str(each["segment_id"]))]
        return {"exports": [{**each, "file": None} for each in listed], "cursor": None}

    def _imports(self, method: str, names: list[str], body: Json, wanted: dict[str, str]) -> Answer:
        if not names and method == "POST":
            of = {"mode": body["mode"], "segment_id": body["segment"], "guard": body["guard"]}
            of |= {"unknown_users": body.get("unknown_users", "skip"), "file_name": body["file_name"]}
            new = import_of(len(self.imports) + 1, **of)
            self.imports.insert(0, new)
            return {name: new[name] for name in ("import_id", "status", "upload")}
        if not names:
            found = [each for each in self.imports if wanted.get("segment_id") in (None, str(each["segment_id"]))]
            start = int(wanted.get("cursor", 0))
            end = start + int(wanted["limit"])
            return {"imports": found[start:end], "cursor": str(end) if end < len(found) else None}
        found_one = next((each for each in self.imports if each["import_id"] == names[0]), None)
        if found_one is None:
            return fail(404, f"there is no import {names[0]}")
        if len(names) == 1:
            if self.steps_end:
                self._end_step(found_one)
            return found_one
        return self._change(found_one, names[1])

    def _change(self, kept: Json, what: str) -> Answer:
        """Take an import a step further."""
        if what == "start":
            if not any(kept["import_id"] in url for url in self.uploaded):
                return fail(409, "nothing has been uploaded yet: PUT the file at the import's upload URL first")
            kept |= {"status": "reading", "started_at": NOW, "preview": NO_FIGURES, "upload": None}
        elif what == "apply":
            kept |= {"status": "applying", "result": dict.fromkeys(("added", "removed", "created", "superseded"), 0)}
        elif what == "cancel" and kept["status"] == "applying":
            kept |= {"status": "cancelling"}
        elif what == "cancel":
            kept |= {"status": "cancelled", "ended_at": NOW, "upload": None}
        else:
            kept |= {"status": "undoing", "ended_at": None, "undo": {"added": 0, "removed": 0, "left_alone": 0}}
        return kept

    def _end_step(self, kept: Json) -> None:
        preview = self.preview
        if kept["status"] == "reading":
            link = f"{UPLOADS}/{kept['import_id']}/rejected" if preview["rejected"] else None
            kept |= {"status": "previewed", "preview": preview, "rejected_rows": link}
        elif kept["status"] == "applying":
            done = {"added": preview["to_add"], "removed": preview["to_remove"], "created": preview["to_create"]}
            kept |= {"status": "done", "ended_at": self.now, "result": {**done, "superseded": 0}}
        elif kept["status"] == "undoing":
            result = kept["result"]
            undo = {"added": result["removed"], "removed": result["added"], "left_alone": 0}
            kept |= {"status": "undone", "ended_at": self.now, "undo": undo}

    def _list(self, body: Json) -> Answer:
        start = int(body.get("cursor", 0))
        end = start + body["limit"]
        found = [each for each in self.targets if _is_wanted(each, body)]
        shown = [{key: each[key] for key in each if key != "content"} for each in found[start:end]]
        for each in shown:
            sums = {key: sum(counts.values()) for key, counts in each["result"].items() if isinstance(counts, dict)}
            each["result"] = {**each["result"], **sums}
        return {"status": "success", "targets": shown, "cursor": str(end) if end < len(found) else None}

    def _edit(self, body: Json) -> Answer:
        found = self._found(body)
        assert found is not None
        if found["status"] != "scheduled":
            return fail(409, f"campaign {body['id']} is {found['status']}; only a scheduled one can be edited")
        found["name"], found["version"] = body["name"], found["version"] + 1
        return {"status": "success", "message": "edited", "version": found["version"]}

    def _when(self, body: Json) -> Answer:
        try:
            now = datetime.fromisoformat(self.now)
            return dict(start_body(read_start(body["when"], self.settings["time_zone"], now, "when")))
        except InvalidRequestError as error:
            return fail(400, str(error))

    def _found(self, body: Json) -> Json | None:
        return next((each for each in self.targets if each["id"] == body["id"]), None)

    def _result(self, body: Json) -> Answer:
        found = self._found(body)
        if found is None:
            return fail(404, f"id: there is no campaign {body['id']}")
        state = {key: found[key] for key in ("status", "started_at", "ended_at")}
        return {"status": "success", "result": {**state, **found["result"]}, "target": found}

    def _log(self, body: Json) -> Answer:
        start = int(body.get("cursor", 0))
        end = start + body["limit"]
        return {
            "status": "success",
            "log": self.log[start:end],
            "cursor": str(end) if end < len(self.log) else None,
        }

    def _stop(self, body: Json) -> Answer:
        found = self._found(body)
        assert found is not None
        found["status"] = "stopped"
        return {"status": "success", "message": f"Target {body['id']} stopped"}

    def _create(self, body: Json) -> Answer:
        members = {each["id"]: each["members"] for each in self.segments}
        if body.get("estimate_only"):
            count = sum(members[each] for each in body["segments"]["include"])
            return {"status": "success", "estimates": {body["target_mode"]: count}}
        target_id = 1763901234567890 + len(self.targets)
        sent = {key: body[key] for key in ("target_mode", "when", "content")}
        segments = {"include": [], "exclude": [], **body.get("segments", {})}
        self.targets.insert(0, target(target_id, body["name"], **sent, segments=segments, status="running"))
        return {"status": "success", "message": "Added to queue for processing", "id": target_id}


def _is_wanted(target: Json, asked: Json) -> bool:
    """Whether a campaign is of those that a list asks for; segments are asked for by our ids."""
    return (
        asked.get("name", "").casefold() in target["name"].casefold()
        and asked.get("status", target["status"]) == target["status"]
        and asked.get("target_mode", target["target_mode"]) == target["target_mode"]
        and ("segment" not in asked or int(asked["segment"]) in target["segments"]["include"])
    )


@cache
def _site() -> Site:
    """Return the page as it is built."""
    return Site(*join(PAGE), UPLOADS)


def deliveries(count: int) -> Iterator[Json]:
    """Yield lines of a delivery log, of every status."""
    kinds = [("sent", None), ("skipped", "unreachable"), ("failed", "refused"), ("queued", None)]
    for number in range(count):
        status, reason = kinds[number % len(kinds)]
        identity = None if number == 1 else f"user-{number:03}"
        after = {"bounced_at": None, "complained_at": None, "unsubscribed_at": None}
        yield {"identity": identity, "guid": f"guid{number:03}", "status": status, "reason": reason, "at": NOW, **after}

"""Imports, case by case: what clients may ask in which state, and what ends an import."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from api_segments.aws.keys import import_, importing, of_account
from api_segments.core.clock import SYSTEM_CLOCK, rfc3339
from api_segments.imports import applying
from api_segments.imports.files import parts
from tests.simulation.importing import ACCOUNT, OVER, Follower, Importing, Plan
from tests.simulation.scheduler import Killed
from tests.simulation.world import World
from tests.support.events import with_body, without_body
from tests.support.wired import forget_services

Json = Any
NOTHING = Plan(
    0,
    [{"identity": "u0"}, {"identity": "u1"}],
    [],
    "replace",
    "create",
    "manual",
    undoes=False,
    cancels_after=None,
    cancels_applying=False,
    pace=20_000,
    others=[],
)


class Case(Importing):
    """An import of a segment with the members u0 and u1, where nothing goes wrong by itself."""

    def run(self, work: Any) -> Any:
        return self.world.run(work)

    def create(self, **wanted: Json) -> str:
        """Create an import; return its id."""
        body = {"segment": self.segment_id, "mode": "replace", "apply": "manual", **wanted}
        status, answer = self.call("POST", "/api/imports", body)
        assert status == 200, answer
        self.import_id = answer["import_id"]
        return self.import_id

    def upload(self, *ids: str, content: bytes | None = None) -> None:
        """Put a file where the import's URL leads."""
        file = "\n".join(["identity", *ids]).encode() if content is None else content
        self.world.s3.put_object("imports", f"{ACCOUNT}/{self.import_id}/upload", file)

    def ask(self, what: str, body: Json = None) -> tuple[int, Json]:
        return self.call("POST", f"/api/imports/{{import_id}}/{what}", body)

    def preview(self, *ids: str) -> None:
        """Create an import, and let its file be read."""
        self.create()
        self.upload(*ids)
        self.ask("start")
        self.wait("previewed")

    def look(self) -> Json:
        return self.call("GET", "/api/imports/{import_id}")[1]

    def wait(self, *statuses: str) -> Json:
        return self.wait_for(*statuses, *OVER)

    def members(self) -> set[str]:
        items = self.world.tables.memberships(ACCOUNT).values()
        return {str(item["identity"]) for item in items if self.segment_id in item.get("segment_ids", ())}

    def let_time_run_out(self, left: timedelta = timedelta(0)) -> None:
        """Let the import have been in its state for too long, or nearly so, and the segment's lock with it."""
        for key in (import_(self.import_id), importing(self.segment_id)):
            with suppress(ClientError):  # one that waits for its file holds no lock
                self.world.db.update_item(
                    TableName=self.world.environment["IMPORTS_TABLE"],
                    Key=of_account(ACCOUNT, key),
                    UpdateExpression="SET #until = :past",
                    ExpressionAttributeNames={"#until": "until"},
                    ExpressionAttributeValues={
                        ":past": {"S": rfc3339(SYSTEM_CLOCK.now() + left)},
                        ":me": {"S": self.import_id},
                    },
                    ConditionExpression="import_id = :me",
                )

    def pause(self, seconds: float) -> None:
        self.world.pause(seconds)

    def invoke(self, function: str, event: Json) -> Json:
        return self.world.invoke(function, event, f"{function} {self.world.scheduler.now}").answer


@pytest.fixture
def case() -> Iterator[Case]:
    world = World("import case", mild=True)
    with world.installed():
        found = Case(NOTHING, world)
        world.run(found.prepare)
        for function in ("project_members", "publish_changes"):
            follower = Follower(world, function, 0, 1)
            world.spawn(follower.name, follower.poll)
        world.run(lambda: world.pause(5))
        yield found


def played(case: Case, work: Any) -> None:
    case.run(work)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_preview_changes_nothing_and_is_applied_once_when_asked(case: Case) -> None:
    def work() -> None:
        case.create()
        case.upload("u1", "new")
        assert case.ask("start")[1]["status"] == "reading"
        assert case.wait("previewed")["preview"]["to_remove"] == 1
        assert case.members() == {"u0", "u1"}
        assert case.ask("start")[0] == 409
        assert case.ask("undo")[0] == 409
        assert [case.ask("apply")[0] for _ in range(2)] == [200, 200]
        assert case.wait()["result"] == {"added": 1, "removed": 1, "created": 1, "superseded": 0}
        assert case.members() == {"u1", "new"}
        assert len(case.world.executions.inputs) == 2
        assert case.ask("apply")[0] == case.ask("cancel")[0] == 409

    played(case, work)


def test_a_start_before_the_upload_is_refused_and_can_be_made_again(case: Case) -> None:
    def work() -> None:
        case.create()
        status, answer = case.ask("start")
        assert (status, answer["error"]) == (
            409,
            "nothing has been uploaded yet: PUT the file at the import's upload URL first",
        )
        shown = case.look()
        assert shown["status"] == "awaiting_upload"
        assert shown["upload"]["url"].startswith(
            f"https://imports.example/{ACCOUNT}/{case.import_id}/upload?put_object"
        )
        case.upload("u0")
        assert case.ask("start")[0] == 200
        assert case.wait("previewed")["status"] == "previewed"

    played(case, work)


def test_an_execution_that_is_lost_ends_its_import_after_a_day_which_can_be_undone_then(case: Case) -> None:
    def work() -> None:
        case.preview("new")
        case.world.executions.loses = True
        assert case.ask("apply")[0] == 200
        case.let_time_run_out()
        shown = case.look()
        assert (shown["status"], shown["reason"]) == ("failed", "its execution was lost")
        case.world.executions.loses = False
        case.pause(131)
        assert case.ask("undo")[0] == 200
        assert case.wait("undone")["status"] == "undone"

    played(case, work)


def test_a_preview_that_is_not_applied_within_a_day_lets_the_segment_go(case: Case) -> None:
    def work() -> None:
        case.preview("new")
        case.let_time_run_out()
        assert case.look()["status"] == "cancelled"
        assert case.ask("apply")[0] == 409
        case.create()
        assert case.members() == {"u0", "u1"}

    played(case, work)


def test_an_upload_that_never_comes_ends_the_import_and_keeps_no_segment_busy(case: Case) -> None:
    def work() -> None:
        case.create()
        case.let_time_run_out()
        shown = case.look()
        assert (shown["status"], shown["reason"]) == ("failed", "it was not started within 24 hours")
        case.upload("u0")
        assert case.ask("start")[0] == 409
        second = case.create()
        case.upload("u0")
        assert case.ask("start")[0] == 200
        assert case.wait("previewed")["import_id"] == second

    played(case, work)


def test_two_starts_at_once_run_one_execution(case: Case) -> None:
    def work() -> None:
        case.create()
        case.upload("u0", "u1")
        tasks = [case.world.spawn(f"start {n}", lambda: case.ask("start")) for n in range(2)]
        while not all(task.ended for task in tasks):
            case.pause(0.1)
        case.wait("previewed")
        assert list(case.world.executions.inputs) == [f"{case.import_id}-read"]

    played(case, work)


def test_a_segment_has_one_import_at_a_time_which_the_error_names(case: Case) -> None:
    def work() -> None:
        first = case.create()
        case.upload("u0")
        second = case.create()  # before the first one is started
        case.upload("u1")
        case.import_id = first
        assert case.ask("start")[0] == 200
        status, answer = case.call("POST", "/api/imports", {"segment": case.segment_id, "mode": "add"})
        assert (status, first in answer["error"]) == (409, True)
        case.import_id = second
        status, answer = case.ask("start")
        assert (status, first in answer["error"]) == (409, True)
        case.import_id = first
        case.wait("previewed")
        assert case.ask("cancel")[1]["status"] == "cancelled"
        case.import_id = second
        assert case.ask("start")[0] == 200
        assert case.wait("previewed")["status"] == "previewed"

    played(case, work)


@pytest.mark.parametrize("after", [0.0, 1.0, 4.5, 30.0])
def test_an_import_is_cancelled_at_any_time_before_it_is_applied_and_changes_nothing(case: Case, after: float) -> None:
    def work() -> None:
        case.create()
        case.upload("new")
        if after:
            case.ask("start")
        case.pause(after)
        assert case.ask("cancel")[1]["status"] == "cancelled"
        assert case.ask("cancel")[0] == 200
        case.pause(60)
        assert case.look()["status"] == "cancelled"
        assert case.members() == {"u0", "u1"}
        assert case.ask("start")[0] == case.ask("apply")[0] == 409
        assert "Import Cancelled" not in case.world.bus.details

    played(case, work)


def slowly_applied(case: Case, monkeypatch: pytest.MonkeyPatch, apply: str) -> None:
    """Begin to apply a file of ten new users in the place of two, two at a time, a second each."""
    monkeypatch.setenv("IMPORT_ROWS_PER_SECOND", "2")
    forget_services()
    monkeypatch.setattr(applying, "CHANGES_AT_ONCE", 2)
    case.create(apply=apply)
    case.upload(*(f"n{number}" for number in range(10)))
    case.ask("start")
    if apply == "manual":
        case.wait("previewed")
        case.ask("apply")
    while not (case.look()["result"] or {}).get("added"):
        case.pause(0.2)


@pytest.mark.parametrize("apply", ["auto", "manual"])
def test_an_import_that_is_cancelled_while_it_is_applied_stops_and_can_be_undone(
    case: Case, apply: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        slowly_applied(case, monkeypatch, apply)
        assert [case.ask("cancel")[1]["status"] for _ in range(2)] == ["cancelling", "cancelling"]
        assert case.ask("undo")[0] == case.ask("apply")[0] == 409
        assert case.call("POST", "/api/imports", {"segment": case.segment_id, "mode": "add"})[0] == 409
        shown = case.wait()
        assert shown["status"] == "cancelled"
        result = shown["result"]
        assert 0 < result["added"] < 10, "the step that was at work went on"
        new = {each for each in case.members() if each.startswith("n")}
        assert len(new) == result["added"]
        assert len({"u0", "u1"} - case.members()) == result["removed"]
        told = [
            detail["Action"]
            for detail in case.world.bus.details["Segment Membership Change"]
            if detail.get("Import ID") == case.import_id
        ]
        assert (told.count("ADD"), told.count("REMOVE")) == (result["added"], result["removed"])
        (ended,) = {json.dumps(each) for each in case.world.bus.details["Import Cancelled"]}
        assert json.loads(ended)["Applied"] == result
        assert case.ask("cancel")[1]["status"] == "cancelled"
        assert case.ask("undo")[0] == 200
        undone = case.wait("undone")["undo"]
        assert undone == {"added": result["removed"], "removed": result["added"], "left_alone": 0}
        assert case.members() == {"u0", "u1"}

    played(case, work)


@pytest.mark.parametrize("lands_after", [0.0, 5.0])
def test_what_a_step_was_changing_when_it_died_is_in_the_figures_of_an_import_cancelled_before_its_next_try(
    case: Case, lands_after: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = case.world.db.batch_execute_statement
    died: list[bool] = []

    def dies(**statements: Json) -> Json:
        if died:
            return write(**statements)
        died.append(True)
        case.world.spawn_loose("late write", lambda: write(**statements), lands_after)
        raise Killed

    def work() -> None:
        case.preview("u1")
        monkeypatch.setattr(case.world.db, "batch_execute_statement", dies)
        case.ask("apply")
        while not died:
            case.pause(0.1)
        assert case.ask("cancel")[1]["status"] == "cancelling"
        shown = case.wait()
        case.pause(60)
        told = [
            detail["Action"]
            for detail in case.world.bus.details["Segment Membership Change"]
            if detail.get("Import ID") == case.import_id
        ]
        assert told == ["REMOVE"] * shown["result"]["removed"]
        assert case.members() == ({"u1"} if shown["result"]["removed"] else {"u0", "u1"})

    played(case, work)
    assert died


def test_parts_that_were_not_begun_when_an_import_was_cancelled_stay_as_they_are(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work() -> None:
        slowly_applied(case, monkeypatch, "manual")
        case.ask("cancel")
        assert case.wait()["result"]["removed"] == 0
        assert {"u0", "u1"} <= case.members()

    played(case, work)


def test_many_small_parts_keep_the_pace_too(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty users in some thirty parts, ten of them at a time, two users a second: twenty seconds."""

    def work() -> None:
        monkeypatch.setenv("IMPORT_ROWS_PER_SECOND", "2")
        forget_services()
        monkeypatch.setattr(parts, "_PART_USERS", 1)
        case.preview(*(f"n{number}" for number in range(40)))
        begun = SYSTEM_CLOCK.now()
        case.ask("apply")
        ended = moment(case.wait()["ended_at"])
        assert timedelta(seconds=20) <= ended - begun < timedelta(seconds=60)

    played(case, work)


def test_a_cancelling_that_comes_when_all_is_applied_finds_the_import_done(case: Case) -> None:
    def work() -> None:
        case.create(apply="auto")
        case.upload("u1", "new")
        case.ask("start")
        while (case.look()["result"] or {}).get("removed") != 1:
            case.pause(0.2)
        assert case.ask("cancel")[1]["status"] == "cancelling"
        assert case.wait()["status"] == "done"
        assert "Import Cancelled" not in case.world.bus.details

    played(case, work)


def test_a_cancelling_brings_an_applying_to_its_end_whose_execution_was_never_started(case: Case) -> None:
    def work() -> None:
        case.preview("u1", "new")
        case.world.executions.refuses = True
        event = without_body(ACCOUNT, "POST", "/api/imports/{import_id}/apply", None, import_id=case.import_id)
        assert case.invoke("imports", event)["statusCode"] == 503
        case.world.executions.refuses = False
        case.ask("cancel")
        shown = case.wait()
        assert (shown["status"], shown["result"]["added"], case.members()) == ("cancelled", 0, {"u0", "u1"})

    played(case, work)


def test_a_file_that_is_replaced_after_the_start_fails_the_import(case: Case) -> None:
    def work() -> None:
        case.create(apply="auto")
        case.upload("u0", "u1")
        case.ask("start")
        case.upload("evil")
        shown = case.wait()
        assert shown["status"] == "failed"
        assert shown["reason"] == "another file was uploaded after the start, or the file is gone"
        assert case.members() == {"u0", "u1"}
        failed = case.world.bus.details["Import Failed"]
        assert [(each["Reason"], each["Has Applied"]) for each in failed] == [(shown["reason"], False)] * len(failed)

    played(case, work)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty; it must have a header with a column named identity or guid"),
        (
            b"PK\x03\x04zip",
            "the file is a zip archive or an Excel workbook (.xlsx); send CSV or NDJSON as text, plain or gzip",
        ),
    ],
)
def test_a_file_that_can_not_be_read_fails_the_import_and_says_why(case: Case, content: bytes, reason: str) -> None:
    def work() -> None:
        case.create(apply="auto")
        case.upload(content=content)
        case.ask("start")
        assert (case.wait()["status"], case.look()["reason"]) == ("failed", reason)

    played(case, work)


def test_a_file_without_rows_empties_the_segment_unless_a_guard_forbids_it(case: Case) -> None:
    def work() -> None:
        case.create(apply="auto", guard={"max_removed_percent": 99})
        case.upload()
        case.ask("start")
        assert case.wait()["status"] == "refused"
        assert case.members() == {"u0", "u1"}
        case.create(apply="auto")
        case.upload()
        case.ask("start")
        assert case.wait()["status"] == "done"
        assert case.members() == set()

    played(case, work)


@pytest.mark.parametrize("state", ["reading", "previewed"])
def test_a_segment_that_is_deleted_meanwhile_fails_the_import(case: Case, state: str) -> None:
    def work() -> None:
        case.create()
        case.upload("new")
        case.ask("start")
        if state == "previewed":
            case.wait("previewed")
        event = without_body(ACCOUNT, "DELETE", "/api/segments/{segment_id}", segment_id=str(case.segment_id))
        assert case.invoke("manage_segments", event)["statusCode"] == 200
        if state == "previewed":
            assert case.ask("apply")[0] == 200
        shown = case.wait()
        assert (shown["status"], shown["reason"]) == ("failed", f"segment {case.segment_id} was deleted")
        assert "new" not in case.world.tables.claims(ACCOUNT)

    played(case, work)


def test_an_account_that_is_disabled_meanwhile_fails_the_import(case: Case) -> None:
    def work() -> None:
        case.create(apply="auto")
        case.upload("new")
        case.ask("start")
        case.invoke("accounts", {"operation": "disable_account", "account_id": ACCOUNT})
        assert (case.wait()["status"], case.look()["reason"]) == ("failed", "the account was disabled")
        assert case.members() == {"u0", "u1"}

    played(case, work)


def test_an_execution_that_is_stopped_fails_its_import_which_can_be_undone_after_two_minutes(case: Case) -> None:
    def work() -> None:
        case.preview("new")
        case.world.executions.loses = True
        case.ask("apply")
        name = f"{case.import_id}-apply"
        case.world.executions.status[name] = "TIMED_OUT"
        case.world.executions.tell(name)
        shown = case.look()
        assert (shown["status"], shown["reason"]) == ("failed", "it took too long, and was ended")
        case.world.executions.loses = False
        assert case.ask("undo")[0] == 409
        case.pause(131)
        assert case.ask("undo")[0] == 200
        assert case.wait("undone")["status"] == "undone"
        assert case.members() == {"u0", "u1"}

    played(case, work)


def test_an_undoing_leaves_alone_whom_others_changed_since_and_is_bounded_by_its_guard(case: Case) -> None:
    def work() -> None:
        case.create(apply="auto")
        case.upload("u1", "a", "b")
        case.ask("start")
        assert case.wait()["status"] == "done"
        case.change([{"identity": "a"}], "REMOVE", "other 1")
        case.change([{"identity": "u0"}], "ADD", "other 2")
        status, answer = case.ask("undo", {"guard": {"max_removed": 1}})
        assert (status, answer["error"]) == (
            409,
            "guard: max_removed is 1, and 2 users would be removed; nothing was changed",
        )
        assert case.members() == {"u0", "u1", "b"}
        assert case.ask("undo", {})[0] == 200
        shown = case.wait("undone")
        assert shown["undo"] == {"added": 0, "removed": 1, "left_alone": 2}
        assert case.members() == {"u0", "u1"}
        assert case.ask("undo")[0] == 409

    played(case, work)


def test_an_import_can_not_be_undone_after_a_week(case: Case) -> None:
    def work() -> None:
        case.create(apply="auto")
        case.upload("u1")
        case.ask("start")
        case.wait()
        table = case.world.environment["IMPORTS_TABLE"]
        case.world.db.update_item(
            TableName=table,
            Key={"account_id": {"S": ACCOUNT}, "sk": {"S": f"IMPORT#{case.import_id}"}},
            UpdateExpression="SET ended_at = :then",
            ExpressionAttributeValues={":then": {"S": "2026-11-01T00:00:00.000000Z"}},
        )
        status, answer = case.ask("undo")
        assert (status, "more than 7 days ago" in answer["error"]) == (409, True)

    played(case, work)


def test_a_key_creates_one_import_and_another_body_is_refused(case: Case) -> None:
    def work() -> None:
        body = {"segment": {"customer_segment_id": "C0"}, "mode": "add"}
        first, again = (case.call("POST", "/api/imports", body, "key")[1] for _ in range(2))
        assert first["import_id"] == again["import_id"]
        for another in ({"mode": "remove"}, {"file_name": "users.csv"}, {"guard": {"max_added": 1}}):
            assert case.call("POST", "/api/imports", {**body, **another}, "key")[0] == 409
        assert len(case.call("GET", "/api/imports")[1]["imports"]) == 1

    played(case, work)


def test_a_link_to_upload_is_promised_for_an_hour_and_a_look_gives_a_fresh_one(case: Case) -> None:
    def work() -> None:
        created = case.call("POST", "/api/imports", {"segment": case.segment_id, "mode": "add"})[1]
        case.import_id = created["import_id"]
        made_at = SYSTEM_CLOCK.now()
        assert moment(created["upload"]["expires_at"]) <= made_at + timedelta(hours=1)
        case.pause(600)
        fresh = moment(case.look()["upload"]["expires_at"])
        assert made_at + timedelta(hours=1) < fresh <= SYSTEM_CLOCK.now() + timedelta(hours=1)
        case.let_time_run_out(timedelta(minutes=5))  # the import itself waits for a day, and no link for longer
        assert moment(case.look()["upload"]["expires_at"]) <= SYSTEM_CLOCK.now() + timedelta(minutes=5)
        listed = json.loads(case.invoke("imports", without_body(ACCOUNT, "GET", "/api/imports", None))["body"])
        assert [each["upload"] for each in listed["imports"]] == [None]

    played(case, work)


def test_a_key_that_is_sent_again_after_the_start_tells_how_far_the_import_is_and_takes_no_file(case: Case) -> None:
    def work() -> None:
        body = {"segment": case.segment_id, "mode": "add"}
        case.import_id = case.call("POST", "/api/imports", body, "key")[1]["import_id"]
        case.upload("new")
        case.ask("start")
        again = case.call("POST", "/api/imports", body, "key")[1]
        assert again == {"import_id": case.import_id, "status": "reading", "upload": None}
        case.wait()
        again = case.call("POST", "/api/imports", body, "key")[1]
        assert again == {"import_id": case.import_id, "status": "done", "upload": None}

    played(case, work)


def test_imports_are_listed_with_who_created_them_all_or_those_of_a_segment(case: Case) -> None:
    def work() -> None:
        event = with_body("create_segment", ACCOUNT, {"segment": case.segment_id, "mode": "add"})
        event |= {"resource": "/api/imports", "path": "/api/imports"}
        event["requestContext"]["authorizer"]["passcode_name"] = "Ada's laptop"
        first = json.loads(case.invoke("imports", event)["body"])["import_id"]
        listed = case.call("GET", "/api/imports")[1]["imports"]
        assert [(each["import_id"], each["created_by"]) for each in listed] == [(first, "Ada's laptop")]
        for asked, found in ((case.segment_id, [first]), (case.segment_id + 1, [])):
            query = {"segment_id": str(asked), "limit": "1"}
            answer = json.loads(case.invoke("imports", without_body(ACCOUNT, "GET", "/api/imports", query))["body"])
            assert [each["import_id"] for each in answer["imports"]] == found
            assert answer["cursor"] is None
        wrong = case.invoke("imports", without_body(ACCOUNT, "GET", "/api/imports", {"segment_id": "gold"}))
        assert (wrong["statusCode"], json.loads(wrong["body"])["error"].split(":")[0]) == (400, "segment_id")

    played(case, work)


@pytest.mark.parametrize(
    "name", ["lapsed.csv.gz", "=cmd|' /C calc'!A0", "<b>\U0001f600 & söhne</b>.csv", "é" * 255, None]
)
def test_the_name_of_a_file_is_told_back_as_it_was_sent(case: Case, name: str | None) -> None:
    def work() -> None:
        case.create(apply="auto", file_name=name)
        case.upload("new")
        shown = case.ask("start")[1]
        assert shown["file_name"] == case.wait()["file_name"] == name
        (listed,) = case.call("GET", "/api/imports")[1]["imports"]
        assert listed["file_name"] == name

    played(case, work)


def test_a_name_that_was_not_told_is_null(case: Case) -> None:
    def work() -> None:
        case.create()
        assert case.look()["file_name"] is None

    played(case, work)


def test_pages_of_a_segments_imports_leave_none_out(case: Case) -> None:
    def work() -> None:
        event = with_body("create_segment", ACCOUNT, [{"segment_name": "another"}])
        other = json.loads(case.invoke("create_segment", event)["body"])["segments"][0]["id"]
        own = case.segment_id
        made = []
        for segment in (own, other, own, other, own):
            case.create(segment=segment)
            made.append((segment, case.import_id))
        seen: list[str] = []
        query = {"segment_id": str(own), "limit": "1"}
        while True:
            answer = json.loads(case.invoke("imports", without_body(ACCOUNT, "GET", "/api/imports", query))["body"])
            seen += [each["import_id"] for each in answer["imports"]]
            if answer["cursor"] is None:
                break
            query["cursor"] = answer["cursor"]
        assert seen == [each for segment, each in reversed(made) if segment == own]

    played(case, work)


def test_nobody_finds_or_changes_the_imports_of_another_account(case: Case) -> None:
    def work() -> None:
        case.create()
        for method, path, body in (
            ("GET", "/api/imports/{import_id}", None),
            *(("POST", f"/api/imports/{{import_id}}/{what}", None) for what in ("start", "apply", "cancel", "undo")),
        ):
            event = without_body("B-2", method, path, None, import_id=case.import_id)
            event["body"] = body
            assert case.invoke("imports", event)["statusCode"] == 404
        event = without_body("B-2", "POST", "/api/imports", None)
        event["body"] = json.dumps({"segment": case.segment_id, "mode": "add"})
        assert case.invoke("imports", event)["statusCode"] == 404
        listed = case.invoke("imports", without_body("B-2", "GET", "/api/imports", None))
        assert json.loads(listed["body"])["imports"] == []

    played(case, work)


def test_states_and_names_of_executions_hold_no_users(case: Case) -> None:
    def work() -> None:
        case.create(apply="auto", file_name="canary.csv")
        case.upload("canary-user")
        case.ask("start")
        assert case.wait()["status"] == "done"
        told = json.dumps([case.world.executions.inputs, case.world.trace])
        assert "canary" not in told

    played(case, work)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"mode": "add"}, "segment: is required"),
        ({"segment": 1, "mode": "merge"}, "mode: must be"),
        ({"segment": 1, "mode": "add", "guard": {"max_add": 1}}, "guard.max_add: unknown field"),
        ({"segment": 1, "mode": "add", "guard": {"max_added": -1}}, "guard.max_added: "),
        ({"segment": 1, "mode": "add", "guard": {"max_removed_percent": 101}}, "guard.max_removed_percent: "),
        ({"segment": 1, "mode": "remove", "unknown_users": "create"}, "unknown_users: must be skip, or left out"),
        ({"segment": 1, "mode": "add", "file_name": 7}, "file_name: must be a string"),
        ({"segment": 1, "mode": "add", "file_name": ""}, "file_name: must have 1 to 255 characters, has 0"),
        ({"segment": 1, "mode": "add", "file_name": "x" * 256}, "file_name: must have 1 to 255 characters, has 256"),
        ({"segment": 1, "mode": "add", "file_name": "a\nb.csv"}, "file_name: must have no control characters"),
        ({"segment": 1, "mode": "add", "file_name": "a\ud800.csv"}, "file_name: must have no lone surrogates"),
        ({"segment": 1, "mode": "add", "file_name": "a\ufffd.csv"}, "file_name: has "),
        ({"segment": 1, "mode": "add", "fileName": "a.csv"}, "fileName: unknown field"),
    ],
)
def test_what_can_not_be_read_is_refused_by_name(case: Case, body: Json, said: str) -> None:
    def work() -> None:
        status, answer = case.call("POST", "/api/imports", body)
        assert status == 400
        assert answer["error"].startswith(said), answer

    played(case, work)


def test_a_body_where_none_has_a_meaning_is_refused(case: Case) -> None:
    def work() -> None:
        case.create()
        status, answer = case.ask("start", {"force": True})
        assert (status, answer["error"]) == (400, "force: unknown field")

    played(case, work)


def test_an_update_of_the_same_segment_bears_no_import(case: Case) -> None:
    def work() -> None:
        case.create(apply="auto")
        case.upload("u1", "new")
        case.ask("start")
        case.wait()
        case.change([{"identity": "new"}, {"identity": "u9"}], "REMOVE", "other")
        case.change([{"identity": "u9"}], "ADD", "other 2")
        case.pause(5)
        marked = [
            (detail["Identity"], detail["Action"])
            for detail in case.world.bus.details["Segment Membership Change"]
            if "Import ID" in detail
        ]
        assert sorted(marked) == [("new", "ADD"), ("u0", "REMOVE")]

    played(case, work)


def test_an_end_that_is_told_again_does_not_end_what_the_client_began_since(case: Case) -> None:
    def work() -> None:
        case.create(apply="auto")
        case.upload("u1", "new")
        case.ask("start")
        assert case.wait()["status"] == "done"
        case.world.executions.loses = True
        case.ask("undo")
        (failed,) = (name for name in case.world.executions.inputs if "undo" in name)
        case.world.executions.status[failed] = "ABORTED"
        case.world.executions.tell(failed)
        assert case.look()["status"] == "failed"
        case.pause(131)
        assert case.ask("undo")[0] == 200
        case.world.executions.tell(failed)
        assert case.look()["status"] == "undoing"

    played(case, work)


def test_an_execution_that_failed_after_its_preview_does_not_end_the_applying_that_was_asked_for(case: Case) -> None:
    def work() -> None:
        case.preview("new")
        case.world.executions.loses = True
        case.ask("apply")
        read = f"{case.import_id}-read"
        case.world.executions.status[read] = "FAILED"
        case.world.executions.tell(read)
        assert case.look()["status"] == "applying"

    played(case, work)


def test_no_other_import_begins_while_a_step_of_one_that_failed_may_still_write(case: Case) -> None:
    def work() -> None:
        case.preview("new")
        case.world.executions.loses = True
        case.ask("apply")
        failed = case.import_id
        case.world.executions.status[f"{failed}-apply"] = "ABORTED"
        case.world.executions.tell(f"{failed}-apply")
        case.world.executions.loses = False
        assert case.look()["status"] == "failed"
        status, answer = case.call("POST", "/api/imports", {"segment": case.segment_id, "mode": "add"})
        assert (status, failed in answer["error"]) == (409, True)
        case.pause(125)  # as long as a function of such a step may run
        assert case.call("POST", "/api/imports", {"segment": case.segment_id, "mode": "add"})[0] == 409
        case.pause(6)
        case.create()
        case.upload("new")
        assert case.ask("start")[0] == 200

    played(case, work)


def test_another_import_begins_at_once_after_one_that_failed_before_it_was_applied(case: Case) -> None:
    def work() -> None:
        case.create()
        case.upload("u0")
        case.ask("start")
        case.upload("evil")
        assert case.wait()["status"] == "failed"
        case.create()
        case.upload("u0")
        assert case.ask("start")[0] == 200

    played(case, work)


def test_an_undoing_that_failed_shows_what_it_undid(case: Case) -> None:
    def work() -> None:
        case.create(apply="auto")
        case.upload("u1", "new")
        case.ask("start")
        case.wait()
        assert case.ask("undo")[0] == 200
        case.pause(2)
        (undoing,) = (name for name in case.world.executions.inputs if "undo" in name)
        case.world.executions.status[undoing] = "ABORTED"
        case.world.executions.tell(undoing)
        shown = case.look()
        assert (shown["status"], shown["undo"]) == ("failed", {"added": 1, "removed": 1, "left_alone": 0})

    played(case, work)


def test_an_undoing_never_leaves_fewer_than_nobody_alone(case: Case) -> None:
    """What a step did that died before it could count it is undone all the same."""

    def work() -> None:
        case.create(apply="auto")
        case.upload("u0", "u1", "new")
        case.ask("start")
        case.wait()
        table = case.world.environment["IMPORTS_TABLE"]
        key = {"account_id": {"S": ACCOUNT}, "sk": {"S": f"IMPORT#{case.import_id}"}}
        case.world.db.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET #status = :failed REMOVE applied",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":failed": {"S": "failed"}},
        )
        figures = {"account_id": {"S": ACCOUNT}, "sk": {"S": f"FIGURES#{case.import_id}#apply#ADD#0000#000000000"}}
        assert case.world.db.delete_item(TableName=table, Key=figures, ReturnValues="ALL_OLD")["Attributes"]
        case.pause(131)
        assert case.ask("undo")[0] == 200
        assert case.wait("undone")["undo"] == {"added": 0, "removed": 1, "left_alone": 0}

    played(case, work)


def test_rejected_rows_are_linked_to_as_long_as_their_file_is_kept(case: Case) -> None:
    def work() -> None:
        case.create()
        case.upload("u0", "bad\tid")
        case.ask("start")
        assert case.wait("previewed")["rejected_rows"] is not None
        case.world.db.update_item(
            TableName=case.world.environment["IMPORTS_TABLE"],
            Key={"account_id": {"S": ACCOUNT}, "sk": {"S": f"IMPORT#{case.import_id}"}},
            UpdateExpression="SET started_at = :then",
            ExpressionAttributeValues={":then": {"S": rfc3339(SYSTEM_CLOCK.now() - timedelta(days=30))}},
        )
        assert case.look()["rejected_rows"] is None

    played(case, work)

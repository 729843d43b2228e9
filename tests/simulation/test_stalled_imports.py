"""Imports and exports that came to a stop: reconciliation starts them again, or ends them and says why."""

import json
from typing import Any

import pytest

from api_segments.imports import stalled
from tests.simulation.importing import ACCOUNT
from tests.simulation.test_import_cases import Case, case, played  # noqa: F401 - a fixture
from tests.support.events import without_body

Json = Any


def reconciled(case: Case) -> None:  # noqa: F811 - the fixture's value
    """Reconcile the account, and work off what that puts off: what seems stalled is looked at again after a while."""
    case.pause(301)
    case.invoke("reconcile", {"operation": "reconcile_account", "account_id": ACCOUNT})
    queue = case.world.queues["reconciliations"]
    while queue.messages:
        message = queue.receive()
        if message is None:
            case.pause(30)
            continue
        outcome = case.world.invoke("reconcile", {"Records": [{"body": message.body}]}, "task", 120.0)
        if outcome.error is None:
            queue.delete(message)


def once(case: Case, path: str, **parameters: str) -> tuple[int, Json]:  # noqa: F811
    """Make a call whose client is gone after it."""
    answer = case.invoke("imports", without_body(ACCOUNT, "POST", path, None, **parameters))
    return answer["statusCode"], json.loads(answer["body"])


def failures(case: Case) -> list[tuple[str, str]]:  # noqa: F811
    """Return what the bus was told of imports that failed, each once."""
    told = case.world.bus.details.get("Import Failed", ())
    return sorted({(each["Event ID"], each["Reason"]) for each in told})


@pytest.mark.parametrize("what", ["start", "apply", "undo"])
def test_an_execution_that_was_never_started_is_started(case: Case, what: str) -> None:  # noqa: F811
    def work() -> None:
        case.create()
        case.upload("u1", "new")
        steps = {"start": "previewed", "apply": "done", "undo": "undone"}
        for step, reached in steps.items():
            case.world.executions.refuses = step == what
            status, _ = once(case, f"/api/imports/{{import_id}}/{step}", import_id=case.import_id)
            assert status == (503 if step == what else 200)
            case.world.executions.refuses = False
            if step == what:
                reconciled(case)
            case.wait_for(reached)
            if step == what:
                break
        assert case.look()["status"] == steps[what]
        assert not failures(case)

    played(case, work)


@pytest.mark.parametrize("ended", ["FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED"])
def test_an_import_whose_execution_ended_untold_fails_and_the_bus_is_told(case: Case, ended: str) -> None:  # noqa: F811
    def work() -> None:
        case.preview("new")
        case.world.executions.loses = True
        case.ask("apply")
        case.world.executions.status[f"{case.import_id}-apply"] = ended
        reconciled(case)
        shown = case.look()
        reason = f"its execution ended ({ended}) and left it"
        assert (shown["status"], shown["reason"]) == ("failed", reason)
        assert [each for _, each in failures(case)] == [reason]
        case.world.executions.loses = False
        case.pause(131)
        assert case.ask("undo")[0] == 200
        assert case.wait("undone")["status"] == "undone"

    played(case, work)


def test_an_import_that_is_at_work_is_left_alone(case: Case) -> None:  # noqa: F811
    def work() -> None:
        case.create()
        case.upload("new")
        case.world.executions.loses = True  # and says RUNNING
        case.ask("start")
        reconciled(case)
        assert case.look()["status"] == "reading"
        assert not failures(case)

    played(case, work)


def test_what_lasted_too_long_is_ended_and_told_once(case: Case) -> None:  # noqa: F811
    def work() -> None:
        case.create()
        case.let_time_run_out()
        assert case.look()["reason"] == "it was not started within 24 hours"
        assert not failures(case)  # a look writes nothing
        for _ in range(2):
            reconciled(case)
            assert [each for _, each in failures(case)] == ["it was not started within 24 hours"]
        told = len(case.world.bus.details["Import Failed"])
        case.preview("new")
        case.let_time_run_out()
        reconciled(case)
        shown = case.look()
        assert (shown["status"], shown["reason"]) == ("cancelled", "its preview was not applied within 24 hours")
        assert len(case.world.bus.details["Import Failed"]) == told
        assert "Import Cancelled" not in case.world.bus.details
        assert case.members() == {"u0", "u1"}

    played(case, work)


def test_an_import_that_was_lost_can_be_undone_before_reconciliation_finds_it(case: Case) -> None:  # noqa: F811
    def work() -> None:
        case.preview("new")
        case.world.executions.loses = True
        case.ask("apply")
        case.let_time_run_out()
        assert case.look()["reason"] == "its execution was lost"
        case.world.executions.loses = False
        case.pause(131)
        assert case.ask("undo")[0] == 200
        assert case.wait("undone")["status"] == "undone"
        reconciled(case)
        assert case.look()["status"] == "undone"

    played(case, work)


@pytest.mark.parametrize("what", ["import", "export"])
def test_a_bus_that_does_not_take_the_end_is_told_again(
    case: Case,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    def work() -> None:
        case.world.executions.loses = True
        if what == "import":
            case.create()
            case.upload("new")
            case.ask("start")
        else:
            once(case, "/api/segments/{segment_id}/export", segment_id=str(case.segment_id))
        (name,) = case.world.executions.status
        case.world.executions.status[name] = "ABORTED"
        put, tries = case.world.bus.put_events, 0

        def refuses(**entries: Any) -> Json:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise RuntimeError
            return put(**entries)

        monkeypatch.setattr(case.world.bus, "put_events", refuses)
        reconciled(case)
        told = {each["Event ID"] for each in case.world.bus.details[f"{what.title()} Failed"]}
        assert len(told) == 1

    played(case, work)


def test_an_export_is_started_again_or_ended(case: Case) -> None:  # noqa: F811
    def shown(export_id: str) -> Json:
        event = without_body(ACCOUNT, "GET", "/api/exports/{export_id}", None, export_id=export_id)
        return json.loads(case.invoke("imports", event)["body"])

    def work() -> None:
        path = "/api/segments/{segment_id}/export"
        case.world.executions.refuses = True
        assert once(case, path, segment_id=str(case.segment_id))[0] == 503
        case.world.executions.refuses = False
        reconciled(case)
        case.pause(30)
        (begun,) = (name.partition("-")[0] for name in case.world.executions.inputs if name.endswith("export"))
        assert shown(begun)["status"] == "done"
        case.world.executions.loses = True
        lost = once(case, path, segment_id=str(case.segment_id))[1]["export_id"]
        reconciled(case)
        assert shown(lost)["status"] == "writing"
        case.world.executions.status[f"{lost}-export"] = "FAILED"
        reconciled(case)
        assert shown(lost)["reason"] == "its execution ended (FAILED) and left it"
        told = case.world.bus.details["Export Failed"]
        assert {(each["Export ID"], each["Reason"]) for each in told} == {(lost, shown(lost)["reason"])}

    played(case, work)


def test_all_of_many_are_found(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(stalled, "PAGE", 2)

    def work() -> None:
        made = []
        for _ in range(5):
            made.append(case.create())
            case.let_time_run_out()
        reconciled(case)
        told = {each["Import ID"] for each in case.world.bus.details["Import Failed"]}
        assert told == set(made)

    played(case, work)

"""What the bus is told of exports that have ended: each end by one event, whatever goes wrong on the way."""

from collections.abc import Callable
from typing import Any

import pytest

from api_segments.imports.exports import ExportingService
from tests.simulation.test_exports_and_lists import Client, played, written

Json = Any
EXPORT = "/api/segments/{segment_id}/export"
COMPLETED, FAILED = "Export Completed", "Export Failed"


def told(client: Client) -> list[tuple[str, Json]]:
    """Return what the bus was told of ends of exports, each event once."""
    found = {
        detail["Event ID"]: (name, detail)
        for name in (COMPLETED, FAILED)
        for detail in client.world.bus.details.get(name, ())
    }
    return list(found.values())


def asked(client: Client, segment_id: int) -> str:
    return str(client.call("POST", EXPORT, segment_id=str(segment_id))[1]["export_id"])


def ended(client: Client, export_id: str) -> Json:
    """Wait until an export's execution has ended; return the export."""
    client.wait(lambda: client.world.executions.status[f"{export_id}-export"] != "RUNNING", every=60)
    client.world.mild = True
    return client.call("GET", "/api/exports/{export_id}", export_id=export_id)[1]


def refusing(client: Client, times: int) -> Callable[..., Json]:
    """Return what puts events, the first times by dying."""
    put, tries = client.world.bus.put_events, 0

    def dies(**entries: Any) -> Json:
        nonlocal tries
        tries += 1
        if tries <= times:
            raise RuntimeError
        return put(**entries)

    return dies


def test_an_export_that_is_done_is_told_with_how_many_members_its_file_has() -> None:
    def play(client: Client) -> None:
        segment_id = client.segment("first")
        client.change(segment_id, [{"identity": "ann"}, {"identity": "bob"}])
        export_id = asked(client, segment_id)
        written(client, export_id)
        shown = ended(client, export_id)
        ((name, detail),) = told(client)
        assert name == COMPLETED
        assert {
            "Export ID": export_id,
            "Segment ID": segment_id,
            "Account ID": "A-1",
            "Members": 2,
            "Event ID": f"A-1-{export_id}-done",
            "Occurred At": shown["ended_at"],
        }.items() <= detail.items()

    played(play)


def test_an_export_of_a_segment_that_its_client_deletes_meanwhile_is_told_and_raises_no_alarm() -> None:
    """The alarm counts executions that fail."""

    def play(client: Client) -> None:
        segment_id = client.segment("first")
        client.change(segment_id, [{"identity": "ann"}])
        export_id = asked(client, segment_id)
        client.delete(segment_id)
        shown = ended(client, export_id)
        assert client.world.executions.status[f"{export_id}-export"] == "SUCCEEDED"
        ((name, detail),) = told(client)
        assert (name, detail["Event ID"]) == (FAILED, f"A-1-{export_id}-failed")
        assert detail["Reason"] == shown["reason"] == f"segment {segment_id} was deleted"
        assert "Members" not in detail

    played(play)


def test_an_export_that_cannot_be_written_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(ExportingService, "write", broken)

    def play(client: Client) -> None:
        export_id = asked(client, client.segment("first"))
        ended(client, export_id)
        assert client.world.executions.status[f"{export_id}-export"] == "FAILED"
        ((name, detail),) = told(client)
        assert (name, detail["Reason"]) == (FAILED, "a step failed (RuntimeError)")

    played(play)


@pytest.mark.parametrize("is_deleted", [False, True])
@pytest.mark.parametrize("times", [1, 7, 9], ids=["once", "as often as the step is tried", "and then what ends it"])
def test_a_step_that_died_before_it_could_tell_tells_when_it_runs_again(
    monkeypatch: pytest.MonkeyPatch, times: int, *, is_deleted: bool
) -> None:
    def play(client: Client) -> None:
        monkeypatch.setattr(client.world.bus, "put_events", refusing(client, times))
        segment_id = client.segment("first")
        export_id = asked(client, segment_id)
        if is_deleted:
            client.delete(segment_id)
        shown = ended(client, export_id)
        ((name, detail),) = told(client)
        assert name == (FAILED if is_deleted else COMPLETED)
        assert (detail["Export ID"], detail["Occurred At"]) == (export_id, shown["ended_at"])

    played(play)


def test_an_export_that_was_ended_while_it_was_written_keeps_that_end() -> None:
    def play(client: Client) -> None:
        export_id = asked(client, client.segment("first"))
        name = f"{export_id}-export"
        client.wait(lambda: any(f"{name} export" in line for line in client.world.trace), every=0.05)
        client.world.executions.status[name] = "ABORTED"
        client.world.executions.tell(name)
        first = client.call("GET", "/api/exports/{export_id}", export_id=export_id)[1]
        assert first["status"] == "failed"
        assert not any(f"{name} export 1 ends" in line for line in client.world.trace), "it was written by then"
        client.world.pause(60)
        assert client.call("GET", "/api/exports/{export_id}", export_id=export_id)[1] == first
        assert [each for each, _ in told(client)] == [FAILED]

    played(play)


@pytest.mark.parametrize("seed", range(1, 21))
def test_whatever_goes_wrong_an_export_has_one_end_and_the_bus_is_told_of_that(seed: int) -> None:
    def play(client: Client) -> None:
        segment_id = client.segment("first")
        client.change(segment_id, [{"identity": f"u{number}"} for number in range(20)])
        export_id = asked(client, segment_id)
        if seed % 3 == 0:
            client.world.pause(3.95 + seed / 200)  # before the step begins, or while it reads the list
            client.delete(segment_id)
        client.world.mild = False
        shown = ended(client, export_id)
        ((name, detail),) = told(client)
        assert shown["status"] == {COMPLETED: "done", FAILED: "failed"}[name]
        assert (detail.get("Members"), detail.get("Reason")) == (shown["members"], shown["reason"])

    played(play, f"exports {seed}")

"""Exports and CleverTap's custom lists, by the real handlers and the template's state machine, in a calm world."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from api_segments.aws import keys
from api_segments.core.errors import UnavailableError
from api_segments.imports.exports import ExportingService
from tests.simulation.importing import ACCOUNT, Follower
from tests.simulation.world import World
from tests.support.events import with_body, without_body
from tests.support.rights import allows

Json = Any

OTHER = "A-2"


class Client:
    """A client of two accounts, and the readers of streams behind it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._calls = 0
        for account in (ACCOUNT, OTHER):
            create = {"operation": "create_account", "name": "A", "plan": "Advanced", "private_beta": True}
            self.world.invoke("accounts", {**create, "account_id": account}, f"account {account}")
        for function in ("project_members", "publish_changes"):
            follower = Follower(world, function, 0, 1)
            world.spawn(follower.name, follower.poll)

    def call(
        self, method: str, path: str, body: Json = None, account: str = ACCOUNT, **parameters: str
    ) -> tuple[int, Json]:
        """Make a call of the functions of imports."""
        event = without_body(account, method, path, None, **parameters)
        event["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
        return self._invoke("imports", event)

    def segment(self, name: str, customer_id: str | None = None) -> int:
        body = [{"segment_name": name, **({} if customer_id is None else {"customer_segment_id": customer_id})}]
        return int(self._invoke("create_segment", with_body("create_segment", ACCOUNT, body))[1]["segments"][0]["id"])

    def delete(self, segment_id: int) -> None:
        path = "/api/segments/{segment_id}"
        self._invoke("manage_segments", without_body(ACCOUNT, "DELETE", path, None, segment_id=str(segment_id)))

    def rename(self, segment_id: int, name: str) -> None:
        event = without_body(ACCOUNT, "PATCH", "/api/segments/{segment_id}", None, segment_id=str(segment_id))
        status, answer = self._invoke("manage_segments", {**event, "body": json.dumps({"segment_name": name})})
        assert status == 200, answer

    def change(self, segment_id: int, users: Sequence[Mapping[str, str]], action: str = "ADD") -> None:
        group = {"user_profiles": list(users), "segments": [{"ct_segment_id": segment_id, "action": action}]}
        self._invoke("update_segment", with_body("update_segment", ACCOUNT, {"bulk_profiles": [group]}))

    def put(self, url: str, content: bytes) -> None:
        self.world.s3.put_object("imports", url.partition("example/")[2].partition("?")[0], content)

    def members(self, segment_id: int) -> set[str]:
        """Return who is in a segment, by the truth."""
        items = self.world.tables.memberships(ACCOUNT)
        return {
            item.get("identity", profile_id)
            for profile_id, item in items.items()
            if segment_id in item.get("segment_ids", ())
        }

    def wait(self, is_there: Callable[[], bool], every: float = 2) -> None:
        for _ in range(100):
            if is_there():
                return
            self.world.pause(every)
        raise AssertionError("it never came")

    def _invoke(self, function: str, event: Json) -> tuple[int, Json]:
        self._calls += 1
        outcome = self.world.invoke(function, event, f"call {self._calls}")
        assert outcome.answer is not None, outcome
        return outcome.answer["statusCode"], json.loads(outcome.answer["body"])


def played(play: Callable[[Client], None], seed: str = "exports and lists") -> World:
    world = World(seed)
    with world.installed():
        world.mild = True
        client: list[Client] = []
        world.run(lambda: client.append(Client(world)))
        task = world.spawn("client", partial(play, client[0]))
        world.scheduler.run(until=task)
        world.is_over = True
        world.scheduler.run()
    denied = [use for use in world.used if not allows(use)]
    assert not denied, denied
    return world


def written(client: Client, export_id: str) -> list[list[str]]:
    """Wait for an export; return the rows of its file."""
    shown: Json = {}

    def is_over() -> bool:
        shown.update(client.call("GET", "/api/exports/{export_id}", export_id=export_id)[1])
        return bool(shown["status"] != "writing")

    client.wait(is_over)
    assert shown["status"] == "done", shown
    assert f"/{ACCOUNT}/{export_id}/export.csv?get_object" in shown["file"]
    content = client.world.s3.objects["imports", f"{ACCOUNT}/{export_id}/export.csv"]
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    assert shown["members"] == len(rows) - 1
    return rows


def test_an_export_has_all_members_and_no_formulas() -> None:
    def play(client: Client) -> None:
        segment_id = client.segment("first")
        client.change(segment_id, [{"identity": f"u{number}"} for number in range(50)])
        client.change(segment_id, [{"identity": "=cmd|' /C calc'!A0"}, {"identity": "+14155551234"}, {"guid": "g1"}])
        client.change(segment_id, [{"identity": "u1"}], "REMOVE")
        path = "/api/segments/{segment_id}/export"
        status, asked = client.call("POST", path, segment_id=str(segment_id))
        assert (status, asked["status"], asked["file"], asked["members"]) == (200, "writing", None, None)
        header, *rows = written(client, asked["export_id"])
        assert header == ["identity", "guid", "added_at"]
        expected = {f"u{number}" for number in range(50)} - {"u1"} | {"'=cmd|' /C calc'!A0", "'+14155551234"}
        assert {row[0] for row in rows if row[0]} == expected
        assert [row[1] for row in rows if not row[0]] == ["g1"]
        assert all(row[2].endswith("Z") for row in rows)

    played(play)


def test_an_export_has_what_was_acknowledged_before_it() -> None:
    def play(client: Client) -> None:
        segment_id = client.segment("first")
        client.change(segment_id, [{"identity": "late"}])
        asked = client.call("POST", "/api/segments/{segment_id}/export", segment_id=str(segment_id))[1]
        assert [row[0] for row in written(client, asked["export_id"])[1:]] == ["late"]

    played(play)


def test_an_export_of_nobody_is_a_file_with_a_header() -> None:
    def play(client: Client) -> None:
        asked = client.call("POST", "/api/segments/{segment_id}/export", "{}", segment_id=str(client.segment("first")))[
            1
        ]
        assert written(client, asked["export_id"]) == [["identity", "guid", "added_at"]]

    played(play)


def test_an_export_of_a_segment_that_is_deleted_meanwhile_fails() -> None:
    def play(client: Client) -> None:
        segment_id = client.segment("first")
        client.change(segment_id, [{"identity": "ann"}])
        asked = client.call("POST", "/api/segments/{segment_id}/export", segment_id=str(segment_id))[1]
        client.delete(segment_id)
        shown: Json = {}

        def is_over() -> bool:
            shown.update(client.call("GET", "/api/exports/{export_id}", export_id=asked["export_id"])[1])
            return bool(shown["status"] != "writing")

        client.wait(is_over)
        assert (shown["status"], shown["file"]) == ("failed", None)
        assert shown["reason"] == f"segment {segment_id} was deleted"
        assert not [key for _, key in client.world.s3.objects if key.endswith("export.csv")]
        again = client.call("POST", "/api/segments/{segment_id}/export", segment_id=str(segment_id))
        assert again[0] == 410

    played(play)


def test_an_export_that_cannot_be_written_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(ExportingService, "write", broken)

    def play(client: Client) -> None:
        segment_id = client.segment("first")
        asked = client.call("POST", "/api/segments/{segment_id}/export", segment_id=str(segment_id))[1]
        shown: Json = {}

        def is_over() -> bool:
            client.world.pause(60)
            shown.update(client.call("GET", "/api/exports/{export_id}", export_id=asked["export_id"])[1])
            return bool(shown["status"] != "writing")

        client.wait(is_over)
        assert (shown["status"], shown["reason"]) == ("failed", "a step failed (RuntimeError)")

    played(play)


def test_an_export_whose_execution_was_lost_fails_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api_segments.imports.model.LONGEST_EXECUTION", timedelta(seconds=100))

    def play(client: Client) -> None:
        client.world.executions.loses = True
        segment_id = client.segment("first")
        asked = client.call("POST", "/api/segments/{segment_id}/export", segment_id=str(segment_id))[1]
        path = "/api/exports/{export_id}"
        client.world.pause(90)
        assert client.call("GET", path, export_id=asked["export_id"])[1]["status"] == "writing"
        client.world.pause(10)
        shown = client.call("GET", "/api/exports/{export_id}", export_id=asked["export_id"])[1]
        assert (shown["status"], shown["reason"]) == ("failed", "its execution was lost")

    played(play)


def test_exports_are_listed_all_or_a_segments_page_by_page_and_without_links() -> None:
    def play(client: Client) -> None:
        first, second = client.segment("first"), client.segment("second")
        made = []
        for segment_id in (first, second, first):
            path = "/api/segments/{segment_id}/export"
            made.append(client.call("POST", path, segment_id=str(segment_id))[1]["export_id"])
            written(client, made[-1])

        def listed_by(account: str = ACCOUNT, **query: str) -> Json:
            event = without_body(account, "GET", "/api/exports", query or None)
            return client._invoke("imports", event)[1]  # noqa: SLF001 - a helper of this test's own client

        whole = listed_by()
        assert [each["export_id"] for each in whole["exports"]] == made[::-1]
        assert {(each["status"], each["file"]) for each in whole["exports"]} == {("done", None)}
        page = listed_by(segment_id=str(first), limit="1")
        assert [each["export_id"] for each in page["exports"]] == [made[2]]
        rest = listed_by(segment_id=str(first), limit="1", cursor=page["cursor"])
        assert ([each["export_id"] for each in rest["exports"]], rest["cursor"]) == ([made[0]], None)
        assert listed_by(OTHER)["exports"] == []

    played(play)


def test_an_export_is_of_one_account() -> None:
    def play(client: Client) -> None:
        segment_id = client.segment("first")
        path = "/api/segments/{segment_id}/export"
        assert client.call("POST", path, account=OTHER, segment_id=str(segment_id))[0] == 404
        asked = client.call("POST", path, segment_id=str(segment_id))[1]
        written(client, asked["export_id"])
        path = "/api/exports/{export_id}"
        assert client.call("GET", path, account=OTHER, export_id=asked["export_id"])[0] == 404
        assert client.call("GET", path, export_id="x")[0] == 404

    played(play)


URL, COMPLETED = "/get_custom_list_segment_url", "/upload_custom_list_segment_completed"


def uploaded(client: Client, content: bytes) -> str:
    status, answer = client.call("POST", URL)
    assert (status, answer["status"]) == (200, "success")
    client.put(answer["presignedS3URL"], content)
    return str(answer["presignedS3URL"])


def completed(client: Client, url: str, name: str, **more: Json) -> tuple[int, Json]:
    body = {"name": name, "email": "ops@example.com", "filename": "a.csv", "creator": "Rudderstack", "url": url}
    return client.call("POST", COMPLETED, {**body, **more})


def listed(client: Client, url: str, name: str, **more: Json) -> int:
    status, answer = completed(client, url, name, **more)
    assert (status, answer["status"]) == (200, "success"), answer
    assert answer.keys() == {"status", "Segment ID"}
    client.wait(lambda: client.call("GET", "/api/imports")[1]["imports"][0]["status"] == "done")
    return int(answer["Segment ID"])


def test_a_custom_list_is_a_segment_of_the_users_who_exist() -> None:
    def play(client: Client) -> None:
        client.change(client.segment("all"), [{"identity": "ann"}, {"identity": "bob"}, {"guid": "g1"}])
        late_header = b"i,ann\nType,Identity\ng,g1\ni,nobody\n"
        segment_id = listed(client, uploaded(client, late_header), "Lapsed", replace=False)
        assert client.members(segment_id) == {"ann", "g1"}
        (shown,) = client.call("GET", "/api/imports")[1]["imports"]
        assert (shown["preview"]["skipped"], shown["preview"]["to_add"]) == (1, 2)
        assert shown["file_name"] == "a.csv"

        refused, answer = completed(client, uploaded(client, b"type,identity\ni,bob\n"), "Lapsed", replace=False)
        assert (refused, answer["status"], answer["code"]) == (409, "fail", 409)
        assert "duplicate_name" in answer["error"]
        assert client.members(segment_id) == {"ann", "g1"}

        url = uploaded(client, b"type,identity\ni,bob\n")
        assert listed(client, url, "Lapsed", replace=True) == segment_id
        assert client.members(segment_id) == {"bob"}

    played(play)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 256])
def test_a_list_whose_files_name_can_not_be_kept_is_taken_without_it(name: str) -> None:
    def play(client: Client) -> None:
        listed(client, uploaded(client, b"Type,Identity\ni,ann\n"), "Lapsed", filename=name)
        assert client.call("GET", "/api/imports")[1]["imports"][0]["file_name"] is None

    played(play)


def test_a_completion_that_is_sent_again_answers_the_same() -> None:
    def play(client: Client) -> None:
        client.change(client.segment("all"), [{"identity": "ann"}])
        url = uploaded(client, b"Type,Identity\ni,ann\n")
        first = completed(client, url, "Lapsed")
        assert completed(client, url, "Lapsed") == first
        client.wait(lambda: client.call("GET", "/api/imports")[1]["imports"][0]["status"] == "done")
        assert completed(client, url, "Lapsed") == first
        assert len(client.call("GET", "/api/imports")[1]["imports"]) == 1
        assert completed(client, url, "Other")[0] == 409

    played(play)


def test_a_completion_goes_on_where_an_earlier_try_died(monkeypatch: pytest.MonkeyPatch) -> None:
    """It created the segment, and no more."""

    def play(client: Client) -> None:
        client.change(client.segment("all"), [{"identity": "ann"}])
        url = uploaded(client, b"Type,Identity\ni,ann\n")
        with monkeypatch.context() as patch:

            def dies(*_: Any, **__: Any) -> None:
                raise UnavailableError("it died")

            patch.setattr("api_segments.imports.store.ImportStore.create", dies)
            assert completed(client, url, "Lapsed")[0] == 503
        segment_id = listed(client, url, "Lapsed")
        assert client.members(segment_id) == {"ann"}

    played(play)


def test_the_name_of_a_deleted_or_renamed_list_can_be_given_again() -> None:
    def play(client: Client) -> None:
        client.change(client.segment("all"), [{"identity": "ann"}])
        client.segment("another's", "Lapsed")
        content = b"Type,Identity\ni,ann\n"
        first = listed(client, uploaded(client, content), "Lapsed")
        client.delete(first)
        second = listed(client, uploaded(client, content), "Lapsed")
        assert second != first
        client.rename(second, "Renamed")
        third = listed(client, uploaded(client, content), "Lapsed", replace=True)
        assert third not in (first, second)
        assert listed(client, uploaded(client, content), "Lapsed", replace=True) == third

    played(play)


def test_a_completion_without_a_file_or_for_another_account_changes_nothing() -> None:
    def play(client: Client) -> None:
        url = client.call("POST", URL)[1]["presignedS3URL"]
        status, answer = completed(client, url, "Lapsed")
        assert (status, answer["error"]) == (409, "url: nothing has been uploaded there; PUT the file first")
        client.put(url, b"Type,Identity\ni,ann\n")
        foreign = client.call("POST", COMPLETED, {"name": "Lapsed", "url": url}, account=OTHER)
        assert foreign[0] == 400
        for wrong in ("", "x", "https://example.com/upload", url.replace("/upload", "/rejected.csv")):
            assert completed(client, wrong, "Lapsed")[0] == 400
        assert completed(client, url, "x" * 241)[0] == 400
        assert client.call("GET", "/api/imports")[1]["imports"] == []
        assert client.call("POST", URL, account=OTHER)[0] == 200

    played(play)


def test_the_keys_of_exports_and_imports_are_apart() -> None:
    assert not keys.export("x").startswith(keys.IMPORTS)

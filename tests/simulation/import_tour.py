"""Everything that imports do, once: files of all kinds of rows, applied, undone, refused, failed; exports, lists."""

import json
from typing import Any

from api_segments.aws.keys import SIGNING_KEY, STACK, import_, of_account
from tests.simulation.world import World
from tests.support.events import body_of, with_body, without_body

Json = Any


class ImportTour:
    """The calls of imports of one segment, whose id is given; it has the member u1."""

    def __init__(self, world: World, account_id: str, segment_id: str) -> None:
        self._world = world
        self._account_id = account_id
        self._segment_id = segment_id
        self._calls = 0

    def play(self) -> str:
        """Make them all; return the id of the last import."""
        guid = self._world.tables.claims(self._account_id)["u2"]
        mixed = f"Type,Identity\ni,u1\ng,{guid}\ni,new\nx,wrong\n"
        applied = self._begun(mixed, mode="replace", apply="manual")
        added = {
            "user_profiles": [{"identity": "new"}],
            "segments": [{"ct_segment_id": self._segment_id, "action": "ADD"}],
        }
        update = with_body("update_segment", self._account_id, {"bulk_profiles": [added]})
        self._world.invoke("update_segment", update, "import tour update")  # so that the import comes too late for it
        self._ask("POST", applied, "apply")
        self._ended(applied)
        self._ask("GET", applied)
        self._ask("POST", applied, "undo")
        self._ended(applied)
        self._ended(self._begun("identity\n", mode="replace", guard={"max_removed": 0}))
        self._ended(self._begun("", mode="add"))
        cancelled = self._begun("identity\nu1\n", mode="add")
        self._ask("POST", cancelled, "cancel")
        self._ended(cancelled)
        self._export()
        self._list()
        table = self._world.environment["ACCOUNTS_TABLE"]
        self._world.db.delete_item(TableName=table, Key=of_account(STACK, SIGNING_KEY))
        self._world.invoke(
            "imports", without_body(self._account_id, "GET", "/api/imports", {"limit": "1"}), "import tour list"
        )
        return cancelled

    def stall(self) -> None:
        """Leave to reconciliation an import never begun, an export that ended untold, a file that never came."""
        executions = self._world.executions
        lapsed = self._call("POST", "/api/imports", {"segment": self._segment_id, "mode": "add"})["import_id"]
        self._world.db.update_item(
            TableName=self._world.environment["IMPORTS_TABLE"],
            Key=of_account(self._account_id, import_(lapsed)),
            UpdateExpression="SET #until = :past",
            ExpressionAttributeNames={"#until": "until"},
            ExpressionAttributeValues={":past": {"S": "2026-01-01T00:00:00.000000Z"}},
        )
        created = self._call("POST", "/api/imports", {"segment": self._segment_id, "mode": "add"})["import_id"]
        self._world.s3.put_object("imports", f"{self._account_id}/{created}/upload", b"identity\nu1\n")
        executions.refuses = True
        event = without_body(self._account_id, "POST", "/api/imports/{import_id}/start", None, import_id=created)
        refused = self._world.invoke("imports", event, "import tour refused", 60.0).answer
        assert refused is not None
        assert refused["statusCode"] == 503
        executions.refuses, executions.loses = False, True
        path = "/api/segments/{segment_id}/export"
        export_id = self._call("POST", path, None, segment_id=self._segment_id)["export_id"]
        executions.loses, executions.status[f"{export_id}-export"] = False, "ABORTED"
        self._world.pause(301)

    def _export(self) -> None:
        path = "/api/segments/{segment_id}/export"
        export_id = self._call("POST", path, None, segment_id=self._segment_id)["export_id"]
        while self._call("GET", "/api/exports/{export_id}", None, export_id=export_id)["status"] == "writing":
            self._world.pause(5)

    def _list(self) -> None:
        url = self._call("POST", "/get_custom_list_segment_url", None)["presignedS3URL"]
        key = url.partition("example/")[2].partition("?")[0]
        self._world.s3.put_object("imports", key, b"Type,Identity\ni,u1\n")
        self._call("POST", "/upload_custom_list_segment_completed", {"name": "list", "url": url})
        self._ended(key.split("/")[1])

    def _begun(self, file: str, **wanted: Json) -> str:
        created = self._call("POST", "/api/imports", {"segment": self._segment_id, **wanted})
        import_id: str = created["import_id"]
        key = f"{self._account_id}/{import_id}/upload"
        self._world.s3.put_object("imports", key, file.encode())
        self._ask("POST", import_id, "start")
        if wanted.get("apply") == "manual":
            self._ended(import_id)
        return import_id

    def _ask(self, method: str, import_id: str, what: str = "") -> Json:
        path = "/api/imports/{import_id}" + (f"/{what}" if what else "")
        return self._call(method, path, None, import_id=import_id)

    def _ended(self, import_id: str) -> None:
        while self._ask("GET", import_id)["status"] in ("reading", "applying", "undoing"):
            self._world.pause(5)
        self._world.pause(5)

    def _call(self, method: str, path: str, body: Json, **parameters: str) -> Json:
        self._calls += 1
        event = without_body(self._account_id, method, path, None, **parameters)
        event["body"] = None if body is None else json.dumps(body)
        outcome = self._world.invoke("imports", event, f"import tour {self._calls}", 60.0)
        assert outcome.answer is not None, outcome
        assert outcome.answer["statusCode"] == 200, outcome.answer
        return body_of(outcome.answer)

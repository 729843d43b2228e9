"""Everything that the functions do, once, where all goes well; what they do only in trouble is met by seeds."""

import io
import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import pytest

from api_segments.aws import clients
from api_segments.aws.clients import INVOKE_SECONDS
from api_segments.aws.dynamodb import number_set
from api_segments.aws.keys import SIGNING_KEY, STACK, identity_claim, membership, of_account, token_claim
from api_segments.core.clock import SYSTEM_CLOCK, Deadline
from api_segments.core.errors import ThrottledError
from api_segments.segments import wiring as segments_wiring
from api_segments.segments.creation import Creation
from api_segments.segments.model import CreateRequest
from api_segments.site.openapi import ROUTES
from tests.simulation.campaign_tour import CampaignTour
from tests.simulation.import_tour import ImportTour
from tests.simulation.weather import SimulatedClient
from tests.simulation.world import World
from tests.support.events import Event, body_of, with_body, without_body
from tests.support.headers import authorizer_event
from tests.support.routes import HANDLERS
from tests.support.uploads import token
from tests.support.wired import forget_services

Json = Any

ACCOUNT = "TOUR"
READERS = ("ProjectMembersFunction", "PublishChangesFunction", "PublishSegmentsFunction")
LISTS = (None, {"limit": "1"}, {"status": "all"}, {"customer_segment_id": "C0"}, {"customer_segment_id_prefix": "C"})


EMAIL, PHONE = {"email": "a@example.com"}, {"phone": "+12025550123"}
QUERIES: dict[str, Sequence[dict[str, str] | None]] = {
    "/api/segments": LISTS,
    "/1/profile.json": ({"identity": "u1"},),
    "/api/profiles": ({**EMAIL, "limit": "1"}, PHONE),
    "/api/suppressions": (EMAIL, PHONE),
    "GET /api/suppressions": (None,),
}


class GivenUp:
    """SQS, the streams and Lambda, as `replay` meets them: one batch of each reader and stream, taken or not."""

    def __init__(self, world: World, *, fails: bool) -> None:
        self._streams = {
            world.environment[table]: world.db.stream_records(world.environment[table])[:1]
            for table in ("MEMBERSHIPS_TABLE", "SEGMENTS_TABLE")
        }
        self._world = world
        self._fails = fails
        self._received = False

    def receive_message(self, **_: Any) -> Json:
        """Give one batch of each stream for each reader, once."""
        bodies = [*(self._body(table, reader) for table in self._streams for reader in READERS), "no batch"]
        messages = [
            {"MessageId": f"{index}", "ReceiptHandle": f"receipt {index}", "Body": json.dumps(body)}
            for index, body in enumerate(bodies)
        ]
        self._received, received = True, self._received
        return {"Messages": [] if received else messages}

    def _body(self, table: str, reader: str) -> Json:
        number = self._streams[table][0]["dynamodb"]["SequenceNumber"]
        return {
            "requestContext": {"functionArn": f"arn:aws:lambda:us-east-1:0:function:{reader}"},
            "DDBStreamBatchInfo": {
                "shardId": "1",
                "streamArn": f"arn:aws:dynamodb:us-east-1:0:table/{table}/stream/1",
                "startSequenceNumber": number,
                "endSequenceNumber": number,
            },
        }

    def get_shard_iterator(self, **arguments: Any) -> Json:
        return {"ShardIterator": arguments["StreamArn"]}

    def get_records(self, **arguments: Any) -> Json:
        table = arguments["ShardIterator"].partition(":table/")[2].partition("/")[0]
        (record,) = self._streams[table]
        change = {**record["dynamodb"], "ApproximateCreationDateTime": SYSTEM_CLOCK.now()}
        return {"Records": [{**record, "dynamodb": change}]}

    def invoke(self, **_: Any) -> Json:
        if self._fails:
            self._world.pause(INVOKE_SECONDS)
        failures = [{"itemIdentifier": "1"}] if self._fails else []
        return {"Payload": io.BytesIO(json.dumps({"batchItemFailures": failures}).encode())}

    def get_queue_attributes(self, **_: Any) -> Json:
        return {"Attributes": {"ApproximateNumberOfMessages": str(len(READERS) * len(self._streams))}}

    def send_message(self, **_: Any) -> Json:
        return {"MessageId": "1"}

    def __getattr__(self, _operation: str) -> Any:
        """Take any other call."""
        return lambda **_: {}


class Throttled:
    """The service of segments, when nothing can be written."""

    def create(
        self, _account_id: str, asked: CreateRequest, _by: str, _deadline: Deadline, _name: str | None
    ) -> Creation:
        return Creation({}, {index: ThrottledError("throttled") for index in asked.entries})


class Tour:
    """The calls, in an order in which each finds what it needs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls = 0

    def play(self) -> None:
        """Make them all."""
        self._accounts()
        segment_id = self._batches()
        records = self._world.db.stream_records(self._world.environment["MEMBERSHIPS_TABLE"])
        self._invoke("project_members", {"Records": list(records)})
        import_id = ImportTour(self._world, ACCOUNT, segment_id).play()
        self._reads(segment_id, import_id)
        CampaignTour(self._world, ACCOUNT, self._invoke).play()
        self._purge(int(segment_id))
        self._repair(segment_id)
        for fails in (True, False):
            self._replay(fails=fails)

    def _invoke(self, function: str, event: Event) -> Json:
        """Invoke a function in a process of its own, so that it does what it does the first time."""
        self._calls += 1
        forget_services()
        outcome = self._world.invoke(function, event, f"tour {self._calls}", 60.0)
        assert outcome.error is None, outcome
        return outcome.answer

    def _accounts(self) -> None:
        create = {"operation": "create_account", "name": "Tour", "plan": "Advanced", "private_beta": True}
        made = self._invoke("accounts", {**create, "account_id": ACCOUNT})["passcode"]
        self._invoke("authorizer", authorizer_event(ACCOUNT, made["passcode"]))
        for operation in ("get_account", "add_passcode", "disable_account", "enable_account"):
            self._invoke("accounts", {"operation": operation, "account_id": ACCOUNT})
        revoke = {"operation": "revoke_passcode", "passcode_id": made["passcode_id"]}
        self._invoke("accounts", {**revoke, "account_id": ACCOUNT})
        self._invoke("accounts", {"operation": "set_plan", "account_id": ACCOUNT, "plan": "Cutting Edge"})

    def _batches(self) -> str:
        entries = [{"segment_name": "first", "customer_segment_id": "C0"}, {"segment_name": "second"}]
        create = with_body("create_segment", ACCOUNT, entries)
        create["headers"] = {**create["headers"], "Idempotency-Key": "tour"}
        with pytest.MonkeyPatch.context() as patch:  # a request of which nothing is written: its key is forgotten
            patch.setattr(segments_wiring, "segments", Throttled)
            self._invoke("create_segment", create)
        answers = [self._invoke("create_segment", create) for _ in range(2)]
        for action in ("ADD", "REMOVE", "ADD"):
            segments = [{"customer_segment_id": each, "action": action} for each in ("C0", "nowhere")]
            group = {"user_profiles": [{"identity": "u1"}, {"identity": "u2"}], "segments": segments}
            self._invoke("update_segment", with_body("update_segment", ACCOUNT, {"bulk_profiles": [group]}))
        record = {"type": "profile", "identity": "u1", "profileData": {"Email": "a@example.com"}}
        for _ in range(2):
            self._invoke("profiles", with_body("profiles", ACCOUNT, {"d": [record]}))
        self._leave_a_claim_behind()
        moves = [token("u1", "t"), token("u2", "t"), token("u2", "t", remove=True), token("u1", "left")]
        self._invoke("profiles", with_body("profiles", ACCOUNT, {"d": moves}))
        self._erase_the_first_of_two()
        return str(body_of(answers[-1])["segments"][0]["id"])

    def _erase_the_first_of_two(self) -> None:
        """Lose a user's claim, so that an upload makes a second user; the first is erased by its guid."""
        upload = with_body("profiles", ACCOUNT, {"d": [token("two", "t3"), token("two", "t4")]})
        self._invoke("profiles", upload)
        first = self._world.tables.claims(ACCOUNT)["two"]
        claim = {"pk": {"S": identity_claim(ACCOUNT, "two")}}
        self._world.db.delete_item(TableName=self._world.environment["PROFILES_TABLE"], Key=claim)
        self._invoke("profiles", upload)
        erase = without_body(ACCOUNT, "DELETE", "/api/profiles/{identity}", {"by": "guid"}, identity=first)
        assert self._invoke("manage_segments", erase)["statusCode"] == HTTPStatus.OK

    def _leave_a_claim_behind(self) -> None:
        table = self._world.environment["PROFILES_TABLE"]
        claim = {"pk": {"S": token_claim(ACCOUNT, "fcm", "left")}, "profile_id": {"S": "nobody"}}
        self._world.db.put_item(TableName=table, Item=claim)

    def _reads(self, segment_id: str, import_id: str) -> None:
        """Call every other route of the API, those that take something away at last, as on a new stack."""
        table = self._world.environment["ACCOUNTS_TABLE"]
        self._world.db.delete_item(TableName=table, Key=of_account(STACK, SIGNING_KEY))
        for route in sorted(ROUTES, key=lambda route: route.method == "delete"):
            method = route.method.upper()
            if method == "POST":
                continue
            function = HANDLERS[method, route.path].__module__.split(".")[1]
            wanted = {"segment_id": segment_id, "import_id": import_id, "export_id": import_id, "identity": "u1"}
            given = {name: value for name, value in wanted.items() if f"{{{name}}}" in route.path}
            for query in (*QUERIES.get(route.path, (None,)), *QUERIES.get(f"{method} {route.path}", ())):
                event = without_body(ACCOUNT, method, route.path, query, **given)
                event["body"] = json.dumps({"segment_name": "renamed"}) if method == "PATCH" else None
                self._invoke(function, event)

    def _purge(self, segment_id: int) -> None:
        """Purge the deleted segment, of a user whose memberships are damaged too.

        The records of what that removes are lost, so the rows go after a while.
        """
        message = {"body": json.dumps({"detail": {"Account ID": ACCOUNT, "Segment ID": segment_id}})}
        damaged = membership(ACCOUNT, self._world.tables.claims(ACCOUNT)["u2"])
        records = list(self._world.db.stream_records(self._world.environment["MEMBERSHIPS_TABLE"]))
        self._change("MEMBERSHIPS_TABLE", damaged, "SET segment_ids = :set", {":set": {"L": []}})
        self._invoke("project_members", {"Records": records})
        self._invoke("purge_segment", {"Records": [message]})
        self._change("MEMBERSHIPS_TABLE", damaged, "REMOVE segment_ids")
        for wait in (0, 7200, 7200):
            self._world.pause(wait)
            self._invoke("purge_segment", {"Records": [message]})

    def _repair(self, purged: str) -> None:
        """Reconcile late members, of a purged segment too, a lost claim, and deletions without a purge."""
        (profile_id, *_), table = self._world.tables.memberships(ACCOUNT), self._world.environment["MEMBERSHIPS_TABLE"]
        active = max(
            int(each["segment_id"]) for each in self._world.tables.of_account("SEGMENTS_TABLE", ACCOUNT, "SEGMENT#")
        )
        self._world.db.update_item(
            TableName=table,
            Key={"pk": {"S": membership(ACCOUNT, profile_id)}},
            UpdateExpression="ADD segment_ids :late",
            ExpressionAttributeValues={":late": number_set({int(purged), active})},
        )
        (claim, *_) = self._world.tables.claims(ACCOUNT)
        self._world.db.delete_item(
            TableName=self._world.environment["PROFILES_TABLE"], Key={"pk": {"S": identity_claim(ACCOUNT, claim)}}
        )
        self._make_profiles_old()
        ImportTour(self._world, ACCOUNT, str(active)).stall()
        for operation in ({"operation": "reconcile_all"}, {"operation": "reconcile_account", "account_id": ACCOUNT}):
            self._invoke("reconcile", operation)
        queue = self._world.queues["reconciliations"]
        while queue.messages:
            message = queue.receive()
            if message is None:
                self._world.pause(60)
                continue
            self._invoke("reconcile", {"Records": [{"body": message.body}]})
            queue.delete(message)

    def _make_profiles_old(self) -> None:
        """Let profiles be as an older version wrote them, of which one had other rules of reach."""
        profiles = self._world.tables.profiles(ACCOUNT)
        for item in profiles.values():
            self._change("PROFILES_TABLE", item["pk"], "REMOVE email_key, phone_key")
        self._change("MEMBERSHIPS_TABLE", membership(ACCOUNT, min(profiles)), "REMOVE reach")
        tokens = {":tokens": {"SS": ["fcm#left"]}}
        self._change("PROFILES_TABLE", profiles[min(profiles)]["pk"], "SET tokens = :tokens", tokens)
        self._leave_a_claim_behind()

    def _change(self, table: str, key: str, expression: str, values: Json = None) -> None:
        self._world.db.update_item(
            TableName=self._world.environment[table],
            Key={"pk": {"S": key}},
            UpdateExpression=expression,
            **({"ExpressionAttributeValues": values} if values else {}),
        )

    def _replay(self, *, fails: bool) -> None:
        client = SimulatedClient(self._world, GivenUp(self._world, fails=fails))
        with pytest.MonkeyPatch.context() as patch:
            for name in ("sqs_client", "streams_client", "lambda_client"):
                patch.setattr(clients, name, lambda: client)
            self._invoke("replay", {"operation": "replay"})

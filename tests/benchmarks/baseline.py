"""What a careful engineer would write by hand with boto3: the same job as the handlers, in the plainest good way.

One item a (user, segment) pair, put on condition that it is not there, so that only real changes are counted; the
events of the changes and the counts of the segments follow in the request; a thread pool makes the calls, 16 at a time.
One client a process, connections kept, batches where DynamoDB has them without conditions.
"""

import json
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient

_LOG = logging.getLogger(__name__)

Json = Any
Item = dict[str, Any]
T = TypeVar("T")
R = TypeVar("R")

THREADS = 16
SEGMENTS, USERS, PAIRS = "BaselineSegments", "BaselineUsers", "BaselinePairs"
BY_SEGMENT = "BySegment"
MAX_ACTIVE = 2500


def create_tables(client: "DynamoDBClient") -> None:
    """Make the baseline's three tables; an index on the pairs leads from a segment to its members."""
    members: Any = {
        "GlobalSecondaryIndexes": [
            {"IndexName": BY_SEGMENT, "KeySchema": _schema("sk", "pk"), "Projection": {"ProjectionType": "ALL"}}
        ]
    }
    for name, names, indexes in (
        (SEGMENTS, ("account_id", "sk"), {}),
        (USERS, ("pk",), {}),
        (PAIRS, ("pk", "sk"), members),
    ):
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in names],
            KeySchema=_schema(*names),
            **indexes,
        )


def _schema(*names: str) -> Any:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


class HandRolled:
    """The two batch calls, each from a Lambda event to its answer."""

    def __init__(self, bus_name: str) -> None:
        config = Config(max_pool_connections=THREADS, retries={"mode": "standard", "max_attempts": 5})
        self._dynamodb: DynamoDBClient = boto3.client("dynamodb", config=config)
        self._events: EventBridgeClient = boto3.client("events", config=config)
        self._pool = ThreadPoolExecutor(THREADS)
        self._bus_name = bus_name

    def create(self, event: Mapping[str, Any]) -> Json:
        """POST /api/createSegment."""
        account = event["requestContext"]["authorizer"]["account_id"]
        entries = json.loads(event["body"])
        if not isinstance(entries, list) or not 1 <= len(entries) <= 100:
            return _answer(400, {"status": "fail", "error": "1 to 100 segments"})
        first_id = time.time_ns() // 1000
        self._dynamodb.update_item(
            TableName=SEGMENTS,
            Key={"account_id": {"S": account}, "sk": {"S": "QUOTA"}},
            UpdateExpression="ADD active :new",
            ConditionExpression="attribute_not_exists(active) OR active <= :room",
            ExpressionAttributeValues={
                ":new": {"N": str(len(entries))},
                ":room": {"N": str(MAX_ACTIVE - len(entries))},
            },
        )

        def put(index: int) -> Json:
            entry, segment_id = entries[index], first_id + index
            claim, segment = f"CID#{entry.get('customer_segment_id')}", f"SEGMENT#{segment_id}"
            if "customer_segment_id" in entry:
                claimed = {"account_id": {"S": account}, "sk": {"S": claim}, "segment_id": {"N": str(segment_id)}}
                if not self._put_new(SEGMENTS, claimed, "account_id"):
                    return None
            item = {
                "account_id": {"S": account},
                "sk": {"S": segment},
                "segment_id": {"N": str(segment_id)},
                "segment_name": {"S": entry["segment_name"]},
                "customer_segment_id": {"S": entry.get("customer_segment_id", "")},
                "status": {"S": "active"},
                "created_at": {"S": _now()},
            }
            self._put_new(SEGMENTS, item, "account_id")
            return {"id": segment_id, **entry}

        created = self._all(put, range(len(entries)))
        segments = [segment for segment in created if segment]
        unprocessed = [entry for entry, segment in zip(entries, created, strict=True) if not segment]
        return _answer(200, {"processed": len(segments), "segments": segments, "unprocessed": unprocessed})

    def update(self, event: Mapping[str, Any]) -> Json:
        """POST /api/updateSegment, ADD and REMOVE."""
        account = event["requestContext"]["authorizer"]["account_id"]
        wanted: dict[tuple[str, str], str] = {}
        for group in json.loads(event["body"])["bulk_profiles"]:
            for user in group["user_profiles"]:
                for segment in group["segments"]:
                    if segment["action"] not in ("ADD", "REMOVE"):
                        return _answer(400, {"status": "fail", "error": "action: must be ADD or REMOVE"})
                    wanted[user["identity"], str(segment["ct_segment_id"])] = segment["action"]
        segments = self._segments(account, {segment for _, segment in wanted})
        profiles, created = self._profiles(account, {user for user, _ in wanted})
        known = {pair: action for pair, action in wanted.items() if pair[1] in segments}

        def apply(pair: tuple[str, str]) -> bool:
            user, segment = pair
            return self._change(account, profiles[user], segments[segment], known[pair])

        changed = [pair for pair, did in zip(known, self._all(apply, known), strict=True) if did]
        self._publish(account, [(known[pair], profiles[pair[0]], pair[0], segments[pair[1]]) for pair in changed])
        deltas: Counter[str] = Counter()
        for pair in changed:
            deltas[pair[1]] += 1 if known[pair] == "ADD" else -1
        counters = {f"SEGMENT#{segment}": delta for segment, delta in deltas.items() if delta}
        counters |= {f"USAGE#{_now()[:7]}": len(changed)} if changed else {}
        self._all(lambda sk: self._count(account, sk, counters[sk]), list(counters))
        summary = {
            "added": sum(known[pair] == "ADD" for pair in changed),
            "removed": sum(known[pair] == "REMOVE" for pair in changed),
            "unchanged": len(known) - len(changed),
            "profiles_created": created,
        }
        _LOG.info(json.dumps({"message": "answered", "account_id": account, **summary}))
        unprocessed = [pair for pair in wanted if pair not in known]
        return _answer(200, {"processed": len(known), "summary": summary, "unprocessed": unprocessed})

    def members(self, event: Mapping[str, Any]) -> Json:
        """GET /api/segments/{id}/members, the first page."""
        segment, limit = event["pathParameters"]["segment_id"], int(event["queryStringParameters"]["limit"])
        account = event["requestContext"]["authorizer"]["account_id"]
        key = {"account_id": {"S": account}, "sk": {"S": f"SEGMENT#{segment}"}}
        if "Item" not in self._dynamodb.get_item(TableName=SEGMENTS, Key=key, ConsistentRead=True):
            return _answer(404, {"status": "fail", "error": "no such segment"})
        page = self._dynamodb.query(
            TableName=PAIRS,
            IndexName=BY_SEGMENT,
            KeyConditionExpression="sk = :segment",
            ExpressionAttributeValues={":segment": {"S": f"SEGMENT#{segment}"}},
            Limit=limit,
        )
        members = [
            {"guid": item["pk"]["S"].partition("#")[2], "added_at": item["added_at"]["S"]} for item in page["Items"]
        ]
        return _answer(200, {"members": members, "cursor": json.dumps(page.get("LastEvaluatedKey"))})

    def _segments(self, account: str, ids: Iterable[str]) -> dict[str, Item]:
        keys = [{"account_id": {"S": account}, "sk": {"S": f"SEGMENT#{segment}"}} for segment in sorted(ids)]
        return {item["segment_id"]["N"]: item for item in self._get(SEGMENTS, keys) if item["status"]["S"] == "active"}

    def _profiles(self, account: str, identities: Iterable[str]) -> tuple[dict[str, str], int]:
        """Return the profile ids of users, created where there is none, and how many were created."""
        users = sorted(identities)
        found = {
            item["identity"]["S"]: item["profile_id"]["S"]
            for item in self._get(USERS, [{"pk": {"S": f"{account}#{user}"}} for user in users])
        }

        def make(user: str) -> str:
            profile_id = secrets.token_hex(16)
            key = {"pk": {"S": f"{account}#{user}"}}
            item = {**key, "identity": {"S": user}, "profile_id": {"S": profile_id}}
            if self._put_new(USERS, item, "pk"):
                return profile_id
            return self._dynamodb.get_item(TableName=USERS, Key=key, ConsistentRead=True)["Item"]["profile_id"]["S"]

        missing = [user for user in users if user not in found]
        return found | dict(zip(missing, self._all(make, missing), strict=True)), len(missing)

    def _get(self, table: str, keys: list[Item]) -> list[Item]:
        items: list[Item] = []
        for start in range(0, len(keys), 100):
            wanted: Any = {table: {"Keys": keys[start : start + 100], "ConsistentRead": True}}
            while wanted:
                reply = self._dynamodb.batch_get_item(RequestItems=wanted)
                items += reply["Responses"][table]
                wanted = reply["UnprocessedKeys"]
        return items

    def _change(self, account: str, profile_id: str, segment: Item, action: str) -> bool:
        """Put or delete one pair; return whether that changed anything."""
        key = {"pk": {"S": f"{account}#{profile_id}"}, "sk": {"S": segment["sk"]["S"]}}
        if action == "ADD":
            return self._put_new(PAIRS, {**key, "added_at": {"S": _now()}}, "pk")
        return "Attributes" in self._dynamodb.delete_item(TableName=PAIRS, Key=key, ReturnValues="ALL_OLD")

    def _put_new(self, table: str, item: Item, key: str) -> bool:
        try:
            self._dynamodb.put_item(
                TableName=table,
                Item=item,
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": key},
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _publish(self, account: str, changes: list[tuple[str, str, str, Item]]) -> None:
        now = datetime.now(UTC)
        entries = [
            {
                "EventBusName": self._bus_name,
                "Source": "api-segments",
                "DetailType": "Segment Membership Change",
                "Time": now,
                "Detail": json.dumps(detail_of(account, change, now)),
            }
            for change in changes
        ]

        def send(tens: Any) -> None:
            while tens:
                reply = self._events.put_events(Entries=tens)
                tens = [entry for entry, result in zip(tens, reply["Entries"], strict=True) if "ErrorCode" in result]

        self._all(send, [entries[start : start + 10] for start in range(0, len(entries), 10)])

    def _count(self, account: str, sk: str, delta: int) -> None:
        self._dynamodb.update_item(
            TableName=SEGMENTS,
            Key={"account_id": {"S": account}, "sk": {"S": sk}},
            UpdateExpression="ADD counted :delta",
            ExpressionAttributeValues={":delta": {"N": str(delta)}},
        )

    def _all(self, do: Callable[[T], R], values: Iterable[T]) -> list[R]:
        return list(self._pool.map(do, values))


def detail_of(account: str, change: tuple[str, str, str, Item], now: datetime) -> Item:
    """Return what the event of one change says: the same as the product's."""
    action, profile_id, user, segment = change
    segment_id, sent = segment["segment_id"]["N"], f"{now:%Y-%m-%dT%H:%M:%SZ}"
    event_id, sequence = secrets.token_hex(16), f"{time.time_ns():040d}"
    return {
        "Version": 1,
        "Action": action,
        "Identity": user,
        "Profile ID": profile_id,
        "Segment Name": segment["segment_name"]["S"],
        "Segment ID": int(segment_id),
        "Customer_Segment_ID": segment["customer_segment_id"]["S"] or None,
        "Account ID": account,
        "Event ID": event_id,
        "Sequence": sequence,
        "Occurred At": sent,
        "Profile_ID": profile_id,
        "Segment_Name": segment["segment_name"]["S"],
        "Segment_ID": segment_id,
        "Account_ID": account,
        "Event_ID": event_id,
        "Occurred_At": sent,
    }


def _answer(status: int, body: Json) -> Json:
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}


def _now() -> str:
    return datetime.now(UTC).isoformat()

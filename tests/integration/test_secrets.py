"""Canaries: passcodes, personal data and the key of cursors pass every route, also those that fail; nothing is written.

tests/integration/test_observability.py shows what is written instead.
"""

import base64
import logging
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from api_segments.accounts.authorizer import UnauthorizedByApiGateway
from api_segments.aws import keys
from api_segments.core.errors import SegmentsError
from api_segments.http import observability
from functions.authorizer.app import handler as authorizer
from functions.project_members.app import handler as project_members
from functions.publish_changes.app import handler as publish_changes
from tests.integration.campaigning import Campaigning
from tests.integration.conftest import Account, Relay
from tests.integration.told import A_MOMENT
from tests.support.events import Context
from tests.support.faults import Fault, FaultyClient, not_sent
from tests.support.headers import PASSCODE, authorizer_event
from tests.support.records import Profile, Stream
from tests.support.routes import OF_THE_API, WITH_BODIES, Named, event_of, send
from tests.support.uploads import profile, token
from tests.support.written import Written

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any

IDENTITY, GUID = "canary-identity-1", "canary-guid-2"
EMAIL, PHONE, TOKEN = "canary-mail-3@example.com", "+15550104canary", "canary-token-5"
SECRET, NAME = "canary-passcode-6", "canary-name-7"
CANARY = "canary"
NO_IMPORT = "0" * 21

OPERATIONS = (
    *("get_item", "batch_get_item", "query", "put_item", "update_item", "delete_item"),
    *("transact_write_items", "batch_execute_statement", "batch_write_item"),
)
HEADERS = {PASSCODE: SECRET, "Idempotency-Key": CANARY}


@pytest.fixture(autouse=True)
def everything_is_written() -> Iterator[None]:
    """Let the functions write all that they ever may."""
    loggers = [logging.getLogger(name) for name in (observability.SERVICE, "api_segments")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.DEBUG)
    yield
    for each, level in zip(loggers, levels, strict=True):
        each.setLevel(level)


def requests(account: Account, segment: str) -> Iterator[tuple[Named, Json]]:
    """Yield requests on all routes that are full of canaries: as they should be, and with all kinds of mistakes."""
    who = {"identity": IDENTITY}
    records = [profile(IDENTITY, GUID, Email=EMAIL, Phone=PHONE), token(IDENTITY, TOKEN)]
    group = {"user_profiles": [who, {"guid": GUID}], "segments": [{"ct_segment_id": segment, "action": "ADD"}]}
    nowhere = {**group, "segments": [{"customer_segment_id": NAME, "action": "REMOVE"}]}
    good: dict[Named, Json] = {
        ("POST", "/api/createSegment"): [{"segment_name": NAME, "customer_segment_id": NAME}],
        ("POST", "/api/updateSegment"): {"bulk_profiles": [group, nowhere]},
        ("POST", "/1/upload"): {"d": records},
        ("PATCH", "/api/segments/{segment_id}"): {"segment_name": NAME, "description": EMAIL, "tags": [NAME]},
        ("POST", "/api/segments/overlap"): {"segments": [segment, 5]},
        ("POST", "/api/imports"): {"segment": {"customer_segment_id": NAME}, "mode": "add"},
        ("POST", "/api/imports/{import_id}/undo"): {"guard": {"max_removed": 1}},
        **{("POST", f"/1/targets/{name}.json"): body for name, body in _of_campaigns(segment).items()},
    }
    assert set(good) == set(WITH_BODIES)
    bad: list[Json] = [
        *(f'{{"{EMAIL}"', f'"{PHONE}"', [IDENTITY], {EMAIL: PHONE}, [{"segment_name": [EMAIL], TOKEN: 1}]),
        {"d": [{"identity": [IDENTITY], "type": EMAIL}, profile(IDENTITY, Email=[EMAIL]), {"tokenData": TOKEN}]},
        {"bulk_profiles": [{"user_profiles": [{"identity": {EMAIL: 1}}], "segments": [{"action": IDENTITY}]}]},
    ]
    for route in sorted(OF_THE_API, key=lambda each: (each[0] == "DELETE", each != ("POST", "/1/upload"))):
        query = {"identity": IDENTITY} if route == ("GET", "/1/profile.json") else None
        known = {"segment_id": segment, "identity": IDENTITY, "import_id": NO_IMPORT}
        strange = {
            "segment_id": CANARY,
            "identity": f"{EMAIL}\x00{'x' * 255}",
            "import_id": CANARY,
        }
        for values in (known, strange):
            named = {name: value for name, value in values.items() if f"{{{name}}}" in route[1]}
            yield route, event_of(account.account_id, route, query, good.get(route), HEADERS, **named)
            yield route, event_of(account.account_id, route, {"cursor": CANARY, EMAIL: PHONE}, None, HEADERS, **named)
            yield route, event_of(account.account_id, route, {"cursor": CANARY}, None, HEADERS, **named)
            if route in good:
                for body in bad:
                    yield route, event_of(account.account_id, route, None, body, HEADERS, **named)


def _of_campaigns(segment: str) -> Mapping[str, Json]:
    content = {"body": f"{EMAIL} {{{{ profile.Email }}}}"}
    created = {"name": NAME, "target_mode": "sms", "segment": segment, "when": "now", "content": content}
    preview = {"target_mode": "sms", "identity": IDENTITY, "content": content, "event": {"Identity": IDENTITY}}
    return {
        "create": created,
        "duplicate": {"id": 5, "when": "now", "name": NAME},
        "edit": {"id": 5, "name": NAME, "content": content},
        "when": {"when": "20270101 09:30"},
        "list": {"from": 20260101},
        "stop": {"id": 5},
        "result": {"id": 5},
        "log": {"id": 5},
        "preview": preview,
        "test": {**preview, "to": PHONE},
        "settings": {},
    }


def outcome(call: Callable[[], tuple[int, Json, Mapping[str, str]]]) -> tuple[int, str]:
    """Return status and what Lambda itself would write: of a call that raises, where and what."""
    try:
        return call()[0], ""
    except (RuntimeError, SegmentsError, UnauthorizedByApiGateway):
        return 500, traceback.format_exc()


def refused_with(message: str) -> Fault:
    """DynamoDB refuses the call and quotes what it was sent, as it does of a set with a value twice."""
    response: Any = {
        "Error": {"Code": "ValidationException", "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    return not_sent(ClientError(response, "Operation"))


QUOTED = f"One or more parameter values were invalid: Input collection [{EMAIL}, {EMAIL}] contains duplicates."
A_CHANGE = {"Account ID": "a", "Segment ID": 1, "Action": "ADD", "Profile ID": IDENTITY, "Event ID": "e"}
FAULTS: Mapping[str, Fault | None] = {
    "none": None,
    "refused": refused_with(QUOTED),
    "no answer": not_sent(),
    "unforeseen": not_sent(RuntimeError("unforeseen")),
}


@pytest.mark.usefixtures("campaigning", "files")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_no_route_writes_whom_or_what_a_request_was_about(
    account: Account, faulty: FaultyClient, written: Written, dynamodb: "DynamoDBClient", fault: Fault | None
) -> None:
    (segment,) = account.create(None)
    account.upload(profile(IDENTITY, Email=EMAIL), token(IDENTITY, TOKEN))
    assert account.listed(limit="1")
    statuses: set[int] = set()
    tracebacks = ""
    if fault is not None:
        for operation in OPERATIONS:
            faulty.always(operation, fault)
    for route, event in requests(account, str(segment)):
        status, raised = outcome(lambda route=route, event=event: send(route, event, A_MOMENT))  # type: ignore[misc]
        statuses.add(status)
        tracebacks += raised
    text = written.text() + tracebacks
    assert "answered" in text
    assert account.account_id in text
    assert statuses >= ({400} if fault is None else {400, 500} if "unforeseen" in tracebacks else {400, 503})
    assert bool(tracebacks) == (fault is FAULTS["unforeseen"])
    assert_clean(text)
    assert not [form for form in forms_of_the_key(dynamodb) if form in text]


def assert_clean(text: str) -> None:
    positions = [position for position in range(len(text)) if text.startswith(CANARY, position)]
    assert [text[max(0, position - 200) : position + 40] for position in positions] == []
    assert base64.b64encode(CANARY.encode()).decode()[:8] not in text


def forms_of_the_key(dynamodb: "DynamoDBClient") -> list[str]:
    """Return how the key that signs cursors might look in a text."""
    stored = {"account_id": {"S": keys.STACK}, "sk": {"S": keys.SIGNING_KEY}}
    item = dynamodb.get_item(TableName=os.environ["ACCOUNTS_TABLE"], Key=stored, ConsistentRead=True)["Item"]
    key = bytes(item["key"]["B"])
    return [key.hex(), base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode(), repr(key)[2:-1]]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_authorizer_writes_no_passcode(
    account: Account, faulty: FaultyClient, written: Written, fault: Fault | None
) -> None:
    if fault is not None:
        faulty.always("get_item", fault)
    raised = ""
    for account_id in (account.account_id, "NO-SUCH-ONE", f"{CANARY}#"):
        event = authorizer_event(account_id, SECRET)
        raised += outcome(lambda event=event: authorizer(event, Context(A_MOMENT)))[1]  # type: ignore[misc]
    assert "Traceback" in raised
    assert_clean(written.text() + raised)


def test_what_queues_messages_writes_no_identity(campaigning: Campaigning, relay: Relay, written: Written) -> None:
    (gold,) = campaigning.account.create(None)
    campaigning.create(when={"type": "event", "segment": gold, "action": "ADD"}, name=NAME, content={"body": EMAIL})
    campaigning.users(gold, IDENTITY)
    relay.drain()
    campaigning.create(segment=gold, name=NAME, content={"body": EMAIL})
    wrong = [
        {"Account ID": EMAIL, "Segment ID": EMAIL},
        {**A_CHANGE, "Action": EMAIL},
        {**A_CHANGE, "Occurred At": EMAIL},
    ]
    assert campaigning.tell([*relay.bus.details(campaigning.account.account_id), *wrong]) == ["m1", "m2", "m3"]
    assert len(campaigning.run_to_the_end()) == 2  # one of each campaign
    text = written.text()
    assert "not a change of membership" in text
    assert_clean(text)


def test_the_readers_of_the_stream_write_no_identity(account: Account, relay: Relay, written: Written) -> None:
    (gold,) = account.create(None)
    stream = Stream()
    before = Profile(account.account_id, GUID, IDENTITY)
    stream.append(before, Profile(account.account_id, GUID, IDENTITY, frozenset([gold])), 1_763_900_000)
    stream.append(None, before, 1_763_900_001)
    del stream.records[1]["dynamodb"]["NewImage"]["account_id"]
    relay.bus.refuse = lambda _: True
    for handler in (publish_changes, project_members):
        assert handler({"Records": stream.records}, Context(A_MOMENT))["batchItemFailures"]
    text = written.text()
    assert "a stream record can't be read" in text
    assert_clean(text)

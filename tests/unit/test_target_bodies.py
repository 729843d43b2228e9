"""What bodies of /1/targets may hold, and what is said about wrong ones."""

import json
from typing import Any

import pytest

from api_segments.campaigns.model import TargetMode
from api_segments.campaigns.planning.requests import (
    CreateRequest,
    parse_create,
    parse_nothing,
    parse_preview,
    parse_target,
)
from api_segments.core.clock import Deadline
from api_segments.core.errors import InvalidRequestError
from api_segments.core.limits import MAX_CAMPAIGN_SEGMENTS
from api_segments.http.gateway import Request
from api_segments.http.tenant import Plan, Tenant
from api_segments.memberships.model import Action
from api_segments.segments.model import SegmentReference

Json = Any
GOOD = {"name": "Spring", "target_mode": "sms", "segment": 7, "when": "now", "content": {"body": "Hello"}}
EVENT = {"type": "event", "segment": 7, "action": "ADD"}


def read(body: Json, **headers: str) -> CreateRequest:
    tenant = Tenant("T-1", Plan.ADVANCED, private_beta=True)
    return parse_create(Request(tenant, "r", json.dumps(body).encode(), {}, headers, Deadline.after(20)))


def refusal(body: Json) -> str:
    with pytest.raises(InvalidRequestError) as refused:
        read(body)
    return str(refused.value)


def with_(**fields: Json) -> Json:
    return {**GOOD, **fields}


def without(name: str, **fields: Json) -> Json:
    return {**{key: value for key, value in GOOD.items() if key != name}, **fields}


@pytest.mark.parametrize(
    ("named", "reference"),
    [
        (7, SegmentReference(7)),
        ("7", SegmentReference(7)),
        ("0000000000000007", SegmentReference(7)),
        ({"customer_segment_id": "7"}, SegmentReference(customer_segment_id="7")),
    ],
)
def test_a_segment_is_named_by_either_id(named: Json, reference: SegmentReference) -> None:
    (one,) = read(with_(segment=named)).campaign.audience.include
    assert (one.reference, one.path) == (reference, "segment")
    sides = {"include": [1, named], "exclude": [named]}
    audience = read(without("segment", segments=sides)).campaign.audience
    assert [(each.reference, each.path) for each in (*audience.include, *audience.exclude)] == [
        (SegmentReference(1), "segments.include[0]"),
        (reference, "segments.include[1]"),
        (reference, "segments.exclude[0]"),
    ]
    trigger = read(without("segment", when={**EVENT, "segment": named})).campaign.audience.trigger
    assert trigger is not None
    assert (trigger[0].reference, trigger[0].path, trigger[1]) == (reference, "when.segment", Action.ADD)


NO_SEGMENT = "must be a whole number from 1 to 2^53 - 1, or a string of its digits"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (with_(segment=0), f"segment: {NO_SEGMENT}"),
        (with_(segment=True), f"segment: {NO_SEGMENT}"),
        (with_(segment="GOLD"), f"segment: {NO_SEGMENT}"),
        (with_(segment=[7]), f"segment: {NO_SEGMENT}"),
        (with_(segment=None), "segment: must be a segment's id, or an object with its customer_segment_id"),
        (with_(segment={}), "segment.customer_segment_id: is required"),
        (with_(segment={"customer_segment_id": 5}), "segment.customer_segment_id: must be a string"),
        (
            with_(segment={"customer_segment_id": ""}),
            "segment.customer_segment_id: must have 1 to 255 characters, has 0",
        ),
        (with_(segment={"customer_segment_id": "a", "id": 1}), "segment.id: unknown field"),
        (
            without("segment", segments={"include": [7, {"customer_segment_id": "a\t"}]}),
            "segments.include[1].customer_segment_id: must have no control characters",
        ),
        (
            with_(when={**EVENT, "segment": {"customer_segment_id": "a", "Customer-Segment-Id": "b"}}),
            "when.segment.Customer-Segment-Id: unknown field; it is written customer_segment_id",
        ),
        (without("segment"), "segment or segments is required"),
        (without("segment", segments={}), "segments.include: is required"),
        (without("segment", segments={"include": []}), "segments.include: must not be empty"),
        (without("segment", segments={"include": [7], "exclude": 5}), "segments.exclude: must be a list"),
        (without("segment", segments={"include": [7, "x"]}), f"segments.include[1]: {NO_SEGMENT}"),
        (without("segment", segments={"include": [7], "only": []}), "segments.only: unknown field"),
        (
            without("segment", segments={"include": list(range(1, MAX_CAMPAIGN_SEGMENTS)), "exclude": [1, 2]}),
            f"segments: must have at most {MAX_CAMPAIGN_SEGMENTS} entries together, has {MAX_CAMPAIGN_SEGMENTS + 1}",
        ),
        (with_(segments={"include": [7]}), "segment and segments: only one of them may be given"),
        (without("name"), "name: is required"),
        (without("content"), "content: is required"),
        (without("when"), "when: is required"),
        (without("target_mode"), "target_mode: is required"),
        (with_(name=""), "name: must have 1 to 255 characters, has 0"),
        (with_(content=[]), "content: must be an object"),
        (with_(content={"body": 5}), "content.body: must be a string"),
        (with_(when=5), "when: must be an object"),
        (with_(when={}), "when.type: is required"),
        (with_(when={**EVENT, "action": "JOIN"}), "when.action: must be 'ADD' or 'REMOVE'"),
        (with_(when={**EVENT, "after": 1}), "when.after: unknown field"),
        (with_(users_limit_overall=0), "users_limit_overall: must be a whole number from 1 to 100000000"),
        (with_(users_limit_overall=1.5), "users_limit_overall: must be a whole number from 1 to 100000000"),
        (with_(users_limit_overall=True), "users_limit_overall: must be a whole number from 1 to 100000000"),
        (with_(estimate_only="yes"), "estimate_only: must be true or false"),
        (with_(respect_dnd=True), "respect_dnd: unknown field"),
        (with_(estimateOnly=True), "estimateOnly: unknown field; it is written estimate_only"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(body: Json, error: str) -> None:
    assert refusal(body) == error


def test_an_estimate_needs_only_whom_and_by_what() -> None:
    asked = read({"target_mode": "webpush", "segment": 7, "estimate_only": True})
    assert asked.estimate_only
    assert asked.campaign.target_mode is TargetMode.WEB_PUSH


def test_the_same_body_has_the_same_digest_however_it_is_written() -> None:
    one = read(GOOD, **{"idempotency-key": "k"}).key
    other = read(dict(reversed(GOOD.items())), **{"idempotency-key": "k"}).key
    assert one == other
    assert one is not None
    assert one != read(with_(name="Autumn"), **{"idempotency-key": "k"}).key
    assert read(GOOD).key is None


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id":0}', b'{"id":"x"}', b'{"id":1,"x":1}', b"{}", b'{"id":true}'])
def test_a_campaign_is_named_by_its_id_alone(body: bytes) -> None:
    assert parse_target(b'{"id":"5"}') == parse_target(b'{"id":5}') == 5
    with pytest.raises(InvalidRequestError):
        parse_target(body)


def test_a_preview_may_be_for_nobody_in_particular() -> None:
    asked = parse_preview(b'{"target_mode":"sms","content":{"body":"x"},"identity":null,"event":null}')
    assert (asked.identity, asked.event) == (None, None)
    assert parse_preview(b'{"target_mode":"sms","content":{"body":"x"},"guid":"g"}').guid == "g"
    with pytest.raises(InvalidRequestError, match=r"^objectId: unknown field; it is written guid$"):
        parse_preview(b'{"target_mode":"sms","content":{"body":"x"},"objectId":"g"}')


def test_settings_take_nothing() -> None:
    parse_nothing(b"{}")
    with pytest.raises(InvalidRequestError, match=r"^account: unknown field$"):
        parse_nothing(b'{"account":"T-2"}')

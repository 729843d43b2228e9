"""The answers of the two batch calls: what each entry is told, and that none is lost however many there are."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace

import pytest

from api_segments.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    QuotaExceededError,
    SegmentDeletedError,
    SegmentsError,
    ThrottledError,
    UnavailableError,
)
from api_segments.core.limits import MAX_SEGMENTS_PER_UPDATE, MAX_USERS_PER_UPDATE
from api_segments.http.batch_answers import MAX_ANSWER_PAYLOAD_BYTES
from api_segments.http.gateway import Answer, render, to_json
from api_segments.memberships.answers import update_answer
from api_segments.memberships.model import Action, Rejection, UpdateResult, UserReference
from api_segments.memberships.requests import parse_update
from api_segments.segments.answers import create_answer
from api_segments.segments.creation import Creation, created_segment
from api_segments.segments.model import NewSegment, Segment, SegmentReference

Pair = tuple[UserReference, SegmentReference, Action]

LAMBDA_ANSWER_BYTES = 6 * 1024 * 1024  # AWS Lambda quotas: invocation payload, synchronous
USER = UserReference(identity="CT123456")
GOLD = SegmentReference(customer_segment_id="GOLD")


def entry(index: int) -> NewSegment:
    return NewSegment(f"segment {index}", f"C{index}")


def segment(index: int) -> Segment:
    return created_segment("T-1", entry(index), 1_000 + index)


def rejected(error: SegmentsError, user: UserReference = USER, reference: SegmentReference = GOLD) -> Rejection:
    return Rejection(user, reference, Action.ADD, error)


def created(indexes: Iterable[int], refused: dict[int, SegmentsError]) -> Answer:
    result = Creation({index: segment(index) for index in indexes}, refused)
    sent = [{name: value for name, value in asdict(entry(index)).items() if value is not None} for index in range(10)]
    return create_answer(sent, result)


def updated(added: int, *errors: SegmentsError) -> Answer:
    return update_answer(UpdateResult(added=added, rejections=[rejected(error) for error in errors]))


def batch(function: str, done: int, *errors: SegmentsError) -> Answer:
    """Return the answer of a batch in which `done` entries stood and the others fell."""
    if function == "update":
        return updated(done, *errors)
    return created(range(done), dict(enumerate(errors, start=done)))


@pytest.mark.parametrize("function", ["create", "update"])
@pytest.mark.parametrize(
    ("done", "errors", "word"),
    [
        (2, [], "success"),
        (1, [NotFoundError("x")], "partial"),
        (0, [NotFoundError("x")], "fail"),
        (0, [ConflictError("x"), QuotaExceededError("x"), SegmentDeletedError("x")], "fail"),
        (1, [ThrottledError("x")], "partial"),
        (1, [UnavailableError("x")], "partial"),
        (0, [ThrottledError("x"), NotFoundError("x")], "fail"),
    ],
)
def test_a_batch_of_which_something_is_settled_is_answered_with_200(
    function: str, done: int, errors: list[SegmentsError], word: str
) -> None:
    answer = batch(function, done, *errors)
    assert (answer.status, answer.body["status"], answer.body["processed"]) == (200, word, done)
    assert len(answer.body["unprocessed"]) == len(errors)


@pytest.mark.parametrize("function", ["create", "update"])
@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([ThrottledError("x")] * 2, 429),
        ([UnavailableError("x")] * 2, 503),
        ([UnavailableError("x"), ThrottledError("x")], 429),
    ],
)
def test_a_batch_of_which_nothing_could_be_written_now_is_answered_as_one_failure(
    function: str, errors: list[SegmentsError], code: int
) -> None:
    answer = batch(function, 0, *errors)
    assert (answer.status, answer.body["status"], answer.headers) == (code, "fail", {"Retry-After": "1"})
    assert len(answer.body["unprocessed"]) == 2


@pytest.mark.parametrize("function", ["create", "update"])
@pytest.mark.parametrize(
    ("errors", "headers"),
    [
        ([], {}),
        ([NotFoundError("x")], {}),
        ([NotFoundError("x"), ThrottledError("x")], {"Retry-After": "1"}),
        ([UnavailableError("x")], {"Retry-After": "1"}),
    ],
)
def test_retry_after_is_sent_when_an_entry_may_be_sent_again_as_it_is(
    function: str, errors: list[SegmentsError], headers: dict[str, str]
) -> None:
    assert batch(function, 1, *errors).headers == headers


def test_create_lists_segments_and_failures_in_the_order_of_the_request() -> None:
    answer = created([4, 0], {3: ConflictError("taken"), 1: QuotaExceededError("full")})
    assert answer.body == {
        "status": "partial",
        "processed": 2,
        "segments": [
            {"id": 1_000, "segment_name": "segment 0", "customer_segment_id": "C0"},
            {"id": 1_004, "segment_name": "segment 4", "customer_segment_id": "C4"},
        ],
        "unprocessed": [
            {
                "status": "fail",
                "code": 422,
                "error": "full",
                "record": {"segment_name": "segment 1", "customer_segment_id": "C1"},
            },
            {
                "status": "fail",
                "code": 409,
                "error": "taken",
                "record": {"segment_name": "segment 3", "customer_segment_id": "C3"},
            },
        ],
    }


@pytest.mark.parametrize("room", [0, 1])
def test_a_failed_entry_is_repeated_unless_the_answer_would_be_too_long(room: int) -> None:
    """A quote takes four bytes of JSON inside JSON; the created segments of the answer take their part of the room."""
    made = [segment(index) for index in range(99)]
    longest = [replace(each, segment_name='"' * 255, customer_segment_id='"' * 255) for each in made]
    refused: dict[int, SegmentsError] = {99: InvalidRequestError("x")}

    def answered(record: str) -> Answer:
        return create_answer([None] * 99 + [{"x": record}], Creation(dict(enumerate(longest)), refused))

    def size(answer: Answer) -> int:
        entries = [*answer.body["segments"], *answer.body["unprocessed"]]
        return len(to_json(to_json(entries)).encode())

    filled = "y" * (MAX_ANSWER_PAYLOAD_BYTES - size(answered("")) + room)
    answer = answered(filled)
    assert answer.body["unprocessed"][0]["record"] == ({"index": 99} if room else {"x": filled})
    assert len(answer.body["segments"]) == answer.body["processed"] == 99
    assert len(json.dumps(render(answer, "request"), ensure_ascii=False).encode()) < LAMBDA_ANSWER_BYTES


def test_update_says_for_each_pair_what_was_asked_and_what_was_wrong() -> None:
    both = SegmentReference(1763901234567890, "GOLD")
    rejections = [
        rejected(NotFoundError("segment does not exist")),
        Rejection(UserReference(guid="abc"), both, Action.REMOVE, SegmentDeletedError("segment was deleted")),
    ]
    answer = update_answer(UpdateResult(added=3, removed=2, unchanged=1, profiles_created=2, rejections=rejections))
    assert answer.body == {
        "status": "partial",
        "processed": 6,
        "summary": {"added": 3, "removed": 2, "unchanged": 1, "profiles_created": 2},
        "unprocessed": [
            {
                "status": "fail",
                "code": 404,
                "error": "segment does not exist",
                "record": {
                    "user_profiles": [{"identity": "CT123456"}],
                    "segments": [{"customer_segment_id": "GOLD", "action": "ADD"}],
                },
            },
            {
                "status": "fail",
                "code": 410,
                "error": "segment was deleted",
                "record": {
                    "user_profiles": [{"guid": "abc"}],
                    "segments": [
                        {"ct_segment_id": "1763901234567890", "customer_segment_id": "GOLD", "action": "REMOVE"}
                    ],
                },
            },
        ],
    }


def many(user_text: Callable[[int], str], segment_text: Callable[[int], str]) -> list[Rejection]:
    """Return as many rejections as a request can have: of users who failed wholly, in half, for other reasons."""
    errors = [NotFoundError("segment does not exist"), ThrottledError("the database is throttling")]
    rejections = []
    for user in range(MAX_USERS_PER_UPDATE):
        reference = UserReference(identity=user_text(user)) if user % 2 else UserReference(guid=user_text(user))
        for index in range(MAX_SEGMENTS_PER_UPDATE):
            action = Action.ADD if index % 3 else Action.REMOVE
            error = errors[0] if index % 5 == 0 or user % 7 else errors[1]
            rejections.append(
                Rejection(reference, SegmentReference(customer_segment_id=segment_text(index)), action, error)
            )
    return rejections


def resent(answer: Answer) -> Counter[tuple[Pair, int]]:
    """Send each record of the answer again and return the pairs that this asks for, each with the code it had."""
    pairs: Counter[tuple[Pair, int]] = Counter()
    for failed in json.loads(render(answer, "request")["body"])["unprocessed"]:
        for group in parse_update(json.dumps({"bulk_profiles": [failed["record"]]}).encode())[0]:
            pairs.update(
                ((user, reference, action), failed["code"])
                for user in group.users
                for reference, action in group.actions
            )
    return pairs


TEXTS: dict[str, Callable[[int], str]] = {
    "short": lambda index: f"x{index}",
    "255 letters": lambda index: f"{index:03d}".ljust(255, "x"),
    "255 four-byte characters": lambda index: f"{index:03d}".ljust(255, "😀"),
    "60 quotes": lambda index: f"{index:03d}".ljust(60, '"'),
    "255 quotes": lambda index: f"{index:03d}".ljust(255, '"'),
    "60 backslashes": lambda index: f"{index:03d}".ljust(60, "\\"),
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_rejected_pair_is_told_exactly_once_and_can_be_sent_again_as_it_is(text: Callable[[int], str]) -> None:
    rejections = many(text, text)
    codes = {NotFoundError: 404, ThrottledError: 429}
    wanted = Counter(((r.user, r.segment, r.action), codes[type(r.error)]) for r in rejections)
    assert resent(update_answer(UpdateResult(rejections=rejections))) == wanted
    assert set(wanted.values()) == {1}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_longest_answer_gets_through_lambda(text: Callable[[int], str]) -> None:
    answer = render(update_answer(UpdateResult(rejections=many(text, text))), "request")
    assert len(json.dumps(answer, ensure_ascii=False).encode()) < LAMBDA_ANSWER_BYTES


def test_records_hold_one_pair_each_while_the_answer_is_short_enough() -> None:
    answer = update_answer(UpdateResult(rejections=many(TEXTS["short"], TEXTS["short"])))
    assert len(answer.body["unprocessed"]) == 10_000


def test_a_very_long_answer_merges_users_who_failed_alike() -> None:
    answer = update_answer(UpdateResult(rejections=many(TEXTS["255 letters"], TEXTS["255 letters"])))
    # 15 of the users failed for two reasons, and each reason's users failed with the same segments or with all.
    assert [len(failed["record"]["user_profiles"]) for failed in answer.body["unprocessed"]] == [15, 85, 15]
    assert {failed["code"] for failed in answer.body["unprocessed"]} == {404, 429}


@pytest.mark.parametrize("identity", ["", "x" * 256, "\ud800", "\x00" * 300, "\\" * 1_000])
def test_users_who_cannot_be_read_are_each_told_and_the_longest_answer_gets_through(identity: str) -> None:
    segments = [{"customer_segment_id": f"{index:03d}".ljust(255, '"'), "action": "ADD"} for index in range(100)]
    group = {"user_profiles": [{"identity": identity}] * 100, "segments": segments}
    _, refused = parse_update(json.dumps({"bulk_profiles": [group]}).encode())
    assert len(refused) == 10_000
    answer = update_answer(UpdateResult(rejections=[*refused, *many(TEXTS["short"], TEXTS["short"])]))
    assert len(json.dumps(render(answer, "request"), ensure_ascii=False).encode()) < LAMBDA_ANSWER_BYTES
    records = [failed["record"] for failed in answer.body["unprocessed"] if failed["code"] == 400]
    assert records == [{"bulk_profiles": 0, "user_profiles": index} for index in range(100)]


def test_a_user_as_long_as_a_body_is_told_by_its_place() -> None:
    users = [{"identity": "a"}, {"identity": "x" * 4_000_000}]
    body = {"bulk_profiles": [{"user_profiles": users, "segments": [{"ct_segment_id": 1, "action": "ADD"}] * 100}]}
    _, refused = parse_update(json.dumps(body).encode())
    answer = update_answer(UpdateResult(rejections=refused))
    assert {json.dumps(failed["record"]) for failed in answer.body["unprocessed"]} == {
        '{"bulk_profiles": 0, "user_profiles": 1}'
    }
    assert {len(rejection.user.identity or "") for rejection in refused} == {65}

"""The answers of the two batch calls, in CleverTap's shape."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from segments.edge.answers import segment_name_body
from segments.edge.http import TRY_AGAIN, Answer, code_of, retry_after, to_json
from segments.errors import SegmentsError
from segments.limits import MAX_ANSWER_PAYLOAD_BYTES
from segments.model import NewSegment, Rejection, SegmentReference, UpdateResult, UserReference
from segments.services.segments import CreateResult

Entry = dict[str, Any]


def create_answer(entries: Sequence[NewSegment], result: CreateResult) -> Answer:
    """Answer POST /api/createSegment: segments and failures, each in the order of the request."""
    segments = [segment_name_body(segment) for _, segment in sorted(result.created.items())]
    unprocessed = [
        _unprocessed(
            error,
            {"segment_name": entries[place].name, "customer_segment_id": entries[place].customer_segment_id},
        )
        for place, error in sorted(result.refused.items())
    ]
    return _batch(len(segments), unprocessed, {"segments": segments})


def update_answer(result: UpdateResult) -> Answer:
    """Answer POST /api/updateSegment.

    A failed entry's record is an element of `bulk_profiles`, to be sent again as it is. It holds one user and one
    segment, unless the answer would get too long for Lambda: then users and segments that failed alike share one.
    """
    unprocessed = [
        _unprocessed(rejection.error, _record([rejection.user], [rejection])) for rejection in result.rejections
    ]
    if _is_too_long(unprocessed):
        unprocessed = _merged(result.rejections)
    summary = {
        "added": result.added,
        "removed": result.removed,
        "unchanged": result.unchanged,
        "profiles_created": result.profiles_created,
    }
    return _batch(result.processed, unprocessed, {"summary": summary})


def upload_answer(records: Sequence[Any], failed: Mapping[int, SegmentsError]) -> Answer:
    """Answer POST /1/upload.

    A failed entry's record is the one that was sent; if that made the answer too long for Lambda, its place in `d`.
    """
    unprocessed = [_unprocessed(error, records[place]) for place, error in sorted(failed.items())]
    if _is_too_long(unprocessed):
        unprocessed = [_unprocessed(error, {"d": place}) for place, error in sorted(failed.items())]
    return _batch(len(records) - len(failed), unprocessed, {})


def _is_too_long(unprocessed: Sequence[Entry]) -> bool:
    """Tell whether Lambda would not carry the entries, as it has a body as JSON inside JSON."""
    return len(to_json(to_json(unprocessed)).encode()) > MAX_ANSWER_PAYLOAD_BYTES


def _batch(processed: int, unprocessed: Sequence[Entry], further: Mapping[str, Any]) -> Answer:
    """Answer a batch whose entries stood or fell one by one.

    The status is 200, unless every single entry failed because it could not be written now: then it is 429 or 503, as
    the entries say.
    """
    codes = {HTTPStatus(entry["code"]) for entry in unprocessed}
    status = min(codes) if codes and not processed and codes <= TRY_AGAIN else HTTPStatus.OK
    word = "success" if not unprocessed else "partial" if processed else "fail"
    body = {"status": word, "processed": processed, **further, "unprocessed": unprocessed}
    return Answer(status, body, retry_after(codes))


def _unprocessed(error: SegmentsError, record: object) -> Entry:
    return {"status": "fail", "code": code_of(error), "error": str(error), "record": record}


def _merged(rejections: Sequence[Rejection]) -> list[Entry]:
    """Put users who failed with the same segments for the same reason together."""
    reasons: dict[tuple[type[SegmentsError], str], dict[UserReference, list[Rejection]]] = {}
    for rejection in rejections:
        by_user = reasons.setdefault((type(rejection.error), str(rejection.error)), {})
        by_user.setdefault(rejection.user, []).append(rejection)
    entries = []
    for by_user in reasons.values():
        alike: dict[tuple[tuple[SegmentReference, str], ...], list[UserReference]] = {}
        for user, failed in by_user.items():
            alike.setdefault(tuple((rejection.segment, rejection.action) for rejection in failed), []).append(user)
        entries += [
            _unprocessed(by_user[users[0]][0].error, _record(users, by_user[users[0]])) for users in alike.values()
        ]
    return entries


def _record(users: Sequence[UserReference], rejections: Sequence[Rejection]) -> dict[str, Any]:
    return {
        "user_profiles": [
            {"identity": user.identity} if user.identity is not None else {"guid": user.guid} for user in users
        ],
        "segments": [{**_segment(rejection.segment), "action": rejection.action} for rejection in rejections],
    }


def _segment(reference: SegmentReference) -> dict[str, str]:
    ids = {}
    if reference.segment_id is not None:
        ids["ct_segment_id"] = str(reference.segment_id)
    if reference.customer_segment_id is not None:
        ids["customer_segment_id"] = reference.customer_segment_id
    return ids

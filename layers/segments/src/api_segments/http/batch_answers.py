"""What the answers of all batches share, in CleverTap's shape."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from api_segments.core.errors import SegmentsError
from api_segments.http.gateway import TRY_AGAIN, Answer, code_of, retry_after, to_json

# Lambda gives at most 6 MiB a synchronous call, as JSON inside JSON: each quote in a body counts twice.
MAX_ANSWER_PAYLOAD_BYTES = 6 * 1024 * 1024 - 64 * 1024  # less what stands around a list of failed entries

Entry = dict[str, Any]


def is_too_long(entries: Sequence[Mapping[str, object]]) -> bool:
    """Tell whether Lambda would not carry the entries, as it has a body as JSON inside JSON."""
    return len(to_json(to_json(entries)).encode()) > MAX_ANSWER_PAYLOAD_BYTES


def batch_answer(processed: int, unprocessed: Sequence[Entry], further: Mapping[str, Any]) -> Answer:
    """Answer a batch whose entries stood or fell one by one.

    The status is 200, unless every single entry failed because it could not be written now: then it is 429 or 503, as
    the entries say.
    """
    codes = {HTTPStatus(entry["code"]) for entry in unprocessed}
    status = min(codes) if codes and not processed and codes <= TRY_AGAIN else HTTPStatus.OK
    word = "success" if not unprocessed else "partial" if processed else "fail"
    body = {"status": word, "processed": processed, **further, "unprocessed": unprocessed}
    return Answer(status, body, retry_after(codes))


def unprocessed_entry(error: SegmentsError, record: object) -> Entry:
    """Return an entry that failed, with the record that was sent."""
    return {"status": "fail", "code": code_of(error), "error": str(error), "record": record}

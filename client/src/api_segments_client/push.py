"""Changes of members as requests: in batches, and what failed for now again, until each pair has been accounted for."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from api_segments_client.errors import ApiError, UnexpectedAnswerError
from api_segments_client.models import Guid, Refused
from api_segments_client.sending import Outcome
from api_segments_client.totals import Totals
from api_segments_client.transport import SERVER_TROUBLE, THROTTLED, Transport

USERS_PER_REQUEST = 100
SEGMENTS_PER_REQUEST = 100
SUMMARY = ("added", "removed", "unchanged", "profiles_created")
MAY_PASS = SERVER_TROUBLE | {THROTTLED}

SegmentKey = int | str
"""A segment: a number is the API's id, a text your `customer_segment_id`."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked for one user: segments to join and to leave. The user is an identity or a `Guid`."""

    user: str
    add: frozenset[SegmentKey] = frozenset()
    remove: frozenset[SegmentKey] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.add & self.remove:
            raise ValueError(f"{self.user} can't be added to and removed from {min(self.add & self.remove, key=str)}")

    @property
    def pairs(self) -> int:
        """How many pairs of user and segment that is."""
        return len(self.add) + len(self.remove)


def batched(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """Give the changes in portions of what one request may carry."""
    batch: list[Change] = []
    segments: set[SegmentKey] = set()
    for change in changes:
        more = change.add | change.remove
        if len(more) > SEGMENTS_PER_REQUEST:
            raise ValueError(f"{change.user}: at most {SEGMENTS_PER_REQUEST} segments a user, not {len(more)}")
        if batch and (len(batch) == USERS_PER_REQUEST or len(segments | more) > SEGMENTS_PER_REQUEST):
            yield batch
            batch, segments = [], set()
        batch.append(change)
        segments |= more
    if batch:
        yield batch


def pairs_of(changes: Iterable[Change]) -> int:
    """Return how many pairs of user and segment changes are."""
    return sum(change.pairs for change in changes)


def send_changes(transport: Transport, batch: list[Change], stop: threading.Event) -> Outcome[Totals]:
    """Send a batch of updates until each pair is written or refused, or patience is over."""
    totals = Totals(given=pairs_of(batch))
    outcome = Outcome(totals)
    wanted: dict[str, Change] = {}
    for change in batch:
        if not isinstance(change.user, str):
            refused = Refused(change.user, 400, f"a user must be text, not {type(change.user).__name__}")
            outcome.refuse(refused, change.pairs)
            continue
        key = _key(change.user)
        if key in wanted:
            totals.repeated += sum(
                len(now & before)
                for now, before in ((change.add, wanted[key].add), (change.remove, wanted[key].remove))
            )
            # The last one counts where one user's changes contradict each other; the earlier ones are not sent.
            add, remove = wanted[key].add - change.remove, wanted[key].remove - change.add
            totals.repeated += wanted[key].pairs - len(add) - len(remove)
            change = Change(change.user, add | change.add, remove | change.remove)  # noqa: PLW2901 - merged
        wanted[key] = change
    pending = wanted
    doubtful: set[str] = set()  # who of them may have been written by now
    attempts = transport.retry.attempts(stop)
    try:
        while pending:
            body = body_of(pending.values())
            totals.requests += 1
            try:
                answer = transport.call("POST", "api/updateSegment", body, attempts=attempts)
            finally:
                if attempts.lost:
                    doubtful = {*pending}
            totals.resent += pairs_of(change for key, change in pending.items() if key in doubtful)
            before, doubtful = doubtful, {*pending}  # until the answer has been understood
            pending, uncertain = _take_update(outcome, pending.values(), body, answer.body)
            doubtful = pending.keys() & (before | uncertain)
            if pending and not attempts.wait(answer.retry_after, f"{len(pending):,} users were not written yet"):
                outcome.error = ApiError.of(
                    503, "the API did not write these users in time, tried for as long as allowed"
                )
                break
    except Exception as exc:  # noqa: BLE001 - told by the push, with totals that add up
        outcome.error = exc
    totals.unconfirmed = pairs_of(change for key, change in pending.items() if key in doubtful)
    totals.not_sent = pairs_of(pending.values()) - totals.unconfirmed
    return outcome


def body_of(changes: Iterable[Change]) -> dict[str, Any]:
    """Return the body of an update: users who are asked the same are one group."""
    groups: dict[tuple[frozenset[SegmentKey], frozenset[SegmentKey]], list[dict[str, str]]] = {}
    for change in changes:
        groups.setdefault((change.add, change.remove), []).append(user_body(change.user))
    return {
        "bulk_profiles": [
            {
                "user_profiles": users,
                "segments": [
                    {**segment_body(segment), "action": action}
                    for action, segments in (("ADD", add), ("REMOVE", remove))
                    for segment in sorted(segments, key=str)
                ],
            }
            for (add, remove), users in groups.items()
        ]
    }


def user_body(user: str) -> dict[str, str]:
    """Return how a request names a user."""
    return {"guid": str(user)} if isinstance(user, Guid) else {"identity": user}


def segment_body(segment: SegmentKey) -> dict[str, str]:
    """Return how an update names a segment."""
    return {"ct_segment_id": str(segment)} if isinstance(segment, int) else {"customer_segment_id": segment}


def _key(user: str) -> str:
    return f"{'guid' if isinstance(user, Guid) else 'identity'}:{user}"


def _take_update(
    outcome: Outcome[Totals],
    sent: Iterable[Change],
    body: Mapping[str, Any],
    answer: Any,  # noqa: ANN401 - JSON
) -> tuple[dict[str, Change], set[str]]:
    """Count what an answer says; return what is to be sent again, and who of that may have been written even so."""
    again: dict[str, Change] = {}
    uncertain: set[str] = set()
    refused: list[tuple[Refused, int]] = []
    for entry in answer.get("unprocessed") or ():
        changes = _changes_of(entry["record"], body)
        if entry["code"] in MAY_PASS:
            for change in changes:
                key = _key(change.user)
                before = again.get(key, Change(change.user))
                again[key] = Change(change.user, before.add | change.add, before.remove | change.remove)
                if entry["code"] != THROTTLED:
                    uncertain.add(key)
        else:
            # CleverTap may show a record in another form: then it is about one user.
            pairs = pairs_of(changes) or 1
            refused.append((Refused(entry["record"], entry["code"], entry["error"]), pairs))
    failed = sum(pairs for _, pairs in refused) + pairs_of(again.values())
    written = pairs_of(sent) - failed
    summary = answer.get("summary")
    # A user who was named by identity and by guid is one for the API.
    processed = written if summary is None else answer["processed"]
    if not 0 <= processed <= written:
        raise UnexpectedAnswerError(
            f"the answer counts {processed} processed and {failed} others of {written + failed}"
        )
    outcome.totals.take(
        Totals(
            processed=processed,
            repeated=written - processed,
            **({"untold": processed} if summary is None else {name: summary[name] for name in SUMMARY}),
        )
    )
    for each, pairs in refused:
        outcome.refuse(each, pairs)
    return again, uncertain


def _changes_of(record: Any, body: Mapping[str, Any]) -> list[Change]:  # noqa: ANN401 - JSON
    """Return the changes that a failed entry is about: it repeats what was sent, or says where it stands."""
    group = body["bulk_profiles"][record["bulk_profiles"]] if "bulk_profiles" in record else record
    if "user_profiles" not in group or "segments" not in group:
        return []
    users = [group["user_profiles"][record["user_profiles"]]] if group is not record else group["user_profiles"]
    segments: dict[str, set[SegmentKey]] = {"ADD": set(), "REMOVE": set()}
    for each in group["segments"]:
        named = each.get("customer_segment_id")
        segments[each["action"]].add(int(each["ct_segment_id"]) if named is None else named)
    add, remove = frozenset(segments["ADD"]), frozenset(segments["REMOVE"])
    return [Change(_user(each), add, remove) for each in users]


def _user(body: Mapping[str, str]) -> str:
    identity = body.get("identity")
    return Guid(body["guid"]) if identity is None else identity

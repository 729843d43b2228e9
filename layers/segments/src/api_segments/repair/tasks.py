"""What the `reconcile` function takes: requests, from those whom IAM lets, and its own tasks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from api_segments.accounts.operations import AccountId
from api_segments.accounts.service import AccountService
from api_segments.aws.task_queue import MAX_MESSAGE_BYTES, to_body
from api_segments.core.clock import Deadline
from api_segments.core.limits import MAX_SEGMENT_ID
from api_segments.core.parallel import cut_by_size
from api_segments.http.validation import validate
from api_segments.imports.stalled import Kind, StalledWalk
from api_segments.profiles.suppressions import FollowTask
from api_segments.repair.address_index import IndexWalk
from api_segments.repair.reconciliation import Position, ReconciliationStage, Scope
from api_segments.repair.rows import Suspect

# A row that seems wrong is looked at again when the stream has had time to bring what it says, and a segment that kept
# changing while it was counted when it may be quieter.
LOOK_AGAIN_SECONDS = 300
MAX_RECOUNTS = 12  # within an hour; the next daily walk looks anew


@dataclass(frozen=True, slots=True)
class Recount:
    """A segment whose counts are to be looked at again; `number` counts from 1 to MAX_RECOUNTS."""

    segment_id: int
    number: int


@dataclass(frozen=True, slots=True)
class HistoryWalk:
    """How far the noting of what a day (`YYYY-MM-DD`) begins with has come: to the segments below the id `below`."""

    day: str
    below: int | None = None


@dataclass(frozen=True, slots=True)
class SuppressionSweep:
    """How far a walk over an account's suppression list has come: to the sort key `after`."""

    after: str | None = None


@dataclass(frozen=True, slots=True)
class Stalled:
    """Imports, or exports, that may have stalled, and are to be looked at again."""

    kind: Kind
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """Profiles whose identities' claims are to be looked at again."""

    profile_ids: Sequence[str]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReconcileAll(_Request):
    """Reconcile all accounts, as the schedule asks for."""

    operation: Literal["reconcile_all"]


class ReconcileAccount(_Request):
    """Reconcile an account."""

    operation: Literal["reconcile_account"]
    account_id: AccountId


class ReconcileSegment(_Request):
    """Reconcile one segment of an account."""

    operation: Literal["reconcile_segment"]
    account_id: AccountId
    segment_id: Annotated[int, Field(ge=1, le=MAX_SEGMENT_ID, strict=True)]


_REQUEST: TypeAdapter[ReconcileAll | ReconcileAccount | ReconcileSegment] = TypeAdapter(
    Annotated[ReconcileAll | ReconcileAccount | ReconcileSegment, Field(discriminator="operation")]
)


def what_to_reconcile(event: object, accounts: AccountService, deadline: Deadline) -> Sequence[Scope]:
    """Return what a request asks for; raises a SegmentsError."""
    request = validate(_REQUEST, event, is_tagged=True)
    if isinstance(request, ReconcileAll):
        return [Scope(account_id) for account_id in accounts.all_ids(deadline)]
    accounts.get(request.account_id, deadline)
    return [Scope(request.account_id, request.segment_id if isinstance(request, ReconcileSegment) else None)]


def to_task(scope: Scope, position: Position) -> dict[str, object]:
    """Write the task of a walk as JSON."""
    return {"scope": asdict(scope), "position": asdict(position)}


def to_index_task(account_id: str, walk: IndexWalk) -> dict[str, object]:
    """Write the task of putting profiles into the indexes by address as JSON."""
    return {"scope": asdict(Scope(account_id)), "index": asdict(walk)}


def to_history_task(account_id: str, walk: HistoryWalk) -> dict[str, object]:
    """Write the task of noting what a day begins with as JSON."""
    return {"scope": asdict(Scope(account_id)), "history": asdict(walk)}


def to_sweep_task(account_id: str, sweep: SuppressionSweep) -> dict[str, object]:
    """Write the task of letting profiles follow an account's suppression list as JSON."""
    return {"scope": asdict(Scope(account_id)), "sweep": asdict(sweep)}


def to_stalled_walk_task(account_id: str, walk: StalledWalk) -> dict[str, object]:
    """Write the task of finding imports and exports that have stalled as JSON."""
    return {"scope": asdict(Scope(account_id)), "stalled_walk": asdict(walk)}


def to_stalled_task(account_id: str, stalled: Stalled) -> dict[str, object]:
    """Write the task of looking again at imports or exports that may have stalled as JSON."""
    return {"scope": asdict(Scope(account_id)), "stalled": asdict(stalled)}


def to_tasks(scope: Scope, suspects: Sequence[Suspect]) -> Iterator[dict[str, object]]:
    """Write the tasks of looking at rows again: of ids as long as they may be, some hundred fill a message."""
    return _cut(scope, "suspects", [astuple(suspect) for suspect in suspects])


def to_claim_tasks(scope: Scope, profile_ids: Sequence[str]) -> Iterator[dict[str, object]]:
    """Write the tasks of looking again at the claims of profiles' identities."""
    return _cut(scope, "unclaimed", profile_ids)


def _cut(scope: Scope, name: str, values: Sequence[object]) -> Iterator[dict[str, object]]:
    room = MAX_MESSAGE_BYTES - len(to_body({"scope": asdict(scope), name: ()}))
    for some in cut_by_size(values, lambda each: len(to_body(each)) + 1, room):
        yield {"scope": asdict(scope), name: some}


def to_recount_task(scope: Scope, recount: Recount) -> dict[str, object]:
    """Write the task of looking at a segment's counts again."""
    return {"scope": asdict(scope), "recount": asdict(recount)}


def to_purge_task(scope: Scope, segment_id: int) -> dict[str, object]:
    """Write the task of a purge, as the event `Segment Deleted` does."""
    return {"detail": {"Account ID": scope.account_id, "Segment ID": segment_id}}


Task = (
    Position
    | FollowTask
    | HistoryWalk
    | SuppressionSweep
    | StalledWalk
    | Stalled
    | IndexWalk
    | Recount
    | Unclaimed
    | list[Suspect]
)


def read_task(task: Mapping[str, Any]) -> tuple[Scope, Task]:
    """Read a task of ours: where a walk goes on, or what to look at again."""
    if "suppression" in task:
        follow = FollowTask.from_json(task["suppression"])
        return Scope(follow.address.account_id), follow
    ((kind, said),) = ((kind, task[kind]) for kind in _READERS if kind in task)
    return Scope(**task["scope"]), _READERS[kind](said)


def _position(position: Mapping[str, Any]) -> Position:
    return Position(**{**position, "stage": ReconciliationStage(position["stage"])})


def _position_of(position: Mapping[str, Any]) -> Position:
    """Read where a walk is as version 0.1.0 wrote it: its stage followed from which fields were set."""
    if position["segments_done"]:
        return Position(ReconciliationStage.DELETED, below=position["below"])
    if position["counting"] is not None:
        return Position(ReconciliationStage.COUNTS, segment_id=position["counting"])
    stage = ReconciliationStage.MEMBERS if position["profiles_done"] else ReconciliationStage.PROFILES
    return Position(stage, below=position["below"], after=position["after"])


_READERS: Mapping[str, Callable[[Any], Task]] = {
    "index": lambda said: IndexWalk(**said),
    "history": lambda said: HistoryWalk(**said),
    "sweep": lambda said: SuppressionSweep(**said),
    "stalled_walk": lambda said: StalledWalk(Kind(said["kind"]), said["before"]),
    "stalled": lambda said: Stalled(Kind(said["kind"]), said["ids"]),
    "recount": lambda said: Recount(**said),
    "unclaimed": Unclaimed,
    "suspects": lambda said: [Suspect(*suspect) for suspect in said],
    "position": _position,
    "place": _position_of,  # written by version 0.1.0
}

"""An account's suppression list: addresses that get no messages, and the profiles that follow it.

An entry is written first, then the profiles that have its address follow in a queued task: twice, as a profile that is
saved meanwhile may have been looked up before the entry was written, and comes into the index later. Senders look at
the list itself, so nothing goes out meanwhile.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from api_segments.aws.task_queue import TaskQueue
from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import DamagedItemError, NotFoundError
from api_segments.core.paging import Page, Position
from api_segments.core.walks import walk
from api_segments.profiles.channels import reached_by
from api_segments.profiles.model import AddressKey, AddressType, ProfileUpdate
from api_segments.profiles.service import ProfileService
from api_segments.profiles.store import ProfileStore
from api_segments.profiles.store_suppressions import Suppression, SuppressionReason, SuppressionStore, sort_key

FOLLOWING_PAGE = 100
SWEEP_PAGE = 10
# When a request that had looked an address up before its entry was written has ended, and the index has followed it: an
# upload lasts 28 s at most (template.yaml).
SECOND_PASS_SECONDS = 90


@dataclass(frozen=True, slots=True)
class FollowTask:
    """A pass over the profiles that have an address: the next is after the profile `after`; `seen` came before it.

    `has_damaged`: of these some are damaged, and could not follow.
    """

    address: AddressKey
    after: str | None = None
    seen: int = 0
    is_second: bool = False
    has_damaged: bool = False

    @classmethod
    def from_json(cls, sent: dict[str, object]) -> "FollowTask":
        """Read a task of the queue."""
        address = AddressKey(str(sent["account_id"]), AddressType(str(sent["type"])), str(sent["key"]))
        after = None if sent["after"] is None else str(sent["after"])
        flags = (sent["is_second"] is True, sent["has_damaged"] is True)
        return cls(address, after, int(str(sent["seen"])), *flags)

    def to_json(self) -> dict[str, object]:
        """Return the task as its queue carries it; nobody can tell the address from it."""
        others = asdict(self)
        address = others.pop("address")
        return {"suppression": {**address, **others}}


class SuppressionService:
    """Keeps the list, and lets profiles follow it. Raises ThrottledError or UnavailableError."""

    def __init__(
        self, store: SuppressionStore, profiles: ProfileService, index: ProfileStore, tasks: TaskQueue, clock: Clock
    ) -> None:
        self._store = store
        self._profiles = profiles
        self._index = index
        self._tasks = tasks
        self._clock = clock

    def find(self, address: AddressKey, deadline: Deadline) -> Suppression | None:
        """Return what is known of an address, as of this moment."""
        return self._store.get(address, deadline)

    def page(self, account_id: str, after: Position | None, limit: int, deadline: Deadline) -> Page[Suppression]:
        """List the addresses that are on the list; a page may have fewer rows than `limit`, even none."""
        entries = self._store.page(account_id, None if after is None else str(after[0]), limit, deadline)
        goes_on_at = (sort_key(entries[-1]),) if len(entries) == limit else None
        return Page([entry for entry in entries if entry.is_active], goes_on_at)

    def add(self, address: AddressKey, reason: SuppressionReason, at: str | None, deadline: Deadline) -> bool:
        """Put an address on the list for what happened at `at`, or now; False if it was lifted for it since.

        If it raises, the address may be on the list, and the profiles that have it follow within a day.
        """
        now = rfc3339(self._clock.now())
        happened_at = at or now
        if not self._store.add(address, reason, happened_at, now, deadline):
            entry = self._store.get(address, deadline)
            if entry is None or entry.since.get(reason, "") < happened_at:
                return False
        self._tasks.put_off(FollowTask(address).to_json(), 0, deadline)
        return True

    def lift(self, address: AddressKey, reasons: Sequence[SuppressionReason], deadline: Deadline) -> Suppression | None:
        """Take an address off the list for these reasons, and the opt-outs of its users back; return what was known.

        Its users are those who have it now, and still have it when they follow.
        """
        before = self._store.get(address, deadline)
        now = rfc3339(self._clock.now())
        self._store.lift(address, reasons, now, deadline)
        self._tasks.put_off(FollowTask(address).to_json(), 0, deadline)
        return before

    def follow(self, task: FollowTask, deadline: Deadline) -> bool:
        """Let profiles follow an entry for as long as there is time; whether this pass has come to its end.

        Raises a SegmentsError when it came no further, or a profile can't be saved.
        """
        entry = self._store.get(task.address, deadline)
        if entry is None:
            return True
        left = walk(lambda here: self._follow_page(entry, here, deadline), task, deadline)
        if left is not None:
            self._tasks.put_off(left.to_json(), 0, deadline)
        elif not task.is_second:
            self._tasks.put_off(FollowTask(task.address, is_second=True).to_json(), SECOND_PASS_SECONDS, deadline)
        return left is None

    def sweep_page(self, account_id: str, after: str | None, deadline: Deadline) -> str | None:
        """Let profiles follow the next entries of a list, in case a task was lost; return after which to go on."""
        entries = self._store.page(account_id, after, SWEEP_PAGE, deadline)
        for entry in entries:
            here: FollowTask | None = FollowTask(entry.address, is_second=True)
            with suppress(DamagedItemError):  # the other entries go on
                while here is not None:
                    here = self._follow_page(entry, here, deadline)
        return sort_key(entries[-1]) if len(entries) == SWEEP_PAGE else None

    def _follow_page(self, entry: Suppression, task: FollowTask, deadline: Deadline) -> FollowTask | None:
        profile_ids = self._index.having_address(task.address, task.after, FOLLOWING_PAGE, deadline)
        has_damaged = self._save(entry, profile_ids, deadline) or task.has_damaged
        seen, is_last_page = task.seen + len(profile_ids), len(profile_ids) < FOLLOWING_PAGE
        is_applied = is_last_page and task.is_second and not has_damaged
        if entry.profiles != seen or (is_applied and entry.applied_at is None):
            now = rfc3339(self._clock.now()) if is_applied else None
            self._store.note_applied(entry, seen, now, deadline)
        return None if is_last_page else replace(task, after=profile_ids[-1], seen=seen, has_damaged=has_damaged)

    def _save(self, entry: Suppression, profile_ids: Sequence[str], deadline: Deadline) -> bool:
        """Work out anew how users are reached; what they closed before the address was lifted is open again.

        That is the word of those who had the address then. Return whether a profile is damaged; the others go on.
        """
        address, lifted_at = entry.address, entry.lifted_at
        opts_in = {} if lifted_at is None else dict.fromkeys(reached_by(address.type), lifted_at)
        updates = {
            index: ProfileUpdate(
                None,
                profile_id,
                creates=False,
                opts_in=opts_in,
                opts_in_by=address,
                looks_up=frozenset({address.type}),
            )
            for index, profile_id in enumerate(profile_ids)
        }
        has_damaged = False
        for error in self._profiles.update(address.account_id, updates, deadline).values():
            if isinstance(error, DamagedItemError):
                has_damaged = True
            elif not isinstance(error, NotFoundError):  # erased a moment ago
                raise error
        return has_damaged

"""Put the profiles that an older version wrote into the indexes by address, and claim their tokens, once an account.

A walk goes over all profiles in pages, each invocation as far as it has time; where it is, `IndexWalk`, is the next
one's task. A profile is saved as an upload of nothing new would save it. An account is done when a whole walk
met none that is damaged.
"""

from dataclasses import dataclass

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB
from api_segments.core.clock import Clock, Deadline, rfc3339
from api_segments.core.errors import DamagedItemError, NotFoundError
from api_segments.core.walks import walk
from api_segments.http.observability import count
from api_segments.memberships.store import MembershipStore
from api_segments.profiles.model import ProfileUpdate
from api_segments.profiles.service import ProfileService

INDEX_PAGE = 100


@dataclass(frozen=True, slots=True)
class IndexWalk:
    """Where a walk is: after the profile `after`, with so many looked at, of which so many are damaged."""

    after: str | None = None
    looked_at: int = 0
    damaged: int = 0


class IndexedAccounts:
    """Knows which accounts have been walked over to the end."""

    def __init__(self, db: DynamoDB, accounts_table: str, clock: Clock) -> None:
        self._db = db
        self._table = accounts_table
        self._clock = clock

    def has(self, account_id: str, deadline: Deadline) -> bool:
        """Whether all profiles of an account are in the indexes; raises ThrottledError or UnavailableError."""
        return (
            self._db.get(self._table, keys.of_account(keys.STACK, keys.indexed_account(account_id)), deadline)
            is not None
        )

    def add(self, account_id: str, deadline: Deadline) -> None:
        """Note that they are; raises ThrottledError or UnavailableError."""
        item = {
            **keys.of_account(keys.STACK, keys.indexed_account(account_id)),
            "completed_at": {"S": rfc3339(self._clock.now())},
        }
        self._db.put_new(self._table, item, "account_id", deadline)


class AddressIndexing:
    """Walks over an account's profiles."""

    def __init__(self, memberships: MembershipStore, profiles: ProfileService, indexed: IndexedAccounts) -> None:
        self._memberships = memberships
        self._profiles = profiles
        self._indexed = indexed

    def go_on(self, account_id: str, start: IndexWalk, deadline: Deadline) -> IndexWalk | None:
        """Go on for as long as there is time; return where the walk is, None at its end.

        Raises a SegmentsError when it came no further than `start`, or a profile can't be saved.
        """
        return walk(lambda here: self._step(account_id, here, deadline), start, deadline)

    def _step(self, account_id: str, here: IndexWalk, deadline: Deadline) -> IndexWalk | None:
        profile_ids = self._memberships.profile_ids(account_id, here.after, INDEX_PAGE, deadline)
        damaged = here.damaged + self._save(account_id, profile_ids, deadline)
        count(ProfilesIndexed=len(profile_ids))
        if len(profile_ids) < INDEX_PAGE:
            if not damaged:
                self._indexed.add(account_id, deadline)
            return None
        return IndexWalk(profile_ids[-1], here.looked_at + len(profile_ids), damaged)

    def _save(self, account_id: str, profile_ids: list[str], deadline: Deadline) -> int:
        """Save profiles, and return how many are damaged."""
        updates = {
            index: ProfileUpdate(identity=None, guid=profile_id, creates=False, claims_tokens=True)
            for index, profile_id in enumerate(profile_ids)
        }
        errors = self._profiles.update(account_id, updates, deadline).values()
        for error in errors:
            if not isinstance(error, NotFoundError | DamagedItemError):  # not found: erased a moment ago
                raise error
        return sum(isinstance(error, DamagedItemError) for error in errors)

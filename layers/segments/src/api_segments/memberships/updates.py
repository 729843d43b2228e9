"""Add users to segments and remove them: the write path of an update.

One round of reads resolves everything that the request names. One round of atomic set changes follows, one a user,
which return the set as it was, so that the answer can say what really changed. Users who are not there are created with
their segments in one transaction; whoever loses a race to create goes back to changing.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import (
    InvalidRequestError,
    NotFoundError,
    NotWrittenError,
    SegmentDeletedError,
    SegmentsError,
    UnavailableError,
)
from api_segments.core.limits import MAX_SEGMENTS_PER_UPDATE
from api_segments.memberships.model import Action, Rejection, UpdateGroup, UpdateResult, UserReference
from api_segments.memberships.store import MembershipStore, NewProfile, SetChange
from api_segments.memberships.store_references import Found, ReferenceStore, nothing_found
from api_segments.segments.errors import DELETED_SEGMENT, NO_SUCH_SEGMENT
from api_segments.segments.model import SegmentReference, SegmentStatus


@dataclass
class Wishes:
    """What to do with one user: by segment, the last word of the request and how it named the segment."""

    wanted: dict[int, tuple[SegmentReference, Action]] = field(default_factory=dict)
    impossible: dict[SegmentReference, tuple[Action, SegmentsError]] = field(default_factory=dict)

    def merged_with(self, later: "Wishes") -> "Wishes":
        """Return these wishes overruled by later ones."""
        return Wishes(self.wanted | later.wanted, self.impossible | later.impossible)

    @cached_property
    def ids(self) -> dict[Action, frozenset[int]]:
        """The segments that each action is wanted for; read it when the wishes are complete."""
        return {
            action: frozenset(segment_id for segment_id, (_, wish) in self.wanted.items() if wish is action)
            for action in Action
        }


@dataclass
class UserUpdate:
    """What a request asks for one user. `profile_id` is None as long as it is not known to exist.

    `settled` are the actions whose pairs have been counted or rejected, so that no pair is told twice.
    """

    user: UserReference
    profile_id: str | None
    wishes: Wishes
    settled: set[Action] = field(default_factory=set)

    def open_ids(self, action: Action) -> frozenset[int]:
        """Return the segments that `action` is still to be carried out for."""
        return frozenset() if action in self.settled else self.wishes.ids[action]


class UpdateService:
    """Carries out updates."""

    def __init__(self, references: ReferenceStore, memberships: MembershipStore) -> None:
        self._references = references
        self._memberships = memberships

    def update(self, account_id: str, groups: Sequence[UpdateGroup], deadline: Deadline) -> UpdateResult:
        """Bring about every (user, segment) pair that can be; the others are in the result's rejections.

        Raises InvalidRequestError (too many segments) while nothing is changed yet.
        """
        references = list(dict.fromkeys(reference for group in groups for reference, _ in group.actions))
        if len(references) > 3 * MAX_SEGMENTS_PER_UPDATE:  # each segment can be named by either of two ids, or by both
            raise _too_many_segments()
        identities = list(
            dict.fromkeys(user.identity for group in groups for user in group.users if user.identity is not None)
        )
        try:
            found = self._references.find(account_id, references, identities, deadline)
        except NotWrittenError as error:
            return UpdateResult(rejections=_impossible(_user_updates(groups, nothing_found(), error)))
        if _distinct_segments(references, found) > MAX_SEGMENTS_PER_UPDATE:
            raise _too_many_segments()
        updates = _user_updates(groups, found)
        result = UpdateResult(rejections=_impossible(updates))
        self._carry_out(account_id, [update for update in updates if update.wishes.wanted], result, deadline)
        return result

    def _carry_out(
        self, account_id: str, updates: Sequence[UserUpdate], result: UpdateResult, deadline: Deadline
    ) -> None:
        pending = updates
        backoff = Backoff(deadline)
        while True:
            missing = self._change(account_id, [update for update in pending if update.profile_id], result, deadline)
            missing += [update for update in pending if not update.profile_id]
            pending = self._create(account_id, missing, result, deadline)
            if not pending:
                return
            # Whoever lost the race to create a user changes that user next; only if it is erased meanwhile, once more.
            if not backoff.wait():
                break
        for update in pending:
            for action in Action:
                _reject(update, action, UnavailableError("the profile kept changing hands"), result)

    def _change(
        self, account_id: str, updates: Sequence[UserUpdate], result: UpdateResult, deadline: Deadline
    ) -> list[UserUpdate]:
        """Change the sets of users who exist; return those who turn out not to."""
        changes: list[tuple[UserUpdate, SetChange]] = [
            (update, SetChange(update.profile_id, action, ids))
            for update in updates
            for action in Action
            if update.profile_id is not None and (ids := update.open_ids(action))
        ]
        outcomes = self._memberships.change(account_id, [change for _, change in changes], deadline)
        missing: dict[int, UserUpdate] = {}
        for (update, change), outcome in zip(changes, outcomes, strict=True):
            if outcome.error is not None:
                _reject(update, change.action, outcome.error, result)
            elif outcome.old is None:
                missing[id(update)] = update
                continue
            elif change.action is Action.ADD:
                result.added += len(change.segment_ids - outcome.old)
                result.unchanged += len(change.segment_ids & outcome.old)
            else:
                result.removed += len(change.segment_ids & outcome.old)
                result.unchanged += len(change.segment_ids - outcome.old)
            update.settled.add(change.action)
        return list(missing.values())

    def _create(
        self, account_id: str, updates: Sequence[UserUpdate], result: UpdateResult, deadline: Deadline
    ) -> list[UserUpdate]:
        """Create users with the segments they are added to; return those who turn out to exist."""
        new = [update for update in updates if update.open_ids(Action.ADD)]
        result.unchanged += sum(  # a REMOVE of a user who does not exist changes nothing
            len(update.open_ids(Action.REMOVE)) for update in updates if not update.open_ids(Action.ADD)
        )
        profiles = [
            NewProfile(_new_profile_id(update.user), update.user.identity, update.open_ids(Action.ADD))
            for update in new
        ]
        existing = []
        for update, outcome in zip(new, self._memberships.create(account_id, profiles, deadline), strict=True):
            if outcome.created:
                result.profiles_created += 1
                result.added += len(update.open_ids(Action.ADD))
                result.unchanged += len(update.open_ids(Action.REMOVE))
            elif outcome.error is not None:
                for action in Action:
                    _reject(update, action, outcome.error, result)
            else:
                update.profile_id = outcome.profile_id
                existing.append(update)
        return existing


def _user_updates(
    groups: Sequence[UpdateGroup], found: Found, error: NotWrittenError | None = None
) -> list[UserUpdate]:
    """Join the groups into one update a user; where two groups name the same pair, the later one counts.

    With an `error`, nothing could be looked up, and nothing is possible. So it is for a user whose identity's claim is
    damaged.
    """
    updates: dict[tuple[str, str], UserUpdate] = {}
    profile_ids = found.profile_ids.without_damaged()
    for group in groups:
        wishes = _wishes(group.actions, found, error)
        for user in group.users:
            profile_id = user.guid if user.identity is None else profile_ids.get(user.identity)
            damage = found.profile_ids.damaged.get(user.identity or "")
            own_wishes = wishes if damage is None else _wishes(group.actions, found, damage)
            key = ("profile", profile_id) if profile_id is not None else ("identity", str(user.identity))
            known = updates.get(key)
            if known is None:
                updates[key] = UserUpdate(user, profile_id, own_wishes)
            elif known.wishes is not own_wishes:
                known.wishes = known.wishes.merged_with(own_wishes)
    return list(updates.values())


def _impossible(updates: Sequence[UserUpdate]) -> list[Rejection]:
    return [
        Rejection(update.user, reference, action, error)
        for update in updates
        for reference, (action, error) in update.wishes.impossible.items()
    ]


def _wishes(
    actions: Sequence[tuple[SegmentReference, Action]], found: Found, unknown: NotWrittenError | None
) -> Wishes:
    wishes = Wishes()
    segments = found.segments.without_damaged()
    for reference, action in actions:
        segment = segments.get(reference)
        unreadable = unknown or found.segments.damaged.get(reference)
        if unreadable is not None:
            wishes.impossible[reference] = (action, unreadable)
        elif segment is None:
            wishes.impossible[reference] = (action, NotFoundError(NO_SUCH_SEGMENT))
        elif not segment.agrees:
            error = InvalidRequestError("ct_segment_id and customer_segment_id are of different segments")
            wishes.impossible[reference] = (action, error)
        elif segment.status is not SegmentStatus.ACTIVE:
            wishes.impossible[reference] = (action, SegmentDeletedError(DELETED_SEGMENT))
        else:
            wishes.wanted[segment.segment_id] = (reference, action)
    return wishes


def _distinct_segments(references: Sequence[SegmentReference], found: Found) -> int:
    known = found.segments.without_damaged()
    return len({known[ref].segment_id if ref in known else ref for ref in references})


def _reject(update: UserUpdate, action: Action, error: SegmentsError, result: UpdateResult) -> None:
    """List the user's pairs of `action` as not brought about."""
    ids = update.open_ids(action)
    result.rejections += [
        Rejection(update.user, reference, action, error)
        for segment_id, (reference, _) in update.wishes.wanted.items()
        if segment_id in ids
    ]


def _new_profile_id(user: UserReference) -> str:
    """Return the guid that an anonymous user came with; any other user gets an id of ours."""
    return user.guid if user.identity is None and user.guid is not None else secrets.token_hex(16)


def _too_many_segments() -> InvalidRequestError:
    return InvalidRequestError(
        f"bulk_profiles: must name at most {MAX_SEGMENTS_PER_UPDATE} different segments over the whole request"
    )

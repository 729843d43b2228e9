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
from api_segments.memberships.store_references import Found, ReferenceStore
from api_segments.segments.model import SegmentReference, SegmentStatus


@dataclass
class Plan:
    """What to do with one user: by segment, the last word of the request and how it named the segment."""

    wanted: dict[int, tuple[SegmentReference, Action]] = field(default_factory=dict)
    impossible: dict[SegmentReference, tuple[Action, SegmentsError]] = field(default_factory=dict)

    def merged_with(self, later: "Plan") -> "Plan":
        """Return this plan overruled by a later one."""
        return Plan(self.wanted | later.wanted, self.impossible | later.impossible)

    @cached_property
    def ids(self) -> dict[Action, frozenset[int]]:
        """The segments that each action is wanted for; read it when the plan is complete."""
        return {
            action: frozenset(segment_id for segment_id, (_, wish) in self.wanted.items() if wish is action)
            for action in Action
        }


@dataclass
class Target:
    """A user of the request. `profile_id` is None as long as it is not known to exist.

    `settled` are the actions whose pairs have been counted or rejected, so that no pair is told twice.
    """

    user: UserReference
    profile_id: str | None
    plan: Plan
    settled: set[Action] = field(default_factory=set)

    def open_ids(self, action: Action) -> frozenset[int]:
        """Return the segments that `action` is still to be carried out for."""
        return frozenset() if action in self.settled else self.plan.ids[action]


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
            return UpdateResult(rejections=_impossible(_targets(groups, Found({}, {}), error)))
        if _distinct_segments(references, found) > MAX_SEGMENTS_PER_UPDATE:
            raise _too_many_segments()
        targets = _targets(groups, found)
        result = UpdateResult(rejections=_impossible(targets))
        self._carry_out(account_id, [target for target in targets if target.plan.wanted], result, deadline)
        return result

    def _carry_out(self, account_id: str, targets: Sequence[Target], result: UpdateResult, deadline: Deadline) -> None:
        pending = targets
        backoff = Backoff(deadline)
        while True:
            missing = self._change(account_id, [target for target in pending if target.profile_id], result, deadline)
            missing += [target for target in pending if not target.profile_id]
            pending = self._create(account_id, missing, result, deadline)
            if not pending:
                return
            # Whoever lost the race to create a user changes that user next; only if it is erased meanwhile, once more.
            if not backoff.wait():
                break
        for target in pending:
            for action in Action:
                _reject(target, action, UnavailableError("the profile kept changing hands"), result)

    def _change(
        self, account_id: str, targets: Sequence[Target], result: UpdateResult, deadline: Deadline
    ) -> list[Target]:
        """Change the sets of users who exist; return those who turn out not to."""
        changes: list[tuple[Target, SetChange]] = [
            (target, SetChange(target.profile_id, action, ids))
            for target in targets
            for action in Action
            if target.profile_id is not None and (ids := target.open_ids(action))
        ]
        outcomes = self._memberships.change(account_id, [change for _, change in changes], deadline)
        missing: dict[int, Target] = {}
        for (target, change), outcome in zip(changes, outcomes, strict=True):
            if outcome.error is not None:
                _reject(target, change.action, outcome.error, result)
            elif outcome.old is None:
                missing[id(target)] = target
                continue
            elif change.action is Action.ADD:
                result.added += len(change.segment_ids - outcome.old)
                result.unchanged += len(change.segment_ids & outcome.old)
            else:
                result.removed += len(change.segment_ids & outcome.old)
                result.unchanged += len(change.segment_ids - outcome.old)
            target.settled.add(change.action)
        return list(missing.values())

    def _create(
        self, account_id: str, targets: Sequence[Target], result: UpdateResult, deadline: Deadline
    ) -> list[Target]:
        """Create users with the segments they are added to; return those who turn out to exist."""
        new = [target for target in targets if target.open_ids(Action.ADD)]
        result.unchanged += sum(  # a REMOVE of a user who does not exist changes nothing
            len(target.open_ids(Action.REMOVE)) for target in targets if not target.open_ids(Action.ADD)
        )
        profiles = [
            NewProfile(_new_profile_id(target.user), target.user.identity, target.open_ids(Action.ADD))
            for target in new
        ]
        existing = []
        for target, outcome in zip(new, self._memberships.create(account_id, profiles, deadline), strict=True):
            if outcome.created:
                result.profiles_created += 1
                result.added += len(target.open_ids(Action.ADD))
                result.unchanged += len(target.open_ids(Action.REMOVE))
            elif outcome.error is not None:
                for action in Action:
                    _reject(target, action, outcome.error, result)
            else:
                target.profile_id = outcome.profile_id
                existing.append(target)
        return existing


def _targets(groups: Sequence[UpdateGroup], found: Found, error: NotWrittenError | None = None) -> list[Target]:
    """Join the groups into one plan a user; where two groups name the same pair, the later one counts.

    With an `error`, nothing could be looked up, and nothing is possible.
    """
    targets: dict[tuple[str, str], Target] = {}
    for group in groups:
        plan = _plan(group.actions, found, error)
        for user in group.users:
            profile_id = user.guid if user.identity is None else found.profile_ids.get(user.identity)
            key = ("profile", profile_id) if profile_id is not None else ("identity", str(user.identity))
            known = targets.get(key)
            if known is None:
                targets[key] = Target(user, profile_id, plan)
            elif known.plan is not plan:
                known.plan = known.plan.merged_with(plan)
    return list(targets.values())


def _impossible(targets: Sequence[Target]) -> list[Rejection]:
    return [
        Rejection(target.user, reference, action, error)
        for target in targets
        for reference, (action, error) in target.plan.impossible.items()
    ]


def _plan(actions: Sequence[tuple[SegmentReference, Action]], found: Found, unknown: NotWrittenError | None) -> Plan:
    plan = Plan()
    for reference, action in actions:
        segment = found.segments.get(reference)
        if unknown is not None:
            plan.impossible[reference] = (action, unknown)
        elif segment is None:
            plan.impossible[reference] = (action, NotFoundError("segment does not exist"))
        elif not segment.agrees:
            error = InvalidRequestError("ct_segment_id and customer_segment_id are of different segments")
            plan.impossible[reference] = (action, error)
        elif segment.status is not SegmentStatus.ACTIVE:
            plan.impossible[reference] = (action, SegmentDeletedError("segment was deleted"))
        else:
            plan.wanted[segment.segment_id] = (reference, action)
    return plan


def _distinct_segments(references: Sequence[SegmentReference], found: Found) -> int:
    return len({found.segments[ref].segment_id if ref in found.segments else ref for ref in references})


def _reject(target: Target, action: Action, error: SegmentsError, result: UpdateResult) -> None:
    """List the target's pairs of `action` as not brought about."""
    ids = target.open_ids(action)
    result.rejections += [
        Rejection(target.user, reference, action, error)
        for segment_id, (reference, _) in target.plan.wanted.items()
        if segment_id in ids
    ]


def _new_profile_id(user: UserReference) -> str:
    """Return the guid that an anonymous user came with; any other user gets an id of ours."""
    return user.guid if user.identity is None and user.guid is not None else secrets.token_hex(16)


def _too_many_segments() -> InvalidRequestError:
    return InvalidRequestError(
        f"bulk_profiles: must name at most {MAX_SEGMENTS_PER_UPDATE} different segments over the whole request"
    )

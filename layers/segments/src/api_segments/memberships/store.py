"""Memberships table, the source of truth: one item a profile, holding the set of its segments."""

import secrets
from collections.abc import Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from api_segments.aws import keys
from api_segments.aws.dynamodb import (
    TRANSACTION_ACTIONS,
    ConditionFailedError,
    DynamoDB,
    Get,
    Item,
    Statement,
    StatementResult,
    number_set,
)
from api_segments.aws.items import Attributes, Readings
from api_segments.aws.transactions import put_action
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline
from api_segments.core.errors import DamagedItemError, NotWrittenError, UnavailableError
from api_segments.core.parallel import chunks, in_parallel
from api_segments.memberships.model import NOBODY, Action, ImportMark, MembershipImage, Purge

ACCOUNT_INDEX = "AccountIndex"
_SET_FUNCTION = {Action.ADD: "set_add", Action.REMOVE: "set_delete"}
# A new profile is two items: its identity's claim and its memberships.
PROFILES_PER_CREATE = TRANSACTION_ACTIONS // 2


class SetChange(NamedTuple):
    """Segments to add to, or to remove from, one profile's set."""

    profile_id: str
    action: Action
    segment_ids: Set[int]


class SetChangeResult(NamedTuple):
    """The set before the change; or None, because the profile does not exist or for `error`."""

    old: Set[int] | None
    error: NotWrittenError | None = None


@dataclass(frozen=True, slots=True)
class NewProfile:
    """A profile to create together with its segments; `identity` is None for an anonymous one."""

    profile_id: str
    identity: str | None
    segment_ids: Set[int]
    mark: ImportMark | None = None


@dataclass(frozen=True, slots=True)
class ImportChange:
    """What an import does with users of a segment: the change, and the mark that it leaves.

    It leaves whoever is as asked already, and whose change of this segment bears its own mark. With `undoes` it changes
    only those whose last change by an import was that one's.
    """

    segment_id: int
    action: Action
    mark: ImportMark
    undoes: ImportMark | None = None


class ImportOutcome(StrEnum):
    """What came of an import's change of a user: made, now or when the same was tried before, or not its to make."""

    MADE = "made"
    MADE_WITH_USER = "made_with_user"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class CreateProfileResult:
    """`profile_id` is the new profile's; or that of who was there first; None if `error` says why there is none."""

    profile_id: str | None
    created: bool
    error: NotWrittenError | None = None


class MembershipStore:
    """Reads and writes who is in which segments."""

    def __init__(self, db: DynamoDB, memberships_table: str, profiles_table: str) -> None:
        self._db = db
        self._memberships_table = memberships_table
        self._profiles_table = profiles_table

    def get(self, account_id: str, profile_id: str, deadline: Deadline) -> MembershipImage | None:
        """Read a profile's memberships, consistently."""
        key = {"pk": {"S": keys.membership(account_id, profile_id)}}
        item = self._db.get(self._memberships_table, key, deadline)
        return None if item is None else image_from_item(item)

    def get_many(
        self, account_id: str, profile_ids: Sequence[str], deadline: Deadline
    ) -> Readings[str, MembershipImage]:
        """Read the memberships of those profiles that exist, consistently."""
        gets = [
            Get(self._memberships_table, {"pk": {"S": keys.membership(account_id, profile_id)}})
            for profile_id in profile_ids
        ]
        found = self._db.batch_get(gets, deadline)
        return Readings({profile_ids[index]: item for index, item in found.items()}, image_from_item)

    def profile_ids(self, account_id: str, after: str | None, at_most: int, deadline: Deadline) -> list[str]:
        """Return ids of an account's profiles, in an order that never changes, those after the profile id `after`.

        They come from an index, which follows the table within moments.
        """
        first = 0 if after is None else keys.bucket_of(after)
        found: list[str] = []
        for index, bucket in enumerate(keys.account_buckets(account_id)[first:]):
            missing = at_most - len(found)
            if not missing:
                break
            values: Item = {":bucket": {"S": bucket}}
            condition = "account_bucket = :bucket"
            if index == 0 and after is not None:
                values[":after"] = {"S": after}
                condition += " AND profile_id > :after"
            found += self._db.query(
                missing,
                lambda item: str(item["profile_id"]["S"]),
                deadline,
                TableName=self._memberships_table,
                IndexName=ACCOUNT_INDEX,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        return found

    def change(self, account_id: str, changes: Sequence[SetChange], deadline: Deadline) -> list[SetChangeResult]:
        """Change the sets of existing profiles; each change is atomic and says what the set was before.

        A profile may have one ADD and one REMOVE, of different segments: those go in separate calls.
        """
        indexes = {action: [p for p, change in enumerate(changes) if change.action is action] for action in Action}
        distinct = {id(change.segment_ids): change.segment_ids for change in changes}  # users of one group share one
        sets = {key: number_set(segment_ids) for key, segment_ids in distinct.items()}
        texts = {
            action: f'UPDATE "{self._memberships_table}" SET segment_ids = {function}(segment_ids, ?) '  # noqa: S608 - names and values of ours
            "WHERE pk = ? RETURNING ALL OLD *"
            for action, function in _SET_FUNCTION.items()
        }
        lanes = [
            [
                Statement(
                    texts[action],
                    [
                        sets[id(changes[p].segment_ids)],
                        {"S": keys.membership(account_id, changes[p].profile_id)},
                    ],
                )
                for p in indexes[action]
            ]
            for action in Action
        ]
        results: list[SetChangeResult] = [SetChangeResult(None)] * len(changes)
        for action, lane in zip(Action, self._db.batch_execute(lanes, deadline), strict=True):
            for index, result in zip(indexes[action], lane, strict=True):
                results[index] = _set_change_result(result)
        return results

    def purge(self, account_id: str, segment_id: int, profile_ids: Sequence[str], deadline: Deadline) -> int:
        """Take a deleted segment out of profiles' sets; return of how many. Profiles that are gone are passed over.

        Each write bears a mark of this call, so that the stream's readers know a clean-up from a change. Profiles whose
        sets are damaged are passed over too, as DynamoDB takes nothing out of them. Raises ThrottledError or
        UnavailableError when not all others are known to be written.
        """
        statement = (
            f'UPDATE "{self._memberships_table}" SET segment_ids = set_delete(segment_ids, ?) '  # noqa: S608 - a name of ours
            "SET purge = ? WHERE pk = ? RETURNING ALL OLD *"
        )
        left, mark = number_set({segment_id}), {"S": f"{segment_id}#{secrets.token_hex(8)}"}
        lane = [
            Statement(statement, [left, mark, {"S": keys.membership(account_id, profile_id)}])
            for profile_id in profile_ids
        ]
        results = self._db.batch_execute([lane], deadline)[0]
        errors = {each: result.error for each, result in zip(profile_ids, results, strict=True) if result.error}
        damaged = self._damaged_sets(account_id, list(errors), deadline) if errors else set()
        for profile_id, error in errors.items():
            if profile_id not in damaged:
                raise error
        return sum(result.item is not None and segment_id in _segment_ids(result.item) for result in results)

    def change_by_import(
        self, account_id: str, change: ImportChange, profile_ids: Sequence[str], deadline: Deadline
    ) -> list[ImportOutcome]:
        """Make an import's change of many users, each atomic; asked again, it changes nobody twice and says the same.

        A user who is gone, whose set is damaged, or who is as asked by somebody else's doing is superseded. Raises
        ThrottledError or UnavailableError when not all are known to be changed.
        """
        mark = keys.import_mark(change.segment_id)
        is_in = "" if change.action is Action.REMOVE else "NOT "
        undone = "" if change.undoes is None else f" AND begins_with({mark}, ?)"
        text = (
            f'UPDATE "{self._memberships_table}" SET segment_ids = {_SET_FUNCTION[change.action]}(segment_ids, ?) '  # noqa: S608 - names of ours
            f"SET {mark} = ? WHERE pk = ? AND {is_in}contains(segment_ids, ?) AND NOT begins_with({mark}, ?){undone}"
        )
        segment: Item = {"N": str(change.segment_id)}
        before, marked = number_set({change.segment_id}), {"S": str(change.mark)}
        after = [segment, {"S": change.mark.prefix}]
        after += [] if change.undoes is None else [{"S": change.undoes.prefix}]
        lane = [
            Statement(text, [before, marked, {"S": keys.membership(account_id, each)}, *after]) for each in profile_ids
        ]
        results = self._db.batch_execute([lane], deadline)[0]
        open_ = [each for each, result in zip(profile_ids, results, strict=True) if result.item is None]
        known = self.get_many(account_id, open_, deadline) if open_ else None
        outcomes = []
        for profile_id, result in zip(profile_ids, results, strict=True):
            if known is None or result.item is not None:
                outcomes.append(ImportOutcome.MADE)
                continue
            image = known.without_damaged().get(profile_id)
            if result.error is not None and profile_id not in known.damaged:
                raise result.error
            outcomes.append(_outcome(image, change))
        return outcomes

    def _damaged_sets(self, account_id: str, profile_ids: Sequence[str], deadline: Deadline) -> Set[str]:
        gets = [Get(self._memberships_table, {"pk": {"S": keys.membership(account_id, each)}}) for each in profile_ids]
        found = self._db.batch_get(gets, deadline)
        return Readings({profile_ids[index]: item for index, item in found.items()}, _segment_ids).damaged.keys()

    def create(self, account_id: str, profiles: Sequence[NewProfile], deadline: Deadline) -> list[CreateProfileResult]:
        """Create profiles that did not exist a moment ago, each with its claim and its segments in one transaction."""
        results: dict[int, CreateProfileResult] = {}
        in_parallel(
            lambda indexes: self._create_chunk(account_id, profiles, indexes, results, deadline),
            list(chunks(range(len(profiles)), PROFILES_PER_CREATE)),
        )
        return [results[index] for index in range(len(profiles))]

    def _create_chunk(
        self,
        account_id: str,
        profiles: Sequence[NewProfile],
        indexes: Sequence[int],
        results: dict[int, CreateProfileResult],
        deadline: Deadline,
    ) -> None:
        pending = list(indexes)
        while pending:
            puts = [put for index in pending for put in self._puts(account_id, index, profiles[index])]
            actions = [
                put_action(table, item, condition="attribute_not_exists(pk)", tells_found=True)
                for _, table, item in puts
            ]
            try:
                self._db.transact(lambda: actions, deadline)  # noqa: B023 - called before the next turn
            except ConditionFailedError as exc:
                for action, found in exc.failures.items():
                    index = puts[action][0]
                    results[index] = _lost_race(profiles[index], found)
                pending = [index for index in pending if index not in results]
            except NotWrittenError as exc:
                results.update({index: CreateProfileResult(None, created=False, error=exc) for index in pending})
                return
            else:
                results.update(
                    {index: CreateProfileResult(profiles[index].profile_id, created=True) for index in pending}
                )
                return

    def _puts(self, account_id: str, index: int, profile: NewProfile) -> list[tuple[int, str, Item]]:
        item: Item = {
            "pk": {"S": keys.membership(account_id, profile.profile_id)},
            "account_id": {"S": account_id},
            "account_bucket": {"S": keys.account_bucket(account_id, profile.profile_id)},
            "profile_id": {"S": profile.profile_id},
            "segment_ids": number_set(profile.segment_ids),
        }
        if profile.mark is not None:
            item.update({keys.import_mark(each): {"S": str(profile.mark)} for each in profile.segment_ids})
        puts = [(index, self._memberships_table, item)]
        if profile.identity is not None:
            item["identity"] = {"S": profile.identity}
            claim = {
                "pk": {"S": keys.identity_claim(account_id, profile.identity)},
                "profile_id": {"S": profile.profile_id},
            }
            puts.append((index, self._profiles_table, claim))
        return puts


def _lost_race(profile: NewProfile, found: Item | None) -> CreateProfileResult:
    """Tell who was there first, from the item that stood in the way."""
    if found is None:
        return CreateProfileResult(
            None, created=False, error=UnavailableError("the database did not say who was there first")
        )
    try:
        first = Attributes("profile or its claim", found).text("profile_id")
    except DamagedItemError as error:
        return CreateProfileResult(None, created=False, error=error)
    # A claim that bears the very id which this call drew is our own write, whose answer was lost.
    return CreateProfileResult(first, created=profile.identity is not None and first == profile.profile_id)


def _set_change_result(result: StatementResult) -> SetChangeResult:
    if result.item is None:
        return SetChangeResult(None, result.error)
    try:
        return SetChangeResult(_segment_ids(result.item))
    except DamagedItemError as error:
        return SetChangeResult(None, error)


def _outcome(image: MembershipImage | None, change: ImportChange) -> ImportOutcome:
    """Tell whether a change that could not be made now was made before."""
    mark = "" if image is None else image.import_marks.get(change.segment_id, "")
    if not mark.startswith(change.mark.prefix):
        return ImportOutcome.SUPERSEDED
    return ImportOutcome.MADE_WITH_USER if ImportMark.read(mark).is_new_user else ImportOutcome.MADE


def _segment_ids(item: Item) -> frozenset[int]:
    return Attributes(_KIND, item).numbers("segment_ids")


def _purge(memberships: Attributes) -> Purge:
    segment_id, _, token = memberships.text("purge").partition("#")
    if not segment_id.isdecimal():
        raise memberships.damaged("purge")
    return Purge(int(segment_id), token)


_KIND = "user's memberships"


def image_from_item(item: Item | None, *, with_reach: bool = True) -> MembershipImage:
    """Read a Memberships item, or its absence."""
    if not item:
        return NOBODY
    memberships = Attributes(_KIND, item)
    return MembershipImage(
        identity=memberships.text("identity") if memberships.has("identity") else None,
        segment_ids=memberships.numbers("segment_ids"),
        reach=memberships.some_of("reach", Channel) if with_reach else NOBODY.reach,
        purge=_purge(memberships) if memberships.has("purge") else None,
        import_marks={
            segment_id: memberships.text(name)
            for name in item
            if name[0] == "i" and name != "identity" and (segment_id := keys.segment_of_mark(name)) is not None
        },
    )


def changes_from_item(item: Item | None) -> MembershipImage:
    """Read a Memberships item without the reach, of which no event tells."""
    return image_from_item(item, with_reach=False)

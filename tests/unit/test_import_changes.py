"""An import's change of a user is made once, counted once, and gives way to what others changed."""

import pytest

from api_segments.aws.dynamodb import DynamoDB
from api_segments.core.clock import Deadline
from api_segments.memberships.model import Action, ImportMark
from api_segments.memberships.store import (
    ImportChange,
    ImportOutcome,
    MembershipStore,
    NewProfile,
    SetChange,
)
from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.tables import create_tables

ACCOUNT, SEGMENT, OTHER = "A-1", 7, 8
FIRST, SECOND = "65f1b2c3d4e5f0a1b2c3d", "65f1b2c3d4e5f0a1b2c3e"
MADE, WITH_USER, SUPERSEDED = ImportOutcome.MADE, ImportOutcome.MADE_WITH_USER, ImportOutcome.SUPERSEDED


class Users:
    """The memberships of users p0 to p29, whom imports and others change."""

    def __init__(self) -> None:
        self.db = InMemoryDynamoDB()
        names = create_tables(self.db)  # type: ignore[arg-type]  # has what the function calls
        self.table = names["MEMBERSHIPS_TABLE"]
        self.store = MembershipStore(DynamoDB(self.db), self.table, names["PROFILES_TABLE"])  # type: ignore[arg-type]  # as above
        users = [NewProfile(f"p{number}", f"u{number}", frozenset({OTHER})) for number in range(30)]
        self.store.create(ACCOUNT, users, Deadline.after(5))

    def by_import(
        self, action: Action, *users: str, by: str = FIRST, segment: int = SEGMENT, undoes: bool = False
    ) -> list[ImportOutcome]:
        mark = ImportMark(by, is_undoing=undoes)
        change = ImportChange(segment, action, mark, ImportMark(by) if undoes else None)
        return self.store.change_by_import(ACCOUNT, change, users, Deadline.after(5))

    def by_others(self, action: Action, user: str) -> None:
        self.store.change(ACCOUNT, [SetChange(user, action, {SEGMENT})], Deadline.after(5))

    def is_member(self, user: str) -> bool:
        image = self.store.get(ACCOUNT, user, Deadline.after(5))
        return image is not None and SEGMENT in image.segment_ids

    @property
    def writes(self) -> int:
        return len(self.db.stream_records(self.table))


@pytest.fixture
def users() -> Users:
    return Users()


@pytest.mark.parametrize("action", Action)
def test_what_is_asked_again_changes_nothing_and_is_told_as_the_first_time(users: Users, action: Action) -> None:
    everybody = [f"p{number}" for number in range(30)]
    if action is Action.REMOVE:
        users.by_import(Action.ADD, *everybody, by=SECOND)
    assert users.by_import(action, *everybody) == [MADE] * 30
    before = users.writes
    assert users.by_import(action, *everybody) == [MADE] * 30
    assert users.writes == before
    assert users.is_member("p3") is (action is Action.ADD)


def test_who_is_as_asked_by_others_is_superseded_and_not_marked(users: Users) -> None:
    users.by_others(Action.ADD, "p1")
    before = users.writes
    assert users.by_import(Action.ADD, "p0", "p1") == [MADE, SUPERSEDED]
    assert users.by_import(Action.REMOVE, "p2") == [SUPERSEDED]
    assert users.writes == before + 1


def test_what_others_took_back_stays_so_when_the_import_runs_again(users: Users) -> None:
    users.by_import(Action.ADD, "p0")
    users.by_others(Action.REMOVE, "p0")
    assert users.by_import(Action.ADD, "p0") == [MADE]
    assert not users.is_member("p0")


def test_a_user_who_is_gone_is_superseded(users: Users) -> None:
    assert users.by_import(Action.ADD, "nobody", "p0") == [SUPERSEDED, MADE]


def test_a_user_whose_set_is_damaged_is_superseded_and_others_are_changed(users: Users) -> None:
    users.db.update_item(
        TableName=users.table,
        Key={"pk": {"S": f"{ACCOUNT}#p0"}},
        UpdateExpression="SET segment_ids = :damaged",
        ExpressionAttributeValues={":damaged": {"S": "damaged"}},
    )
    assert users.by_import(Action.ADD, "p0", "p1") == [SUPERSEDED, MADE]


def test_imports_of_two_segments_do_not_forget_each_others_work(users: Users) -> None:
    users.by_import(Action.ADD, "p0")
    users.by_import(Action.ADD, "p0", by=SECOND, segment=9)
    assert users.by_import(Action.ADD, "p0") == [MADE]


def test_a_user_whom_the_import_created_is_told_as_created_when_it_runs_again(users: Users) -> None:
    mark = ImportMark(FIRST, is_new_user=True)
    users.store.create(ACCOUNT, [NewProfile("new", "new", frozenset({SEGMENT}), mark)], Deadline.after(5))
    assert users.by_import(Action.ADD, "new", "p0") == [WITH_USER, MADE]


@pytest.mark.parametrize("action", Action)
def test_an_undoing_turns_round_what_the_import_did_once(users: Users, action: Action) -> None:
    back = Action.REMOVE if action is Action.ADD else Action.ADD
    if action is Action.REMOVE:
        users.by_others(Action.ADD, "p0")
    users.by_import(action, "p0")
    assert users.by_import(back, "p0", "p1", undoes=True) == [MADE, SUPERSEDED]
    before = users.writes
    assert users.by_import(back, "p0", "p1", undoes=True) == [MADE, SUPERSEDED]
    assert users.writes == before
    assert users.is_member("p0") is (action is Action.REMOVE)


def test_an_undoing_leaves_alone_whom_a_later_import_changed(users: Users) -> None:
    users.by_import(Action.ADD, "p0", "p1")
    users.by_import(Action.REMOVE, "p0", by=SECOND)
    users.by_import(Action.ADD, "p0", by="65f1b2c3d4e5f0a1b2c3f")
    assert users.by_import(Action.REMOVE, "p0", "p1", undoes=True) == [SUPERSEDED, MADE]
    assert users.is_member("p0")

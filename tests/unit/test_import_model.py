"""What an import comes to by the time, what its guard lets pass, and which figures add up."""

from datetime import UTC, datetime, timedelta

import pytest

from api_segments.core.clock import rfc3339
from api_segments.imports.model import (
    Figure,
    Guard,
    Import,
    ImportStatus,
    Mode,
    UnknownUsers,
    as_of,
    changes_left,
    hit,
    imbalance,
    until,
)
from api_segments.memberships.model import ImportMark

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def an_import(status: ImportStatus) -> Import:
    limit = until(status, NOW)
    return Import(
        account_id="A-1",
        import_id="65f1b2c3d4e5f0a1b2c3d",
        segment_id=1,
        mode=Mode.ADD,
        unknown_users=UnknownUsers.CREATE,
        guard=Guard(),
        applies_itself=True,
        status=status,
        created_at=rfc3339(NOW),
        status_at=rfc3339(NOW),
        until=None if limit is None else rfc3339(limit),
    )


@pytest.mark.parametrize(
    ("status", "hours", "becomes", "why"),
    [
        (ImportStatus.AWAITING_UPLOAD, 24, ImportStatus.FAILED, "it was not started within 24 hours"),
        (ImportStatus.PREVIEWED, 24, ImportStatus.CANCELLED, "its preview was not applied within 24 hours"),
        (ImportStatus.READING, 25, ImportStatus.FAILED, "its execution was lost"),
        (ImportStatus.APPLYING, 25, ImportStatus.FAILED, "its execution was lost"),
        (ImportStatus.UNDOING, 25, ImportStatus.FAILED, "its execution was lost"),
    ],
)
def test_a_state_that_lasts_too_long_ends_by_itself_and_says_why(
    status: ImportStatus, hours: int, becomes: ImportStatus, why: str
) -> None:
    kept = an_import(status)
    assert as_of(kept, NOW + timedelta(hours=hours, microseconds=-1)) == kept
    ended = as_of(kept, NOW + timedelta(hours=hours))
    assert (ended.status, ended.reason, ended.ended_at) == (becomes, why, kept.until)


@pytest.mark.parametrize("status", [ImportStatus.DONE, ImportStatus.REFUSED, ImportStatus.FAILED, ImportStatus.UNDONE])
def test_an_end_lasts_for_ever(status: ImportStatus) -> None:
    kept = an_import(status)
    assert as_of(kept, NOW + timedelta(days=10_000)) == kept


@pytest.mark.parametrize(
    ("guard", "figure"),
    [
        (Guard(max_added=2), Figure.TO_ADD),
        (Guard(max_removed=2), Figure.TO_REMOVE),
        (Guard(max_created=2), Figure.TO_CREATE),
        (Guard(max_rejected=2), Figure.REJECTED),
    ],
)
def test_a_bound_lets_as_many_pass_as_it_says_and_no_more(guard: Guard, figure: Figure) -> None:
    assert hit(guard, {figure: 2}) is None
    said = hit(guard, {figure: 3})
    assert said is not None
    assert "is 2, and 3 " in said


def test_the_percentage_is_of_the_members_before() -> None:
    guard = Guard(max_removed_percent=20)
    assert hit(guard, {Figure.TO_REMOVE: 20, Figure.MEMBERS: 100}) is None
    assert hit(guard, {Figure.TO_REMOVE: 21, Figure.MEMBERS: 100}) == (
        "max_removed_percent is 20, and 21 of 100 members would be removed"
    )
    assert hit(Guard(max_removed_percent=0), {Figure.MEMBERS: 0}) is None
    assert hit(Guard(max_removed_percent=100), {Figure.TO_REMOVE: 7, Figure.MEMBERS: 7}) is None


def test_no_guard_lets_all_pass() -> None:
    assert hit(Guard(), {Figure.TO_REMOVE: 10**9, Figure.MEMBERS: 1}) is None


def test_every_row_must_be_in_one_figure() -> None:
    figures = {
        Figure.ROWS: 21,
        Figure.REJECTED: 1,
        Figure.DUPLICATE: 2,
        Figure.SKIPPED: 3,
        Figure.UNCHANGED: 4,
        Figure.TO_ADD: 5,
        Figure.TO_REMOVE_NAMED: 6,
        Figure.TO_REMOVE: 100,
        Figure.TO_CREATE: 5,
    }
    assert imbalance(figures) is None
    for figure in list(figures)[:7]:
        assert imbalance({**figures, figure: figures[figure] + 1}) is not None


def test_every_change_must_come_to_one_end() -> None:
    preview = {Figure.TO_ADD: 5, Figure.TO_REMOVE: 3}
    assert changes_left(preview, {Figure.ADDED: 4, Figure.REMOVED: 2, Figure.SUPERSEDED: 2}) == 0
    assert changes_left(preview, {Figure.ADDED: 5, Figure.REMOVED: 2}) == 1
    assert changes_left(preview, {Figure.ADDED: 6, Figure.REMOVED: 3}) == -1


@pytest.mark.parametrize("is_undoing", [False, True])
@pytest.mark.parametrize("is_new_user", [False, True])
def test_a_mark_is_read_as_it_was_written(is_undoing: bool, is_new_user: bool) -> None:
    mark = ImportMark("65f1b2c3d4e5f0a1b2c3d", is_undoing=is_undoing, is_new_user=is_new_user)
    assert ImportMark.read(str(mark)) == mark
    assert str(mark).startswith(mark.prefix)
    assert not str(mark).startswith(ImportMark(mark.import_id, is_undoing=not is_undoing).prefix)

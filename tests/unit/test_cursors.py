"""Cursors come back as they were given, and nothing else is taken for one."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_segments.aws.signed_tokens import SignedTokens
from api_segments.aws.signing_key import SigningKeyStore
from api_segments.core.clock import Deadline
from api_segments.core.errors import InvalidRequestError
from api_segments.core.limits import CURSOR_HOURS
from api_segments.http.cursors import Cursors
from tests.support.clock import MovableClock

DEADLINE = Deadline.after(60)
ids = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable())
positions = st.lists(ids | st.integers(0, 2**53), max_size=3).map(tuple)
queries = st.dictionaries(st.sampled_from(["path", "status", "customer_segment_id_prefix"]), ids)


class OneKey(SigningKeyStore):
    """A key without a database."""

    def __init__(self, key: bytes = b"k" * 32) -> None:
        self._known = key


def cursors(after: timedelta = timedelta(), key: bytes = b"k" * 32) -> Cursors:
    clock = MovableClock()
    clock.move(seconds=after.total_seconds())
    return Cursors(SignedTokens(OneKey(key)), clock)


@given(ids, queries, positions)
def test_a_position_comes_back_as_it_was(
    account_id: str, query: Mapping[str, str], position: tuple[str | int, ...]
) -> None:
    cursor = cursors().write(account_id, query, position, DEADLINE)
    assert cursor.isascii()
    assert cursors(timedelta(hours=CURSOR_HOURS)).read(account_id, query, cursor, DEADLINE) == position


def refused(cursor: str, account_id: str = "A", query: Mapping[str, str] | None = None, **other: object) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        cursors(**other).read(account_id, query or {"path": "/p"}, cursor, DEADLINE)  # type: ignore[arg-type]
    return str(caught.value)


@given(st.data())
def test_one_that_was_altered_anywhere_is_none(data: st.DataObject) -> None:
    cursor = cursors().write("A", {"path": "/p"}, ("x", 1), DEADLINE)
    position = data.draw(st.integers(0, len(cursor) - 1))
    altered = cursor[:position] + data.draw(st.characters()) + cursor[position + 1 :]
    if altered != cursor:
        assert refused(altered).startswith("cursor: must be")
    assert refused(cursor[:position])
    assert refused(cursor + data.draw(st.text(min_size=1, max_size=3)))


@given(st.text(max_size=200))
def test_any_text_is_refused(text: str) -> None:
    assert refused(text).startswith("cursor: must be")


def test_one_of_another_account_query_or_stack_is_none() -> None:
    cursor = cursors().write("A", {"path": "/p"}, (1,), DEADLINE)
    assert refused(cursor, account_id="B")
    assert refused(cursor, query={"path": "/q"})
    assert refused(cursor, query={"path": "/p", "status": "all"})
    assert refused(cursor, key=b"x" * 32)


def test_one_that_is_too_old_says_so() -> None:
    cursor = cursors().write("A", {"path": "/p"}, (1,), DEADLINE)
    assert refused(cursor, after=timedelta(hours=CURSOR_HOURS, seconds=1)) == (
        f"cursor: is older than {CURSOR_HOURS} hours; begin the list anew"
    )


def test_one_of_a_time_that_is_yet_to_come_is_none() -> None:
    cursor = cursors(timedelta(seconds=61)).write("A", {"path": "/p"}, (1,), DEADLINE)
    assert refused(cursor) == "cursor: is of a time that is yet to come; begin the list anew"
    just_ahead = cursors(timedelta(seconds=60)).write("A", {"path": "/p"}, (1,), DEADLINE)
    assert cursors().read("A", {"path": "/p"}, just_ahead, DEADLINE) == (1,)

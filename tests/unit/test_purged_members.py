"""Which records tell that a clean-up of a deleted segment took a member away."""

from datetime import UTC, datetime

import pytest

from api_segments.memberships.model import NOBODY, MembershipImage, MembershipRecord, Purge

FIRST, SECOND, OF_ANOTHER = Purge(7, "a"), Purge(7, "b"), Purge(8, "c")


def image(segment_ids: set[int], purge: Purge | None) -> MembershipImage:
    return MembershipImage("U0", frozenset(segment_ids), frozenset(), purge)


@pytest.mark.parametrize(
    ("old", "new", "purged"),
    [
        (image({7, 8}, None), image({8}, FIRST), {7}),
        (image({7, 8}, FIRST), image({8}, SECOND), {7}),
        (image({7, 8}, OF_ANOTHER), image({8}, FIRST), {7}),
        (image({8}, FIRST), image({8}, SECOND), set()),  # it was out before
        (image({7, 8}, FIRST), image({8}, FIRST), set()),  # an update that had seen the segment active
        (image({7, 8}, None), image({8}, None), set()),
        (image({8}, FIRST), image({7, 8}, FIRST), set()),
        (image({7}, FIRST), NOBODY, set()),  # erased
    ],
)
def test_a_clean_up_is_known_by_a_new_mark_and_by_who_left(
    old: MembershipImage, new: MembershipImage, purged: set[int]
) -> None:
    record = MembershipRecord("e", "1", datetime(2026, 11, 29, tzinfo=UTC), "T-1", "p", old, new)
    assert record.purged == purged

"""Keys: no two things share one, and none is longer than DynamoDB takes."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api_segments.accounts.service import ACCOUNT_ID
from api_segments.aws import keys
from api_segments.aws.keys import COUNTER_SLOTS, MEMBER_BUCKETS
from api_segments.core.clock import rfc3339
from api_segments.core.limits import MAX_ID_CHARACTERS, MAX_SEGMENT_ID
from api_segments.memberships.model import Action

LONGEST_ACCOUNT = "A" * 64
LONGEST_TEXT = "😀" * MAX_ID_CHARACTERS
SORT_KEY_BYTES, PARTITION_KEY_BYTES = 1024, 2048  # DynamoDB developer guide, "Service quotas"

account_ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{2,8}", fullmatch=True) | st.sampled_from(["abc", "abc-1", "1-2"])
# Mostly what separates parts of keys, so that parts could run into each other if they may.
texts = st.text(st.sampled_from("#01a-"), min_size=1, max_size=8) | st.text(min_size=1, max_size=20)
segment_ids = st.integers(1, 20) | st.integers(1, MAX_SEGMENT_ID)

OF_ACCOUNT_AND_TEXT = [keys.identity_claim, keys.membership]


@st.composite
def halves(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Return one string cut in two at each of two places: what collides when the parts are only put together."""
    account = draw(st.text("a1-", min_size=8, max_size=12).map("abc".__add__))
    text = draw(st.text("a1-#", min_size=1, max_size=8))
    cuts = draw(st.lists(st.integers(3, len(account)), min_size=2, max_size=2))
    return [(account[:cut], account[cut:] + text) for cut in cuts]


@pytest.mark.parametrize("key", OF_ACCOUNT_AND_TEXT)
@given(users=halves() | st.lists(st.tuples(account_ids, texts), min_size=2, max_size=2))
def test_two_users_never_share_a_key(key: Callable[[str, str], str], users: list[tuple[str, str]]) -> None:
    one, other = users
    assert (key(*one) == key(*other)) == (one == other)


@given(one=st.tuples(account_ids, segment_ids, texts), other=st.tuples(account_ids, segment_ids, texts))
def test_two_memberships_never_share_a_row(one: tuple[str, int, str], other: tuple[str, int, str]) -> None:
    def row(account_id: str, segment_id: int, profile_id: str) -> tuple[str, str]:
        return keys.member_bucket(account_id, segment_id, profile_id), profile_id

    assert (row(*one) == row(*other)) == (one == other)


@given(segments=st.sets(segment_ids, max_size=5), customer_ids=st.sets(texts, max_size=5))
def test_all_that_the_segments_table_holds_has_keys_of_its_own(segments: set[int], customer_ids: set[str]) -> None:
    made = [keys.ACTIVE_SEGMENTS]
    made += [key(segment_id) for segment_id in segments for key in (keys.segment, keys.deleted_segment)]
    made += [key for segment_id in segments for key in keys.segment_counts(segment_id)]
    made += [keys.customer_segment_id_claim(customer_id) for customer_id in customer_ids]
    assert len(set(made)) == len(made) == 1 + (2 + COUNTER_SLOTS) * len(segments) + len(customer_ids)


@given(one=segment_ids, other=segment_ids)
def test_segments_sort_by_their_ids(one: int, other: int) -> None:
    for key in (keys.segment, keys.deleted_segment):
        assert (key(one) < key(other)) == (one < other)


@given(segment_id=segment_ids, customer_id=texts)
def test_what_a_key_was_made_of_can_be_read_from_it(segment_id: int, customer_id: str) -> None:
    assert {keys.id_in(key) for key in keys.segment_counts(segment_id)} == {segment_id}
    assert keys.claimed_customer_segment_id(keys.customer_segment_id_claim(customer_id)) == customer_id


@given(one=st.tuples(account_ids, texts), other=st.tuples(account_ids, texts))
def test_two_profiles_never_share_a_row_of_the_index(one: tuple[str, str], other: tuple[str, str]) -> None:
    def row(account_id: str, profile_id: str) -> tuple[str, str]:
        return keys.account_bucket(account_id, profile_id), profile_id

    assert (row(*one) == row(*other)) == (one == other)


@given(one=account_ids, other=account_ids, profile_id=texts)
def test_the_buckets_of_an_account_hold_its_profiles_and_no_other_ones(one: str, other: str, profile_id: str) -> None:
    buckets = keys.account_buckets(one)
    assert len(set(buckets)) == len(buckets) == MEMBER_BUCKETS
    assert (keys.account_bucket(other, profile_id) in buckets) == (one == other)


@given(one=st.tuples(account_ids, segment_ids), other=st.tuples(account_ids, segment_ids))
def test_two_segments_never_share_a_bucket(one: tuple[str, int], other: tuple[str, int]) -> None:
    assert set(keys.member_buckets(*one)).isdisjoint(keys.member_buckets(*other)) == (one != other)


@given(accounts=st.sets(account_ids, max_size=6), months=st.sets(st.from_regex(r"[0-9]{4}-[01][0-9]", fullmatch=True)))
def test_all_that_the_accounts_table_holds_has_keys_of_its_own(accounts: set[str], months: set[str]) -> None:
    of_each = [keys.ACCOUNT, *(key for month in months for key in keys.usage(month))]
    made = [(account_id, sk) for account_id in accounts for sk in of_each]
    made += [(keys.STACK, keys.SIGNING_KEY), *((keys.STACK, keys.known_account(each)) for each in accounts)]
    assert len(set(made)) == len(made) == len(accounts) * (len(of_each) + 1) + 1
    # No account can have the stack's own partition.
    assert ACCOUNT_ID.fullmatch(keys.STACK) is None
    # One query finds the accounts and nothing else.
    found = {sk for partition, sk in made if partition == keys.STACK and sk.startswith(keys.KNOWN_ACCOUNTS)}
    assert {sk.removeprefix(keys.KNOWN_ACCOUNTS) for sk in found} == accounts


campaign_ids = segment_ids
actions = st.sampled_from(list(Action))


@given(
    campaigns=st.sets(campaign_ids, max_size=4),
    deliveries=st.sets(texts, max_size=4),
    triggers=st.sets(st.tuples(segment_ids, actions), max_size=3),
    requests=st.sets(st.from_regex("[!-~]{1,8}", fullmatch=True), max_size=3),
)
def test_all_that_the_campaigns_table_holds_has_keys_of_its_own(
    campaigns: set[int], deliveries: set[str], triggers: set[tuple[int, Action]], requests: set[str]
) -> None:
    made = [keys.LIVE_CAMPAIGNS, *map(keys.campaign_request, requests)]
    for campaign_id in campaigns:
        made += [keys.campaign(campaign_id), keys.campaign_content(campaign_id), *keys.campaign_results(campaign_id)]
        made += [keys.delivery(campaign_id, delivery_id) for delivery_id in deliveries]
        made += [keys.trigger(segment_id, action, campaign_id) for segment_id, action in triggers]
    of_each = 2 + COUNTER_SLOTS + len(deliveries) + len(triggers)
    assert len(set(made)) == len(made) == 1 + len(requests) + of_each * len(campaigns)
    # One query finds a campaign's deliveries, one the campaigns that act on a change, and nothing else.
    for campaign_id in campaigns:
        found = [key for key in made if key.startswith(keys.deliveries(campaign_id))]
        assert len(found) == len(deliveries)
    for segment_id, action in triggers:
        found = [key for key in made if key.startswith(keys.triggers(segment_id, action))]
        assert len(found) == len(campaigns)


@given(one=campaign_ids, other=campaign_ids)
def test_campaigns_and_their_results_sort_by_their_ids(one: int, other: int) -> None:
    assert (keys.campaign(one) < keys.campaign(other)) == (one < other)
    assert (keys.campaign_results(one)[-1] < keys.campaign_results(other)[0]) == (one < other)
    assert {keys.id_in(key) for key in keys.campaign_results(one)} == {one}


@given(one=st.text(min_size=230, max_size=255), other=st.text(min_size=230, max_size=255))
@example(one="😀" * 255, other="😀" * 254 + "😁")
@example(one="#" + "a" * 64, other="😀" * 255)
def test_two_deliveries_never_share_a_key_however_long_their_ids(one: str, other: str) -> None:
    assert (keys.delivery(1, one) == keys.delivery(1, other)) == (one == other)
    assert len(keys.delivery(MAX_SEGMENT_ID, one).encode()) <= SORT_KEY_BYTES


@given(one=texts, other=texts)
def test_members_of_all_segments_sort_alike(one: str, other: str) -> None:
    rows = [(keys.member_bucket("abc", 7, each), each.encode()) for each in (one, other)]
    assert (keys.member_order(one) < keys.member_order(other)) == (rows[0] < rows[1])


moments = st.datetimes(datetime(1971, 1, 1), timezones=st.just(UTC)).map(rfc3339)  # noqa: DTZ001 - what Hypothesis takes
rejections = st.tuples(moments, st.uuids().map(str), st.integers(0, 9999))


@given(one=rejections, other=rejections)
def test_rejections_sort_by_their_time_and_two_never_share_a_key(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    first, second = keys.update_errors(*one), keys.update_errors(*other)
    assert (first == second) == (one == other)
    assert (first < second) == (one < other)
    assert first < keys.AFTER_UPDATE_ERRORS


def test_usage_of_a_month_is_spread_over_slots_beside_the_account() -> None:
    made = [keys.ACCOUNT, *keys.usage("2026-01"), *keys.usage("2026-02")]
    assert len(set(made)) == 1 + 2 * COUNTER_SLOTS


@pytest.mark.parametrize(
    "key",
    [
        keys.customer_segment_id_claim(LONGEST_TEXT),
        keys.segment(MAX_SEGMENT_ID),
        keys.segment_counts(MAX_SEGMENT_ID)[-1],
        keys.update_errors("2026-01-01T00:00:00.000000Z", "x" * 36, 9999),
        keys.campaign_request("x" * 255),
        keys.trigger(MAX_SEGMENT_ID, Action.REMOVE, MAX_SEGMENT_ID),
        LONGEST_TEXT,  # profile_id in SegmentMembers, customer_segment_id in the index
    ],
)
def test_the_longest_sort_keys_fit(key: str) -> None:
    assert len(key.encode()) <= SORT_KEY_BYTES


@pytest.mark.parametrize(
    "key",
    [
        keys.identity_claim(LONGEST_ACCOUNT, LONGEST_TEXT),
        keys.membership(LONGEST_ACCOUNT, LONGEST_TEXT),
        keys.member_bucket(LONGEST_ACCOUNT, MAX_SEGMENT_ID, LONGEST_TEXT),
    ],
)
def test_the_longest_partition_keys_fit(key: str) -> None:
    assert len(key.encode()) <= PARTITION_KEY_BYTES


def test_members_of_a_segment_are_spread_over_all_buckets() -> None:
    buckets = {keys.member_bucket("abc", 1, f"profile-{number}") for number in range(500)}
    assert len(buckets) == MEMBER_BUCKETS

"""Create segments, push members, and every real change leaves as one event."""

from tests.integration.conftest import Account, RecordingBus, Relay


def users(*identities: str) -> list[dict[str, str]]:
    return [{"identity": identity} for identity in identities]


def add(*segment_ids: int) -> list[dict[str, object]]:
    return [{"ct_segment_id": segment_id, "action": "ADD"} for segment_id in segment_ids]


def remove(*segment_ids: int) -> list[dict[str, object]]:
    return [{"ct_segment_id": segment_id, "action": "REMOVE"} for segment_id in segment_ids]


def test_added_users_are_members_at_once_and_each_change_is_one_event(
    account: Account, relay: Relay, bus: RecordingBus
) -> None:
    gold, silver = account.create("GOLD", None)
    answer = account.update((users("a", "b"), add(gold, silver)))
    assert answer["summary"] == {"added": 4, "removed": 0, "unchanged": 0, "profiles_created": 2}
    assert account.segments_of("a") == {gold, silver}

    relay.drain()
    events = bus.details(account.account_id)
    assert {(event["Identity"], event["Segment ID"], event["Action"]) for event in events} == {
        (identity, segment, "ADD") for identity in "ab" for segment in (gold, silver)
    }
    assert len({event["Event ID"] for event in events}) == 4
    assert {event["Customer_Segment_ID"] for event in events if event["Segment ID"] == gold} == {"GOLD"}
    assert {event["Customer_Segment_ID"] for event in events if event["Segment ID"] == silver} == {None}
    assert (account.members(gold), account.members(silver)) == (2, 2)


def test_a_repeat_changes_nothing_and_publishes_nothing(account: Account, relay: Relay, bus: RecordingBus) -> None:
    (gold,) = account.create("GOLD")
    account.update((users("a"), add(gold)))
    answer = account.update((users("a"), add(gold)))
    assert answer["summary"] == {"added": 0, "removed": 0, "unchanged": 1, "profiles_created": 0}
    relay.drain()
    assert len(bus.details(account.account_id)) == 1


def test_adds_and_removes_of_one_user_in_one_request(account: Account, relay: Relay, bus: RecordingBus) -> None:
    gold, silver = account.create(None, None)
    account.update((users("a"), add(silver)))
    answer = account.update((users("a"), add(gold) + remove(silver)))
    assert answer["summary"] == {"added": 1, "removed": 1, "unchanged": 0, "profiles_created": 0}
    assert account.segments_of("a") == {gold}
    relay.drain()
    assert sorted((event["Segment ID"], event["Action"]) for event in bus.details(account.account_id)) == [
        (gold, "ADD"),
        (silver, "ADD"),
        (silver, "REMOVE"),
    ]
    assert (account.members(gold), account.members(silver)) == (1, 0)

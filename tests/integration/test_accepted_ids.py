"""Ids that are accepted come back as they were sent, from every place that shows them."""

import pytest

from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.bodies import act, users

TEXTS = {
    "a character": "x",
    "255 characters": "x" * 255,
    "255 four-byte characters": "😀" * 255,
    "number signs": "a#b##",
    "a number sign alone": "#",
    "spaces inside and around": " a b ",
    "not composed": "e\u0301",
    "composed": "\xe9",
    "Arabic": "شريحة",
    "joined emoji": "👩\u200d👩\u200d👧",
    "last code point": "\U0010ffff",
    "quotes and backslashes": "\"'\\/",
    "looks like a path": "../../etc/passwd?x=1&y=%00",
    "looks like a key": "SEGMENT#0000000000000001",
    "looks like PartiQL": "' OR 1=1 --",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_accepted_ids_come_back_as_they_were_sent(account: Account, relay: Relay, bus: RecordingBus, text: str) -> None:
    status, created = account.call("create_segment", [{"segment_name": text, "customer_segment_id": text}])
    assert (status, created["status"]) == (200, "success")
    (segment,) = created["segments"]
    assert (segment["segment_name"], segment["customer_segment_id"]) == (text, text)

    answer = account.update((users(text), [act("ADD", customer=text)]), ([{"guid": text}], [act("ADD", customer=text)]))
    assert answer["summary"] == {"added": 2, "removed": 0, "unchanged": 0, "profiles_created": 2}

    status, read = account.get("/api/segments/{segment_id}", segment_id=str(segment["id"]))
    assert (read["segment_name"], read["customer_segment_id"]) == (text, text)
    status, profile = account.get("/api/profiles/{identity}/segments", identity=text)
    assert (status, profile["identity"], profile["segments"]) == (200, text, [segment])

    relay.drain()
    events = bus.details(account.account_id)
    assert {event["Identity"] for event in events} == {text, None}
    assert {event["Profile ID"] for event in events} == {profile["guid"], text}
    assert {(event["Segment Name"], event["Customer_Segment_ID"]) for event in events} == {(text, text)}
    assert account.members(segment["id"]) == 2


def test_ids_that_only_look_alike_are_different(account: Account) -> None:
    texts = ["é", "e\u0301", "E\u0301", "a", "A", "a ", " a", "a#", "#a", "0", "00"]
    ids = account.create(*texts)
    answer = account.update(*([users(text), [act("ADD", customer=text)]] for text in texts))  # type: ignore[arg-type]  # a list will do for a pair
    assert answer["summary"] == {"added": 11, "removed": 0, "unchanged": 0, "profiles_created": 11}
    assert [account.segments_of(text) for text in texts] == [{segment_id} for segment_id in ids]

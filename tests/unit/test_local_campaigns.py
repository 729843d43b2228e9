"""What the demo expects its campaigns to send, worked out from the customers' file alone."""

import json

from local.audience import Shop, joining, moving, played
from local.campaigns import EXCLUDED, INCLUDED, JOINED, OFFLINE, ONLINE, Expected
from local.customers import read
from local.uploads import records_of, second_thoughts

CUSTOMERS = read()
NAMES = {customer.customer_id: customer.name for customer in CUSTOMERS}


def test_books_are_those_of_the_main_job_in_its_own_order() -> None:
    shop, half = Shop(), len(CUSTOMERS) // 2
    shop.upload(records_of(CUSTOMERS[:half]))
    shop.apply(joining(CUSTOMERS))
    shop.upload(records_of(CUSTOMERS[half:]))
    shop.apply(moving(CUSTOMERS))
    shop.upload(second_thoughts(CUSTOMERS))
    assert (played(CUSTOMERS).segments_of, played(CUSTOMERS).reach_of) == (shop.segments_of, shop.reach_of)


def test_exclusion_and_reach_leave_some_out_and_nobody_gets_two() -> None:
    shop = played(CUSTOMERS)
    expected = Expected.of(shop, NAMES)
    included = [i for i, segments in shop.segments_of.items() if not segments.isdisjoint(INCLUDED)]
    assert 100 < expected.emails.total() < expected.emails.total() + expected.unreachable < len(included)
    assert set(expected.emails.values()) == {1}
    assert any(EXCLUDED in shop.segments_of[identity] for identity in included)


def test_who_joins_was_not_in_the_segment_and_gets_one_sms() -> None:
    shop = played(CUSTOMERS)
    expected = Expected.of(shop, NAMES)
    assert JOINED not in shop.segments_of[expected.joins]
    ((channel, phone, text),) = expected.sms
    assert (channel, phone) == ("sms", shop.reach_of[expected.joins].data["Phone"])
    assert text.endswith(NAMES[expected.joins].split(" ")[0])


def test_both_requests_are_json() -> None:
    assert json.loads(json.dumps([OFFLINE, ONLINE])) == [OFFLINE, ONLINE]

"""Local times of campaigns: read in the account's zone, across changes of clocks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_segments.campaigns.planning.times import LocalStart, as_number, read_start, start_of_day
from api_segments.core.errors import InvalidRequestError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "zone", "moment", "comes_twice"),
    [
        ("20260301 12:01", "UTC", datetime(2026, 3, 1, 12, 1, tzinfo=UTC), False),
        ("20260301 13:01", BERLIN, datetime(2026, 3, 1, 12, 1, tzinfo=UTC), False),
        ("20260701 09:30", BERLIN, datetime(2026, 7, 1, 7, 30, tzinfo=UTC), False),
        ("20260329 01:59", BERLIN, datetime(2026, 3, 29, 0, 59, tzinfo=UTC), False),
        ("20260329 03:00", BERLIN, datetime(2026, 3, 29, 1, 0, tzinfo=UTC), False),
        ("20261025 02:30", BERLIN, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), True),
        ("20260301 18:00", "Asia/Kolkata", datetime(2026, 3, 1, 12, 30, tzinfo=UTC), False),
        ("20270301 12:00", "UTC", NOW + timedelta(days=365), False),
        ("20261025 01:59", BERLIN, datetime(2026, 10, 24, 23, 59, tzinfo=UTC), False),
        ("20261025 02:00", BERLIN, datetime(2026, 10, 25, 0, 0, tzinfo=UTC), True),
        ("20261025 02:59", BERLIN, datetime(2026, 10, 25, 0, 59, tzinfo=UTC), True),
        ("20261025 03:00", BERLIN, datetime(2026, 10, 25, 2, 0, tzinfo=UTC), False),
        ("20261101 01:30", "America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC), True),
        ("20260405 01:45", "Australia/Lord_Howe", datetime(2026, 4, 4, 14, 45, tzinfo=UTC), True),  # half an hour of it
        ("20260405 02:00", "Australia/Lord_Howe", datetime(2026, 4, 4, 15, 30, tzinfo=UTC), False),
    ],
)
def test_a_local_time_is_a_moment(text: str, zone: str, moment: datetime, comes_twice: bool) -> None:
    assert read_start(text, zone, NOW, "when") == LocalStart(moment, zone, comes_twice)


@pytest.mark.parametrize(
    ("text", "zone", "offset"),
    [
        ("20261025 02:30", BERLIN, "+02:00"),
        ("20261025 03:00", BERLIN, "+01:00"),
        ("20261101 01:30", "America/New_York", "-04:00"),
        ("20260302 12:00", "Asia/Kolkata", "+05:30"),
        ("20260302 12:00", "UTC", "+00:00"),
    ],
)
def test_the_offset_is_that_of_the_moment(text: str, zone: str, offset: str) -> None:
    assert read_start(text, zone, NOW, "when").utc_offset == offset


@pytest.mark.parametrize(
    ("text", "zone", "error"),
    [
        ("20260329 02:30", BERLIN, "when: there is no such time in Europe/Berlin, its clocks go forward over it"),
        ("20260301 12:00", "UTC", "when: is past, it is 20260301 12:00 in UTC"),
        ("20260301 12:59", BERLIN, "when: is past, it is 20260301 13:00 in Europe/Berlin"),
        ("20270301 12:01", "UTC", "when: must be at most 365 days ahead"),
        *(
            (text, "UTC", 'when: must be "now" or a time like "20261224 09:30"')
            for text in (
                "",
                "NOW",
                "2026-03-02 10:00",
                "20260302",
                "20260302 24:00",
                "20260230 10:00",
                "20260302 10:60",
            )
        ),
        *(
            (text, "UTC", 'when: must be "now" or a time like "20261224 09:30"')
            for text in ("20260302 10:00 ", "20260302 10:00\n", "٢0260302 10:00", "00000101 10:00", "20260302T10:00")
        ),
    ],
)
def test_what_is_no_time_to_start_at_is_refused(text: str, zone: str, error: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_start(text, zone, NOW, "when")
    assert str(refused.value) == error


@given(
    moment=st.integers(0, 363 * 24 * 60).map(lambda minutes: NOW + timedelta(days=1, minutes=minutes)),
    zone=st.sampled_from([BERLIN, "UTC", "America/New_York"]),
)
def test_what_is_read_is_written_alike(moment: datetime, zone: str) -> None:
    text = f"{moment:%Y%m%d %H:%M}"
    try:
        start = read_start(text, zone, NOW, "when")
    except InvalidRequestError as error:
        assert "no such time" in str(error)  # noqa: PT017 - either way is right, at its time
        assert moment.hour in (2, 3)
    else:
        assert as_number(start.moment, zone) == int(f"{moment:%Y%m%d%H%M}")


def test_a_day_is_the_accounts_own_and_as_long_as_its_clocks_make_it() -> None:
    begins = start_of_day("20260329", BERLIN, "from")
    ends = start_of_day("20260329", BERLIN, "to", later_days=1)
    assert begins == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert ends - begins == timedelta(hours=23)


@pytest.mark.parametrize("text", ["", "2026", "20260230", "2026-3-1", "00000101", "99991231x"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"^from: must be a day like 20261224$"):
        start_of_day(text, BERLIN, "from")


@pytest.mark.parametrize("text", ["00010101", "99991231"])
def test_days_at_the_ends_of_the_calendar_are_refused_or_read_but_never_an_error_of_ours(text: str) -> None:
    for zone in (BERLIN, "America/New_York", "Pacific/Auckland"):
        for later in (0, 1):
            try:
                assert start_of_day(text, zone, "to", later_days=later).tzinfo is UTC
            except InvalidRequestError as error:
                assert str(error) == "to: must be a day like 20261224"  # noqa: PT017 - either way is right

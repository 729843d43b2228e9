"""Bodies made to cost much: they, or their entries, are refused within what a function has (1,024 MB, for 4 MiB)."""

import tracemalloc

import pytest

from tests.unit.conftest import CREATE, UPDATE, Api


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"bulk_profiles":[{"user_profiles":[{"identity":"a"}],"segments":[' + "1," * 500_000 + "1]}]}", 400),
        ("[" + "1," * 500_000 + "1]", 400),
        ("[{" + ",".join(f'"{index}":1' for index in range(80_000)) + "}]", 200),
    ],
    ids=["segments", "entries", "fields"],
)
def test_a_body_full_of_mistakes_of_1_mb_costs_no_more_than_128_mb(api: Api, body: str, code: int) -> None:
    function = UPDATE if "bulk_profiles" in body else CREATE
    tracemalloc.start()
    try:
        status, _ = api.post(function, body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (status, peak < 128 * 1024 * 1024) == (code, True)

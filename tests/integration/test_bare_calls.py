"""The benchmark that makes the SDK calls of the handlers alone makes the very same."""

from tests.benchmarks.__main__ import prepared_stand_in, worker
from tests.benchmarks.bare import JOBS, USERS, Beside


def test_the_calls_made_alone_are_those_of_the_handlers_in_the_same_rounds() -> None:
    with prepared_stand_in() as (control, variables):
        found = {job: Beside.read(each) for job, each in worker("bare", variables, control.url, "1").items()}
    assert tuple(found) == JOBS
    for job, beside in found.items():
        ours, bare = beside.ours, beside.bare
        assert (ours.books["calls"], ours.books["rounds"]) == (bare.books["calls"], bare.books["rounds"]), job
        assert ours.books["bytes_in"] == bare.books["bytes_in"], job
        assert len(ours.cpu) == len(bare.cpu) == 1
    assert found["publish"].bare.books["events"] == USERS

"""Roles: a function is let do all that it does, by a tour and by seeds, and nothing that it never does."""

import pytest

from segments.stores.keys import STACK
from tests.simulation.plan import draw
from tests.simulation.run import play
from tests.simulation.tour import Tour
from tests.simulation.world import World
from tests.support.rights import FUNCTIONS, Right, Use, allows, granted, used_by_lambda, uses

SEEDS = range(1, 21)


@pytest.fixture(scope="module")
def used() -> set[Use]:
    """All that the functions asked for."""
    world = World("tour", mild=True)
    with world.installed():
        world.run(Tour(world).play)
    worlds = [world]
    for seed in SEEDS:
        play(draw(seed), worlds.append)  # whether all holds in them is another test's matter
    return set().union(*(each.used for each in worlds))


def test_each_role_allows_what_its_function_does(used: set[Use]) -> None:
    assert [use for use in used if not allows(use)] == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_role_grants_what_its_function_never_does(function: str, used: set[Use]) -> None:
    asked_for = [use for use in used if use.function == function]
    own = granted(function) - used_by_lambda(function)
    assert sorted(right for right in own if not any(use.needs(right) for use in asked_for)) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_role_allows_what_lambda_does_for_its_function(function: str) -> None:
    assert used_by_lambda(function) <= granted(function)


def test_each_call_needs_what_aws_says() -> None:
    environment = {"SEGMENTS_TABLE": "S", "MEMBERSHIPS_TABLE": "M", "ACCOUNTS_TABLE": "A"}
    key = {"account_id": {"S": STACK}, "sk": {"S": "KEY"}}

    def needed(operation: str, **arguments: object) -> set[Right]:
        found = uses("any", operation, arguments, environment)
        return {Right(use.action, use.resource, use.partition) for use in found}

    transaction = [
        {"Put": {"TableName": "S", "Item": key}},
        {"ConditionCheck": {"TableName": "M", "Key": {"pk": {"S": "p"}}}},
    ]
    assert needed("transact_write_items", TransactItems=transaction) == {
        Right("dynamodb:PutItem", "SegmentsTable", STACK),
        Right("dynamodb:ConditionCheckItem", "MembershipsTable", "p"),
    }
    statements = [{"Statement": 'UPDATE "M" SET x = 1 WHERE pk = ?'}]
    assert needed("batch_execute_statement", Statements=statements) == {
        Right("dynamodb:PartiQLUpdate", "MembershipsTable")
    }
    assert needed("query", TableName="S", IndexName="I") == {Right("dynamodb:Query", "SegmentsTable/index/I")}


def test_a_right_to_one_partition_is_none_to_another() -> None:
    use = Use("manage_segments", "dynamodb:PutItem", "AccountsTable", STACK)
    assert allows(use)
    assert not allows(Use(use.function, use.action, use.resource, "SOMEBODY"))
    assert not allows(Use("update_segment", "dynamodb:Scan", "SegmentsTable"))

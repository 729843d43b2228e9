"""Roles: a function is let do all that it does, by a tour and by seeds, and nothing that it never does."""

from itertools import permutations

import pytest

from api_segments.aws.keys import STACK
from tests.simulation.plan import draw
from tests.simulation.run import play
from tests.simulation.tour import Tour
from tests.simulation.world import NAMES, World
from tests.support.rights import FUNCTIONS, Right, Use, allows, arn, granted, granted_by, named_in, used_by_lambda, uses
from tests.support.template import resources

SEEDS = range(1, 21)
ROLES = tuple(resources("AWS::IAM::Role"))


@pytest.fixture(scope="module")
def toured() -> World:
    """The world after the tour."""
    world = World("tour", mild=True)
    with world.installed():
        world.run(Tour(world).play)
    return world


@pytest.fixture(scope="module")
def used(toured: World) -> set[Use]:
    """All that the functions asked for."""
    worlds = [toured]
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


@pytest.mark.parametrize("role", ROLES)
def test_no_role_grants_anything_twice(role: str) -> None:
    rights = granted_by(role)
    assert [pair for pair in permutations(rights, 2) if pair[0].covers(pair[1])] == []


def test_the_scheduler_may_feed_the_queue_that_schedules_feed_and_nothing_else(toured: World) -> None:
    """AWS itself has the role for that, one of the two that are no function's."""
    functions = resources("AWS::Serverless::Function").values()
    of_functions = {each["Role"]["GetAtt"].removesuffix(".Arn") for each in functions}
    assert set(ROLES) - of_functions == {"SchedulerRole", "ImportWorkflowRole"}
    assert toured.schedules.targets == {(NAMES["SCHEDULER_ROLE_ARN"], NAMES["CAMPAIGN_QUEUE_ARN"])}
    assert granted_by("SchedulerRole") == [Right("sqs:SendMessage", "CampaignQueue")]


def test_the_workflow_may_invoke_its_two_functions_and_run_parts_of_itself_and_nothing_else() -> None:
    machine, executions = arn("states", "stateMachine:stack-imports"), arn("states", "execution:stack-imports:*")
    assert granted_by("ImportWorkflowRole") == [
        Right("lambda:InvokeFunction", "ReadImportFunction"),
        Right("lambda:InvokeFunction", "ApplyImportFunction"),
        Right("states:StartExecution", machine),
        Right("states:DescribeExecution", executions),
        Right("states:StopExecution", executions),
    ]


def test_each_call_needs_what_aws_says() -> None:
    environment = {"SEGMENTS_TABLE": "S", "MEMBERSHIPS_TABLE": "M", "ACCOUNTS_TABLE": "A", **NAMES}
    key = {"account_id": {"S": STACK}, "sk": {"S": "KEY"}}

    def needed(operation: str, **arguments: object) -> set[Right]:
        found = uses("any", operation, arguments, named_in(environment))
        return {Right(use.action, use.resource, use.scope) for use in found}

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
    target = {"RoleArn": NAMES["SCHEDULER_ROLE_ARN"], "Arn": NAMES["CAMPAIGN_QUEUE_ARN"]}
    assert needed("create_schedule", GroupName="schedules", Name="1", Target=target) == {
        Right("scheduler:CreateSchedule", arn("scheduler", "schedule/CampaignSchedules/1")),
        Right("iam:PassRole", "SchedulerRole", "scheduler.amazonaws.com"),
    }
    assert needed("publish", PhoneNumber="+12025550123", Message="x") == {
        Right("sns:Publish", "+12025550123"),
        Right("sms-voice:SendTextMessage", arn("sms-voice", "phone-number/any"), "sns.amazonaws.com"),
    }
    assert needed("send_email", FromEmailAddress='"A, B" <a@example.com>', ConfigurationSetName="mail") == {
        Right("ses:SendEmail", arn("ses", "identity/a@example.com")),
        Right("ses:SendEmail", arn("ses", "configuration-set/MailConfigurationSet")),
    }


def test_a_right_to_one_partition_is_none_to_another() -> None:
    use = Use("manage_segments", "dynamodb:PutItem", "AccountsTable", STACK)
    assert allows(use)
    assert not allows(Use(use.function, use.action, use.resource, "SOMEBODY"))
    assert not allows(Use("update_segment", "dynamodb:Scan", "SegmentsTable"))


def test_a_right_to_all_but_topics_is_one_to_phones_and_to_no_topic() -> None:
    def may_publish(to: str) -> bool:
        return allows(Use("send_messages", "sns:Publish", to))

    assert may_publish("+12025550123")
    assert may_publish(arn("sns", "endpoint/GCM/shop/1"))
    assert not may_publish(arn("sns", "MailFeedbackTopic"))
    assert not may_publish(arn("sns", "app/GCM/shop"))
    assert not may_publish("arn:aws:sns:eu-west-1:111111111111:endpoint/GCM/shop/1")


def test_text_messages_are_sent_through_sns_alone() -> None:
    use = Use("send_messages", "sms-voice:SendTextMessage", arn("sms-voice", "phone-number/any"), "sns.amazonaws.com")
    assert allows(use)
    assert not allows(Use(use.function, use.action, use.resource))


def test_a_role_is_passed_to_the_scheduler_alone() -> None:
    use = Use("campaigns", "iam:PassRole", "SchedulerRole", "scheduler.amazonaws.com")
    assert allows(use)
    assert not allows(Use(use.function, use.action, use.resource, "lambda.amazonaws.com"))
    assert not allows(Use(use.function, use.action, "CampaignsRole", use.scope))

"""template.yaml keeps its promises: narrow rights, kept data, streams that never block, answers of one shape."""

import json
import re
from typing import Any

import pytest

from api_segments.aws import keys
from api_segments.core.errors import WRONG_CREDENTIALS
from api_segments.core.limits import MAX_BODY_BYTES
from api_segments.core.settings import Settings
from api_segments.memberships.announcement import REQUEST_SECONDS
from api_segments.memberships.purging import PROJECTION_SECONDS
from api_segments.segments.deletion import CAMPAIGN_CREATION_SECONDS
from tests.support.events import sample
from tests.support.template import (
    BATCH_READERS,
    QUEUE_READERS,
    ROOT,
    STREAM_READERS,
    load,
    resources,
)

Json = Any

FUNCTIONS = resources("AWS::Serverless::Function")
TABLES = resources("AWS::DynamoDB::Table")
RESPONSES: dict[str, Json] = resources("AWS::Serverless::Api")["Api"]["GatewayResponses"]
INVOKED = ("ReplayFunction", "ReadImportFunction", "ApplyImportFunction")
"""Are invoked by hand, or by a state machine."""
ROOMS = (
    "What all rooms share",
    "Accounts",
    "Segments",
    "Memberships",
    "Profiles",
    "Campaigns",
    "Imports",
    "Repair",
    "Site",
)
MIB = 1024 * 1024


def test_a_name_that_a_table_is_given_is_given_to_no_other() -> None:
    """Restoring and adopting tables tell operators to write `TableName` into a table's properties."""
    text = (ROOT / "template.yaml").read_text("utf-8")
    assert not re.findall(r"^    Properties: &", text, re.MULTILINE)


def test_a_campaign_that_is_being_created_is_waited_for() -> None:
    assert load()["Globals"]["Function"]["Timeout"] < CAMPAIGN_CREATION_SECONDS


def test_the_stream_of_segments_is_filtered_to_segments() -> None:
    (event,) = FUNCTIONS["PublishSegmentsFunction"]["Events"].values()
    (wanted,) = event["Properties"]["FilterCriteria"]["Filters"]
    pattern = json.loads(wanted["Pattern"])
    prefixes = [one["prefix"] for one in pattern["dynamodb"]["Keys"]["sk"]["S"]]
    made = (keys.segment(1), keys.deleted_segment(1))
    others = (keys.customer_segment_id_claim("SEGMENT#1"), keys.ACTIVE_SEGMENTS, *keys.segment_counts(1))
    assert pattern["eventName"] == ["INSERT", "MODIFY"]
    assert [key.partition("#")[0] + "#" for key in made] == prefixes
    assert not [key for key in others if key.startswith(tuple(prefixes))]


def test_there_are_ten_tables() -> None:
    assert set(TABLES) == {
        "AccountsTable",
        "SegmentsTable",
        "ProfilesTable",
        "SuppressionsTable",
        "MembershipsTable",
        "SegmentMembersTable",
        "UpdateErrorsTable",
        "IdempotencyTable",
        "CampaignsTable",
        "ImportsTable",
    }


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_encrypted_recoverable_and_on_demand(table: str) -> None:
    assert TABLES[table]["SSESpecification"] == {"SSEEnabled": True}
    assert TABLES[table]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert TABLES[table]["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize(
    "table", ["AccountsTable", "SegmentsTable", "ProfilesTable", "MembershipsTable", "CampaignsTable"]
)
def test_what_cannot_be_worked_out_anew_outlives_the_stack(table: str) -> None:
    resource = load()["Resources"][table]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_the_stream_shows_each_item_before_and_after() -> None:
    streams = {name: table["StreamSpecification"] for name, table in TABLES.items() if "StreamSpecification" in table}
    both = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert streams == {"MembershipsTable": both, "SegmentsTable": both}


@pytest.mark.parametrize("response", RESPONSES)
def test_what_api_gateway_answers_by_itself_has_the_shape_of_every_answer(response: str) -> None:
    properties = RESPONSES[response]
    (template,) = properties["ResponseTemplates"].values()
    assert list(properties["ResponseTemplates"]) == ["application/json"]
    # messageString is API Gateway's message as a JSON string, its quotes included.
    body = json.loads(template.replace("$context.error.messageString", '"Invalid \\"request\\" body"'))
    assert "$" not in json.dumps(body)
    assert body == {"status": "fail", "error": body["error"], "code": properties["StatusCode"]}
    assert body["error"]
    assert properties["ResponseParameters"]["Headers"]["X-Request-Id"] == "context.requestId"


def test_every_refusal_of_api_gateway_has_a_response() -> None:
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= set(RESPONSES)
    codes = {name: properties["StatusCode"] for name, properties in RESPONSES.items()}
    assert (codes["UNAUTHORIZED"], codes["ACCESS_DENIED"], codes["MISSING_AUTHENTICATION_TOKEN"]) == (401, 403, 404)
    assert (codes["REQUEST_TOO_LARGE"], codes["THROTTLED"]) == (413, 429)
    assert RESPONSES["THROTTLED"]["ResponseParameters"]["Headers"]["Retry-After"] == "'1'"


def test_api_gateway_names_the_limit_of_a_body_as_the_functions_do() -> None:
    assert (
        f"at most {MAX_BODY_BYTES // MIB} MiB"
        in RESPONSES["REQUEST_TOO_LARGE"]["ResponseTemplates"]["application/json"]
    )


def test_api_gateway_refuses_whoever_is_unknown_in_the_words_of_the_functions() -> None:
    body = json.loads(RESPONSES["UNAUTHORIZED"]["ResponseTemplates"]["application/json"])
    assert body["error"] == WRONG_CREDENTIALS


def test_only_the_health_check_and_what_is_read_in_a_browser_need_no_account() -> None:
    api = resources("AWS::Serverless::Api")["Api"]["Auth"]
    assert api["DefaultAuthorizer"] in api["Authorizers"]
    open_routes = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for properties in FUNCTIONS.values()
        for event in properties.get("Events", {}).values()
        if event["Properties"].get("Auth", {}).get("Authorizer") == "NONE"
    }
    pages = {"/", "/openapi.json", "/docs", "/health", "/unsubscribe/{token}"}
    assert open_routes == {
        *(f"{method} {page}" for method in ("GET", "HEAD") for page in pages),
        *("GET /page/{version}/{file}", "GET /docs/{file}", "POST /unsubscribe/{token}"),
    }


def test_answers_of_the_authorizer_are_cached_under_both_headers() -> None:
    identity = resources("AWS::Serverless::Api")["Api"]["Auth"]["Authorizers"]["AccountHeaders"]["Identity"]
    assert identity["Headers"] == ["X-CleverTap-Account-Id", "X-CleverTap-Passcode"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_function_has_its_folder_and_a_sample_event_of_the_same_name(function: str) -> None:
    folder = FUNCTIONS[function]["CodeUri"]
    assert (ROOT / folder / "app.py").is_file()
    name = folder.removeprefix("functions/")
    assert name.replace("_", "") == function.removesuffix("Function").lower()
    assert sample(name)


def test_there_is_no_sample_event_and_no_folder_without_a_function() -> None:
    names = {properties["CodeUri"].removeprefix("functions/") for properties in FUNCTIONS.values()}
    assert {path.stem for path in (ROOT / "events").glob("*.json")} == names
    assert {path.parent.name for path in (ROOT / "functions").glob("*/app.py")} == names


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_sample_event_is_of_a_route_or_stream_that_the_function_serves(function: str) -> None:
    event = sample(FUNCTIONS[function]["CodeUri"].removeprefix("functions/"))
    served = FUNCTIONS[function].get("Events", {}).values()
    routes = {(one["Properties"]["Method"], one["Properties"]["Path"]) for one in served if one["Type"] == "Api"}
    if "resource" in event and event.get("type") != "REQUEST":
        assert (event["httpMethod"], event["resource"]) in routes
    else:
        assert not routes
    with_tasks = tuple(name for name in QUEUE_READERS + BATCH_READERS if name != "ReconcileFunction")
    assert ("Records" in event) == (function in (*STREAM_READERS, *with_tasks, "MailFeedbackFunction"))


def test_functions_get_the_variables_that_settings_read() -> None:
    variables = set(load()["Globals"]["Function"]["Environment"]["Variables"]) - {"POWERTOOLS_LOG_LEVEL"}
    # The API's address: only what writes links has it, as the API itself needs the functions.
    own = {"SendMessagesFunction": {"PUBLIC_URL"}, "DashboardFunction": {"UPLOAD_ORIGIN"}}
    only_on_one_machine = {"WEBHOOK_TEST_ORIGIN"}
    read = {name.upper() for name in Settings.__dataclass_fields__}
    assert variables.union(*own.values()) == read - only_on_one_machine
    for name, properties in FUNCTIONS.items():
        assert set(properties.get("Environment", {}).get("Variables", ())) == own.get(name, set())


def test_requests_end_before_api_gateway_stops_waiting() -> None:
    default = load()["Globals"]["Function"]["Timeout"]
    for name, properties in FUNCTIONS.items():
        timeout = properties.get("Timeout", default)
        assert timeout < 29 or name in (*STREAM_READERS, *QUEUE_READERS, *BATCH_READERS, *INVOKED)


def test_what_waits_for_requests_and_deliveries_to_end_waits_longer_than_they_last() -> None:
    assert load()["Globals"]["Function"]["Timeout"] < REQUEST_SECONDS
    assert FUNCTIONS["ProjectMembersFunction"]["Timeout"] < PROJECTION_SECONDS


def test_outputs_are_what_others_connect_to_and_the_queues_that_operations_names() -> None:
    named = re.findall(r"\w+Queue(?:Arn|Url)\b", (ROOT / "docs" / "operations.md").read_text())
    assert set(load()["Outputs"]) == {"ApiUrl", "BusName", "BusArn", *named}
    for name in named:
        queue, kind = name[:-3], name[-3:]
        assert load()["Outputs"][name]["Value"] == ({"Ref": queue} if kind == "Url" else {"GetAtt": f"{queue}.Arn"})


def test_rooms_stand_in_their_order_and_in_each_of_them_tables_queues_functions_alarms() -> None:
    order = ("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Serverless::Function", "AWS::CloudWatch::Alarm")
    _, *parts = re.split(r"^  # -{64} (.+)$", (ROOT / "template.yaml").read_text(), flags=re.MULTILINE)
    assert tuple(parts[::2]) == ROOMS
    for part in parts[1::2]:
        names = re.findall(r"^  (\w+):", part.partition("\nOutputs:")[0], re.MULTILINE)
        kinds = [load()["Resources"][name]["Type"] for name in names]
        ranks = [order.index(kind) for kind in kinds if kind in order]
        assert ranks == sorted(ranks)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_role_of_a_function_stands_right_after_it(function: str) -> None:
    names = list(load()["Resources"])
    role = names[names.index(function) + 1]
    assert role == function.replace("Function", "Role")
    assert FUNCTIONS[function]["Role"] == {"GetAtt": f"{role}.Arn"}


def test_no_two_resources_share_what_sam_writes_into() -> None:
    """An alias is the same object, and SAM writes ids into resources and metadata, and addresses into properties."""
    found = load()["Resources"].values()
    written = [each[part] for each in found for part in ("Metadata", "Properties") if "Metadata" in each]
    written += found
    assert len({id(each) for each in written}) == len(written)

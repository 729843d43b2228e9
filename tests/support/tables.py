"""Creates the template's tables on any DynamoDB endpoint."""

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.support.template import resources
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

WANTED = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
)


def create_tables(client: "DynamoDBClient") -> dict[str, str]:
    """Create the tables under fresh names; return the functions' environment variables that name them."""
    run = uuid4().hex[:8]
    environment = {}
    for logical_name, properties in resources("AWS::DynamoDB::Table").items():
        definition: dict[str, Any] = {name: properties[name] for name in WANTED if name in properties}
        if "StreamSpecification" in properties:
            definition["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
        name = f"{logical_name}-{run}"
        client.create_table(TableName=name, **definition)
        client.get_waiter("table_exists").wait(
            TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": int(PATIENCE_SECONDS)}
        )
        environment[_variable(logical_name)] = name
    return environment


def _variable(logical_name: str) -> str:
    """`SegmentMembersTable` is SEGMENT_MEMBERS_TABLE in the environment (template.yaml, Globals)."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in logical_name).lstrip("_").upper()

"""AWS clients: one a service and process, made when first needed."""

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient

# A call that hangs is given up early enough to be repeated within one request, and to end before the request must
# (edge.http.RESERVE_SECONDS). The stores repeat calls within their deadline, so the SDK does not.
# Shapes are checked by our tests, not again on each call; the user agent is not worked out anew on each call.
CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=32,
    parameter_validation=False,
    user_agent="api-segments",
)


@cache
def dynamodb_client() -> "DynamoDBClient":
    """Return the process's DynamoDB client (AWS_ENDPOINT_URL_DYNAMODB is honoured, as by every AWS SDK)."""
    return boto3.client("dynamodb", config=CONFIG)


@cache
def events_client() -> "EventBridgeClient":
    """Return the process's EventBridge client."""
    return boto3.client("events", config=CONFIG)

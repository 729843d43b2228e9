"""AWS clients: one a service and process, made when first needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import Session, get_session

from api_segments.core.clock import Clock

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodbstreams import DynamoDBStreamsClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_scheduler import EventBridgeSchedulerClient
    from types_boto3_sesv2 import SESV2Client
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_stepfunctions import SFNClient

# A call that hangs is given up early enough to be repeated within one request, and to end before the request must
# (http.gateway.RESERVE_SECONDS). The stores repeat calls within their deadline, so the SDK does not.
# Shapes are checked by our tests, not again on each call; the user agent is not worked out anew on each call.
CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=32,
    parameter_validation=False,
    user_agent="api-segments",
)
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 1, 1, 2
RETRYING_CLIENT_SECONDS = float(_ATTEMPTS * (_CONNECT_SECONDS + _READ_SECONDS))

# A reader of streams that takes longer goes on by itself, and takes a repeated batch in as one that it knows.
INVOKE_SECONDS = 20


class _OurServices(Loader):
    """Knows which services are used, so that botocore does not look through the directories of all 400 for them."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - whichever file is asked for
        return [
            "dynamodb",
            "dynamodbstreams",
            "events",
            "lambda",
            "s3",
            "scheduler",
            "sesv2",
            "sns",
            "sqs",
            "stepfunctions",
        ]


@cache
def _session() -> Session:
    """Return the process's session: botocore's own, since boto3's only adds to a cold start."""
    session = get_session()
    session.register_component("data_loader", _OurServices())
    return session


@cache
def dynamodb_client() -> "DynamoDBClient":
    """Return the process's DynamoDB client (AWS_ENDPOINT_URL_DYNAMODB is honoured, as by every AWS SDK)."""
    return cast("DynamoDBClient", _session().create_client("dynamodb", config=CONFIG))


@cache
def retrying_dynamodb_client() -> "DynamoDBClient":
    """Return a DynamoDB client for libraries that leave repeating calls to the SDK: RETRYING_CLIENT_SECONDS at most."""
    patient = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
    )
    return cast("DynamoDBClient", _session().create_client("dynamodb", config=CONFIG.merge(patient)))


@cache
def events_client() -> "EventBridgeClient":
    """Return the process's EventBridge client."""
    return cast("EventBridgeClient", _session().create_client("events", config=CONFIG))


@cache
def sqs_client() -> "SQSClient":
    """Return the process's SQS client."""
    return cast("SQSClient", _session().create_client("sqs", config=CONFIG))


@cache
def streams_client() -> "DynamoDBStreamsClient":
    """Return the process's client of DynamoDB's streams."""
    return cast("DynamoDBStreamsClient", _session().create_client("dynamodbstreams", config=CONFIG))


@cache
def lambda_client() -> "LambdaClient":
    """Return the process's Lambda client: it waits for as long as a reader of streams takes, unless AWS is slow."""
    patient = Config(read_timeout=INVOKE_SECONDS)
    return cast("LambdaClient", _session().create_client("lambda", config=CONFIG.merge(patient)))


@cache
def scheduler_client() -> "EventBridgeSchedulerClient":
    """Return the process's client of EventBridge Scheduler."""
    return cast("EventBridgeSchedulerClient", _session().create_client("scheduler", config=CONFIG))


@cache
def s3_client() -> "S3Client":
    """Return the process's S3 client. It repeats calls itself: what it moves is large, and each call the same again."""
    patient = Config(
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 5},
        signature_version="s3v4",  # links may be signed otherwise in the oldest region
        # Links name the bucket's region. Without it S3 redirects while a bucket is new (S3 user guide, "Making requests
        # using REST"), and a browser that asks first whether it may upload follows no redirect.
        s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
        request_checksum_calculation="when_required",  # TLS and the etag hold the bytes; a trailer costs a second pass
        response_checksum_validation="when_required",
    )
    return cast("S3Client", _session().create_client("s3", config=CONFIG.merge(patient)))


@cache
def stepfunctions_client() -> "SFNClient":
    """Return the process's client of Step Functions."""
    return cast("SFNClient", _session().create_client("stepfunctions", config=CONFIG))


# Providers of messages are waited for longer: a call that is given up has an outcome that nobody knows.
_PATIENT = Config(connect_timeout=2, read_timeout=10)


@cache
def sesv2_client() -> "SESV2Client":
    """Return the process's SES client."""
    return cast("SESV2Client", _session().create_client("sesv2", config=CONFIG.merge(_PATIENT)))


@cache
def sns_client() -> "SNSClient":
    """Return the process's SNS client."""
    return cast("SNSClient", _session().create_client("sns", config=CONFIG.merge(_PATIENT)))


# Well under what servers and whatever stands in between keep a silent connection for.
IDLE_SECONDS = 5
_CARRYING_MESSAGES = (sesv2_client, sns_client)


class KeptConnections:
    """The connections to SES and SNS that a process keeps from one invocation to the next.

    A process that is frozen in between does not hear that a connection was ended. A message over such a one would come
    to nothing, and could not be told from one whose answer was lost.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used_at: datetime | None = None

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Mark an invocation: what has been idle before it is dropped, and made anew when it is needed."""
        now = self._clock.now()  # the other clock may stand still with the process
        if self._used_at is None or not 0 <= (now - self._used_at).total_seconds() <= IDLE_SECONDS:
            for make in _CARRYING_MESSAGES:
                if make.cache_info().currsize:
                    make().close()  # only its pooled connections: it goes on as a new one would
        try:
            yield
        finally:
            self._used_at = self._clock.now()

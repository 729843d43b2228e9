"""Amazon's own parser takes each distinct request that the integration tier sent, and makes of it what our engine made.

Each is sent again, to DynamoDB Local with the template's tables, when the items that it names are as they were.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import httpx
import pytest

from tests.conformance.pair import Json
from tests.support.dynamodb.recording import RECORDING, Found, Recorded, outcome
from tests.support.tables import WANTED
from tests.support.template import resources

TAKEN = {"OK", "None", "ConditionalCheckFailed", "ConditionalCheckFailedException"}
SECONDS = 60
_AT_ONCE = 25

Send = Callable[[str, Json], Json]

# Said of the item that is there, which a test damaged: the request is right.
OF_A_DAMAGED_ITEM = "An operand in the update expression has an incorrect data type"


@pytest.fixture(scope="module")
def send(dynamodb_local: str) -> Iterator[Send]:
    """Send a request's own JSON, and return the answer's; the SDK would check it first."""
    with httpx.Client(base_url=dynamodb_local, trust_env=False, timeout=SECONDS) as client:
        scope = "Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=unchecked"

        def post(operation: str, request: Json) -> Json:
            headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Authorization": f"AWS4-HMAC-SHA256 {scope}"}
            answer: Json = client.post("/", json=request, headers=headers).json()
            return answer

        for name, properties in resources("AWS::DynamoDB::Table").items():
            definition = {part: properties[part] for part in WANTED if part in properties}
            assert outcome(post("CreateTable", {"TableName": name, **definition})) == ["OK"]
        yield post


def put_back(send: Send, found: Found) -> None:
    """Make the items that a request names what they were, or delete those that were not there."""
    wanted = {str((table, key)): (table, key, item) for table, key, item in found}
    writes: Sequence[tuple[str, Json]] = [
        (table, {"DeleteRequest": {"Key": key}} if item is None else {"PutRequest": {"Item": item}})
        for table, key, item in wanted.values()
    ]
    for start in range(0, len(writes), _AT_ONCE):
        tables: dict[str, list[Json]] = {}
        for table, write in writes[start : start + _AT_ONCE]:
            tables.setdefault(table, []).append(write)
        assert outcome(send("BatchWriteItem", {"RequestItems": tables})) == ["OK"]


def test_amazon_takes_what_the_integration_tier_sent(send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    assert RECORDING.exists(), "nothing was recorded: `make test-integration` comes first"
    recorded = Recorded.all_of(RECORDING)
    assert recorded, "the integration tier sent nothing"
    wrong = []
    for each in recorded:
        put_back(send, each.found)
        answer = send(each.operation, each.request)
        came = outcome(answer)
        if not (TAKEN.issuperset(came) or OF_A_DAMAGED_ITEM in str(answer)) or came != each.outcome:
            wrong.append(f"{each.operation} {str(each.request)[:2000]}\n  ours: {each.outcome}\n  Amazon's: {answer}")
    with capsys.disabled():
        told = ", ".join(f"{count} {operation}" for operation, count in Counter(r.operation for r in recorded).items())
        print(f"\n{len(recorded)} distinct requests of the integration tier, replayed on DynamoDB Local: {told}")  # noqa: T201 - says what was judged
    assert not wrong, f"{len(wrong)} requests:\n" + "\n".join(wrong)

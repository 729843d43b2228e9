"""Puts what the events in `events/` name into a stack, so that each of them can be sent to its function as it is.

Ids and passcodes are made up at random by the API, so these are written with the product's own stores.
"""

from datetime import UTC, datetime

from api_segments.accounts.model import Account, AccountStatus, Passcode
from api_segments.accounts.service import digest_of
from api_segments.accounts.store import AccountStore
from api_segments.aws.dynamodb import DynamoDB
from api_segments.core.clock import Deadline, rfc3339
from api_segments.http.tenant import Plan
from api_segments.segments.model import Segment, SegmentStatus
from api_segments.segments.store import SegmentStore
from local.aws import session

ACCOUNT_ID = "SHP-7KD-42QX"
PASSCODE = "A" * 32
SEGMENTS = ((1763901234567890, "Premium Users", "SEG12345"), (1763901234567891, "Lapsed Buyers", None))
"""Id, name, customer id."""


def put_samples(endpoint_url: str, accounts_table: str, segments_table: str) -> None:
    """Put the account and its segments into the tables of a stack that has just been deployed."""
    db, deadline = DynamoDB(session().client("dynamodb", endpoint_url=endpoint_url)), Deadline.after(30)
    now = rfc3339(datetime.now(UTC))
    passcode = Passcode("sample", digest_of(ACCOUNT_ID, PASSCODE), now)
    account = Account(ACCOUNT_ID, "Samples", Plan.ADVANCED, True, AccountStatus.ACTIVE, now, (passcode,))  # noqa: FBT003 - the account's beta flag
    AccountStore(db, accounts_table).insert(account, deadline)
    created = [
        Segment(
            name,
            customer_id,
            account_id=ACCOUNT_ID,
            segment_id=segment_id,
            status=SegmentStatus.ACTIVE,
            created_at=now,
        )
        for segment_id, name, customer_id in SEGMENTS
    ]
    SegmentStore(db, segments_table).insert(ACCOUNT_ID, created, deadline)

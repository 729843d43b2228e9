"""Every number that bounds the product, with its source."""

# api.md, facts of CleverTap's public API Segments
MAX_SEGMENTS_PER_CREATE = 100
MAX_USERS_PER_UPDATE = 100
MAX_SEGMENTS_PER_UPDATE = 100
MAX_ACTIVE_SEGMENTS = 2500
MAX_ID_CHARACTERS = 255

# api.md, ours
MAX_SEGMENT_ID = 2**53 - 1  # the largest whole number that every JSON reader keeps exact
MAX_LIVE_PASSCODES = 2
PASSCODE_BITS = 160
UPDATE_ERROR_DAYS = 30
MAX_PAGE = 1000
DEFAULT_PAGE = 100
CURSOR_HOURS = 24
IDEMPOTENCY_HOURS = 24
MAX_IDEMPOTENCY_KEY_CHARACTERS = 255

# Lambda takes and gives at most 6 MiB a synchronous call, as JSON inside JSON: each quote in a body counts twice.
MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_ANSWER_PAYLOAD_BYTES = 6 * 1024 * 1024 - 64 * 1024  # less what stands around a list of failed entries

# CleverTap's limits on profile attributes
MAX_RECORDS_PER_UPLOAD = 1000
MAX_CUSTOM_ATTRIBUTES = 256
MAX_ATTRIBUTE_NAME_BYTES = 120
MAX_ATTRIBUTE_VALUE_BYTES = 512
# Ours: with all of the above, each quote stored as two bytes, a profile stays under DynamoDB's 400 KB.
MAX_TOKENS = 10
MAX_TOKEN_CHARACTERS = 4096

# DynamoDB API reference: BatchGetItem, BatchExecuteStatement, BatchWriteItem, TransactWriteItems
BATCH_GET_KEYS = 100
BATCH_STATEMENTS = 25
BATCH_WRITE_ITEMS = 25
TRANSACTION_ACTIONS = 100

# EventBridge API reference: PutEvents
PUT_EVENTS_ENTRIES = 10

# SQS API reference: SendMessage
MAX_QUEUE_DELAY_SECONDS = 900

# architecture.md
MEMBER_BUCKETS = 16
COUNTER_SLOTS = 8
# A request that found a segment active may write for as long as Lambda lets it run (template.yaml: 28 s).
REQUEST_SECONDS = 30
# A delivery of stream records that found a segment active may write rows for as long (template.yaml: 120 s), and clocks
# differ: only then is what a purge finds all that there is.
PROJECTION_SECONDS = 150
# Under what one partition takes in writes (1,000 units a second; DynamoDB developer guide, "Partitions").
PURGE_PAGE = 100
PURGED_MEMBERS_PER_SECOND = 500
# A row that seems wrong is looked at again when the stream has had time to bring what it says.
LOOK_AGAIN_SECONDS = 300
# Suspects of one message: SQS takes 256 KiB.
SUSPECTS_PER_TASK = 1000
# A purge that has not ended by then may never have begun.
PURGE_OVERDUE_SECONDS = 3600
RECONCILIATION_PAGE = 100
COUNT_ATTEMPTS = 4
# A removed member's row stays as a tombstone longer than its stream record can be delivered again (24 h).
TOMBSTONE_SECONDS = 2 * 24 * 3600

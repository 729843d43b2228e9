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

# SQS API reference: SendMessage, SendMessageBatch
MAX_QUEUE_DELAY_SECONDS = 900
SEND_BATCH_ENTRIES = 10
SEND_BATCH_BYTES = 256 * 1024

# DynamoDB developer guide, "Service quotas"
MAX_SORT_KEY_BYTES = 1024

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

# Campaigns, ours
MAX_CAMPAIGN_SEGMENTS = 100
MAX_LIVE_CAMPAIGNS = 1000
MAX_USERS_LIMIT = 100_000_000
MAX_DAYS_AHEAD = 365
DELIVERY_LOG_DAYS = 90
ESTIMATED_MEMBERS = 20_000  # an estimate reads about so many members
# A page of a walk is one transaction: besides its deliveries, the campaign and its results.
CAMPAIGN_PAGE = TRANSACTION_ACTIONS - 2
# Two campaigns are walked at a time (template.yaml, MaximumConcurrency), each at half of the pace.
CAMPAIGN_RUNNERS = 2
# A creation takes as long as its request may (template.yaml: 28 s); what it left behind unfinished is older than this.
CAMPAIGN_CREATION_SECONDS = 60
# Messages that have not ended a day after the last was queued will not: their tasks are in the queue of failed ones.
CAMPAIGN_PATIENCE_SECONDS = 24 * 3600

# Ours: what a message's content may hold (docs/api.md, Campaigns)
MAX_TEMPLATE_BYTES = 100 * 1024
MAX_CONTENT_BYTES = 200 * 1024
MAX_RENDERED_BYTES = 200 * 1024
# Ours: what rendering one template may cost. A loop costs its turns times the template's length, a filter the length of
# what it is given, a range or list its length wherever it is used: about a second of CPU at worst.
TEMPLATE_WORK = 1_500_000
TEMPLATE_NESTING = 20
TEMPLATE_VALUE_CHARACTERS = 100 * 1024
TEMPLATE_LIST_ENTRIES = 10_000
TEMPLATE_INTEGER_BITS = 128
# What providers take: SNS developer guide, "Publishing to a mobile phone"; APNs, FCM and RFC 8030, payloads; WhatsApp
# Business Platform, text messages.
MAX_SMS_CHARACTERS = 1600
MAX_PUSH_PAYLOAD_BYTES = 4096
MAX_WHATSAPP_CHARACTERS = 4096
# RFC 5322, 2.1.1: a line of a header.
MAX_SUBJECT_CHARACTERS = 998
# As above, of a From header that has `From: ` and an address of 254 characters besides.
MAX_ENCODED_NAME_CHARACTERS = 700
# Ours: what an account may declare, so that it stays a small item
MAX_SENDERS = 100
MAX_WEBHOOKS = 100
MAX_URL_CHARACTERS = 2000
WEBHOOK_SECRET_BYTES = 32
# Lambda lets a sender run for 120 s (template.yaml), and clocks differ: a message that it has not ended by then is
# nobody's any more. Its queue delivers it so often (template.yaml, maxReceiveCount).
SENDING_SECONDS = 150
# A call of a provider takes so long at most (clients.py: 2 s to connect, 10 s to read), and what came of it takes some
# seconds to be written: so much earlier than the rest must end, no call is begun.
PROVIDER_SECONDS = 12
SETTLING_SECONDS = PROVIDER_SECONDS + 3
MESSAGE_ATTEMPTS = 5
SETTINGS_SECONDS = 60

"""The limits that clients see, with their sources; what one module alone uses stands there.

`tests/unit/test_limits.py` holds docs/api.md and the page (`functions/dashboard/page/kit/limits.js`) to them.
"""

# docs/api.md, Limits: facts of CleverTap's public API Segments
MAX_SEGMENTS_PER_CREATE = 100
MAX_USERS_PER_UPDATE = 100
MAX_SEGMENTS_PER_UPDATE = 100
MAX_ACTIVE_SEGMENTS = 2500
MAX_ID_CHARACTERS = 255

# docs/api.md, Limits: ours
MAX_SEGMENT_ID = 2**53 - 1  # the largest whole number that every JSON reader keeps exact
MAX_LIVE_PASSCODES = 2
MAX_PASSCODE_NAME_CHARACTERS = 100
MAX_DESCRIPTION_CHARACTERS = 1000
MAX_TAGS = 20
MAX_TAG_CHARACTERS = 50
MIN_OVERLAP_SEGMENTS, MAX_OVERLAP_SEGMENTS = 2, 5
MAX_OVERLAP_EXACT_MEMBERS = 20_000  # segments that have more members together are estimated
UPDATE_ERROR_DAYS = 30
MAX_PAGE = 1000
DEFAULT_PAGE = 100
CURSOR_HOURS = 24
HISTORY_DAYS = 400
DEFAULT_HISTORY_DAYS = 90
TREND_DAYS = 7
IDEMPOTENCY_HOURS = 24
MAX_IDEMPOTENCY_KEY_CHARACTERS = 255

# Lambda takes and gives at most 6 MiB a synchronous call, as JSON inside JSON: each quote in a body counts twice.
MAX_BODY_BYTES = 4 * 1024 * 1024
BODY_LIMIT = f"{MAX_BODY_BYTES // 1024**2} MiB"

# CleverTap's limits on profile attributes
MAX_RECORDS_PER_UPLOAD = 1000
MAX_CUSTOM_ATTRIBUTES = 256
MAX_ATTRIBUTE_NAME_BYTES = 120
MAX_ATTRIBUTE_VALUE_BYTES = 512
# Ours: with all of the above, each quote stored as two bytes, a profile stays under DynamoDB's 400 KB.
MAX_TOKENS = 10
MAX_TOKEN_CHARACTERS = 4096

# Campaigns, ours
MAX_CAMPAIGN_SEGMENTS = 100
MAX_LIVE_CAMPAIGNS = 1000
MAX_USERS_LIMIT = 100_000_000
MAX_DAYS_AHEAD = 365
DELIVERY_LOG_DAYS = 90

# Ours: what a message's content may hold (docs/api.md, Content)
MAX_TEMPLATE_BYTES = 100 * 1024
MAX_CONTENT_BYTES = 200 * 1024
MAX_RENDERED_BYTES = 200 * 1024
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
MAX_TEST_RECIPIENTS = 50
MAX_URL_CHARACTERS = 2000

# Imports, ours; a PUT takes 5 GB (S3 user guide, "Uploading objects"), which no URL can widen
MAX_IMPORT_BYTES = 5 * 1024**3
IMPORT_UPLOAD_HOURS = 24
# A link ends with the credentials that signed it, and Lambda does not say when those of a function end
# (S3 user guide, "Sharing objects with presigned URLs"). So none is promised for longer than this.
IMPORT_LINK_SECONDS = 3600
IMPORT_PREVIEW_HOURS = 24
IMPORT_UNDO_DAYS = 7
IMPORT_DAYS = 90
IMPORT_FILE_DAYS = 30  # template.yaml, ImportsBucket

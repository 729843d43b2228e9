"""What AWS allows and asks for, by its documentation."""

# DynamoDB developer guide: "Service quotas", "Burst and adaptive capacity", "On-demand capacity mode".
PARTITION_WRITES, PARTITION_READS, PARTITION_BYTES = 1_000, 3_000, 10 * 10**9
TABLE_UNITS = 40_000
NEW_TABLE_PARTITIONS = 4
# Lambda developer guide, "Lambda quotas"; API Gateway developer guide, "Quotas".
CONCURRENCY = 1_000
API_REQUESTS = 10_000
# EventBridge user guide, "Quotas": PutEvents and targets' invocations a second, by region.
EVENT_QUOTAS = {
    "us-east-1, us-west-2, eu-west-1": (10_000, 18_750),
    "us-east-2, eu-central-1": (2_400, 4_500),
    "us-west-1, ap-northeast-1, ap-southeast-1, ap-southeast-2, eu-west-2": (1_200, 2_250),
    "af-south-1, ap-northeast-3, ap-southeast-3, eu-south-1": (400, 750),
    "each other region": (600, 1_100),
}
PUT_EVENTS_ENTRIES = 10
TRANSACTION_ROWS = 98
MEMBER_BUCKETS = 16
# List prices in us-east-1 as of 2025, without free tiers: dollars a million, or a GB and month.
API_REQUEST, EVENT, EMAIL = 3.50, 1.00, 100.0
READ_UNIT, WRITE_UNIT = 0.125, 0.625
QUEUE_REQUEST, INVOCATION, GIGABYTE_SECOND = 0.40, 0.20, 13.3
OBJECT_PUT, OBJECT_GET, STATE = 5.00, 0.40, 25.0
STORED, BACKED_UP = 0.25, 0.20

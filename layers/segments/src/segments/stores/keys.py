"""Every key of every table is built here.

Keys are injective: account ids hold no `#` (services.accounts checks that), numbers are digits, free text comes last.
Sizes fit DynamoDB's limits: 255 characters are at most 1,020 bytes of UTF-8, and a sort key may have 1,024.
"""

from zlib import crc32

from segments.limits import COUNTER_SLOTS, MEMBER_BUCKETS

ACCOUNT = "ACCOUNT"
ACTIVE_SEGMENTS = "QUOTA"


def segment(segment_id: int) -> str:
    """Sort key of a segment in Segments; ids have up to 16 digits, padded so that keys sort as numbers do."""
    return f"SEGMENT#{segment_id:016d}"


def customer_segment_id_claim(customer_segment_id: str) -> str:
    """Sort key in Segments of the claim that makes a customer_segment_id unique in the account for ever."""
    return f"CID#{customer_segment_id}"


def segment_counts(segment_id: int) -> list[str]:
    """Sort keys in Segments of all slots of a segment's counters."""
    return [f"STATS#{segment_id:016d}#{slot:02d}" for slot in range(COUNTER_SLOTS)]


def usage(month: str) -> list[str]:
    """Sort keys in Accounts of all slots of a month's (`YYYY-MM`) data points."""
    return [f"USAGE#{month}#{slot:02d}" for slot in range(COUNTER_SLOTS)]


def identity_claim(account_id: str, identity: str) -> str:
    """Key in Profiles of the claim that leads from an identity to its profile."""
    return f"IDENTITY#{account_id}#{identity}"


def profile(account_id: str, profile_id: str) -> str:
    """Key in Profiles of a profile's attributes."""
    return f"PROFILE#{account_id}#{profile_id}"


def membership(account_id: str, profile_id: str) -> str:
    """Key of a profile's item in Memberships."""
    return f"{account_id}#{profile_id}"


def member_bucket(account_id: str, segment_id: int, profile_id: str) -> str:
    """Partition key in SegmentMembers: a segment's members are spread over buckets by a hash of the profile id."""
    bucket = crc32(profile_id.encode()) % MEMBER_BUCKETS
    return f"{account_id}#{segment_id:016d}#{bucket:02d}"


def update_errors(occurred_at: str, request_id: str, part: int) -> str:
    """Sort key in UpdateErrors: by time; one request may fill several parts."""
    return f"{occurred_at}#{request_id}#{part:04d}"

"""Every key of every table is built here.

Keys are injective: account ids hold no `#` (accounts.service checks that), numbers are digits, free text comes last.
Sizes fit DynamoDB's limits: 255 characters are at most 1,020 bytes of UTF-8, and a sort key may have 1,024.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from zlib import crc32

# DynamoDB developer guide, "Service quotas"
MAX_SORT_KEY_BYTES = 1024

# A partition takes 1,000 write units a second (DynamoDB developer guide, "Best practices for designing and using
# partition keys effectively"), so a segment's rows are spread over partition keys, and its counts over items.
MEMBER_BUCKETS = 16
COUNTER_SLOTS = 8

ACCOUNT = "ACCOUNT"
ACTIVE_SEGMENTS = "QUOTA"
STACK = "#STACK"
"""Partition key in Accounts and Campaigns of what belongs to no account: an account's id can't hold a `#`."""
SIGNING_KEY = "SIGNING_KEY"
KNOWN_ACCOUNTS = "ACCOUNT#"
CAMPAIGN_SETTINGS = "CAMPAIGN_SETTINGS"
"""Sort key in Accounts of what an account declared for its campaigns."""


def of_account(account_id: str, sort_key: str) -> dict[str, dict[str, str]]:
    """Return the key of an item in a table that has accounts as partitions: Accounts, Segments, Campaigns."""
    return {"account_id": {"S": account_id}, "sk": {"S": sort_key}}


def known_account(account_id: str) -> str:
    """Sort key under STACK of the note that an account exists: all accounts are listed by one query."""
    return f"{KNOWN_ACCOUNTS}{account_id}"


def indexed_account(account_id: str) -> str:
    """Sort key under STACK of the note that all profiles of an account are in the indexes by address."""
    return f"ADDRESSES#{account_id}"


def segment(segment_id: int) -> str:
    """Sort key of an active segment in Segments; ids have up to 16 digits, padded so that keys sort as numbers do."""
    return f"SEGMENT#{segment_id:016d}"


def deleted_segment(segment_id: int) -> str:
    """Sort key of a deleted segment in Segments: it moves there, so that active ones are listed without the others."""
    return f"DELETED#{segment_id:016d}"


def is_segment(sort_key: str) -> bool:
    """Whether a sort key in Segments is a segment's, active or deleted."""
    return sort_key.startswith(("SEGMENT#", "DELETED#"))


def is_deleted_segment(sort_key: str) -> bool:
    """Whether a sort key in Segments is a deleted segment's."""
    return sort_key.startswith("DELETED#")


def customer_segment_id_claim(customer_segment_id: str) -> str:
    """Sort key in Segments of the claim that makes a customer_segment_id unique in the account for ever.

    With the beginning of an id it is the beginning of the claims of all ids that begin so.
    """
    return f"CID#{customer_segment_id}"


def claimed_customer_segment_id(claim_key: str) -> str:
    """Return the customer's id that a claim is for."""
    return claim_key.removeprefix("CID#")


def creation(request: str, first_index: int) -> str:
    """Key in the table of idempotency keys of what a create request has created from an index on."""
    return f"created#{first_index}#{request}"


def segment_counts(segment_id: int) -> list[str]:
    """Sort keys in Segments of all slots of a segment's counters."""
    return [f"STATS#{segment_id:016d}#{slot:02d}" for slot in range(COUNTER_SLOTS)]


LAGS = "LAG#"
"""What the sort keys in Segments under STACK begin with of how far behind its stream a reader was."""


def lags(minute: str) -> str:
    """Return what the sort keys of a minute (`YYYY-MM-DDTHH:MM`) of all readers' processes begin with."""
    return f"{LAGS}{minute}#"


def history(segment_id: int, day: str) -> str:
    """Sort key in Segments of what is noted of a segment when a day (`YYYY-MM-DD`, UTC) begins."""
    return f"HISTORY#{segment_id:016d}#{day}"


def trend(day: str, lowest_id: int) -> str:
    """Sort key in Segments of what is noted of some segments together when a day begins, by the lowest id of them."""
    return f"TREND#{day}#{lowest_id:016d}"


def day_of_trend(sort_key: str) -> str:
    """Return the day that such a sort key is of."""
    return sort_key.split("#")[1]


def day_in(sort_key: str) -> str:
    """Return the day that such a sort key is of."""
    return sort_key.rpartition("#")[2]


def id_in(sort_key: str) -> int:
    """Return the id that comes after the kind in a sort key: of a segment, a campaign, or what a slot counts."""
    return int(sort_key.split("#")[1])


def usage(month: str) -> list[str]:
    """Sort keys in Accounts of all slots of a month's (`YYYY-MM`) data points."""
    return [f"USAGE#{month}#{slot:02d}" for slot in range(COUNTER_SLOTS)]


def identity_claim(account_id: str, identity: str) -> str:
    """Key in Profiles of the claim that leads from an identity to its profile."""
    return f"IDENTITY#{account_id}#{identity}"


def token_claim(account_id: str, token_type: str, token_id: str) -> str:
    """Key in Profiles of the claim that leads from a device's token, hashed as it may be long, to its profile."""
    return f"TOKEN#{account_id}#{sha256(f'{token_type}#{token_id}'.encode()).hexdigest()}"


def profile(account_id: str, profile_id: str) -> str:
    """Key in Profiles of a profile's attributes."""
    return f"PROFILE#{account_id}#{profile_id}"


def id_of_profile(profile_key: str) -> str:
    """Return whose attributes a key in Profiles is of."""
    return profile_key.split("#", 2)[2]


def membership(account_id: str, profile_id: str) -> str:
    """Key of a profile's item in Memberships."""
    return f"{account_id}#{profile_id}"


def shown_profile_id(profile_id: str) -> str:
    """Return a profile id as logs may have it: one that a client chose is hashed."""
    return _shown(profile_id)


def bucket_of(profile_id: str) -> int:
    """Return which of a segment's buckets a member is in: a hash of the profile id spreads them."""
    return crc32(profile_id.encode()) % MEMBER_BUCKETS


def member_order(profile_id: str) -> tuple[int, bytes]:
    """Return what members of any segment sort by when they are read bucket by bucket."""
    return bucket_of(profile_id), profile_id.encode()


def account_buckets(account_id: str) -> list[str]:
    """Partition keys in AccountIndex of Memberships of all buckets of an account's profiles, in order."""
    return [_account_bucket(account_id, bucket) for bucket in range(MEMBER_BUCKETS)]


def account_bucket(account_id: str, profile_id: str) -> str:
    """Partition key in AccountIndex of Memberships of the bucket that a profile is in."""
    return _account_bucket(account_id, bucket_of(profile_id))


def _account_bucket(account_id: str, bucket: int) -> str:
    return f"{account_id}#{bucket:02d}"


def member_buckets(account_id: str, segment_id: int) -> list[str]:
    """Partition keys in SegmentMembers of all buckets of a segment's members, in order."""
    return [_member_bucket(account_id, segment_id, bucket) for bucket in range(MEMBER_BUCKETS)]


def member_bucket(account_id: str, segment_id: int, profile_id: str) -> str:
    """Partition key in SegmentMembers of the bucket that a member is in."""
    return _member_bucket(account_id, segment_id, bucket_of(profile_id))


def _member_bucket(account_id: str, segment_id: int, bucket: int) -> str:
    return f"{account_id}#{segment_id:016d}#{bucket:02d}"


def suppression(address_type: str, address_key: str) -> str:
    """Sort key in Suppressions of what is known of an address."""
    return f"{address_type.upper()}#{address_key}"


def update_errors(occurred_at: str, request_id: str, part: int) -> str:
    """Sort key in UpdateErrors: by time; one request may fill several parts."""
    return f"{occurred_at}#{request_id}#{part:04d}"


AFTER_UPDATE_ERRORS = ":"
"""Sorts after every sort key in UpdateErrors, as those begin with a digit."""

PACE = "PACE"
"""Sort key in Campaigns under STACK of up to when the pace of all campaigns is booked."""

LIVE_CAMPAIGNS = "LIVE"
"""Sort key in Campaigns of the number of an account's scheduled and running campaigns."""

CAMPAIGNS = "CAMPAIGN#"
"""What the sort keys in Campaigns of all campaigns begin with."""


def campaign(campaign_id: int) -> str:
    """Sort key in Campaigns of a campaign, without its content; padded so that keys sort as ids, so by age."""
    return f"{CAMPAIGNS}{campaign_id:016d}"


def campaign_content(campaign_id: int) -> str:
    """Sort key in Campaigns of a campaign's content, which may be large and never changes."""
    return f"CONTENT#{campaign_id:016d}"


def campaign_results(campaign_id: int) -> list[str]:
    """Sort keys in Campaigns of all slots of a campaign's results."""
    return [f"RESULTS#{campaign_id:016d}#{slot:02d}" for slot in range(COUNTER_SLOTS)]


def deliveries(campaign_id: int) -> str:
    """Return what the sort keys in Campaigns of all deliveries of a campaign begin with."""
    return f"LOG#{campaign_id:016d}#"


def delivery(campaign_id: int, delivery_id: str) -> str:
    """Sort key in Campaigns of one delivery; an id that is too long, or looks like a hash, is hashed."""
    key = deliveries(campaign_id) + delivery_id
    if len(key.encode()) <= MAX_SORT_KEY_BYTES and not delivery_id.startswith("#"):
        return key
    return f"{deliveries(campaign_id)}#{sha256(delivery_id.encode()).hexdigest()}"


def triggers(segment_id: int, action: str) -> str:
    """Return what the sort keys in Campaigns of all campaigns that act on this change begin with."""
    return f"TRIGGER#{segment_id:016d}#{action}#"


def trigger(segment_id: int, action: str, campaign_id: int) -> str:
    """Sort key in Campaigns of the look-up from a change to a campaign that acts on it."""
    return f"{triggers(segment_id, action)}{campaign_id:016d}"


def id_of_trigger(sort_key: str) -> int:
    """Return the campaign that such a look-up leads to."""
    return int(sort_key.rpartition("#")[2])


def campaign_request(idempotency_key: str) -> str:
    """Sort key in Campaigns of what a creation with this Idempotency-Key created."""
    return f"REQUEST#{idempotency_key}"


IMPORTS = "IMPORT#"
"""What the sort keys in Imports of all imports begin with."""


def import_(import_id: str) -> str:
    """Sort key in Imports of an import; ids sort by age."""
    return f"{IMPORTS}{import_id}"


def importing(segment_id: int) -> str:
    """Sort key in Imports of the lock of a segment: it has one import at a time."""
    return f"SEGMENT#{segment_id:016d}"


def import_request(idempotency_key: str) -> str:
    """Sort key in Imports of what a creation with this Idempotency-Key created."""
    return f"REQUEST#{idempotency_key}"


def export(export_id: str) -> str:
    """Sort key in Imports of an export."""
    return f"EXPORT#{export_id}"


def import_figures(import_id: str, counted: str) -> str:
    """Sort key in Imports of the figures of a step of an import, or what the keys of several steps begin with."""
    return f"FIGURES#{import_id}#{counted}"


def import_mark(segment_id: int) -> str:
    """Attribute in Memberships that names the import which last changed whether the user is in a segment."""
    return f"i{segment_id:016d}"


_IMPORT_MARK = re.compile(r"i([0-9]{16})")


def segment_of_mark(attribute: str) -> int | None:
    """Return the segment that an attribute is the mark of; None if it is none."""
    found = _IMPORT_MARK.fullmatch(attribute)
    return None if found is None else int(found[1])


_BEFORE_CHOSEN = re.compile(r"((?:IDENTITY|PROFILE)#[^#]*#|CID#|REQUEST#|LOG#[0-9]*#)(.*)", re.DOTALL)
_DRAWN_ID = re.compile(r"[0-9a-f]{32}")
_MEMBER_BUCKET = re.compile(r"[0-9]{16}#[0-9]{2}")


def shown_key(item: Mapping[str, Any]) -> str:
    """Return the key of an item as logs may have it: what clients chose is hashed."""
    key = {name: str(item[name].get("S")) for name in ("account_id", "pk", "sk", "id", "profile_id") if name in item}
    pk, profile_id = key.get("pk"), key.pop("profile_id", None)
    if pk is not None:
        key.pop("account_id", None)
        account_id, _, rest = pk.partition("#")
        if _BEFORE_CHOSEN.fullmatch(pk):
            pass
        elif profile_id is not None and profile_id != rest and _MEMBER_BUCKET.fullmatch(rest):
            key["profile_id"] = _shown(profile_id)
        else:
            key["pk"] = f"{account_id}#{_shown(rest)}"
    return " ".join(_shown_part(part) for part in key.values())


def _shown_part(key: str) -> str:
    found = _BEFORE_CHOSEN.fullmatch(key)
    return key if found is None else found[1] + _shown(found[2])


def _shown(chosen: str) -> str:
    return chosen if _DRAWN_ID.fullmatch(chosen) else f"sha256:{sha256(chosen.encode()).hexdigest()[:16]}"

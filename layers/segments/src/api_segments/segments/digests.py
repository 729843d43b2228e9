"""The digest of a segment: one number of who its members are, which a customer's database can compute too.

It is the sum over the members of the first 15 hexadecimal digits of an MD5, below 2^60 = 1.2 * 10^18. A number of
DynamoDB holds 38 digits (Amazon's developer guide, "Supported data types"), so the sum is exact up to 8 * 10^19
members.
"""

from hashlib import md5

_DIGITS = 15


def member_digest(identity: str | None, profile_id: str) -> int:
    """Return what a member adds to its segment's digest: by its identity, or by its guid if it has none."""
    said = f"guid:{profile_id}" if identity is None else identity
    return int(md5(said.encode(), usedforsecurity=False).hexdigest()[:_DIGITS], 16)

"""What DynamoDB charges, by its developer guide ("DynamoDB read and write operations")."""

from dataclasses import dataclass
from math import ceil

_KIBIBYTE = 1024
_READ_BYTES = 4 * _KIBIBYTE


@dataclass
class Units:
    """Request units that were consumed."""

    read: float = 0.0
    write: float = 0.0


def read_units(size: int, *, consistent: bool) -> float:
    """Return the units of reading `size` bytes; what is not there costs as the smallest item does."""
    return max(1, ceil(size / _READ_BYTES)) * (1.0 if consistent else 0.5)


def write_units(before: int, after: int, *, transaction: bool = False) -> float:
    """Return the units of a write: by the larger of the item before and after, twice in a transaction."""
    return max(1, ceil(max(before, after) / _KIBIBYTE)) * (2.0 if transaction else 1.0)

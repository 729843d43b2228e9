"""Resolve what an update names, segments and identities, in one round of reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Get, Item
from api_segments.core.clock import Deadline
from api_segments.segments.model import SegmentReference, SegmentStatus
from api_segments.segments.store import claim_key, deleted_segment_key, from_item, segment_key


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """What a reference leads to. `agrees` is False when a reference by both ids leads to two different segments."""

    segment_id: int
    status: SegmentStatus
    agrees: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """References and identities that exist; the others are missing here."""

    segments: dict[SegmentReference, FoundSegment]
    profile_ids: dict[str, str]


class ReferenceStore:
    """Looks up segments by either id and profiles by identity.

    All reads are consistent: a segment or a user is usable by the very next request, and a REMOVE must not miss a user
    who was created a moment ago.
    """

    def __init__(self, db: DynamoDB, segments_table: str, profiles_table: str) -> None:
        self._db = db
        self._segments_table = segments_table
        self._profiles_table = profiles_table

    def find(
        self, account_id: str, references: Sequence[SegmentReference], identities: Sequence[str], deadline: Deadline
    ) -> Found:
        """Look all of them up at once; raises ThrottledError or UnavailableError when not all could be read."""
        gets = [Get(self._segments_table, self._segment_key(account_id, reference)) for reference in references]
        gets += [
            Get(self._profiles_table, {"pk": {"S": keys.identity_claim(account_id, identity)}})
            for identity in identities
        ]
        found = Found({}, {})
        for index, item in self._db.batch_get(gets, deadline).items():
            if index < len(references):
                found.segments[references[index]] = _found(references[index], item)
            else:
                found.profile_ids[identities[index - len(references)]] = item["profile_id"]["S"]
        self._find_deleted(account_id, [ref for ref in references if ref not in found.segments], found, deadline)
        return found

    def _find_deleted(
        self, account_id: str, missing: Sequence[SegmentReference], found: Found, deadline: Deadline
    ) -> None:
        """Look for the missing among the deleted; a claim, which a customer id alone leads to, tells of that itself."""
        wanted = [(ref, ref.segment_id) for ref in missing if ref.segment_id is not None]
        gets = [Get(self._segments_table, deleted_segment_key(account_id, segment_id)) for _, segment_id in wanted]
        for index, item in (self._db.batch_get(gets, deadline) if gets else {}).items():
            found.segments[wanted[index][0]] = _found(wanted[index][0], item)

    def find_profile(self, account_id: str, identity: str, deadline: Deadline) -> str | None:
        """Return the profile id of an identity."""
        item = self._db.get(self._profiles_table, {"pk": {"S": keys.identity_claim(account_id, identity)}}, deadline)
        return None if item is None else str(item["profile_id"]["S"])

    @staticmethod
    def _segment_key(account_id: str, reference: SegmentReference) -> dict[str, dict[str, str]]:
        if reference.segment_id is not None:
            return segment_key(account_id, reference.segment_id)
        if reference.customer_segment_id is None:
            raise ValueError("a segment reference needs an id")
        return claim_key(account_id, reference.customer_segment_id)


def _found(reference: SegmentReference, item: Item) -> FoundSegment:
    """Read a segment's item or a claim; a reference by both ids leads to the segment's item."""
    both = reference.segment_id is not None and reference.customer_segment_id is not None
    return FoundSegment(
        segment_id=int(item["segment_id"]["N"]),
        status=SegmentStatus(item["status"]["S"]),
        agrees=not both or from_item(item).customer_segment_id == reference.customer_segment_id,
    )

"""Resolve what an update names, segments and identities, in one round of reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Get, Item
from api_segments.aws.items import Attributes, Readings
from api_segments.core.clock import Deadline
from api_segments.segments.model import SegmentReference, SegmentStatus
from api_segments.segments.store import claim_key, customer_id_of, deleted_segment_key, id_and_status_of, segment_key


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """What a reference leads to. `agrees` is False when a reference by both ids leads to two different segments."""

    segment_id: int
    status: SegmentStatus
    agrees: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """References and identities that exist; the others are missing here."""

    segments: Readings[SegmentReference, FoundSegment]
    profile_ids: Readings[str, str]


def nothing_found() -> Found:
    """Return what was found when nothing could be looked up."""
    return Found(Readings({}, _found), Readings({}, profile_id_of))


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
        segments: dict[SegmentReference, Item] = {}
        claims: dict[str, Item] = {}
        for index, item in self._db.batch_get(gets, deadline).items():
            if index < len(references):
                segments[references[index]] = item
            else:
                claims[identities[index - len(references)]] = item
        segments |= self._find_deleted(account_id, [ref for ref in references if ref not in segments], deadline)
        found = {reference: (reference, item) for reference, item in segments.items()}
        return Found(Readings(found, _found), Readings(claims, profile_id_of))

    def _find_deleted(
        self, account_id: str, missing: Sequence[SegmentReference], deadline: Deadline
    ) -> dict[SegmentReference, Item]:
        """Look for the missing among the deleted; a claim, which a customer id alone leads to, tells of that itself."""
        wanted = [(ref, ref.segment_id) for ref in missing if ref.segment_id is not None]
        gets = [Get(self._segments_table, deleted_segment_key(account_id, segment_id)) for _, segment_id in wanted]
        found = self._db.batch_get(gets, deadline) if gets else {}
        return {wanted[index][0]: item for index, item in found.items()}

    def find_profile(self, account_id: str, identity: str, deadline: Deadline) -> str | None:
        """Return the profile id of an identity."""
        item = self._db.get(self._profiles_table, {"pk": {"S": keys.identity_claim(account_id, identity)}}, deadline)
        return None if item is None else profile_id_of(item)

    @staticmethod
    def _segment_key(account_id: str, reference: SegmentReference) -> dict[str, dict[str, str]]:
        if reference.segment_id is not None:
            return segment_key(account_id, reference.segment_id)
        if reference.customer_segment_id is None:
            raise ValueError("a segment reference needs an id")
        return claim_key(account_id, reference.customer_segment_id)


def profile_id_of(claim: Item) -> str:
    """Read whose an identity is."""
    return Attributes("identity's claim", claim).text("profile_id")


def _found(found: tuple[SegmentReference, Item]) -> FoundSegment:
    """Read a segment's item or a claim; a reference by both ids leads to the segment's item."""
    reference, item = found
    if reference.segment_id is None:
        claim = Attributes("customer id's claim", item)
        return FoundSegment(claim.whole("segment_id"), claim.one_of("status", SegmentStatus))
    wanted = reference.customer_segment_id
    return FoundSegment(*id_and_status_of(item), agrees=wanted is None or wanted == customer_id_of(item))

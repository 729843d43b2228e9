"""Mend claims of identities: each identity in Memberships leads to the profile that bears it.

Claim and memberships are written and deleted in one transaction. What seems to differ may have been read before and
after one, so it is looked at again minutes later, and a claim is written on condition that the profile still bears the
identity. A claim that leads to another profile which exists is not touched: the user is two profiles by then, and
which of them is right is not known here (docs/operations.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from api_segments.core.clock import Deadline
from api_segments.core.errors import NotWrittenError
from api_segments.memberships.model import MembershipImage
from api_segments.memberships.store import MembershipStore
from api_segments.profiles.store import ProfileStore


@dataclass(slots=True)
class ClaimFindings:
    """How many claims were mended; profiles whose identity leads to another one, by that one's id; who is left.

    There was no time for the last.
    """

    mended: int = 0
    taken: dict[str, str] = field(default_factory=dict)
    rest: Sequence[str] = ()


class ClaimMender:
    """Finds identities that lead nowhere or to another profile, and mends the claims that can be."""

    def __init__(self, memberships: MembershipStore, profiles: ProfileStore) -> None:
        self._memberships = memberships
        self._profiles = profiles

    def suspects(self, account_id: str, images: Mapping[str, MembershipImage], deadline: Deadline) -> list[str]:
        """Return the profiles whose identity does not lead to them."""
        return list(self._astray(account_id, images, deadline))

    def mend(self, account_id: str, suspects: Sequence[str], deadline: Deadline) -> ClaimFindings:
        """Look at profiles again; raises ThrottledError or UnavailableError when there was time for none."""
        found = ClaimFindings()
        images = self._memberships.get_many(account_id, suspects, deadline).without_damaged()
        astray = self._astray(account_id, images, deadline)
        holders = self._memberships.get_many(account_id, sorted({each for each in astray.values() if each}), deadline)
        for done, (profile_id, holder) in enumerate(astray.items()):
            if holder in holders.damaged or holder in holders:
                found.taken[profile_id] = str(holder)
                continue
            try:
                identity = str(images[profile_id].identity)
                found.mended += self._profiles.claim_again(account_id, identity, profile_id, holder, deadline)
            except NotWrittenError:
                if not found.mended:
                    raise
                found.rest = list(astray)[done:]
                break
        return found

    def _astray(
        self, account_id: str, images: Mapping[str, MembershipImage], deadline: Deadline
    ) -> dict[str, str | None]:
        """Return where the identities lead that do not lead to their profile; None: nowhere."""
        identities = {image.identity for image in images.values() if image.identity is not None}
        claimed = self._profiles.profile_ids(account_id, sorted(identities), deadline)
        return {
            profile_id: claimed.get(image.identity)
            for profile_id, image in images.items()
            if image.identity is not None
            and image.identity not in claimed.damaged
            and claimed.get(image.identity) != profile_id
        }

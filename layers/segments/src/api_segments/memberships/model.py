"""Users in segments, and changes of that. Plain values, no AWS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from api_segments.core.channels import Channel
from api_segments.core.errors import SegmentsError
from api_segments.segments.model import Segment, SegmentReference


class Action(StrEnum):
    """What an update asks for a (user, segment) pair."""

    ADD = "ADD"
    REMOVE = "REMOVE"


@dataclass(frozen=True, slots=True)
class Member:
    """A profile in a segment; `added_at` is None for a moment after it was added."""

    profile_id: str
    identity: str | None
    added_at: str | None
    reach: frozenset[Channel] = frozenset()


class UserReference(NamedTuple):
    """How a request names a user; `identity` wins when both are there."""

    identity: str | None = None
    guid: str | None = None

    @property
    def named_by(self) -> str:
        """Which of the two counts."""
        return "guid" if self.identity is None else "identity"


class UpdateGroup(NamedTuple):
    """Users and what to do with each of them: every action for every user."""

    users: Sequence[UserReference]
    actions: Sequence[tuple[SegmentReference, Action]]


@dataclass(frozen=True, slots=True)
class SentUser:
    """A user as a request wrote it, which could not be read, and where: in which group, at which index.

    `is_long`: it is longer than any user that can be read, maybe as long as a body.
    """

    value: object
    group: int
    index: int
    is_long: bool


@dataclass(frozen=True, slots=True)
class Rejection:
    """A (user, segment) pair that an update could not bring about.

    Of a user who could not be read, `sent` is what the request has, and `user` what can be shown of that.
    """

    user: UserReference
    segment: SegmentReference
    action: Action
    error: SegmentsError
    sent: SentUser | None = None


@dataclass(frozen=True, slots=True)
class KeptRejection:
    """A rejection as the error stream keeps it; `error_slug` is the error's `slug`."""

    occurred_at: str
    request_id: str
    user: UserReference
    segment: SegmentReference
    action: Action
    error_slug: str
    message: str


@dataclass
class UpdateResult:
    """What an update did, counted in (user, segment) pairs."""

    added: int = 0
    removed: int = 0
    unchanged: int = 0
    profiles_created: int = 0
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def processed(self) -> int:
        """Pairs that now are as asked."""
        return self.added + self.removed + self.unchanged


@dataclass(frozen=True, slots=True)
class ProfileSegments:
    """A user and the active segments it is in."""

    identity: str | None
    profile_id: str
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True)
class Purge:
    """One write of a deleted segment's clean-up; no two have the same `token`."""

    segment_id: int
    token: str


class MembershipImage(NamedTuple):
    """A profile's Memberships item at one moment; `purge` is the purge that wrote it last, if one did.

    `import_marks`: by segment, what the import wrote that last changed whether the profile is in it.
    """

    identity: str | None
    segment_ids: frozenset[int]
    reach: frozenset[Channel]
    purge: Purge | None = None
    import_marks: Mapping[int, str] = MappingProxyType({})


NOBODY = MembershipImage(identity=None, segment_ids=frozenset(), reach=frozenset())


class MembershipRecord(NamedTuple):
    """One write to a Memberships item, as its stream tells it.

    `event_id` and `sequence` are the stream record's own; `sequence` is zero-padded so that text sorts in order.
    """

    event_id: str
    sequence: str
    occurred_at: datetime
    account_id: str
    profile_id: str
    old: MembershipImage
    new: MembershipImage

    @property
    def changed(self) -> frozenset[int]:
        """Segments that the profile joined or left."""
        return self.old.segment_ids ^ self.new.segment_ids

    @property
    def joined(self) -> frozenset[int]:
        """Segments that the profile was not in before."""
        return self.new.segment_ids - self.old.segment_ids

    @property
    def left(self) -> frozenset[int]:
        """Segments that the profile is no longer in."""
        return self.old.segment_ids - self.new.segment_ids

    @property
    def purged(self) -> frozenset[int]:
        """The deleted segment that a clean-up took the profile out of, if that is what this write did."""
        purge = self.new.purge
        return frozenset() if purge is None or purge == self.old.purge else self.left & {purge.segment_id}

    def import_mark(self, segment_id: int) -> str | None:
        """Return the mark of the import that changed whether the profile is in a segment, None if none did that."""
        mark = self.new.import_marks.get(segment_id)
        return None if mark == self.old.import_marks.get(segment_id) else mark


@dataclass(frozen=True, slots=True)
class ImportMark:
    """What an import writes beside a change: its id, and whether it applied its file, created the user, or undid that.

    As text, no two imports' marks begin alike; what undid an import begins unlike what applied it.
    """

    import_id: str
    is_undoing: bool = False
    is_new_user: bool = False

    def __str__(self) -> str:
        return f"{self.prefix}{'c' if self.is_new_user else 'a'}"

    @property
    def prefix(self) -> str:
        """What all marks begin with that this import writes while it applies its file, or while it is undone."""
        return f"{'u' if self.is_undoing else 'i'}{self.import_id}"

    @classmethod
    def read(cls, text: str) -> "ImportMark":
        """Read a mark."""
        return cls(text[1:-1], is_undoing=text.startswith("u"), is_new_user=text.endswith("c"))

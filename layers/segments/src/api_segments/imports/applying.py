"""Apply what a preview found, and undo it: users are added, then removed, in parts of seconds.

A change is written with a mark (memberships.store), only if it is one, and only once. So a step that runs again, after
a crash or a lost answer, finds what it did and counts it, and whoever was changed by others first is left alone.

Undoing goes over the same files the other way round. It changes only those whose last change by any import was this
one's, and who are as that left them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from secrets import token_hex

from api_segments.aws.object_store import ObjectStore
from api_segments.core.clock import Deadline, rfc3339
from api_segments.core.errors import DamagedItemError, NotWrittenError
from api_segments.imports import objects
from api_segments.imports.files.model import GUID, IDENTITY, user_of
from api_segments.imports.files.parts import read_part
from api_segments.imports.model import (
    Figure,
    Import,
    ImportStatus,
    Phase,
    changes_left,
)
from api_segments.imports.reading import DIFF, KNOWN, Work, work_of
from api_segments.imports.steps import Steps
from api_segments.memberships.model import Action, ImportMark
from api_segments.memberships.store import ImportChange, ImportOutcome, MembershipStore, NewProfile
from api_segments.memberships.store_references import ReferenceStore

# Twenty calls of 25; their answers wait for nothing else.
CHANGES_AT_ONCE = 500
# Parts that are applied side by side (template.yaml, MaxConcurrency), which share the pace.
LANES = 10
_OTHER = {Action.ADD: Action.REMOVE, Action.REMOVE: Action.ADD}
_ENDS = {Phase.APPLY: ImportStatus.DONE, Phase.UNDO: ImportStatus.UNDONE}
_CHANGED = {Action.ADD: Figure.ADDED, Action.REMOVE: Figure.REMOVED}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of what is to be applied or undone, from so many of its users on; `lanes` are worked on side by side."""

    phase: Phase
    action: Action
    part: int
    after: int
    lanes: int


# What the name of a note begins with that some users are being changed; then the name of their figures follows.
_BEGUN = "begun#"


def _counted(piece: Piece) -> str:
    """Return what the names of figures of a part begin with; the first of the users who were changed follows."""
    return f"{piece.phase}#{piece.action}#{piece.part:04d}#"


class ApplyingService:
    """Takes imports from APPLYING to DONE and from UNDOING to UNDONE."""

    def __init__(
        self,
        steps: Steps,
        store: ObjectStore,
        memberships: MembershipStore,
        references: ReferenceStore,
        rows_per_second: float,
    ) -> None:
        self._steps = steps
        self._store = store
        self._memberships = memberships
        self._references = references
        self._rows_per_second = rows_per_second

    def begin(self, account_id: str, import_id: str, phase: Phase, deadline: Deadline) -> Work:
        """Return which parts are to be applied; or, to undo them, which parts to add users from and to remove users."""
        self._steps.begin(account_id, import_id, phase, deadline)
        work = work_of(self._steps.imports.figures(account_id, import_id, DIFF, deadline))
        return work if phase is Phase.APPLY else Work(work.removals, work.additions)

    def change(self, account_id: str, import_id: str, piece: Piece, deadline: Deadline) -> int | None:
        """Make changes at the import's pace for as long as there is time; return after how many to go on, or None.

        An import that is cancelled, or has ended, is left as it is after 500 changes at most.
        """
        of = self._steps.begin(account_id, import_id, piece.phase, deadline)
        if of.status is ImportStatus.CANCELLING:
            self._complete(of, piece, deadline)
            return None
        lines = self._lines(of, piece)
        began, at = self._steps.clock.monotonic(), piece.after
        pace = self._rows_per_second / min(piece.lanes, LANES)
        try:
            while at < len(lines) and not deadline.is_over():
                at = self._change_and_count(of, piece, lines, at, deadline)
                ahead = (at - piece.after) / pace - (self._steps.clock.monotonic() - began)
                if ahead >= deadline.remaining():
                    break
                if at < len(lines) or piece.lanes > 1:  # another part may follow at once
                    self._steps.clock.sleep(max(0.0, ahead))
                if at < len(lines) and not self._goes_on(of, deadline):
                    return None
        except NotWrittenError:
            if at == piece.after or not deadline.is_over():
                raise
        return at if at < len(lines) else None

    def _lines(self, of: Import, piece: Piece) -> list[bytes]:
        wanted = piece.action if piece.phase is Phase.APPLY else _OTHER[piece.action]
        key = objects.changes(of, wanted, piece.part)
        return [line for lines in read_part([self._store.read(key)]) for line in lines]

    def _change_and_count(self, of: Import, piece: Piece, lines: Sequence[bytes], at: int, deadline: Deadline) -> int:
        """Change some users, from one on, and write down what came of it; return who is next.

        Before that it is written down that they are begun with: under another name, so that a late call undoes nothing.
        """
        some = lines[at : at + CHANGES_AT_ONCE]
        counted = f"{_counted(piece)}{at:09d}"
        note = self._steps.imports.note_figures
        note(of, f"{_BEGUN}{counted}", {}, self._steps.clock.now(), deadline)
        note(of, counted, self._change(of, piece, some, deadline), self._steps.clock.now(), deadline)
        return at + len(some)

    def _complete(self, of: Import, piece: Piece, deadline: Deadline) -> None:
        """Change whom a try of this step was changing when it died: some may be changed, and none is counted.

        To count what is changed by now would not do: a call whose answer was lost may be carried out later than that.
        """
        counted = _counted(piece)
        begun, ended = (
            [name[-9:] for name in self._steps.imports.figures(of.account_id, of.import_id, each, deadline)]
            for each in (f"{_BEGUN}{counted}", counted)
        )
        for at in sorted(set(begun) - set(ended)):
            self._change_and_count(of, piece, self._lines(of, piece), int(at), deadline)

    def _goes_on(self, of: Import, deadline: Deadline) -> bool:
        now = self._steps.imports.get(of.account_id, of.import_id, deadline)
        return now is not None and (now.status, now.status_at) == (of.status, of.status_at)

    def _change(self, of: Import, piece: Piece, lines: Sequence[bytes], deadline: Deadline) -> Counter[str]:
        """Change some users; raises ThrottledError or UnavailableError, then it is to be done again."""
        figures: Counter[str] = Counter()
        profile_ids = [line[1:].decode() for line in lines if line.startswith(KNOWN.encode())]
        others = [line for line in lines if not line.startswith(KNOWN.encode())]
        if piece.phase is Phase.APPLY:
            existing = self._create(of, others, figures, deadline)
        else:
            existing = self._found(of, others, figures, deadline)
        applies = ImportMark(of.import_id)
        change = ImportChange(of.segment_id, piece.action, applies)
        if piece.phase is Phase.UNDO:
            change = ImportChange(of.segment_id, piece.action, ImportMark(of.import_id, is_undoing=True), applies)
        wanted = list(dict.fromkeys([*profile_ids, *existing]))
        figures[Figure.SUPERSEDED] += len(profile_ids) + len(existing) - len(wanted)
        for outcome in self._memberships.change_by_import(of.account_id, change, wanted, deadline):
            if outcome is ImportOutcome.SUPERSEDED:
                figures[Figure.SUPERSEDED] += 1
                continue
            figures[_CHANGED[piece.action]] += 1
            figures[Figure.CREATED] += outcome is ImportOutcome.MADE_WITH_USER
        return figures

    def _create(self, of: Import, lines: Sequence[bytes], figures: Counter[str], deadline: Deadline) -> list[str]:
        """Create users as members; return those who turn out to exist."""
        mark = ImportMark(of.import_id, is_new_user=True)
        users = [user_of(line) for line in lines]
        profiles = [
            NewProfile(user.guid or token_hex(16), user.identity, frozenset({of.segment_id}), mark) for user in users
        ]
        existing = []
        for outcome in self._memberships.create(of.account_id, profiles, deadline):
            if outcome.created:
                figures.update((Figure.ADDED, Figure.CREATED))
            elif outcome.profile_id is not None:
                existing.append(outcome.profile_id)
            elif isinstance(outcome.error, DamagedItemError):
                figures[Figure.SUPERSEDED] += 1
            elif outcome.error is not None:
                raise outcome.error
        return existing

    def _found(self, of: Import, lines: Sequence[bytes], figures: Counter[str], deadline: Deadline) -> list[str]:
        """Return the profiles of users whom the import created; those who are gone are left alone."""
        guids = [line[1:].decode() for line in lines if line.startswith(GUID.encode())]
        identities = [line[1:].decode() for line in lines if line.startswith(IDENTITY.encode())]
        claims = self._references.find(of.account_id, [], identities, deadline).profile_ids.without_damaged()
        figures[Figure.SUPERSEDED] += len(identities) - len(claims)
        return [*guids, *claims.values()]

    def finish(self, account_id: str, import_id: str, phase: Phase, deadline: Deadline) -> None:
        """End an import that was applied, cancelled meanwhile, or undone.

        Raises ImportStoppedError if its figures don't add up.
        """
        store, now = self._steps.imports, self._steps.clock.now()
        kept = store.get(account_id, import_id, deadline)
        while kept is not None and kept.phase is phase:  # once more, if it was cancelled just now
            figures: Counter[str] = Counter()
            for counted in store.figures(account_id, import_id, f"{phase}#", deadline).values():
                figures.update(counted)
            left = changes_left(kept.preview or {}, figures)
            is_cut = kept.status is ImportStatus.CANCELLING and left > 0
            if left != 0 and not is_cut:
                self._steps.stop(kept, f"the figures don't add up: {left} changes have not come to an end", deadline)
            after = replace(
                kept,
                status=ImportStatus.CANCELLED if is_cut else _ENDS[phase],
                status_at=rfc3339(now),
                until=None,
                ended_at=rfc3339(now),
                reason=None,
                applied=figures if phase is Phase.APPLY else kept.applied,
                undone=kept.undone if phase is Phase.APPLY else figures,
            )
            store.move(kept, after, now, deadline)
            kept = store.get(account_id, import_id, deadline)
        if kept is not None and kept.status in (_ENDS[phase], ImportStatus.CANCELLED):
            self._steps.publish(kept, deadline)

"""Read a file, compare it with the segment, and tell what it would change. Nothing here writes memberships.

The rows of the file and of the segment's list are spread over parts by a hash of the id, so that a part holds all there
is of its users, and a function takes a part at a time:

    split    the file ────────────▶ rows/PART
    reroute  rows/PART ───────────▶ rerouted/PART      users whom it names by guid, if it names others by identity
    walk     a bucket of the list ▶ members/PART       where the segment is not much larger than the file
    diff     all of a part ───────▶ changes/ADD/PART, changes/REMOVE/PART, and figures
    preview  figures ─────────────▶ PREVIEWED, APPLYING or REFUSED

An id that the file and the list both have is no change, and costs nothing further. Only of others identities are
resolved and memberships read, consistently: the truth says what is to be changed, the list only whom to ask about.

Each step writes the same when it runs again over the same file and segment.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from api_segments.aws.keys import MEMBER_BUCKETS
from api_segments.aws.object_store import ObjectChangedError, ObjectStore
from api_segments.core.clock import Deadline, rfc3339
from api_segments.core.parallel import chunks, in_parallel
from api_segments.imports import objects
from api_segments.imports.files.model import GUID, IDENTITY, UnreadableFileError, part_of
from api_segments.imports.files.parts import PartFiles, packed, read_part
from api_segments.imports.files.splitting import split
from api_segments.imports.model import (
    ACTIONS,
    Figure,
    Import,
    ImportStatus,
    Mode,
    Phase,
    UnknownUsers,
    hit,
    imbalance,
    until,
)
from api_segments.imports.steps import Steps
from api_segments.memberships.model import Action
from api_segments.memberships.store import MembershipStore
from api_segments.memberships.store_lists import MemberListStore
from api_segments.memberships.store_references import ReferenceStore

KNOWN = "p"
"""What a line of a file of changes begins with whose user exists: the profile id follows. Others are as in the file."""

# Walking over a row of the list costs a fortieth of a read unit, resolving a user of the file one and a half.
_MEMBERS_A_ROW = 16
# How many users are asked about at once: what is known of so many is little memory.
_ASKED = 5_000
SPLIT, DIFF = "split", "diff#"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done after the split: whether the list is read too, and what the parts hash, `i` or `g`."""

    parts: Sequence[int]
    buckets: Sequence[int]
    keyed_by: str
    reroutes: bool


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be applied: the parts that have users to add, and those that have users to remove."""

    additions: Sequence[int]
    removals: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Members:
    """Members of the segment whose ids are in a part, by line; of those who came since, and the profiles that left."""

    profile_ids: Mapping[bytes, str]
    came_since: frozenset[bytes]
    left_since: frozenset[str]


class ReadingService:
    """Takes imports from READING to their preview."""

    def __init__(
        self,
        steps: Steps,
        store: ObjectStore,
        lists: MemberListStore,
        memberships: MembershipStore,
        references: ReferenceStore,
    ) -> None:
        self._steps = steps
        self._store = store
        self._lists = lists
        self._memberships = memberships
        self._references = references

    def split(self, account_id: str, import_id: str, deadline: Deadline) -> Plan:
        """Read the file into parts; raises ImportStoppedError if it can't be read or is another by now."""
        of = self._steps.begin(account_id, import_id, Phase.READ, deadline)
        if of.upload is None or of.parts is None:
            self._steps.stop(of, "what it is to read is not known", deadline)
        with TemporaryDirectory() as folder:
            files = _KindsSeen(Path(folder), of.parts)
            rejected = self._store.begin(objects.rejected_rows(of))
            try:
                chunks_of_file = self._store.chunks(objects.upload(account_id, import_id), of.upload.etag, deadline)
                read = split(chunks_of_file, files, rejected.add)
            except UnreadableFileError as error:
                self._steps.stop(of, f"the file {error}", deadline)
            except ObjectChangedError:
                self._steps.stop(of, "another file was uploaded after the start, or the file is gone", deadline)
            rejected.close()
            in_parallel(
                lambda part: self._store.write(objects.rows(of, part), files.paths[part].read_bytes()),
                range(of.parts),
            )
        figures = {Figure.ROWS: read.rows, Figure.REJECTED: read.rejected}
        self._steps.imports.note_figures(of, SPLIT, figures, self._steps.clock.now(), deadline)
        keyed_by = GUID if files.kinds == {GUID} else IDENTITY
        walks = of.mode is Mode.REPLACE or self._members(of, deadline) <= _MEMBERS_A_ROW * (read.rows - read.rejected)
        return Plan(
            parts=range(of.parts),
            buckets=range(MEMBER_BUCKETS) if walks else (),
            keyed_by=keyed_by,
            reroutes=len(files.kinds) > 1,
        )

    def _members(self, of: Import, deadline: Deadline) -> int:
        counted = self._steps.segments.get_counted(of.account_id, [of.segment_id], deadline).get(of.segment_id)
        return 0 if counted is None else counted[1].members

    def reroute(self, account_id: str, import_id: str, part: int, deadline: Deadline) -> None:
        """Put users whom a part names by guid into the parts of their identities; those who have none stay guids."""
        of = self._steps.begin(account_id, import_id, Phase.READ, deadline)
        guids = [line[1:].decode() for line in self._rows(of, part) if line.startswith(GUID.encode())]
        routed: dict[int, list[bytes]] = {}
        for some in chunks(guids, _ASKED):
            images = self._memberships.get_many(account_id, some, deadline).without_damaged()
            for guid in some:
                identity = images[guid].identity if guid in images else None
                line = f"{GUID}{guid}" if identity is None else f"{IDENTITY}{identity}"
                routed.setdefault(part_of(line.encode(), of.parts or 1), []).append(line.encode())
        in_parallel(
            lambda target: self._store.write(objects.rerouted(of, target, part), packed(routed[target])), sorted(routed)
        )

    def walk(self, account_id: str, import_id: str, bucket: int, keyed_by: str, deadline: Deadline) -> None:
        """Write the members of one bucket of the segment's list into parts."""
        of = self._steps.begin(account_id, import_id, Phase.READ, deadline)
        since = of.reads_since or of.created_at
        members: dict[int, list[bytes]] = {}
        left: list[bytes] = []
        for rows in self._lists.bucket(account_id, of.segment_id, bucket, deadline):
            for row in rows:
                if row.added_at is None:
                    if (row.removed_at or "") >= since:
                        left.append(row.profile_id.encode())
                    continue
                is_named = row.identity is not None and keyed_by == IDENTITY
                line = f"{IDENTITY}{row.identity}" if is_named else f"{GUID}{row.profile_id}"
                came = "\t+" if row.added_at >= since else ""
                part = part_of(line.encode(), of.parts or 1)
                members.setdefault(part, []).append(f"{line}\t{row.profile_id}{came}".encode())
        self._store.write(objects.left_since(of, bucket), packed(left))
        in_parallel(
            lambda part: self._store.write(objects.members(of, part, bucket), packed(members.get(part, []))),
            range(of.parts or 1),
        )

    def diff(  # noqa: PLR0913 - one part of a plan
        self,
        account_id: str,
        import_id: str,
        part: int,
        *,
        walks: bool,
        reroutes: bool,
        deadline: Deadline,
    ) -> None:
        """Find out what the users of a part change."""
        of = self._steps.begin(account_id, import_id, Phase.READ, deadline)
        rows = list(self._rows_by_key(of, part) if reroutes else self._rows(of, part))
        named = dict.fromkeys(rows)
        figures: Counter[str] = Counter({Figure.DUPLICATE: len(rows) - len(named)})
        del rows
        members = self._members_of(of, part) if walks else None
        found: dict[Action, list[bytes]] = {Action.ADD: [], Action.REMOVE: []}
        if members is None:
            self._ask_about(of, list(named), frozenset(), figures, found, deadline)
        else:
            if of.mode is Mode.REMOVE:
                listed = [line for line in named if line in members.profile_ids]
                figures[Figure.UNCHANGED] += len(named) - len(listed)
                self._take_out(of, [members.profile_ids[line] for line in listed], figures, found, deadline)
            else:
                new = [line for line in named if line not in members.profile_ids]
                figures[Figure.UNCHANGED] += len(named) - len(new)
                self._ask_about(of, new, members.left_since, figures, found, deadline)
            if of.mode is Mode.REPLACE:
                rest = members.profile_ids.keys() - named.keys() - members.came_since
                self._take_out(of, sorted(members.profile_ids[line] for line in rest), figures, found, deadline)
            figures[Figure.MEMBERS] = len(members.profile_ids)
        for action in ACTIONS:
            if found[action]:
                self._store.write(objects.changes(of, action, part), packed(found[action]))
        self._steps.imports.note_figures(of, f"{DIFF}{part:04d}", figures, self._steps.clock.now(), deadline)

    def _rows(self, of: Import, part: int) -> Iterator[bytes]:
        return self._lines(objects.rows(of, part))

    def _rows_by_key(self, of: Import, part: int) -> Iterator[bytes]:
        """Return a part's rows, those by guid as they were rerouted."""
        guid = GUID.encode()
        yield from (line for line in self._rows(of, part) if not line.startswith(guid))
        for key in self._store.keys(objects.rerouted(of, part)):
            yield from self._lines(key)

    def _lines(self, key: str) -> Iterator[bytes]:
        for lines in read_part([self._store.read(key)]):
            yield from lines

    def _members_of(self, of: Import, part: int) -> _Members:
        profile_ids: dict[bytes, str] = {}
        came: set[bytes] = set()
        left: set[str] = set()
        for bucket in range(MEMBER_BUCKETS):
            for line in self._lines(objects.members(of, part, bucket)):
                key, profile_id, *since = line.split(b"\t")
                profile_ids[key] = profile_id.decode()
                if since:
                    came.add(key)
            left.update(line.decode() for line in self._lines(objects.left_since(of, bucket)))
        return _Members(profile_ids, frozenset(came), frozenset(left))

    def _ask_about(  # noqa: PLR0913, PLR0917 - what is counted and found
        self,
        of: Import,
        lines: Sequence[bytes],
        left_since: frozenset[str],
        figures: Counter[str],
        found: Mapping[Action, list[bytes]],
        deadline: Deadline,
    ) -> None:
        """Look up users whom the file names, and find those whom the import changes."""
        is_wanted = of.mode is not Mode.REMOVE
        for some in chunks(lines, _ASKED):
            profile_ids = self._resolved(of, some, deadline)
            known = sorted({each for each in profile_ids.values() if each is not None})
            images = self._memberships.get_many(of.account_id, known, deadline)
            for line in some:
                if line not in profile_ids:  # its claim is damaged
                    figures[Figure.SKIPPED] += 1
                    continue
                profile_id = profile_ids[line] or ""
                if profile_id in images.damaged:
                    figures[Figure.SKIPPED] += 1
                elif profile_id not in images:
                    self._unknown(of, line, figures, found)
                elif (of.segment_id in images[profile_id].segment_ids) is is_wanted or profile_id in left_since:
                    figures[Figure.UNCHANGED] += 1  # or somebody else took the user out since the import began to read
                elif of.mode is Mode.REMOVE:
                    figures.update((Figure.TO_REMOVE, Figure.TO_REMOVE_NAMED))
                    found[Action.REMOVE].append(f"{KNOWN}{profile_id}".encode())
                else:
                    figures[Figure.TO_ADD] += 1
                    found[Action.ADD].append(f"{KNOWN}{profile_id}".encode())

    def _unknown(self, of: Import, line: bytes, figures: Counter[str], found: Mapping[Action, list[bytes]]) -> None:
        if of.mode is Mode.REMOVE:
            figures[Figure.UNCHANGED] += 1
        elif of.unknown_users is UnknownUsers.SKIP:
            figures[Figure.SKIPPED] += 1
        else:
            figures.update((Figure.TO_ADD, Figure.TO_CREATE))
            found[Action.ADD].append(line)

    def _resolved(self, of: Import, lines: Sequence[bytes], deadline: Deadline) -> dict[bytes, str | None]:
        """Return the profiles of users, None of those who have none; without those whose claims are damaged."""
        identities = {line: line[1:].decode() for line in lines if line.startswith(IDENTITY.encode())}
        claims = self._references.find(of.account_id, [], list(identities.values()), deadline).profile_ids
        readable = claims.without_damaged()
        return {
            line: readable.get(identities[line]) if line in identities else line[1:].decode()
            for line in lines
            if identities.get(line) not in claims.damaged
        }

    def _take_out(
        self,
        of: Import,
        profile_ids: Sequence[str],
        figures: Counter[str],
        found: Mapping[Action, list[bytes]],
        deadline: Deadline,
    ) -> None:
        """Find those of listed members who are to be removed: who is none in truth, stays as it is."""
        named = of.mode is Mode.REMOVE
        for some in chunks(profile_ids, _ASKED):
            images = self._memberships.get_many(of.account_id, some, deadline)
            for profile_id in some:
                if profile_id in images.damaged:
                    figures[Figure.SKIPPED] += named
                elif profile_id in images and of.segment_id in images[profile_id].segment_ids:
                    figures[Figure.TO_REMOVE] += 1
                    figures[Figure.TO_REMOVE_NAMED] += named
                    found[Action.REMOVE].append(f"{KNOWN}{profile_id}".encode())
                else:
                    figures[Figure.UNCHANGED] += named

    def preview(self, account_id: str, import_id: str, deadline: Deadline) -> Work | None:
        """Sum up what the parts change, and hold it against the guard; return what is to be applied at once.

        None if nothing is: the import waits for its `apply`, or was refused. Raises ImportStoppedError if the figures
        don't add up.
        """
        store, now = self._steps.imports, self._steps.clock.now()
        kept = store.get(account_id, import_id, deadline)
        if kept is None or kept.status is not ImportStatus.READING:
            return self._previewed_before(kept, deadline)
        of = self._steps.begin(account_id, import_id, Phase.READ, deadline)
        by_part = store.figures(account_id, import_id, DIFF, deadline)
        figures = sum(by_part.values(), Counter())
        figures.update(store.figures(account_id, import_id, SPLIT, deadline).get(SPLIT, Counter()))
        if Figure.MEMBERS not in figures:
            figures[Figure.MEMBERS] = self._members(of, deadline)
        wrong = imbalance(figures) if len(by_part) == of.parts else f"{len(by_part)} of {of.parts} parts were compared"
        if wrong is not None:
            self._steps.stop(of, f"the figures don't add up: {wrong}", deadline)
        said = hit(of.guard, figures)
        status = ImportStatus.PREVIEWED
        if said is not None:
            status = ImportStatus.REFUSED
        elif of.applies_itself:
            status = ImportStatus.APPLYING
        limit = until(status, now)
        after = replace(
            of,
            status=status,
            status_at=rfc3339(now),
            until=None if limit is None else rfc3339(limit),
            ended_at=rfc3339(now) if status is ImportStatus.REFUSED else None,
            reason=said,
            preview=figures,
            has_applied=status is ImportStatus.APPLYING,
            has_rejected_rows=figures[Figure.REJECTED] > 0,
        )
        store.move(of, after, now, deadline)
        return self._previewed_before(store.get(account_id, import_id, deadline), deadline)

    def _previewed_before(self, kept: Import | None, deadline: Deadline) -> Work | None:
        """Go on from where an import is after its preview, maybe one that an earlier try of this step made."""
        if kept is not None and kept.status is ImportStatus.REFUSED:
            self._steps.publish(kept, deadline)
        if kept is None or kept.phase is not Phase.APPLY or not kept.applies_itself:
            return None
        return work_of(self._steps.imports.figures(kept.account_id, kept.import_id, DIFF, deadline))


def work_of(by_part: Mapping[str, Counter[str]]) -> Work:
    """Return which parts have something to apply, from the figures of all."""
    return Work(
        *(
            [int(name.removeprefix(DIFF)) for name, figures in sorted(by_part.items()) if figures[figure]]
            for figure in (Figure.TO_ADD, Figure.TO_REMOVE)
        )
    )


class _KindsSeen(PartFiles):
    """Part files that also tell which kinds of ids came in."""

    def __init__(self, folder: Path, parts: int) -> None:
        super().__init__(folder, parts)
        self.kinds: set[str] = set()

    def add(self, users: Sequence[bytes]) -> None:
        """Take users, each as `line_of` writes it."""
        self.kinds |= {chr(first) for first in {user[0] for user in users}}
        super().add(users)

"""Members of segments: pushed by the million, listed, looked up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from os import PathLike
from pathlib import Path
from urllib.parse import quote

from api_segments_client.decoding import decode
from api_segments_client.models import Guid, Member, ProfileSegments, Refused
from api_segments_client.pages import pages
from api_segments_client.push import Change, SegmentKey, batched, pairs_of, send_changes
from api_segments_client.segments import Segments
from api_segments_client.sending import Progress, Sender
from api_segments_client.totals import Totals
from api_segments_client.transport import Transport

OnRefused = Callable[[Refused], object] | str | PathLike[str]
"""Who gets each refused entry, or the file that they are written to, a JSON object a line."""


class Members:
    """`client.members`."""

    def __init__(self, transport: Transport, segments: Segments, in_flight: int) -> None:
        self._transport = transport
        self._segments = segments
        self._in_flight = in_flight

    def push(  # noqa: PLR0913 - who, where, and what is told meanwhile
        self,
        segment: SegmentKey,
        *,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        in_flight: int | None = None,
        on_progress: Callable[[Totals], object] | None = None,
        on_refused: OnRefused | None = None,
    ) -> Totals:
        """Add users to a segment, then remove others; return what became of them.

        `add` and `remove` may be of any length: no more than what is under way is taken from them. A user is an
        identity or a `Guid`. `segment` is the API's id (a number) or your `customer_segment_id` (a text). What fails
        for now is sent again, as `Retry` of the client says, and a change is never made twice by that. Raises
        PushStoppedError (what was refused as a whole, gave no answer, or what an iterable raises) and PushInterrupted
        (Ctrl-C), both with the totals so far. The callbacks run in this thread.
        """
        one = frozenset({segment})
        # All additions are written before the first removal, so who is in both is removed at the end.
        phases = (Change(user, add=one) for user in add), (Change(user, remove=one) for user in remove)
        return self._send(phases, in_flight, on_progress, on_refused)

    def update(
        self,
        changes: Iterable[Change],
        *,
        in_flight: int | None = None,
        on_progress: Callable[[Totals], object] | None = None,
        on_refused: OnRefused | None = None,
    ) -> Totals:
        """Make changes of users, each of several segments; as `push`, else.

        With more than one request at a time, changes of one user that are in different requests may be
        made in any order.
        """
        return self._send((changes,), in_flight, on_progress, on_refused)

    def _send(
        self,
        phases: Iterable[Iterable[Change]],
        in_flight: int | None,
        on_progress: Callable[[Totals], object] | None,
        on_refused: OnRefused | None,
    ) -> Totals:
        with ExitStack() as ending:
            sender: Sender[list[Change], Totals] = Sender(
                partial(send_changes, self._transport),
                pairs_of,
                Progress(Totals()),
                self._in_flight if in_flight is None else in_flight,
                on_progress,
                teller(on_refused, ending),
            )
            for changes in phases:
                sender.run(batched(changes))
            return sender.totals

    def list(self, segment: SegmentKey, *, page_size: int = 1000) -> Iterator[Member]:
        """Give all members of a segment, in an order that never changes; they follow changes within two seconds."""
        path = f"api/segments/{self._segments.id_of(segment)}/members"
        return pages(self._transport, path, "members", Member, page_size)

    def get(self, segment: SegmentKey, user: str) -> Member:
        """Return a member as of this moment; NotFoundError if the user is none."""
        path, query = of_user(f"api/segments/{self._segments.id_of(segment)}/members/", user)
        return decode(Member, self._transport.call("GET", path, query=query).body, "member")

    def segments_of(self, user: str) -> ProfileSegments:
        """Return the active segments that a user is in, as of this moment."""
        path, query = of_user("api/profiles/", user, "/segments")
        return decode(ProfileSegments, self._transport.call("GET", path, query=query).body, "profile")


def of_user(before: str, user: str, after: str = "") -> tuple[str, dict[str, str | int | None]]:
    """Return path and parameters that name a user."""
    return f"{before}{quote(user, safe='')}{after}", {"by": "guid" if isinstance(user, Guid) else None}


def teller(on_refused: OnRefused | None, ending: ExitStack) -> Callable[[Refused], object] | None:
    """Return what takes a refused entry; where that is a file, it is made now and closed by `ending`."""
    if on_refused is None or callable(on_refused):
        return on_refused
    file = ending.enter_context(Path(on_refused).open("w", encoding="utf-8"))  # noqa: SIM115 - `ending` closes it

    def write(refused: Refused) -> None:
        line = {"record": refused.record, "code": refused.code, "error": refused.error}
        file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    return write

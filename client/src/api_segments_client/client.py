"""The client: one account of one API."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from api_segments_client import settings as stored
from api_segments_client.campaigns import Campaigns
from api_segments_client.decoding import decode
from api_segments_client.imports import Exports, Imports
from api_segments_client.members import Members
from api_segments_client.models import Freshness, UpdateError, Usage
from api_segments_client.pages import pages
from api_segments_client.profiles import Profiles
from api_segments_client.retry import Retry
from api_segments_client.segments import Segments
from api_segments_client.transport import Transport

TIMEOUT_SECONDS = 35.0
"""API Gateway answers within 29 seconds."""
IN_FLIGHT = 3
"""How many updates CleverTap takes at a time."""


class Client:
    """Calls the API for one account; may be used by several threads, and closes its connections as a context manager.

    `url` is the stack's ApiUrl, or CleverTap's by `clevertap_url`; https, or http on this machine. `timeout` is how
    many seconds an answer may take, `in_flight` how many requests a push has under way, `retry` the patience with
    what may pass. Raises SettingsError.
    """

    def __init__(  # noqa: PLR0913 - the last three by name
        self,
        url: str,
        account_id: str,
        passcode: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        in_flight: int = IN_FLIGHT,
        retry: Retry | None = None,
    ) -> None:
        self._shown = f"{url}, account {account_id}"
        self._transport = Transport(url, account_id, passcode, timeout, retry or Retry())
        self.segments = Segments(self._transport)
        self.members = Members(self._transport, self.segments, in_flight)
        self.profiles = Profiles(self._transport)
        self.imports = Imports(self._transport, self.segments)
        self.exports = Exports(self._transport, self.segments)
        self.campaigns = Campaigns(self._transport)

    @classmethod
    def from_environment(cls, *, retry: Retry | None = None) -> Client:
        """Return a client as API_SEGMENTS_URL, API_SEGMENTS_ACCOUNT and API_SEGMENTS_PASSCODE say."""
        found = stored.from_environment()
        return cls(found.url, found.account_id, found.passcode, retry=retry)

    @classmethod
    def from_profile(cls, name: str | None = None, file: Path | None = None, *, retry: Retry | None = None) -> Client:
        """Return a client as a profile of the TOML file says, which `save_profile` writes.

        A file that others can read is a warning.
        """
        found = stored.from_profile(name, file)
        path = file or stored.profiles_file()
        if stored.readable_by_others(path):
            warnings.warn(f"others can read the passcodes in {path}: chmod 600 {path}", stacklevel=2)
        return cls(found.url, found.account_id, found.passcode, retry=retry)

    def errors(self, *, page_size: int = 1000) -> Iterator[UpdateError]:
        """Give the error stream: entries of updates that were rejected in the last 30 days, the newest first."""
        return pages(self._transport, "api/errors", "errors", UpdateError, page_size)

    def usage(self, month: str | None = None) -> Usage:
        """Return the data points of a month like `2026-11` (UTC), or of this one."""
        return decode(Usage, self._transport.call("GET", "api/usage", query={"month": month}).body, "usage")

    def freshness(self) -> Freshness:
        """Return how far lists and counts are behind what was acknowledged."""
        return decode(Freshness, self._transport.call("GET", "api/freshness").body, "freshness")

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Client:  # noqa: PYI034 - Self needs Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client of {self._shown}>"

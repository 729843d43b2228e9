"""The page as it is served: a page, and the files it loads, whose addresses change when any of them does."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Self

from api_segments.http.security import FRAME_SECURITY, SECURITY

PAGE = "index.html"
FRAME = "mail.html"
"""The empty document in which the page shows a mail."""
CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_NEVER = "no-store"


@dataclass(frozen=True, slots=True)
class Served:
    """What a browser gets; the security headers are in it."""

    status: HTTPStatus
    headers: Mapping[str, str]
    body: str


class Site:
    """Serves a page and the files that it loads, by name; `version` is in the addresses of the files."""

    def __init__(self, page: str, version: str, files: Mapping[str, str]) -> None:
        self.version = version
        self._page = page
        self._files = files

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the site that was built into `folder`: each file lies at the path of its address."""
        (home,) = (folder / "page").iterdir()
        files = {path.name: path.read_text("utf-8") for path in home.iterdir()}
        return cls((folder / PAGE).read_text("utf-8"), home.name, files)

    def page(self, address: str, known: str | None) -> Served:
        """Return the page; `address` is the path as the browser has it, `known` the ETag of what it still holds.

        The page names its files relatively to its own address, so that it needs to know neither host nor stage: an
        address without the slash at its end is sent to the one with it.
        """
        if not address.endswith("/"):
            location = f"{address.rpartition('/')[2]}/"
            return Served(HTTPStatus.PERMANENT_REDIRECT, {**SECURITY, "Location": location}, "")
        return _served(self._page, PAGE, self.version, _ASK_AGAIN, known)

    def file(self, version: str, name: str, known: str | None) -> Served | None:
        """Return a file of the page, None if there is no such file.

        While a new version is being deployed, a page of the one may be given files of the other: those are not kept.
        """
        if name not in self._files:
            return None
        return _served(self._files[name], name, self.version, _FOR_EVER if version == self.version else _NEVER, known)


def _served(body: str, name: str, version: str, caching: str, known: str | None) -> Served:
    tag = f'"{version}"'
    headers = {**(FRAME_SECURITY if name == FRAME else SECURITY), "Cache-Control": caching, "ETag": tag}
    if known is not None and tag in (each.strip().removeprefix("W/") for each in known.split(",")):
        return Served(HTTPStatus.NOT_MODIFIED, headers, "")
    return Served(
        HTTPStatus.OK, {**headers, "Content-Type": f"{CONTENT_TYPES[Path(name).suffix]}; charset=utf-8"}, body
    )

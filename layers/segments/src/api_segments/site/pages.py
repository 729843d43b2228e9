"""The page as it is served: a page, and the files it loads, whose addresses change when any of them does."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from api_segments.http.security import FRAME_SECURITY, SECURITY, page_policy

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
    """Serves a page and the files that it loads, by name; `version` is in the addresses of the files.

    `upload_origin` is where the page may send files to, beside its own origin.
    """

    def __init__(self, page: str, version: str, files: Mapping[str, str], upload_origin: str) -> None:
        self.version = version
        self._security = {**SECURITY, "Content-Security-Policy": page_policy(upload_origin)}
        self._page = page
        self._files = files

    @classmethod
    def read(cls, folder: Path, upload_origin: str) -> Self:
        """Return the site that was built into `folder`: each file lies at the path of its address."""
        (home,) = (folder / "page").iterdir()
        files = {path.name: path.read_text("utf-8") for path in home.iterdir()}
        return cls((folder / PAGE).read_text("utf-8"), home.name, files, upload_origin)

    def page(self, address: str, known: str | None) -> Served:
        """Return the page; `address` is the path as the browser has it, `known` the ETag of what it still holds.

        The page names its files relatively to its own address, so that it needs to know neither host nor stage: an
        address without the slash at its end is sent to the one with it.
        """
        if not address.endswith("/"):
            location = f"{address.rpartition('/')[2]}/"
            return Served(HTTPStatus.PERMANENT_REDIRECT, {**self._security, "Location": location}, "")
        return self._served(self._page, PAGE, _ASK_AGAIN, known)

    def file(self, version: str, name: str, known: str | None) -> Served | None:
        """Return a file of the page, None if there is no such file.

        While a new version is being deployed, a page of the one may be given files of the other: those are not kept.
        """
        if name not in self._files:
            return None
        return self._served(self._files[name], name, _FOR_EVER if version == self.version else _NEVER, known)

    def _served(self, body: str, name: str, caching: str, known: str | None) -> Served:
        tag = f'"{self.version}"'
        headers = {**(FRAME_SECURITY if name == FRAME else self._security), "Cache-Control": caching, "ETag": tag}
        if known is not None and tag in (each.strip().removeprefix("W/") for each in known.split(",")):
            return Served(HTTPStatus.NOT_MODIFIED, headers, "")
        content_type = f"{CONTENT_TYPES[Path(name).suffix]}; charset=utf-8"
        return Served(HTTPStatus.OK, {**headers, "Content-Type": content_type}, body)


def upload_origin(on_aws: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the origin of the links that imports are uploaded at, as aws.clients.s3_client writes them.

    `on_aws` is the bucket's own host; an emulator is named by the variables that every AWS SDK goes by.
    """
    emulator = environment.get("AWS_ENDPOINT_URL_S3", environment.get("AWS_ENDPOINT_URL"))
    if emulator is not None:
        target = urlsplit(emulator)
        return f"{target.scheme}://{target.netloc}"
    return on_aws

"""A folder of files as a site: a page, and the files it loads, whose addresses change when any of them does."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from api_segments.http.security import FRAME_SECURITY, SECURITY

PAGE = "index.html"
ENTRY = "app.js"
SCRIPT = "page.js"
STYLE = "page.css"
FRAME = "mail.html"
"""The empty document in which the page shows a mail."""
VERSION = "VERSION"
"""What stands in the page where the version of its files belongs."""
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
    """Serves the files of `folder`, which it reads once, and all its modules as one, all its styles as one.

    A browser asks for a page's files all at once, and so many requests at once are as many cold starts.
    """

    def __init__(self, folder: Path) -> None:
        self._files = {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir())}
        self._files[SCRIPT] = joined(self._files)
        self._files[STYLE] = "".join(text for name, text in self._files.items() if name.endswith(".css"))
        digest = hashlib.sha256("\0".join(part for file in self._files.items() for part in file).encode())
        self.version = digest.hexdigest()[:16]
        self._page = self._files.pop(PAGE).replace(VERSION, self.version)

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


_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (\w+))", re.MULTILINE)


def joined(files: Mapping[str, str]) -> str:
    """Return the module that `ENTRY` is together with all that it imports, each in a scope of its own.

    It knows what the modules use: `import { … } from "./name.js"` and `export` before a declaration, no circles.
    """
    scopes: dict[str, str] = {}

    def take(name: str) -> None:
        if name in scopes:
            return
        text = files[name]
        for _, imported in _IMPORT.findall(text):
            take(f"{imported}.js")
        exported = ", ".join(_EXPORT.findall(text))
        text = _EXPORT.sub("", _IMPORT.sub(r"const \1 = $\2;", text))
        scopes[name] = f"const ${name.removesuffix('.js')} = (() => {{\n{text}\nreturn {{ {exported} }};\n}})();\n"

    take(ENTRY)
    return "\n".join(scopes.values())


def _served(body: str, name: str, version: str, caching: str, known: str | None) -> Served:
    tag = f'"{version}"'
    headers = {**(FRAME_SECURITY if name == FRAME else SECURITY), "Cache-Control": caching, "ETag": tag}
    if known is not None and tag in (each.strip().removeprefix("W/") for each in known.split(",")):
        return Served(HTTPStatus.NOT_MODIFIED, headers, "")
    return Served(
        HTTPStatus.OK, {**headers, "Content-Type": f"{CONTENT_TYPES[Path(name).suffix]}; charset=utf-8"}, body
    )

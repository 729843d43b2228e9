"""Join the page's files into what a browser loads: `python3 build_page.py <page> <folder of the result>`.

A browser asks for all files of a page at once, and so many requests at once are as many cold starts: therefore all
modules become one script, and all style sheets one. `sam build` runs this (Makefile), with any Python 3 as it is.
"""

import hashlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PAGE = "index.html"
ENTRY = "app.js"
SCRIPT = "page.js"
STYLE = "page.css"
VERSION = "VERSION"
"""What stands in the page where the version of its files belongs."""
ROOMS = ("kit", "accounts", "segments", "users", "imports", "campaigns")
"""Folders of the page, in the order of their styles. A module imports from its own room and from those before it."""

_IMPORT = re.compile(r'^import (\{[^}]*\}) from "(\.{1,2}/[\w/.]+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (\w+))", re.MULTILINE)
_UNKNOWN = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


class BuildError(Exception):
    """The page's files can't be joined; the message says which, and why."""


class Joined(NamedTuple):
    """The page, and the files that it loads, by name; their addresses have the version, a hash of all of it."""

    page: str
    version: str
    files: Mapping[str, str]


def join(folder: Path) -> Joined:
    """Join the page's files."""
    page = (folder / PAGE).read_text("utf-8")
    files = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*/*.html"))}
    files[SCRIPT] = join_modules(folder.resolve())
    styles = [path for room in ROOMS for path in sorted((folder / room).glob("*.css"))]
    files[STYLE] = "".join(path.read_text("utf-8") for path in styles)
    digest = hashlib.sha256("\0".join([page, *(part for file in files.items() for part in file)]).encode())
    version = digest.hexdigest()[:16]
    return Joined(page.replace(VERSION, version), version, files)


def join_modules(folder: Path) -> str:
    """Return one module that does what `ENTRY` does with all that it imports; each module keeps a scope of its own.

    It knows what the modules use: `import { … } from "./name.js"`, and `export` before a declaration.
    """
    scopes: dict[Path, str] = {}
    exports: dict[Path, list[str]] = {}

    def name(path: Path) -> str:
        return "$" + "_".join(path.relative_to(folder).with_suffix("").parts)

    def add(path: Path, importers: tuple[Path, ...] = ()) -> None:
        if path in importers:
            raise BuildError(f"modules import each other: {', '.join(each.name for each in (*importers, path))}")
        if path in scopes:
            return
        if not path.is_file():
            raise BuildError(f"{importers[-1].name} imports {path}, which is not there")
        text = path.read_text("utf-8")
        imported = {found[2]: (path.parent / found[2]).resolve() for found in _IMPORT.finditer(text)}
        for module in imported.values():
            add(module, (*importers, path))
        for names, where in _IMPORT.findall(text):
            for lacking in sorted({*re.findall(r"\w+", names)} - {*exports[imported[where]]}):
                raise BuildError(f"{path.name} imports {lacking} of {where}, which does not export it")
        exports[path] = _EXPORT.findall(text)
        text = _EXPORT.sub("", _IMPORT.sub(lambda found: f"const {found[1]} = {name(imported[found[2]])};", text))
        unknown = _UNKNOWN.search(text)
        if unknown:
            raise BuildError(f"{path.name}: it is not known how to join this: {unknown[0]}")
        scopes[path] = f"const {name(path)} = (() => {{\n{text}\nreturn {{ {', '.join(exports[path])} }};\n}})();\n"

    add(folder / ENTRY)
    return "\n".join(scopes.values())


def build(folder: Path, site: Path) -> None:
    """Write what is served to the folder `site`, each file at the path of its address."""
    page, version, files = join(folder)
    home = site / "page" / version
    home.mkdir(parents=True)
    (site / PAGE).write_text(page, "utf-8")
    for name, text in files.items():
        (home / name).write_text(text, "utf-8")


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]), Path(sys.argv[2]))
    except BuildError as exc:
        sys.exit(f"error: {exc}")

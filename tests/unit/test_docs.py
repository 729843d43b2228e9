"""What the documentation names is there: files, modules, headings, commands, the version."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support.template import ROOT

PAGES = tuple(sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]))
DECISIONS = ROOT / "docs" / "decisions.md"
PACKAGE = ROOT / "layers/segments/src/api_segments"
FOLDERS = (ROOT, PACKAGE)
"""Where the paths begin that pages name."""


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    """As GitHub makes them."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)


def links(page: Path) -> Iterator[tuple[str, str]]:
    """Return the files and anchors that a page links to, as it writes them."""
    for target in re.findall(r"\]\(([^)]+)\)", prose(page)):
        if "://" not in target:
            file, _, fragment = re.sub(r"\s+", "", target).partition("#")
            yield file, fragment


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    for file, fragment in links(page):
        target = (page.parent / file).resolve() if file else page
        assert target.is_file(), file
        assert not fragment or fragment in {anchor(heading) for heading in headings(target)}, f"{file}#{fragment}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_modules_that_a_page_names_are_there(page: Path) -> None:
    named = set(re.findall(r"`([\w./*-]+\.(?:py|js|yaml|toml|csv|xml|md|html))`", prose(page)))
    assert [name for name in named if not is_there(name)] == []


def is_there(name: str) -> bool:
    """Whether there is such a path below one of the folders, or, for a name alone, such a file anywhere in the code."""
    code = () if "/" in name else (ROOT / "tests", ROOT / "functions", PACKAGE)
    return any(list(folder.glob(name)) for folder in FOLDERS) or any(list(folder.rglob(name)) for folder in code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_names_are_targets_of_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][\w-]*)(?=[ `]|$)", "\n".join(commands(page))))
    assert named <= targets


def commands(page: Path) -> Iterator[str]:
    yield from re.findall(r"`(make [^`]+)`", page.read_text())
    for block in re.findall(r"^```sh$(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL):
        yield from re.findall(r"^make \S+", block, flags=re.MULTILINE)


def test_the_index_of_decisions_has_each_of_them_once() -> None:
    """A decision has an entry like the others in the index, under its room."""
    decided = [heading for heading in headings(DECISIONS) if re.match(r"\d{4}-\d\d-\d\d · ", heading)]
    index = re.findall(r"^- \[(.+)\]\(#(.+)\)$", DECISIONS.read_text(), flags=re.MULTILINE)
    assert sorted(index) == sorted((heading.partition(" · ")[2], anchor(heading)) for heading in decided)


def test_decisions_are_the_newest_first() -> None:
    dates = re.findall(r"^## (\d{4}-\d\d-\d\d)", DECISIONS.read_text(), flags=re.MULTILINE)
    assert dates == sorted(dates, reverse=True)


def test_the_readme_names_the_rooms_and_what_lies_at_the_top() -> None:
    readme = (ROOT / "README.md").read_text()
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms
    assert [room for room in rooms if f"`{room}`" not in readme] == []
    top = {"docs", "events", "functions", "layers", "local", "requirements", "tests", ".ci"}
    assert [name for name in top if f"`{name}" not in readme] == []


def test_the_version_is_said_once_and_the_changelog_has_it() -> None:
    released = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert version("api-segments") == released[0]
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text()

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
FOLDERS = (ROOT, PACKAGE, ROOT / "functions/dashboard/page")
"""Where the paths begin that pages name."""
CODE = ("functions", "layers", "local", "tests")


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
    return bool(paths_of(name))


def paths_of(name: str) -> list[Path]:
    """Return such paths below one of the folders, and for a name alone such files anywhere in the code."""
    code = () if "/" in name else (ROOT / "tests", ROOT / "functions", PACKAGE)
    found = [path for folder in FOLDERS for path in folder.glob(name)]
    return found + [path for folder in code for path in folder.rglob(name)]


FILE = r"`([\w./-]+\.(?:py|js|yaml))`"
NAMES = r"((?:`\w+`(?:, | and )?)+)"
FILE_AND_NAMES = re.compile(rf"{FILE}(?:, | \(){NAMES}(?! in `)")
"""A file, and after a comma or in brackets what is in it: `repair/tasks.py`, `LOOK_AGAIN_SECONDS`."""
NAMES_IN_FILE = re.compile(rf"{NAMES} in {FILE}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_of_a_file_is_in_it(page: Path) -> None:
    text = re.sub(r"\s+", " ", prose(page))
    said = FILE_AND_NAMES.findall(text) + [(file, names) for names, file in NAMES_IN_FILE.findall(text)]
    lacking = [
        f"{file}: {name}"
        for file, names in said
        for name in re.findall(r"`(\w+)`", names)
        if not any(re.search(rf"\b{name}\b", path.read_text("utf-8")) for path in paths_of(file))
    ]
    assert lacking == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_names_are_targets_of_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][\w-]*)(?=[ `]|$)", "\n".join(commands(page))))
    assert named <= targets


def commands(page: Path) -> Iterator[str]:
    yield from re.findall(r"`(make [^`]+)`", page.read_text())
    for block in re.findall(r"^```sh$(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL):
        yield from re.findall(r"^make \S+", block, flags=re.MULTILINE)


def test_pages_that_code_cites_are_there() -> None:
    code = [*ROOT.glob("*.yaml"), *(path for name in CODE for path in (ROOT / name).rglob("*.py"))]
    cited = {page for path in code for page in re.findall(r"\bdocs/\w+\.md\b|(?<![\w/.])\w+\.md\b", path.read_text())}
    assert "docs/api.md" in cited
    assert [page for page in cited if not any((folder / page).is_file() for folder in (ROOT, ROOT / "docs"))] == []


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
    top = {"client", "docs", "events", "functions", "layers", "local", "requirements", "tests", ".ci"}
    assert [name for name in top if f"`{name}" not in readme] == []


def test_the_version_is_said_once_and_the_changelog_has_it() -> None:
    released = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert version("api-segments") == released[0]
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text()

"""The picture of the rooms shows the code as it is, and functions keep to their rooms."""

import ast
from pathlib import Path

from api_segments import __path__ as package
from local.house import PICTURE, ROOMS, draw, imports_between_rooms
from tests.support.template import ROOT

ROOM_OF = {
    "accounts": "accounts",
    "authorizer": "accounts",
    "campaigns": "campaigns",
    "create_segment": "segments",
    "dashboard": "site",
    "mail_feedback": "campaigns",
    "manage_segments": "segments",
    "profiles": "profiles",
    "project_members": "memberships",
    "imports": "imports",
    "read_import": "imports",
    "apply_import": "imports",
    "publish_changes": "memberships",
    "publish_segments": "segments",
    "purge_segment": "memberships",
    "reconcile": "repair",
    "replay": "repair",
    "run_campaign": "campaigns",
    "send_messages": "campaigns",
    "trigger_campaigns": "campaigns",
    "unsubscribe": "campaigns",
    "update_segment": "memberships",
}
COMMON = {"core", "http"}
FACES = {"endpoints", "wiring", "operations"}
"""What functions may import of rooms that are not their own."""


def test_a_function_imports_nothing_of_another_rooms_inside() -> None:
    functions = {path.parent.name: path for path in (ROOT / "functions").glob("*/app.py")}
    assert functions.keys() == ROOM_OF.keys()
    inside = [
        (name, imported)
        for name, path in functions.items()
        for imported in imported_by(path)
        if imported[1] not in COMMON | {ROOM_OF[name]} and imported[-1] not in FACES
    ]
    assert inside == []


def imported_by(path: Path) -> set[tuple[str, ...]]:
    """Return the modules of the package that a function imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("api_segments."):
            base = node.module.split(".")
            found |= {(*base, each.name) if each.name == "wiring" else tuple(base) for each in node.names}
    return found


def test_the_picture_is_as_the_code_is_now() -> None:
    assert draw() == PICTURE.read_text(), "make house"


def test_the_picture_has_every_room() -> None:
    assert sorted(ROOMS) == sorted(path.parent.name for path in Path(package[0]).glob("*/__init__.py"))


def test_no_arrow_leads_up() -> None:
    arrows = imports_between_rooms()
    assert arrows
    assert [pair for pair in arrows if ROOMS.index(pair[0]) >= ROOMS.index(pair[1])] == []


def test_one_module_knows_the_html_parser() -> None:
    """So another parser can take its place there."""
    sources = [*Path(package[0]).rglob("*.py"), *(ROOT / "functions").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    importing = [
        path.name
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
        if name is not None and name.partition(".")[0] == "turbohtml"
    ]
    assert set(importing) == {"markup.py"}

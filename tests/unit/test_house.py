"""The picture of the rooms shows the code as it is."""

from pathlib import Path

from api_segments import __path__ as package
from local.house import PICTURE, ROOMS, draw, imports_between_rooms


def test_the_picture_is_as_the_code_is_now() -> None:
    assert draw() == PICTURE.read_text(), "make house"


def test_the_picture_has_every_room() -> None:
    assert sorted(ROOMS) == sorted(path.parent.name for path in Path(package[0]).glob("*/__init__.py"))


def test_no_arrow_leads_up() -> None:
    arrows = imports_between_rooms()
    assert arrows
    assert [pair for pair in arrows if ROOMS.index(pair[0]) >= ROOMS.index(pair[1])] == []

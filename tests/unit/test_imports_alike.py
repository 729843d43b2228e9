"""What the server, the client and the page say alike of imports: the modes, and the usual headers of a column."""

import inspect
import re

import click

from api_segments.imports.model import Mode
from api_segments_client.cli import rows
from api_segments_client.cli.imports import import_
from api_segments_client.imports import Imports
from tests.support.template import ROOT

MODES = [mode.value for mode in Mode]
PAGE = ROOT / "functions" / "dashboard" / "page" / "imports"


def test_the_client_has_a_method_for_each_mode() -> None:
    """What takes a file for a segment is named after its mode."""
    taking = {
        name
        for name, method in inspect.getmembers(Imports, inspect.isfunction)
        if not name.startswith("_") and {"segment", "path"} <= inspect.signature(method).parameters.keys()
    }
    assert taking == {*MODES}


def test_the_command_offers_each_mode() -> None:
    (option,) = (each for each in import_.params if each.name == "mode")
    assert isinstance(option.type, click.Choice)
    assert [*option.type.choices] == MODES


def test_the_client_and_the_page_know_the_same_headers_of_a_column() -> None:
    peek = (PAGE / "peek.js").read_text("utf-8")
    known = dict(re.findall(r"^const (NAMED|COLUMN) =\s+/\^(.+)\$/i;", peek, re.MULTILINE))
    said = {"NAMED": rows.NAMED, "COLUMN": rows.COLUMN}
    assert {name: pattern.pattern for name, pattern in said.items()} == known
    assert all(pattern.flags & re.IGNORECASE for pattern in said.values())


def test_the_page_names_and_explains_each_mode() -> None:
    words, new = ((PAGE / name).read_text("utf-8") for name in ("words.js", "new.js"))
    named = re.search(r"^export const MODES = \[\n(.+?)^\];", words, re.DOTALL | re.MULTILINE)
    explained = re.search(r"^const HINTS = \{\n(.+?)^\};", new, re.DOTALL | re.MULTILINE)
    assert named
    assert explained
    assert re.findall(r'^  \["(\w+)", ', named[1], re.MULTILINE) == MODES
    assert re.findall(r"^  (\w+): ", explained[1], re.MULTILINE) == MODES

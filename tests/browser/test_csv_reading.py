"""The page's CSV reader against Python's, on rows of anything and pieces of any size."""

import csv
import io
import random
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Route

from tests.browser.mocked import PAGE
from tests.browser.tab import Tab

READ = """async ([pieces, delimiter]) => {
  const address = document.querySelector("script").src.replace("page.js", "kit/csv.js");
  const { CsvParser } = await import(address);
  const parser = new CsvParser(delimiter);
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
}"""
CHARACTERS = "ab,;\t\"' =ö🦊"
LINE_ENDS = "\r\n"


@pytest.fixture(autouse=True)
def modules(mocked_tab: Tab) -> None:
    """What is served is joined; here the modules of the kit are there by themselves."""

    def serve(route: Route) -> None:
        route.fulfill(path=PAGE / "kit" / route.request.url.rpartition("/")[2], content_type="text/javascript")

    mocked_tab.page.route("**/page/*/kit/*.js", serve)


def rows_of(draw: random.Random, characters: str) -> list[list[str]]:
    return [
        ["".join(draw.choices(characters, k=draw.randrange(8))) for _ in range(draw.randrange(2, 5))]
        for _ in range(draw.randrange(12))
    ]


def pieces_of(text: str, draw: random.Random) -> Iterator[str]:
    """Cut the text anywhere but inside a character, which is where a decoder would cut it."""
    start = 0
    while start < len(text):
        end = start + draw.randrange(1, 9)
        yield text[start:end]
        start = end


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_rows_are_read_as_python_reads_them(mocked_tab: Tab, delimiter: str, line_end: str) -> None:
    draw = random.Random(f"{delimiter}{line_end}")  # noqa: S311 - a seed makes the test repeatable
    for _ in range(40):
        # Without quotes Python leaves a line's end as it is where it is not the kind that it ends lines with.
        all_quoted = draw.random() < 0.5
        rows = rows_of(draw, CHARACTERS + LINE_ENDS if all_quoted else CHARACTERS)
        text = io.StringIO(newline="")
        quoting: Literal[0, 1] = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
        csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows(rows)
        cut = "" if draw.random() < 0.5 else line_end  # the last line may lack its end
        written = ("\ufeff" if draw.random() < 0.3 else "") + text.getvalue().removesuffix(cut)
        assert mocked_tab.page.evaluate(READ, [list(pieces_of(written, draw)), delimiter]) == rows, repr(written)

"""Files as people have them: what is read of them, and what is said about what can't be read."""

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api_segments.http.ids import check_text
from api_segments.imports.files.judged import is_plainly_good, refusal
from api_segments.imports.files.lines import MAX_ROW_CHARACTERS
from api_segments.imports.files.model import RejectedRow, UnreadableFileError, line_of, part_of, user_of
from api_segments.imports.files.parts import MOST_PARTS, PartFiles, packed, parts_for, read_part
from api_segments.imports.files.reader import read_rows
from api_segments.imports.files.splitting import SplitFigures, split
from api_segments.imports.files.written_csv import (
    EXPORT_HEADER,
    REJECTED_HEADER,
    as_before,
    csv_lines,
    neutral,
    rejected_lines,
)
from api_segments.memberships.model import UserReference
from tests.support.examples import examples

SMALL_PIECE = 1024


def read(content: bytes, chunk: int = 1 << 20, piece: int = 1 << 20) -> tuple[list[str], list[RejectedRow]]:
    """Return the users of a file, each after its kind, and the rejected rows."""
    users: list[str] = []
    rejected: list[RejectedRow] = []
    for rows in read_rows((content[start : start + chunk] for start in range(0, len(content), chunk)), piece):
        users += [user.decode() for user in rows.users]
        rejected += rows.rejected
    return users, rejected


def rejections(content: bytes) -> list[tuple[int, str, str]]:
    return [(row.line, row.column, row.reason) for row in read(content)[1]]


FILES = {
    "a header and rows": (b"identity\nann\nbob\n", ["iann", "ibob"]),
    "no line break at the end": (b"identity\nann\nbob", ["iann", "ibob"]),
    "by guid": (b"guid\ng1\n", ["gg1"]),
    "both ids: identity wins": (b"guid,identity\ng1,ann\ng2,\n", ["iann", "gg2"]),
    "other columns, in any order": (b"name,identity,age\nAnn A.,ann,7\n", ["iann"]),
    "names of columns in capitals": (b"Identity\nann\n", ["iann"]),
    "CleverTap's columns": (b"Type,Identity\ni,ann\ng,g1\n", ["iann", "gg1"]),
    "CleverTap's columns turned round": (b"Identity,Type\nann,I\ng1,G\n", ["iann", "gg1"]),
    "CleverTap's columns in small letters, of a Python client": (b"type,identity\ni,+9198\n", ["i+9198"]),
    "the header after the first row, as RudderStack writes it": (b'i,"a,b"\nType,Identity\ng,g1\n', ["ia,b", "gg1"]),
    "such a file of one row": (b"g,g1\nType,Identity\n", ["gg1"]),
    "semicolons": (b"name;identity\nA,B;ann\n", ["iann"]),
    "tabs": (b"name\tidentity\nA,B;C\tann\n", ["iann"]),
    "a comma belongs to the id where semicolons part cells": (b"identity;name\na,b;x\n", ["ia,b"]),
    "Excel's line for the separator": (b'\xef\xbb\xbfsep=;\r\nname;identity\r\n"A;B";ann\r\n', ["iann"]),
    "another separator, said": (b"sep=|\nidentity|name\nann|A\n", ["iann"]),
    "the separator in quotes, as LibreOffice writes it": (b'"sep=;"\nidentity;name\nann;A\n', ["iann"]),
    "a mark of UTF-8": (b"\xef\xbb\xbfidentity\nann\n", ["iann"]),
    "UTF-16 of Excel": ("name\tidentity\r\nÅ\tänn\r\n".encode("utf-16"), ["iänn"]),
    "UTF-16, the other way round": ("\ufeffidentity\nänn\n".encode("utf-16-be"), ["iänn"]),
    "UTF-16 without a mark": ("identity\n😀nn\n".encode("utf-16-le"), ["i😀nn"]),
    "UTF-16, the other way round, without a mark": ("identity\nänn\n".encode("utf-16-be"), ["iänn"]),
    "empty lines first": (b"\n\r\n  \nidentity\nann\n", ["iann"]),
    "empty cells first, as Excel has them": (b";;\r\nname;identity;x\r\nA;ann;\r\n", ["iann"]),
    "empty lines between and after": (b"identity,name\n\nann,A\n,\n , \n\nbob,B\n\n\n", ["iann", "ibob"]),
    "spaces around": (b" identity , name\n  ann  , A\n", ["iann"]),
    "spaces before quotes": (b'identity, name\n"ann", "A, B"\n', ["iann"]),
    "quotes": (b'"identity","name"\n"ann","A ""the"" B"\n"b""b","x"\n', ["iann", 'ib"b']),
    "a line break in quotes": (b'name,identity\n"A\nB",ann\n"A\r\nB",bob\nC,cid\n', ["iann", "ibob", "icid"]),
    "a line break in the header": (b'"first\nname",identity\nA,ann\n', ["iann"]),
    "carriage returns alone": (b"identity\rann\rbob\r", ["iann", "ibob"]),
    "line ends of three kinds": (b"identity\rann\r\nbob\ncid", ["iann", "ibob", "icid"]),
    "a header and no rows": (b"identity\n", []),
    "a header alone": (b"identity", []),
    "a quote inside a cell": (b'identity,size\nann,5"\nbo"b,6\n', ["iann", 'ibo"b']),
    "what looks like a line break and is none": ("identity\na\u2028b\n".encode(), ["ia\u2028b"]),
    "the same id again and again": (b"identity\n" + b"ann\n" * 10_000, ["iann"] * 10_000),
    "the longest id": (("identity\n" + "😀" * 255).encode(), ["i" + "😀" * 255]),
    "ids that look like formulas": (
        b"identity\n+14155551234\n-5\n@ann\n=x\n",
        ["i+14155551234", "i-5", "i@ann", "i=x"],
    ),
    "bytes that are not UTF-8 in a column that is not read": (b"identity,name\nann,Andr\xe9\n", ["iann"]),
    "gzip": (gzip.compress(b"identity\nann\n"), ["iann"]),
    "gzip of several members": (gzip.compress(b"identity\nan") + gzip.compress(b"n\nbob\n"), ["iann", "ibob"]),
    "gzip that zeros fill up": (gzip.compress(b"identity\nann\n") + b"\0" * 512, ["iann"]),
    "gzip of UTF-16": (gzip.compress("identity\nänn".encode("utf-16")), ["iänn"]),
    "NDJSON": (b'{"identity":"ann"}\n{"guid":"g1"}\n', ["iann", "gg1"]),
    "NDJSON with more": (b'{"x":[{}],"identity":"ann"}\r\n\n{"guid":"g1","identity":"bob"}', ["iann", "ibob"]),
    "NDJSON with escapes": (rb'{"identity":"\u00e4\"\ud83d\ude00"}', ['iä"😀']),
    "NDJSON with nothing for one id": (b'{"identity":null,"guid":"g1"}', ["gg1"]),
    "NDJSON after empty lines": (b'\n\n  {"identity":"ann"}\n', ["iann"]),
    "spaces belong to an id of NDJSON": (b'{"identity":" ann "}', ["i ann "]),
    "NDJSON of which each file had a mark": (
        b'\xef\xbb\xbf{"identity":"ann"}\n\xef\xbb\xbf{"identity":"bob"}',
        ["iann", "ibob"],
    ),
}


@pytest.mark.parametrize(("content", "users"), FILES.values(), ids=FILES)
def test_a_file_is_read_as_it_was_meant(content: bytes, users: list[str]) -> None:
    assert read(content) == (users, [])


@pytest.mark.parametrize("content", [content for content, _ in FILES.values() if len(content) < 300])
def test_it_does_not_matter_where_the_bytes_were_cut(content: bytes) -> None:
    whole = read(content)
    for at in range(1, len(content)):
        pieces = [content[:at], b"", content[at:]]
        assert read(content, chunk=at) == whole
        rows = list(read_rows(pieces))
        assert [user.decode() for some in rows for user in some.users] == whole[0]


ROWS = {
    "too long": (("identity\n" + "x" * 256).encode(), 2, "identity", "must have 1 to 255 characters, has 256"),
    "a control character": (b'identity\n"a\tb"', 2, "identity", "must have no control characters"),
    "a line break in an id": (b'identity\n"a\nb"\nann', 2, "identity", "must have no control characters"),
    "U+FFFD": ("identity\na\ufffdb".encode(), 2, "identity", "U+FFFD"),
    "Latin-1": (b"identity,x\nAndr\xe9,1", 2, "identity", "has bytes that are not UTF-8"),
    "half a character at the end": ("identity\né".encode()[:-1], 2, "identity", "has bytes that are not UTF-8"),
    "UTF-8 of a surrogate": (b"identity\n\xed\xa0\x80", 2, "identity", "has bytes that are not UTF-8"),
    "half a pair of UTF-16": (
        b"\xff\xfe" + "identity\na".encode("utf-16-le") + b"\x00\xd8",
        2,
        "identity",
        "not UTF-8",
    ),
    "only spaces that have a width": ("identity\n\u3000".encode(), 2, "identity", "must not be only spaces"),
    "no id": (b"identity,name\n,Ann", 2, "identity", "is empty"),
    "an empty cell in quotes": (b'identity,name\n"",Ann', 2, "identity", "is empty"),
    "neither id": (b"identity,guid,name\n,,Ann", 2, "guid", "is empty"),
    "too wide": (b"identity,name\nSmith, Ann, 7", 2, "", "has 3 cells, the header has 2"),
    "too narrow": (b"identity,name\nann", 2, "", "has 1 cells, the header has 2"),
    "a comma under one column": (b"identity\nSmith,Ann", 2, "", "has 2 cells, the header has 1"),
    "another type": (b"Type,Identity\ne,ann@example.com", 2, "Type", "must be i (identity) or g (guid)"),
    "something after the quotes": (b'identity,name\n"ann"x,A\n', 2, "", "double quote"),
    "an apostrophe before a formula": (b"identity\n'+1415", 2, "identity", "begins with an apostrophe"),
    "a row that never ends": (b"identity\n" + b"x" * 3_000_000, 2, "", "has more than 1048576 characters"),
    "a row that is one too long": (b"identity,x\na," + b"x" * (MAX_ROW_CHARACTERS - 1), 2, "", "has more than"),
    "the header of a second file": (b"identity,name\nidentity,name", 2, "", "is the header again"),
    "the header of a second file, with a mark": (
        "identity,x\n\ufeffIdentity,x\nidentity,x\n\ufeffidentity,x".encode(),
        3,
        "",
        "again",
    ),
    "no JSON": (b'{"identity":"ann"}\nbob', 2, "", "not JSON"),
    "JSON that is no object": (b'{"identity":"ann"}\n["bob"]', 2, "", "must be an object"),
    "a number as id": (b'{"identity":5}', 1, "identity", "must be a string"),
    "a key twice": (b'{"identity":"a","identity":"b"}', 1, "", "the key 'identity' stands twice"),
    "JSON without an id": (b'{"name":"Ann"}', 1, "", "identity or guid is required"),
    "JSON with an empty id": (b'{"identity":""}', 1, "identity", "must have 1 to 255 characters, has 0"),
    "JSON that is not UTF-8": (b'{"identity":"\xe9"}', 1, "", "has bytes that are not UTF-8"),
    "half a pair in JSON": (rb'{"identity":"\ud800"}', 1, "identity", "not UTF-8"),
    "JSON that nests without end": (b'{"identity":"ann","x":' + b"[" * 100_000, 1, "", "nested too deeply"),
    "JSON of many MB": (b'{"identity":"' + b"x" * 3_000_000 + b'"}', 1, "", "has more than 1048576 characters"),
    "a literal break in JSON": (b'{"identity":"a\tb"}', 1, "", "not JSON"),
}


@pytest.mark.parametrize(("content", "line", "column", "reason"), ROWS.values(), ids=ROWS)
def test_a_row_that_names_nobody_is_told_with_its_place(content: bytes, line: int, column: str, reason: str) -> None:
    rejected = [row for row in read(content)[1] if row.line == line]
    assert [row.column for row in rejected] == [column]
    assert reason in rejected[0].reason


@pytest.mark.parametrize("content", [content for content, *_ in ROWS.values()], ids=ROWS)
def test_rows_after_one_that_is_rejected_are_read(content: bytes) -> None:
    row = b'{"identity":"after"}' if content.startswith(b"{") else b"after,x"
    if b",x" not in content.split(b"\n")[0] and b"," not in content.split(b"\n")[0]:
        row = row.removesuffix(b",x")
    if content.startswith(b"\xff\xfe"):
        row = row.decode().encode("utf-16-le")
    if b"guid" in content.split(b"\n")[0]:
        row = b"after,,x"
    if content.startswith(b"Type"):
        row = b"i,after"
    newline = "\n".encode("utf-16-le") if content.startswith(b"\xff\xfe") else b"\n"
    users, rejected = read(content + newline + row)
    assert users[-1] == "iafter"
    assert len(rejected) == len(read(content)[1])


WHOLE = {
    "nothing": (b"", "is empty"),
    "an empty gzip": (gzip.compress(b""), "is empty"),
    "a mark alone": (b"\xef\xbb\xbf", "line 1: must be a header"),
    "blank lines alone": (b"\n\n\n", "line 4: must be a header"),
    "no header": (b"ann\nbob\n", "line 1: must be a header with a column named identity or guid"),
    "no header but CleverTap's rows": (b"i,ann\ni,bob\n", "line 1: must be a header"),
    "one row of CleverTap's and no header": (b"i,ann\n", "line 1: must be a header"),
    "no header after empty lines": (b"\n\nann\n", "line 3: must be a header"),
    "a column twice": (b"identity,Identity\n", "line 1: the header names identity twice"),
    "an open quote": (b'identity\nann\n"bob\ncid\n', "line 3: opens a cell with a double quote that nothing closes"),
    "an open quote in a long file": (b'identity\nann\n"bob\n' + b"cid\n" * 500_000, "line 3: opens a cell"),
    "an open quote that a later one meets": (
        b'identity\n"ann\nbob\n"cid"\n',
        "line 2: opens a cell with a double quote; the next one, in line 4",
    ),
    "an open quote in a row of many MB": (b'identity,x\nann,"' + b"x" * 3_000_000, "line 2: opens a cell"),
    "a quote far inside a row of many MB": (b"identity,x\nann," + b"x" * 2_500_000 + b',"', "line 2: opens a cell"),
    "a header of many MB": (
        b"identity,ann" + b"x" * 3_000_000 + b"\nbob,x\n",
        "line 1: the header has more than 1048576",
    ),
    "a header of many short lines": (
        b'identity,"' + b"ann\n" * 500_000 + b'"\nbob,x\n',
        "line 1: the header has more than",
    ),
    "a header one too long": (
        b"identity," + b"x" * (MAX_ROW_CHARACTERS - 8) + b"\nbob,x\n",
        "line 1: the header has more than",
    ),
    "a zip": (b"PK\x03\x04rest", "is a zip archive or an Excel workbook (.xlsx); send CSV"),
    "a zip in gzip": (gzip.compress(b"PK\x03\x04rest"), "is a zip archive"),
    "gzip in gzip": (gzip.compress(gzip.compress(b"identity\n")), "is gzip inside gzip"),
    "Parquet": (b"PAR1\x15\x04", "is Parquet"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel workbook"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "is no text"),
    "an archive of tar in gzip": (gzip.compress(b"users.csv" + b"\0" * 503), "is no text"),
    "UTF-32": ("identity\n".encode("utf-32"), "is in UTF-32"),
    "UTF-16 that is cut off": ("identity\nann".encode("utf-16")[:-1], "in the middle of a character of UTF-16"),
    "a gzip that is cut off": (gzip.compress(b"identity\nann\n")[:-9], "ends too early, after"),
    "the head of a gzip": (b"\x1f\x8b", "ends too early, after 0"),
    "a gzip whose sum is wrong": (gzip.compress(b"identity\nann\n")[:-8] + b"\0" * 8, "is damaged"),
    "something after a gzip": (gzip.compress(b"identity\nann\n") + b"rest", "is damaged after 13"),
    "a JSON list": (b'[{"identity":"ann"}]', "is a JSON list"),
}


@pytest.mark.parametrize(("content", "said"), WHOLE.values(), ids=WHOLE)
def test_a_file_that_cannot_be_read_is_told_why(content: bytes, said: str) -> None:
    with pytest.raises(UnreadableFileError) as failure:
        read(content)
    assert said in str(failure.value)
    assert "bob" not in str(failure.value)


def test_a_header_may_be_as_long_as_a_row() -> None:
    assert read(b"identity," + b"x" * (MAX_ROW_CHARACTERS - 9) + b"\nann,x\n")[0] == ["iann"]


def test_a_file_that_unpacks_to_far_more_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api_segments.imports.files.text.MAX_PLAIN_BYTES", 5 << 20)
    with pytest.raises(UnreadableFileError, match="of text; send several files"):
        read(gzip.compress(b"identity\n" + (b"x" * 999 + b"\n") * 7000))


def test_a_file_of_too_many_rows_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api_segments.imports.files.reader.MAX_ROWS", 3)
    assert len(read(b"identity\na\nb\n,\n")[0]) == 2
    with pytest.raises(UnreadableFileError, match="has more than 3 rows"):
        read(b"identity\na\nb\n\xff\nd\n")


def test_lines_are_numbered_as_editors_do() -> None:
    content = b'\nidentity,name\nann,"1\n2\n3"\n\xff,x\n"x\ny",z\n\n,7\n1,2,3'
    assert [(line, column) for line, column, _ in rejections(content)] == [
        (6, "identity"),
        (7, "identity"),
        (10, "identity"),
        (11, ""),
    ]


def test_what_is_rejected_does_not_depend_on_the_pieces() -> None:
    rows = [b'ann,"a\nb"', b"\xff,x", b"1,2,3", b'"q"x,1', b",7", "😀,ä".encode(), b"", b"'=x,1"] * 300
    content = b"identity,name\n" + b"\r\n".join(rows)
    whole = read(content)
    assert len(whole[1]) == 5 * 300
    for piece in (SMALL_PIECE, SMALL_PIECE + 1, 4097):
        assert read(content, piece=piece) == whole


def test_a_rejected_row_is_shown_as_it_was() -> None:
    rejected = read(b'identity,name\nAndr\xe9,"a, ""b""\nc"\n')[1]
    assert [row.row for row in rejected] == ['Andr\\xe9,"a, ""b""\nc"']
    assert rejected[0].identity == ""


@given(st.text())
def test_what_is_plainly_good_the_api_takes(text: str) -> None:
    for kind in "ig":
        if is_plainly_good(kind + text):
            assert check_text(text) == text


@given(st.text(max_size=300))
def test_ids_are_refused_by_the_rules_of_the_api(text: str) -> None:
    users, rejected = read(json.dumps({"identity": text}).encode())
    reason = refusal(text)
    assert users == ([] if reason else [f"i{text}"])
    assert [row.reason for row in rejected] == ([reason] if reason else [])


IDS = st.text(min_size=1, max_size=255).filter(lambda text: refusal(text) is None)


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """Return a file of users as some program might write it, and the users."""
    ids = draw(st.lists(IDS.filter(lambda text: text == text.strip(" ") and as_before(text) == text), max_size=20))
    assume("identity" not in ids)
    delimiter = draw(st.sampled_from(",;\t"))
    quotes_all = draw(st.booleans())
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    other = draw(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=5))
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=delimiter, quoting=csv.QUOTE_ALL if quotes_all else csv.QUOTE_MINIMAL, lineterminator=end
    )
    before, after = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    writer.writerow(["x"] * before + ["identity"] + ["y"] * after)
    writer.writerows([other] * before + [each] + [other] * after for each in ids)
    separator = draw(st.sampled_from(["", f"sep={delimiter}{end}"])) if before + after else ""
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]))
    content = (separator + text.getvalue()).encode(encoding)
    return gzip.compress(content) if draw(st.booleans()) else content, [f"i{each}" for each in ids]


@given(files(), st.integers(1, 4096))
def test_any_ids_in_any_file_come_back(file: tuple[bytes, list[str]], chunk: int) -> None:
    content, users = file
    assert read(content, chunk, SMALL_PIECE) == (users, [])


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"identity\n", b"identity,x\n", b"Type,Identity\n", b"{", b"\xff\xfe", b"\x1f\x8b"]),
)
@examples(300)
def test_any_bytes_are_read_or_refused(content: bytes, begin: bytes) -> None:
    try:
        whole = read(begin + content)
    except UnreadableFileError:
        return
    assert read(begin + content, chunk=3, piece=SMALL_PIECE) == whole
    for row in whole[1]:
        rejected_lines([row])


@given(st.lists(st.tuples(st.one_of(st.none(), IDS), IDS), max_size=20))
def test_an_export_can_be_imported(members: list[tuple[str | None, str]]) -> None:
    assume(all((identity, guid) != ("identity", "guid") for identity, guid in members))
    rows = [(identity or "", guid, "2026-11-29T00:00:00.000000Z") for identity, guid in members]
    users, rejected = read(csv_lines([EXPORT_HEADER]) + csv_lines(rows))
    assert users == [f"g{guid}" if identity is None else f"i{identity}" for identity, guid in members]
    assert rejected == []


@pytest.mark.parametrize(
    "cell", ["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "\rx", "\n=x", " =x", "'=x", "'+1", "\uff1dx"]
)
def test_no_cell_begins_a_formula(cell: str) -> None:
    (written,) = next(csv.reader(io.StringIO(csv_lines([[cell]]).decode(), newline="")))
    assert written == f"'{cell}"
    assert as_before(written) == cell


@given(st.text())
def test_a_cell_can_be_told_again(cell: str) -> None:
    assert as_before(neutral(cell)) == cell


def mended(rejected: Iterable[RejectedRow], ids: Sequence[str]) -> bytes:
    rows = [
        RejectedRow(row.line, row.column, row.reason, row.row, each) for row, each in zip(rejected, ids, strict=True)
    ]
    return csv_lines([REJECTED_HEADER]) + rejected_lines(rows)


@given(st.lists(st.binary(max_size=30), max_size=10), st.data())
def test_rejected_rows_can_be_mended_and_sent_again(rows: list[bytes], data: st.DataObject) -> None:
    content = b"identity,name\n" + b"\n".join(row.replace(b'"', b"").replace(b"\0", b"") for row in rows)
    rejected = read(content)[1]
    again = csv_lines([REJECTED_HEADER]) + rejected_lines(rejected)
    users, still = read(again)
    assert users == []
    assert len(still) == len(rejected)
    ids = [data.draw(IDS) for _ in rejected]
    assert read(mended(rejected, ids))[0] == [f"i{each}" for each in ids]


def test_rejected_rows_by_guid_are_mended_in_their_column() -> None:
    rejected = read(b'{"guid":"a\\u0007b"}\n')[1]
    assert read(csv_lines([REJECTED_HEADER]) + rejected_lines(rejected).replace(b"\x07", b""))[0] == ["gab"]


# --- parts


def whole_part(path: Path) -> list[str]:
    return [line.decode() for lines in read_part([path.read_bytes()]) for line in lines]


def test_every_user_comes_into_the_part_of_its_id(tmp_path: Path) -> None:
    content = b"identity,guid\n" + b"".join(b"u%d,\n,u%d\n" % (number, number) for number in range(3000))
    files = PartFiles(tmp_path, 8)
    assert split([content], files, lambda _: None) == SplitFigures(6000, 0)
    parts = [whole_part(path) for path in files.paths]
    assert sorted(line for part in parts for line in part) == sorted(
        f"{kind}u{number}" for number in range(3000) for kind in "ig"
    )
    assert all(part_of(line.encode(), 8) == index for index, part in enumerate(parts) for line in part)
    assert all(600 < len(part) < 900 for part in parts)


def test_a_second_run_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api_segments.imports.files.parts._PENDING", 1000)
    content = b"identity\n" + b"".join(b"u%d\n\xff\n" % number for number in range(5000))
    written = []
    for name, chunk in (("a", 7777), ("b", 1 << 20)):
        (tmp_path / name).mkdir()
        files = PartFiles(tmp_path / name, 4)
        rejected: list[bytes] = []
        figures = split((content[at : at + chunk] for at in range(0, len(content), chunk)), files, rejected.append)
        assert figures == SplitFigures(10_000, 5000)
        written.append(([path.read_bytes() for path in files.paths], b"".join(rejected)))
    assert written[0] == written[1]


def test_a_part_without_users_is_there_too(tmp_path: Path) -> None:
    files = PartFiles(tmp_path, 4)
    split([b"identity\nann\n"], files, lambda _: None)
    assert sorted(line for path in files.paths for line in whole_part(path)) == ["iann"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [path.name for path in files.paths]


def test_rejected_rows_have_one_header(tmp_path: Path) -> None:
    rejected: list[bytes] = []
    content = b"identity\n" + (b"\xff" + b"x" * 98 + b"\n") * 12_000
    split([content], PartFiles(tmp_path, 1), rejected.append)
    assert len(rejected) > 1
    lines = b"".join(rejected).decode().split("\r\n")
    assert lines[:2] == [
        ",".join(REJECTED_HEADER),
        "2,identity,has bytes that are not UTF-8; send the file as UTF-8 or UTF-16,\\xff" + "x" * 98 + ",,",
    ]
    assert len(lines) == 12_002


def test_a_file_without_rejected_rows_has_none(tmp_path: Path) -> None:
    rejected: list[bytes] = []
    split([b"identity\nann\n"], PartFiles(tmp_path, 1), rejected.append)
    assert rejected == []


@given(st.one_of(IDS.map(UserReference), IDS.map(lambda guid: UserReference(guid=guid))))
def test_a_line_of_a_part_is_its_user(user: UserReference) -> None:
    assert user_of(line_of(user)) == user
    assert list(read_part([packed([line_of(user)])])) == [[line_of(user)]]


@pytest.mark.parametrize(
    ("size", "members", "is_gzip", "parts"),
    [(0, 0, False, 1), (100, 0, False, 1), (12_000_000, 0, False, 64), (2_500_000, 0, True, 64),
     (100, 1_000_000, False, 64), (120_000_000, 0, False, 1024), (5 * 1024**3, 0, True, MOST_PARTS)],
)  # fmt: skip
def test_parts_are_small_enough_for_one_function(size: int, members: int, is_gzip: bool, parts: int) -> None:
    assert parts_for(size, members, is_gzip=is_gzip) == parts


def peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file() -> None:
    def work(rows: int) -> None:
        chunks = (b'user%d,Ann\n\xff%d,x\nq,"a\nb"\n' % (row, row) for row in range(rows // 3))
        for _ in read_rows(chain([b"identity,name\n"], chunks), SMALL_PIECE):
            pass

    work(100)
    small, large = peak(lambda: work(6_000)), peak(lambda: work(60_000))
    assert large < 1.2 * small


def test_memory_does_not_grow_with_the_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api_segments.imports.files.parts._PENDING", 1000)

    def work(rows: int) -> None:
        folder = tmp_path / str(rows)
        folder.mkdir()
        files = PartFiles(folder, 4)
        for row in range(rows):
            files.add([b"iuser%d" % row])
        files.close()

    work(100)
    small, large = peak(lambda: work(10_000)), peak(lambda: work(100_000))
    assert large < 1.2 * small

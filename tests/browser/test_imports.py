"""A file of users dropped on a segment: read as it is, previewed, applied, undone, or refused."""

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser import mocked
from tests.browser.importing import FIRST, SEGMENT, chosen, file_of, lead, sent
from tests.browser.mocked import NO_FIGURES, MockedApi, fail
from tests.browser.tab import Tab
from tests.support.waiting import wait_until


def as_csv(*rows: list[str], encoding: str = "utf-8", **how: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, **how).writerows(rows)
    return text.getvalue().encode(encoding)


def test_a_dropped_file_is_previewed_in_words_applied_and_undone(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    page = mocked_tab.page
    mocked_api.now = datetime.now(UTC).isoformat()
    mocked_api.preview = {**NO_FIGURES, "rows": 2998, "rejected": 4, "to_add": 2994, "to_create": 2990}
    mocked_tab.go(SEGMENT)
    expect(page.get_by_role("heading", name="Gold")).to_be_visible()
    page.evaluate(
        """() => {
          const moved = new DataTransfer();
          moved.items.add(new File(["identity\\nada\\nben\\n"], "customers.csv"));
          const drop = new DragEvent("drop", { dataTransfer: moved, bubbles: true, cancelable: true });
          document.querySelector("section.segment").dispatchEvent(drop);
        }"""
    )
    expect(mocked_tab.dialog.locator(".sample")).to_contain_text("ben")
    assert sent(mocked_tab, mocked_api) == b"identity\nada\nben\n"
    (asked,) = [body for body in mocked_api.bodies("/api/imports") if body]
    assert asked == {
        "segment": 1,
        "mode": "add",
        "unknown_users": "create",
        "guard": {},
        "apply": "manual",
        "file_name": "customers.csv",
    }
    expect(lead(mocked_tab)).to_have_text("2,994 users will be added, 2,990 of them new; 4 rows can't be read.")
    link = page.get_by_role("link", name="Download 4 rejected rows")
    expect(link).to_have_attribute("href", f"{mocked.UPLOADS}/{FIRST}/rejected")
    mocked_tab.press("Add 2,994 users")
    expect(lead(mocked_tab)).to_have_text("2,994 users were added, 2,990 of them new.")
    expect(page.get_by_text("by Ada's laptop")).to_be_visible()
    mocked_tab.press("Undo the import")
    expect(mocked_tab.dialog).to_contain_text("2,994 users who were added will be removed.")
    mocked_tab.dialog.get_by_role("button", name="Undo the import").click()
    expect(lead(mocked_tab)).to_have_text("2,994 users were removed again.")
    expect(page.get_by_role("button", name="Undo the import")).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("läpsed <b>😀</b>.csv.gz", "läpsed <b>😀</b>.csv.gz"),
        ("l\ufffdpsed\x7f.csv", "l_psed_.csv"),  # as a browser has a name that is not UTF-8
        ("\u200b", None),
    ],
)
def test_a_file_of_any_name_is_imported_and_shown_by_its_name(
    mocked_tab: Tab, mocked_api: MockedApi, name: str, told: str | None
) -> None:
    chosen(mocked_tab, b"identity\nada\n", name)
    sent(mocked_tab, mocked_api)
    assert mocked_api.bodies("/api/imports")[0]["file_name"] == told
    facts = mocked_tab.page.locator("dl.facts")
    expect(facts).to_contain_text("What it does")
    if told is None:
        expect(facts.get_by_text("File", exact=True)).to_have_count(0)
    else:
        expect(facts).to_contain_text(f"File{told}")


def test_a_segment_is_made_equal_to_a_file_within_limits(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    dialog = chosen(mocked_tab, b"identity\nada\n")
    dialog.get_by_label("Make the segment equal to the file").check()
    expect(dialog).to_contain_text("who is not in the file is removed")
    dialog.get_by_text("Limits").click()
    expect(dialog.get_by_label("Most members removed, in percent")).to_have_value("20")
    dialog.get_by_label("Most new users created").fill("10")
    dialog.get_by_label("Leave them out").check()
    mocked_api.preview = {**NO_FIGURES, "rows": 1, "unchanged": 1, "to_remove": 200}
    sent(mocked_tab, mocked_api)
    asked = mocked_api.bodies("/api/imports")[0]
    assert asked["guard"] == {"max_removed_percent": 20, "max_created": 10}
    assert (asked["mode"], asked["unknown_users"]) == ("replace", "skip")
    expect(lead(mocked_tab)).to_have_text("200 users will be removed; 1 is in it already.")
    expect(mocked_tab.page.get_by_text("At most 20% of the members removed, 10 users created")).to_be_visible()
    mocked_tab.press("Remove 200 users")
    expect(lead(mocked_tab)).to_have_text("200 users were removed.")


def test_a_removal_creates_nobody_and_says_so_to_the_api(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    dialog = chosen(mocked_tab, b"identity\nada\n")
    dialog.get_by_label("Remove the file's users").check()
    expect(dialog.get_by_text("Users who do not exist yet")).to_be_hidden()
    sent(mocked_tab, mocked_api)
    asked = mocked_api.bodies("/api/imports")[0]
    assert asked == {"segment": 1, "mode": "remove", "guard": {}, "apply": "manual", "file_name": "customers.csv"}


@pytest.mark.parametrize(
    ("content", "users", "arrives"),
    [
        (b"name,identity\r\nAda,ada\r\n", ["ada"], None),
        (b"\xef\xbb\xbfidentity;name\r\nada;A, B\r\n", ["ada"], None),
        (as_csv(["guid", "name"], ["5f2d", "Ada"], delimiter="\t", encoding="utf-16"), ["5f2d"], None),
        (b"Type,Identity\ni,ada\ng,5f2d\n", ["ada", "5f2d"], None),
        (b"sep=|\nidentity|name\nada|A\n", ["ada"], None),
        (b'{"identity":"ada"}\n{"guid":"5f2d"}\n', ["ada", "5f2d"], None),
        (b"line,column,reason,row,identity,guid\r\n3,identity,is empty,,ada,\r\n", ["ada"], None),
        (gzip.compress(b"identity\nada\n"), ["ada"], None),
        (b"customer_id,name\r\n 7 ,Ada\r\n", ["7"], b"identity,column 2\n 7 ,Ada\r\n"),
        (b"E-mail;Given name\nada@example.com;Ada\n", ["ada@example.com"], b"identity;column 2\nada@example.com;Ada\n"),
        (
            b"ada@example.com\nben@example.com\n",
            ["ada@example.com", "ben@example.com"],
            b"identity\nada@example.com\nben@example.com\n",
        ),
        (b'\r\n"customer\nid",name\r\n7,Ada\r\n', None, b"column 1,column 2\n\n\n7,Ada\r\n"),
        (b"sep=;\ncustomer_id;name\n7;Ada\n", ["7"], b"identity;column 2\n\n7;Ada\n"),
        (b"Type,identity\ngold,7\n", ["7"], b"column 1,identity\ngold,7\n"),
        (
            "\ufeffcustomer_id,name\n7,Ödön\n".encode("utf-16-le"),
            ["7"],
            "\ufeffidentity,column 2\n7,Ödön\n".encode("utf-16-le"),
        ),
        ("Stra\u00dfe,customer_id\nA,7\n".encode("latin-1"), ["7"], b"column 1,identity\nA,7\n"),
    ],
)
def test_files_are_shown_as_they_are_read_and_get_a_header_only_where_they_need_one(
    mocked_tab: Tab,
    mocked_api: MockedApi,
    content: bytes,
    users: list[str] | None,
    arrives: bytes | None,
) -> None:
    dialog = chosen(mocked_tab, content)
    if users is None:  # a header of two lines, which has to be said to be one
        dialog.get_by_label("has names of columns").check()
        arrives = (arrives or b"").replace(b"column 1", b"identity")
    else:
        expect(dialog.locator(".sample li")).to_have_text(users)
    assert sent(mocked_tab, mocked_api) == (content if arrives is None else arrives)


def test_each_guess_can_be_changed(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    dialog = chosen(mocked_tab, b"identity,a;b\nada,1;2\n")
    delimiter, column = (dialog.get_by_label(label) for label in ("Cells are separated by", "Column with the users"))
    expect(delimiter).to_have_value(",")
    column.select_option("a;b")
    expect(column).to_be_focused()
    expect(dialog.locator(".sample li")).to_have_text(["1;2"])
    delimiter.select_option("Semicolons")
    expect(delimiter).to_be_focused()
    dialog.get_by_label("has names of columns").check()
    expect(column).to_have_value("0")
    column.select_option("b")
    expect(dialog.locator(".sample li")).to_have_text(["2"])
    dialog.get_by_label("Users are named by").select_option("guid")
    assert sent(mocked_tab, mocked_api) == b"column 1;guid\nada,1;2\n"


def test_a_first_row_that_may_be_a_user_is_asked_about(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    dialog = chosen(mocked_tab, b"Kunde\nK-1001\nK-1002\n")
    names, user = (dialog.get_by_label(label) for label in ("has names of columns", "is a user"))
    expect(names).not_to_be_checked()
    expect(user).not_to_be_checked()
    expect(dialog.get_by_text("may be the name of the column")).to_be_visible()
    mocked_tab.press("Upload and preview")
    expect(names).to_be_focused()
    assert mocked_api.bodies("/api/imports") == []
    names.check()
    expect(dialog.locator(".sample li")).to_have_text(["K-1001", "K-1002"])
    assert sent(mocked_tab, mocked_api) == b"identity\nK-1001\nK-1002\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (b"\n;;\n\n", "The file has no rows."),
        (b"PK\x03\x04\x14\x00", "an Excel workbook (.xlsx) or a zip archive, no text. Save it as CSV"),
        (b"\x01\x02\x00\x00" * 20, "The file is no text."),
        (b"\xff\xfe\x00\x00i\x00\x00\x00", "UTF-32"),
        (b'[{"identity":"ada"}]', "Write one object a line"),
        (b"\x1f\x8b\x08", "can't be unpacked"),
        (gzip.compress(b"customer_id\n7\n"), "can't be given another header here"),
    ],
)
def test_what_is_no_file_of_users_is_refused_before_anything_is_sent(
    mocked_tab: Tab, mocked_api: MockedApi, content: bytes, said: str
) -> None:
    dialog = chosen(mocked_tab, content)
    expect(dialog.get_by_role("alert")).to_contain_text(said)
    expect(dialog.get_by_role("button", name="Upload and preview")).to_be_disabled()
    assert mocked_api.bodies("/api/imports") == []


def test_a_file_that_is_too_large_is_refused_by_its_size_alone(mocked_tab: Tab) -> None:
    mocked_tab.page.add_init_script("Object.defineProperty(File.prototype, 'size', { get: () => 6 * 1024 ** 3 })")
    mocked_tab.page.reload()
    dialog = chosen(mocked_tab, b"identity\nada\n")
    expect(dialog.get_by_role("alert")).to_contain_text("6 GiB, and an import takes 5 GiB")


def test_only_the_beginning_of_a_file_is_read(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    """Whatever is read of a file goes through one of these; the upload itself is the browser's."""
    mocked_tab.page.add_init_script(
        """window.largest = 0;
        for (const name of ["arrayBuffer", "text", "stream"]) {
          const own = Blob.prototype[name];
          Blob.prototype[name] = function () { largest = Math.max(largest, this.size); return own.call(this); };
        }"""
    )
    mocked_tab.page.reload()
    mocked_tab.go(SEGMENT)
    mocked_tab.press("Import a file")
    content = b"customer_id\n" + b"".join(b"user-%d\n" % number for number in range(200_000))
    mocked_tab.page.locator("#import-file").set_input_files(files=[file_of(content)])
    expect(mocked_tab.dialog.locator(".sample")).to_contain_text("user-4")
    assert sent(mocked_tab, mocked_api) == content.replace(b"customer_id", b"identity", 1)
    assert 0 < mocked_tab.page.evaluate("largest") <= 65_536


def test_letters_that_are_not_utf8_are_told_of(mocked_tab: Tab) -> None:
    dialog = chosen(mocked_tab, "identity,name\nm\u00fcller,M\n".encode("latin-1"))
    expect(dialog).to_contain_text("not UTF-8")
    expect(dialog).to_contain_text("nothing is guessed")


def test_more_typed_users_than_a_request_takes_are_imported(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    names = [f"user {number}" for number in range(101)]
    mocked_tab.go(SEGMENT)
    mocked_tab.press("Add or remove users")
    mocked_tab.dialog.get_by_label("Remove", exact=True).check()
    mocked_tab.page.get_by_label("Users, one a line").fill("\n".join([" user 0 ", *names, ""]))
    mocked_tab.press("Remove users")
    expect(mocked_tab.dialog.get_by_label("Remove the file's users")).to_be_checked()
    arrived = sent(mocked_tab, mocked_api).splitlines()
    assert [json.loads(line) for line in arrived] == [{"identity": name} for name in names]


def test_typed_users_up_to_a_hundred_are_one_request_and_the_refused_are_told_of(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    def answer(body: mocked.Json) -> mocked.Answer:
        users = body["bulk_profiles"][0]["user_profiles"]
        error = "bulk_profiles[0].user_profiles[1].identity: must not have control characters"
        refused = {"status": "fail", "code": 400, "error": error, "record": {"user_profiles": users[1:2]}}
        summary = {"added": len(users) - 1, "removed": 0, "unchanged": 0, "profiles_created": 1}
        return {"status": "partial", "processed": len(users) - 1, "summary": summary, "unprocessed": [refused]}

    mocked_api.answers["/api/updateSegment"] = answer
    mocked_tab.go(SEGMENT)
    mocked_tab.press("Add or remove users")
    mocked_tab.page.get_by_label("Users, one a line").fill("\n".join(f"u{number}" for number in range(100)))
    mocked_tab.press("Add users")
    expect(mocked_tab.total("Added")).to_have_text("99")
    expect(mocked_tab.dialog.get_by_role("row").last).to_have_text("u1identity: must not have control characters")
    assert len(mocked_api.bodies("/api/updateSegment")) == 1


def test_a_segment_that_has_another_import_names_it(mocked_tab: Tab, mocked_api: MockedApi) -> None:
    other = f"{99:021x}"
    said = f"segment 1 has another import at work, {other}: a segment has one at a time"
    mocked_api.answers["/api/imports"] = lambda _: fail(409, said)
    chosen(mocked_tab, b"identity\nada\n")
    mocked_tab.press("Upload and preview")
    expect(mocked_tab.alert).to_contain_text("The segment has another import at work")
    link = mocked_tab.alert.get_by_role("link", name="Show that import")
    expect(link).to_have_attribute("href", f"#/imports/{other}")


def test_an_import_that_a_limit_refused_says_by_how_much_and_is_tried_again(
    mocked_tab: Tab, mocked_api: MockedApi
) -> None:
    mocked_api.steps_end = False
    dialog = chosen(mocked_tab, b"identity\nada\n")
    dialog.get_by_label("Make the segment equal to the file").check()
    sent(mocked_tab, mocked_api)
    expect(lead(mocked_tab)).to_have_text("The file is being read and compared with the segment.")  # so it is started
    preview = {**NO_FIGURES, "rows": 1, "unchanged": 1, "to_remove": 3}
    reason = "max_removed_percent is 20, and 3 of 4 members would be removed"
    mocked_api.imports[0] |= {"status": "refused", "reason": reason, "preview": preview, "ended_at": mocked.NOW}
    said = "It would remove 3 of 4 members (75%), and the limit is 20%. Nothing was changed."
    expect(lead(mocked_tab)).to_have_text(said)
    mocked_tab.press("Try again with other limits")
    expect(mocked_tab.dialog.get_by_text("This file needs 75.")).to_be_visible()
    expect(mocked_tab.dialog.get_by_label("Make the segment equal to the file")).to_be_checked()
    expect(mocked_tab.dialog.locator(".sample li")).to_have_text(["ada"])
    mocked_tab.dialog.get_by_label("Most members removed, in percent").fill("75")
    mocked_tab.press("Upload and preview")
    wait_until(lambda: mocked_tab.page.evaluate("1") == 1 and len(mocked_api.uploaded) == 2, "another upload")
    assert mocked_api.bodies("/api/imports")[-1]["guard"] == {"max_removed_percent": 75}

"""A CSV of users, dropped or chosen: sent in batches, stopped, tried again, and told of to the last row."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import FilePayload, Route, expect

from local.stack import Account
from tests.browser.tab import Tab
from tests.support.bodies import act, update, users
from tests.support.waiting import wait_until

ROWS = 5_000
UPDATES = "**/api/updateSegment"


def written(rows: list[list[str]], encoding: str = "utf-8", **how: Any) -> FilePayload:
    text = io.StringIO(newline="")
    csv.writer(text, **how).writerows(rows)
    return {"name": "customers.csv", "mimeType": "text/csv", "buffer": text.getvalue().encode(encoding)}


@pytest.fixture
def segment(api: httpx.Client) -> int:
    answer = api.post("/api/createSegment", json=[{"segment_name": "Gold", "customer_segment_id": "GOLD"}]).json()
    return int(answer["segments"][0]["id"])


@pytest.fixture
def chosen(tab: Tab, account: Account, segment: int) -> Callable[[FilePayload], None]:
    """Opens the dialog for the segment and chooses a file in it."""

    def choose(file: FilePayload) -> None:
        tab.sign_in(account)
        tab.go(f"/segments/{segment}")
        tab.press("Add or remove users")
        tab.page.locator("#csv-file").set_input_files(files=[file])
        expect(tab.page.get_by_text("The first users in it:")).to_be_visible()

    return choose


def members(api: httpx.Client, segment: int) -> int:
    return int(api.get(f"/api/segments/{segment}").json()["members"])


def finished(tab: Tab) -> dict[str, int]:
    """Wait for the end of a run; return its figures."""
    expect(tab.dialog.get_by_role("heading", level=3).first).to_be_visible()
    names = ("Rows", "Added", "Removed", "Unchanged", "Rejected")
    return {name: int((tab.total(name).text_content() or "").replace(",", "")) for name in names}


def rejected_rows(tab: Tab, folder: Path) -> list[list[str]]:
    with tab.page.expect_download() as download:
        tab.dialog.get_by_role("link", name="Download").click()
    path = folder / "rejected.csv"
    download.value.save_as(path)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_five_thousand_rows_are_sent_and_the_wrong_ones_come_back_as_a_file(
    tab: Tab, api: httpx.Client, segment: int, chosen: Callable[[FilePayload], None], tmp_path: Path
) -> None:
    api.post("/api/updateSegment", json=update(users("user-0", "user-1"), [act("ADD", ct=segment)]))
    good = [[f"user-{number}", f"Name, {number}\nof two lines"] for number in range(ROWS - 5)]
    wrong = [["", "nobody"], ["x" * 256, "too long"], ["=cmd|'/c calc'!A1\x07", "bell"]]
    repeated = [["user-2", "again"], ["user-4994", "again"]]
    chosen(written([["customer_id", "name"], *good, *wrong, *repeated]))
    expect(tab.dialog.get_by_label("has names of columns")).to_be_checked()
    expect(tab.dialog.locator(".sample")).to_contain_text("user-4")
    tab.press("Add users")
    expect(tab.dialog.get_by_role("progressbar")).to_be_visible()
    assert finished(tab) == {"Rows": ROWS, "Added": ROWS - 7, "Removed": 0, "Unchanged": 4, "Rejected": 3}
    rows = rejected_rows(tab, tmp_path)
    assert rows == [
        ["identity", "row", "error"],
        ["", "4997", "identity: is empty"],
        ["x" * 256, "4998", "identity: has more than 255 characters"],
        ["'=cmd|'/c calc'!A1\x07", "4999", "identity: has control characters"],
    ]
    tab.dialog.get_by_role("button", name="Close").last.click()
    wait_until(lambda: members(api, segment) == ROWS - 5, "all members")
    expect(tab.page.locator(".figures div").filter(has_text="Members").locator("dd")).to_have_text("4,995")


@pytest.mark.parametrize(
    "as_written",
    [
        {"encoding": "utf-8-sig"},
        {"encoding": "utf-16", "delimiter": "\t"},
        {"encoding": "utf-8", "delimiter": ";", "quoting": csv.QUOTE_ALL},
    ],
    ids=["with a byte order mark", "UTF-16 with tabs", "with semicolons and quotes"],
)
def test_files_as_spreadsheets_write_them(
    tab: Tab, api: httpx.Client, segment: int, chosen: Callable[[FilePayload], None], as_written: dict[str, Any]
) -> None:
    api.post("/api/updateSegment", json=update(users("ödön", "'=x"), [act("ADD", ct=segment)]))
    rows = [["name", "identity"], ["Ö", "ödön"], ["", ""], ['"quoted"', "'=x"], ["none", "not in it"]]
    chosen(written(rows, **as_written))
    tab.dialog.get_by_label("Remove", exact=True).check()
    tab.press("Remove users")
    assert finished(tab) == {"Rows": 3, "Added": 0, "Removed": 2, "Unchanged": 1, "Rejected": 0}


def test_a_file_of_rejected_rows_can_be_sent_again(
    tab: Tab, api: httpx.Client, segment: int, chosen: Callable[[FilePayload], None]
) -> None:
    chosen(written([["identity", "row", "error"], ["'+14155551234", "7", "throttled"], ["plain", "8", "throttled"]]))
    tab.press("Add users")
    assert finished(tab)["Added"] == 2
    for identity in ("%2B14155551234", "plain"):
        assert api.get(f"/api/profiles/{identity}/segments").json()["segments"][0]["id"] == segment


def test_what_fails_for_a_moment_is_sent_again(tab: Tab, chosen: Callable[[FilePayload], None]) -> None:
    """A lost connection, a throttled request, and an answer in which a single user was throttled."""
    chosen(written([["identity"], *([f"user-{number}"] for number in range(300))]))
    troubles: list[Callable[[Route], None]] = [throttle_one_user, throttle, lambda route: route.abort()]
    tab.page.route(UPDATES, lambda route: troubles.pop()(route) if troubles else route.continue_())
    tab.press("Add users")
    assert finished(tab) == {"Rows": 300, "Added": 300, "Removed": 0, "Unchanged": 0, "Rejected": 0}
    assert troubles == []


def throttle(route: Route) -> None:
    body = {"status": "fail", "error": "too many requests", "code": 429}
    route.fulfill(status=429, headers={"Retry-After": "1"}, json=body)


def throttle_one_user(route: Route) -> None:
    """Let the request through without its first user, who is told to be throttled."""
    asked = json.loads(route.request.post_data or "")
    group = asked["bulk_profiles"][0]
    first, *group["user_profiles"] = group["user_profiles"]
    answer = route.fetch(post_data=json.dumps(asked))
    record = {"user_profiles": [first], "segments": group["segments"]}
    failed = {"status": "fail", "code": 429, "error": "throttled", "record": record}
    route.fulfill(response=answer, json={**answer.json(), "status": "partial", "unprocessed": [failed]})


def test_a_run_can_be_stopped_and_says_how_far_it_came(
    tab: Tab, api: httpx.Client, segment: int, chosen: Callable[[FilePayload], None]
) -> None:
    held: list[Route] = []
    chosen(written([["identity"], *([f"user-{number}"] for number in range(3_000))]))
    tab.page.route(UPDATES, lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    tab.press("Add users")
    expect(tab.page.get_by_role("progressbar")).to_be_visible()
    wait_until(lambda: tab.page.evaluate("1") == 1 and len(held) == 4, "four requests at once")
    tab.press("Stop")
    expect(tab.dialog).to_contain_text("Stopping: waiting for what is on its way")
    for route in held:
        route.continue_()
    figures = finished(tab)
    expect(tab.dialog.get_by_role("heading", name="Stopped")).to_be_visible()
    assert figures == {"Rows": 400, "Added": 400, "Removed": 0, "Unchanged": 0, "Rejected": 0}
    expect(tab.dialog).to_contain_text("The last row that was sent is row 401;")
    wait_until(lambda: members(api, segment) == 400, "what was sent, and nothing more")


def test_a_segment_deleted_meanwhile_ends_the_run(
    tab: Tab, api: httpx.Client, segment: int, chosen: Callable[[FilePayload], None], tmp_path: Path
) -> None:
    chosen(written([["identity"], *([f"user-{number}"] for number in range(2_000))]))
    api.delete(f"/api/segments/{segment}")
    tab.press("Add users")
    figures = finished(tab)
    expect(tab.dialog.get_by_role("heading", name="Ended before the end")).to_contain_text("deleted")
    rejected = rejected_rows(tab, tmp_path)[1:]
    assert (figures["Added"], figures["Rejected"]) == (0, len(rejected))
    assert 0 < figures["Rows"] == figures["Rejected"] < 2_000
    last = max(int(row) for _, row, _ in rejected)
    assert sorted(int(row) for _, row, _ in rejected) == list(range(2, last + 1)), "a row before the last is missing"
    expect(tab.dialog).to_contain_text(f"The last row that was sent is row {last};")


def test_a_wrong_row_after_the_last_one_that_was_sent_is_not_counted(
    tab: Tab, chosen: Callable[[FilePayload], None]
) -> None:
    held: list[Route] = []
    chosen(
        written([["identity"], *([f"user-{number}"] for number in range(450)), [""], *([f"u-{n}"] for n in range(99))])
    )
    tab.page.route(UPDATES, lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    tab.press("Add users")
    wait_until(lambda: tab.page.evaluate("1") == 1 and len(held) == 4, "four requests at once")
    tab.press("Stop")
    for route in held:
        route.continue_()
    assert finished(tab) == {"Rows": 400, "Added": 400, "Removed": 0, "Unchanged": 0, "Rejected": 0}


def test_going_back_does_not_leave_a_run_behind(tab: Tab, segment: int, chosen: Callable[[FilePayload], None]) -> None:
    held: list[Route] = []
    chosen(written([["identity"], *([f"user-{number}"] for number in range(300))]))
    tab.page.route(UPDATES, lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    tab.press("Add users")
    wait_until(lambda: tab.page.evaluate("1") == 1 and len(held) == 3, "three requests at once")
    tab.page.go_back()
    tab.go("/usage")
    expect(tab.page).to_have_url(f"{tab.url}#/segments/{segment}")
    expect(tab.dialog.get_by_role("progressbar")).to_be_visible()
    for route in held:
        route.continue_()
    assert finished(tab)["Added"] == 300
    tab.page.go_back()
    expect(tab.dialog).to_have_count(0)


def test_the_end_of_the_session_leaves_what_a_run_has_to_tell(
    tab: Tab, chosen: Callable[[FilePayload], None], tmp_path: Path
) -> None:
    chosen(written([["identity"], *([f"user-{number}"] for number in range(50))]))
    wrong = {"status": "fail", "error": "the passcode is wrong", "code": 401}
    tab.page.route(UPDATES, lambda route: route.fulfill(status=401, json=wrong))
    tab.press("Add users")
    assert finished(tab) == {"Rows": 50, "Added": 0, "Removed": 0, "Unchanged": 0, "Rejected": 50}
    expect(tab.page.get_by_label("Passcode")).to_be_visible()
    assert len(rejected_rows(tab, tmp_path)) == 51
    tab.dialog.get_by_role("button", name="Close").last.click()
    expect(tab.dialog).to_have_count(0)
    expect(tab.page.get_by_role("heading", name="API Segments")).to_be_focused()


@pytest.mark.parametrize(
    ("rows", "where"), [(3_000, "The file can't be read"), (20_000, "Ended before the end")], ids=["small", "large"]
)
def test_quotes_that_do_not_end_are_told_of_by_their_row(
    tab: Tab, account: Account, segment: int, rows: int, where: str
) -> None:
    """What they would swallow is no user; a small file is refused at once, a large one where they begin."""
    tab.sign_in(account)
    tab.go(f"/segments/{segment}")
    tab.press("Add or remove users")
    lines = ["identity", "ada", *(f"user-{number}" for number in range(rows))]
    lines[rows - 5] = '"never ended'
    file: FilePayload = {"name": "users.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}
    tab.page.route(UPDATES, answered_at_once)
    tab.page.locator("#csv-file").set_input_files(files=[file])
    if rows > 5_000:
        tab.press("Add users")
    told = f"the double quote that opens a cell in row {rows - 4:,} has no other that closes it"
    expect(tab.dialog.get_by_text(where)).to_contain_text(told)


def answered_at_once(route: Route) -> None:
    asked = json.loads(route.request.post_data or "")["bulk_profiles"][0]["user_profiles"]
    summary = {"added": len(asked), "removed": 0, "unchanged": 0, "profiles_created": 0}
    route.fulfill(json={"status": "success", "processed": len(asked), "summary": summary, "unprocessed": []})


def test_usual_names_of_columns_are_no_users(tab: Tab, chosen: Callable[[FilePayload], None]) -> None:
    chosen(written([["E-mail", "First name"], ["ada@example.com", "Ada"], ["ben@example.com", "Ben"]]))
    expect(tab.dialog.get_by_label("has names of columns")).to_be_checked()
    tab.press("Add users")
    assert finished(tab)["Added"] == 2


def test_a_first_row_unlike_the_others_is_asked_about(tab: Tab, chosen: Callable[[FilePayload], None]) -> None:
    chosen(written([["Kunde"], ["K-1001"], ["K-1002"]]))
    names, user = (tab.dialog.get_by_label(label) for label in ("has names of columns", "is a user"))
    expect(names).not_to_be_checked()
    expect(user).not_to_be_checked()
    expect(tab.dialog.get_by_text("may be the name of the column")).to_be_visible()
    tab.press("Add users")
    expect(names).to_be_focused()
    names.check()
    expect(names).to_be_focused()
    expect(tab.dialog.locator(".sample")).not_to_contain_text("Kunde")
    tab.press("Add users")
    assert finished(tab)["Added"] == 2


@pytest.mark.parametrize("first", ["ada", "K-1000"], ids=["a name among names", "a number among numbers"])
def test_a_first_row_like_the_others_is_a_user(tab: Tab, chosen: Callable[[FilePayload], None], first: str) -> None:
    chosen(written([[first], [first + "x"], [first + "y"]]))
    expect(tab.dialog.get_by_label("is a user")).to_be_checked()
    tab.press("Add users")
    assert finished(tab)["Added"] == 3

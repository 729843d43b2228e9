"""The whole way of a new user: from a wrong passcode to a segment with members, and to its end."""

import re
import subprocess

import httpx
import pytest
from playwright.sync_api import FilePayload, expect

from local.stack import Account
from tests.browser.tab import Tab
from tests.e2e.conftest import AccountFactory
from tests.support.bodies import act, update, users
from tests.support.uploads import profile
from tests.support.waiting import PATIENCE_SECONDS, wait_until


def create(api: httpx.Client, *names: str) -> list[int]:
    answer = api.post("/api/createSegment", json=[{"segment_name": name} for name in names]).json()
    return [segment["id"] for segment in answer["segments"]]


def join(api: httpx.Client, segment: int, *identities: str) -> None:
    answer = api.post("/api/updateSegment", json=update(users(*identities), [act("ADD", ct=segment)]))
    assert answer.json()["status"] == "success", answer.text


def test_from_signing_in_to_a_changed_count_and_to_deletion(tab: Tab, account: Account) -> None:
    page = tab.page
    tab.open()
    tab.fill_in(account.account_id, "not-the-passcode")
    expect(tab.alert).to_contain_text("Account id or passcode is wrong")
    tab.fill_in(account.account_id, account.passcode)
    expect(page.get_by_text("There are no segments yet.")).to_be_visible()

    tab.press("Create the first")
    page.get_by_label("Name", exact=True).fill("Premium users")
    page.get_by_label("Customer id (optional)").fill("PREMIUM")
    tab.press("Create")
    expect(tab.cell("Premium users", "Members")).to_have_text("0")
    expect(tab.cell("Premium users", "Customer id")).to_have_text("PREMIUM")
    expect(tab.row("Premium users").locator(".badge")).to_be_hidden()

    page.get_by_role("link", name="Premium users").click()
    tab.press("Add or remove users")
    page.get_by_label("Users, one a line").fill("ada\nben\n\n cem \n")
    tab.press("Add users")
    expect(tab.total("Added")).to_have_text("3")
    tab.dialog.get_by_role("button", name="Close").last.click()
    figures = page.locator(".figures div").filter(has_text="Members").locator("dd")
    expect(figures).to_have_text("3")
    expect(page.locator(".changes")).to_contain_text("From this page: 3 added")
    # The readers of the stream may take the three in two batches, and the page looks when it looks.
    expect(page.locator(".changes")).to_contain_text(re.compile(r"Members \d → 3 \(\+\d\)"))
    expect(page.get_by_role("table", name="Members").get_by_role("link", name="cem")).to_be_visible()

    tab.press("Rename")
    page.get_by_label("New name").fill("Premium people")
    tab.dialog.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="Premium people")).to_be_visible()

    tab.press("Delete")
    expect(page.get_by_role("button", name="Delete for ever")).to_be_disabled()
    page.get_by_label("Type the name to confirm").fill("premium people")
    expect(page.get_by_role("button", name="Delete for ever")).to_be_disabled()
    page.get_by_label("Type the name to confirm").fill("Premium people")
    tab.press("Delete for ever")
    expect(page.locator(".badge.deleted")).to_be_visible()
    expect(page.get_by_role("button", name="Add or remove users")).to_be_hidden()

    page.get_by_role("link", name="All segments").click()
    expect(page.get_by_text("There are no segments yet.")).to_be_visible()
    page.get_by_label("Status").select_option("deleted")
    expect(tab.row("Premium people").locator(".badge")).to_have_text("deleted")


def test_the_list_shows_what_others_do_and_keeps_its_place(tab: Tab, api: httpx.Client, account: Account) -> None:
    (first, _) = create(api, "Gold", "Silver")
    tab.sign_in(account)
    expect(tab.cell("Gold", "Members")).to_have_text("0")
    search = tab.page.get_by_label("Search by name, id or tag")
    search.fill("gold")
    expect(tab.row("Silver")).to_have_count(0)
    row = tab.row("Gold").element_handle()
    api.post("/1/upload", json={"d": [profile("ada", Email="ada@example.com")]})
    join(api, first, "ada", "ben")
    create(api, "Goldfish")
    expect(tab.cell("Gold", "Members")).to_have_text("2")
    expect(tab.cell("Gold", "Email").locator(".figure")).to_have_text("1")
    expect(tab.row("Goldfish")).to_be_visible()
    expect(search).to_be_focused()
    expect(search).to_have_value("gold")
    assert row is not None
    assert row.evaluate("element => element.isConnected"), (
        "the row was made anew, so whoever was in it lost their place"
    )
    expect(tab.page.get_by_text("Figures as read at")).to_be_visible()


def test_rows_stay_put_while_someone_is_in_one(tab: Tab, api: httpx.Client, account: Account) -> None:
    create(api, "Older", "Old")
    tab.sign_in(account)
    link = tab.page.get_by_role("link", name="Older", exact=True)
    link.focus()
    create(api, "New")
    order = tab.page.get_by_role("button", name="Put in order")
    expect(order).to_be_visible()
    expect(tab.row("New")).to_have_count(0)
    expect(link).to_be_focused()
    order.click()
    expect(tab.page.get_by_role("rowheader")).to_have_text(["New", "Old", "Older"])


def test_a_tab_is_signed_in_until_it_is_signed_out(tab: Tab, account: Account) -> None:
    tab.sign_in(account)
    tab.page.reload()
    expect(tab.page.get_by_role("heading", name="Segments", exact=True)).to_be_visible()
    other = tab.page.context.new_page()
    other.goto(tab.url)
    expect(other.get_by_role("heading", name="Segments", exact=True)).to_be_visible()
    tab.press("Sign out")
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    tab.page.reload()
    expect(tab.page.get_by_role("button", name="Sign in")).to_be_visible()
    kept = "[localStorage.length, sessionStorage.length, document.cookie]"
    assert tab.page.evaluate(kept) == [0, 0, ""]


@pytest.mark.parametrize(("plan", "beta", "said"), [("Essentials", True, "Advanced"), ("Advanced", False, "beta")])
def test_a_plan_without_the_feature_says_so(
    tab: Tab, account_factory: AccountFactory, plan: str, beta: bool, said: str
) -> None:
    account = account_factory(plan, private_beta=beta)
    tab.open()
    tab.fill_in(account.account_id, account.passcode)
    expect(tab.alert).to_contain_text(said)
    expect(tab.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_many_are_created_from_pasted_lines_and_wrong_lines_are_left(tab: Tab, account: Account) -> None:
    page = tab.page
    tab.sign_in(account)
    tab.press("Create segments")
    page.get_by_label("Many, from pasted lines").check()
    lines = page.get_by_label("Segments, one a line")
    good = [f"Segment {number},C-{number}" for number in range(120)]
    lines.fill("\n".join([*good, '"Bold, brave"', f"{'x' * 256}", "Segment 7b,C-7"]))
    tab.press("Create")
    expect(tab.alert).to_contain_text("Created 121 segments; 2 lines could not be created")
    expect(lines).to_have_value(re.compile(r"x{256}"))
    expect(lines).to_have_value(re.compile(r"Segment 7b,C-7"))
    expect(tab.dialog.get_by_role("table")).to_contain_text("must have 1 to 255 characters, has 256")
    expect(tab.dialog.get_by_role("table")).to_contain_text("already in use")
    page.keyboard.press("Escape")
    expect(page.get_by_text("of 121 segments")).to_be_visible()
    page.get_by_label("Search by name, id or tag").fill("bold, b")
    expect(tab.row("Bold, brave")).to_be_visible()
    page.get_by_label("Search by name, id or tag").fill("c-119")
    expect(tab.cell("Segment 119", "Customer id")).to_have_text("C-119")


def test_a_file_is_uploaded_previewed_and_applied(tab: Tab, api: httpx.Client, account: Account) -> None:
    (gold,) = create(api, "Gold")
    join(api, gold, "ada", "ben")
    page = tab.page
    tab.sign_in(account)
    tab.go(f"/segments/{gold}")
    tab.press("Import a file")
    content = b"customer_id;name\r\n ada ;Ada\r\n;nobody\r\ncem;Cem\r\n"
    file: FilePayload = {"name": "users.csv", "mimeType": "text/csv", "buffer": content}
    page.locator("#import-file").set_input_files(files=[file])
    tab.dialog.get_by_label("Make the segment equal to the file").check()
    tab.dialog.get_by_text("Limits", exact=True).click()
    tab.dialog.get_by_label("Most members removed, in percent").fill("50")
    tab.press("Upload and preview")
    lead = page.locator(".lead")
    expect(lead).to_have_text(
        "1 user will be added, 1 of them new, and 1 will be removed; 1 is in it already; 1 row can't be read."
    )
    rejected = page.get_by_role("link", name="Download 1 rejected row").get_attribute("href")
    assert ";nobody" in httpx.get(rejected or "", trust_env=False).text
    tab.press("Apply: add 1, remove 1")
    expect(lead).to_have_text("1 user was added, 1 of them new, and 1 was removed.")
    page.get_by_role("link", name="Gold", exact=True).click()
    members = page.get_by_role("table", name="Members")
    expect(members.get_by_role("rowheader")).to_have_count(2)
    for name in ("ada", "cem"):
        expect(members.get_by_role("link", name=name)).to_be_visible()


def arguments_of(line: str, passcode: str) -> list[str]:
    """Return what a shell would call curl with."""
    script = f'curl() {{ printf "%s\\0" "$@"; }}\n{line}'
    shown = subprocess.run(["sh", "-c", script], env={"PASSCODE": passcode}, capture_output=True, check=True)
    return shown.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize(("action", "counted"), [("adds", "added"), ("removes", "removed")])
def test_the_shown_curl_line_does_what_it_says(
    tab: Tab, api: httpx.Client, account: Account, action: str, counted: str
) -> None:
    (gold,) = create(api, "Gold")
    if action == "removes":
        join(api, gold, "USER-1")
    tab.sign_in(account)
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.go(f"/segments/{gold}")
    tab.page.get_by_text("Do it from your backend").click()
    tab.press(f"Copy the line that {action} a user")
    expect(tab.page.get_by_text("Copied", exact=True)).to_be_visible()
    line = tab.page.evaluate("navigator.clipboard.readText()")
    assert account.passcode not in line
    url, *options = arguments_of(line, account.passcode)
    given = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ", 1) for name, value in given if name == "-H")
    (body,) = (value for name, value in given if name == "-d")
    answer = httpx.post(url, headers=headers, content=body, trust_env=False, timeout=PATIENCE_SECONDS).json()
    assert answer["summary"][counted] == 1


def test_a_user_is_looked_up_added_and_removed(tab: Tab, api: httpx.Client, account: Account) -> None:
    gold, silver = create(api, "Gold", "Silver")
    api.post("/1/upload", json={"d": [profile("ada/ä 1", Name="Ada Example", Phone="+12025550123")]})
    join(api, gold, "ada/ä 1")
    page = tab.page
    tab.sign_in(account)
    page.get_by_role("link", name="Users").click()
    page.get_by_label("User", exact=True).fill("nobody")
    tab.press("Look up")
    expect(page.get_by_text("There is no user with this identity.")).to_be_visible()
    page.get_by_label("User", exact=True).fill("ada/ä 1")
    tab.press("Look up")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Example")
    expect(page.locator(".channels .yes")).to_contain_text(["SMS"])
    expect(page.get_by_role("heading", name="1 segment")).to_be_visible()
    page.get_by_role("listbox", name="Segment").select_option("Silver")
    tab.press("Add to the segment")
    expect(page.get_by_role("heading", name="2 segments")).to_be_visible()
    page.get_by_role("button", name="Remove from Gold").click()
    expect(page.get_by_role("heading", name="1 segment")).to_be_visible()
    found = api.get("/api/profiles/ada%2F%C3%A4%201/segments").json()["segments"]
    assert [segment["id"] for segment in found] == [silver]


def test_members_by_page_and_whether_one_is_in(tab: Tab, api: httpx.Client, account: Account) -> None:
    (gold,) = create(api, "Gold")
    everyone = [f"user-{number:02}" for number in range(60)]
    join(api, gold, *everyone)
    page = tab.page
    tab.sign_in(account)
    tab.go(f"/segments/{gold}")
    expect(page.locator(".figures div").filter(has_text="Members").locator("dd")).to_have_text("60")
    table = page.get_by_role("table", name="Members")
    shown = page.get_by_role("navigation", name="Pages of members")
    seen: list[str] = []
    for start in (1, 26, 51):
        expect(shown).to_contain_text(re.compile(rf"(?<!\d){start}\W\d"))
        seen += table.get_by_role("rowheader").all_text_contents()
        if start < 51:
            shown.get_by_role("button", name="Next").click()
    expect(shown.get_by_role("button", name="Next")).to_be_disabled()
    assert sorted(seen) == everyone
    page.get_by_label("Is a user in it? Identity").fill("user-07")
    tab.press("Look")
    expect(page.get_by_text("Yes: user-07 is in it since")).to_be_visible()
    page.get_by_label("Is a user in it? Identity").fill("user-99")
    tab.press("Look")
    expect(page.get_by_text("No, user-99 is not in it.")).to_be_visible()


def test_what_was_rejected_is_in_the_table_of_errors(tab: Tab, api: httpx.Client, account: Account) -> None:
    api.post("/api/updateSegment", json=update(users("ada"), [act("ADD", customer="NO-SUCH")]))
    tab.sign_in(account)
    tab.page.get_by_role("link", name="Errors").click()
    row = tab.page.get_by_role("table", name="Rejected entries").get_by_role("row").last
    expect(row).to_contain_text("NO-SUCH")
    expect(row).to_contain_text("ada")
    expect(row).to_contain_text("404")


def test_usage_counts_each_published_change(tab: Tab, api: httpx.Client, account: Account) -> None:
    (gold,) = create(api, "Gold")
    join(api, gold, "ada", "ben")
    tab.sign_in(account)
    wait_until(lambda: api.get("/api/usage").json()["data_points"] == 2, "two data points")
    tab.page.get_by_role("link", name="Usage").click()
    expect(tab.page.locator(".totals > div").first).to_have_text(re.compile(r"so far2$"))
    expect(tab.page.get_by_text("There were no data points in the eleven months before.")).to_be_visible()

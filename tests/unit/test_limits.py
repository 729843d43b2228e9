"""A limit is a constant of `core.limits`; docs/api.md and the page say what it says."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from api_segments.core import limits
from api_segments.imports.custom_lists import MAX_NAME_CHARACTERS
from api_segments.imports.files.lines import MAX_ROW_CHARACTERS
from api_segments.imports.files.reader import MAX_ROWS
from api_segments.imports.files.text import MAX_PLAIN_BYTES
from api_segments_client import push
from tests.support.template import ROOT

API = (ROOT / "docs" / "api.md").read_text("utf-8")
PAGE = ROOT / "functions" / "dashboard" / "page"
PAGES_LIMITS = PAGE / "kit" / "limits.js"
KB, MIB = 1024, 1024 * 1024
NUMBER = r"\d[\d,]*"

TABLE: Mapping[str, tuple[int, ...]] = {
    "a create request": (1, limits.MAX_SEGMENTS_PER_CREATE),
    "an update request": (limits.MAX_USERS_PER_UPDATE, limits.MAX_SEGMENTS_PER_UPDATE, limits.MAX_BODY_BYTES // MIB),
    "an upload": (1, limits.MAX_RECORDS_PER_UPLOAD, limits.MAX_BODY_BYTES // MIB),
    "a profile": (
        limits.MAX_CUSTOM_ATTRIBUTES,
        limits.MAX_ATTRIBUTE_NAME_BYTES,
        limits.MAX_ATTRIBUTE_VALUE_BYTES,
        limits.MAX_TOKENS,
    ),
    "active segments an account": (limits.MAX_ACTIVE_SEGMENTS,),
    "ids and names": (1, limits.MAX_ID_CHARACTERS),
    "passcodes an account": (limits.MAX_LIVE_PASSCODES,),
    "a page of a list": (1, limits.MAX_PAGE, limits.CURSOR_HOURS),
    "idempotency keys of create": (limits.IDEMPOTENCY_HOURS,),
    "error stream": (limits.UPDATE_ERROR_DAYS,),
    "a campaign": (
        limits.MAX_CAMPAIGN_SEGMENTS,
        limits.MAX_TEMPLATE_BYTES // KB,
        limits.MAX_CONTENT_BYTES // KB,
        limits.MAX_DAYS_AHEAD,
    ),
    "scheduled and running campaigns an account": (limits.MAX_LIVE_CAMPAIGNS,),
    "delivery log": (limits.DELIVERY_LOG_DAYS,),
    "an import": (
        limits.MAX_IMPORT_BYTES // 1024**3,
        MAX_ROWS // 1_000_000,
        limits.IMPORT_UPLOAD_HOURS,
        limits.IMPORT_PREVIEW_HOURS,
        limits.IMPORT_UNDO_DAYS,
    ),
    "imports": (limits.IMPORT_DAYS, limits.IMPORT_FILE_DAYS),
    "a row of a file": (MAX_ROW_CHARACTERS, MAX_PLAIN_BYTES // 1024**3),
    "an export": (limits.IMPORT_FILE_DAYS,),
    "the name of a custom list": (MAX_NAME_CHARACTERS,),
}
"""The rows of docs/api.md, Limits, and the numbers in each."""

PROSE: Mapping[str, tuple[int, ...]] = {
    "have N to N characters, none of them": (1, limits.MAX_ID_CHARACTERS),
    "the account's N active segments, or N scheduled and running campaigns": (
        limits.MAX_ACTIVE_SEGMENTS,
        limits.MAX_LIVE_CAMPAIGNS,
    ),
    "body over N MiB": (limits.MAX_BODY_BYTES // MIB,),
    r"N to N entries\. `segment_name`": (1, limits.MAX_SEGMENTS_PER_CREATE),
    r"`Idempotency-Key` \(N to N visible": (1, limits.MAX_IDEMPOTENCY_KEY_CHARACTERS),
    "give the same answer for N hours": (limits.IDEMPOTENCY_HOURS,),
    "at most N `user_profiles` and N different segments": (limits.MAX_USERS_PER_UPDATE, limits.MAX_SEGMENTS_PER_UPDATE),
    r"error stream for N days\.": (limits.UPDATE_ERROR_DAYS,),
    "rejected in the last N days": (limits.UPDATE_ERROR_DAYS,),
    r"\| `limit` \| N to N, N if absent": (1, limits.MAX_PAGE, limits.DEFAULT_PAGE),
    "A cursor is good for N hours": (limits.CURSOR_HOURS,),
    "without them it is the last N up to today": (limits.DEFAULT_HISTORY_DAYS,),
    "Notes are kept for N days": (limits.HISTORY_DAYS,),
    "at the ends of the N days before today": (limits.TREND_DAYS,),
    "no longer counts among the N": (limits.MAX_ACTIVE_SEGMENTS,),
    "users: N to N records": (1, limits.MAX_RECORDS_PER_UPLOAD),
    "at most N of them, names of N bytes, values of N bytes": (
        limits.MAX_CUSTOM_ATTRIBUTES,
        limits.MAX_ATTRIBUTE_NAME_BYTES,
        limits.MAX_ATTRIBUTE_VALUE_BYTES,
    ),
    "at most N a user, of N characters": (limits.MAX_TOKENS, limits.MAX_TOKEN_CHARACTERS),
    r"\| `name` \| N to N characters": (1, limits.MAX_ID_CHARACTERS),
    "`exclude`; together at most N": (limits.MAX_CAMPAIGN_SEGMENTS,),
    "(?:at most|more than) N days ahead": (limits.MAX_DAYS_AHEAD,),
    "most messages in all, N to N;": (1, limits.MAX_USERS_LIMIT),
    "once N campaigns of the account": (limits.MAX_LIVE_CAMPAIGNS,),
    "each at most N KB, together at most N KB": (limits.MAX_TEMPLATE_BYTES // KB, limits.MAX_CONTENT_BYTES // KB),
    r"\(N characters for an SMS; N for a `sender_name`, and N when": (
        limits.MAX_SMS_CHARACTERS,
        limits.MAX_ID_CHARACTERS,
        limits.MAX_ENCODED_NAME_CHARACTERS,
    ),
    r"as the log has them \(N days\)|kept for N days\\b": (limits.DELIVERY_LOG_DAYS,),
    "For N days, of an import that is done": (limits.IMPORT_UNDO_DAYS,),
    "that test messages may go to, up to N": (limits.MAX_TEST_RECIPIENTS,),
}
"""What the rest of docs/api.md says of limits: N for each number."""


def numbers_in(text: str) -> tuple[int, ...]:
    return tuple(int(number.replace(",", "")) for number in re.findall(NUMBER, text))


def test_the_table_of_limits_has_the_constants_numbers() -> None:
    table = API.partition("## Limits\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| (.+?) \| (.+) \|$", table, re.MULTILINE))
    with_numbers = {name: numbers for name, said in rows.items() if (numbers := numbers_in(said))}
    assert with_numbers == TABLE


@pytest.mark.parametrize(("said", "numbers"), PROSE.items(), ids=[said[:30] for said in PROSE])
def test_the_prose_has_the_constants_numbers(said: str, numbers: tuple[int, ...]) -> None:
    found = [match[0] for match in re.finditer(re.sub(r"\bN\b", lambda _: NUMBER, said), re.sub(r"\s+", " ", API))]
    assert found
    assert {numbers_in(text) for text in found} == {numbers}


def test_the_client_cuts_a_push_by_the_limits_of_a_request() -> None:
    assert push.USERS_PER_REQUEST == limits.MAX_USERS_PER_UPDATE
    assert push.SEGMENTS_PER_REQUEST == limits.MAX_SEGMENTS_PER_UPDATE


def pages_limits() -> Mapping[str, Any]:
    text = PAGES_LIMITS.read_text("utf-8")
    named = re.findall(r"^export const (\w+) = ([\d_]+);", text, re.MULTILINE)
    assert len(named) == text.count("\nexport ")
    return {name: int(number.replace("_", "")) for name, number in named}


def test_the_pages_limits_are_the_constants_of_the_same_names() -> None:
    assert pages_limits() == {name: getattr(limits, name, None) for name in pages_limits()}


def test_the_page_says_its_limits_in_one_module_and_uses_all_of_them() -> None:
    """Numbers that are hardly anything else are in no other module."""
    telling = {str(limits.MAX_ID_CHARACTERS), str(limits.MAX_DAYS_AHEAD), str(limits.MAX_USERS_LIMIT)}
    used = set()
    for module in PAGE.rglob("*.js"):
        text = module.read_text("utf-8")
        if module == PAGES_LIMITS:
            continue
        assert telling.isdisjoint(re.sub("[,_]", "", number) for number in re.findall(r"\b\d[\d,_]*\b", text)), module
        used |= pages_limits().keys() & set(re.findall(r"\w+", text))
    assert used == pages_limits().keys()

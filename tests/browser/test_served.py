"""What the stack serves to a browser: headers of every answer, what may be kept, and what is not there."""

import re
from collections.abc import Iterator

import httpx
import pytest

from local.stack import Stack
from tests.support.waiting import PATIENCE_SECONDS


@pytest.fixture
def anyone(stack: Stack) -> Iterator[httpx.Client]:
    """Speaks to the API without an account."""
    with httpx.Client(base_url=f"{stack.api_url}/", trust_env=False, timeout=PATIENCE_SECONDS) as client:
        yield client


def files_of(page: str) -> list[str]:
    return re.findall(r'"(page/[^"]+)"', page)


def test_every_answer_carries_the_security_headers(anyone: httpx.Client) -> None:
    page = anyone.get("")
    for address in ("", *files_of(page.text)):
        headers = anyone.get(address).headers
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'; style-src 'self'; "
        )
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["strict-transport-security"] == "max-age=31536000"
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-request-id"]


def test_files_are_kept_and_the_page_is_asked_for_again(anyone: httpx.Client) -> None:
    page = anyone.get("")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    again = anyone.get("", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    kinds = set()
    for address in files_of(page.text):
        file = anyone.get(address)
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        kinds.add(file.headers["content-type"])
    assert kinds == {"text/javascript; charset=utf-8", "text/css; charset=utf-8"}


@pytest.mark.parametrize("name", ["index.html", "none.js", "..%2Fapp.py", "%2e%2e%2fapp.py"])
def test_no_other_file_is_served(anyone: httpx.Client, name: str) -> None:
    answer = anyone.get(f"page/0123456789abcdef/{name}")
    assert (answer.status_code, answer.json()) == (404, {"status": "fail", "error": "no such route", "code": 404})


def test_nothing_of_any_account_is_in_what_is_served(anyone: httpx.Client, stack: Stack) -> None:
    served = "".join(anyone.get(address).text for address in ("", *files_of(anyone.get("").text)))
    for secret in (stack.account_id, stack.passcode, *stack.tables.values()):
        assert secret not in served

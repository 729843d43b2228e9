"""Campaigns that are being written: drafts as the tab keeps them, and what the API was asked for."""

import json
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.mocked import Json, MockedApi
from tests.browser.tab import Tab

CREATE = "/1/targets/create.json"
PREVIEW = "/1/targets/preview.json"
ELSEWHERE = {"timezone_id": "America/New_York"}
MAIL = {"subject": "Hello {{ profile.Name }}", "body": "<p>Hello</p>"}


def draft(**other: Any) -> Json:
    """Return a draft that lacks nothing, as the tab keeps it."""
    return {
        "name": "Spring sale",
        "mode": "email",
        "rules": [{"kind": "include", "ids": [1]}, {"kind": "exclude", "ids": [2]}],
        "limit": "",
        "contents": {"email": MAIL},
        "reader": "",
        "when": {"kind": "now", "date": "", "time": "", "segment": None, "action": "ADD"},
        "refusal": None,
        "sent": None,
        **other,
    }


def resume(tab: Tab, step: str, **other: Any) -> Page:
    """Go to a step with a draft that is filled in so far."""
    tab.page.evaluate("draft => sessionStorage.setItem('api-segments-campaign', draft)", json.dumps(draft(**other)))
    tab.go(f"/campaigns/new/{step}")
    tab.page.reload()  # from the same step the address alone leads nowhere
    expect(tab.page.locator("[aria-current=step]")).to_contain_text(step.title())
    return tab.page


def created(api: MockedApi) -> list[Json]:
    """Return what was asked for but for estimates."""
    return [body for body in api.bodies(CREATE) if not body.get("estimate_only")]


def estimates(api: MockedApi) -> list[Json]:
    return [body for body in api.bodies(CREATE) if body.get("estimate_only")]

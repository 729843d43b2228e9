"""Campaigns: planned, estimated, listed, stopped; what became of their messages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from api_segments_client.decoding import decode
from api_segments_client.models import Campaign, CampaignMessage, CampaignResult, Guid
from api_segments_client.pages import pages
from api_segments_client.transport import Transport

When = str | Mapping[str, Any]


class Campaigns:
    """`client.campaigns`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, campaign: Mapping[str, Any], *, key: str | None = None) -> int:
        """Create a campaign and return its id; `campaign` is the body of create.json, as docs/api.md has it.

        `key` is the Idempotency-Key, made up if not given, so that no campaign is created twice. Against CleverTap,
        which knows none, an answer that got lost is NoAnswerError with `may_be_done`, and nothing is sent again.
        """
        return int(self._begin("1/targets/create.json", campaign, key)["id"])

    def duplicate(self, campaign_id: int, when: When, *, name: str | None = None, key: str | None = None) -> int:
        """Create a campaign like another and return its id."""
        wanted = {"id": campaign_id, "when": when, **({} if name is None else {"name": name})}
        return int(self._begin("1/targets/duplicate.json", wanted, key)["id"])

    def estimate(self, campaign: Mapping[str, Any]) -> Mapping[str, int]:
        """Return how many users a campaign would reach now, by channel; nothing is created."""
        body = self._call("1/targets/create.json", {**campaign, "estimate_only": True}).body
        return decode(Mapping[str, int], body["estimates"], "estimates")  # type: ignore[type-abstract] # a Mapping is decoded as a dict

    def edit(self, campaign_id: int, changes: Mapping[str, Any]) -> int:
        """Plan a scheduled campaign anew and return its version; with a `version`, ConflictError if that is past."""
        answer = self._transport.call("POST", "1/targets/edit.json", {"id": campaign_id, **changes}, may_repeat=False)
        return int(answer.body["version"])

    def stop(self, campaign_id: int) -> None:
        """Stop a campaign, also once more."""
        self._call("1/targets/stop.json", {"id": campaign_id})

    def list(self, **filters: object) -> Iterator[Campaign]:
        """Give campaigns, the newest first; filters are those of list.json: `name`, `status`, `segment` and others.

        CleverTap needs `from` and `to`: `list(**{"from": 20261101, "to": 20261130})`.
        """
        return pages(self._transport, "1/targets/list.json", "targets", Campaign, None, filters, method="POST")

    def get(self, campaign_id: int) -> Campaign:
        """Return a campaign with its content."""
        return decode(Campaign, self._call("1/targets/result.json", {"id": campaign_id}).body["target"], "target")

    def result(self, campaign_id: int) -> CampaignResult:
        """Return what became of a campaign's messages."""
        return decode(CampaignResult, self._call("1/targets/result.json", {"id": campaign_id}).body["result"], "result")

    def log(self, campaign_id: int, *, page_size: int = 1000) -> Iterator[CampaignMessage]:
        """Give the messages of a campaign, kept for 90 days."""
        given = {"id": campaign_id}
        return pages(self._transport, "1/targets/log.json", "log", CampaignMessage, page_size, given, method="POST")

    def preview(self, target_mode: str, content: Mapping[str, Any], *, user: str | None = None) -> Mapping[str, Any]:
        """Return a content as one user would get it."""
        body = self._call(
            "1/targets/preview.json", {"target_mode": target_mode, "content": content, **_user(user)}
        ).body
        return decode(Mapping[str, Any], body["preview"], "preview")  # type: ignore[type-abstract] # as in estimate

    def test(
        self, target_mode: str, content: Mapping[str, Any], *, to: str | None = None, user: str | None = None
    ) -> Mapping[str, Any]:
        """Send one message to a declared test recipient and return its status and reason; never sent a second time."""
        wanted = {"target_mode": target_mode, "content": content, **_user(user), **({} if to is None else {"to": to})}
        body = self._transport.call("POST", "1/targets/test.json", wanted, may_repeat=False).body
        return decode(Mapping[str, Any], body["test"], "test")  # type: ignore[type-abstract] # as in estimate

    def settings(self) -> Mapping[str, Any]:
        """Return what the account has declared for campaigns: senders, webhooks, push, time zone."""
        body = self._call("1/targets/settings.json", {}).body
        return decode(Mapping[str, Any], body["settings"], "settings")  # type: ignore[type-abstract] # as in estimate

    def _begin(self, path: str, body: Mapping[str, Any], key: str | None) -> Any:  # noqa: ANN401 - JSON
        headers = {} if self._transport.is_clevertap else {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._transport.call("POST", path, dict(body), headers=headers, may_repeat=bool(headers)).body

    def _call(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - an answer of JSON
        return self._transport.call("POST", path, dict(body))


def _user(user: str | None) -> dict[str, str]:
    if user is None:
        return {}
    return {"guid" if isinstance(user, Guid) else "identity": str(user)}

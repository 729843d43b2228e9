"""The routes of campaigns, as the API's description has them."""

from collections.abc import Sequence
from http import HTTPStatus

from api_segments.campaigns.planning import answers, bodies
from api_segments.core.limits import DELIVERY_LOG_DAYS
from api_segments.http.openapi import BODY_ERRORS, CAMPAIGNS, GUID, IDEMPOTENCY_KEY, MOMENT, SEGMENT_ID, Route

TARGET_ID = 1763901234567892

_SUMS = {"queued": 1630, "waiting": 0, "sent": 1610, "skipped": 415, "failed": 17}
_TARGET = {
    "id": TARGET_ID,
    "name": "Spring sale",
    "target_mode": "email",
    "status": "completed",
    "scheduled_on": 202612010930,
    "created_at": MOMENT,
    "started_at": MOMENT,
    "ended_at": MOMENT,
    "segments": {"include": [SEGMENT_ID], "exclude": []},
    "when": "20261201 09:30",
    "users_limit_overall": 10000,
    "result": _SUMS,
}
_CONTENT = {"subject": "{{ profile.Name }}, it is spring", "body": "<p>Hello {{ profile.Name }}</p>"}
_OF_TARGET = (*BODY_ERRORS, HTTPStatus.NOT_FOUND)

ROUTES: Sequence[Route] = (
    Route(
        "post",
        "/1/targets/create.json",
        CAMPAIGNS,
        "Create or estimate a campaign",
        answers.TargetCreatedBody | answers.EstimatesBody,
        {"status": "success", "message": "Added to queue for processing", "id": TARGET_ID},
        description="`name`, `content` and `when` may be left out with `estimate_only`, which creates nothing.",
        parameters=IDEMPOTENCY_KEY,
        body=bodies.CREATE,
        body_example={
            "name": "Spring sale",
            "target_mode": "email",
            "segments": {"include": [SEGMENT_ID, {"customer_segment_id": "SEG12345"}]},
            "when": "20261201 09:30",
            "content": _CONTENT,
        },
        errors=(*_OF_TARGET, HTTPStatus.CONFLICT, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY),
    ),
    Route(
        "post",
        "/1/targets/list.json",
        CAMPAIGNS,
        "List campaigns",
        answers.TargetsBody,
        {"status": "success", "targets": [_TARGET], "cursor": None},
        description="The newest first; `from` and `to` are days of creation in the account's time zone.",
        body=bodies.LIST,
        body_example={"from": 20261101, "to": 20261130},
        errors=BODY_ERRORS,
    ),
    Route(
        "post",
        "/1/targets/stop.json",
        CAMPAIGNS,
        "Stop a campaign",
        answers.DoneTargetBody,
        {"status": "success", "message": f"Target {TARGET_ID} stopped"},
        description="Messages that are queued are skipped. One that has ended stays as it is.",
        body=bodies.TARGET,
        body_example={"id": TARGET_ID},
        errors=_OF_TARGET,
    ),
    Route(
        "post",
        "/1/targets/result.json",
        CAMPAIGNS,
        "Show a campaign and what became of its messages",
        answers.TargetResultBody,
        {
            "status": "success",
            "result": {
                "status": "completed",
                "stop_reason": None,
                "queued": 1630,
                "waiting": 0,
                "sent": 1610,
                "skipped": {"unreachable": 412, "removed": 3},
                "failed": {"refused": 17},
                "started_at": MOMENT,
                "ended_at": MOMENT,
            },
            "target": {**_TARGET, "content": _CONTENT},
        },
        body=bodies.TARGET,
        body_example={"id": TARGET_ID},
        errors=_OF_TARGET,
    ),
    Route(
        "post",
        "/1/targets/log.json",
        CAMPAIGNS,
        "List a campaign's messages",
        answers.DeliveriesBody,
        {
            "status": "success",
            "log": [{"identity": "CT123456", "guid": GUID, "status": "sent", "reason": None, "at": MOMENT}],
            "cursor": None,
        },
        description=f"In an order that never changes; kept for {DELIVERY_LOG_DAYS} days.",
        body=bodies.LOG,
        body_example={"id": TARGET_ID, "limit": 100},
        errors=_OF_TARGET,
    ),
    Route(
        "post",
        "/1/targets/preview.json",
        CAMPAIGNS,
        "Fill a content in for one user",
        answers.PreviewResultBody,
        {"status": "success", "preview": {"body": "Hello Ada"}},
        description="Checks the content as a creation would, and sends nothing.",
        body=bodies.PREVIEW,
        body_example={"target_mode": "sms", "identity": "CT123456", "content": {"body": "Hello {{ profile.Name }}"}},
        errors=_OF_TARGET,
    ),
    Route(
        "post",
        "/1/targets/settings.json",
        CAMPAIGNS,
        "Show what the account declared for its campaigns",
        answers.SettingsResultBody,
        {
            "status": "success",
            "settings": {
                "time_zone": "Europe/Berlin",
                "senders": [{"email": "news@example.com", "verified": True}],
                "webhooks": [{"name": "crm", "url": "https://crm.example.com/hook"}],
                "push": {"fcm": True, "apns": False},
            },
        },
        body=bodies.NOTHING,
        body_example={},
        errors=BODY_ERRORS,
    ),
)

"""The routes of campaigns, as the API's description has them."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, NotRequired

from pydantic import TypeAdapter

from api_segments.campaigns.described import ANY_CONTENT, by_mode, changed
from api_segments.campaigns.planning import answers, bodies
from api_segments.core.limits import DELIVERY_LOG_DAYS
from api_segments.http.described import CAMPAIGN_ID, GUID, MOMENT, SEGMENT_ID, About
from api_segments.http.openapi import BODY_ERRORS, CAMPAIGNS, IDEMPOTENCY_KEY, NEXT_PAGE, Link, Route

_AFTER_SENDING = {"bounced": 8, "complained": 1, "unsubscribed": 4}
_SUMS = {"queued": 1630, "waiting": 0, "sent": 1610, "skipped": 415, "failed": 17, **_AFTER_SENDING}
_TARGET = {
    "id": CAMPAIGN_ID,
    "name": "Spring sale",
    "target_mode": "email",
    "status": "completed",
    "scheduled_on": 202612010930,
    "starts_at": "2026-12-01T08:30:00.000000Z",
    "time_zone": "Europe/Berlin",
    "created_at": MOMENT,
    "created_by": "nightly sync",
    "started_at": MOMENT,
    "ended_at": MOMENT,
    "segments": {"include": [SEGMENT_ID], "exclude": []},
    "when": "20261201 09:30",
    "when_time_zone": "Europe/Berlin",
    "users_limit_overall": 10000,
    "version": 0,
    "result": _SUMS,
}
_CONTENT = {"subject": "{{ profile.Name }}, it is spring", "body": "<p>Hello {{ profile.Name }}</p>"}
_OF_TARGET = (*BODY_ERRORS, HTTPStatus.NOT_FOUND)

_CREATE: TypeAdapter[object] = TypeAdapter(
    by_mode(bodies.CreateCampaignRequest, "Create{}CampaignRequest", "A campaign by {} to create, or to estimate.")
)
_PREVIEW: TypeAdapter[object] = TypeAdapter(
    by_mode(bodies.PreviewCampaignRequest, "Preview{}CampaignRequest", "A content by {} to fill in, and for whom.")
)
_TEST: TypeAdapter[object] = TypeAdapter(
    by_mode(
        bodies.SendTestMessageRequest, "SendTest{}MessageRequest", "A content by {} to send as a test, and to whom."
    )
)
_EDIT: TypeAdapter[object] = TypeAdapter(
    changed(
        bodies.EditCampaignRequest,
        "EditCampaignRequest",
        "What is to be other of a scheduled campaign.",
        {
            "content": NotRequired[
                Annotated[ANY_CONTENT, About("All that the messages say, by the campaign's channel.")]
            ]
        },
    )
)
_REPORT = changed(
    answers.GetCampaignResultBody,
    "GetCampaignResult",
    "A campaign, and what became of its messages.",
    {
        "target": Annotated[
            by_mode(answers.CampaignWithContentBody, "{}CampaignWithContent", "A campaign by {}."),
            About("The campaign."),
        ]
    },
)
_CREATED = {"id": "$response.body#/id"}
_FIRST = {"id": "$response.body#/targets/0/id"}
_START = {"when": "20271031 02:30"}
_FIRST_RECIPIENT = {
    "target_mode": "sms",
    "to": "$response.body#/settings/test_recipients/0/address",
    "content": {"body": "It is spring"},
}
_IT = {"id": "$request.body#/id"}

ROUTES: Sequence[Route] = (
    Route(
        "createCampaign",
        "post",
        "/1/targets/create.json",
        CAMPAIGNS,
        "Create or estimate a campaign",
        answers.CreateCampaignResultBody,
        {"status": "success", "message": "Added to queue for processing", "id": CAMPAIGN_ID},
        description="`name`, `content` and `when` may be left out with `estimate_only`, which creates nothing.",
        parameters=IDEMPOTENCY_KEY,
        body=_CREATE,
        body_example={
            "name": "Spring sale",
            "target_mode": "email",
            "segments": {"include": [SEGMENT_ID, {"customer_segment_id": "SEG12345"}]},
            "when": "20261201 09:30",
            "content": _CONTENT,
        },
        errors=(*_OF_TARGET, HTTPStatus.CONFLICT, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY),
        links=(
            Link("getCampaignResult", "Shows the campaign and what became of its messages.", body=_CREATED),
            Link("listCampaignMessages", "Lists its messages.", body=_CREATED),
            Link("stopCampaign", "Stops it.", body=_CREATED),
            Link("editCampaign", "Gives it another time.", body={**_CREATED, "when": "20261216 09:30"}),
            Link("duplicateCampaign", "Creates one like it.", body={**_CREATED, "when": "20261217 09:30"}),
        ),
    ),
    Route(
        "duplicateCampaign",
        "post",
        "/1/targets/duplicate.json",
        CAMPAIGNS,
        "Create a campaign like another",
        answers.CampaignCreatedBody,
        {"status": "success", "message": "Added to queue for processing", "id": CAMPAIGN_ID},
        description="With the same channel, segments, content and limit, whatever state the other is in.",
        parameters=IDEMPOTENCY_KEY,
        body=bodies.DUPLICATE,
        body_example={"id": CAMPAIGN_ID, "when": "20261201 09:30", "name": "Spring sale, again"},
        errors=(*_OF_TARGET, HTTPStatus.CONFLICT, HTTPStatus.GONE, HTTPStatus.UNPROCESSABLE_ENTITY),
    ),
    Route(
        "editCampaign",
        "post",
        "/1/targets/edit.json",
        CAMPAIGNS,
        "Edit a scheduled campaign",
        answers.EditCampaignResultBody,
        {"status": "success", "message": f"Target {CAMPAIGN_ID} edited", "version": 1},
        description="Fields that are left out stay as they are. 409 once it has begun or was stopped, and where it has "
        "not the `version` that was asked for.",
        body=_EDIT,
        body_example={"id": CAMPAIGN_ID, "version": 0, "name": "Summer sale", "when": "20261202 09:30"},
        errors=(*_OF_TARGET, HTTPStatus.CONFLICT, HTTPStatus.GONE),
    ),
    Route(
        "getCampaignStart",
        "post",
        "/1/targets/when.json",
        CAMPAIGNS,
        "Tell what a local time means",
        answers.GetCampaignStartResultBody,
        {
            "status": "success",
            "start": {
                "starts_at": "2027-10-31T00:30:00.000000Z",
                "time_zone": "Europe/Berlin",
                "utc_offset": "+02:00",
                "comes_twice": True,
            },
        },
        description="As a creation at this moment would read it, in the account's time zone. Where clocks go back, the "
        "first of the two times is meant; a time that they go forward over is refused.",
        body=bodies.START,
        body_example=_START,
        errors=BODY_ERRORS,
    ),
    Route(
        "listCampaigns",
        "post",
        "/1/targets/list.json",
        CAMPAIGNS,
        "List campaigns",
        answers.CampaignListBody,
        {"status": "success", "targets": [_TARGET], "cursor": None},
        description="The newest first; `from` and `to` are days of creation in the account's time zone. With other "
        "filters a page may be short, or empty, and not the last: only a `cursor` of null says that there are no more.",
        body=bodies.LIST,
        body_example={"from": 20261101, "to": 20261231},
        errors=_OF_TARGET,
        links=(
            Link("listCampaigns", "Lists the next page.", body=dict(NEXT_PAGE)),
            Link("getCampaignResult", "Shows the first of them.", body=_FIRST),
        ),
    ),
    Route(
        "stopCampaign",
        "post",
        "/1/targets/stop.json",
        CAMPAIGNS,
        "Stop a campaign",
        answers.StopCampaignResultBody,
        {"status": "success", "message": f"Target {CAMPAIGN_ID} stopped"},
        description="Messages that are queued are skipped. One that has ended stays as it is.",
        body=bodies.TARGET,
        body_example={"id": CAMPAIGN_ID},
        errors=_OF_TARGET,
    ),
    Route(
        "getCampaignResult",
        "post",
        "/1/targets/result.json",
        CAMPAIGNS,
        "Show a campaign and what became of its messages",
        _REPORT,
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
                **_AFTER_SENDING,
                "started_at": MOMENT,
                "ended_at": MOMENT,
            },
            "target": {**_TARGET, "content": _CONTENT},
        },
        description="`queued` counts the messages that were ever queued, `waiting` those of them that have not ended. "
        "`bounced`, `complained` and `unsubscribed` are among the `sent`: rates are of those.",
        body=bodies.TARGET,
        body_example={"id": CAMPAIGN_ID},
        errors=_OF_TARGET,
        links=(
            Link("listCampaignMessages", "Lists its messages.", body=_IT),
            Link("stopCampaign", "Stops it.", body=_IT),
        ),
    ),
    Route(
        "listCampaignMessages",
        "post",
        "/1/targets/log.json",
        CAMPAIGNS,
        "List a campaign's messages",
        answers.CampaignMessageListBody,
        {
            "status": "success",
            "log": [
                {
                    "identity": "CT123456",
                    "guid": GUID,
                    "status": "sent",
                    "reason": None,
                    "at": MOMENT,
                    "bounced_at": None,
                    "complained_at": None,
                    "unsubscribed_at": MOMENT,
                }
            ],
            "cursor": None,
        },
        description=f"In an order that never changes; kept for {DELIVERY_LOG_DAYS} days.",
        body=bodies.LOG,
        body_example={"id": CAMPAIGN_ID, "limit": 100},
        errors=_OF_TARGET,
        links=(Link("listCampaignMessages", "Lists the next page.", body={**_IT, **NEXT_PAGE}),),
    ),
    Route(
        "previewCampaign",
        "post",
        "/1/targets/preview.json",
        CAMPAIGNS,
        "Fill a content in for one user",
        answers.CampaignPreviewBody,
        {"status": "success", "preview": {"body": "Hello Ada"}},
        description="Checks the content as a creation would, and sends nothing.",
        body=_PREVIEW,
        body_example={"target_mode": "sms", "identity": "CT123456", "content": {"body": "Hello {{ profile.Name }}"}},
        errors=_OF_TARGET,
    ),
    Route(
        "sendTestMessage",
        "post",
        "/1/targets/test.json",
        CAMPAIGNS,
        "Send one message to a test recipient",
        answers.SendTestMessageResultBody,
        {"status": "success", "test": {"status": "sent", "reason": None}},
        description="Filled in as a preview, marked `[Test]`, counted by no campaign; its link unsubscribes nobody.",
        body=_TEST,
        body_example={
            "target_mode": "sms",
            "identity": "CT123456",
            "to": "+12025550123",
            "content": {"body": "Hello {{ profile.Name }}"},
        },
        errors=_OF_TARGET,
    ),
    Route(
        "getCampaignSettings",
        "post",
        "/1/targets/settings.json",
        CAMPAIGNS,
        "Show what the account declared for its campaigns",
        answers.GetCampaignSettingsResultBody,
        {
            "status": "success",
            "settings": {
                "time_zone": "Europe/Berlin",
                "senders": [{"email": "news@example.com", "verified": True}],
                "webhooks": [{"name": "crm", "url": "https://crm.example.com/hook"}],
                "push": {"fcm": True, "apns": False},
                "test_recipients": [{"type": "email", "address": "ada@example.com"}],
            },
        },
        description="Its time zone, senders, webhooks, push applications and test recipients, without secrets.",
        body=bodies.NOTHING,
        body_example={},
        errors=BODY_ERRORS,
        links=(
            Link("getCampaignStart", "Tells what a time means in that time zone.", body=_START),
            Link("sendTestMessage", "Sends a test to the first test recipient, here a phone.", body=_FIRST_RECIPIENT),
        ),
    ),
)

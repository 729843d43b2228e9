"""The routes of campaigns: each takes a request, makes one domain call and answers."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from api_segments.campaigns import wiring
from api_segments.campaigns.planning.answers import (
    created_body,
    deliveries_body,
    edited_body,
    estimates_body,
    preview_body,
    result_body,
    sent_test_body,
    settings_body,
    start_body,
    stopped_body,
    targets_body,
)
from api_segments.campaigns.planning.requests import (
    DeliveryLog,
    TargetList,
    parse_create,
    parse_duplicate,
    parse_edit,
    parse_nothing,
    parse_preview,
    parse_start,
    parse_target,
    parse_test,
)
from api_segments.http.gateway import Answer, Request
from api_segments.http.observability import count
from api_segments.http.wiring import cursors


def create_campaign(request: Request) -> Answer:
    """Create or estimate a campaign."""
    wanted = parse_create(request)
    account_id = request.tenant.account_id
    if wanted.estimate_only:
        users = wiring.campaign_creation().estimate(account_id, wanted.campaign, request.deadline)
        return Answer(HTTPStatus.OK, estimates_body(wanted.campaign.target_mode, users))
    campaign_id, is_replay = wiring.campaign_creation().create(
        account_id, wanted.campaign, request.tenant.passcode_name, wanted.key, request.deadline
    )
    count(CampaignsCreated=int(not is_replay))
    return Answer(HTTPStatus.OK, created_body(campaign_id), {"Idempotent-Replayed": "true"} if is_replay else {})


def list_campaigns(request: Request) -> Answer:
    """List campaigns."""
    account_id = request.tenant.account_id
    time_zone = wiring.declared().time_zone(account_id, request.deadline)
    wanted = TargetList(request, cursors(), time_zone)
    paging = wanted.paging
    page = wiring.campaign_reads().newest(account_id, wanted.filter, paging.position, paging.limit, request.deadline)
    return Answer(HTTPStatus.OK, targets_body(page.rows, time_zone, paging.cursor_to(page.goes_on_at)))


def duplicate_campaign(request: Request) -> Answer:
    """Create a campaign like another."""
    wanted, key = parse_duplicate(request)
    campaign_id, is_replay = wiring.campaign_creation().duplicate(
        request.tenant.account_id, wanted, request.tenant.passcode_name, key, request.deadline
    )
    count(CampaignsCreated=int(not is_replay))
    return Answer(HTTPStatus.OK, created_body(campaign_id), {"Idempotent-Replayed": "true"} if is_replay else {})


def edit_campaign(request: Request) -> Answer:
    """Edit a scheduled campaign."""
    campaign = wiring.campaign_edits().edit(request.tenant.account_id, parse_edit(request.body), request.deadline)
    return Answer(HTTPStatus.OK, edited_body(campaign))


def get_start(request: Request) -> Answer:
    """Tell what a local time of the account means."""
    when = parse_start(request.body)
    start = wiring.declared().start_of(request.tenant.account_id, when, request.deadline)
    return Answer(HTTPStatus.OK, start_body(start))


def stop_campaign(request: Request) -> Answer:
    """Stop a campaign."""
    campaign_id = parse_target(request.body)
    wiring.campaign_stops().stop(request.tenant.account_id, campaign_id, request.deadline)
    return Answer(HTTPStatus.OK, stopped_body(campaign_id))


def get_result(request: Request) -> Answer:
    """Show a campaign and what became of its messages."""
    account_id = request.tenant.account_id
    campaign, results = wiring.campaign_reads().get(account_id, parse_target(request.body), request.deadline)
    time_zone = wiring.declared().time_zone(account_id, request.deadline)
    return Answer(HTTPStatus.OK, result_body(campaign, results, time_zone))


def get_log(request: Request) -> Answer:
    """List a campaign's messages."""
    wanted = DeliveryLog(request, cursors())
    paging = wanted.paging
    page = wiring.campaign_reads().log(
        request.tenant.account_id, wanted.campaign_id, paging.position, paging.limit, request.deadline
    )
    return Answer(HTTPStatus.OK, deliveries_body(page.rows, paging.cursor_to(page.goes_on_at)))


def get_preview(request: Request) -> Answer:
    """Fill a content in for one user."""
    wanted = parse_preview(request.body)
    rendered = wiring.previews().preview(request.tenant.account_id, wanted, request.deadline)
    return Answer(HTTPStatus.OK, preview_body(rendered))


def send_test(request: Request) -> Answer:
    """Send one message to a test recipient."""
    test = parse_test(request.body)
    outcome = wiring.test_messages().send(request.tenant.account_id, test, request.public_url, request.deadline)
    count(TestMessages=1)
    return Answer(HTTPStatus.OK, sent_test_body(outcome))


def get_settings(request: Request) -> Answer:
    """Show what the account declared for its campaigns."""
    parse_nothing(request.body)
    account_id = request.tenant.account_id
    settings = wiring.declared().settings(account_id, request.deadline)
    return Answer(HTTPStatus.OK, settings_body(settings, wiring.declared().verified(settings, request.deadline)))


ENDPOINTS: Mapping[str, Callable[[Request], Answer]] = {
    "/1/targets/create.json": create_campaign,
    "/1/targets/duplicate.json": duplicate_campaign,
    "/1/targets/edit.json": edit_campaign,
    "/1/targets/when.json": get_start,
    "/1/targets/list.json": list_campaigns,
    "/1/targets/stop.json": stop_campaign,
    "/1/targets/result.json": get_result,
    "/1/targets/log.json": get_log,
    "/1/targets/preview.json": get_preview,
    "/1/targets/test.json": send_test,
    "/1/targets/settings.json": get_settings,
}

"""Campaigns: POST under /1/targets."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.campaigns import wiring as campaigns_wiring
from api_segments.campaigns.planning.answers import (
    created_body,
    deliveries_body,
    estimates_body,
    preview_body,
    result_body,
    settings_body,
    stopped_body,
    targets_body,
)
from api_segments.campaigns.planning.requests import (
    DeliveryLog,
    TargetList,
    parse_create,
    parse_nothing,
    parse_preview,
    parse_target,
)
from api_segments.http import wiring as http_wiring
from api_segments.http.gateway import Answer, Request, respond
from api_segments.http.observability import count, logger, metrics
from api_segments.http.parameters import refuse_unknown
from api_segments.http.tenant import require_api_segments


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Route one request."""
    count(Requests=1)
    route = _ROUTES[event["resource"]]

    def endpoint(request: Request) -> Answer:
        require_api_segments(request.tenant)
        refuse_unknown(request.query)
        return route(request)

    return respond(event, context, endpoint)


def _create(request: Request) -> Answer:
    wanted = parse_create(request)
    account_id = request.tenant.account_id
    if wanted.estimate_only:
        users = campaigns_wiring.campaigns().estimate(account_id, wanted.campaign, request.deadline)
        return Answer(HTTPStatus.OK, estimates_body(wanted.campaign.target_mode, users))
    campaign_id, is_replay = campaigns_wiring.campaigns().create(
        account_id, wanted.campaign, wanted.key, request.deadline
    )
    count(CampaignsCreated=int(not is_replay))
    return Answer(HTTPStatus.OK, created_body(campaign_id), {"Idempotent-Replayed": "true"} if is_replay else {})


def _list(request: Request) -> Answer:
    account_id = request.tenant.account_id
    time_zone = campaigns_wiring.campaigns().settings(account_id, request.deadline).time_zone
    wanted = TargetList(request, http_wiring.cursors(), time_zone)
    paging = wanted.paging
    page = campaigns_wiring.campaigns().newest(
        account_id, wanted.created, paging.position, paging.limit, request.deadline
    )
    return Answer(HTTPStatus.OK, targets_body(page.rows, time_zone, paging.cursor_to(page.goes_on_at)))


def _stop(request: Request) -> Answer:
    campaign_id = parse_target(request.body)
    campaigns_wiring.campaigns().stop(request.tenant.account_id, campaign_id, request.deadline)
    return Answer(HTTPStatus.OK, stopped_body(campaign_id))


def _result(request: Request) -> Answer:
    account_id = request.tenant.account_id
    campaign, results = campaigns_wiring.campaigns().get(account_id, parse_target(request.body), request.deadline)
    time_zone = campaigns_wiring.campaigns().settings(account_id, request.deadline).time_zone
    return Answer(HTTPStatus.OK, result_body(campaign, results, time_zone))


def _log(request: Request) -> Answer:
    wanted = DeliveryLog(request, http_wiring.cursors())
    paging = wanted.paging
    page = campaigns_wiring.campaigns().log(
        request.tenant.account_id, wanted.campaign_id, paging.position, paging.limit, request.deadline
    )
    return Answer(HTTPStatus.OK, deliveries_body(page.rows, paging.cursor_to(page.goes_on_at)))


def _preview(request: Request) -> Answer:
    wanted = parse_preview(request.body)
    rendered = campaigns_wiring.previews().preview(request.tenant.account_id, wanted, request.deadline)
    return Answer(HTTPStatus.OK, preview_body(rendered))


def _settings(request: Request) -> Answer:
    parse_nothing(request.body)
    account_id = request.tenant.account_id
    settings = campaigns_wiring.campaigns().settings(account_id, request.deadline)
    return Answer(
        HTTPStatus.OK, settings_body(settings, campaigns_wiring.campaigns().verified(settings, request.deadline))
    )


_ROUTES: Mapping[str, Callable[[Request], Answer]] = {
    "/1/targets/create.json": _create,
    "/1/targets/list.json": _list,
    "/1/targets/stop.json": _stop,
    "/1/targets/result.json": _result,
    "/1/targets/log.json": _log,
    "/1/targets/preview.json": _preview,
    "/1/targets/settings.json": _settings,
}

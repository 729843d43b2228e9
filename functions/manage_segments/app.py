"""Reading and managing: /api/segments, /api/profiles, /api/errors, /api/usage, /health."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.accounts.endpoints import get_usage
from api_segments.campaigns import wiring as campaigns
from api_segments.core.errors import NotFoundError, SegmentsError
from api_segments.http.gateway import Answer, Request, failure, health, read_request, render, serve_head
from api_segments.http.observability import count, logger, metrics
from api_segments.memberships.endpoints import (
    compare_segments,
    get_freshness,
    get_member,
    get_profile_segments,
    list_errors,
    list_members,
)
from api_segments.profiles.endpoints import erase_profile
from api_segments.segments.endpoints import (
    change_segment,
    delete_segment,
    get_segment,
    get_segment_history,
    list_segments,
    list_trends,
)

app = APIGatewayRestResolver()


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Route one request."""
    count(Requests=1)
    return serve_head(event, lambda served: app.resolve(served, context))


def _served(endpoint: Callable[..., Answer]) -> Callable[..., Response[str]]:
    @wraps(endpoint)
    def serve(**parts_of_path: str) -> Response[str]:
        request = read_request(app.current_event.raw_event, app.lambda_context)
        return _response(endpoint(request, **parts_of_path))

    return serve


def _delete_segment(request: Request, segment_id: str) -> Answer:
    return delete_segment(request, segment_id, campaigns.segment_deletion())


def _get_health() -> Response[str]:
    return _response(health())


app.get("/api/segments")(_served(list_segments))
app.post("/api/segments/overlap")(_served(compare_segments))
app.get("/api/segments/trends")(_served(list_trends))
app.get("/api/segments/<segment_id>")(_served(get_segment))
app.get("/api/segments/<segment_id>/history")(_served(get_segment_history))
app.patch("/api/segments/<segment_id>")(_served(change_segment))
app.delete("/api/segments/<segment_id>")(_served(_delete_segment))
app.get("/api/segments/<segment_id>/members")(_served(list_members))
app.get("/api/segments/<segment_id>/members/<identity>")(_served(get_member))
app.get("/api/profiles/<identity>/segments")(_served(get_profile_segments))
app.delete("/api/profiles/<identity>")(_served(erase_profile))
app.get("/api/freshness")(_served(get_freshness))
app.get("/api/errors")(_served(list_errors))
app.get("/api/usage")(_served(get_usage))
app.get("/health")(_get_health)


@app.exception_handler(SegmentsError)  # type: ignore[untyped-decorator]  # Powertools leaves it untyped
def refuse(error: SegmentsError) -> Response[str]:
    """Answer a request that failed."""
    return _response(failure(error))


@app.not_found
def refuse_route(_: Exception) -> Response[str]:
    """Answer for a path that no route takes, such as one with an empty id."""
    return _response(failure(NotFoundError("no such route")))


def _response(answer: Answer) -> Response[str]:
    rendered = render(answer, app.current_event.request_context.request_id or "")
    return Response(rendered["statusCode"], headers=rendered["headers"], body=rendered["body"])

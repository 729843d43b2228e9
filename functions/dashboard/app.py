"""What people see in a browser: the segment list page, and the API's description, as a page and as OpenAPI."""

from functools import cache, lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, openapi
from aws_lambda_powertools.utilities.typing import LambdaContext

from api_segments.core.errors import InvalidRequestError, NotFoundError, SegmentsError
from api_segments.core.settings import Settings
from api_segments.http.gateway import failure, read_query, serve_head, to_json
from api_segments.http.observability import count, logger, metrics
from api_segments.http.parameters import refuse_unknown
from api_segments.http.security import SECURITY
from api_segments.site.openapi import document
from api_segments.site.pages import Served, Site, upload_origin

# Swagger UI as Powertools ships it, so that the page needs no other host.
SWAGGER_UI = Path(openapi.__file__).parent / "swagger_ui"
SITE = Path(__file__).parent / "site"
"""The page as `sam build` joins it (Makefile)."""
DOCS = Path(__file__).parent / "docs"
DOCS_FILES = {
    "swagger-ui.js": (SWAGGER_UI / "swagger-ui-bundle.min.js", "text/javascript"),
    "swagger-ui.css": (SWAGGER_UI / "swagger-ui.min.css", "text/css"),
    "docs.css": (DOCS / "docs.css", "text/css"),
    "docs.js": (DOCS / "docs.js", "text/javascript"),
}
# Swagger UI sets styles in elements and draws its icons from data.
DOCS_SECURITY = {
    **SECURITY,
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

app = APIGatewayRestResolver()


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Route one request."""
    count(Requests=1)
    return serve_head(event, lambda served: app.resolve(served, context))


@app.get("/")
def get_page() -> Response[str]:
    """Show the segment list page."""
    request = app.current_event
    return _served(_site().page(request.request_context.path, request.headers.get("If-None-Match")))


@app.get("/page/<version>/<file>")
def get_page_file(version: str, file: str) -> Response[str]:
    """Show a file of that page."""
    served = _site().file(version, file, app.current_event.headers.get("If-None-Match"))
    return _no_such_route() if served is None else _served(served)


@app.get("/openapi.json")
def get_openapi() -> Response[str]:
    """Show the API's description."""
    try:
        refuse_unknown(read_query(app.current_event.raw_event))
    except InvalidRequestError as error:
        return _failed(error)
    return _response(_openapi(_address()), "application/json")


@app.get("/docs")
def get_docs() -> Response[str]:
    """Show the page that presents it."""
    return _response(_text(DOCS / "docs.html"), "text/html")


@app.get("/docs/<file>")
def get_docs_file(file: str) -> Response[str]:
    """Show a file of that page."""
    if file not in DOCS_FILES:
        return _no_such_route()
    path, content_type = DOCS_FILES[file]
    return _response(_text(path), content_type)


@app.not_found
def refuse_route(_: Exception) -> Response[str]:
    """Answer for a path that is none of these."""
    return _no_such_route()


def _no_such_route() -> Response[str]:
    return _failed(NotFoundError("no such route"))


def _failed(error: SegmentsError) -> Response[str]:
    answer = failure(error)
    return _response(to_json(answer.body), "application/json", answer.status)


def _served(served: Served) -> Response[str]:
    request_id = app.current_event.request_context.request_id or ""
    return Response(int(served.status), body=served.body, headers={"X-Request-Id": request_id, **served.headers})


@cache
def _site() -> Site:
    return Site.read(SITE, upload_origin(Settings.from_environment().upload_origin))


def _address() -> str:
    """Return where this stack's API is: under a domain of its own it has another path. The emulator does not say it."""
    context = app.current_event.request_context
    return f"https://{context.domain_name}{context.path.removesuffix('/openapi.json')}" if context.domain_name else "."


@lru_cache(maxsize=8)
def _openapi(server: str) -> str:
    return to_json(document(server))


@cache
def _text(path: Path) -> str:
    return path.read_text()


def _response(body: str, content_type: str, status: HTTPStatus = HTTPStatus.OK) -> Response[str]:
    request_id = app.current_event.request_context.request_id or ""
    cached = {"Cache-Control": "public, max-age=3600"} if status is HTTPStatus.OK else {}
    headers = {"X-Request-Id": request_id, **cached, **DOCS_SECURITY}
    return Response(int(status), f"{content_type}; charset=utf-8", body, headers)

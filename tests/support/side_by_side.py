"""A router that serves invocations in threads, or one inside another; Powertools' own serves one at a time."""

from threading import local
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

_own = local()


class SideBySideResolver(APIGatewayRestResolver):
    """Keeps the event and the route of each invocation apart from those of the others."""

    def resolve(self, event: Any, context: Any) -> dict[str, Any]:
        outer = dict(vars(_own))
        _own.event, _own.context = None, {}
        try:
            return super().resolve(event, context)
        finally:
            vars(_own).update(outer)

    def _to_proxy_event(self, event: Any) -> Any:
        _own.event = super()._to_proxy_event(event)
        return _own.event

    @property
    def current_event(self) -> Any:  # type: ignore[override]  # only Powertools itself would set it
        return _own.event

    @property
    def context(self) -> Any:  # type: ignore[override]  # likewise
        return _own.context

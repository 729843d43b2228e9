"""The links of the description lead to every operation, each to an answer that is described."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import Phase, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.core.transforms import Unresolvable
from schemathesis.core.transport import Response
from schemathesis.generation.stateful.state_machine import StepOutput
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import expressions
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api_segments.site.openapi import ROUTES
from tests.support.clock import MovableClock, system_time
from tests.support.served import Served, served_api

Json = Any

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FOLLOWED = [(route.operation, link.operation) for route in ROUTES for link in route.links]
OF_SOURCES = {target: source for source, target in reversed(FOLLOWED) if target != source}
"""Of each operation one that links to it."""
FIRST = ("createSegments", "uploadProfiles")
"""What a client begins with: their examples can be sent as they are."""
WITHOUT_LINKS = {*FIRST, "listSegments", "listCampaigns", "listImports", "listExports", "getCampaignSettings"}
WITHOUT_LINKS |= {"getCustomListUrl", "getFreshness", "getHealth", "listTrends"}
"""What takes nothing that another operation gives."""
FILLED_BY = {
    "listMembers": "updateMembers",
    "listCampaigns": "createCampaign",
    "listImports": "createImport",
    "listExports": "exportSegment",
}
"""Lists that are empty until something was done."""
EXAMPLES_IDS = ("SEG12345", "CT123456", "ada@example.com", "demo-token-1")


@pytest.fixture(scope="module")
def api() -> Iterator[Served]:
    with system_time(MovableClock(tick=timedelta(milliseconds=1))), served_api() as served:
        yield served


@pytest.fixture(scope="module")
def description(api: Served) -> BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", api)


class Client:
    """A client with segments and users of its own, who follows links."""

    _numbers = count()

    def __init__(self, api: Served, description: BaseSchema) -> None:
        self._headers = api.headers
        described = (each.ok() for each in description.get_all_operations() if isinstance(each, Ok))
        self._operations = {each.definition.raw["operationId"]: each for each in described}
        number = next(self._numbers)
        self._own = {each: f"{number}-{each}" for each in EXAMPLES_IDS}
        self._answers = {operation: self.call(operation) for operation in FIRST}

    def call(self, operation: str, parameters: Mapping[str, Json] | None = None, body: Json = None) -> StepOutput:
        """Call an operation, with the example of its body if none is given; the answer is a good one."""
        target = self._operations[operation]
        raw = target.definition.raw
        if "requestBody" in raw and body is None:
            text = json.dumps(raw["requestBody"]["content"]["application/json"]["example"])
            for example, own in self._own.items():
                text = text.replace(example, own)
            body = json.loads(text)
        where = {each["name"]: each["in"] for each in raw["parameters"]}
        given: dict[str, dict[str, Json]] = {"path": {}, "query": {}}
        for name, value in (parameters or {}).items():
            given[where[name]][name] = value
        case = target.Case(
            path_parameters=given["path"],
            query=given["query"],
            **({} if body is None else {"body": body, "media_type": "application/json"}),
        )
        response = case.call(headers=self._headers)
        case.validate_response(response, checks=CHECKS)
        assert response.status_code == 200, f"{operation}: {response.text}"
        return StepOutput(response=response, case=case)

    def answer(self, operation: str) -> StepOutput:
        """Return an answer of an operation, which links lead to if it takes what others give."""
        if operation not in self._answers:
            if operation in FILLED_BY:
                self.answer(FILLED_BY[operation])
            source = OF_SOURCES.get(operation)
            if operation in WITHOUT_LINKS or source is None:
                self._answers[operation] = self.call(operation)
            else:
                self._answers[operation] = self.follow(source, operation)
        return self._answers[operation]

    def follow(self, source: str, target: str) -> StepOutput:
        """Follow a link from an answer to the operation that it leads to."""
        output = self.answer(source)
        link = self._operations[source].definition.raw["responses"]["200"]["links"][target]
        given = {name: expressions.evaluate(value, output) for name, value in link.get("parameters", {}).items()}
        body = link.get("requestBody")
        if body is not None:
            body = expressions.evaluate(body, output, evaluate_nested=True)
        if given.get("cursor", "") is None or (isinstance(body, dict) and body.get("cursor", "") is None):
            return output  # there is no next page
        for value in (*given.values(), body):
            assert not isinstance(value, Unresolvable), f"{source} gives nothing on to {target}: {link}"
        return self.call(target, given, body)


@pytest.mark.parametrize(("source", "target"), FOLLOWED)
def test_a_link_leads_on_from_a_real_answer(source: str, target: str, api: Served, description: BaseSchema) -> None:
    Client(api, description).follow(source, target)


def test_links_lead_to_every_operation() -> None:
    unreached = {route.operation for route in ROUTES} - OF_SOURCES.keys() - WITHOUT_LINKS
    assert unreached == set(), "give a Link to it from a Route whose request or answer has what it takes"


@pytest.mark.parametrize("operation", sorted(WITHOUT_LINKS))
def test_an_operation_without_links_to_it_is_there(operation: str, api: Served, description: BaseSchema) -> None:
    Client(api, description).answer(operation)


def test_whoever_wanders_along_the_links_gets_nothing_that_is_not_described(
    api: Served, description: BaseSchema
) -> None:
    class Wanderer(description.as_state_machine()):  # type: ignore[misc]  # it is made from the description
        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:  # noqa: ARG002 - schemathesis's own
            return {"headers": api.headers}

        def validate_response(self, response: Response, case: Case[Any], **_: Any) -> None:
            case.validate_response(response, checks=CHECKS)

    Wanderer.run(settings=settings(max_examples=25, stateful_step_count=8, phases=(Phase.generate,)))

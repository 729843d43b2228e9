"""The description of the API agrees with the template, with its own examples and with what the functions answer."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from api_segments.http.gateway import CODES
from api_segments.http.openapi import ERRORS
from api_segments.site.openapi import document
from functions.dashboard.app import handler as dashboard
from tests.support.events import Context, sample
from tests.support.routes import DEPLOYED_OF_THE_API

Json = Any

DOCUMENT = document()
OPERATIONS = [
    pytest.param(operation, id=f"{method} {path}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def errors_of(schema: Json, example: Json) -> list[str]:
    resolved = {**schema, "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(resolved)
    return [error.message for error in validator.iter_errors(example)]


def bodies(operation: Json) -> Iterator[Json]:
    for each in [operation.get("requestBody"), *operation["responses"].values()]:
        if each is not None:
            yield each["content"]["application/json"]


def test_it_is_the_version_of_openapi_that_it_says() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert set(DOCUMENT) == {"openapi", "info", "servers", "tags", "security", "paths", "webhooks", "components"}


def test_the_routes_described_are_the_routes_of_the_template() -> None:
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == DEPLOYED_OF_THE_API


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_body_has_an_example_that_its_schema_takes(operation: Json) -> None:
    for body in bodies(operation):
        assert errors_of(body["schema"], body["example"]) == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_answer_with_a_field_too_few_is_outside_the_schema(operation: Json) -> None:
    answer = operation["responses"]["200"]["content"]["application/json"]
    for field in answer["example"]:
        assert errors_of(
            answer["schema"], {name: answer["example"][name] for name in answer["example"] if name != field}
        )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_parameter_of_the_path_is_described(operation: Json) -> None:
    (path,) = [path for path, methods in DOCUMENT["paths"].items() if operation in methods.values()]
    described = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
    assert described == {part.strip("{}") for part in path.split("/") if part.startswith("{")}


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)


def test_every_code_of_a_whole_request_is_described() -> None:
    assert set(CODES.values()) <= set(ERRORS)


def test_the_function_serves_it() -> None:
    answer = dashboard(sample("dashboard"), Context())
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == DOCUMENT

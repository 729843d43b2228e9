"""The description of the API agrees with the template, with its own examples and with what the functions answer."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from api_segments.campaigns.content.channel_fields import FIELDS as FIELDS_OF
from api_segments.campaigns.described import NAMES
from api_segments.campaigns.model import TargetMode
from api_segments.http.gateway import CODES
from api_segments.http.openapi import ERRORS
from api_segments.profiles.requests import _STANDARD
from api_segments.site.openapi import document
from functions.dashboard.app import handler as dashboard
from tests.support.events import Context, sample
from tests.support.routes import DEPLOYED_OF_THE_API
from tests.support.template import ROOT

Json = Any

DOCUMENT = document("https://abc123.execute-api.eu-central-1.amazonaws.com/live")
SCHEMAS: dict[str, Json] = DOCUMENT["components"]["schemas"]
OPERATIONS: dict[str, Json] = {
    f"{method} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
NAMED = [pytest.param(operation, id=name) for name, operation in OPERATIONS.items()]
FIELDS = [
    pytest.param(schema["properties"][field], id=f"{name}.{field}")
    for name, schema in SCHEMAS.items()
    for field in schema.get("properties", {})
]
TIMES = ("_at", "as_of", "at")


def errors_of(schema: Json, example: Json) -> list[str]:
    resolved = {**schema, "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(resolved)
    return [error.message for error in validator.iter_errors(example)]


def at(reference: str) -> Json:
    found: Json = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def resolved(value: Json) -> Json:
    return at(value["$ref"]) if "$ref" in value else value


def bodies(operation: Json) -> Iterator[Json]:
    for each in [operation.get("requestBody"), *operation["responses"].values()]:
        if each is not None:
            yield resolved(each)["content"]["application/json"]


def inside(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every object of the document with where it is."""
    if isinstance(value, dict):
        yield path, value
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, dict | list):
            yield from inside(inner, f"{path}/{step}")


def has_example(schema: Json) -> bool:
    """A field has an example, or is made of what has."""
    if "examples" in schema or "const" in schema or "enum" in schema:
        return True
    if "$ref" in schema:
        return has_example(at(schema["$ref"]))
    if "items" in schema:
        return has_example(schema["items"])
    choices = schema.get("oneOf", []) + schema.get("anyOf", [])
    return "properties" in schema or (bool(choices) and all(has_example(each) for each in choices))


def test_it_is_the_version_of_openapi_that_it_says() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert set(DOCUMENT) == {"openapi", "info", "servers", "tags", "security", "paths", "webhooks", "components"}


def test_the_routes_described_are_the_routes_of_the_template() -> None:
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == DEPLOYED_OF_THE_API


@pytest.mark.parametrize("operation", NAMED)
def test_every_body_has_an_example_that_its_schema_takes(operation: Json) -> None:
    for body in bodies(operation):
        assert errors_of(body["schema"], body["example"]) == []


@pytest.mark.parametrize("operation", NAMED)
def test_an_answer_with_a_field_too_few_is_outside_the_schema(operation: Json) -> None:
    answer = operation["responses"]["200"]["content"]["application/json"]
    for field in answer["example"]:
        assert errors_of(
            answer["schema"], {name: answer["example"][name] for name in answer["example"] if name != field}
        )


@pytest.mark.parametrize("operation", NAMED)
def test_every_parameter_of_the_path_is_described(operation: Json) -> None:
    (path,) = [path for path, methods in DOCUMENT["paths"].items() if operation in methods.values()]
    described = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
    assert described == {part.strip("{}") for part in path.split("/") if part.startswith("{")}


def test_operations_have_names_of_their_own_that_begin_with_a_verb() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    wrong = [name for name in names if not re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name)]
    assert wrong == [], "name the Route's operation as people would call it: a verb and a noun, like listSegments"


@pytest.mark.parametrize("operation", NAMED)
def test_operations_and_their_parameters_say_what_they_are(operation: Json) -> None:
    assert operation["summary"], "give the Route a summary"
    assert operation["description"].endswith("."), "give the Route a description, in sentences"
    for parameter in operation["parameters"]:
        assert parameter.get("description"), f"describe the parameter {parameter['name']} where the Route has it"
        assert errors_of(parameter["schema"], parameter["example"]) == [], f"{parameter['name']}: its example is wrong"


def test_shapes_are_called_as_people_would_call_them() -> None:
    wrong = [name for name in SCHEMAS if not re.fullmatch(r"[A-Z][A-Za-z]+", name) or name.endswith("Body")]
    assert wrong == [], "name the type after what it is (its ending Body is left out); no numbers"


def test_no_two_shapes_are_the_same() -> None:
    seen: dict[str, str] = {}
    for name, schema in SCHEMAS.items():
        same = seen.setdefault(json.dumps(schema, sort_keys=True), name)
        assert same == name, f"{same} and {name} are the same: use one type"


def test_no_shape_is_nameless_inside_another() -> None:
    nameless = [
        path
        for path, value in inside(DOCUMENT["components"]["schemas"])
        if "properties" in value and path.count("/") > 1
    ]
    assert [path for path in nameless if not path.endswith("/properties")] == [], "give it a type, and so a name"


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_says_what_it_is_by_a_sentence_and_an_example(field: Json) -> None:
    assert field.get("description", "").endswith("."), "annotate the field with About('A sentence.', an_example)"
    assert has_example(field), "give its About an example"
    for example in field.get("examples", []):
        assert errors_of(field, example) == []


def test_no_shape_is_called_as_generators_call_an_object_within_another() -> None:
    """They make a class of an object without a name, and call it by the shape and the field that it is in."""
    nameless = {
        f"{name}{''.join(word.capitalize() for word in re.split('[^A-Za-z0-9]+', field))}"
        for name, shape in SCHEMAS.items()
        for field, kind in shape.get("properties", {}).items()
        if "object" in kind.get("type", ())
    }
    assert nameless & SCHEMAS.keys() == set()


def test_every_shape_says_what_it_is() -> None:
    without = [name for name, schema in SCHEMAS.items() if not schema.get("description", "").endswith(".")]
    assert without == [], "give the type a docstring, or an alias an About"


def test_every_whole_number_has_room_for_an_id() -> None:
    numbers = {path: value for path, value in inside(DOCUMENT) if "integer" in (value.get("type") or ())}
    assert numbers
    assert [path for path, value in numbers.items() if value.get("format") != "int64"] == []


def test_every_time_says_that_it_is_one() -> None:
    times = {
        f"{name}.{field}": described
        for name, schema in SCHEMAS.items()
        for field, described in schema.get("properties", {}).items()
        if field.endswith(TIMES) and "string" in described.get("type", ())
    }
    assert len(times) >= 9
    assert {name for name, described in times.items() if described.get("format") != "date-time"} == set()


def test_choices_between_objects_say_which_field_tells_them_apart() -> None:
    without = [
        path
        for path, value in inside(DOCUMENT["components"]["schemas"])
        for choices in (value.get("oneOf") or value.get("anyOf") or [],)
        if "discriminator" not in value and sum("properties" in resolved(each) for each in choices) > 1
    ]
    # The answer to an estimate has other fields than the one to a creation, and none that says so; an edit does not
    # name the channel.
    assert without == ["/CreateCampaignResult", "/EditCampaignRequest/properties/content"]
    for path, value in inside(DOCUMENT):
        if "discriminator" in value and "propertyName" in value["discriminator"]:
            for tag, reference in value["discriminator"]["mapping"].items():
                field = at(reference)["properties"][value["discriminator"]["propertyName"]]
                assert errors_of(field, tag) == [], path


def test_an_upload_says_which_attributes_mean_something() -> None:
    assert SCHEMAS["ProfileData"]["properties"].keys() == _STANDARD.keys()


@pytest.mark.parametrize("mode", list(TargetMode))
def test_the_content_of_each_channel_is_what_a_creation_takes(mode: TargetMode) -> None:
    content = SCHEMAS[f"{NAMES[mode]}Content"]
    assert set(content["properties"]) == set(FIELDS_OF[mode].names())
    assert content["additionalProperties"] is False
    for kind in ("Create{}CampaignRequest", "Preview{}CampaignRequest", "{}CampaignWithContent"):
        shape = SCHEMAS[kind.format(NAMES[mode])]
        assert shape["properties"]["target_mode"]["const"] == mode.value
        assert shape["properties"]["content"]["$ref"].endswith(f"/{NAMES[mode]}Content")


def test_an_edit_takes_the_content_of_any_channel() -> None:
    content = SCHEMAS["EditCampaignRequest"]["properties"]["content"]
    assert [each["$ref"].rpartition("/")[2] for each in content["anyOf"]] == [
        f"{each}Content" for each in NAMES.values()
    ]


@pytest.mark.parametrize("operation", NAMED)
def test_links_lead_to_operations_with_what_these_take(operation: Json) -> None:
    operations = {each["operationId"]: each for each in OPERATIONS.values()}
    for link in operation["responses"]["200"].get("links", {}).values():
        target = operations[link["operationId"]]
        names = {parameter["name"] for parameter in target["parameters"]}
        needed = {parameter["name"] for parameter in target["parameters"] if parameter["required"]}
        assert needed <= link.get("parameters", {}).keys() <= names
        assert ("requestBody" in link) <= ("requestBody" in target)


def test_every_tag_is_described_and_used() -> None:
    described = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
    webhooks = (webhook["post"] for webhook in DOCUMENT["webhooks"].values())
    assert {each["tags"][0] for each in (*OPERATIONS.values(), *webhooks)} == described.keys()
    assert all(described.values())


@pytest.mark.parametrize(
    ("domain", "path", "server"),
    [
        (
            "abc123.execute-api.eu-central-1.amazonaws.com",
            "/live",
            "https://abc123.execute-api.eu-central-1.amazonaws.com/live",
        ),
        ("api.example.com", "/segments", "https://api.example.com/segments"),
        ("api.example.com", "", "https://api.example.com"),
        (None, "/live", "."),
    ],
)
def test_the_server_is_the_address_that_the_document_came_from(domain: str | None, path: str, server: str) -> None:
    event = sample("dashboard")
    event["requestContext"] |= {"domainName": domain, "path": f"{path}/openapi.json"}
    told = json.loads(dashboard(event, Context())["body"])
    assert [each["url"] for each in told["servers"]] == [server]


def test_every_code_of_a_whole_request_is_described() -> None:
    assert set(CODES.values()) <= set(ERRORS)


def test_the_function_serves_it_without_the_layer_of_campaigns() -> None:
    layer = ROOT / "layers" / "segments" / "requirements-campaigns.txt"
    assert "python-liquid==" in layer.read_text()
    program = "import sys; sys.modules['liquid'] = None; from functions.dashboard.app import _openapi; _openapi('.')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_function_serves_it() -> None:
    answer = dashboard(sample("dashboard"), Context())
    assert answer["statusCode"] == 200
    told = json.loads(answer["body"])
    assert told == document(told["servers"][0]["url"])

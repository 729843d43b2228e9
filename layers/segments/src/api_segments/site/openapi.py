"""The API described in OpenAPI 3.1, from the same models that read requests and write answers."""

from collections.abc import Sequence

from pydantic import TypeAdapter
from pydantic.json_schema import CoreModeRef, DefsRef, GenerateJsonSchema, JsonSchemaMode
from pydantic_core import CoreSchema, core_schema

from api_segments.accounts.routes import ROUTES as ACCOUNTS
from api_segments.campaigns.routes import ROUTES as CAMPAIGNS
from api_segments.http.answers import ErrorBody, HealthBody
from api_segments.http.described import About, Json, described
from api_segments.http.openapi import OTHER, TAGS, TEMPLATE, Route, error_responses, operation
from api_segments.http.validation import TEXT
from api_segments.imports.routes import ROUTES as IMPORTS
from api_segments.memberships.routes import ROUTES as MEMBERSHIPS
from api_segments.profiles.routes import ROUTES as PROFILES
from api_segments.segments.routes import ROUTES as SEGMENTS
from api_segments.site.webhooks import TAG, event_schemas, webhooks

ROUTES: Sequence[Route] = (
    *SEGMENTS,
    *MEMBERSHIPS,
    *IMPORTS,
    *PROFILES,
    *CAMPAIGNS,
    *ACCOUNTS,
    Route(
        "getHealth",
        "get",
        "/health",
        OTHER,
        "Say that the API answers",
        HealthBody,
        {"status": "ok"},
        description="For monitors and load balancers; it looks at nothing else.",
        errors=(),
        is_open=True,
    ),
)


class _Schemas(GenerateJsonSchema):
    """Writes JSON schemas as generators of clients like them: one name a shape, no titles, whole numbers of 64 bits."""

    def get_defs_ref(self, core_mode_ref: CoreModeRef) -> DefsRef:
        """Name a shape as its type is named, without `Body`; two types of one name are a mistake."""
        name = core_mode_ref[0].split(":")[0].rpartition(".")[2].removesuffix("Body")
        if self._named.setdefault(name, core_mode_ref) != core_mode_ref:
            raise ValueError(f"two types are called {name} in the API's description, or one is sent and answered")
        self._prioritized_defsref_choices[DefsRef(name)] = [DefsRef(name)]
        return DefsRef(name)

    def __init__(self) -> None:
        super().__init__(ref_template=TEMPLATE)
        self._named: dict[str, CoreModeRef] = {}

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> Json:
        """Leave the title out: it is the name again."""
        return {key: value for key, value in super().typed_dict_schema(schema).items() if key != "title"}

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's own
        """Leave the title out: it is the field's name again."""
        return False

    def int_schema(self, schema: core_schema.IntSchema) -> Json:
        """Say that 32 bits are not enough."""
        return {**super().int_schema(schema), "format": "int64"}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Json:
        """Write `null` as one more type where there is one."""
        inner = self.generate_inner(schema["schema"])
        if isinstance(inner.get("type"), str) and not {"enum", "const"} & inner.keys():
            return {**inner, "type": [inner["type"], "null"]}
        return {"anyOf": [inner, {"type": "null"}]}


def document(server: str) -> Json:
    """Return the OpenAPI document of the API at the address `server`."""
    shapes: list[tuple[tuple[str, str], JsonSchemaMode, CoreSchema]] = [
        (("Text", ""), "validation", described(TEXT, About("An id or a name.", "SEG12345"))),
        (("Error", ""), "validation", TypeAdapter(ErrorBody).core_schema),
    ]
    for route in ROUTES:
        shapes.append(((route.operation, "Result"), "validation", TypeAdapter(route.answer).core_schema))
        if route.body is not None:
            shape = route.body.core_schema if isinstance(route.body, TypeAdapter) else route.body
            shapes.append(((route.operation, "Request"), "validation", shape))
    schemas, definitions = _Schemas().generate_definitions(shapes)
    components: Json = {str(name): schema for name, schema in definitions.items()}
    by_key: dict[tuple[str, str], Json] = {}
    for (key, _), schema in schemas.items():
        by_key[key] = schema if "$ref" in schema else _named("".join(key), schema, components)
    paths: dict[str, Json] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = operation(
            route, by_key[route.operation, "Result"], by_key.get((route.operation, "Request"))
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "API Segments",
            "version": "1",
            "description": "Create segments, push their members, read them. Each real change of a membership becomes "
            "one `Segment Membership Change` event on EventBridge.",
            "contact": {"name": "Whoever runs this stack", "url": f"{server}/"},
            "license": {"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
        },
        "servers": [{"url": server, "description": "This stack."}],
        "tags": [{"name": name, "description": said} for name, said in {**TAGS, **TAG}.items()],
        "security": [{"AccountId": [], "Passcode": []}],
        "paths": paths,
        "webhooks": webhooks(),
        "components": {
            "securitySchemes": {
                "AccountId": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CleverTap-Account-Id",
                    "description": "The account's id, as `create_account` gave it.",
                },
                "Passcode": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CleverTap-Passcode",
                    "description": "One of the account's live passcodes.",
                },
            },
            "schemas": dict(sorted({**components, **event_schemas()}.items())),
            "responses": error_responses(),
        },
    }


def _named(name: str, schema: Json, components: Json) -> Json:
    """Give a shape that is no object, a list or a choice, a name of its own; return the reference to it."""
    name = name[0].upper() + name[1:]
    components[name] = schema
    return {"$ref": TEMPLATE.format(model=name)}

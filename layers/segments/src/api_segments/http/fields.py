"""The shapes of `validation` as types, for bodies that are written as types."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler, GetPydanticSchema, TypeAdapter
from pydantic_core import core_schema

from api_segments.http.described import Json
from api_segments.http.validation import OPTIONAL_TEXT, TEXT

Text = Annotated[str, GetPydanticSchema(lambda _source, _handler: TEXT.copy())]
OptionalText = Annotated[str | None, GetPydanticSchema(lambda _source, _handler: OPTIONAL_TEXT.copy())]


@dataclass(frozen=True, slots=True)
class DescribedAs:
    """Describes a field that is checked later, or by hand, by the type that it then has to have."""

    shape: Any

    def __get_pydantic_json_schema__(self, _schema: object, handler: GetJsonSchemaHandler) -> Json:
        """Return what pydantic says of that type; the handler would pass its name over if it stood alone."""
        return handler(core_schema.definitions_schema(TypeAdapter(self.shape).core_schema, []))


@dataclass(frozen=True, slots=True)
class TaggedBy:
    """Describes a shape as one of those, of which there may be more, that a field's value tells apart."""

    field: str
    value: str

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> Json:  # noqa: ANN401 - pydantic's own
        """Return it with OpenAPI's discriminator."""
        shape = handler(schema)
        return {
            "oneOf": [shape],
            "discriminator": {"propertyName": self.field, "mapping": {self.value: shape["$ref"]}},
        }

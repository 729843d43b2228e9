"""The shapes of `validation` as types, for bodies that are written as types."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler, GetPydanticSchema

from api_segments.http.described import Json
from api_segments.http.validation import OPTIONAL_TEXT, TEXT

Text = Annotated[str, GetPydanticSchema(lambda _source, _handler: TEXT.copy())]
OptionalText = Annotated[str | None, GetPydanticSchema(lambda _source, _handler: OPTIONAL_TEXT.copy())]


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

"""The shapes of `validation` as types, for bodies that are written as types."""

from typing import Annotated

from pydantic import GetPydanticSchema

from api_segments.http.validation import OPTIONAL_TEXT, TEXT

Text = Annotated[str, GetPydanticSchema(lambda _source, _handler: TEXT.copy())]
OptionalText = Annotated[str | None, GetPydanticSchema(lambda _source, _handler: OPTIONAL_TEXT.copy())]

"""What all operations have that the `accounts` function is asked for."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from segments.services.accounts import ACCOUNT_ID


class Operation(BaseModel):
    """Something that the `accounts` function is asked for."""

    model_config = ConfigDict(extra="forbid")


def _check_account_id(value: object) -> object:
    if isinstance(value, str) and not ACCOUNT_ID.fullmatch(value):
        raise PydanticCustomError(
            "account_id", "must be 3 to 64 letters, digits or hyphens, and not begin with a hyphen"
        )
    return value


AccountId = Annotated[str, BeforeValidator(_check_account_id)]

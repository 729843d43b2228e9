"""The environment of a function, read once and passed inward."""

import os
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Names of the stack's resources; each field is an environment variable in capitals (template.yaml, Globals)."""

    model_config = ConfigDict(alias_generator=str.upper, frozen=True)

    accounts_table: str
    segments_table: str
    profiles_table: str
    memberships_table: str
    segment_members_table: str
    update_errors_table: str
    bus_name: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; a missing variable raises pydantic.ValidationError, which names it."""
        return cls.model_validate(dict(environment))

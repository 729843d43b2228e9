import re

import pytest
from pydantic import ValidationError

from segments.settings import Settings

COMPLETE = {name.upper(): f"the {name}" for name in Settings.model_fields}


@pytest.mark.parametrize("missing", COMPLETE)
def test_a_missing_variable_is_named(missing: str) -> None:
    environment = {name: value for name, value in COMPLETE.items() if name != missing}
    with pytest.raises(ValidationError, match=rf"^1 validation error for Settings\n{re.escape(missing)}\n"):
        Settings.from_environment(environment)


def test_all_missing_variables_are_named_at_once() -> None:
    with pytest.raises(ValidationError) as raised:
        Settings.from_environment({})
    assert [error["loc"] for error in raised.value.errors()] == [(name,) for name in COMPLETE]


def test_each_setting_is_its_own_variable_and_others_are_left_alone() -> None:
    settings = Settings.from_environment({**COMPLETE, "PATH": "/bin", "accounts_table": "lower case is another one"})
    assert settings.model_dump() == {name: f"the {name}" for name in Settings.model_fields}


def test_the_environment_is_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUS_NAME", "the bus of this moment")
    assert Settings.from_environment().bus_name == "the bus of this moment"

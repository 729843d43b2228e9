from dataclasses import MISSING, asdict, fields

import pytest

from api_segments.core.settings import Settings

NAMES = [field.name for field in fields(Settings)]
COMPLETE = {name.upper(): f"the {name}" for name in NAMES}
NEEDED = [field.name.upper() for field in fields(Settings) if field.default is MISSING]


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_variable_is_named(missing: str) -> None:
    environment = {name: value for name, value in COMPLETE.items() if name != missing}
    with pytest.raises(LookupError, match=rf"^not in the environment: {missing}$"):
        Settings.from_environment(environment)


def test_all_missing_variables_are_named_at_once() -> None:
    with pytest.raises(LookupError, match=f"^not in the environment: {', '.join(NEEDED)}$"):
        Settings.from_environment({})


def test_each_setting_is_its_own_variable_and_others_are_left_alone() -> None:
    settings = Settings.from_environment({**COMPLETE, "PATH": "/bin", "accounts_table": "lower case is another one"})
    assert asdict(settings) == {name: f"the {name}" for name in NAMES}


def test_the_environment_is_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUS_NAME", "the bus of this moment")
    assert Settings.from_environment().bus_name == "the bus of this moment"


def test_what_only_some_functions_have_may_be_missing() -> None:
    without = {name: value for name, value in COMPLETE.items() if name in NEEDED}
    assert set(COMPLETE) - set(NEEDED) == {"PUBLIC_URL", "UPLOAD_ORIGIN", "WEBHOOK_TEST_ORIGIN"}
    assert Settings.from_environment(without).public_url == ""

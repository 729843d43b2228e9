"""Credentials: from the environment, or from a file that only its owner can read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from api_segments_client import Client, SettingsError
from api_segments_client.settings import Settings, from_environment, from_profile, save_profile

STORED = Settings("https://api.example.com/live", "ACC-1", 'qu"ote\\')


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("API_SEGMENTS_CONFIG", str(tmp_path / "sub" / "profiles.toml"))
    monkeypatch.delenv("API_SEGMENTS_PROFILE", raising=False)
    return tmp_path / "sub" / "profiles.toml"


def test_a_profile_comes_back_as_it_was_saved_and_others_stay(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('# mine\n[other]\nurl = "https://o.example.com"\naccount_id = "O"\npasscode = "P"\n')
    file.chmod(0o644)
    assert save_profile("default", STORED) == file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert from_profile() == STORED
    assert from_profile("other").account_id == "O"
    assert file.read_text().startswith("# mine\n")
    assert [path.name for path in file.parent.iterdir()] == ["profiles.toml"]


def test_a_profile_can_be_saved_anew(file: Path) -> None:
    save_profile("default", STORED)
    save_profile("default", Settings("https://new.example.com", "ACC-2", "P"))
    assert from_profile().account_id == "ACC-2"
    assert file.exists()


def test_a_file_that_others_can_read_is_told(file: Path) -> None:
    save_profile("default", STORED)
    file.chmod(0o640)
    with pytest.warns(UserWarning, match="others can read the passcodes in .*chmod 600"):
        Client.from_profile().close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no profile default; `api-segments login` or `save_profile` writes one"),
        ("[default]\nurl = 'https://x.example.com'\naccount_id = 'A'", "profile default has no passcode"),
        ("[default]\nurl = 5", "profile default has no url"),
        ("[default", "can't be read as TOML"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(file: Path, text: str, said: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(SettingsError, match=said):
        from_profile()


def test_a_broken_file_is_not_written_over(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("[default")
    with pytest.raises(SettingsError):
        save_profile("default", STORED)
    assert file.read_text() == "[default"


def test_the_environment_names_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_SEGMENTS_URL", "https://api.example.com")
    monkeypatch.delenv("API_SEGMENTS_ACCOUNT", raising=False)
    monkeypatch.setenv("API_SEGMENTS_PASSCODE", "")
    with pytest.raises(SettingsError, match="no API_SEGMENTS_ACCOUNT and no API_SEGMENTS_PASSCODE"):
        from_environment()


def test_a_passcode_is_not_shown() -> None:
    assert "ote" not in repr(STORED)

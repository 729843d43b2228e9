"""Where the API is and who asks: given, from the environment, or from a profile in a TOML file."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api_segments_client.errors import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENVIRONMENT = ("API_SEGMENTS_URL", "API_SEGMENTS_ACCOUNT", "API_SEGMENTS_PASSCODE")
PROFILE, FILE = "API_SEGMENTS_PROFILE", "API_SEGMENTS_CONFIG"
DEFAULT_PROFILE = "default"
REGIONS = ("eu1", "in1", "sg1", "us1", "aps3", "mec1")
"""CleverTap's: Europe, India, Singapore, the United States, Indonesia, the Middle East."""


@dataclass(frozen=True, slots=True)
class Settings:
    """An address and the credentials of an account; the passcode is not shown."""

    url: str
    account_id: str
    passcode: str = field(repr=False)


def clevertap_url(region: str) -> str:
    """Return the address of CleverTap's API in a region, one of REGIONS."""
    if region not in REGIONS:
        raise SettingsError(f"there is no region {region}; there are {', '.join(REGIONS)}")
    return f"https://{region}.api.clevertap.com"


def from_environment() -> Settings:
    """Return what the variables of ENVIRONMENT say; SettingsError names a missing one."""
    missing = [name for name in ENVIRONMENT if not os.environ.get(name)]
    if missing:
        raise SettingsError(f"the environment has no {' and no '.join(missing)}")
    return Settings(*(os.environ[name] for name in ENVIRONMENT))


def profiles_file() -> Path:
    """Return the file of profiles: API_SEGMENTS_CONFIG, or `api-segments/profiles.toml` where settings are kept."""
    if os.environ.get(FILE):
        return Path(os.environ[FILE])
    home = os.environ.get("APPDATA") if os.name == "nt" else os.environ.get("XDG_CONFIG_HOME")
    return Path(home or Path.home() / ".config") / "api-segments" / "profiles.toml"


def from_profile(name: str | None = None, file: Path | None = None) -> Settings:
    """Return a profile of the file: `name`, or API_SEGMENTS_PROFILE, or `default`. SettingsError says what is wrong."""
    file = file or profiles_file()
    name = name or os.environ.get(PROFILE) or DEFAULT_PROFILE
    profile = _read(file).get(name)
    if not isinstance(profile, Mapping):
        raise SettingsError(f"{file} has no profile {name}; `api-segments login` or `save_profile` writes one")
    values = [profile.get(key) for key in ("url", "account_id", "passcode")]
    for key, value in zip(("url", "account_id", "passcode"), values, strict=True):
        if not isinstance(value, str) or not value:
            raise SettingsError(f"{file}: profile {name} has no {key}")
    return Settings(*map(str, values))


def readable_by_others(file: Path) -> bool:
    """Tell whether others than its owner can read the file, as nobody should."""
    return os.name != "nt" and bool(file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def save_profile(name: str, settings: Settings, file: Path | None = None) -> Path:
    """Write a profile into the file, which only its owner can read from then on; all else in it stays as it is."""
    import tomlkit  # noqa: PLC0415 - only for this

    file = file or profiles_file()
    _read(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    document = tomlkit.parse(file.read_text("utf-8") if file.exists() else "")
    document[name] = {"url": settings.url, "account_id": settings.account_id, "passcode": settings.passcode}
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(tomlkit.dumps(document))
    part.replace(file)
    return file


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{file} can't be read as TOML: {exc}") from exc
    except OSError as exc:
        raise SettingsError(f"{file} can't be read: {exc}") from exc

"""Makes the objects of this room, once a process."""

from functools import cache

from api_segments.aws.wiring import db, settings
from api_segments.profiles.service import ProfileService
from api_segments.profiles.store import ProfileStore


def profile_store() -> ProfileStore:
    """Return where profiles are kept."""
    return ProfileStore(db(), settings().profiles_table, settings().memberships_table)


@cache
def profiles() -> ProfileService:
    """Return the process's profile service."""
    return ProfileService(profile_store())

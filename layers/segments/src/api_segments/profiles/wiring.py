"""Makes the objects of this room, once a process."""

from functools import cache

from api_segments.aws.wiring import db, keyed_hashes, settings
from api_segments.profiles.addresses import AddressKeys
from api_segments.profiles.service import ProfileService
from api_segments.profiles.store import ProfileStore


def profile_store() -> ProfileStore:
    """Return where profiles are kept."""
    return ProfileStore(db(), settings().profiles_table, settings().memberships_table)


def address_keys() -> AddressKeys:
    """Return what makes the keys of addresses."""
    return AddressKeys(keyed_hashes())


@cache
def profiles() -> ProfileService:
    """Return the process's profile service."""
    return ProfileService(profile_store(), address_keys())

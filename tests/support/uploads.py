"""Records of POST /1/upload, from their parts."""

from typing import Any

Json = Any


def profile(identity: str | None = None, guid: str | None = None, /, **data: object) -> Json:
    """Return a record of attributes, of an identity, a guid (`objectId`) or both."""
    return {**_who(identity, guid), "type": "profile", "profileData": data}


def token(
    identity: str | None, token_id: str, kind: str = "fcm", *, guid: str | None = None, remove: bool = False
) -> Json:
    """Return a record that adds a token, or takes it away."""
    data = {"id": token_id, "type": kind, **({"$remove": True} if remove else {})}
    return {**_who(identity, guid), "type": "token", "tokenData": data}


def _who(identity: str | None, guid: str | None) -> Json:
    who = {"identity": identity, "objectId": guid}
    return {name: value for name, value in who.items() if value is not None}

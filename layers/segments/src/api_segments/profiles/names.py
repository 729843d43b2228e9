"""Names of attributes: which of them only look like one of ours, so that what they say would be lost."""

import re
from unicodedata import normalize

from api_segments.core.names import meant
from api_segments.profiles.channels import FLAGS, STANDARD_ATTRIBUTES

_OF_THE_RECORD = ("identity", "objectId", "guid", "profileData", "tokenData")
_LIKE_A_FLAG = re.compile(r"\s*msg[\W_]", re.IGNORECASE)


def is_identity(name: str) -> bool:
    """Whether an attribute is the user's identity, which some clients send among the attributes."""
    return name.lower() == "identity"


def mistaken(name: str) -> str | None:
    """Return what is wrong with the name of an attribute that was meant to be something else; None if nothing is."""
    right = meant(name, STANDARD_ATTRIBUTES)
    if right is not None:
        return f"unknown attribute; it is written {right}"
    if name in _OF_THE_RECORD or meant(name, _OF_THE_RECORD) is not None:
        return "is no attribute; identity and objectId stand beside profileData"
    if name not in FLAGS and _LIKE_A_FLAG.match(normalize("NFKC", name)):
        return f"unknown opt-out; there are {', '.join(sorted(FLAGS))}"
    return None

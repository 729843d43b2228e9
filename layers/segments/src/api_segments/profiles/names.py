"""Names of attributes: which of them only look like one of ours, so that what they say would be lost."""

import re
from unicodedata import normalize

from api_segments.core.names import meant, plain
from api_segments.profiles.channels import FLAGS, STANDARD_ATTRIBUTES

_OF_THE_RECORD = frozenset({"identity", "objectid", "guid", "profiledata", "tokendata"})
_MSG = re.compile(r"\s*msg[-\u2010-\u2015]", re.IGNORECASE)  # with any dash
_OPT_OUTS = ("msgdnd", *(plain(flag) for flag in FLAGS))


def is_identity(name: str) -> bool:
    """Whether an attribute is the user's identity, which some clients send among the attributes."""
    return name.lower() == "identity"


def mistaken(name: str) -> str | None:
    """Return what is wrong with the name of an attribute that was meant to be something else; None if nothing is."""
    right = meant(name, STANDARD_ATTRIBUTES)
    if right is not None:
        return f"unknown attribute; it is written {right}"
    compatible = normalize("NFKC", name)
    if compatible.strip().casefold() in _OF_THE_RECORD:
        return "is no attribute; identity and objectId stand beside profileData"
    if name not in FLAGS and (_MSG.match(compatible) or plain(name).startswith(_OPT_OUTS)):
        return f"unknown opt-out; there are {', '.join(sorted(FLAGS))}"
    return None

"""Email addresses and phone numbers as what leads to users: in one form each, and as keys that do not tell them."""

from collections.abc import Mapping

from api_segments.aws.keyed_hashes import KeyedHashes
from api_segments.core.clock import Deadline
from api_segments.profiles.model import Address, AddressKey, AddressType, AttributeValue


class AddressKeys:
    """Makes the keys by which an account's users are found by address."""

    def __init__(self, hashes: KeyedHashes) -> None:
        self._hashes = hashes

    def of(self, account_id: str, address: Address, deadline: Deadline) -> AddressKey:
        """Return the key of an address; raises ThrottledError or UnavailableError."""
        said = ["address", account_id, address.type, _normal(address)]
        return AddressKey(account_id, address.type, self._hashes.of(said, deadline))

    def of_profile(
        self, account_id: str, attributes: Mapping[str, AttributeValue], deadline: Deadline
    ) -> dict[AddressType, str]:
        """Return the keys of a profile's addresses; raises ThrottledError or UnavailableError."""
        addresses = [
            Address(each, str(attributes[each.attribute])) for each in AddressType if each.attribute in attributes
        ]
        return {address.type: self.of(account_id, address, deadline).key for address in addresses}


def plain_email(address: str) -> str:
    """Write an email address as mail servers know it, its domain in ASCII; what is none stays as it is."""
    if address.isascii():
        return address
    # It reads the tables of international domain names; most functions never meet one.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        checked = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return address
    return f"{checked.local_part}@{checked.ascii_domain}"


def _normal(address: Address) -> str:
    """Write an address in the one form of all its spellings; mail servers of today take upper case for lower."""
    return plain_email(address.text).lower() if address.type is AddressType.EMAIL else address.text

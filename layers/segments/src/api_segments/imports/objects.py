"""Keys of what an import keeps in the bucket. They begin with the account, so a right or a link is for one account."""

from api_segments.imports.model import Import
from api_segments.memberships.model import Action


def upload(account_id: str, import_id: str) -> str:
    """Where the client puts the file."""
    return f"{account_id}/{import_id}/upload"


def rejected_rows(of: Import) -> str:
    """Rows that can't be read, as CSV."""
    return f"{_of(of)}/rejected.csv"


def rows(of: Import, part: int) -> str:
    """Users of the file whose ids have this hash: a part file."""
    return f"{_of(of)}/rows/{part:04d}"


def rerouted(of: Import, part: int, source: int | None = None) -> str:
    """Users named by guid, by the hash of their identities, as one part found them; or what those keys begin with."""
    begin = f"{_of(of)}/rerouted/{part:04d}/"
    return begin if source is None else f"{begin}{source:04d}"


def members(of: Import, part: int, bucket: int) -> str:
    """Members of the segment whose ids have this hash, from one bucket of its list."""
    return f"{_of(of)}/members/{part:04d}/{bucket:02d}"


def left_since(of: Import, bucket: int) -> str:
    """Who was removed from the segment since the import began to read, from one bucket of its list."""
    return f"{_of(of)}/left/{bucket:02d}"


def changes(of: Import, action: Action, part: int) -> str:
    """Users of a part whom the import adds or removes."""
    return f"{_of(of)}/changes/{action}/{part:04d}"


def _of(of: Import) -> str:
    return f"{of.account_id}/{of.import_id}"

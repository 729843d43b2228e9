"""The error for campaigns that are not there."""

from api_segments.core.errors import NotFoundError


def no_such_campaign(campaign_id: int) -> NotFoundError:
    """Return the error for an id that the account has no campaign of."""
    return NotFoundError(f"there is no campaign {campaign_id}")

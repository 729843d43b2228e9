"""What a content looks like once it is filled in for one user."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api_segments.campaigns.content.fields import check_content, render, variables
from api_segments.campaigns.content.templates import TemplateError
from api_segments.campaigns.model import Audience, Campaign, CampaignStatus, TargetMode
from api_segments.campaigns.store_settings import CampaignSettingsStore
from api_segments.core.clock import Deadline
from api_segments.core.errors import InvalidRequestError
from api_segments.profiles.model import Profile
from api_segments.profiles.service import ProfileService

SAMPLE_LINK = "https://example.com/unsubscribe/"
NOBODY_IN_PARTICULAR = Profile("", None)


@dataclass(frozen=True, slots=True)
class Preview:
    """A content to fill in: for the user of this identity or guid, or for nobody in particular, and for this change."""

    target_mode: TargetMode
    content: Mapping[str, str]
    identity: str | None
    guid: str | None
    event: Mapping[str, Any] | None


class PreviewService:
    """Fills contents in, without sending them."""

    def __init__(self, profiles: ProfileService, settings: CampaignSettingsStore) -> None:
        self._profiles = profiles
        self._settings = settings

    def preview(self, account_id: str, wanted: Preview, deadline: Deadline) -> dict[str, str]:
        """Return the fields of the content, filled in; raises InvalidRequestError, which names a mistake's path.

        Raises NotFoundError, too, ThrottledError or UnavailableError.
        """
        check_content(wanted.target_mode, wanted.content, self._settings.get(account_id, deadline))
        profile = NOBODY_IN_PARTICULAR
        if wanted.identity is not None or wanted.guid is not None:
            profile = self._profiles.get(account_id, wanted.identity, wanted.guid, deadline).profile
        known = variables(_campaign(account_id, wanted), profile, wanted.event)
        if wanted.target_mode is TargetMode.EMAIL:
            known["unsubscribe_url"] = SAMPLE_LINK
        try:
            return render(wanted.target_mode, wanted.content, known)
        except TemplateError as error:
            raise InvalidRequestError(f"content.{error}") from None


def _campaign(account_id: str, wanted: Preview) -> Campaign:
    """Return a campaign that the templates can name, though there is none yet."""
    return Campaign(
        account_id=account_id,
        campaign_id=0,
        name="Preview",
        target_mode=wanted.target_mode,
        audience=Audience(),
        trigger=None,
        starts_at=None,
        content=wanted.content,
        users_limit=None,
        status=CampaignStatus.SCHEDULED,
        created_at="",
    )

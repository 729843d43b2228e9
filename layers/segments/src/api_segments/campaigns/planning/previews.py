"""What a content looks like once it is filled in for one user."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api_segments.campaigns.content.fields import check_content, render, variables
from api_segments.campaigns.content.mail import SAMPLE_LINK
from api_segments.campaigns.content.templates import TemplateError
from api_segments.campaigns.model import Audience, Campaign, CampaignStatus, TargetMode
from api_segments.campaigns.store_settings import CampaignSettingsStore
from api_segments.core.clock import Deadline
from api_segments.core.errors import InvalidRequestError
from api_segments.profiles.model import Profile
from api_segments.profiles.service import ProfileService

NOBODY_IN_PARTICULAR = Profile("", None)


@dataclass(frozen=True, slots=True)
class Preview:
    """A content to fill in: for the user of this identity or guid, or for nobody in particular, and for this change."""

    target_mode: TargetMode
    content: Mapping[str, str]
    identity: str | None
    guid: str | None
    event: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class TestMessage:
    """A content to send as a test: filled in as for a preview, and to whom."""

    __test__ = False  # none of pytest's

    filled_in: Preview
    to: str | None


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
        profile = user_of(self._profiles, account_id, wanted, deadline)
        link = SAMPLE_LINK if wanted.target_mode is TargetMode.EMAIL else None
        known = variables(campaign_of(account_id, wanted, None), profile, wanted.event, link)
        try:
            return render(wanted.target_mode, wanted.content, known)
        except TemplateError as error:
            raise InvalidRequestError(f"content.{error}") from None


def user_of(profiles: ProfileService, account_id: str, wanted: Preview, deadline: Deadline) -> Profile:
    """Return whom a content is filled in for; raises NotFoundError, ThrottledError or UnavailableError."""
    if wanted.identity is None and wanted.guid is None:
        return NOBODY_IN_PARTICULAR
    return profiles.get(account_id, wanted.identity, wanted.guid, deadline).profile


def campaign_of(account_id: str, wanted: Preview, now: datetime | None) -> Campaign:
    """Return a campaign that the templates can name, though there is none yet; of this moment if it is to be sent."""
    return Campaign(
        account_id=account_id,
        campaign_id=0 if now is None else int(now.timestamp() * 1_000_000),
        name="Preview" if now is None else "Test",
        target_mode=wanted.target_mode,
        audience=Audience(),
        trigger=None,
        starts_at=None,
        content=wanted.content,
        users_limit=None,
        status=CampaignStatus.SCHEDULED,
        created_at="",
    )

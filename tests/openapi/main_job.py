# mypy: disable-error-code="import-not-found"
"""The main job, as somebody writes it with the generated client: `python main_job.py URL ACCOUNT PASSCODE`."""

import sys

from segments_client import Client
from segments_client.api.campaigns import create_campaign, get_campaign_result
from segments_client.api.members import get_member, list_members, update_members
from segments_client.api.profiles import get_profile, list_segments_of_profile, upload_profiles
from segments_client.api.segments import change_segment, create_segments, delete_segment, get_segment, list_segments
from segments_client.models import (
    Action,
    CampaignReference,
    ChangeSegmentRequest,
    CreateSmsCampaignRequest,
    Error,
    NewSegment,
    ProfileData,
    ProfileRecord,
    SegmentAction,
    SegmentStatus,
    SmsContent,
    TokenData,
    TokenRecord,
    TokenType,
    UpdateGroup,
    UpdateMembersRequest,
    UploadProfilesRequest,
    UserReference,
)

url, account, passcode = sys.argv[1:]
client = Client(
    base_url=url,
    headers={"X-CleverTap-Account-Id": account, "X-CleverTap-Passcode": passcode},
    httpx_args={"trust_env": False},
)

created = create_segments.sync(
    client=client, body=[NewSegment("Premium Users", "SEG12345"), NewSegment("Lapsed Buyers")]
)
premium, lapsed = created.segments
assert (created.status.value, created.processed, created.unprocessed) == ("success", 2, [])
assert premium.id > 2**32
assert lapsed.customer_segment_id is None

update = UpdateMembersRequest(
    [
        UpdateGroup(
            [UserReference(identity="CT123456"), UserReference(identity="CT123457")],
            [SegmentAction(Action.ADD, ct_segment_id=premium.id)],
        )
    ]
)
changed = update_members.sync(client=client, body=update)
assert (changed.summary.added, changed.summary.profiles_created, changed.summary.unchanged) == (2, 2, 0)
assert update_members.sync(client=client, body=update).summary.unchanged == 2

uploaded = upload_profiles.sync(
    client=client,
    body=UploadProfilesRequest(
        [
            ProfileRecord("profile", ProfileData.from_dict({"Email": "ada@example.com", "Visits": 3}), "CT123456"),
            TokenRecord("token", TokenData("demo-token-1", TokenType.FCM), "CT123456"),
        ]
    ),
)
assert (uploaded.processed, uploaded.unprocessed) == (2, [])
known = get_profile.sync(client=client, identity="CT123456").record
assert known.profile_data.additional_properties == {"Email": "ada@example.com", "Visits": 3}
assert known.reachable.push

listed = list_segments.sync(client=client, limit=1)
assert [segment.id for segment in listed.segments] == [lapsed.id]
rest = list_segments.sync(client=client, limit=1, cursor=listed.cursor)
(shown,) = rest.segments
assert (shown.id, shown.members, shown.status) == (premium.id, 2, SegmentStatus.ACTIVE)
assert shown.created_at.tzinfo is not None
assert shown.deleted_at is None
assert {member.identity for member in list_members.sync(premium.id, client=client).members} == {"CT123456", "CT123457"}
assert get_member.sync(premium.id, "CT123457", client=client).identity == "CT123457"
assert [segment.id for segment in list_segments_of_profile.sync("CT123456", client=client).segments] == [premium.id]

started = create_campaign.sync(
    client=client,
    body=CreateSmsCampaignRequest(
        "sms", name="Spring sale", segment=lapsed.id, when="now", content=SmsContent("Hello")
    ),
)
report = get_campaign_result.sync(client=client, body=CampaignReference(started.id))
assert (report.target.content.body, report.target.target_mode) == ("Hello", "sms")

renamed = change_segment.sync(premium.id, client=client, body=ChangeSegmentRequest(segment_name="Premium Customers"))
assert renamed.segment_name == "Premium Customers"
deleted = delete_segment.sync(premium.id, client=client)
assert deleted.status is SegmentStatus.DELETED
assert deleted.deleted_at >= deleted.created_at
missing = get_segment.sync(1, client=client)
assert isinstance(missing, Error)
assert missing.code == 404

"""The routes of profiles, as the API's description has them."""

from collections.abc import Mapping, Sequence

from api_segments.core.channels import Channel
from api_segments.core.limits import MAX_RECORDS_PER_UPLOAD
from api_segments.http.answers import DoneBody
from api_segments.http.described import GUID, MOMENT, Json
from api_segments.http.openapi import (
    BODY_ERRORS,
    NEXT_PAGE,
    OF_SEGMENT,
    PAGED,
    PROFILES,
    TEXT,
    USER_IN_PATH,
    Link,
    Route,
)
from api_segments.profiles import answers, requests

_EITHER_ID: Mapping[str, Json] = {
    "identity": {
        "in": "query",
        "description": "Your id of the user; wins over `guid`.",
        "schema": TEXT,
        "example": "CT123456",
    },
    "guid": {
        "in": "query",
        "description": "The API's id of the user.",
        "schema": TEXT,
        "example": GUID,
    },
}

_DRY_RUN: Mapping[str, Json] = {
    "dryRun": {
        "in": "query",
        "description": "1: check all records as an upload does, also against what is stored, and write nothing.",
        "schema": {"enum": ["1", "true", "0", "false"], "default": "0"},
        "example": "1",
    },
}

_ADDRESS: Mapping[str, Json] = {
    "email": {
        "in": "query",
        "description": "An email address; upper and lower case are alike.",
        "schema": {"type": "string", "format": "email"},
        "example": "ada@example.com",
    },
    "phone": {
        "in": "query",
        "description": "A phone number in E.164, percent-encoded: `+` is `%2B`.",
        "schema": {"type": "string", "pattern": "^\\+[1-9][0-9]{6,14}$"},
        "example": "+12025550123",
    },
}
_FIRST_FOUND = {"identity": "$response.body#/profiles/0/identity"}
_FIRST_USER = {"identity": "$request.body#/d/0/identity"}
_PREVIEW = {
    "target_mode": "sms",
    "identity": "$request.body#/d/0/identity",
    "content": {"body": "It is spring"},
}

_SUPPRESSION = {
    "id": "0f5c1d3e7b9a4268a1e0d4f6b8c2937a",
    "type": "email",
    "suppressed": True,
    "unsubscribed_at": MOMENT,
    "complained_at": None,
    "bounced_at": None,
    "entered_at": None,
    "lifted_at": None,
    "applied_at": MOMENT,
    "profiles": 2,
}

ROUTES: Sequence[Route] = (
    Route(
        "findProfiles",
        "get",
        "/api/profiles",
        PROFILES,
        "Find users by email address or phone number",
        answers.FoundProfileListBody,
        {
            "profiles": [
                {
                    "identity": "CT123456",
                    "guid": GUID,
                    "reachable": answers.reached_body({Channel.EMAIL, Channel.PUSH}),
                }
            ],
            "cursor": None,
        },
        description="`email` or `phone` is required. All users who have that address, in an order that never changes.",
        parameters={**_ADDRESS, **PAGED},
        links=(
            Link("findProfiles", "Lists the next page.", NEXT_PAGE),
            Link("getProfile", "Shows the first of them.", _FIRST_FOUND),
        ),
    ),
    Route(
        "listSuppressions",
        "get",
        "/api/suppressions",
        PROFILES,
        "List the addresses that get no messages",
        answers.SuppressionListBody,
        {"suppressions": [_SUPPRESSION], "cursor": None},
        description="With `email` or `phone`: what is known of that address, also if it was taken off the list.",
        parameters={**_ADDRESS, **PAGED},
    ),
    Route(
        "putSuppression",
        "put",
        "/api/suppressions",
        PROFILES,
        "Put an address on the suppression list",
        answers.SuppressResultBody,
        {"status": "success", "suppression": _SUPPRESSION},
        description="`email` or `phone` is required. Holds for all users who have the address, or will have it.",
        parameters=_ADDRESS,
        links=(
            Link("listSuppressions", "Shows the address on the list.", {"email": "$request.query.email"}),
            Link("liftSuppression", "Takes it off again.", {"email": "$request.query.email"}),
        ),
    ),
    Route(
        "liftSuppression",
        "delete",
        "/api/suppressions",
        PROFILES,
        "Take an address off the suppression list",
        answers.LiftSuppressionResultBody,
        {
            "status": "success",
            "lifted": True,
            "suppression": {**_SUPPRESSION, "suppressed": False, "unsubscribed_at": None, "lifted_at": MOMENT},
        },
        description="`email` or `phone` is required. Takes back, too, what users with the address have opted out of by "
        "a link or a complaint.",
        parameters=_ADDRESS,
    ),
    Route(
        "eraseProfile",
        "delete",
        "/api/profiles/{identity}",
        PROFILES,
        "Erase a user",
        DoneBody,
        {"status": "success"},
        description="Attributes, tokens, identity and memberships; each segment that the user was in sends an event.",
        parameters=USER_IN_PATH,
        errors=OF_SEGMENT,
    ),
    Route(
        "uploadProfiles",
        "post",
        "/1/upload",
        PROFILES,
        "Upload profiles and tokens",
        answers.UploadProfilesResultBody,
        {"status": "success", "processed": 1, "unprocessed": []},
        description=f"1 to {MAX_RECORDS_PER_UPLOAD:,} records; each stands or falls alone.",
        parameters=_DRY_RUN,
        body=requests.BODY,
        body_example={
            "d": [{"identity": "CT123456", "type": "profile", "profileData": {"Email": "ada@example.com"}}],
        },
        errors=BODY_ERRORS,
        is_batch=True,
        links=(
            Link("getProfile", "Shows the first user.", _FIRST_USER),
            Link("listSegmentsOfProfile", "Lists the segments of the first user.", _FIRST_USER),
            Link("eraseProfile", "Erases the first user.", _FIRST_USER),
            Link("previewCampaign", "Shows the first user's message.", body=_PREVIEW),
            Link(
                "findProfiles",
                "Finds who else has the first user's address.",
                {"email": "$request.body#/d/0/profileData/Email"},
            ),
            Link(
                "putSuppression",
                "Puts the first user's address on the suppression list.",
                {"email": "$request.body#/d/0/profileData/Email"},
            ),
        ),
    ),
    Route(
        "getProfile",
        "get",
        "/1/profile.json",
        PROFILES,
        "Show a user",
        answers.GetProfileResultBody,
        {
            "status": "success",
            "record": {
                "identity": "CT123456",
                "guid": GUID,
                "profileData": {"Email": "ada@example.com"},
                "tokens": [{"id": "demo-token-1", "type": "fcm"}],
                "reachable": answers.reached_body({Channel.EMAIL, Channel.PUSH}),
                "opted_out": [],
            },
        },
        description="`identity` or `guid` is required.",
        parameters=_EITHER_ID,
        errors=OF_SEGMENT,
    ),
)

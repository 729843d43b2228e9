"""The routes of profiles, as the API's description has them."""

from collections.abc import Mapping, Sequence

from api_segments.core.limits import MAX_RECORDS_PER_UPLOAD
from api_segments.http.answers import DoneBody
from api_segments.http.described import GUID, Json
from api_segments.http.openapi import BODY_ERRORS, OF_SEGMENT, PROFILES, TEXT, Link, Route
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

_FIRST_USER = {"identity": "$request.body#/d/0/identity"}

ROUTES: Sequence[Route] = (
    Route(
        "eraseProfile",
        "delete",
        "/api/profiles/{identity}",
        PROFILES,
        "Erase a user",
        DoneBody,
        {"status": "success"},
        description="Attributes, tokens, identity and memberships; each segment that the user was in sends an event.",
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
                "reachable": {"email": True, "sms": False, "push": True, "whatsapp": False, "web_push": False},
            },
        },
        description="`identity` or `guid` is required.",
        parameters=_EITHER_ID,
        errors=OF_SEGMENT,
    ),
)

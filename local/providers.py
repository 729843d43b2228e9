"""What a team sets up at AWS before its first campaign, done on the emulator: a verified sender, push applications."""

from local.aws import session

SENDER = "news@example.com"
PLATFORMS = {"fcm": "GCM", "apns": "APNS"}
"""SNS's names of the platforms behind the two types of push tokens."""


def set_up_providers(endpoint_url: str) -> dict[str, str]:
    """Verify the sender and create a push application for each type of token; return their ARNs by type."""
    session().client("sesv2", endpoint_url=endpoint_url).create_email_identity(EmailIdentity=SENDER)
    sns = session().client("sns", endpoint_url=endpoint_url)
    return {
        kind: sns.create_platform_application(
            Name=f"shop-{kind}", Platform=platform, Attributes={"PlatformCredential": "none"}
        )["PlatformApplicationArn"]
        for kind, platform in PLATFORMS.items()
    }

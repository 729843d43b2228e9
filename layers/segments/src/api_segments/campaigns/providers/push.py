"""Amazon SNS: sends push messages to devices, by an account's platform application."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from api_segments.aws.delivery import Reply, deliver
from api_segments.aws.failures import CALL_FAILED, failure_code
from api_segments.core.clock import Deadline
from api_segments.profiles.model import Token, TokenType

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient

# SNS API reference, CreatePlatformEndpoint and Publish: about this token or this message; and about a dead device.
_FINAL = ("InvalidParameter", "InvalidParameterValue", "ValidationException")
_DISABLED = "EndpointDisabled"


class PushProvider:
    """Sends push messages."""

    def __init__(self, client: "SNSClient") -> None:
        self._client = client

    def send(self, application: str, token: Token, content: Mapping[str, str], deadline: Deadline) -> Reply:
        """Hand a message for one device to SNS; GONE if the device takes none any more.

        `application` is the ARN of the platform application. Making an endpoint for a token that has one gives that
        one, so nothing needs to be kept.
        """
        endpoint = ""

        def make_endpoint() -> None:
            nonlocal endpoint
            endpoint = self._client.create_platform_endpoint(PlatformApplicationArn=application, Token=token.token_id)[
                "EndpointArn"
            ]

        made = deliver(make_endpoint, "push", _FINAL, deadline)
        if made is not Reply.ACCEPTED:
            return Reply.TRY_AGAIN if made is Reply.UNKNOWN else made  # no message has gone out by this call
        is_disabled = False

        def publish() -> None:
            nonlocal is_disabled
            try:
                self._client.publish(
                    TargetArn=endpoint, MessageStructure="json", Message=_payload(application, token.type, content)
                )
            except CALL_FAILED as exc:
                is_disabled = failure_code(exc) == _DISABLED
                raise

        reply = deliver(publish, "push", (*_FINAL, _DISABLED), deadline)
        return Reply.GONE if is_disabled else reply


def _payload(application: str, kind: TokenType, content: Mapping[str, str]) -> str:
    """Write a message as the platform takes it (SNS developer guide, "Sending platform-specific payloads")."""
    shown = {"title": content["title"], "body": content["body"]}
    further = {"deep_link": content["deep_link"]} if "deep_link" in content else {}
    platform = application.split("/")[1]  # arn:aws:sns:region:account:app/APNS_SANDBOX/name
    payload: dict[str, Any] = {"notification": shown, "data": further}
    if kind is TokenType.APNS:
        payload = {"aps": {"alert": shown, "sound": "default"}, **further}
    return json.dumps(
        {"default": content["body"], platform: json.dumps(payload, ensure_ascii=False)}, ensure_ascii=False
    )

"""Amazon SNS: sends SMS."""

from typing import TYPE_CHECKING

from api_segments.aws.delivery import Reply, deliver
from api_segments.core.clock import Deadline

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient

# SNS API reference, Publish: a number that can't be sent to, or whose owner has opted out with the carrier.
_FINAL = ("InvalidParameter", "InvalidParameterValue", "OptedOut", "OptedOutException", "ValidationException")


class SmsProvider:
    """Sends SMS, as promotions: SNS then chooses the cheapest route."""

    def __init__(self, client: "SNSClient") -> None:
        self._client = client

    def send(self, phone: str, text: str, deadline: Deadline) -> Reply:
        """Hand a text for a number in E.164 to SNS."""
        return deliver(
            lambda: self._client.publish(
                PhoneNumber=phone,
                Message=text,
                MessageAttributes={"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Promotional"}},
            ),
            "sms",
            _FINAL,
            deadline,
        )

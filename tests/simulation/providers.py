"""EventBridge Scheduler, SES and SNS, as far as campaigns notice."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from api_segments.campaigns.providers.email import MESSAGE_HEADER
from tests.support.dynamodb.errors import client_error

Json = dict[str, Any]


@dataclass
class Schedules:
    """Keeps the schedules that are made, by name; `targets` are all that any of them fed, and by which role."""

    made: dict[str, Json] = field(default_factory=dict)
    targets: set[tuple[str, str]] = field(default_factory=set)

    def create_schedule(self, **schedule: Any) -> Json:
        if schedule["Name"] in self.made:
            raise client_error("ConflictException", "")
        self.made[schedule["Name"]] = schedule
        self.targets.add((schedule["Target"]["RoleArn"], schedule["Target"]["Arn"]))
        return {}

    def delete_schedule(self, GroupName: str, Name: str) -> Json:  # noqa: N803 - boto3's own names
        assert GroupName
        if self.made.pop(Name, None) is None:
            raise client_error("ResourceNotFoundException", "")
        return {}

    def fire(self) -> list[str]:
        """Return the tasks of all schedules, which are over then."""
        tasks = [schedule["Target"]["Input"] for schedule in self.made.values()]
        self.made.clear()
        return tasks


@dataclass
class Mail:
    """Sends from all addresses of `domain`; the domain is verified, no address is. Keeps what it sent."""

    domain: str = "example.com"
    sent: list[Json] = field(default_factory=list)

    def get_email_identity(self, EmailIdentity: str) -> Json:  # noqa: N803 - boto3's own name
        if EmailIdentity != self.domain:
            raise client_error("NotFoundException", "")
        return {"VerifiedForSendingStatus": True}

    def send_email(self, **sent: Any) -> Json:
        self.sent.append(sent)
        return {"MessageId": str(len(self.sent))}

    def links(self) -> Mapping[str, str]:
        """Return the tokens of the links to unsubscribe, by recipient."""
        found = {to: re.search("/unsubscribe/([^>]+)", headers["List-Unsubscribe"]) for to, headers in self._headers()}
        return {recipient: match[1] for recipient, match in found.items() if match}

    def feedback(self) -> Mapping[str, str]:
        """Return the tokens that SES repeats when it tells of a bounce, by recipient."""
        return {recipient: headers[MESSAGE_HEADER] for recipient, headers in self._headers()}

    def _headers(self) -> list[tuple[str, dict[str, str]]]:
        return [
            (
                sent["Destination"]["ToAddresses"][0],
                {header["Name"]: header["Value"] for header in sent["Content"]["Simple"]["Headers"]},
            )
            for sent in self.sent
        ]


@dataclass
class Notifications:
    """Takes SMS and push messages; devices whose token begins with `dead` take none. Keeps whom it sent to."""

    sent: list[str] = field(default_factory=list)

    def create_platform_endpoint(self, PlatformApplicationArn: str, Token: str) -> Json:  # noqa: N803 - boto3's own names
        return {"EndpointArn": f"{PlatformApplicationArn.replace(':app/', ':endpoint/')}/{Token}"}

    def publish(self, **sent: Any) -> Json:
        if "PhoneNumber" in sent:
            self.sent.append(sent["PhoneNumber"])
            return {}
        assert json.loads(sent["Message"])
        if sent["TargetArn"].rpartition("/")[2].startswith("dead"):
            raise client_error("EndpointDisabled", "")
        self.sent.append(sent["TargetArn"])
        return {}

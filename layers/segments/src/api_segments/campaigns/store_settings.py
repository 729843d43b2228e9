"""Accounts table: what an account declared for its campaigns, one item an account."""

from collections.abc import Callable

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.campaigns.model import CampaignSettings, Recipient, RecipientType, Webhook
from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import UnavailableError
from api_segments.profiles.model import TokenType


class CampaignSettingsStore:
    """Reads and writes the settings of campaigns."""

    def __init__(self, db: DynamoDB, accounts_table: str) -> None:
        self._db = db
        self._table = accounts_table

    def get(self, account_id: str, deadline: Deadline) -> CampaignSettings:
        """Read the settings, consistently; where nothing was declared they are those of a new account."""
        return self._read(account_id, deadline)[0]

    def change(
        self, account_id: str, to: Callable[[CampaignSettings], CampaignSettings], deadline: Deadline
    ) -> CampaignSettings:
        """Replace the settings by what `to` makes of them, and return that; whatever `to` raises changes nothing.

        Raises ThrottledError or UnavailableError.
        """
        backoff = Backoff(deadline)
        while True:
            before, version = self._read(account_id, deadline)
            after = to(before)
            if after == before or self._write(account_id, after, version, deadline):
                return after
            if not backoff.wait():
                raise UnavailableError("the settings kept changing")

    def _read(self, account_id: str, deadline: Deadline) -> tuple[CampaignSettings, int]:
        item = self._db.get(self._table, self._key(account_id), deadline)
        return (CampaignSettings(), 0) if item is None else (_from_item(item), int(item["version"]["N"]))

    def _write(self, account_id: str, settings: CampaignSettings, version: int, deadline: Deadline) -> bool:
        """Write the settings unless others were written since; False if so."""
        values = {**_to_item(settings), "version": {"N": str(version + 1)}}
        condition = "attribute_not_exists(account_id)" if version == 0 else "version = :before"
        return self._db.update(
            deadline,
            TableName=self._table,
            Key=self._key(account_id),
            UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in values),
            ConditionExpression=condition,
            ExpressionAttributeValues={
                **{f":{name}": value for name, value in values.items()},
                **({":before": {"N": str(version)}} if version else {}),
            },
        )

    @staticmethod
    def _key(account_id: str) -> Item:
        return keys.of_account(account_id, keys.CAMPAIGN_SETTINGS)


def _to_item(settings: CampaignSettings) -> Item:
    return {
        "time_zone": {"S": settings.time_zone},
        "senders": {"L": [{"S": address} for address in settings.senders]},
        "webhooks": {
            "L": [
                {"M": {"name": {"S": each.name}, "url": {"S": each.url}, "secret": {"S": each.secret}}}
                for each in settings.webhooks.values()
            ]
        },
        "push_applications": {"M": {kind: {"S": arn} for kind, arn in settings.push_applications.items()}},
        "test_recipients": {
            "L": [
                {"M": {"type": {"S": each.type}, "address": {"S": each.address}}} for each in settings.test_recipients
            ]
        },
    }


def _from_item(item: Item) -> CampaignSettings:
    webhooks = [
        Webhook(each["M"]["name"]["S"], each["M"]["url"]["S"], each["M"]["secret"]["S"])
        for each in item["webhooks"]["L"]
    ]
    return CampaignSettings(
        time_zone=item["time_zone"]["S"],
        senders=tuple(each["S"] for each in item["senders"]["L"]),
        webhooks={webhook.name: webhook for webhook in webhooks},
        push_applications={TokenType(kind): arn["S"] for kind, arn in item["push_applications"]["M"].items()},
        test_recipients=tuple(
            Recipient(RecipientType(each["M"]["type"]["S"]), each["M"]["address"]["S"])
            for each in item.get("test_recipients", {"L": []})["L"]  # older settings have none
        ),
    )

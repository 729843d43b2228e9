"""Accounts table: what an account declared for its campaigns, one item an account."""

from collections.abc import Callable

from api_segments.aws import keys
from api_segments.aws.dynamodb import DynamoDB, Item
from api_segments.aws.items import Attributes
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

    def time_zone(self, account_id: str, deadline: Deadline) -> str:
        """Read the time zone alone, consistently."""
        item = self._db.get(self._table, self._key(account_id), deadline)
        return CampaignSettings().time_zone if item is None else Attributes(_KIND, item).text("time_zone")

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
        return (CampaignSettings(), 0) if item is None else (_from_item(item), Attributes(_KIND, item).whole("version"))

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


_KIND = "campaign settings"


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
    settings = Attributes(_KIND, item)
    webhooks = settings.listed("webhooks", _webhook)
    return CampaignSettings(
        time_zone=settings.text("time_zone"),
        senders=settings.listed("senders", lambda each: str(each["S"])),
        webhooks={webhook.name: webhook for webhook in webhooks},
        push_applications=dict(settings.mapped("push_applications", lambda kind, arn: (TokenType(kind), arn["S"]))),
        # older settings have none
        test_recipients=settings.listed("test_recipients", _recipient) if settings.has("test_recipients") else (),
    )


def _webhook(value: Item) -> Webhook:
    told = value["M"]
    return Webhook(told["name"]["S"], told["url"]["S"], told["secret"]["S"])


def _recipient(value: Item) -> Recipient:
    told = value["M"]
    return Recipient(RecipientType(told["type"]["S"]), told["address"]["S"])

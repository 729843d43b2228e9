"""Accounts table: accounts with their passcode hashes, and usage by month."""

from api_segments.accounts.model import Account, AccountStatus, Passcode
from api_segments.aws import keys
from api_segments.aws.dynamodb import ConditionFailedError, DynamoDB, Get, Item
from api_segments.aws.items import Attributes, Readings
from api_segments.aws.transactions import put_action
from api_segments.core.clock import Deadline
from api_segments.http.tenant import UNNAMED, Plan


class AccountStore:
    """Reads and writes accounts, one item each."""

    def __init__(self, db: DynamoDB, table: str) -> None:
        self._db = db
        self._table = table

    def get(self, account_id: str, deadline: Deadline) -> Account | None:
        """Read an account, consistently."""
        item = self._db.get(self._table, self._key(account_id), deadline)
        return None if item is None else _from_item(item)

    def insert(self, account: Account, deadline: Deadline) -> bool:
        """Write a new account, and that it exists; False if the id is taken."""
        note = {"account_id": {"S": keys.STACK}, "sk": {"S": keys.known_account(account.account_id)}}
        actions = [
            put_action(self._table, _to_item(account), condition="attribute_not_exists(account_id)"),
            put_action(self._table, note),
        ]
        try:
            self._db.transact(lambda: actions, deadline)
        except ConditionFailedError:
            return False
        return True

    def all_ids(self, deadline: Deadline) -> list[str]:
        """Return the ids of all accounts."""
        return self._db.query(
            None,
            lambda item: str(item["sk"]["S"]).removeprefix(keys.KNOWN_ACCOUNTS),
            deadline,
            TableName=self._table,
            KeyConditionExpression="account_id = :stack AND begins_with(sk, :accounts)",
            ExpressionAttributeValues={":stack": {"S": keys.STACK}, ":accounts": {"S": keys.KNOWN_ACCOUNTS}},
        )

    def add_passcode(self, account_id: str, passcode: Passcode, at_most: int, deadline: Deadline) -> bool:
        """Add a passcode; False if the account is missing or has `at_most` passcodes."""
        return self._update(
            account_id,
            "SET passcodes.#id = :passcode",
            "attribute_exists(account_id) AND size(passcodes) < :most AND attribute_not_exists(passcodes.#id)",
            names={"#id": passcode.passcode_id},
            values={":passcode": _passcode_to_value(passcode), ":most": {"N": str(at_most)}},
            deadline=deadline,
        )

    def remove_passcode(self, account_id: str, passcode_id: str, deadline: Deadline) -> bool:
        """Take a passcode away; False if there is no such account or passcode."""
        return self._update(
            account_id,
            "REMOVE passcodes.#id",
            "attribute_exists(passcodes.#id)",
            names={"#id": passcode_id},
            values={},
            deadline=deadline,
        )

    def name_passcode(self, account_id: str, passcode_id: str, name: str, deadline: Deadline) -> bool:
        """Give a passcode a name; False if there is no such account or passcode."""
        return self._update(
            account_id,
            "SET passcodes.#id.#name = :name",
            "attribute_exists(passcodes.#id)",
            names={"#id": passcode_id, "#name": "name"},
            values={":name": {"S": name}},
            deadline=deadline,
        )

    def set_plan(self, account_id: str, plan: Plan, private_beta: bool | None, deadline: Deadline) -> bool:  # noqa: FBT001 - it is the flag's value
        """Set the plan, and the private-beta flag unless None; False if there is no such account."""
        beta = {} if private_beta is None else {":beta": {"BOOL": private_beta}}
        return self._update(
            account_id,
            "SET #plan = :plan" + (", private_beta = :beta" if beta else ""),
            "attribute_exists(account_id)",
            names={"#plan": "plan"},
            values={":plan": {"S": plan}, **beta},
            deadline=deadline,
        )

    def set_status(self, account_id: str, status: AccountStatus, deadline: Deadline) -> bool:
        """Enable or disable; False if there is no such account."""
        return self._update(
            account_id,
            "SET #status = :status",
            "attribute_exists(account_id)",
            names={"#status": "status"},
            values={":status": {"S": status}},
            deadline=deadline,
        )

    def data_points(self, account_id: str, month: str, deadline: Deadline) -> int:
        """Return the data points of a month (`YYYY-MM`), the sum of its slots, consistently.

        They are billed by, and have no second source: without a damaged slot there is no sum.
        """
        gets = [Get(self._table, keys.of_account(account_id, sk)) for sk in keys.usage(month)]
        return sum(Readings(self._db.batch_get(gets, deadline), _data_points).values())

    @staticmethod
    def _key(account_id: str) -> Item:
        return keys.of_account(account_id, keys.ACCOUNT)

    def _update(  # noqa: PLR0913 - the parts of one UpdateItem
        self, account_id: str, update: str, condition: str, *, names: dict[str, str], values: Item, deadline: Deadline
    ) -> bool:
        return self._db.update(
            deadline,
            TableName=self._table,
            Key=self._key(account_id),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            **({"ExpressionAttributeValues": values} if values else {}),
        )


def _passcode_to_value(passcode: Passcode) -> Item:
    said = {"digest": passcode.digest, "created_at": passcode.created_at, "name": passcode.name}
    return {"M": {name: {"S": text} for name, text in said.items()}}


def _to_item(account: Account) -> Item:
    return {
        "account_id": {"S": account.account_id},
        "sk": {"S": keys.ACCOUNT},
        "name": {"S": account.name},
        "plan": {"S": account.plan},
        "private_beta": {"BOOL": account.private_beta},
        "status": {"S": account.status},
        "created_at": {"S": account.created_at},
        "passcodes": {"M": {passcode.passcode_id: _passcode_to_value(passcode) for passcode in account.passcodes}},
    }


def _data_points(item: Item) -> int:
    return Attributes("month's usage", item).whole("data_points")


def _passcode(passcode_id: str, value: Item) -> Passcode:
    digest = value["M"]["digest"]["S"]
    bytes.fromhex(digest)  # or ValueError
    name = value["M"]["name"]["S"] if "name" in value["M"] else UNNAMED
    return Passcode(passcode_id, digest, value["M"]["created_at"]["S"], name)


def _from_item(item: Item) -> Account:
    account = Attributes("account", item)
    passcodes = account.mapped("passcodes", _passcode)
    return Account(
        account_id=account.text("account_id"),
        name=account.text("name"),
        plan=account.one_of("plan", Plan),
        private_beta=account.flag("private_beta"),
        status=account.one_of("status", AccountStatus),
        created_at=account.moment("created_at"),
        passcodes=tuple(sorted(passcodes, key=lambda passcode: passcode.created_at)),
    )

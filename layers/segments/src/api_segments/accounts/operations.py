"""What the `accounts` function takes and gives about accounts; it is invoked directly, by those whom IAM lets."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool
from pydantic_core import PydanticCustomError

from api_segments.accounts.model import Account, AccountStatus
from api_segments.accounts.service import ACCOUNT_ID, AccountService
from api_segments.core.clock import Deadline
from api_segments.core.limits import MAX_PASSCODE_NAME_CHARACTERS
from api_segments.http.fields import Text
from api_segments.http.ids import check_text
from api_segments.http.tenant import UNNAMED, Plan


class Operation(BaseModel):
    """Something that the `accounts` function is asked for."""

    model_config = ConfigDict(extra="forbid")


def _check_account_id(value: object) -> object:
    if isinstance(value, str) and not ACCOUNT_ID.fullmatch(value):
        raise PydanticCustomError(
            "account_id", "must be 3 to 64 letters, digits or hyphens, and not begin with a hyphen"
        )
    return value


AccountId = Annotated[str, BeforeValidator(_check_account_id)]
PasscodeName = Annotated[str, BeforeValidator(lambda value: check_text(value, MAX_PASSCODE_NAME_CHARACTERS))]


class CreateAccount(Operation):
    """Create an account with one passcode. Without `account_id` one is made up."""

    operation: Literal["create_account"]
    name: Text
    plan: Plan
    private_beta: StrictBool = False
    account_id: AccountId | None = None
    passcode_name: PasscodeName = UNNAMED

    def run(self, accounts: AccountService, deadline: Deadline) -> dict[str, Any]:
        """Create it; the answer is the only place that ever shows the passcode."""
        account, passcode = accounts.create(
            self.name,
            self.plan,
            private_beta=self.private_beta,
            account_id=self.account_id,
            passcode_name=self.passcode_name,
            deadline=deadline,
        )
        return _answer(account, passcode)


class GetAccount(Operation):
    """Show an account."""

    operation: Literal["get_account"]
    account_id: AccountId

    def run(self, accounts: AccountService, deadline: Deadline) -> dict[str, Any]:
        """Show it."""
        return _answer(accounts.get(self.account_id, deadline))


class AddPasscode(Operation):
    """Add a passcode beside the one in use, to change over to it; two may live."""

    operation: Literal["add_passcode"]
    account_id: AccountId
    name: PasscodeName = UNNAMED

    def run(self, accounts: AccountService, deadline: Deadline) -> dict[str, Any]:
        """Add it; the answer is the only place that ever shows it."""
        account, passcode = accounts.add_passcode(self.account_id, self.name, deadline)
        return _answer(account, passcode)


class NamePasscode(Operation):
    """Give a passcode a name, which what it makes from then on bears."""

    operation: Literal["name_passcode"]
    account_id: AccountId
    passcode_id: Text
    name: PasscodeName

    def run(self, accounts: AccountService, deadline: Deadline) -> dict[str, Any]:
        """Name it."""
        return _answer(accounts.name_passcode(self.account_id, self.passcode_id, self.name, deadline))


class RevokePasscode(Operation):
    """Revoke a passcode by its id; it stops within the authorizer's cache time."""

    operation: Literal["revoke_passcode"]
    account_id: AccountId
    passcode_id: Text

    def run(self, accounts: AccountService, deadline: Deadline) -> dict[str, Any]:
        """Revoke it."""
        return _answer(accounts.revoke_passcode(self.account_id, self.passcode_id, deadline))


class SetPlan(Operation):
    """Set the plan and, if given, the private-beta flag."""

    operation: Literal["set_plan"]
    account_id: AccountId
    plan: Plan
    private_beta: StrictBool | None = None

    def run(self, accounts: AccountService, deadline: Deadline) -> dict[str, Any]:
        """Set it."""
        return _answer(accounts.set_plan(self.account_id, self.plan, self.private_beta, deadline))


class SetStatus(Operation):
    """Disable an account, or enable it again."""

    operation: Literal["disable_account", "enable_account"]
    account_id: AccountId

    def run(self, accounts: AccountService, deadline: Deadline) -> dict[str, Any]:
        """Set it."""
        status = AccountStatus.DISABLED if self.operation == "disable_account" else AccountStatus.ACTIVE
        return _answer(accounts.set_status(self.account_id, status, deadline))


AccountOperation = CreateAccount | GetAccount | AddPasscode | NamePasscode | RevokePasscode | SetPlan | SetStatus


def _answer(account: Account, passcode: str | None = None) -> dict[str, Any]:
    shown = {
        "account_id": account.account_id,
        "name": account.name,
        "plan": account.plan,
        "private_beta": account.private_beta,
        "status": account.status,
        "created_at": account.created_at,
        "passcodes": [
            {"passcode_id": known.passcode_id, "name": known.name, "created_at": known.created_at}
            for known in account.passcodes
        ],
    }
    answer: dict[str, Any] = {"status": "success", "account": shown}
    if passcode is not None:
        answer["passcode"] = {"passcode_id": account.passcodes[-1].passcode_id, "passcode": passcode}
    return answer

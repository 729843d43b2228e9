"""What the `accounts` function takes and gives; it is invoked directly, by those whom IAM lets."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, TypeAdapter

from segments.clock import Deadline
from segments.edge.bodies import Text
from segments.edge.campaign_operations import Declaration
from segments.edge.operations import AccountId, Operation
from segments.edge.requests import validate
from segments.model import Account, Plan, Status
from segments.services.accounts import AccountService
from segments.services.campaign_settings import CampaignSettingsService


class CreateAccount(Operation):
    """Create an account with one passcode. Without `account_id` one is made up."""

    operation: Literal["create_account"]
    name: Text
    plan: Plan
    private_beta: StrictBool = False
    account_id: AccountId | None = None

    def run(self, accounts: AccountService, deadline: Deadline) -> dict[str, Any]:
        """Create it; the answer is the only place that ever shows the passcode."""
        account, passcode = accounts.create(
            self.name, self.plan, private_beta=self.private_beta, account_id=self.account_id, deadline=deadline
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

    def run(self, accounts: AccountService, deadline: Deadline) -> dict[str, Any]:
        """Add it; the answer is the only place that ever shows it."""
        account, passcode = accounts.add_passcode(self.account_id, deadline)
        return _answer(account, passcode)


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
        status = Status.DISABLED if self.operation == "disable_account" else Status.ACTIVE
        return _answer(accounts.set_status(self.account_id, status, deadline))


_OPERATION: TypeAdapter[
    CreateAccount | GetAccount | AddPasscode | RevokePasscode | SetPlan | SetStatus | Declaration
] = TypeAdapter(
    Annotated[
        CreateAccount | GetAccount | AddPasscode | RevokePasscode | SetPlan | SetStatus | Declaration,
        Field(discriminator="operation"),
    ]
)


def run_operation(
    event: object, accounts: AccountService, settings: CampaignSettingsService, deadline: Deadline
) -> dict[str, Any]:
    """Carry out what a payload asks for; raises a SegmentsError."""
    operation = validate(_OPERATION, event, is_tagged=True)
    if isinstance(operation, Declaration):
        return operation.run(settings, deadline)
    return operation.run(accounts, deadline)


def _answer(account: Account, passcode: str | None = None) -> dict[str, Any]:
    shown = {
        "account_id": account.account_id,
        "name": account.name,
        "plan": account.plan,
        "private_beta": account.private_beta,
        "status": account.status,
        "created_at": account.created_at,
        "passcodes": [
            {"passcode_id": known.passcode_id, "created_at": known.created_at} for known in account.passcodes
        ],
    }
    answer: dict[str, Any] = {"status": "success", "account": shown}
    if passcode is not None:
        answer["passcode"] = {"passcode_id": account.passcodes[-1].passcode_id, "passcode": passcode}
    return answer

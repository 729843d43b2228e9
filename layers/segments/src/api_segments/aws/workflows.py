"""Executions of a state machine of Step Functions, by their names."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import UnavailableError

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

T = TypeVar("T")

_IS_THERE = "ExecutionAlreadyExists"
_IS_NOT_THERE = "ExecutionDoesNotExist"


class Workflows:
    """Starts executions of one state machine, stops them, and tells how they stand."""

    def __init__(self, client: "SFNClient", state_machine_arn: str) -> None:
        self._client = client
        self._arn = state_machine_arn

    def start(self, name: str, task: Mapping[str, object], deadline: Deadline) -> None:
        """Start an execution, unless there is one of that name, whatever came of it; raises UnavailableError.

        Names are remembered for 90 days (Step Functions API reference, StartExecution).
        """
        self._done(
            lambda: self._client.start_execution(stateMachineArn=self._arn, name=name, input=json.dumps(task)),
            _IS_THERE,
            deadline,
        )

    def stop(self, name: str, deadline: Deadline) -> None:
        """Stop an execution, if there is one of that name that runs; raises UnavailableError."""
        self._done(lambda: self._client.stop_execution(executionArn=self._named(name)), _IS_NOT_THERE, deadline)

    def status(self, name: str, deadline: Deadline) -> str | None:
        """Return the status of an execution, None if there is none of that name; raises UnavailableError.

        One that was started just now may not be there yet (Step Functions API reference, DescribeExecution).
        """
        found = self._done(
            lambda: self._client.describe_execution(executionArn=self._named(name)), _IS_NOT_THERE, deadline
        )
        return None if found is None else found["status"]

    def _named(self, name: str) -> str:
        return self._arn.replace(":stateMachine:", ":execution:", 1) + f":{name}"

    @staticmethod
    def _done(call: Callable[[], T], known: str, deadline: Deadline) -> T | None:
        """Return what a call answers, None if its error is the known one."""
        backoff = Backoff(deadline)
        while True:
            try:
                return call()
            except (ClientError, BotoCoreError) as exc:
                if isinstance(exc, ClientError) and exc.response["Error"]["Code"] == known:
                    return None
                if not backoff.wait():
                    raise UnavailableError("Step Functions did not take the call") from exc

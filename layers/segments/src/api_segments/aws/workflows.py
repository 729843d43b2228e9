"""Executions of a state machine of Step Functions, started and stopped by name."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from api_segments.core.clock import Backoff, Deadline
from api_segments.core.errors import UnavailableError

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient

_IS_THERE = "ExecutionAlreadyExists"
_IS_NOT_THERE = "ExecutionDoesNotExist"


class Workflows:
    """Starts executions of one state machine, and stops them."""

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
        arn = self._arn.replace(":stateMachine:", ":execution:", 1) + f":{name}"
        self._done(lambda: self._client.stop_execution(executionArn=arn), _IS_NOT_THERE, deadline)

    @staticmethod
    def _done(call: Callable[[], object], known: str, deadline: Deadline) -> None:
        backoff = Backoff(deadline)
        while True:
            try:
                call()
            except (ClientError, BotoCoreError) as exc:
                if isinstance(exc, ClientError) and exc.response["Error"]["Code"] == known:
                    return
                if not backoff.wait():
                    raise UnavailableError("Step Functions did not take the call") from exc
            else:
                return

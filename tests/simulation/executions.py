"""Step Functions, simulated: executions of the template's state machine, whose tasks are invocations of this world."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.dynamodb.errors import client_error
from tests.support.rights import FUNCTIONS_BY_NAME
from tests.support.workflows import Machine, TaskError

if TYPE_CHECKING:
    from tests.simulation.world import World

Json = Any


class StoppedError(Exception):
    """The execution was stopped."""


@dataclass
class Executions:
    """Executions by their names: their input, and how they stand."""

    world: "World"
    inputs: dict[str, str] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    loses: bool = False
    """Whether what is started never runs."""
    refuses: bool = False
    """Whether nothing can be started."""
    is_mute: bool = False
    """Whether nobody is told how executions end."""

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> Json:  # noqa: N803, A002 - boto3's own names
        assert stateMachineArn.endswith("stack-imports")
        if self.refuses:
            raise client_error("ThrottlingException", "")
        if name in self.inputs:
            raise client_error("ExecutionAlreadyExists", "")
        self.inputs[name], self.status[name] = input, "RUNNING"
        if not self.loses:
            self.world.spawn_loose(f"execution {name}", lambda: self._run(name), 0.01)
        return {}

    def stop_execution(self, executionArn: str) -> Json:  # noqa: N803 - boto3's own name
        name = executionArn.rpartition(":")[2]
        if name not in self.status:
            raise client_error("ExecutionDoesNotExist", "")
        if self.status[name] == "RUNNING":
            self.status[name] = "ABORTED"
        return {}

    def describe_execution(self, executionArn: str) -> Json:  # noqa: N803 - boto3's own name
        name = executionArn.rpartition(":")[2]
        if name not in self.status:
            raise client_error("ExecutionDoesNotExist", "")
        return {"status": self.status[name]}

    def _run(self, name: str) -> None:
        tasks = 0

        def invoke(function: str, task: Json, seconds: float) -> Json:
            nonlocal tasks
            tasks += 1
            if self.status[name] != "RUNNING":
                raise StoppedError
            folder, timeout = FUNCTIONS_BY_NAME[function]
            of = f"{name} {task['step']} {tasks}"
            outcome = self.world.invoke(folder, task, of, min(seconds, timeout))
            if self.world.random(of, "answer").random() < 0.05 and not self.world.mild:
                raise TaskError("Lambda.ServiceException", "the answer was lost")
            if outcome.error is not None:
                raise TaskError(type(outcome.error).__name__, str(outcome.error))
            if outcome.answer is None:
                raise TaskError("Lambda.Unknown")
            return json.loads(json.dumps(outcome.answer))

        machine = Machine("ImportWorkflow", invoke, self.world.pause, self._each)
        try:
            machine.run(json.loads(self.inputs[name]))
        except StoppedError:
            pass
        except TaskError as error:
            self.world.note(f"execution {name} failed: {error}")
            self.status[name] = "FAILED"
        else:
            self.status[name] = "SUCCEEDED"
        if self.status[name] != "SUCCEEDED":
            self.tell(name)

    def tell(self, name: str) -> None:
        """Hand on that an execution ended badly, as the rule in the template does."""
        if self.is_mute:
            return
        event = {"name": name, "status": self.status[name], "input": self.inputs[name]}
        self.world.invoke("apply_import", event, f"{name} told", 120.0)

    def _each(self, runs: Sequence[Callable[[], Json]], most: int) -> list[Json]:
        """Run the items of a map, so many side by side; the first error ends it, while others are still at work."""
        waiting = list(enumerate(runs))
        results: dict[int, Json] = {}
        errors: list[Exception] = []

        def work() -> None:
            while waiting and not errors:
                index, run = waiting.pop(0)
                try:
                    results[index] = run()
                except (TaskError, StoppedError) as error:
                    errors.append(error)

        helpers = [self.world.spawn(f"lane {lane}", work) for lane in range(min(most, len(runs)))]
        while not all(helper.ended for helper in helpers) and not errors:
            self.world.pause(0.05)
        if errors:
            raise errors[0]
        return [results[index] for index in range(len(runs))]

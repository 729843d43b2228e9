"""Runs a state machine as the template defines it: the states and fields that ours have (Amazon States Language)."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

from tests.support.template import resources

Json = Any
Invoke = Callable[[str, Json, float], Json]
"""Invokes a function by its name in the template, with an input and for so many seconds; raises TaskError."""


class TaskError(Exception):
    """A task failed: `name` is what Retry and Catch know the error by."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause


class Machine:
    """One state machine. `each` runs the items of a map: side by side, or one after the other."""

    def __init__(
        self,
        name: str,
        invoke: Invoke,
        pause: Callable[[float], object],
        each: Callable[[Sequence[Callable[[], Json]], int], list[Json]],
    ) -> None:
        properties = resources("AWS::Serverless::StateMachine")[name]
        functions = {
            variable: value["GetAtt"].removesuffix(".Arn")
            for variable, value in properties["DefinitionSubstitutions"].items()
            if "GetAtt" in value
        }
        self._functions = {f"${{{name}}}": value for name, value in functions.items()}
        self._definition = properties["Definition"]
        self._invoke = invoke
        self._pause = pause
        self._each = each

    def run(self, task: Json) -> Json:
        """Run an execution to its end; raises TaskError if it fails."""
        return self._run(self._definition, deepcopy(task))

    def _run(self, machine: Json, state: Json) -> Json:
        name = machine["StartAt"]
        while True:
            step = machine["States"][name]
            try:
                state, following = getattr(self, f"_{step['Type'].lower()}")(step, state)
            except TaskError as error:
                caught = self._caught(step, error)
                if caught is None:
                    raise
                _put(state, caught["ResultPath"], {"Error": error.name, "Cause": error.cause})
                following = caught["Next"]
            if following is None:
                return state
            name = following

    @staticmethod
    def _caught(step: Json, error: TaskError) -> Json | None:
        return next((each for each in step.get("Catch", ()) if _matches(each["ErrorEquals"], error)), None)

    def _task(self, step: Json, state: Json) -> tuple[Json, str | None]:
        sent = _filled(step["Parameters"], state, None) if "Parameters" in step else state
        return _ended(step, state, self._tried(step, sent, step.get("TimeoutSeconds", 930)))

    def _tried(self, step: Json, sent: Json, seconds: float) -> Json:
        tries: dict[int, int] = {}
        while True:
            try:
                return self._invoke(self._functions[step["Resource"]], deepcopy(sent), seconds)
            except TaskError as error:
                retries = enumerate(step.get("Retry", ()))
                index, rule = next(((i, r) for i, r in retries if _matches(r["ErrorEquals"], error)), (0, None))
                tries[index] = tries.get(index, 0) + 1
                if rule is None or tries[index] > rule["MaxAttempts"]:
                    raise
                self._pause(min(rule["IntervalSeconds"] * rule["BackoffRate"] ** (tries[index] - 1), 300))

    def _map(self, step: Json, state: Json) -> tuple[Json, str | None]:
        items = _at(step["ItemsPath"], state)
        processor = step["ItemProcessor"]
        assert processor["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
        sent = [_filled(step["ItemSelector"], state, item) for item in items]
        runs = [partial(self._run, processor, each) for each in sent]
        try:
            result = self._each(runs, step["MaxConcurrency"])
        except TaskError as error:
            raise TaskError("States.ExceedToleratedFailureThreshold", error.name) from error
        return _ended(step, state, result)

    @staticmethod
    def _choice(step: Json, state: Json) -> tuple[Json, str | None]:
        for choice in step["Choices"]:
            value = _at(choice["Variable"], state)
            if value == choice.get("StringEquals", choice.get("BooleanEquals")):
                return state, choice["Next"]
        return state, step["Default"]

    def _wait(self, step: Json, state: Json) -> tuple[Json, str | None]:
        self._pause(_at(step["SecondsPath"], state) if "SecondsPath" in step else step["Seconds"])
        return state, step["Next"]

    @staticmethod
    def _pass(step: Json, state: Json) -> tuple[Json, str | None]:
        return _ended(step, state, _at(step.get("InputPath", "$"), state))

    @staticmethod
    def _succeed(_step: Json, state: Json) -> tuple[Json, str | None]:
        return state, None

    @staticmethod
    def _fail(step: Json, _state: Json) -> tuple[Json, str | None]:
        raise TaskError(step["Error"], step["Cause"])


def _matches(names: Sequence[str], error: TaskError) -> bool:
    return error.name in names or "States.ALL" in names


def _ended(step: Json, state: Json, result: Json) -> tuple[Json, str | None]:
    path = step.get("ResultPath", "$")
    if path == "$":
        state = result
    elif path is not None:
        _put(state, path, result)
    if "OutputPath" in step and step["OutputPath"] is None:
        state = {}
    return state, None if step.get("End") else step["Next"]


def _filled(template: Json, state: Json, item: Json) -> Json:
    filled = {}
    for name, value in template.items():
        if name.endswith(".$"):
            filled[name.removesuffix(".$")] = item if value == "$$.Map.Item.Value" else _at(value, state)
        else:
            filled[name] = value
    return filled


def _at(path: str, state: Json) -> Json:
    for step in path.split(".")[1:]:
        state = state[step]
    return state


def _put(state: Json, path: str, value: Json) -> None:
    *steps, last = path.split(".")[1:]
    for step in steps:
        state = state[step]
    state[last] = value

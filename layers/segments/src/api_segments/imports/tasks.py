"""What the state machine asks of the functions, as JSON, and what it goes on with (template.yaml, ImportWorkflow)."""

import json
from collections.abc import Mapping
from typing import Any

from api_segments.core.clock import Deadline
from api_segments.imports.applying import ApplyingService, Piece
from api_segments.imports.exports import ExportingService
from api_segments.imports.model import Phase
from api_segments.imports.reading import ReadingService, Work
from api_segments.imports.steps import Steps
from api_segments.memberships.model import Action

Task = Mapping[str, Any]


def read(reading: ReadingService, task: Task, deadline: Deadline) -> dict[str, Any]:
    """Take a step of reading: what it returns is in the execution's state from then on."""
    of = (task["account_id"], task["import_id"])
    match task["step"]:
        case "split":
            plan = reading.split(*of, deadline)
            return {
                "parts": list(plan.parts),
                "buckets": list(plan.buckets),
                "walks": bool(plan.buckets),
                "keyed_by": plan.keyed_by,
                "reroutes": plan.reroutes,
            }
        case "reroute":
            reading.reroute(*of, task["part"], deadline)
        case "walk":
            reading.walk(*of, task["bucket"], task["keyed_by"], deadline)
        case "diff":
            reading.diff(*of, task["part"], walks=task["walks"], reroutes=task["reroutes"], deadline=deadline)
        case "preview":
            work = reading.preview(*of, deadline)
            return {"goes_on": False} if work is None else {"goes_on": True, **_work(work, Phase.APPLY)}
        case unknown:
            raise ValueError(f"there is no step {unknown}")
    return {}


def apply(applying: ApplyingService, task: Task, deadline: Deadline) -> dict[str, Any]:
    """Take a step of applying or undoing."""
    of = (task["account_id"], task["import_id"])
    phase = Phase(task["phase"])
    match task["step"]:
        case "begin":
            return _work(applying.begin(*of, phase, deadline), phase)
        case "change":
            piece = Piece(phase, Action(task["action"]), task["part"], task["after"], task["lanes"])
            after = applying.change(*of, piece, deadline)
            return {"goes_on": after is not None, "after": after or 0}
        case "finish":
            applying.finish(*of, phase, deadline)
            return {}
        case unknown:
            raise ValueError(f"there is no step {unknown}")


def fail(steps: Steps, exporting: ExportingService, task: Task, deadline: Deadline) -> bool:
    """End an import or an export whose execution failed, or ended in another bad way; return whether it failed now."""
    given = json.loads(task["input"]) if "input" in task else task  # an event of Step Functions has it as text
    if Phase(given["phase"]) is Phase.EXPORT:
        return exporting.fail(given["account_id"], given["import_id"], _why(task), deadline)
    return steps.fail(given["account_id"], given["import_id"], given["execution"], _why(task), deadline)


def _why(task: Task) -> str:
    if task.get("status") == "TIMED_OUT":
        return "it took too long, and was ended"
    error = task.get("error")
    name = error.get("Error") if isinstance(error, dict) else None
    return "a step failed" if name is None else f"a step failed ({name})"


def _work(work: Work, phase: Phase) -> dict[str, Any]:
    return {
        "phase": phase.value,
        "additions": list(work.additions),
        "removals": list(work.removals),
        "add_lanes": max(1, len(work.additions)),
        "remove_lanes": max(1, len(work.removals)),
    }

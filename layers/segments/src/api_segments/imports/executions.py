"""Executions of the state machine of imports: what each is given, and the name that its import or export has for it."""

from dataclasses import dataclass

from api_segments.aws.workflows import Workflows
from api_segments.core.clock import Deadline
from api_segments.imports.model import Export, Import, Phase


@dataclass(frozen=True, slots=True)
class Executions:
    """Starts what works on imports and exports; `delay_seconds` is how long the segment's lists may take to follow."""

    workflows: Workflows
    delay_seconds: int

    def start(self, of: Import | Export, deadline: Deadline) -> None:
        """Start what is to be at work now, unless it has been; raises UnavailableError."""
        phase, name = of.phase, of.execution
        if phase is None or name is None:
            raise ValueError(f"nothing is to be done for what is {of.status}")
        task = {
            "account_id": of.account_id,
            "import_id": of.export_id if isinstance(of, Export) else of.import_id,
            "phase": phase.value,
            "execution": name,
            "delay_seconds": self.delay_seconds,
        }
        self.workflows.start(name, task, deadline)

    def stop_reading(self, import_id: str, deadline: Deadline) -> None:
        """Stop what reads an import's file, if it is at work; raises UnavailableError."""
        self.workflows.stop(f"{import_id}-{Phase.READ}", deadline)

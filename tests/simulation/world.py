"""The stack, simulated: the real handlers, over tables in memory, on a clock and a network that the seed decides on."""

import json
import logging
import os
import random
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

import pytest

from api_segments.aws import clients
from api_segments.core import parallel
from api_segments.core.clock import SYSTEM_CLOCK
from api_segments.core.settings import Settings
from api_segments.http import observability
from functions.accounts.app import handler as accounts
from functions.apply_import.app import handler as apply_import
from functions.authorizer.app import handler as authorizer
from functions.campaigns.app import handler as campaigns
from functions.create_segment.app import handler as create_segment
from functions.imports.app import handler as imports
from functions.mail_feedback.app import handler as mail_feedback
from functions.manage_segments.app import app as manage_segments_app
from functions.manage_segments.app import handler as manage_segments
from functions.profiles.app import handler as profiles
from functions.project_members.app import handler as project_members
from functions.publish_changes.app import handler as publish_changes
from functions.publish_segments.app import handler as publish_segments
from functions.purge_segment.app import handler as purge_segment
from functions.read_import.app import handler as read_import
from functions.reconcile.app import handler as reconcile
from functions.replay.app import handler as replay
from functions.run_campaign.app import handler as run_campaign
from functions.send_messages.app import handler as send_messages
from functions.trigger_campaigns.app import handler as trigger_campaigns
from functions.unsubscribe.app import handler as unsubscribe
from functions.update_segment.app import handler as update_segment
from tests.simulation.bus import Bus, Queue, Sqs
from tests.simulation.executions import Executions
from tests.simulation.history import History, Moments
from tests.simulation.providers import Mail, Notifications, Schedules
from tests.simulation.scheduler import START, Killed, Scheduler, Task
from tests.simulation.weather import Fault, SimulatedClient, SimulatedS3, Weather, drawn
from tests.support.buckets import InMemoryS3
from tests.support.dynamodb import InMemoryDynamoDB
from tests.support.dynamodb.tables import Write
from tests.support.events import Context, Event
from tests.support.rights import Use, arn, named_in
from tests.support.side_by_side import SideBySideResolver
from tests.support.state import Tables
from tests.support.tables import create_tables
from tests.support.template import resources
from tests.support.wired import forget_services

T = TypeVar("T")

HANDLERS: dict[str, Callable[[Event, Any], Event | None]] = {
    "create_segment": create_segment,
    "update_segment": update_segment,
    "manage_segments": manage_segments,
    "profiles": profiles,
    "publish_changes": publish_changes,
    "project_members": project_members,
    "publish_segments": publish_segments,
    "purge_segment": purge_segment,
    "reconcile": reconcile,
    "replay": replay,
    "accounts": accounts,
    "authorizer": authorizer,
    "campaigns": campaigns,
    "run_campaign": run_campaign,
    "trigger_campaigns": trigger_campaigns,
    "send_messages": send_messages,
    "unsubscribe": unsubscribe,
    "mail_feedback": mail_feedback,
    "imports": imports,
    "read_import": read_import,
    "apply_import": apply_import,
}
QUEUES = {
    "purges": ("PURGE_QUEUE_URL", "PurgeQueue"),
    "reconciliations": ("RECONCILIATION_QUEUE_URL", "ReconciliationQueue"),
    "triggers": ("TRIGGER_QUEUE_URL", "TriggerQueue"),
    "campaigns": ("CAMPAIGN_QUEUE_URL", "CampaignQueue"),
    "messages": ("MESSAGE_QUEUE_URL", "MessageQueue"),
}
"""Queues by their address here: the variable that has it, and the queue in the template."""
NAMES = {
    "BUS_NAME": "bus",
    "FAILED_RECORDS_QUEUE_URL": "failed",
    "SET_ASIDE_RECORDS_QUEUE_URL": "set-aside",
    "CAMPAIGN_QUEUE_ARN": arn("sqs", "campaigns"),
    "CAMPAIGN_SCHEDULE_GROUP": "schedules",
    "SCHEDULER_ROLE_ARN": "scheduler's role",
    "CAMPAIGN_MESSAGES_PER_SECOND": "14",
    "CAMPAIGN_DELAY_SECONDS": "2",
    "MAIL_CONFIGURATION_SET": "mail",
    "IMPORTS_BUCKET": "imports",
    "IMPORT_WORKFLOW_ARN": arn("states", "stateMachine:stack-imports"),
    "IMPORT_ROWS_PER_SECOND": "20000",
    "IMPORT_DELAY_SECONDS": "4",
    "PUBLIC_URL": "https://api.example.com/live",
}
"""Further variables that functions read; each name of a resource is here once."""
LONGEST = START + 8 * 3600
"""By then everything must be quiet: the slowest thing is a message that fails and comes again after 12 minutes."""


@dataclass
class Process(Context):
    """One invocation of a function, and what Lambda tells it about itself."""

    world: "World"
    name: str
    function: str
    weather: Weather
    ends: float

    def get_remaining_time_in_millis(self) -> int:
        return int((self.ends - self.world.scheduler.now) * 1000)


@dataclass(frozen=True)
class Outcome:
    """What came of an invocation: an answer; or none, because it crashed (`error` None), ran out of time, or raised."""

    name: str
    answer: Event | None
    error: BaseException | None
    during: Moments
    weather: Weather
    out_of_time: bool = False


class OutOfTime(Killed):
    """Lambda ends the process: its time is over."""


class InlinePool:
    """Runs what would run side by side one after the other; processes still overlap with each other."""

    def submit(self, do: Callable[[T], object], value: T) -> "Future[object]":
        future: Future[object] = Future()
        try:
            future.set_result(do(value))
        except Exception as error:  # noqa: BLE001 - the future carries it
            future.set_exception(error)
        return future


@dataclass
class World:
    """One simulated stack. Everything that happens in it follows from `seed`; `mild` is without any fault."""

    seed: str
    mild: bool = False
    scheduler: Scheduler = field(default_factory=Scheduler)
    trace: list[str] = field(default_factory=list)
    is_over: bool = False
    """No client will send anything more."""
    readers: list[Callable[[], bool]] = field(default_factory=list)
    """Say whether a reader of a stream or a queue has nothing to do."""
    loose: int = 0
    """How many calls and deliveries are under way that nobody waits for."""
    began: dict[str, int] = field(default_factory=dict)
    """When each process began, by its name: how many writes there had been."""

    def __post_init__(self) -> None:
        stale = self.random("stale reads")
        self.db = InMemoryDynamoDB(lambda: self.scheduler.now, self._written, lambda: stale.random() < 0.5)
        self.environment = create_tables(self.db)  # type: ignore[arg-type]  # has what the function calls
        self.history = History({name: variable for variable, name in self.environment.items()})
        self.tables = Tables(self.db, self.environment)  # type: ignore[arg-type]  # as above
        self.queues = {
            url: Queue(lambda: self.scheduler.now, **queue_rules(queue)) for url, (_, queue) in QUEUES.items()
        }
        self.bus = Bus(self._hand_on)
        self.schedules, self.mail, self.notifications = Schedules(), Mail(), Notifications()
        self.s3, self.executions = InMemoryS3(), Executions(self)
        self.struck: set[Fault] = set()
        self.used: set[Use] = set()
        self.named: Mapping[str, str] = {}

    def random(self, *what: object) -> Random:
        """Return the dice of one thing; each thing has its own, so that one does not disturb another."""
        return Random(f"{self.seed}/{'/'.join(map(str, what))}")  # noqa: S311 - seeded on purpose

    def pause(self, seconds: float) -> None:
        """Wait; a process whose time is over does not come back."""
        self.scheduler.pause(seconds)
        assert self.scheduler.now < LONGEST, "this goes on for ever"
        process = self.scheduler.current().process
        if process is not None and self.scheduler.now >= process.ends:
            raise OutOfTime

    def process(self) -> Process:
        """Return the invocation that this code runs in."""
        process: Process = self.scheduler.current().process
        return process

    def spawn(self, name: str, work: Callable[[], object], after: float = 0.0) -> Task:
        """Start something that goes on by itself."""
        return self.scheduler.spawn(name, work, after)

    def spawn_loose(self, name: str, work: Callable[[], object], after: float) -> None:
        """Start something that nobody waits for; what it writes is put down to the process `name`."""
        self.loose += 1

        def do() -> None:
            work()
            self.loose -= 1

        self.spawn(name, do, after)

    def note(self, line: str) -> None:
        """Put a line into the trace."""
        self.trace.append(f"{self.scheduler.now - START:9.3f} {line}")

    def heal(self) -> None:
        """From now on nothing goes wrong."""
        self.mild = True

    def invoke(
        self, function: str, event: Event, name: str, seconds: float = 28.0, weather: Weather | None = None
    ) -> Outcome:
        """Run a function's handler in this task until it answers, raises, crashes or runs out of time."""
        task = self.scheduler.current()
        weather = weather or drawn(self.random(name), mild=self.mild)
        process = Process(self, name, function, weather, self.scheduler.now + seconds)
        first, answer, error, out_of_time = self.history.now, None, None, False
        self.began[name] = first
        task.process = process
        self.note(f"{name} starts {function}")
        try:
            answer = HANDLERS[function](event, process) or {}
        except OutOfTime:
            out_of_time = True
        except Killed:
            if self.scheduler.is_closing:
                raise
        except Exception as raised:  # noqa: BLE001 - Lambda takes whatever a function raises
            error = raised
        finally:
            task.process = None
            self.struck.update(weather.met)
        self.note(f"{name} ends: {'no answer' if answer is None else _short(answer)} {error or ''}")
        return Outcome(name, answer, error, Moments(first, self.history.now), weather, out_of_time)

    def run(self, work: Callable[[], T], name: str = "main") -> T:
        """Run one thing to its end, and whatever else is due by then."""
        results: list[T] = []
        self.scheduler.run(self.spawn(name, lambda: results.append(work())))
        return results[0]

    def _hand_on(self, detail: Event) -> None:
        for _ in range(self.random("rule", detail["Segment ID"]).choice([1, 1, 1, 2])):
            self.queues["purges"].send_message(QueueUrl="purges", MessageBody=json.dumps({"detail": detail}))

    def is_quiet(self) -> bool:
        """Whether nobody will send anything more, and all that was sent has been worked off."""
        is_waited_for = self.loose or any(queue.messages for queue in self.queues.values())
        return self.is_over and not is_waited_for and all(idle() for idle in self.readers)

    def _written(self, write: Write) -> None:
        task = self.scheduler.current_or_none()
        writer = "" if task is None else task.name if task.process is None else task.process.name
        self.history.add(write, writer)

    @contextmanager
    def installed(self) -> Iterator["World"]:
        """Put this world in the place of AWS, the clock and chance; end all that still goes on at the end."""
        chance = self.random("chance")
        with pytest.MonkeyPatch.context() as patch:
            urls = {variable: url for url, (variable, _) in QUEUES.items()}
            unused = {name.upper(): "unused" for name in Settings.__dataclass_fields__}
            for name, value in {**unused, **self.environment, **NAMES, **urls}.items():
                patch.setenv(name, value)
            self.named = named_in(os.environ)
            patch.setattr(clients, "dynamodb_client", lambda: SimulatedClient(self, self.db))
            patch.setattr(clients, "retrying_dynamodb_client", lambda: SimulatedClient(self, self.db))
            patch.setattr(clients, "events_client", lambda: SimulatedClient(self, self.bus))
            patch.setattr(clients, "sqs_client", lambda: SimulatedClient(self, Sqs(self.queues)))
            patch.setattr(clients, "scheduler_client", lambda: SimulatedClient(self, self.schedules))
            patch.setattr(clients, "sesv2_client", lambda: SimulatedClient(self, self.mail))
            patch.setattr(clients, "s3_client", lambda: SimulatedS3(self, self.s3))
            patch.setattr(clients, "stepfunctions_client", lambda: SimulatedClient(self, self.executions))
            patch.setattr(clients, "sns_client", lambda: SimulatedClient(self, self.notifications))
            patch.setattr(manage_segments_app, "__class__", SideBySideResolver)
            patch.setattr(parallel, "_POOL", InlinePool())
            patch.setattr(SYSTEM_CLOCK, "now", lambda: datetime.fromtimestamp(self.scheduler.now, UTC))
            patch.setattr(SYSTEM_CLOCK, "monotonic", lambda: self.scheduler.now)
            patch.setattr(SYSTEM_CLOCK, "sleep", self.pause)
            patch.setattr(os, "urandom", chance.randbytes)  # uuid
            patch.setattr(random, "_urandom", chance.randbytes)  # secrets, Backoff
            # One invocation's line, and here are many at once; nobody reads the logs of thousands of runs.
            patch.setattr(observability.metrics.provider, "add_metric", lambda **_: None)
            patch.setattr(observability.metrics.provider, "flush_metrics", lambda **_: None)
            logging.disable()
            forget_services()
            try:
                yield self
            finally:
                self.scheduler.close()
                forget_services()
                logging.disable(logging.NOTSET)


def queue_rules(name: str) -> dict[str, Any]:
    """Read the rules of a queue in the template."""
    queue = resources("AWS::SQS::Queue")[name]
    return {"visibility": queue["VisibilityTimeout"], "most_receives": queue["RedrivePolicy"]["maxReceiveCount"]}


def _short(answer: Event) -> str:
    if "statusCode" in answer:
        return f"{answer['statusCode']} {answer['body'][:160]}"
    return str(answer)

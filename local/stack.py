"""The whole stack on one machine for as long as a `with` block lasts: emulator, deployment, subscriber, account."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from api_segments_client import Client
from local import sam
from local.aws import session
from local.emulator import running_emulator
from local.environment import REGION, LocalError
from local.progress import step
from local.providers import set_up_providers
from local.samples import put_samples
from local.subscriber import SOURCE, subscribe
from local.webhook_receiver import running_receiver

STAGE = "live"
QUEUE_NAME = "api-segments-events"
CAMPAIGN_PARAMETERS = {"CampaignMessagesPerSecond": "100", "CampaignDelaySeconds": "2"}
"""Faster than the emulator, so nothing waits for a provider's pace; its lists of members follow within two seconds."""
IMPORT_PARAMETERS = {"ImportDelaySeconds": "2"}
NOT_EMULATED = {"EventArchiveDays": "0", "RegisterEventSchemas": "false"}


@dataclass(frozen=True)
class Account:
    """An account and a passcode of it."""

    account_id: str
    passcode: str

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that authenticate it."""
        return {"X-CleverTap-Account-Id": self.account_id, "X-CleverTap-Passcode": self.passcode}


@dataclass(frozen=True)
class Stack:
    """All that a client, a test or a tool needs to know of a running stack."""

    api_url: str
    account_id: str
    passcode: str
    endpoint_url: str
    region: str
    bus_name: str
    events_queue_url: str
    webhook_origin: str
    push_applications: Mapping[str, str]
    mail_feedback_topic_arn: str
    tables: Mapping[str, str]
    functions: Mapping[str, str]
    pid: int

    @property
    def account(self) -> Account:
        """Return the demo account."""
        return Account(self.account_id, self.passcode)

    def client(self) -> Client:
        """Return a client of the demo account; to be closed."""
        return Client(self.api_url, self.account_id, self.passcode)

    def save(self, path: Path) -> None:
        """Write it as JSON, readable by its owner only; a reader of `path` sees all of it or nothing."""
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=2)
        part.replace(path)


@contextmanager
def running_stack(
    state: Path, console: Console, port: int | None = None, parameters: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Start, deploy and subscribe; yield the stack; stop everything at the end, whatever happens.

    `state` is an existing, empty directory for builds and logs; `parameters` are the template's.
    """
    sam.require_tools()
    with ExitStack() as ending:
        webhook_origin = ending.enter_context(running_receiver())
        with step(console, "starting MiniStack, the AWS emulator"):
            emulator = ending.enter_context(running_emulator(state, port))
        with step(console, "building the functions and their layer (sam build)") as tell:
            template = sam.build(state, tell)
        with step(console, "deploying template.yaml (sam deploy)") as tell:
            resources = sam.deploy(
                state,
                template,
                emulator,
                {**CAMPAIGN_PARAMETERS, **IMPORT_PARAMETERS, **NOT_EMULATED, **(parameters or {})},
                tell,
            )
            apply_gateway_responses(emulator.endpoint_url, resources["Api"], template)
        with step(console, "subscribing a queue to the bus and creating accounts"):
            bus_name = resources["ChangeBus"]
            queue_url = subscribe(emulator.endpoint_url, bus_name, QUEUE_NAME, {"source": [SOURCE]})
            functions = _named(resources, "Function")
            let_webhooks_call(emulator.endpoint_url, functions, webhook_origin)
            account = create_account(emulator.endpoint_url, functions["accounts"], "Demo shop")
            push_applications = set_up_providers(emulator.endpoint_url)
            put_samples(emulator.endpoint_url, resources["AccountsTable"], resources["SegmentsTable"])
        yield Stack(
            api_url=f"{emulator.endpoint_url}/_aws/execute-api/{resources['Api']}/{STAGE}",
            account_id=account.account_id,
            passcode=account.passcode,
            endpoint_url=emulator.endpoint_url,
            region=REGION,
            bus_name=bus_name,
            events_queue_url=queue_url,
            webhook_origin=webhook_origin,
            push_applications=push_applications,
            mail_feedback_topic_arn=resources["MailFeedbackTopic"],
            tables=_named(resources, "Table"),
            functions=functions,
            pid=os.getpid(),
        )


def create_account(
    endpoint_url: str, function: str, name: str, plan: str = "Advanced", *, private_beta: bool = True
) -> Account:
    """Create an account by invoking the deployed `accounts` function; return it with its passcode."""
    request = {"operation": "create_account", "name": name, "plan": plan, "private_beta": private_beta}
    payload = invoke(endpoint_url, function, request)
    try:
        return Account(payload["account"]["account_id"], payload["passcode"]["passcode"])
    except (KeyError, TypeError) as exc:
        raise LocalError(f"the accounts function did not create an account, it answered {payload}") from exc


def invoke(endpoint_url: str, function: str, payload: object) -> Any:  # noqa: ANN401 - JSON
    """Invoke a deployed function and return what it answered."""
    client = session().client("lambda", endpoint_url=endpoint_url)
    return json.loads(client.invoke(FunctionName=function, Payload=json.dumps(payload))["Payload"].read())


def let_webhooks_call(endpoint_url: str, functions: Mapping[str, str], origin: str) -> None:
    """Let the functions of campaigns call webhooks at `origin`, a server of this machine; on AWS no stack may."""
    client = session().client("lambda", endpoint_url=endpoint_url)
    for name in ("accounts", "send_messages"):
        variables = dict(client.get_function_configuration(FunctionName=functions[name])["Environment"]["Variables"])
        variables["WEBHOOK_TEST_ORIGIN"] = origin
        client.update_function_configuration(FunctionName=functions[name], Environment={"Variables": variables})


def apply_gateway_responses(endpoint_url: str, api_id: str, template: Path) -> None:
    """Give the deployed API the template's GatewayResponses, which MiniStack does not take from it."""
    api = yaml.safe_load(template.read_text())["Resources"]["Api"]["Properties"]
    client = session().client("apigateway", endpoint_url=endpoint_url)
    for kind, response in api["GatewayResponses"].items():
        headers = response["ResponseParameters"]["Headers"]
        client.put_gateway_response(
            restApiId=api_id,
            responseType=kind,
            statusCode=str(response["StatusCode"]),
            responseParameters={f"gatewayresponse.header.{name}": value for name, value in headers.items()},
            responseTemplates=response["ResponseTemplates"],
        )
    client.create_deployment(restApiId=api_id, stageName=STAGE)


def logical_id(function: str) -> str:
    """Return the function's name in the template: `CreateSegmentFunction` for `create_segment`."""
    return f"{function.title().replace('_', '')}Function"


def _named(resources: Mapping[str, str], kind: str) -> dict[str, str]:
    """Return the resources whose names end in `kind`, by the rest: `create_segment` for `CreateSegmentFunction`."""
    return {
        re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix(kind)).lower(): value
        for name, value in resources.items()
        if name.endswith(kind)
    }

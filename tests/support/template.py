"""Reads template.yaml as data, so that tests use the tables and functions that are deployed."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

# Functions that are invoked by no request, by what they read.
MEMBERSHIPS_READERS = ("PublishChangesFunction", "ProjectMembersFunction")
STREAMS = dict.fromkeys(MEMBERSHIPS_READERS, "MembershipsTable.StreamArn") | {
    "PublishSegmentsFunction": "SegmentsTable.StreamArn"
}
STREAM_READERS = tuple(STREAMS)
QUEUE_READERS = ("PurgeSegmentFunction", "RunCampaignFunction", "ReconcileFunction")
BATCH_READERS = ("TriggerCampaignsFunction", "SendMessagesFunction")
"""Read queues too, many messages at a time, and say which of them are to come again."""


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms: `!Ref X` becomes {"Ref": "X"}."""


def _short_form(loader: _Loader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    raise TypeError(f"unexpected {node!r}")


_Loader.add_multi_constructor("!", _short_form)


@cache
def load(path: Path = ROOT / "template.yaml") -> dict[str, Any]:
    template: dict[str, Any] = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a SafeLoader
    return template


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of one type, by logical name."""
    return {name: resource["Properties"] for name, resource in load()["Resources"].items() if resource["Type"] == kind}


def layers_of(function: str) -> list[str]:
    """Return the logical names of the layers that the function of that folder has, in their order."""
    of_all = load()["Globals"]["Function"]["Layers"]
    code = f"functions/{function}"
    (own,) = (one for one in resources("AWS::Serverless::Function").values() if one["CodeUri"] == code)
    return [layer["Ref"] for layer in (*of_all, *own.get("Layers", ()))]


def role_of(function: str) -> dict[str, Any]:
    """Return the role of a function, by the function's logical name."""
    role = resources("AWS::Serverless::Function")[function]["Role"]["GetAtt"].removesuffix(".Arn")
    return resources("AWS::IAM::Role")[role]


def statements(function: str) -> list[Any]:
    """Return what a function's own role lets it do, statement by statement."""
    return [
        statement
        for policy in role_of(function).get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def texts(value: Any) -> Iterator[str]:
    """Return all texts in a value of the template, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def actions(statement: Any) -> list[str]:
    """Return what a statement allows or denies."""
    return list(texts(statement["Action"]))

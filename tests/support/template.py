"""Reads template.yaml as data, so that tests use the tables and functions that are deployed."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


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

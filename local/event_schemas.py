"""Write the events' schemas where others read them: `make events`.

In docs/events for validators, a file a kind of event, and in event_schemas.yaml for EventBridge's registry, which the
template deploys as a stack within the stack.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from api_segments.aws.events import SOURCE, EventKind
from api_segments.site.webhooks import EVENTS
from local.environment import ROOT

FILES = ROOT / "docs" / "events"
REGISTRY = ROOT / "event_schemas.yaml"
DRAFT_4, DRAFT_7 = "http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-07/schema#"

Json = dict[str, Any]


def files() -> dict[Path, str]:
    """Return what is to be written, by path."""
    schemas = {FILES / f"{kind.title}.json": _pretty({"$schema": DRAFT_7, **kind.schema()}) for kind in EVENTS}
    return {**schemas, REGISTRY: _registry()}


def _registry() -> str:
    """Return the template of the registry: CloudFormation takes schemas as text, in draft 4."""
    registry = {"RegistryName": {"Ref": "RegistryName"}, "Description": "Events of API Segments"}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The schemas of API Segments' events, for EventBridge's registry. Written by `make events`.",
        "Parameters": {"RegistryName": {"Type": "String", "MaxLength": 64}},
        "Resources": {
            "Registry": {"Type": "AWS::EventSchemas::Registry", "Properties": registry},
            **{kind.title: {"Type": "AWS::EventSchemas::Schema", "Properties": _entry(kind)} for kind in EVENTS},
        },
    }
    return yaml.safe_dump(template, sort_keys=False, width=10**6)


def _entry(kind: EventKind) -> Json:
    return {
        "RegistryName": {"Fn::GetAtt": ["Registry", "RegistryName"]},
        "SchemaName": f"{SOURCE}@{kind.title}",  # as EventBridge itself names what it discovers
        "Type": "JSONSchemaDraft4",
        "Description": kind.description,
        "Content": json.dumps({"$schema": DRAFT_4, **kind.schema()}, separators=(",", ":")),
    }


def _pretty(value: Json) -> str:
    return json.dumps(value, indent=2) + "\n"


def main() -> None:
    """Write them all."""
    FILES.mkdir(exist_ok=True)
    for path in set(FILES.glob("*.json")) - files().keys():
        path.unlink()
    for path, content in files().items():
        path.write_text(content)
        print(f"written: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

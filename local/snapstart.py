"""Let Lambda start what people wait for from snapshots: `make deploy SNAPSTART=on` deploys what this makes.

SnapStart works on published versions alone, so on functions with an alias, and SAM can't make an alias conditional. One
that is always there would also keep a function on an old version when a parameter alone changes. So the template has
none; this adds them to what `sam build` made, with the parameters' values in each version's description: where one of
them changes, CloudFormation publishes a new version.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local.environment import ROOT

Json = Any

ALIAS = "live"
WAITED_FOR = (
    "AuthorizerFunction",
    "CreateSegmentFunction",
    "UpdateSegmentFunction",
    "ManageSegmentsFunction",
    "ProfilesFunction",
)
"""A request waits for two of them: the authorizer and its own."""


def with_snapstart(template: Mapping[str, Json]) -> dict[str, Json]:
    """Return the built template with a published version, an alias and SnapStart for each function waited for."""
    resources = dict(template["Resources"])
    for name in WAITED_FOR:
        resource = resources[name]
        own = {
            "AutoPublishAlias": ALIAS,
            "AutoPublishAliasAllProperties": True,
            "SnapStart": {"ApplyOn": "PublishedVersions"},
            "VersionDescription": {"Fn::Sub": _parameters(template)},
        }
        resources[name] = {**resource, "Properties": {**resource["Properties"], **own}}
    return {**template, "Resources": _through_alias(resources)}


def _parameters(template: Mapping[str, Json]) -> str:
    """Return a text of the values of all parameters that functions are given."""
    functions = str(template["Globals"]["Function"])
    return " ".join(f"${{{name}}}" for name in template["Parameters"] if f"'Ref': '{name}'" in functions)


def _through_alias(value: Json) -> Json:
    """Return a part of the template in which the API asks the authorizer by its alias."""
    if isinstance(value, dict):
        return {
            key: {"Ref": "AuthorizerFunction.Alias"} if key == "FunctionArn" else _through_alias(inner)
            for key, inner in value.items()
        }
    return [_through_alias(inner) for inner in value] if isinstance(value, list) else value


def main(arguments: list[str]) -> None:
    """Write what is made of the built template beside it, or of the one named first."""
    built = Path(arguments[0]) if arguments else ROOT / ".aws-sam" / "build" / "template.yaml"
    made = built.with_name("snapstart.yaml")
    made.write_text(yaml.safe_dump(with_snapstart(yaml.safe_load(built.read_text())), sort_keys=False))
    print(made)


if __name__ == "__main__":
    main(sys.argv[1:])

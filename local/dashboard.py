"""Draw the figures that matter of a deployed stack as a CloudWatch dashboard: `make dashboard STACK=api-segments`.

docs/dashboard.json is the dashboard, with names of the template in place of the stack's: `${UpdateSegmentFunction}`.
CloudWatch finds no function by a part of its name for certain, so the names are looked up and filled in here.
"""

import sys
from collections.abc import Mapping
from string import Template

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.environment import ROOT

DASHBOARD = ROOT / "docs" / "dashboard.json"


class Names(Template):
    """Takes CloudFormation's own names too: `${AWS::Region}`."""

    braceidpattern = r"[A-Za-z0-9:]+"


def filled_in(text: str, stack_name: str, region: str, resources: Mapping[str, str]) -> str:
    """Return the dashboard's body, names of the template replaced; raises KeyError for one that the stack lacks."""
    # SQS's metrics know a queue by its name, the stack by its address.
    named = {name: value.rpartition("/")[2] if name.endswith("Queue") else value for name, value in resources.items()}
    return Names(text).substitute({**named, "AWS::StackName": stack_name, "AWS::Region": region})


def put(stack_name: str) -> str:
    """Put the dashboard of the stack, under the stack's name, and return its address in the console."""
    session = boto3.Session()
    pages = session.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_name)
    found = [each for page in pages for each in page["StackResourceSummaries"]]
    resources = {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in found}
    region = session.region_name or ""
    body = filled_in(DASHBOARD.read_text(), stack_name, region, resources)
    session.client("cloudwatch").put_dashboard(DashboardName=stack_name, DashboardBody=body)
    return f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#dashboards/dashboard/{stack_name}"


def main(arguments: list[str]) -> int:
    """Put the dashboard of the stack named first, and say where it is."""
    stack_name = arguments[0] if arguments else "api-segments"
    try:
        print(put(stack_name))
    except (BotoCoreError, ClientError) as exc:
        print(f"error: {exc} (region: {boto3.Session().region_name or 'none; set AWS_REGION'})", file=sys.stderr)
        return 1
    except KeyError as exc:
        print(f"error: the stack {stack_name} has no {exc}; is it of this version?", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

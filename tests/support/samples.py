"""What each function answers to its sample event, on a stack that holds what the samples name (local/samples.py)."""

import json
from collections.abc import Mapping
from typing import Any

from local.samples import ACCOUNT_ID
from tests.support.template import ROOT

FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
TAKEN_IN: Mapping[str, object] = {"batchItemFailures": []}
ANSWERS: Mapping[str, object] = {
    **dict.fromkeys(("publish_changes", "project_members", "publish_segments"), TAKEN_IN),
    **dict.fromkeys(("trigger_campaigns", "send_messages"), TAKEN_IN),
    **dict.fromkeys(("purge_segment", "run_campaign", "mail_feedback"), None),
    # No stack knows the import of the samples: nothing is read or ended.
    "read_import": {"goes_on": False},
    "apply_import": {},
}
"""The whole answer of functions that have one of few."""
STATUSES: Mapping[str, tuple[int, ...]] = {
    "campaigns": (200,),
    # The second time its customer id is taken.
    "create_segment": (200, 409),
    "dashboard": (200,),
    "imports": (200,),
    # Its user is there after the sample of `profiles` or of `update_segment`.
    "manage_segments": (200, 404),
    "profiles": (200,),
    # Only a stack that made the link knows it.
    "unsubscribe": (404,),
    "update_segment": (200,),
}


def assert_answer_to_sample(function: str, payload: Any) -> None:
    if function in ANSWERS:
        assert payload == ANSWERS[function]
    elif function == "authorizer":
        assert payload["context"]["account_id"] == ACCOUNT_ID
        assert [statement["Effect"] for statement in payload["policyDocument"]["Statement"]] == ["Allow"]
    elif function in STATUSES:
        assert payload["statusCode"] in STATUSES[function], payload
        if function == "update_segment":
            body = json.loads(payload["body"])
            assert (body["status"], body["processed"], body["unprocessed"]) == ("success", 4, [])
    else:
        assert payload["status"] == "success"

"""Events are as their schemas say, under names that rules can use, and fit into PutEvents."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import jsonschema_rs
import pytest

from api_segments.aws.event_bus import PUT_EVENTS_BYTES, PUT_EVENTS_ENTRIES, EventBus, size_of
from api_segments.aws.events import BusEvent, EventKind, full_detail, plain_name
from api_segments.campaigns.model import CampaignEventName
from api_segments.core.clock import Deadline
from api_segments.memberships.events import MEMBERSHIP_CHANGE
from api_segments.segments.model import SegmentEventName
from api_segments.site.openapi import document
from api_segments.site.webhooks import EVENTS
from local.event_schemas import REGISTRY, files
from tests.support.event_schemas import KINDS, assert_described
from tests.support.events import sample
from tests.support.template import ROOT, load

Json = Any

NOW = datetime(2026, 11, 23, 14, 13, 54, tzinfo=UTC)
TEMPLATE = load()["Resources"]

each_kind = pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.title)


def test_every_kind_of_event_is_described_once() -> None:
    assert len(KINDS) == len(EVENTS)
    assert KINDS.keys() >= {*SegmentEventName, *CampaignEventName}
    made = "\n".join(path.read_text() for path in (ROOT / "layers/segments/src").rglob("events.py"))
    written = re.findall(r"return BusEvent\(\s*([\w.]+)", made)
    assert len(written) == 6  # a change; a segment's life; an import's end; an export's; a campaign's life; a message


def test_the_files_are_what_the_code_says() -> None:
    for path, content in files().items():
        assert path.read_text() == content, "make events"
    assert {path.name for path in (ROOT / "docs" / "events").iterdir()} == {f"{kind.title}.json" for kind in EVENTS}


def test_the_pages_sample_of_a_change_has_every_field_under_both_names() -> None:
    script = (ROOT / "functions/dashboard/page/campaigns/step_content.js").read_text("utf-8")
    (written,) = re.findall(r"function sampleEvent\(\) \{.*?const detail = \{\n(.*?)\n    \};", script, re.DOTALL)
    names = [quoted or bare for quoted, bare in re.findall(r'^ {6}(?:"([^"]+)"|(\w+)): ', written, re.MULTILINE)]
    schema = KINDS[MEMBERSHIP_CHANGE].detail_schema()
    assert {*schema["required"]} <= {*names, *map(plain_name, names)} <= schema["properties"].keys()


@each_kind
def test_a_schema_means_the_same_in_every_draft(kind: EventKind) -> None:
    example = kind.example()
    for validator in (
        jsonschema_rs.Draft4Validator,
        jsonschema_rs.Draft7Validator,
        jsonschema_rs.Draft202012Validator,
    ):
        takes = validator(kind.schema(), validate_formats=True).is_valid
        assert takes(example)
        for name in kind.detail_schema()["required"]:
            assert not takes(
                {**example, "detail": {key: example["detail"][key] for key in example["detail"].keys() - {name}}}
            )
        for name, value in example["detail"].items():
            assert not takes({**example, "detail": {**example["detail"], name: [value]}}), name


@each_kind
def test_only_who_and_which_may_be_null(kind: EventKind) -> None:
    takes = jsonschema_rs.Draft7Validator(kind.detail_schema()).is_valid
    detail = kind.example()["detail"]
    nullable = {name for name in detail if takes({**detail, name: None})}
    assert nullable == {"Identity", "Customer_Segment_ID"} & detail.keys()


@each_kind
def test_each_value_has_a_name_without_spaces(kind: EventKind) -> None:
    detail = kind.example()["detail"]
    for name, value in detail.items():
        twin = detail[name.replace(" ", "_")]
        assert twin == value or (" " in name and (type(value), twin) == (int, str(value)))


@each_kind
def test_each_field_says_what_it_is(kind: EventKind) -> None:
    for name, described in {**kind.schema()["properties"], **kind.detail_schema()["properties"]}.items():
        assert described["description"], name


def test_the_registry_has_each_schema_as_the_stack_deploys_it() -> None:
    assert TEMPLATE["EventSchemas"]["Properties"]["TemplateURL"] == REGISTRY.name
    template = load(REGISTRY)
    resources, (parameter,) = template["Resources"], template["Parameters"].values()
    assert parameter["MaxLength"] == 64  # EventBridge Schemas API: a registry's name; a stack's has up to 128
    registered = {name: each["Properties"] for name, each in resources.items() if name != "Registry"}
    assert registered.keys() == {kind.title for kind in EVENTS}
    for kind in EVENTS:
        entry = registered[kind.title]
        assert (entry["SchemaName"], entry["Type"]) == (f"api-segments@{kind.title}", "JSONSchemaDraft4")
        content = json.loads(entry["Content"])
        assert jsonschema_rs.Draft4Validator(content).is_valid(kind.example())
        assert len(entry["Content"]) < 100_000


def test_openapi_has_each_event_as_a_webhook() -> None:
    described = document(".")
    assert described["webhooks"].keys() == {kind.title for kind in EVENTS}
    for kind in EVENTS:
        body = described["webhooks"][kind.title]["post"]["requestBody"]["content"]["application/json"]
        schema = {**body["schema"], "components": described["components"]}
        assert jsonschema_rs.Draft202012Validator(schema).is_valid(body["example"])


def test_the_page_of_events_shows_events_as_they_are() -> None:
    page = (ROOT / "docs" / "events.md").read_text()
    details = [
        json.loads(block) for block in re.findall(r"^```json\n(\{\"Version\".+?)^```", page, re.MULTILINE | re.DOTALL)
    ]
    sent = [kind.example()["detail"] for kind in EVENTS]
    for shown in details:
        assert shown in [{name: full[name] for name in shown if name in full} for full in sent]
    assert len(details) == 6


def test_the_archive_keeps_all_but_messages_and_can_be_switched_off() -> None:
    archive = TEMPLATE["EventArchive"]
    assert archive["Condition"] == "KeepsEvents"
    assert archive["Properties"]["RetentionDays"] == {"Ref": "EventArchiveDays"}
    assert archive["Properties"]["EventPattern"]["detail-type"] == [{"anything-but": "Message Requested"}]
    assert "Message Requested" in KINDS
    parameter = load()["Parameters"]["EventArchiveDays"]
    assert (parameter["Default"], parameter["MinValue"]) == (30, 0)


@dataclass
class Recording:
    """EventBridge's client, with its two limits; takes of the first call what `taken` says."""

    calls: list[list[Json]] = field(default_factory=list)
    refused_once: set[str] = field(default_factory=set)

    def put_events(self, Entries: list[Json]) -> Json:  # noqa: N803 - boto3's own name
        assert 1 <= len(Entries) <= PUT_EVENTS_ENTRIES
        assert sum(map(size_of, Entries)) <= PUT_EVENTS_BYTES or len(Entries) == 1
        self.calls.append(Entries)
        results = []
        for entry in Entries:
            was_refused = entry["Detail"] in self.refused_once
            self.refused_once.discard(entry["Detail"])
            results.append({"ErrorCode": "ThrottlingException"} if was_refused else {"EventId": "1"})
        return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}


def put(client: Recording, *details: Json) -> set[int]:
    bus = EventBus(cast("Any", client), "bus")
    return bus.put([BusEvent("Message Requested", detail, NOW) for detail in details], Deadline.after(60))


@pytest.mark.parametrize("letter", ["a", "ü", "😀", '"', "\n"])
def test_calls_are_cut_by_bytes_as_well_as_by_ten(letter: str) -> None:
    client = Recording()
    details = [{"Content": letter * (4096 * size), "N": size} for size in (1, 3, 5, 7, 9, 11, 13, 2, 4, 6, 8, 10, 12)]
    assert put(client, *details) == set()
    sent = [json.loads(entry["Detail"])["N"] for call in client.calls for entry in call]
    assert sorted(sent) == list(range(1, 14))


def test_small_events_go_in_tens() -> None:
    client = Recording()
    assert put(client, *({"N": index} for index in range(25))) == set()
    assert sorted(map(len, client.calls)) == [5, 10, 10]


def test_what_is_sent_again_is_the_same_to_the_byte() -> None:
    client = Recording()
    refused = json.dumps(full_detail({"Event ID": "b", "ä": "ö"}), ensure_ascii=False)
    client.refused_once = {refused}
    assert put(client, {"Event ID": "a"}, {"Event ID": "b", "ä": "ö"}) == set()
    (first, second) = client.calls
    assert second == [first[1]]


def test_the_bytes_of_an_entry_are_counted_as_eventbridge_counts_them() -> None:
    entry: Json = {"EventBusName": "any", "Source": "ab", "DetailType": "ü", "Time": NOW, "Detail": "{}😀"}
    assert size_of(entry) == 14 + 2 + 2 + 6


def test_a_detail_that_a_schema_does_not_name_is_found() -> None:
    detail = KINDS["Segment Created"].example()["detail"]
    assert_described("Segment Created", detail)
    with pytest.raises(AssertionError):
        assert_described("Segment Created", {**detail, "New": 1})
    with pytest.raises(AssertionError):
        assert_described("Segment Created", {**detail, "Occurred At": "yesterday"})


def test_the_sample_of_a_trigger_is_an_event_as_it_is_sent() -> None:
    (record,) = sample("trigger_campaigns")["Records"]
    told = json.loads(record["body"])
    assert_described(told["detail-type"], told["detail"])

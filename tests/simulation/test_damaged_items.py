"""Damage to one attribute of one item: of every kind of item, each attribute missing, of another type, or garbled.

No call breaks by it: lists answer without the item, whoever decides says 503 or comes again, and it is told. What is
not damaged stays as it would be, whoever writes.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from api_segments.core.errors import UnavailableError
from api_segments.http.streams import HAS_UNREADABLE, IS_REPLAY
from api_segments.memberships.store_rows import RowStore
from tests.simulation.damaging import (
    ACCOUNT,
    ANONYMOUS,
    EMAILS,
    FRESH,
    LEFT,
    MEMBER,
    OPTED_OUT,
    Call,
    Shop,
    changes_event,
    is_told,
    messages_event,
)
from tests.simulation.world import Outcome
from tests.support.events import body_of, sample
from tests.support.headers import authorizer_event
from tests.support.state import assert_projected
from tests.support.uploads import profile

Json = Any
Item = dict[str, Any]

KEYS = {"account_id", "sk", "pk", "id"}
MAY_LACK = {
    "SEGMENT": {"customer_segment_id", "campaign_ids", "digest_since", "created_by"},
    "DELETED": {"deleted_customer_segment_id", "digest_since", "created_by", "deleted_by"},
    "STATS": {"members", "digest", "joined_total", "left_total", "reachable_email", "reachable_push", "reachable_sms"},
    "PROFILE": {"tokens", "email_key", "phone_key", "address_since"},
    "MEMBERSHIP": {"identity", "segment_ids", "reach"},
    "ROW": {"identity", "reach", "expires_at"},
    "CAMPAIGN": {
        "created_by",
        "users_limit",
        "asked_when",
        "seen_all",
        "pending",
        "walked_at",
        "start_told",
        "end_told",
        "end_results",
    },
    "RESULTS": {"queued", "sent", "settled", "skipped_unreachable"},
    "LOG": {"reason"},
    "CAMPAIGN_SETTINGS": {"test_recipients"},
}
"""Attributes that an item need not have: nobody can tell that they are missing."""
OF_NO_MATTER = {
    "MEMBERSHIP": {"account_bucket"},
    "TRIGGER": {"campaign_id"},
    "LOG": {"expires_at", "claim"},
    "ERRORS": {"expires_at"},
    "LAG": {"expires_at"},
    "ADDRESSES": {"completed_at"},
    "createSegment": {"status", "data", "expiration", "in_progress_expiration", "validation"},
}
"""Attributes that we don't read: an index's, what a key says too, what DynamoDB and Powertools read."""
IN_INDEX = {
    "SEGMENT": {"customer_segment_id"},
    "MEMBERSHIP": {"account_bucket", "profile_id"},
    "PROFILE": {"email_key", "phone_key"},
}
"""Attributes that DynamoDB lets have no other type."""
ANY_TEXT = {"name", "segment_name", "campaign_name", "customer_segment_id", "deleted_customer_segment_id", "identity"}
ANY_TEXT |= {
    "profile_id",
    "time_zone",
    "created_by",
    "deleted_by",
    "digest",
    "delivery_id",
    "asked_when",
    "reason",
    "request_id",
    "claim",
    "email_key",
    "phone_key",
}
"""Texts of which nobody can tell that they are garbled."""


@dataclass(frozen=True)
class Damage:
    """What is done to an attribute of an item; `value` is None if it is gone."""

    table: str
    item: Item
    kind: str
    attribute: str
    how: str
    value: Json

    def __str__(self) -> str:
        return f"{self.kind} {self.attribute} {self.how}"

    @property
    def damaged(self) -> Item:
        rest = {name: value for name, value in self.item.items() if name != self.attribute}
        return rest if self.value is None else {**rest, self.attribute: self.value}

    @property
    def is_told(self) -> bool:
        """Whether anybody can tell."""
        of_no_matter = OF_NO_MATTER.get(self.kind, set())
        return self.attribute not in of_no_matter


def kind_of(table: str, item: Item) -> str:
    if table in {"MEMBERSHIPS_TABLE", "SEGMENT_MEMBERS_TABLE", "UPDATE_ERRORS_TABLE"}:
        return {"MEMBERSHIPS_TABLE": "MEMBERSHIP", "SEGMENT_MEMBERS_TABLE": "ROW"}.get(table, "ERRORS")
    key: str = (item.get("sk") or item.get("pk") or item["id"])["S"]
    return key.split("#", maxsplit=1)[0]


def damages(shop: Shop) -> Iterator[Damage]:
    """Return every damage there is, to one item of each shape."""
    seen = set()
    for table, item in shop.items():
        kind = kind_of(table, item)
        if item.get("sk") == {"S": "CID#Late"}:  # no call looks at it
            continue
        for attribute, value in item.items():
            shape = (kind, attribute, shape_of(kind, item))
            if attribute in KEYS or (kind, attribute) == ("ROW", "profile_id") or shape in seen:
                continue
            seen.add(shape)
            if attribute not in MAY_LACK.get(kind, ()):
                yield Damage(table, item, kind, attribute, "missing", None)
            if attribute not in IN_INDEX.get(kind, ()):
                yield Damage(table, item, kind, attribute, "of another type", other_type(value))
            if "S" in value and attribute not in ANY_TEXT:
                yield Damage(table, item, kind, attribute, "garbled", {"S": "?"})


def shape_of(kind: str, item: Item) -> Json:
    """Return what makes items of a kind differ in what is read of them."""
    return {
        "CAMPAIGN": item.get("status", {}).get("S", "") + item.get("asked_when", {}).get("S", ""),
        "LOG": item.get("status", {}).get("S"),
        "ROW": "expires_at" in item,
        "SEGMENT": "campaign_ids" in item,
    }.get(kind)


def other_type(value: Item) -> Item:
    (kind,) = value
    return {"N": "7"} if kind == "S" else {"S": "seven"}


def calls(shop: Shop) -> dict[str, Call]:
    """Return one call of each kind; those that only read come first."""
    segment = {"segment_id": str(shop.gold)}
    routes: dict[str, Call] = {
        f"list {query}": shop.api(("GET", "/api/segments"), query)
        for query in (
            None,
            {"status": "all"},
            {"status": "deleted"},
            {"limit": "1"},
            {"customer_segment_id": "Gold"},
            {"customer_segment_id_prefix": "G"},
            {"customer_segment_id_prefix": "G", "status": "deleted"},
            {"customer_segment_id_prefix": "G", "status": "all"},
        )
    }
    routes |= {
        "segment": shop.api(("GET", "/api/segments/{segment_id}"), **segment),
        "deleted segment": shop.api(("GET", "/api/segments/{segment_id}"), segment_id=str(shop.gone)),
        "members": shop.api(("GET", "/api/segments/{segment_id}/members"), **segment),
        "members, limit 1": shop.api(("GET", "/api/segments/{segment_id}/members"), {"limit": "1"}, **segment),
        "member": shop.api(("GET", "/api/segments/{segment_id}/members/{identity}"), **segment, identity=MEMBER),
        "errors": shop.api(("GET", "/api/errors")),
        "freshness": shop.api(("GET", "/api/freshness")),
        "usage": shop.api(("GET", "/api/usage")),
        "profile by guid": shop.api(("GET", "/1/profile.json"), {"guid": ANONYMOUS}),
        "get_account": shop.operation("get_account"),
        "authorizer": Call("authorizer", authorizer_event(ACCOUNT, shop.passcode)),
        "campaigns": shop.target("list", {"limit": 100}),
        "settings": shop.target("settings", {}),
        "preview": shop.target("preview", {"target_mode": "email", "content": EMAILS, "identity": MEMBER}),
        "estimate": shop.target("create", {"target_mode": "email", "segment": shop.gold, "estimate_only": True}),
    }
    for each in (MEMBER, OPTED_OUT, LEFT, FRESH):
        routes |= {
            f"segments of {each}": shop.api(("GET", "/api/profiles/{identity}/segments"), identity=each),
            f"profile {each}": shop.api(("GET", "/1/profile.json"), {"identity": each}),
        }
    for name, campaign in (("offline", shop.offline), ("online", shop.online)):
        routes |= {
            f"result {name}": shop.target("result", {"id": campaign}),
            f"log {name}": shop.target("log", {"id": campaign}),
        }
    return routes


def writes(shop: Shop) -> dict[str, Call]:
    """Return one call of each kind that writes."""
    by_customer_id = [{"customer_segment_id": "Gold", "action": "ADD"}]
    group = {"user_profiles": [{"identity": MEMBER}, {"identity": LEFT}], "segments": by_customer_id}
    mail = {"name": "Mail", "target_mode": "email", "when": "now", "segment": shop.gold, "content": EMAILS}
    spare, gold = {"segment_id": str(shop.spare)}, {"segment_id": str(shop.gold)}
    purge = {"body": json.dumps({"detail": {"Account ID": ACCOUNT, "Segment ID": shop.gone}})}
    memberships, segments = shop.records("MEMBERSHIPS_TABLE"), shop.records("SEGMENTS_TABLE")
    everybody = [{"identity": each} for each in (MEMBER, OPTED_OUT, LEFT, FRESH)]
    notification = {
        "eventType": "Complaint",
        "mail": {"headers": [{"name": "X-Api-Segments-Message", "value": shop.token}]},
        "complaint": {"complainedRecipients": [{"emailAddress": "member@example.com"}]},
    }
    complaint = sample("mail_feedback")
    complaint["Records"] = [complaint["Records"][0]]
    told = json.loads(complaint["Records"][0]["Sns"]["Message"])
    for header in told["mail"]["headers"]:
        if "Message" in header["name"] and header["name"].startswith("X-"):
            header["value"] = shop.token
    complaint["Records"][0]["Sns"]["Message"] = json.dumps({**told, **notification, "mail": told["mail"]})
    task = {"account_id": ACCOUNT}
    return {
        "update by customer id": shop.api(("POST", "/api/updateSegment"), None, {"bulk_profiles": [group]}),
        "update by id": shop.update("ADD", shop.spare, *everybody, {"guid": ANONYMOUS}),
        "removal": shop.update("REMOVE", shop.gold, *everybody),
        "upload": shop.upload(*(profile(each, Name="New") for each in (MEMBER, OPTED_OUT, LEFT, FRESH))),
        "creation again": shop.create(),
        "creation left open": shop.create("second", "Late"),
        "creation": shop.api(("POST", "/api/createSegment"), None, [{"segment_name": "New"}]),
        "deletion of a used segment": shop.api(("DELETE", "/api/segments/{segment_id}"), **gold),
        "deletion": shop.api(("DELETE", "/api/segments/{segment_id}"), **spare),
        "deletion again": shop.api(("DELETE", "/api/segments/{segment_id}"), segment_id=str(shop.gone)),
        "erasure": shop.api(("DELETE", "/api/profiles/{identity}"), identity=MEMBER),
        "campaign": shop.target("create", mail),
        "campaign again": shop.target("create", {**mail, "users_limit_overall": 100}, "mail"),
        "stop": shop.target("stop", {"id": shop.online}),
        "unsubscribe": Call(
            "unsubscribe", {**sample("unsubscribe"), "httpMethod": "POST", "pathParameters": {"token": shop.link}}
        ),
        "complaint": Call("mail_feedback", complaint),
        "change": Call("trigger_campaigns", changes_event(shop.change)),
        "message": Call("send_messages", messages_event(shop.message)),
        "interrupted message": Call("send_messages", messages_event(json.dumps(shop.interrupted))),
        "run offline": Call("run_campaign", {"Records": [{"body": json.dumps({**task, "campaign_id": shop.offline})}]}),
        "run walking": Call("run_campaign", {"Records": [{"body": json.dumps({**task, "campaign_id": shop.walking})}]}),
        "run online": Call("run_campaign", {"Records": [{"body": json.dumps({**task, "campaign_id": shop.online})}]}),
        "purge": Call("purge_segment", {"Records": [purge]}),
        "projection": Call("project_members", {"Records": memberships}),
        "publishing": Call("publish_changes", {"Records": memberships}),
        "publishing of segments": Call("publish_segments", {"Records": [each for each in segments if is_told(each)]}),
        "plan": shop.operation("set_plan", plan="Advanced"),
        "sender": shop.operation("add_sender", email="more@example.com"),
    }


CHANGES_WITH_DAMAGE = {"members", "email", "sms", "push", "as_of", "cursor", "queued", "waiting", "sent", "skipped"}
CHANGES_WITH_DAMAGE |= {"settled", "added_at", "estimates", "behind_seconds", "measured_at", "worst_last_hour_seconds"}


def within(now: Json, before: Json, path: str = "") -> list[str]:
    """Return where `now` says what `before` does not; lists may lack entries, and sums over slots be smaller."""
    if isinstance(now, dict) and isinstance(before, dict):
        return [each for name in now for each in within(now[name], before.get(name), f"{path}.{name}")]
    if isinstance(now, list) and isinstance(before, list):
        return [f"{path}: {each}" for each in now if all(within(each, other) for other in before)]
    name = path.rsplit(".", maxsplit=1)[-1]
    if now == before or name in CHANGES_WITH_DAMAGE or (name == "digest" and now is None):
        return []
    return [f"{path}: {now} is not {before}"]


def status_of(outcome: Outcome) -> int:
    answer = outcome.answer or {}
    code: int = answer.get("statusCode") or answer.get("code") or 200
    return code


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop().open() as shop:
        yield shop


@pytest.fixture(scope="module")
def undamaged(shop: Shop) -> dict[str, Outcome]:
    """What each call comes to when nothing is damaged."""
    outcomes = {}
    for name, call in (calls(shop) | writes(shop)).items():
        shop.restore()
        outcomes[name] = made(shop, call)
        assert outcomes[name].error is None, (name, outcomes[name])
    shop.restore()
    return outcomes


@pytest.fixture(scope="module")
def used(shop: Shop) -> dict[str, set[str]]:
    """Which tables each call reads or writes: damage in others is no matter to it."""
    tables = {}
    for name, call in (calls(shop) | writes(shop)).items():
        shop.restore()
        shop.world.used.clear()
        made(shop, call)
        tables[name] = {variable_of(use.resource) for use in shop.world.used if use.resource.endswith("Table")}
    shop.restore()
    return tables


def variable_of(table: str) -> str:
    return re.sub("(?<!^)(?=[A-Z])", "_", table).upper()


@pytest.fixture(autouse=True)
def as_built(shop: Shop) -> Iterator[None]:
    shop.restore()
    yield
    shop.restore()


def made(shop: Shop, call: Call) -> Outcome:
    outcome = shop.call(call)
    assert outcome.error is None or isinstance(outcome.error, UnavailableError), outcome.error
    return outcome


with Shop().open() as _shop:
    DAMAGES = list(damages(_shop))


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_no_call_breaks(shop: Shop, undamaged: dict[str, Outcome], used: dict[str, set[str]], damage: Damage) -> None:
    shop.put(damage.table, damage.damaged)
    for name, call in calls(shop).items():
        if damage.table not in used[name]:
            continue
        outcome = made(shop, call)
        assert status_of(outcome) in (status_of(undamaged[name]), 503), (name, outcome)
        if status_of(outcome) == 200 and outcome.answer and "body" in outcome.answer and "limit" not in name:
            before = body_of(undamaged[name].answer or {})
            for line in before.get("log", ()):  # whose messages these are may be left open
                line["identity"] = None
            now = body_of(outcome.answer)
            for line in now.get("log", ()):
                line["identity"] = None
            assert within(now, before) == [], name
    told = bool(shop.damaged)
    for name, call in writes(shop).items():
        if damage.table not in used[name]:
            continue
        shop.restore()
        shop.put(damage.table, damage.damaged)
        outcome = made(shop, call)
        is_refused = damage.attribute == "validation" and status_of(outcome) == 409  # as another body's
        assert is_refused or status_of(outcome) in (status_of(undamaged[name]), 503), (name, outcome)
        now = shop.get(damage.table, shop.key_of(damage.table, damage.item))
        is_mended = (name, damage.attribute) == ("plan", "plan")
        assert now is None or is_mended or now.get(damage.attribute) == damage.value, (name, now)
        told = told or bool(shop.damaged)
    assert told or not damage.is_told


# ---------------------------------------------------------------- lists go on


def pages(shop: Shop, route: tuple[str, str], **path: str) -> list[Json]:
    """Return a list, read one by one."""
    rows: list[Json] = []
    query: dict[str, str] = {"limit": "1"}
    while True:
        outcome = made(shop, shop.api(route, dict(query), **path))
        assert status_of(outcome) == 200
        (name,) = [name for name, value in body_of(outcome.answer or {}).items() if isinstance(value, list)]
        body = body_of(outcome.answer or {})
        rows += body[name]
        if body["cursor"] is None:
            return rows
        query["cursor"] = body["cursor"]


def test_a_list_goes_on_past_a_damaged_segment(shop: Shop) -> None:
    for segment in (shop.gold, shop.spare):
        shop.restore()
        item = item_of(shop, "SEGMENTS_TABLE", f"SEGMENT#{segment:016d}")
        shop.put("SEGMENTS_TABLE", {**item, "segment_name": {"N": "7"}})
        names = [row["segment_name"] for row in pages(shop, ("GET", "/api/segments"))]
        assert sorted(names) == sorted({"Gold", "Spare", "Late"} - {item["segment_name"]["S"]})


def test_a_list_goes_on_past_a_damaged_member(shop: Shop) -> None:
    route = ("GET", "/api/segments/{segment_id}/members")
    everybody = pages(shop, route, segment_id=str(shop.gold))
    for row in [item for table, item in shop.items() if table == "SEGMENT_MEMBERS_TABLE" and "added_at" in item]:
        for damaged in (without(row, "added_at"), {**row, "expires_at": {"S": "never"}}):
            shop.restore()
            shop.put("SEGMENT_MEMBERS_TABLE", damaged)
            left = pages(shop, route, segment_id=str(shop.gold))
            others = [each for each in everybody if each["guid"] != row["profile_id"]["S"]]
            assert (left == others and shop.damaged) or is_of(row, shop.gone)


def test_a_member_whose_row_is_damaged_is_not_looked_up_in_silence(shop: Shop) -> None:
    rows = [item for table, item in shop.items() if table == "SEGMENT_MEMBERS_TABLE" and is_of(item, shop.gold)]
    (row,) = [row for row in rows if row.get("identity") == {"S": MEMBER}]
    shop.put("SEGMENT_MEMBERS_TABLE", {**row, "expires_at": {"S": "never"}})
    made(shop, calls(shop)["member"])
    assert shop.damaged


# ---------------------------------------------------------------- what decides


def item_of(shop: Shop, table: str, sort_key: str) -> Item:
    (item,) = [item for variable, item in shop.items() if variable == table and item["sk"]["S"].startswith(sort_key)]
    return item


def user(shop: Shop, table: str, identity: str) -> Item:
    """Return a user's item of Profiles or Memberships."""
    ids = [f"PROFILE#{ACCOUNT}#{shop.profile_ids[identity]}", f"{ACCOUNT}#{shop.profile_ids[identity]}"]
    (item,) = [item for variable, item in shop.items() if variable == table and item["pk"]["S"] in ids]
    return item


def is_of(row: Item, segment: int) -> bool:
    return f"#{segment:016d}#" in row["pk"]["S"]


def without(item: Item, name: str) -> Item:
    return {each: value for each, value in item.items() if each != name}


BROKEN_PROFILES: dict[str, Json] = {
    "attributes missing": None,
    "attributes of another type": {"N": "7"},
    "no JSON": {"S": "?"},
    "no object": {"S": "[]"},
    "an opt-out that is no truth value": {"S": json.dumps({"Email": "out@example.com", "MSG-email": None})},
}


@pytest.mark.parametrize("broken", BROKEN_PROFILES.values(), ids=BROKEN_PROFILES)
def test_nobody_gets_a_message_by_a_damaged_profile(shop: Shop, broken: Json) -> None:
    item = without(user(shop, "PROFILES_TABLE", FRESH), "attributes")
    shop.put("PROFILES_TABLE", item if broken is None else {**item, "attributes": broken})
    sent = len(shop.world.mail.sent)
    outcome = made(shop, Call("send_messages", messages_event(shop.message)))
    assert outcome.answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert len(shop.world.mail.sent) == sent


@pytest.mark.parametrize("broken", BROKEN_PROFILES.values(), ids=BROKEN_PROFILES)
def test_an_opt_out_of_a_damaged_profile_is_not_told_as_done(shop: Shop, broken: Json) -> None:
    item = without(user(shop, "PROFILES_TABLE", MEMBER), "attributes")
    shop.put("PROFILES_TABLE", item if broken is None else {**item, "attributes": broken})
    assert made(shop, writes(shop)["complaint"]).error is not None  # Lambda brings it again, and keeps it
    assert status_of(made(shop, writes(shop)["unsubscribe"])) == 503
    assert status_of(made(shop, calls(shop)["profile member"])) == 503


def test_the_upload_of_others_goes_through(shop: Shop) -> None:
    shop.put("PROFILES_TABLE", without(user(shop, "PROFILES_TABLE", MEMBER), "version"))
    body = body_of(made(shop, writes(shop)["upload"]).answer or {})
    assert (body["processed"], [each["record"]["identity"] for each in body["unprocessed"]]) == (3, [MEMBER])


def test_an_upload_gives_a_lost_identity_back(shop: Shop) -> None:
    item = user(shop, "MEMBERSHIPS_TABLE", MEMBER)
    shop.put("MEMBERSHIPS_TABLE", without(item, "identity"))
    body = body_of(made(shop, shop.upload(profile(MEMBER, Name="New"))).answer or {})
    assert (body["processed"], body["unprocessed"]) == (1, [])
    assert shop.get("MEMBERSHIPS_TABLE", {"pk": item["pk"]}) == item


@pytest.mark.parametrize("claim", [None, {"segment_id": {"S": "?"}}, {"segment_id": {"N": "7"}}], ids=str)
def test_a_deletion_tells_of_a_claim_that_is_gone_or_damaged(shop: Shop, claim: Item | None) -> None:
    item = item_of(shop, "SEGMENTS_TABLE", "CID#Spare")
    key = shop.key_of("SEGMENTS_TABLE", item)
    shop.world.db.delete_item(TableName=shop.world.environment["SEGMENTS_TABLE"], Key=key)
    if claim is not None:
        shop.put("SEGMENTS_TABLE", {**item, **claim})
    assert status_of(made(shop, writes(shop)["deletion"])) == 503
    assert [error.item and error.item["sk"] for error in shop.damaged] == [item["sk"]]


def test_an_update_of_others_goes_through(shop: Shop) -> None:
    (claim,) = [item for _, item in shop.items() if item.get("pk") == {"S": f"IDENTITY#{ACCOUNT}#{MEMBER}"}]
    shop.put("PROFILES_TABLE", without(claim, "profile_id"))
    group = {
        "user_profiles": [{"identity": MEMBER}, {"identity": LEFT}],
        "segments": [{"ct_segment_id": shop.spare, "action": "ADD"}],
    }
    body = body_of(made(shop, shop.api(("POST", "/api/updateSegment"), None, {"bulk_profiles": [group]})).answer or {})
    assert (body["summary"]["added"], [each["code"] for each in body["unprocessed"]]) == (1, [503])


@pytest.mark.parametrize("attribute", ["status", "target_mode", "include", "campaign_name"])
def test_a_segment_that_a_damaged_campaign_uses_is_not_deleted(shop: Shop, attribute: str) -> None:
    shop.put("CAMPAIGNS_TABLE", without(item_of(shop, "CAMPAIGNS_TABLE", f"CAMPAIGN#{shop.online}"), attribute))
    assert status_of(made(shop, writes(shop)["deletion of a used segment"])) == 503


@pytest.mark.parametrize("attribute", ["status", "target_mode", "include", "created_at", "trigger_action"])
def test_a_change_for_a_damaged_campaign_comes_again(shop: Shop, attribute: str) -> None:
    shop.put("CAMPAIGNS_TABLE", without(item_of(shop, "CAMPAIGNS_TABLE", f"CAMPAIGN#{shop.online}"), attribute))
    answer = made(shop, writes(shop)["change"]).answer
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}


@pytest.mark.parametrize("value", [None, {"N": "7"}, {"S": "yesterday"}])
def test_a_purge_does_not_end_by_a_damaged_deletion(shop: Shop, value: Json) -> None:
    item = without(item_of(shop, "SEGMENTS_TABLE", "DELETED#"), "deleted_at")
    shop.put("SEGMENTS_TABLE", item if value is None else {**item, "deleted_at": value})
    assert made(shop, writes(shop)["purge"]).error is not None


def test_a_purge_takes_out_whose_row_is_damaged(shop: Shop) -> None:
    (row,) = [item for table, item in shop.items() if table == "SEGMENT_MEMBERS_TABLE" and is_of(item, shop.gone)]
    shop.put("SEGMENT_MEMBERS_TABLE", without(without(row, "added_at"), "sequence"))
    assert made(shop, writes(shop)["purge"]).error is None
    item = shop.get("MEMBERSHIPS_TABLE", {"pk": {"S": f"{ACCOUNT}#{shop.profile_ids[MEMBER]}"}})
    assert item is not None
    assert item["segment_ids"] == {"NS": [str(shop.gold)]}


def test_a_purge_passes_over_a_user_whose_set_is_damaged(shop: Shop) -> None:
    assert status_of(made(shop, shop.update("ADD", shop.spare, {"identity": MEMBER}, {"identity": LEFT}))) == 200
    shop.world.run(shop.project)
    assert status_of(made(shop, writes(shop)["deletion"])) == 200
    item = shop.get("MEMBERSHIPS_TABLE", {"pk": {"S": f"{ACCOUNT}#{shop.profile_ids[MEMBER]}"}})
    assert item is not None
    shop.put("MEMBERSHIPS_TABLE", {**item, "segment_ids": {"L": [{"N": str(shop.spare)}]}})
    purge = {"body": json.dumps({"detail": {"Account ID": ACCOUNT, "Segment ID": shop.spare}})}
    assert made(shop, Call("purge_segment", {"Records": [purge]})).error is None
    left = shop.get("MEMBERSHIPS_TABLE", {"pk": {"S": f"{ACCOUNT}#{shop.profile_ids[LEFT]}"}})
    assert left is not None
    assert "segment_ids" not in left
    assert shop.damaged


# ---------------------------------------------------------------- readers of streams


READERS = {
    "project_members": "MEMBERSHIPS_TABLE",
    "publish_changes": "MEMBERSHIPS_TABLE",
    "publish_segments": "SEGMENTS_TABLE",
}


def records_of(shop: Shop, table: str) -> list[Json]:
    records: list[Json] = json.loads(json.dumps(shop.records(table)))  # an image is in two records
    return [each for each in records if table == "MEMBERSHIPS_TABLE" or is_told(each)]


def kept(shop: Shop) -> list[str]:
    """Return the sequences of the records in the queue of failed records."""
    bodies = [json.loads(message.body) for message in shop.failed_records.messages]
    return [record["dynamodb"]["SequenceNumber"] for body in bodies for record in body["records"]]


def image_damages(shop: Shop) -> Iterator[tuple[str, int, str, str, Json]]:
    for reader, table in READERS.items():
        for index, record in enumerate(records_of(shop, table)):
            for image in {"OldImage", "NewImage"} & set(record["dynamodb"]):
                for name, value in record["dynamodb"][image].items():
                    if name not in KEYS - {"account_id"}:
                        yield reader, index, image, name, other_type(value)


with Shop().open() as _shop:
    IMAGE_DAMAGES = list(image_damages(_shop))


@pytest.mark.parametrize("reader", READERS)
def test_a_damaged_image_is_passed_over_and_holds_up_no_other(shop: Shop, reader: str) -> None:
    """Of each attribute of each image; a replay of it fails, and goes round in no circle."""
    whole = records_of(shop, READERS[reader])
    matters = set()
    for _, index, image, name, value in [each for each in IMAGE_DAMAGES if each[0] == reader]:
        records = json.loads(json.dumps(whole))
        records[index]["dynamodb"][image][name] = value
        shop.restore()
        outcome = made(shop, Call(reader, {"Records": records}))
        assert outcome.answer == {"batchItemFailures": []}
        over = kept(shop)
        number = records[index]["dynamodb"]["SequenceNumber"]
        assert over in ([], [number])
        if over:
            matters.add(name)
            message = json.loads(shop.failed_records.messages[0].body)
            again = made(shop, Call(reader, {"Records": message["records"], IS_REPLAY: True}))
            assert again.answer == {"batchItemFailures": [], HAS_UNREADABLE: True}
            assert kept(shop) == [number]
    assert matters == {
        "project_members": {"account_id", "profile_id", "identity", "segment_ids", "reach"},
        "publish_changes": {"account_id", "profile_id", "identity", "segment_ids"},
        "publish_segments": {
            "account_id", "segment_id", "segment_name", "status", "created_at", "deleted_at",
            "customer_segment_id", "deleted_customer_segment_id", "digest_since", "created_by", "deleted_by",
        },
    }[reader]  # fmt: skip


def test_a_change_of_a_damaged_segment_is_passed_over_and_told_when_it_is_mended(shop: Shop) -> None:
    item = item_of(shop, "SEGMENTS_TABLE", f"SEGMENT#{shop.spare:016d}")
    known = len(shop.records("MEMBERSHIPS_TABLE"))
    update = shop.update("ADD", shop.spare, {"identity": MEMBER})
    assert status_of(made(shop, update)) == 200
    shop.put("SEGMENTS_TABLE", {**item, "segment_name": {"N": "7"}})
    (record,) = shop.records("MEMBERSHIPS_TABLE")[known:]
    told = len(shop.world.bus.details["Segment Membership Change"])
    points = shop.world.tables.data_points(ACCOUNT)
    for reader in ("project_members", "publish_changes"):
        assert made(shop, Call(reader, {"Records": [record]})).answer == {"batchItemFailures": []}
    assert kept(shop) == [record["dynamodb"]["SequenceNumber"]] * 2
    replayed = Call("publish_changes", {"Records": [record], IS_REPLAY: True})
    assert (made(shop, replayed).answer or {})["batchItemFailures"]
    shop.put("SEGMENTS_TABLE", item)
    for reader in ("project_members", "publish_changes"):
        replayed = Call(reader, {"Records": [record], IS_REPLAY: True})
        assert made(shop, replayed).answer == {"batchItemFailures": [], HAS_UNREADABLE: False}
    (event,) = shop.world.bus.details["Segment Membership Change"][told:]
    assert (event["Segment ID"], event["Identity"]) == (shop.spare, MEMBER)
    assert (shop.world.tables.data_points(ACCOUNT) - points).total() == 1
    assert shop.world.tables.counts(ACCOUNT)[shop.spare]["members"] == 1


@pytest.mark.parametrize("was_member", [False, True])
def test_the_data_point_of_a_join_that_was_passed_over_waits_for_it(shop: Shop, *, was_member: bool) -> None:
    """A later record of the user, which only touches the damaged segment, makes no row that would take the join in."""
    known = len(shop.records("MEMBERSHIPS_TABLE"))
    for action in ("ADD", "REMOVE") if was_member else ():
        assert status_of(made(shop, shop.update(action, shop.spare, {"identity": MEMBER}))) == 200
    made(shop, Call("project_members", {"Records": shop.records("MEMBERSHIPS_TABLE")[known:]}))
    item = item_of(shop, "SEGMENTS_TABLE", f"SEGMENT#{shop.spare:016d}")
    known = len(shop.records("MEMBERSHIPS_TABLE"))
    points = shop.world.tables.data_points(ACCOUNT)
    rows = shop.world.tables.members(ACCOUNT)
    shop.put("SEGMENTS_TABLE", {**item, "segment_name": {"N": "7"}})
    assert status_of(made(shop, shop.update("ADD", shop.spare, {"identity": MEMBER}))) == 200
    assert status_of(made(shop, shop.upload(profile(MEMBER, **{"MSG-email": False})))) == 200
    records = shop.records("MEMBERSHIPS_TABLE")[known:]
    for record in records:
        outcome = made(shop, Call("project_members", {"Records": [record]}))
        assert outcome.answer == {"batchItemFailures": []}
    assert kept(shop) == [record["dynamodb"]["SequenceNumber"] for record in records]
    left = shop.world.tables.members(ACCOUNT)
    assert {row: left.get(row) for row in left if row[0] == shop.spare} == {
        row: rows.get(row) for row in rows if row[0] == shop.spare
    }
    shop.put("SEGMENTS_TABLE", item)
    for record in records:
        outcome = made(shop, Call("project_members", {"Records": [record], IS_REPLAY: True}))
        assert outcome.answer == {"batchItemFailures": [], HAS_UNREADABLE: False}
    assert (shop.world.tables.data_points(ACCOUNT) - points).total() == 1
    assert_projected(shop.world.tables, ACCOUNT)


@pytest.mark.parametrize("name", ["sequence", "reach"])
def test_a_record_that_meets_a_damaged_row_is_passed_over(shop: Shop, name: str) -> None:
    (row,) = [
        item
        for table, item in shop.items()
        if table == "SEGMENT_MEMBERS_TABLE" and is_of(item, shop.gold) and item.get("identity") == {"S": MEMBER}
    ]
    known = len(shop.records("MEMBERSHIPS_TABLE"))
    removal = shop.update("REMOVE", shop.gold, {"identity": MEMBER}, {"identity": FRESH})
    assert status_of(made(shop, removal)) == 200
    damaged = {**row, name: {"N": "7"}}
    shop.put("SEGMENT_MEMBERS_TABLE", damaged)
    records = shop.records("MEMBERSHIPS_TABLE")[known:]
    assert made(shop, Call("project_members", {"Records": records})).answer == {"batchItemFailures": []}
    (over,) = kept(shop)
    (record,) = [each for each in records if each["dynamodb"]["SequenceNumber"] == over]
    assert record["dynamodb"]["NewImage"]["identity"] == {"S": MEMBER}
    assert shop.get("SEGMENT_MEMBERS_TABLE", shop.key_of("SEGMENT_MEMBERS_TABLE", row)) == damaged
    assert shop.world.tables.counts(ACCOUNT)[shop.gold]["members"] == 3


# ---------------------------------------------------------------- reconciliation


def state(shop: Shop) -> dict[str, Item]:
    """Return all items as they are, by their keys; of counters what they count."""
    return {
        f"{table.name} {key}": without(item, "as_of")
        for table in shop.tables().values()
        for key, item in table.items.items()
        if without(item, "as_of").keys() > {"account_id", "sk"} or "as_of" not in item
    }


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_reconciliation_comes_to_its_end_and_spoils_nothing(shop: Shop, damage: Damage) -> None:
    shop.put(damage.table, damage.damaged)
    before = state(shop)
    outcomes = shop.reconcile()
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    changed = {key for key, item in state(shop).items() if before.get(key) != item}
    own = {key for key, item in before.items() if item == without(damage.damaged, "as_of")}
    assert changed <= own, changed - own


def rows_and_slots(shop: Shop) -> Iterator[tuple[str, Item]]:
    """Return the live rows and the written counters of the segment that is used."""
    slots = f"STATS#{shop.gold:016d}"
    for table, item in shop.items():
        is_row = table == "SEGMENT_MEMBERS_TABLE" and is_of(item, shop.gold) and "expires_at" not in item
        if is_row or (table == "SEGMENTS_TABLE" and item["sk"]["S"].startswith(slots)):
            yield table, item


@pytest.mark.parametrize("how", ["missing", "of another type", "garbled"])
def test_reconciliation_mends_rows_and_counters(shop: Shop, how: str) -> None:
    for table, item in list(rows_and_slots(shop)):
        for name in [each for each in item if each not in {*KEYS, "profile_id"}]:
            if how == "missing" and name not in {"added_at", "sequence", "as_of"}:
                continue
            value = {"missing": None, "of another type": other_type(item[name]), "garbled": {"S": "?"}}[how]
            if how == "garbled" and name == "identity":
                value = {"S": "somebody else"}
            shop.restore()
            shop.put(table, without(item, name) if value is None else {**item, name: value})
            assert [outcome.error for outcome in shop.reconcile() if outcome.error] == []
            assert_projected(shop.world.tables, ACCOUNT)
            key = shop.key_of(table, item)
            mended = shop.get(table, key)
            assert mended is not None
            if table == "SEGMENT_MEMBERS_TABLE":
                assert {*mended} == {*item}
                assert name == "added_at" or mended["added_at"] == item["added_at"]
            shop.damaged.clear()
            assert status_of(made(shop, calls(shop)["members"])) == 200
            assert status_of(made(shop, calls(shop)["segment"])) == 200
            assert shop.damaged == []


def test_a_row_that_is_written_meanwhile_is_not_mended_over(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the write somebody changes another attribute of the damaged row: that is left."""
    (row, *_) = [item for table, item in rows_and_slots(shop) if table == "SEGMENT_MEMBERS_TABLE"]
    damaged = {**row, "sequence": {"N": "7"}}
    shop.put("SEGMENT_MEMBERS_TABLE", damaged)
    really = RowStore.write

    def write(self: RowStore, *arguments: Any) -> None:
        shop.put("SEGMENT_MEMBERS_TABLE", {**damaged, "identity": {"S": "by hand"}})
        really(self, *arguments)

    monkeypatch.setattr(RowStore, "write", write)
    assert [outcome.error for outcome in shop.reconcile() if outcome.error] == []
    now = shop.get("SEGMENT_MEMBERS_TABLE", shop.key_of("SEGMENT_MEMBERS_TABLE", row))
    assert now == {**damaged, "identity": {"S": "by hand"}}


def test_nothing_is_mended_by_a_damaged_truth(shop: Shop) -> None:
    memberships = user(shop, "MEMBERSHIPS_TABLE", MEMBER)
    (row,) = [item for _, item in rows_and_slots(shop) if item.get("profile_id") == {"S": shop.profile_ids[MEMBER]}]
    for name in ("segment_ids", "reach", "identity"):
        shop.restore()
        shop.put("MEMBERSHIPS_TABLE", {**memberships, name: other_type(memberships[name])})
        damaged = {**row, "reach": {"S": "?"}}
        shop.put("SEGMENT_MEMBERS_TABLE", damaged)
        assert [outcome.error for outcome in shop.reconcile() if outcome.error] == []
        assert shop.get("SEGMENT_MEMBERS_TABLE", shop.key_of("SEGMENT_MEMBERS_TABLE", row)) == damaged

"""Upload contact points, opt out, look up; counts and events follow."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.conftest import Account, RecordingBus, Relay
from tests.support.bodies import act, users
from tests.support.faults import Fault, FaultyClient, answer_lost, not_sent, refused
from tests.support.state import Tables, assert_whole
from tests.support.uploads import profile, token

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Json = Any


def version_of(tables: Tables, account: Account) -> int:
    (item,) = tables.profiles(account.account_id).values()
    return int(item["version"])


def data_of(account: Account, identity: str) -> Json:
    status, answer = account.profile(identity=identity)
    assert status == 200, answer
    return answer["record"]["profileData"]


def tokens_of(account: Account, identity: str) -> list[str]:
    return [token["id"] for token in account.profile(identity=identity)[1]["record"]["tokens"]]


def test_reachability_follows_contact_points_and_opt_outs(account: Account, relay: Relay) -> None:
    (gold,) = account.create("GOLD")
    account.update((users("a", "b"), [act("ADD", ct=gold)]))
    answer = account.upload(profile("a", Email="a@example.com", Phone="+12025550123"), token("b", "t", "apns"))
    assert answer == {"status": "success", "processed": 2, "unprocessed": []}
    relay.drain()
    assert account.reachable(gold) == {"email": 1, "sms": 1, "push": 1}

    account.upload(profile("a", **{"MSG-email": False, "MSG-whatsapp": True}), token("b", "t", "apns", remove=True))
    relay.drain()
    assert account.reachable(gold) == {"sms": 1, "whatsapp": 1}
    assert account.members(gold) == 2


@pytest.mark.parametrize(
    ("data", "tokens", "reached"),
    [
        ({}, [], set()),
        ({"Email": "a@example.com"}, [], {"email"}),
        ({"Email": "a@example.com", "MSG-email": True}, [], {"email"}),
        ({"Email": "a@b\u00fccher.example"}, [], {"email"}),
        ({"Email": "j\u00f6rg@shop.example"}, [], set()),  # SES has local parts in ASCII alone
        ({"Email": "a@example.com", "MSG-email": False}, [], set()),
        ({"MSG-email": True, "MSG-sms": True, "MSG-whatsapp": True, "MSG-push": True}, [], set()),
        ({"Phone": "+12025550123"}, [], {"sms"}),
        ({"Phone": "+12025550123", "MSG-whatsapp": True}, [], {"sms", "whatsapp"}),
        ({"Phone": "+12025550123", "MSG-whatsapp": True, "MSG-sms": False}, [], {"whatsapp"}),
        ({"Phone": "+12025550123", "MSG-whatsapp": False, "MSG-sms": False}, [], set()),
        ({}, ["fcm"], {"push"}),
        ({}, ["apns"], {"push"}),
        ({}, ["chrome"], {"web_push"}),
        ({"MSG-push": True}, ["fcm", "chrome"], {"push", "web_push"}),
        ({"MSG-push": False}, ["fcm", "apns", "chrome"], set()),
        (
            {"Email": "a@example.com", "Phone": "+12025550123", "MSG-whatsapp": True},
            ["apns", "chrome"],
            {"email", "sms", "whatsapp", "push", "web_push"},
        ),
    ],
)
def test_a_profile_is_reached_by_what_it_has_and_has_not_opted_out_of(
    account: Account, tables: Tables, data: Json, tokens: list[str], reached: set[str]
) -> None:
    account.upload(profile("a", **data), *(token("a", kind, kind) for kind in tokens))
    record = account.profile(identity="a")[1]["record"]
    assert {channel for channel, is_reached in record["reachable"].items() if is_reached} == reached
    assert set(record["reachable"]) == {"email", "sms", "push", "whatsapp", "web_push"}
    ((_, item),) = tables.memberships(account.account_id).items()
    assert item.get("reach", set()) == reached


def test_an_upload_creates_a_user_and_a_repeat_changes_nothing(account: Account, tables: Tables, relay: Relay) -> None:
    first = profile("new", Name="Ada", Tier="Gold", Age=36, Score=1.5, Vip=True)
    assert account.upload(first, token("new", "t"))["status"] == "success"
    before = tables.users(account.account_id)
    assert relay.drain() != []
    repeat = [first, token("new", "t"), profile("new"), profile("new", Gone=None), token("new", "none", remove=True)]
    assert account.upload(*repeat, *repeat)["processed"] == 10
    assert account.upload(profile("new", Vip=True, Name="Ada"))["status"] == "success"
    assert relay.drain() == []
    assert tables.users(account.account_id) == before
    status, answer = account.profile(identity="new")
    assert status == 200
    assert answer["record"]["profileData"] == {"Name": "Ada", "Tier": "Gold", "Age": 36, "Score": 1.5, "Vip": True}
    assert answer["record"]["tokens"] == [{"id": "t", "type": "fcm"}]
    assert account.profile(guid=answer["record"]["guid"]) == (200, answer)


def test_an_upload_of_nothing_new_mends_a_reach_that_was_worked_out_by_other_rules(
    account: Account, tables: Tables, dynamodb: "DynamoDBClient", environment: dict[str, str]
) -> None:
    account.upload(profile("a", Email="a@example.com", Phone="+12025550123"))
    ((_, item),) = tables.memberships(account.account_id).items()
    dynamodb.update_item(
        TableName=environment["MEMBERSHIPS_TABLE"],
        Key={"pk": {"S": item["pk"]}},
        UpdateExpression="SET #reach = :reach",
        ExpressionAttributeNames={"#reach": "reach"},
        ExpressionAttributeValues={":reach": {"SS": ["email"]}},
    )
    account.upload(profile("a"))
    ((_, item),) = tables.memberships(account.account_id).items()
    assert item["reach"] == {"email", "sms"}


def test_what_does_not_touch_reachability_writes_no_stream_record(account: Account, relay: Relay) -> None:
    account.upload(profile("a", Email="a@example.com"))
    relay.drain()
    account.upload(profile("a", Email="b@example.com", Tier="Gold", **{"MSG-email": True, "MSG-sms": False}))
    assert relay.drain() == []
    assert data_of(account, "a")["Email"] == "b@example.com"


@pytest.mark.parametrize(("old", "new"), [(1, True), (True, 1), (0, False), (1, 1.0), (1.0, 1), (1, "1")])
def test_a_value_of_another_type_is_a_new_value(account: Account, old: Json, new: Json) -> None:
    account.upload(profile("a", x=old))
    account.upload(profile("a", x=new))
    assert repr(data_of(account, "a")["x"]) == repr(new)


@pytest.mark.parametrize(
    "value", [2**64, 10**500, -1, 0.1, 1e300, 5e-324, "", " ", "é🦊\u2028", '"\\', "a\r\n\tb", "v" * 512]
)
def test_a_value_comes_back_as_it_was_sent(account: Account, value: Json) -> None:
    assert account.upload(profile("a", **{"é🦊 #": value}))["status"] == "success"
    assert data_of(account, "a") == {"é🦊 #": value}


def test_each_record_stands_alone(account: Account, tables: Tables) -> None:
    bad: list[Json] = [profile("b", Email="nobody"), 7, token("a", "t", "sms"), profile()]
    good = [profile("a", Tier="Gold"), profile(None, "device", Tier="Iron"), token("c", "t")]
    answer = account.upload(bad[0], good[0], bad[1], good[1], bad[2], good[2], bad[3])
    assert (answer["status"], answer["processed"]) == ("partial", 3)
    assert [entry["record"] for entry in answer["unprocessed"]] == bad
    assert {entry["code"] for entry in answer["unprocessed"]} == {400}
    assert set(tables.claims(account.account_id)) == {"a", "c"}
    assert len(tables.memberships(account.account_id)) == 3
    assert data_of(account, "a") == {"Tier": "Gold"}


def test_hundreds_of_users_are_uploaded_at_once(account: Account, tables: Tables) -> None:
    answer = account.upload(*(profile(f"u{index}", n=index) for index in range(250)))
    assert answer == {"status": "success", "processed": 250, "unprocessed": []}
    assert set(tables.claims(account.account_id)) == {f"u{index}" for index in range(250)}
    assert_whole(tables, account.account_id)
    assert data_of(account, "u249") == {"n": 249}


def test_records_of_one_user_are_applied_in_order(account: Account) -> None:
    account.upload(*(profile("a", n=index, **{f"k{index % 3}": index}) for index in range(20)), token("a", "t"))
    assert data_of(account, "a") == {"n": 19, "k0": 18, "k1": 19, "k2": 17}
    account.upload(profile("a", n=None), token("a", "t", remove=True), profile("a", n=1), token("a", "u"))
    assert data_of(account, "a") == {"n": 1, "k0": 18, "k1": 19, "k2": 17}
    assert tokens_of(account, "a") == ["u"]
    account.upload(profile("a", n=2), profile("a", n=None))
    assert "n" not in data_of(account, "a")


@pytest.mark.parametrize("clear", [None, {"$remove": True}])
def test_a_cleared_field_is_gone_and_its_channel_with_it(account: Account, relay: Relay, clear: Json) -> None:
    (gold,) = account.create(None)
    account.update((users("a"), [act("ADD", ct=gold)]))
    account.upload(profile("a", Email="a@example.com", Phone="+12025550123", Tier="Gold", **{"MSG-sms": False}))
    account.upload(profile("a", Email=clear, Tier=clear, **{"MSG-sms": clear}))
    relay.drain()
    assert data_of(account, "a") == {"Phone": "+12025550123"}
    assert account.reachable(gold) == {"sms": 1}


def attributes(*indexes: int) -> Json:
    return {f"k{index}": index for index in indexes}


def test_custom_attributes_are_counted_after_a_record_is_applied(account: Account) -> None:
    standard = {"Name": "Ada", "Email": "a@example.com", "Phone": "+12025550123", "Gender": "F", "DOB": "1990-12-31"}
    assert account.upload(profile("a", **attributes(*range(256)), **standard))["status"] == "success"
    too_many = profile("a", more=1)
    answer = account.upload(too_many, profile("a", k0=None, other=1), profile("a", k1="changed"), too_many)
    error = "profileData: a profile has at most 256 custom attributes"
    assert answer["unprocessed"] == [{"status": "fail", "code": 400, "error": error, "record": too_many}] * 2
    assert data_of(account, "a") == {**standard, **attributes(*range(2, 256)), "k1": "changed", "other": 1}
    assert account.upload(profile("b", **attributes(*range(257))))["status"] == "fail"
    assert account.profile(identity="b")[0] == 404


def test_tokens_are_counted_after_a_record_is_applied(account: Account) -> None:
    kinds = ["fcm", "apns", "chrome"]
    assert account.upload(*(token("a", f"t{n:02}", kinds[n % 3]) for n in range(10)))["status"] == "success"
    answer = account.upload(
        token("a", "more"),
        token("a", "t00", "fcm"),
        token("a", "t00", remove=True),
        token("a", "new"),
        token("a", "t00"),
    )
    error = "tokenData: a profile has at most 10 tokens"
    assert [(entry["code"], entry["error"]) for entry in answer["unprocessed"]] == [(400, error)] * 2
    assert sorted(tokens_of(account, "a")) == [*("new" for _ in "1"), *(f"t{n:02}" for n in range(1, 10))]


@pytest.mark.parametrize("filler", ["v", '"', "\\", "🦊", "\n"])
def test_the_largest_profile_can_be_stored(account: Account, filler: str) -> None:
    value = filler * (512 // len(filler.encode()))
    names = [f"{index:03}" + filler.replace("\n", '"') * (117 // len(filler.encode())) for index in range(256)]
    assert (
        account.upload(profile("a", Name=value.replace("\n", "n"), **dict.fromkeys(names, value)))["status"]
        == "success"
    )
    ids = [f"{index:04}{'t' * 4092}" for index in range(10)]
    for name in ids:
        assert account.upload(token("a", name))["status"] == "success"
    assert data_of(account, "a") == {"Name": value.replace("\n", "n"), **dict.fromkeys(names, value)}
    assert tokens_of(account, "a") == sorted(ids)


def test_a_token_id_is_kept_whole(account: Account) -> None:
    account.upload(token("a", "a#b#c"), token("a", "a#b#c", "chrome"), token("a", "#"))
    assert account.profile(identity="a")[1]["record"]["tokens"] == [
        {"id": "a#b#c", "type": "chrome"},
        {"id": "#", "type": "fcm"},
        {"id": "a#b#c", "type": "fcm"},
    ]


def test_a_lost_answer_is_no_second_write(account: Account, tables: Tables, relay: Relay, faulty: FaultyClient) -> None:
    faulty.next("transact_write_items", answer_lost, answer_lost)
    assert account.upload(profile("a", Email="a@example.com"))["status"] == "success"
    assert len(relay.drain()) == 1
    assert len(tables.memberships(account.account_id)) == 1
    version = version_of(tables, account)
    faulty.next("transact_write_items", answer_lost)
    assert account.upload(profile("a", Email="b@example.com"))["status"] == "success"
    assert version_of(tables, account) == version + 1


def test_records_that_could_not_be_written_are_told_and_the_rest_is_written(
    account: Account, faulty: FaultyClient
) -> None:
    faulty.next("transact_write_items", refused("AccessDeniedException"))
    records = [profile(f"u{index}", n=index) for index in range(5)]
    answer = account.upload(*records)
    assert (answer["status"], answer["processed"], len(answer["unprocessed"])) == ("partial", 4, 1)
    (failed,) = answer["unprocessed"]
    assert failed["code"] == 503
    assert account.profile(identity=failed["record"]["identity"])[0] == 404
    assert account.upload(failed["record"])["status"] == "success"


@pytest.mark.parametrize(("fault", "code"), [(refused("ThrottlingException"), 429), (not_sent(), 503)])
def test_records_whose_users_could_not_be_looked_up_are_listed(
    account: Account, faulty: FaultyClient, fault: Fault, code: int
) -> None:
    faulty.always("batch_get_item", fault)
    records = [profile(f"u{index}", n=index) for index in range(3)]
    status, answer = account.call("profiles", {"d": [*records, {"type": "profile"}]}, seconds=6)
    assert (status, answer["status"], answer["processed"]) == (200, "fail", 0)
    assert [entry["code"] for entry in answer["unprocessed"]] == [code, code, code, 400]
    assert [entry["record"] for entry in answer["unprocessed"]] == [*records, {"type": "profile"}]
    status, answer = account.call("profiles", {"d": records}, seconds=6)
    assert (status, answer["status"], len(answer["unprocessed"])) == (code, "fail", 3)


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ({"identity": "nobody"}, 404, "there is no profile with this identity"),
        ({"guid": "nobody"}, 404, "there is no profile with this guid"),
        ({}, 400, "identity or guid is required"),
        ({"identity": ""}, 400, "identity: must have 1 to 255 characters, has 0"),
        ({"guid": "n" * 256}, 400, "guid: must have 1 to 255 characters, has 256"),
        ({"identity": "a\n"}, 400, "identity: must have no control characters"),
        ({"email": "a@example.com"}, 400, "email: unknown parameter"),
        ({"identity": "a", "objectId": "g"}, 400, "objectId: unknown parameter; it is written guid"),
    ],
)
def test_who_is_not_there_is_not_found(account: Account, query: dict[str, str], status: int, error: str) -> None:
    assert account.profile(**query) == (status, {"status": "fail", "error": error, "code": status})


def test_another_accounts_profile_is_not_there(account: Account, new_account: Any, bus: RecordingBus) -> None:
    other = new_account()
    account.upload(profile("a", "g", Tier="Gold"))
    assert other.profile(identity="a")[0] == other.profile(guid="g")[0] == other.erase("a")[0] == 404
    other.upload(profile("a", "g", Tier="Iron"))
    assert other.erase("a")[0] == 200
    assert data_of(account, "a") == {"Tier": "Gold"}
    assert bus.entries == []


def test_an_attribute_whose_name_is_refused_today_can_be_removed_where_it_is(
    account: Account, dynamodb: "DynamoDBClient", environment: dict[str, str], tables: Tables
) -> None:
    account.upload(profile("a", Email="a@example.com"))
    ((_, item),) = tables.profiles(account.account_id).items()
    dynamodb.update_item(
        TableName=environment["PROFILES_TABLE"],
        Key={"pk": {"S": item["pk"]}},
        UpdateExpression="SET attributes = :attributes",
        ExpressionAttributeValues={":attributes": {"S": '{"Email":"a@example.com","email":"old","identity":"b"}'}},
    )
    wrong = account.upload(profile("a", **{"E-mail": None}), profile("a", **{"MSG-Email": {"$remove": True}}))
    assert [failed["error"] for failed in wrong["unprocessed"]] == [
        "profileData.E-mail: unknown attribute; it is written Email",
        "profileData.MSG-Email: unknown attribute; it is written MSG-email",
    ]
    assert account.upload(profile("a", email=None, identity=None))["processed"] == 1
    assert data_of(account, "a") == {"Email": "a@example.com"}
    assert account.upload(profile("a", email=None))["unprocessed"][0]["code"] == 400


def test_an_identity_among_the_attributes_links_as_any_other(account: Account) -> None:
    record = {"type": "profile", "objectId": "anon-1", "profileData": {"identity": "rud1", "Name": "Ada"}}
    assert account.upload(record)["processed"] == 1
    (gold,) = account.create(None)
    account.update((users("rud1"), [act("ADD", ct=gold)]))
    assert account.profile(identity="rud1")[1]["record"]["guid"] == "anon-1"
    assert data_of(account, "rud1") == {"Name": "Ada"}
    assert account.upload(profile("rud1", "anon-1"))["status"] == "success"

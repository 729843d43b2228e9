"""What must hold of the tables and the bus when everything has been delivered."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from api_segments.aws import keys
from api_segments.core.channels import Channel
from api_segments.core.limits import MAX_ACTIVE_SEGMENTS
from api_segments.memberships.announcement import REQUEST_SECONDS
from api_segments.profiles.model import AddressType, Profile, Token, TokenType
from api_segments.profiles.reachability import reach_of
from tests.simulation.broken import check
from tests.simulation.clients import Clients
from tests.simulation.history import Moments
from tests.simulation.world import World
from tests.support.rights import allows
from tests.support.state import Item, assert_projected, assert_whole, counted, digested, live, plain

CLEANERS = ("purge", "project_members")
"""How the names of processes begin that write to Memberships only to take a deleted segment's members away."""


def check_all(clients: Clients, account_ids: tuple[str, ...], active_before: int) -> None:
    """Check everything of these accounts; raises AssertionError."""
    world = clients.world
    clients.check_uploads_stay()
    clients.opting_out.check_nothing_was_sent()
    clients.opting_out.check_opt_outs_stay()
    denied = [use for use in world.used if not allows(use)]
    check(not denied, "a role does not allow a call", denied)
    told = check_events(world)
    check_segment_events(world)
    for queue in world.queues.values():
        check(not queue.dead, "a task was given up", queue.dead)
    for account_id in account_ids:
        assert_whole(world.tables, account_id)
        check_reach(world, account_id)
        clients.opting_out.check_profiles_follow(account_id)
        assert_projected(world.tables, account_id)
        check_data_points(world, account_id, told[account_id])
        check_segments(world, account_id, active_before)
        check_purged(world, account_id)


def check_events(world: World) -> dict[str, Counter[str]]:
    """One event for one change, and for a pair ADD and REMOVE take turns; return how many, by account and month.

    A deletion's clean-up tells nothing; a change in flight while the segment is deleted may be told or not.
    """
    expected: dict[str, tuple[Any, ...]] = {}
    must: set[str] = set()
    cleanings = {
        write.sequence
        for writer, write in world.history.writers
        if world.history.names[write.table] == "MEMBERSHIPS_TABLE" and writer.startswith(CLEANERS)
    }
    months: dict[str, tuple[str, str]] = {}
    for record in world.db.stream_records(world.environment["MEMBERSHIPS_TABLE"]):
        change = record["dynamodb"]
        at = datetime.fromtimestamp(change["ApproximateCreationDateTime"], UTC)
        old, new = plain(change.get("OldImage", {})), plain(change.get("NewImage", {}))
        account_id, profile_id = (new or old)["account_id"], (new or old)["profile_id"]
        before, after = set(old.get("segment_ids", ())), set(new.get("segment_ids", ()))
        for segment_id in map(int, before ^ after):
            deleted_at = deleted(world, account_id, segment_id)
            if change["SequenceNumber"] in cleanings:
                continue
            if deleted_at is not None and at > deleted_at + timedelta(seconds=REQUEST_SECONDS):
                continue
            event_id = f"{record['eventID']}-{segment_id}"
            action, identity = "ADD" if segment_id in after else "REMOVE", new.get("identity") or old.get("identity")
            expected[event_id] = (action, segment_id, account_id, profile_id, identity)
            months[event_id] = (account_id, f"{at:%Y-%m}")
            if deleted_at is None or at <= deleted_at:
                must.add(event_id)
    told: dict[str, tuple[Any, ...]] = {}
    order: dict[tuple[str, str, int], dict[str, str]] = defaultdict(dict)
    for detail in world.bus.details.get("Segment Membership Change", ()):
        content = tuple(detail[name] for name in ("Action", "Segment ID", "Account ID", "Profile ID", "Identity"))
        check(told.setdefault(detail["Event ID"], content) == content, "an event changed on redelivery", detail)
        order[detail["Account ID"], detail["Profile ID"], detail["Segment ID"]][detail["Sequence"]] = detail["Action"]
    missing, spare = must - told.keys(), told.keys() - expected.keys()
    check(not missing and not spare, "events are not the changes", f"missing {missing}", f"without a change {spare}")
    check(told == {event_id: expected[event_id] for event_id in told}, "an event says something else than its change")
    for (account_id, profile_id, segment_id), actions in order.items():
        history = [actions[sequence] for sequence in sorted(actions)]
        takes_turns = history == (["ADD", "REMOVE"] * len(history))[: len(history)]
        is_told_whole = deleted(world, account_id, segment_id) is None
        check(takes_turns or not is_told_whole, "events do not alternate", profile_id, segment_id, history)
    points: dict[str, Counter[str]] = defaultdict(Counter)
    for event_id in told:
        account_id, month = months[event_id]
        points[account_id][month] += 1
    return points


def deleted(world: World, account_id: str, segment_id: int) -> datetime | None:
    """Return when a segment was deleted."""
    key = f"{account_id}|{keys.deleted_segment(segment_id)}"
    item = world.history.at("SEGMENTS_TABLE", key, world.history.now)
    return None if item is None else datetime.fromisoformat(item["deleted_at"]["S"])


def check_segment_events(world: World) -> None:
    """Each segment is told of when it is created, at each new name, and when it is deleted."""
    expected = Counter[tuple[str, int]]()
    for write in world.history.of("SEGMENTS_TABLE"):
        old, new = plain(write.old or {}), plain(write.new or {})
        if new.get("sk", "").startswith(("SEGMENT#", "DELETED#")):
            what = "Created" if new["sk"].startswith("SEGMENT#") else "Deleted"
            if not old or new["segment_name"] != old["segment_name"]:
                expected[f"Segment {'Renamed' if old else what}", int(new["segment_id"])] += 1
    told = {
        (what, detail["Segment ID"], detail["Event ID"])
        for what, details in world.bus.details.items()
        if what != "Segment Membership Change"
        for detail in details
    }
    counted_told = Counter((what, segment_id) for what, segment_id, _ in told)
    check(
        counted_told == expected,
        "segments are not told of as they changed",
        counted_told - expected,
        expected - counted_told,
    )


def check_reach(world: World, account_id: str) -> None:
    """The reach beside the memberships is what the attributes lead to."""
    profiles = world.tables.profiles(account_id)
    for profile_id, item in world.tables.memberships(account_id).items():
        known = profiles.get(profile_id, {})
        tokens = [text.partition("#") for text in known.get("tokens", ())]
        profile = Profile(
            profile_id,
            item.get("identity"),
            json.loads(known.get("attributes", "{}")),
            frozenset(Token(TokenType(kind), token_id) for kind, _, token_id in tokens),
            suppressed=frozenset(map(AddressType, known.get("suppressed", ()))),
            opted_out={Channel(name): at for name, at in known.get("opted_out_by_user", {}).items()},
        )
        check(reach_of(profile) == frozenset(item.get("reach", ())), "reach is not the profile's", profile_id)


def check_counts(world: World, account_id: str) -> None:
    """At any moment, drained or not, counters count the rows that are there, and digests are theirs."""
    members = live(world.tables.members(account_id))
    rows, digests = counted(members), digested(members)
    counts, sums = world.tables.counts(account_id), world.tables.digests(account_id)
    # A purge that ends drops the slots of its segment's counters, which add up to nothing, one by one.
    active = [segment_id for segment_id in {*rows, *counts, *sums} if deleted(world, account_id, segment_id) is None]
    balances = world.tables.joined_less_left(account_id)
    check(
        all(balances[each] == rows.get(each, Counter())["members"] for each in active),
        "members are not those who joined and have not left",
        account_id,
    )
    check(
        all(sums[segment_id] == digests[segment_id] for segment_id in active),
        "digests are not those of the rows",
        account_id,
    )
    check(
        all(counts.get(segment_id) == rows.get(segment_id) for segment_id in active),
        "counters do not count the rows",
        account_id,
    )


def check_data_points(world: World, account_id: str, expected: Counter[str]) -> None:
    """Each change that was told counts one data point of its month."""
    told = world.tables.data_points(account_id)
    check(told == +expected, "data points are not the changes", told, expected)


def check_segments(world: World, account_id: str, active_before: int) -> None:
    """The quota counts the active segments, and each customer id leads to one segment for ever, which bears it."""
    active = world.tables.of_account("SEGMENTS_TABLE", account_id, "SEGMENT#")
    gone = world.tables.of_account("SEGMENTS_TABLE", account_id, "DELETED#")
    quota = world.tables.of_account("SEGMENTS_TABLE", account_id, "QUOTA")
    counted_active = int(quota[0]["active"]) if quota else 0
    check(counted_active == len(active) + active_before, "the quota miscounts", counted_active, len(active))
    check(counted_active <= MAX_ACTIVE_SEGMENTS, "more segments than there may be", counted_active)
    for item in gone:
        check_last_name(world, account_id, item)
    both = {each["segment_id"] for each in active} & {each["segment_id"] for each in gone}
    check(not both, "a segment is active and deleted", both)
    borne = [
        (each.get("customer_segment_id") or each.get("deleted_customer_segment_id"), each["segment_id"], each["status"])
        for each in [*active, *gone]
    ]
    claims = [
        (claim["sk"].removeprefix("CID#"), claim["segment_id"], claim["status"])
        for claim in world.tables.of_account("SEGMENTS_TABLE", account_id, "CID#")
    ]
    check(sorted(claims) == sorted(each for each in borne if each[0]), "claims and segments part", claims, borne)


def check_last_name(world: World, account_id: str, item: Item) -> None:
    """A segment is deleted under the name that it had last: no renaming gets lost."""
    key = f"{account_id}|{keys.segment(int(item['segment_id']))}"
    versions = world.history.versions("SEGMENTS_TABLE", key, Moments(0, world.history.now))
    names = [version["segment_name"]["S"] for _, version in versions if version is not None]
    check(names[-1] == item["segment_name"], "a renaming is lost", item, names)


def cleaned_up(world: World, account_id: str) -> Counter[int]:
    """Return how many users clean-ups took out of each segment, by the stream: their writes bear a mark."""
    found: Counter[int] = Counter()
    for record in world.db.stream_records(world.environment["MEMBERSHIPS_TABLE"]):
        change = record["dynamodb"]
        old, new = plain(change.get("OldImage", {})), plain(change.get("NewImage", {}))
        if (new or old)["account_id"] == account_id and new.get("purge") not in (None, old.get("purge")):
            found.update(map(int, set(old.get("segment_ids", ())) - set(new.get("segment_ids", ()))))
    return found


def check_purged(world: World, account_id: str) -> None:
    """Deleted segments have no members, and say when they were purged."""
    gone = world.tables.of_account("SEGMENTS_TABLE", account_id, "DELETED#")
    for item in gone:
        check("purged_at" in item, "a deleted segment was not purged", item)
    members = {
        int(each) for item in world.tables.memberships(account_id).values() for each in item.get("segment_ids", ())
    }
    left = members & {int(item["segment_id"]) for item in gone}
    check(not left, "a deleted segment has members", left)
    purged, told = cleaned_up(world, account_id), world.tables.purged(account_id)
    check(told == purged, "those who were purged are not the members that clean-ups took away", told, purged)
    there = {int(item["segment_id"]) for item in world.tables.of_account("SEGMENTS_TABLE", account_id, "SEGMENT#")}
    check(members <= there, "users are in segments that are not there", members - there)

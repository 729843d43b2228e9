"""What the tables really hold of an account: read whole, around the product's own code."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import md5
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

from api_segments.aws.keys import token_claim

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
RowId = tuple[int, str]
"""Segment id and profile id."""

MEMBERS = "members"
CHANNELS = ("email", "sms", "push", "whatsapp", "web_push")

_FROM_DYNAMODB = TypeDeserializer()


@dataclass(frozen=True)
class Row:
    """What a live row of SegmentMembers says."""

    identity: str | None
    reach: frozenset[str]


@dataclass(frozen=True)
class Tables:
    """The tables of a run; `environment` names them."""

    client: "DynamoDBClient"
    environment: Mapping[str, str]

    def memberships(self, account_id: str) -> dict[str, Item]:
        """Return the items of Memberships by profile id."""
        items = self._beginning("MEMBERSHIPS_TABLE", f"{account_id}#")
        return {item["profile_id"]: item for item in items}

    def profile_of(self, account_id: str, identity: str) -> str | None:
        """Return the profile that an identity's claim leads to."""
        key = {"pk": {"S": f"IDENTITY#{account_id}#{identity}"}}
        table = self.environment["PROFILES_TABLE"]
        item = self.client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else item["profile_id"]["S"]

    def claims(self, account_id: str) -> dict[str, str]:
        """Return the profile ids of all claimed identities."""
        prefix = f"IDENTITY#{account_id}#"
        items = self._beginning("PROFILES_TABLE", prefix)
        return {item["pk"].removeprefix(prefix): item["profile_id"] for item in items}

    def token_claims(self, account_id: str) -> dict[str, str]:
        """Return the profile ids of all claimed tokens, by the claims' keys."""
        return {item["pk"]: item["profile_id"] for item in self._beginning("PROFILES_TABLE", f"TOKEN#{account_id}#")}

    def token_claim(self, account_id: str, token_type: str, token_id: str) -> str | None:
        """Return the profile that a token's claim leads to."""
        key = {"pk": {"S": token_claim(account_id, token_type, token_id)}}
        table = self.environment["PROFILES_TABLE"]
        item = self.client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return item["profile_id"]["S"] if "profile_id" in item else None

    def profiles(self, account_id: str) -> dict[str, Item]:
        """Return the items of attributes and tokens by profile id."""
        prefix = f"PROFILE#{account_id}#"
        items = self._beginning("PROFILES_TABLE", prefix)
        return {item["pk"].removeprefix(prefix): item for item in items}

    def users(self, account_id: str) -> tuple[dict[str, str], dict[str, Item], dict[str, Item]]:
        """Return all that is kept of users: claims, attributes, memberships."""
        return self.claims(account_id), self.profiles(account_id), self.memberships(account_id)

    def members(self, account_id: str) -> dict[RowId, Item]:
        """Return all rows of SegmentMembers, tombstones too."""
        items = self._beginning("SEGMENT_MEMBERS_TABLE", f"{account_id}#")
        return {(int(item["pk"].split("#")[1]), item["profile_id"]): item for item in items}

    def counts(self, account_id: str) -> dict[int, Counter[str]]:
        """Return the counters of segments: members, and one a channel; only those that are not 0."""
        counters = self._counters(account_id)
        counts = {
            key: Counter({name: each[name] for name in each if name != "digest"}) for key, each in counters.items()
        }
        return without_zeros(counts)

    def digests(self, account_id: str) -> Counter[int]:
        """Return the digests of segments; only those that are not 0."""
        return without_zeros_in({key: each["digest"] for key, each in self._counters(account_id).items()})

    def joined_less_left(self, account_id: str) -> Counter[int]:
        """Return by how much more often users joined segments than left them, where that is not 0."""
        sums: Counter[int] = Counter()
        for item in self.of_account("SEGMENTS_TABLE", account_id, "STATS#"):
            sums[int(item["sk"].split("#")[1])] += int(item.get("joined_total", 0)) - int(item.get("left_total", 0))
        return without_zeros_in(sums)

    def _counters(self, account_id: str) -> dict[int, Counter[str]]:
        sums: dict[int, Counter[str]] = {}
        for item in self.of_account("SEGMENTS_TABLE", account_id, "STATS#"):
            figures = {
                name.removeprefix("reachable_"): int(figure)
                for name, figure in item.items()
                if name not in {"account_id", "sk", "as_of", "purged", "joined_total", "left_total"}
            }
            sums.setdefault(int(item["sk"].split("#")[1]), Counter()).update(figures)
        return sums

    def purged(self, account_id: str) -> Counter[int]:
        """Return how many members were purged of each segment: as noted at the end, and as counted since then."""
        purged: Counter[int] = Counter()
        for item in self.of_account("SEGMENTS_TABLE", account_id, "STATS#"):
            purged[int(item["sk"].split("#")[1])] += int(item.get("purged", 0))
        for item in self.of_account("SEGMENTS_TABLE", account_id, "DELETED#"):
            purged[int(item["segment_id"])] += int(item.get("purged_members", 0))
        return +purged

    def data_points(self, account_id: str) -> Counter[str]:
        """Return the account's data points by month."""
        points: Counter[str] = Counter()
        for item in self.of_account("ACCOUNTS_TABLE", account_id, "USAGE#"):
            points[item["sk"].split("#")[1]] += int(item["data_points"])
        return points

    def of_account(self, table: str, account_id: str, prefix: str) -> list[Item]:
        """Return the items of an account whose sort keys begin with `prefix`."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.environment[table],
            KeyConditionExpression="account_id = :account AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={":account": {"S": account_id}, ":prefix": {"S": prefix}},
            ConsistentRead=True,
        )
        return [plain(item) for page in pages for item in page["Items"]]

    def active_segments(self, account_id: str) -> int:
        """Return what the quota counts."""
        (quota,) = self.of_account("SEGMENTS_TABLE", account_id, "QUOTA")
        return int(quota["active"])

    def set_quota(self, account_id: str, active: int) -> None:
        """Make an account look as if it had so many active segments."""
        item = {"account_id": {"S": account_id}, "sk": {"S": "QUOTA"}, "active": {"N": str(active)}}
        self.client.put_item(TableName=self.environment["SEGMENTS_TABLE"], Item=item)

    def set_reach(self, account_id: str, profile_id: str, *channels: str) -> None:
        """Make a profile reachable by these channels and no others, as contact points will do."""
        values: Any = {":reach": {"SS": list(channels)}} if channels else {}
        self.client.update_item(
            TableName=self.environment["MEMBERSHIPS_TABLE"],
            Key=_membership_key(account_id, profile_id),
            UpdateExpression="SET reach = :reach" if channels else "REMOVE reach",
            **({"ExpressionAttributeValues": values} if values else {}),
        )

    def set_identity(self, account_id: str, profile_id: str, identity: str) -> None:
        """Make an anonymous profile known."""
        self.client.update_item(
            TableName=self.environment["MEMBERSHIPS_TABLE"],
            Key=_membership_key(account_id, profile_id),
            UpdateExpression="SET #identity = :identity",
            ExpressionAttributeNames={"#identity": "identity"},
            ExpressionAttributeValues={":identity": {"S": identity}},
        )

    def erase(self, account_id: str, profile_id: str) -> None:
        """Take a profile's memberships away, as erasing a profile will do."""
        key = _membership_key(account_id, profile_id)
        self.client.delete_item(TableName=self.environment["MEMBERSHIPS_TABLE"], Key=key)

    def _beginning(self, table: str, prefix: str) -> Iterator[Item]:
        """Return the items of a table whose partition keys begin with `prefix`; MiniStack is slow to filter."""
        pages = self.client.get_paginator("scan").paginate(TableName=self.environment[table], ConsistentRead=True)
        return (plain(item) for page in pages for item in page["Items"] if item["pk"]["S"].startswith(prefix))


def _membership_key(account_id: str, profile_id: str) -> Any:
    return {"pk": {"S": f"{account_id}#{profile_id}"}}


def plain(item: Mapping[str, Any]) -> Item:
    """Read DynamoDB's JSON."""
    return {name: _FROM_DYNAMODB.deserialize(value) for name, value in item.items()}


def live(rows: Mapping[RowId, Item]) -> dict[RowId, Row]:
    """Return the rows that are members."""
    return {
        key: Row(row.get("identity"), frozenset(row.get("reach", ())))
        for key, row in rows.items()
        if "expires_at" not in row
    }


def turned_round(memberships: Mapping[str, Item]) -> dict[RowId, Row]:
    """Return the rows that memberships should lead to."""
    return {
        (int(segment_id), profile_id): Row(item.get("identity"), frozenset(item.get("reach", ())))
        for profile_id, item in memberships.items()
        for segment_id in item.get("segment_ids", ())
    }


def counted(rows: Mapping[RowId, Row]) -> dict[int, Counter[str]]:
    """Return the counters that rows should lead to."""
    counts: dict[int, Counter[str]] = {}
    for (segment_id, _), row in rows.items():
        counts.setdefault(segment_id, Counter()).update([MEMBERS, *row.reach])
    return counts


def digested(rows: Mapping[RowId, Row]) -> Counter[int]:
    """Return the digests that rows should lead to, as docs/verify.md says."""
    sums: Counter[int] = Counter()
    for (segment_id, profile_id), row in rows.items():
        said = row.identity if row.identity is not None else "guid:" + profile_id
        sums[segment_id] += int(md5(said.encode()).hexdigest()[:15], 16)  # noqa: S324 - not to keep anything secret
    return without_zeros_in(sums)


def without_zeros_in(figures: Mapping[int, int]) -> Counter[int]:
    return Counter({key: figure for key, figure in figures.items() if figure})


def without_zeros(counts: Mapping[int, Counter[str]]) -> dict[int, Counter[str]]:
    left = {
        segment_id: Counter({name: figure for name, figure in figures.items() if figure})
        for segment_id, figures in counts.items()
    }
    return {segment_id: figures for segment_id, figures in left.items() if figures}


def assert_whole(tables: Tables, account_id: str) -> None:
    """Each profile is all there: claim and memberships agree, and attributes belong to a profile that exists."""
    claims, profiles, memberships = tables.users(account_id)
    known = {item["identity"]: profile_id for profile_id, item in memberships.items() if "identity" in item}
    assert claims == known
    assert set(profiles) <= set(memberships)
    held = [(token, profile_id) for profile_id, item in profiles.items() for token in item.get("tokens", ())]
    assert len(dict(held)) == len(held), "a token is two users'"
    assert tables.token_claims(account_id) == {_claimed(account_id, token): profile_id for token, profile_id in held}


def _claimed(account_id: str, token: str) -> str:
    kind, _, token_id = token.partition("#")
    return token_claim(account_id, kind, token_id)


def assert_projected(tables: Tables, account_id: str) -> None:
    """SegmentMembers is Memberships turned round; its live rows are counted, per channel too, and digested."""
    rows = live(tables.members(account_id))
    assert rows == turned_round(tables.memberships(account_id))
    assert tables.counts(account_id) == counted(rows)
    assert tables.digests(account_id) == digested(rows)

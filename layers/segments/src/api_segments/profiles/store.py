"""Profiles table: attributes and tokens, written together with the identity's claim and the reach in Memberships."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from secrets import randbits
from typing import TypeVar

from api_segments.aws import keys
from api_segments.aws.dynamodb import ConditionFailedError, DynamoDB, Get, Item
from api_segments.aws.items import Attributes, Readings
from api_segments.aws.transactions import (
    Conditions,
    TransactionAction,
    check_action,
    delete_action,
    put_action,
    update_action,
)
from api_segments.core.channels import Channel
from api_segments.core.clock import Deadline
from api_segments.core.errors import DamagedItemError
from api_segments.memberships.model import MembershipImage
from api_segments.memberships.store import image_from_item
from api_segments.memberships.store_references import profile_id_of
from api_segments.profiles.channels import FLAGS
from api_segments.profiles.model import AddressKey, AddressType, AttributeValue, Profile, Token, TokenType

_OPTED_OUT, _OPTED_IN, _SINCE = "opted_out_by_user", "opted_in", "address_since"
_Kind = TypeVar("_Kind", bound=StrEnum)
_INDEXES = {AddressType.EMAIL: "EmailIndex", AddressType.PHONE: "PhoneIndex"}


@dataclass(frozen=True, slots=True)
class ProfileState:
    """All that is kept of a profile. `membership` is None if the profile does not exist.

    A profile that was created by an update of segments has memberships, but no attributes and version 0.
    """

    profile: Profile
    membership: MembershipImage | None


@dataclass(frozen=True, slots=True)
class TokenClaim:
    """Whose a device's token is: `holder` is a profile id, None if nobody has claimed the token.

    `damaged` says that the claim, or its holder's profile, is damaged.
    """

    holder: str | None
    damaged: DamagedItemError | None = None


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """A profile as it was read, and as it is to be, with its reach."""

    before: ProfileState
    after: Profile
    reach: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class TokenChanges:
    """What becomes of tokens' claims when a profile is saved.

    `claimed` are tokens to be claimed, each with who holds its claim; `released` those whose claims end with this
    profile. `others` are all other holders, without those tokens; of one who has none of them the claim is left over.
    """

    claimed: Mapping[Token, str | None] = field(default_factory=dict)
    released: Sequence[Token] = ()
    others: Sequence[ProfileChange] = ()


NO_TOKENS = TokenChanges()


@dataclass(frozen=True, slots=True)
class ErasedClaims:
    """What leads to a profile that is to be erased: an identity whose claim led here, and the claims of its tokens.

    A claim of the profile's identity that leads to another profile, `holder`, stays.
    """

    identity: str | None
    tokens: Sequence[Token] = ()
    holder: str | None = None


class ProfileChangedError(Exception):
    """Nothing was written: the profile, or its identity's claim, is no longer as it was read."""


class ProfileStore:
    """Reads and writes profiles."""

    def __init__(self, db: DynamoDB, profiles_table: str, memberships_table: str) -> None:
        self._db = db
        self._profiles_table = profiles_table
        self._memberships_table = memberships_table

    def profile_ids(self, account_id: str, identities: Sequence[str], deadline: Deadline) -> Readings[str, str]:
        """Return the profile ids of those identities that have one, consistently."""
        gets = [Get(self._profiles_table, self._claim_key(account_id, identity)) for identity in identities]
        found = self._db.batch_get(gets, deadline)
        return Readings({identities[index]: item for index, item in found.items()}, profile_id_of)

    def load(self, account_id: str, profile_ids: Sequence[str], deadline: Deadline) -> Readings[str, ProfileState]:
        """Read profiles, consistently; one that does not exist comes back empty."""
        gets = [Get(self._profiles_table, self._profile_key(account_id, profile_id)) for profile_id in profile_ids]
        gets += [
            Get(self._memberships_table, self._membership_key(account_id, profile_id)) for profile_id in profile_ids
        ]
        found = self._db.batch_get(gets, deadline)

        def state(index: int) -> ProfileState:
            membership = found.get(index + len(profile_ids))
            image = None if membership is None else image_from_item(membership)
            identity = None if image is None else image.identity
            return ProfileState(_from_item(profile_ids[index], identity, found.get(index)), image)

        return Readings({profile_id: index for index, profile_id in enumerate(profile_ids)}, state)

    def token_claims(self, account_id: str, tokens: Sequence[Token], deadline: Deadline) -> dict[Token, TokenClaim]:
        """Return whose tokens are, consistently."""
        gets = [Get(self._profiles_table, self._token_key(account_id, token)) for token in tokens]
        found = self._db.batch_get(gets, deadline) if gets else {}
        read = Readings({tokens[index]: item for index, item in found.items()}, _holder)
        return {
            **dict.fromkeys(tokens, TokenClaim(None)),
            **{token: TokenClaim(holder) for token, holder in read.without_damaged().items()},
            **{token: TokenClaim(None, error) for token, error in read.damaged.items()},
        }

    def having_address(self, address: AddressKey, after: str | None, at_most: int, deadline: Deadline) -> list[str]:
        """Return ids of profiles that have an address, in an order that never changes, those after the profile `after`.

        They come from an index, which follows the table within moments: a profile's address may be another by now.
        """
        attribute, key = key_attribute(address.type), {"S": address.key}
        query: Item = {}
        if after is not None:
            query["ExclusiveStartKey"] = {**self._profile_key(address.account_id, after), attribute: key}
        return self._db.query(
            at_most,
            lambda item: keys.id_of_profile(item["pk"]["S"]),
            deadline,
            TableName=self._profiles_table,
            IndexName=_INDEXES[address.type],
            KeyConditionExpression=f"{attribute} = :key",
            ExpressionAttributeValues={":key": key},
            **query,
        )

    def save(
        self, account_id: str, change: ProfileChange, tokens: TokenChanges, deadline: Deadline
    ) -> dict[str, Profile]:
        """Write a profile with its reach, and claim its identity and tokens if they are new: all or nothing.

        Returns the profile, and those that lost a token to it, with their new versions. Raises ProfileChangedError if
        anything is no longer as it was read, ThrottledError or UnavailableError.
        """
        before, after = change.before.profile, change.after
        # Who holds a claim that is left over must not come to have its token meanwhile.
        left_over = [each for each in tokens.others if each.before.profile.tokens == each.after.tokens]
        actions = [self._check_profile(account_id, each.before.profile) for each in left_over]
        saved: dict[str, Profile] = {}
        for each in (change, *(other for other in tokens.others if other not in left_over)):
            written = replace(each.after, version=_next_version(each.before.profile))
            actions.append(self._put_profile(account_id, each.before.profile, written))
            actions.append(self._keep_reach(account_id, each.before, each.after, each.reach))
            saved[written.profile_id] = written
        if after.identity is not None and before.identity is None:
            actions.append(self._claim(account_id, after.identity, after.profile_id))
        actions += [
            self._claim_token(account_id, token, after.profile_id, holder) for token, holder in tokens.claimed.items()
        ]
        actions += [self._release_token(account_id, token, after.profile_id) for token in tokens.released]
        try:
            self._db.transact(lambda: actions, deadline)
        except ConditionFailedError as exc:
            raise ProfileChangedError from exc
        return saved

    def erase(self, account_id: str, state: ProfileState, claims: ErasedClaims, deadline: Deadline) -> None:
        """Delete a profile, the claims of its identity and tokens, and its memberships: all or nothing.

        Raises ProfileChangedError if anything is no longer as it was read, ThrottledError or UnavailableError.
        """
        profile_id, holder = state.profile.profile_id, claims.holder
        own = "profile_id = :profile"
        # A claim that is missing though its profile is there keeps nobody from being erased.
        conditions = {state.profile.identity: f"attribute_not_exists(pk) OR {own}", claims.identity: own}
        kept = state.profile.identity if holder not in {None, profile_id} else None
        deletes = [
            delete_action(
                self._profiles_table,
                self._claim_key(account_id, identity),
                condition=condition,
                values={":profile": {"S": profile_id}},
            )
            for identity, condition in conditions.items()
            if identity not in {None, kept}
        ]
        if kept is not None and holder is not None:
            key, values = self._claim_key(account_id, kept), {":holder": {"S": holder}}
            deletes.append(check_action(self._profiles_table, key, condition="profile_id = :holder", values=values))
        deletes += [self._release_token(account_id, token, profile_id) for token in claims.tokens]
        key = self._profile_key(account_id, profile_id)
        deletes.append(delete_action(self._profiles_table, key, **_is_as_read(state.profile)))
        deletes.append(self._delete_membership(account_id, profile_id, state.membership))
        try:
            self._db.transact(lambda: deletes, deadline)
        except ConditionFailedError as exc:
            raise ProfileChangedError from exc

    def _delete_membership(self, account_id: str, profile_id: str, known: MembershipImage | None) -> TransactionAction:
        key = self._membership_key(account_id, profile_id)
        if known is None:
            return delete_action(self._memberships_table, key, condition="attribute_not_exists(pk)")
        is_known, values = _is_known(known.identity)
        names = {"#identity": "identity"}
        condition = f"attribute_exists(pk) AND {is_known}"
        return delete_action(self._memberships_table, key, condition=condition, values=values, names=names)

    def claim_again(
        self, account_id: str, identity: str, profile_id: str, gone: str | None, deadline: Deadline
    ) -> bool:
        """Lead an identity to the profile that bears it, if it leads nowhere, or to `gone`, which does not exist.

        False if that is no longer so, or the profile no longer bears it. Raises ThrottledError or UnavailableError.
        """
        actions = [
            check_action(
                self._memberships_table,
                self._membership_key(account_id, profile_id),
                condition="#identity = :identity",
                values={":identity": {"S": identity}},
                names={"#identity": "identity"},
            ),
            self._claim(account_id, identity, profile_id, gone),
        ]
        if gone is not None:
            key = self._membership_key(account_id, gone)
            actions.append(check_action(self._memberships_table, key, condition="attribute_not_exists(pk)"))
        try:
            self._db.transact(lambda: actions, deadline)
        except ConditionFailedError:
            return False
        return True

    def _put_profile(self, account_id: str, before: Profile, after: Profile) -> TransactionAction:
        item = {**self._profile_key(account_id, after.profile_id), **_to_item(after)}
        return put_action(self._profiles_table, item, **_is_as_read(before))

    def _check_profile(self, account_id: str, read: Profile) -> TransactionAction:
        return check_action(self._profiles_table, self._profile_key(account_id, read.profile_id), **_is_as_read(read))

    def _claim_token(self, account_id: str, token: Token, profile_id: str, before: str | None) -> TransactionAction:
        """Claim a token that nobody claims, or the profile `before`."""
        claim = {**self._token_key(account_id, token), "profile_id": {"S": profile_id}}
        if before is None:
            return put_action(self._profiles_table, claim, condition="attribute_not_exists(pk)")
        values = {":before": {"S": before}}
        return put_action(self._profiles_table, claim, condition="profile_id = :before", values=values)

    def _release_token(self, account_id: str, token: Token, profile_id: str) -> TransactionAction:
        key, values = self._token_key(account_id, token), {":profile": {"S": profile_id}}
        return delete_action(self._profiles_table, key, condition="profile_id = :profile", values=values)

    def _keep_reach(
        self, account_id: str, before: ProfileState, after: Profile, reach: frozenset[Channel]
    ) -> TransactionAction:
        """Write identity and reach into Memberships, or, if neither changes, check that the profile is still there."""
        key = self._membership_key(account_id, after.profile_id)
        identity: Item = {} if after.identity is None else {"identity": {"S": after.identity}}
        reached: Item = {"reach": {"SS": sorted(reach)}} if reach else {}
        if before.membership is None:
            item = {
                **key,
                "account_id": {"S": account_id},
                "account_bucket": {"S": keys.account_bucket(account_id, after.profile_id)},
                "profile_id": {"S": after.profile_id},
                **identity,
                **reached,
            }
            return put_action(self._memberships_table, item, condition="attribute_not_exists(pk)")
        known = before.membership.identity
        is_known, values = _is_known(known)
        condition = f"attribute_exists(pk) AND {is_known}"
        names = {"#identity": "identity"}
        if before.membership.reach == reach and known == after.identity:
            return check_action(self._memberships_table, key, condition=condition, values=values, names=names)
        sets = {**identity, **reached}
        values |= {f":{name}": value for name, value in sets.items()}
        clauses = [f"SET {', '.join(f'#{name} = :{name}' for name in sets)}"] if sets else []
        clauses += [] if reach else ["REMOVE #reach"]
        return update_action(
            self._memberships_table,
            key,
            " ".join(clauses),
            condition=condition,
            values=values,
            names={**names, "#reach": "reach"},
        )

    def _claim(self, account_id: str, identity: str, profile_id: str, before: str | None = None) -> TransactionAction:
        """Claim an identity that the profile `before` claims; without one, that no other profile claims."""
        claim = {**self._claim_key(account_id, identity), "profile_id": {"S": profile_id}}
        condition = "attribute_not_exists(pk) OR profile_id = :before" if before is None else "profile_id = :before"
        values = {":before": {"S": before or profile_id}}
        return put_action(self._profiles_table, claim, condition=condition, values=values)

    @staticmethod
    def _claim_key(account_id: str, identity: str) -> Item:
        return {"pk": {"S": keys.identity_claim(account_id, identity)}}

    @staticmethod
    def _token_key(account_id: str, token: Token) -> Item:
        return {"pk": {"S": keys.token_claim(account_id, token.type, token.token_id)}}

    @staticmethod
    def _profile_key(account_id: str, profile_id: str) -> Item:
        return {"pk": {"S": keys.profile(account_id, profile_id)}}

    @staticmethod
    def _membership_key(account_id: str, profile_id: str) -> Item:
        return {"pk": {"S": keys.membership(account_id, profile_id)}}


def _holder(claim: Item) -> str:
    return Attributes("token's claim", claim).text("profile_id")


def _next_version(before: Profile) -> int:
    """Return the next version; the first is drawn, so that a profile erased and made again is not taken for the old."""
    return before.version + 1 if before.version else 1 + randbits(50)


def _is_as_read(profile: Profile) -> Conditions:
    """Return the condition that a profile's item is still as it was read, or still not there."""
    if not profile.version:
        return {"condition": "attribute_not_exists(pk)"}
    return {"condition": "version = :version", "values": {":version": {"N": str(profile.version)}}}


def _is_known(identity: str | None) -> tuple[str, Item]:
    """Return the condition that an item's identity is this, or that it has none, and the condition's values."""
    if identity is None:
        return "attribute_not_exists(#identity)", {}
    return "#identity = :known", {":known": {"S": identity}}


def key_attribute(address_type: AddressType) -> str:
    """Return the attribute that has the key of a profile's address: that of the index on it."""
    return f"{address_type}_key"


def _to_item(profile: Profile) -> Item:
    item: Item = {
        "version": {"N": str(profile.version)},
        # As JSON text: values come back as they were sent, whatever a number's size.
        "attributes": {"S": json.dumps(dict(profile.attributes), ensure_ascii=False)},
    }
    for address_type, key in profile.address_keys.items():
        item[key_attribute(address_type)] = {"S": key}
    if profile.suppressed:
        item["suppressed"] = {"SS": sorted(profile.suppressed)}
    for name, times in (
        (_OPTED_OUT, profile.opted_out),
        (_OPTED_IN, profile.opted_in),
        (_SINCE, profile.address_since),
    ):
        if times:
            item[name] = {"M": {of_what: {"S": at} for of_what, at in times.items()}}
    if profile.tokens:
        item["tokens"] = {"SS": sorted(f"{token.type}#{token.token_id}" for token in profile.tokens)}
    return item


def _from_item(profile_id: str, identity: str | None, item: Item | None) -> Profile:
    if item is None:
        return Profile(profile_id, identity)
    profile = Attributes("profile", item)
    try:
        tokens = frozenset(map(_token, profile.texts("tokens")))
    except ValueError:
        raise profile.damaged("tokens") from None
    version = profile.whole("version")
    if version <= 0:  # 0 is that of a profile that was never written
        raise profile.damaged("version")
    return Profile(
        profile_id=profile_id,
        identity=identity,
        attributes=profile.parsed("attributes", _attributes),
        tokens=tokens,
        version=version,
        address_keys={
            address_type: profile.text(key_attribute(address_type))
            for address_type in AddressType
            if profile.has(key_attribute(address_type))
        },
        suppressed=profile.some_of("suppressed", AddressType),
        opted_out=_times(profile, _OPTED_OUT, Channel),
        opted_in=_times(profile, _OPTED_IN, Channel),
        address_since=_times(profile, _SINCE, AddressType),
    )


def _token(text: str) -> Token:
    kind, _, token_id = text.partition("#")
    return Token(TokenType(kind), token_id)


def _attributes(kept: object) -> Mapping[str, AttributeValue]:
    """Read attributes; raises TypeError. A damaged one is never taken for one that was not given, like an opt-out."""
    if not isinstance(kept, dict):
        raise TypeError("no object")
    for name, value in kept.items():
        if not isinstance(value, bool if name in FLAGS else str | int | float):
            raise TypeError("a value of another type")
    return kept


def _times(profile: Attributes, name: str, of_what: type[_Kind]) -> dict[_Kind, str]:
    return dict(profile.mapped(name, lambda kind, at: (of_what(kind), at["S"]))) if profile.has(name) else {}

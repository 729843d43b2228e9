"""Profiles: who a user is, how it can be reached, and its erasure."""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from api_segments.core.clock import Backoff, Clock, Deadline, rfc3339
from api_segments.core.errors import (
    ConflictError,
    DamagedItemError,
    InvalidRequestError,
    NotFoundError,
    NotWrittenError,
    SegmentsError,
    UnavailableError,
)
from api_segments.core.limits import MAX_CUSTOM_ATTRIBUTES, MAX_TOKENS
from api_segments.core.paging import Page, Position
from api_segments.core.parallel import in_parallel
from api_segments.http.strict_json import show
from api_segments.memberships.model import NOBODY, MembershipImage, UserReference
from api_segments.profiles.addresses import AddressKeys
from api_segments.profiles.channels import STANDARD_ATTRIBUTES
from api_segments.profiles.model import Address, AddressKey, AddressType, Profile, ProfileUpdate, Token
from api_segments.profiles.names import mistaken
from api_segments.profiles.reachability import reach_of
from api_segments.profiles.store import (
    NO_TOKENS,
    ErasedClaims,
    ProfileChange,
    ProfileChangedError,
    ProfileState,
    ProfileStore,
    TokenChanges,
    TokenClaim,
)
from api_segments.profiles.store_suppressions import SuppressionStore
from api_segments.profiles.tokens import holder_of, token_changes, tokens_to_look_up


@dataclass(slots=True)
class Known:
    """What has been read for the updates at hand; it is read anew when a write shows that it is old.

    `damaged` are identities and profiles whose items are damaged: their updates fail.
    """

    profile_ids: dict[str, str]
    states: dict[str, ProfileState]
    suppressed: dict[AddressKey, bool]
    claims: dict[Token, TokenClaim]
    damaged_identities: dict[str, DamagedItemError]
    damaged_profiles: dict[str, DamagedItemError]
    damaged_addresses: dict[AddressKey, DamagedItemError] = field(default_factory=dict)


class ProfileService:
    """Applies profile updates, each alone; looks profiles up; erases them."""

    def __init__(
        self, profiles: ProfileStore, addresses: AddressKeys, suppressions: SuppressionStore, clock: Clock
    ) -> None:
        self._profiles = profiles
        self._addresses = addresses
        self._suppressions = suppressions
        self._clock = clock

    def update(
        self, account_id: str, updates: Mapping[int, ProfileUpdate], deadline: Deadline, *, dry_run: bool = False
    ) -> dict[int, SegmentsError]:
        """Apply updates, by index, those of one user in order; return the indexes of those that failed, and why.

        A dry run does the same without writing: each update builds on what those before it would have written.
        """
        try:
            known = self._read(account_id, updates.values(), deadline)
        except NotWrittenError as error:
            return dict.fromkeys(updates, error)
        failed: dict[int, SegmentsError] = {}

        def apply(indexes: Sequence[int]) -> None:
            for index in indexes:
                try:
                    self._apply(account_id, updates[index], known, deadline, dry_run=dry_run)
                except SegmentsError as error:
                    failed[index] = error

        in_parallel(apply, _by_user(updates, known))
        return failed

    def get(self, account_id: str, identity: str | None, guid: str | None, deadline: Deadline) -> ProfileState:
        """Return a profile by identity or, without one, by guid; raises NotFoundError."""
        user = UserReference(identity, guid)
        state = self._find(account_id, user, deadline)
        if state is None or state.membership is None:
            raise no_such_profile(user)
        return state

    def _find(self, account_id: str, user: UserReference, deadline: Deadline) -> ProfileState | None:
        profile_id = user.guid
        if user.identity is not None:
            profile_id = self._profiles.profile_ids(account_id, [user.identity], deadline).get(user.identity)
        return None if profile_id is None else self._profiles.load(account_id, [profile_id], deadline)[profile_id]

    def having_address(
        self, account_id: str, address: Address, after: Position | None, limit: int, deadline: Deadline
    ) -> Page[ProfileState]:
        """List the profiles that have an address, in an order that never changes, from after `after` on.

        A page may have fewer rows than `limit`, even none, also when the list goes on. A profile that got the address
        less than a moment ago may be missing, and so are damaged ones; none is there whose address is another.
        """
        wanted = self._addresses.of(account_id, address, deadline)
        since = None if after is None else str(after[0])
        profile_ids = self._profiles.having_address(wanted, since, limit, deadline)
        states = self._profiles.load(account_id, profile_ids, deadline)
        rows = [
            state
            for state in states.without_damaged().values()
            if state.membership is not None and state.profile.address_keys.get(wanted.type) == wanted.key
        ]
        return Page(rows, (profile_ids[-1],) if len(profile_ids) == limit else None)

    def erase(self, account_id: str, identity: str | None, deadline: Deadline, guid: str | None = None) -> None:
        """Erase a profile by identity or, without one, by guid, its identity and its memberships; raises NotFoundError.

        Its memberships end as if it had been removed from each segment: counts and events follow.
        """
        user = UserReference(identity, guid)
        backoff = Backoff(deadline)
        while True:
            state = self._find(account_id, user, deadline)
            # A claim that leads to nobody goes too.
            if state is None or (state.membership is None and user.identity is None):
                raise no_such_profile(user)
            claims = self._profiles.token_claims(account_id, list(state.profile.tokens), deadline)
            own = [token for token in claims if holder_of(token, claims) == state.profile.profile_id]
            try:
                holder = self._holder(account_id, state, deadline) if user.identity is None else None
                self._profiles.erase(account_id, state, ErasedClaims(user.identity, own, holder), deadline)
            except ProfileChangedError as exc:
                if not backoff.wait():
                    raise UnavailableError("the profile kept changing") from exc
            else:
                return

    def _holder(self, account_id: str, state: ProfileState, deadline: Deadline) -> str | None:
        """Return the profile that a profile's identity leads to, None if it leads nowhere."""
        identity = state.profile.identity
        return None if identity is None else self._profiles.profile_ids(account_id, [identity], deadline).get(identity)

    def _read(self, account_id: str, updates: Iterable[ProfileUpdate], deadline: Deadline) -> Known:
        wanted = list(updates)
        identities = list(dict.fromkeys(update.identity for update in wanted if update.identity is not None))
        claims = self._profiles.profile_ids(account_id, identities, deadline)
        profile_ids = claims.without_damaged()
        guids = [update.guid for update in wanted if update.guid is not None]
        states = self._profiles.load(account_id, list(dict.fromkeys([*profile_ids.values(), *guids])), deadline)
        known = Known(profile_ids, states.without_damaged(), {}, {}, claims.damaged, states.damaged)
        self._look_up(self._addresses_in(account_id, wanted, known, deadline), known, deadline)
        self._look_up_tokens(account_id, _tokens_in(wanted, known), known, deadline)
        return known

    def _look_up_tokens(self, account_id: str, tokens: Collection[Token], known: Known, deadline: Deadline) -> None:
        """Read who has tokens, and what is known of those."""
        unknown = [token for token in tokens if token not in known.claims]
        known.claims.update(self._profiles.token_claims(account_id, unknown, deadline))
        holders = {known.claims[token].holder for token in tokens} - known.states.keys()
        missing = [holder for holder in holders if holder is not None]
        if not missing:
            return
        states = self._profiles.load(account_id, missing, deadline)
        known.states.update(states.without_damaged())
        for token in tokens:
            error = states.damaged.get(known.claims[token].holder or "")
            if error is not None:
                known.claims[token] = TokenClaim(known.claims[token].holder, error)

    def _addresses_in(
        self, account_id: str, updates: Iterable[ProfileUpdate], known: Known, deadline: Deadline
    ) -> set[AddressKey]:
        """Return the addresses that updates may give to their users, and those that they want looked up."""
        found: set[AddressKey] = set()
        for update in updates:
            profile_id = update.guid or known.profile_ids.get(update.identity or "")
            if profile_id in known.damaged_profiles:
                continue
            before = known.states[profile_id].profile if profile_id is not None else Profile("", None)
            attributes = {**before.attributes, **update.attributes}
            keys = self._addresses.of_profile(account_id, attributes, deadline)
            found |= _to_look_up(account_id, before, update, keys)
        return found

    def _look_up(self, addresses: Set[AddressKey], known: Known, deadline: Deadline) -> None:
        if addresses:
            entries = self._suppressions.get_many(list(addresses), deadline)
            known.damaged_addresses.update(entries.damaged)
            listed = {each for each, entry in entries.without_damaged().items() if entry.is_active}
            known.suppressed.update({each: each in listed for each in addresses - entries.damaged.keys()})

    def _with_addresses(
        self, account_id: str, before: Profile, update: ProfileUpdate, known: Known, deadline: Deadline
    ) -> Profile:
        """Return the profile as an update makes it, with what follows from its addresses."""
        after = update.applied_to(before)
        keys = self._addresses.of_profile(account_id, after.attributes, deadline)
        looked_up = _to_look_up(account_id, before, update, keys)
        self._look_up(looked_up - known.suppressed.keys(), known, deadline)
        for each in looked_up & known.damaged_addresses.keys():
            raise known.damaged_addresses[each]
        suppressed = {each.type for each in looked_up if known.suppressed[each]}
        unchanged = keys.keys() - {each.type for each in looked_up}
        return replace(
            after,
            address_keys=keys,
            suppressed=frozenset(suppressed | (before.suppressed & unchanged)),
            address_since=self._since(before, after, keys),
        )

    def _since(self, before: Profile, after: Profile, keys: Mapping[AddressType, str]) -> dict[AddressType, str]:
        """Return since when a user has the addresses; a key that older versions did not write is no other address."""
        now = rfc3339(self._clock.now())
        stays = {
            address_type: before.address_keys.get(address_type) == key
            or before.attributes.get(address_type.attribute) == after.attributes[address_type.attribute]
            for address_type, key in keys.items()
        }
        since = {
            address_type: before.address_since.get(address_type) if stays[address_type] else now
            for address_type in keys
        }
        return {address_type: at for address_type, at in since.items() if at is not None}

    def _apply(
        self, account_id: str, update: ProfileUpdate, known: Known, deadline: Deadline, *, dry_run: bool
    ) -> None:
        """Apply one update to what is known of its user, or, if that is old, to what is read then."""
        backoff = Backoff(deadline)
        while True:
            before = _profile_of(update, known)
            _check_removed(update, before.profile)
            after = self._with_addresses(account_id, before.profile, update, known, deadline)
            _check_limits(after)
            self._look_up_tokens(account_id, tokens_to_look_up(before.profile, after, update), known, deadline)
            after, tokens = token_changes(before.profile, after, update, known.claims, known.states)
            change = ProfileChange(before, after, reach_of(after))
            if tokens == NO_TOKENS and _is_unchanged(change):
                return
            if dry_run:
                _remember(change, tokens, {}, known)
                return
            try:
                saved = self._profiles.save(account_id, change, tokens, deadline)
            except ProfileChangedError as exc:
                if not backoff.wait():
                    raise UnavailableError("the profile kept changing") from exc
                fresh = self._read(account_id, [update], deadline)
                if update.identity is not None and update.identity not in fresh.profile_ids:
                    known.profile_ids.pop(update.identity, None)
                known.profile_ids.update(fresh.profile_ids)
                known.states.update(fresh.states)
                known.damaged_identities.update(fresh.damaged_identities)
                known.damaged_profiles.update(fresh.damaged_profiles)
                known.suppressed.update(fresh.suppressed)
                for token in {*tokens.claimed, *tokens.released}:
                    known.claims.pop(token, None)
                known.claims.update(fresh.claims)
            else:
                _remember(change, tokens, saved, known)
                return


def no_such_profile(user: UserReference) -> NotFoundError:
    """Return the error for a user whom the account has not."""
    return NotFoundError(f"there is no profile with this {user.named_by}")


def _tokens_in(updates: Iterable[ProfileUpdate], known: Known) -> set[Token]:
    """Return the tokens that come with updates, those that they take from their users, or want claimed."""
    found: set[Token] = set()
    for update in updates:
        state = known.states.get(update.guid or known.profile_ids.get(update.identity or "", ""))
        had = frozenset[Token]() if state is None else state.profile.tokens
        found |= update.added_tokens | update.removed_tokens & had
        found |= had if update.claims_tokens else frozenset()
    return found


def _to_look_up(
    account_id: str, before: Profile, update: ProfileUpdate, keys: Mapping[AddressType, str]
) -> set[AddressKey]:
    """Return those of a user's addresses that are new, or that the update wants looked up."""
    return {
        AddressKey(account_id, address_type, key)
        for address_type, key in keys.items()
        if before.address_keys.get(address_type) != key or address_type in update.looks_up
    }


def _profile_of(update: ProfileUpdate, known: Known) -> ProfileState:
    """Return the profile that an update is for, an empty one if it is to be created.

    Raises ConflictError, DamagedItemError, or NotFoundError if it may not be created.
    """
    if update.identity in known.damaged_identities:
        raise known.damaged_identities[update.identity]
    claimed = None if update.identity is None else known.profile_ids.get(update.identity)
    if update.guid is not None and claimed not in (None, update.guid):
        raise ConflictError(f"identity {update.identity} belongs to guid {claimed}, not to {update.guid}")
    profile_id = update.guid or claimed or secrets.token_hex(16)
    if profile_id in known.damaged_profiles:
        raise known.damaged_profiles[profile_id]
    state = known.states.get(profile_id) or ProfileState(Profile(profile_id, identity=None), membership=None)
    if state.membership is None and not update.creates:
        raise NotFoundError("there is no such profile")
    if update.identity is not None and state.profile.identity not in (None, update.identity):
        raise ConflictError(f"guid {profile_id} belongs to identity {state.profile.identity}, not to {update.identity}")
    return state


def _remember(change: ProfileChange, tokens: TokenChanges, saved: Mapping[str, Profile], known: Known) -> None:
    """Note what was just written, so that the next updates build on it; in a dry run that is what would have been."""
    for each in (change, *tokens.others):
        profile = saved.get(each.after.profile_id, each.after)
        old = each.before.membership
        if old is None and each is not change:  # the holder of a claim that was left over
            continue
        segment_ids = NOBODY.segment_ids if old is None else old.segment_ids
        known.states[profile.profile_id] = ProfileState(
            profile, MembershipImage(profile.identity, segment_ids, each.reach)
        )
        if profile.identity is not None:
            known.profile_ids[profile.identity] = profile.profile_id
    known.claims.update(dict.fromkeys(tokens.claimed, TokenClaim(change.after.profile_id)))
    known.claims.update(dict.fromkeys(tokens.released, TokenClaim(None)))


def _is_unchanged(change: ProfileChange) -> bool:
    old = change.before.membership
    return old is not None and old.reach == change.reach and _is_same(change.before.profile, change.after)


def _is_same(one: Profile, other: Profile) -> bool:
    """Compare profiles as JSON would: 1, 1.0 and true are different values."""
    kinds = [{name: type(value) for name, value in profile.attributes.items()} for profile in (one, other)]
    return one == other and kinds[0] == kinds[1]


def _check_limits(after: Profile) -> None:
    custom = len(set(after.attributes) - STANDARD_ATTRIBUTES)
    if custom > MAX_CUSTOM_ATTRIBUTES:
        raise InvalidRequestError(f"profileData: a profile has at most {MAX_CUSTOM_ATTRIBUTES} custom attributes")
    if len(after.tokens) > MAX_TOKENS:
        raise InvalidRequestError(f"tokenData: a profile has at most {MAX_TOKENS} tokens")


def _check_removed(update: ProfileUpdate, before: Profile) -> None:
    """Let a name that looks like one of ours be removed only if the profile has it: such names were taken once."""
    for name in sorted(update.removed_attributes - before.attributes.keys()):
        wrong = mistaken(name)
        if wrong is not None:
            raise InvalidRequestError(f"profileData.{show(name)}: {wrong}")


def _by_user(updates: Mapping[int, ProfileUpdate], known: Known) -> list[list[int]]:
    """Put the indexes of updates that share a user or a token together, in order: those are applied one by one."""
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(name: tuple[str, str]) -> tuple[str, str]:
        while parent[name] != name:
            name = parent[name]
        return name

    first_names = {}
    for index, update in updates.items():
        guids = {update.guid, known.profile_ids.get(update.identity or "")} - {None}
        tokens = update.added_tokens | update.removed_tokens
        holders = {known.claims[token].holder for token in tokens if token in known.claims} - {None}
        names = [("guid", str(guid)) for guid in guids | holders]
        names += [("token", f"{token.type}#{token.token_id}") for token in tokens]
        if update.identity is not None:
            names.append(("identity", update.identity))
        for name in names:
            parent.setdefault(name, name)
            parent[root(name)] = root(names[0])
        first_names[index] = names[0]
    groups: dict[tuple[str, str], list[int]] = {}
    for index, name in first_names.items():
        groups.setdefault(root(name), []).append(index)
    return list(groups.values())

"""Whose a device's token is: it moves to the user who comes with it last, and the one before loses it."""

from collections.abc import Mapping
from dataclasses import replace

from api_segments.profiles.model import Profile, ProfileUpdate, Token
from api_segments.profiles.reachability import reach_of
from api_segments.profiles.store import ProfileChange, ProfileState, TokenChanges, TokenClaim


def tokens_to_look_up(before: Profile, after: Profile, update: ProfileUpdate) -> frozenset[Token]:
    """Return the tokens that came with an update, those that it takes away, and those that it wants claimed."""
    wanted = after.tokens if update.claims_tokens else update.added_tokens & after.tokens
    return before.tokens ^ after.tokens | wanted


def holder_of(token: Token, claims: Mapping[Token, TokenClaim]) -> str | None:
    """Return whose a token is; raises DamagedItemError if that can't be told."""
    claim = claims[token]
    if claim.damaged is not None:
        raise claim.damaged
    return claim.holder


def token_changes(
    before: Profile,
    after: Profile,
    update: ProfileUpdate,
    claims: Mapping[Token, TokenClaim],
    states: Mapping[str, ProfileState],
) -> tuple[Profile, TokenChanges]:
    """Return the profile with the tokens that are its own, and what becomes of the claims of all that were looked up.

    A token that came with this update is taken from whoever has it, also one that was there already: it may be from
    before tokens were claimed. Of the others, those that another user has claimed since are that user's. Raises
    DamagedItemError.
    """
    profile_id = after.profile_id
    looked_up = tokens_to_look_up(before, after, update)
    holders = {token: holder_of(token, claims) for token in looked_up}
    lost = {
        token
        for token in (before.tokens & after.tokens & looked_up) - update.added_tokens
        if holders[token] not in (None, profile_id) and _has(states.get(holders[token] or ""), token)
    }
    kept = replace(after, tokens=after.tokens - lost)
    # Also one whose claim is the user's own, left over from before: somebody else may be about to take it over.
    claimed = {
        token: holders[token]
        for token in kept.tokens & looked_up
        if token not in before.tokens or holders[token] != profile_id
    }
    released = tuple(token for token in looked_up - kept.tokens if holders[token] == profile_id)
    others = []
    for holder in sorted({each for each in claimed.values() if each is not None} - {profile_id}):
        without = states[holder].profile
        if states[holder].membership is not None:
            without = replace(without, tokens=without.tokens - claimed.keys())
        others.append(ProfileChange(states[holder], without, reach_of(without)))
    return kept, TokenChanges(claimed, released, tuple(others))


def _has(state: ProfileState | None, token: Token) -> bool:
    return state is not None and state.membership is not None and token in state.profile.tokens

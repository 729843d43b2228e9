"""Campaigns: segments put to use, at a time (offline) or on a change of membership (online)."""

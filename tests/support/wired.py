"""What the rooms' wirings made and keep for a process: a test forgets it, as a fresh process would."""

from importlib import import_module
from types import ModuleType

import pytest

from api_segments.core.clock import Clock

WIRINGS: tuple[ModuleType, ...] = tuple(
    import_module(f"api_segments.{room}.wiring")
    for room in ("aws", "http", "accounts", "segments", "memberships", "profiles", "campaigns", "repair")
)


def forget_services() -> None:
    """Forget every service, so that the next call makes it anew from the environment and the clients of now."""
    for wiring in WIRINGS:
        for made in vars(wiring).values():
            if getattr(made, "__module__", None) == wiring.__name__ and hasattr(made, "cache_clear"):
                made.cache_clear()


def use_clock(patch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Let every service that is made from now on have this clock."""
    for wiring in WIRINGS:
        if hasattr(wiring, "SYSTEM_CLOCK"):
            patch.setattr(wiring, "SYSTEM_CLOCK", clock)
    forget_services()

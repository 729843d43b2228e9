"""What the rooms' wirings made and keep for a process: a test forgets it, as a fresh process would."""

from importlib import import_module
from types import ModuleType

WIRINGS: tuple[ModuleType, ...] = tuple(
    import_module(f"api_segments.{room}.wiring")
    for room in ("aws", "http", "accounts", "segments", "memberships", "profiles", "campaigns", "imports", "repair")
)


def forget_services() -> None:
    """Forget every service, so that the next call makes it anew from the environment and the clients of now."""
    for wiring in WIRINGS:
        for made in vars(wiring).values():
            if getattr(made, "__module__", None) == wiring.__name__ and hasattr(made, "cache_clear"):
                made.cache_clear()

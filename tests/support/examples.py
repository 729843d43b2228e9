"""How many examples Hypothesis draws."""

from hypothesis import settings


def examples(percent: int) -> settings:
    """Return settings with `percent` of the examples that the profile has: fewer where each is slow."""
    return settings(max_examples=settings().max_examples * percent // 100)

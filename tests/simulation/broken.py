"""What is raised when an invariant does not hold."""


class Broken(AssertionError):  # noqa: N818 - what it says is that an invariant is broken
    """An invariant of the product does not hold."""


def check(holds: object, what: str, *shown: object) -> None:
    """Raise Broken unless `holds`."""
    if not holds:
        raise Broken(": ".join([what, *map(str, shown)]))

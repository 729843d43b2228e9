"""Draw the rooms of the package and their arrows into docs/house.svg: `make house`.

An arrow leads from a room to each room that it imports.
"""

import sys
from pathlib import Path

import grimp

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "house.svg"
PACKAGE = "api_segments"
ROOMS = (
    "site",
    "repair",
    "imports",
    "campaigns",
    "profiles",
    "memberships",
    "segments",
    "accounts",
    "http",
    "aws",
    "core",
)
"""From the top to the ground: a room imports only from those after it (pyproject.toml holds that)."""

WIDTH, HEIGHT, GAP, LEFT, MARGIN = 200, 34, 22, 330, 24
STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1b2430}.small{font-size:12px;fill:#5b6675}"
    "rect{fill:#eef2f8;stroke:#8a97a8}path{fill:none;stroke:#4a6fa5;stroke-width:1.5;opacity:.6}"
)


def imports_between_rooms() -> set[tuple[str, str]]:
    """Return which room imports from which other room."""
    graph = grimp.build_graph(PACKAGE)
    pairs = {
        (_room(importer), _room(imported))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    return {(importer, imported) for importer, imported in pairs if importer and imported and importer != imported}


def draw() -> str:
    """Return the picture as SVG."""
    tops = {room: MARGIN + index * (HEIGHT + GAP) for index, room in enumerate(ROOMS)}
    parts = []
    for importer, imported in sorted(imports_between_rooms()):
        start, end = tops[importer] + HEIGHT / 2, tops[imported] + HEIGHT / 2
        distance = ROOMS.index(imported) - ROOMS.index(importer)
        is_right = distance % 2 == 0
        edge = LEFT + WIDTH if is_right else LEFT
        bend = edge + (1 if is_right else -1) * (26 + 24 * abs(distance))
        title = f"{importer} imports {imported}"
        parts.append(
            f'<path d="M{edge} {start:g}C{bend} {start:g} {bend} {end:g} {edge} {end:g}" '
            f'marker-end="url(#arrow)"><title>{title}</title></path>'
        )
    for room, top in tops.items():
        parts.append(f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>')
        parts.append(f'<text x="{LEFT + WIDTH / 2:g}" y="{top + 22}" text-anchor="middle">{room}</text>')
    height = MARGIN * 2 + len(ROOMS) * (HEIGHT + GAP)
    note = "Each arrow leads to a room that is imported; none leads up."
    parts.append(f'<text class="small" x="{LEFT + WIDTH / 2:g}" y="{height - 10}" text-anchor="middle">{note}</text>')
    arrow = (
        '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" orient="auto" '
        'markerUnits="userSpaceOnUse"><path d="M0 0L8 4L0 8z" style="fill:#4a6fa5;stroke:none;opacity:1"/></marker>'
    )
    total = LEFT * 2 + WIDTH
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" role="img" '
        f'aria-label="The rooms of the package and what they import"><style>{STYLE}</style>'
        f'<rect width="100%" height="100%" style="fill:#fff;stroke:none"/><defs>{arrow}</defs>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _room(module: str) -> str:
    return module.removeprefix(PACKAGE).lstrip(".").partition(".")[0]


if __name__ == "__main__":
    PICTURE.write_text(draw())
    sys.stdout.write(f"written: {PICTURE.name}\n")

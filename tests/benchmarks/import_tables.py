"""What imports cost, as tables."""

from collections.abc import Sequence

from tests.benchmarks.imports import CHURN, KNOWN, LOOP_ROWS, NEW, Cost, ImportFigures
from tests.benchmarks.results import Target, machine
from tests.benchmarks.table import Table, short, yes

MILLION, MOST_ROWS = 1_000_000, 10_000_000
APPLYING = "change, "
"""What the names of the steps begin with that write memberships."""
WHAT = {CHURN: "1 % churn, replace", KNOWN: "known users, add", NEW: "new users, add"}
FUNCTION_MEBIBYTES = 512
WHAT_IT_TAKES = {
    f"{WHAT[CHURN]}: CPU of a million rows": (
        "With churn most is `walk`, and there botocore, which takes each row of the list apart attribute by attribute, "
        "by its model of DynamoDB: a parser of our own for DynamoDB's answers would take that off."
    ),
    f"{WHAT[KNOWN]}: CPU of a million rows": (
        "Of known users most is lookups, of identities and of what users are in: botocore's parsing again."
    ),
    f"{WHAT[NEW]}: CPU of a million rows": (
        "Of new users most is transactions, of fifty users each, which botocore writes out item by item."
    ),
}


def of_kind(found: Sequence[ImportFigures], kind: str) -> tuple[ImportFigures, ImportFigures]:
    """Return the smaller and the larger import of a kind."""
    smaller, larger = sorted((each for each in found if each.kind == kind), key=lambda each: each.rows)
    return smaller, larger


def goals(found: Sequence[ImportFigures]) -> list[Target]:
    """Return what imports are held against."""
    _, churn = of_kind(found, CHURN)
    applied = [cost for name, cost in churn.steps.items() if name.startswith(APPLYING)]
    written = sum(cost.write_units for cost in applied)
    cpu = [
        Target(f"{WHAT[kind]}: CPU of a million rows", most, a_row(of_kind(found, kind)[1]) * MILLION, " s")
        for kind, most in ((CHURN, 20), (KNOWN, 160), (NEW, 200))
    ]
    return [
        cpu[0],
        Target(f"{WHAT[CHURN]}: read units a row", 0.06, churn.whole.read_units / churn.rows),
        Target(f"{WHAT[CHURN]}: write units a changed user, to apply", 1.1, written / churn.changed),
        *cpu[1:],
        Target(
            "a function's memory with 10 million rows, by the growth", FUNCTION_MEBIBYTES, most_memory(found), " MiB"
        ),
    ]


def a_row(figures: ImportFigures) -> float:
    """Return seconds of CPU a row, of all functions together."""
    return figures.whole.cpu / figures.rows


def most_memory(found: Sequence[ImportFigures]) -> float:
    """Return what the step that needs most needs with 10 million rows, if it goes on growing as up to a million."""
    smaller, larger = of_kind(found, CHURN)
    return max(
        cost.memory
        + (cost.memory - smaller.steps[name].memory) * (MOST_ROWS - larger.rows) / (larger.rows - smaller.rows)
        for name, cost in larger.steps.items()
    )


def import_tables(found: Sequence[ImportFigures]) -> list[Table]:
    """Return all tables of imports; their titles begin with "Imports"."""
    return [_goals(found), _beside_the_loop(found), *(_steps(of_kind(found, kind)[1]) for kind in WHAT), _growth(found)]


def _goals(found: Sequence[ImportFigures]) -> Table:
    targets = goals(found)
    rows = [
        [each.what, f"{each.at_most:g}{each.unit}", f"{short(each.measured)}{each.unit}", yes(bool(each.is_met))]
        for each in targets
    ]
    sizes = ", ".join(f"{of_kind(found, kind)[1].rows:,} rows of {what}" for kind, what in WHAT.items())
    missed = [WHAT_IT_TAKES[each.what] for each in targets if not each.is_met and each.what in WHAT_IT_TAKES]
    about = (
        f"Measured on {machine()}: {sizes}, and of each a tenth of that before. CPU a row is the same for any number "
        "of rows, as the growth below shows, so that of a million is reckoned from it. With 1 % churn, of 200 members "
        "one is not in the file, and it names another user, who is known: 1 % of the rows change."
    )
    return Table("Imports: goals", " ".join([about, *missed]), ["", "at most", "measured", "met"], rows)


def _beside_the_loop(found: Sequence[ImportFigures]) -> Table:
    rows = []
    for kind, what in WHAT.items():
        _, figures = of_kind(found, kind)
        rows.append(_costs(f"{what}: the import", figures.rows, figures.whole))
        rows.append(_costs("… a loop over `updateSegment`", figures.looped, figures.loop))
        rows += [_costs(f"… {name}, a change", figures.followed, cost) for name, cost in figures.readers.items()]
    about = (
        "All functions of an import together, from the call that creates it to its end, its parts one after the other; "
        f"a plain loop that adds {LOOP_ROWS:,} such users, a hundred a request, and with churn removes who is gone, "
        "whom it is told; and the readers of the stream, who have the same work after both. Figures but the first and "
        "the last two are a row, with the readers a change. Without latency, so *s* is CPU, of the functions and "
        "of the stand-in, one after the other: on AWS parts run side by side."
    )
    header = ["", "rows", "CPU ms", "calls", "read units", "write units", "bytes moved", "CPU s", "s"]
    return Table("Imports: what a row costs, beside a plain loop", about, header, rows)


def _costs(what: str, rows: int, cost: Cost) -> list[str]:
    each = (cost.calls, cost.read_units, cost.write_units)
    return [
        what,
        f"{rows:,}",
        f"{1000 * cost.cpu / rows:.3f}",
        *(f"{value / rows:.3f}" for value in each),
        f"{cost.moved / rows:,.0f}",
        f"{cost.cpu:.1f}",
        f"{cost.wall:.1f}",
    ]


def _steps(figures: ImportFigures) -> Table:
    rows = [
        [
            name,
            f"{cost.invocations:,}",
            f"{cost.cpu:.2f}",
            f"{cost.calls - cost.object_calls:,}",
            f"{cost.object_calls:,}",
            f"{cost.read_units:,.0f}",
            f"{cost.write_units:,.0f}",
            f"{cost.moved / MILLION:,.1f}",
            f"{cost.memory:.0f}",
        ]
        for name, cost in figures.steps.items()
    ]
    header = ["", "invocations", "CPU s", "calls", "of S3", "read units", "write units", "MB moved", "MiB"]
    about = (
        f"{figures.changed:,} users change. *Calls* are those but S3's. *MiB* is the most that the process held "
        "that runs the functions, the benchmark's own modules too."
    )
    title = f"Imports: {figures.rows:,} rows, {WHAT[figures.kind]}, step by step"
    return Table(title, about, header, rows)


def _growth(found: Sequence[ImportFigures]) -> Table:
    rows = [
        [
            f"{what}, {figures.rows:,} rows",
            f"{figures.parts:,}",
            f"{1000 * a_row(figures):.3f}",
            f"{figures.whole.read_units / figures.rows:.3f}",
            f"{figures.whole.write_units / figures.changed:.3f}",
            f"{figures.whole.moved / figures.rows:,.0f}",
            f"{figures.whole.calls / figures.parts:,.0f}",
            *(f"{figures.steps[name].memory:.0f}" for name in ("split", "walk", "diff")),
            f"{max(cost.memory for name, cost in figures.steps.items() if name.startswith(APPLYING)):.0f}",
        ]
        for kind, what in WHAT.items()
        for figures in of_kind(found, kind)
    ]
    about = (
        "A row, a changed user or a part costs the same however many there are; of what a step holds in memory only "
        "members of one of the segment's 16 buckets grow, in `walk`, and in `split` the file's users up to 200,000."
    )
    header = ["", "parts", "CPU ms a row", "read units a row", "write units a change", "bytes a row", "calls a part"]
    return Table(
        "Imports: growth", about, [*header, *(f"MiB, {name}" for name in ("split", "walk", "diff", "apply"))], rows
    )

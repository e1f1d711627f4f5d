"""Comparisons as tables: plain text for a terminal, or Markdown."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from benchmarks.process import Memory
from benchmarks.rounds import Comparison, Result

NOTHING = "–"
STEPS = ("start-up", "sweep", "precise pass", "attribution", "ids", "report")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, markdown: bool) -> str:
    """Return a table whose first column is text and whose others are numbers, set to the right."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    set_lines = [
        [cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(cells)]
        for cells in (list(zip(line, widths, strict=True)) for line in lines)
    ]
    if markdown:
        rule = [("-" * width if column == 0 else "-" * (width - 1) + ":") for column, width in enumerate(widths)]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (set_lines[0], rule, *set_lines[1:]))
    rule = ["─" * width for width in widths]
    return "\n".join("  ".join(cells).rstrip() for cells in (set_lines[0], rule, *set_lines[1:]))


def comparison(one: Comparison, *, markdown: bool) -> str:
    """Return everything about one comparison: what it is on, the table, the ratios, the steps, the notes."""
    about = ", ".join(f"{name} {_fact(value)}" for name, value in one.facts.items())
    title = f"### {one.subject}" if markdown else f"{one.subject}\n{'=' * len(one.subject)}"
    blocks = (
        title,
        about,
        table(HEAD, _rows(one), markdown=markdown),
        "\n".join(ratios(one)),
        _steps(one, markdown=markdown),
        "\n".join(f"- {note}" for note in one.notes),
    )
    return "\n\n".join(block for block in blocks if block)


HEAD = ("", "wall", "least–most", "CPU", "/ git", "/ ours", "anonymous", "mapped files", "found")


def _rows(one: Comparison) -> Iterator[Sequence[str]]:
    git, ours = one.fastest("git"), one.fastest("ours")
    for result in one.results:
        yield (
            result.contender.name,
            seconds(result.wall) if result.wall is not None else _why_not(result),
            _span(result),
            seconds(result.cpu),
            ratio(result, git),
            ratio(result, ours),
            megabytes(result.memory, "anonymous"),
            megabytes(result.memory, "file_mapped"),
            _found(result),
        )


def ratios(one: Comparison) -> Iterator[str]:
    """Yield what the comparison comes to, in sentences."""
    ours, git, peer = one.fastest("ours"), one.fastest("git"), one.fastest("peer")
    if ours and git:
        yield f"{ours.contender.name} / {git.contender.name}: {ratio(ours, git)} (CPU {ratio(ours, git, cpu=True)})"
    if ours and peer:
        yield (
            f"fastest peer ({peer.contender.name}) / {ours.contender.name}: "
            f"{ratio(peer, ours)} (CPU {ratio(peer, ours, cpu=True)})"
        )


def _steps(one: Comparison, *, markdown: bool) -> str:
    told = [(result, result.steps) for result in one.results if result.steps]
    if not told:
        return ""
    every = dict.fromkeys(chain.from_iterable(steps for _, steps in told))
    names = sorted(every, key=lambda name: STEPS.index(name) if name in STEPS else len(STEPS))
    rows = (
        (
            result.contender.name,
            *(seconds(steps.get(name)) for name in names),
            seconds(result.wall - sum(steps.values()) if result.wall is not None else None),
        )
        for result, steps in told
    )
    return table(("where the time goes", *names, "the rest"), rows, markdown=markdown)


def seconds(value: float | None) -> str:
    """Return a time with as many digits as mean something."""
    if value is None:
        return NOTHING
    if abs(value) < 1:
        return f"{value:.3f} s"
    return f"{value:.2f} s" if abs(value) < 100 else f"{value:.0f} s"


def ratio(one: Result | None, other: Result | None, *, cpu: bool = False) -> str:
    """Return how many times the other's time one takes."""
    if one is None or other is None:
        return NOTHING
    above, below = (one.cpu, other.cpu) if cpu else (one.wall, other.wall)
    return f"{above / below:.2f} ×" if above is not None and below else NOTHING


def megabytes(memory: Memory | None, which: str) -> str:
    """Return one of the two peaks."""
    return NOTHING if memory is None else f"{getattr(memory, which) / 1e6:.0f} MB"


def _span(result: Result) -> str:
    walls = [run.wall for run in result.finished]
    return f"{min(walls):.3f}–{max(walls):.3f}" if len(walls) > 1 else NOTHING


def _found(result: Result) -> str:
    counts = sorted({run.findings for run in result.finished if run.findings is not None})
    return "/".join(map(str, counts)) or NOTHING


def _why_not(result: Result) -> str:
    failed = next((run for run in result.runs if not run.finished), None)
    if failed is None:
        return NOTHING
    return f"> {failed.wall:.0f} s" if failed.timed_out else f"exit {failed.exit_code}"


def _fact(value: float | str) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)

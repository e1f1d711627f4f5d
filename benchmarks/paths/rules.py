"""What rules cost: the default rules against twice as many."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from benchmarks.bench import Bench, forget_repositories
from benchmarks.doubled_rules import write_doubled
from benchmarks.repositories import facts
from benchmarks.rounds import Comparison, compare
from benchmarks.tables import ratio

HELP = "the history with the default rules, and with twice as many"
ONLY = "secretguard,git"


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("clones", nargs="+", type=Path, metavar="CLONE", help="a bare clone")


def run(bench: Bench, options: Namespace) -> Iterator[Comparison]:
    more = bench.scratch / "doubled.yaml"
    own, added = write_doubled(more)
    for repository in options.clones:
        contenders = (
            bench.ours(f"secretguard, {own} rules", "history", before=forget_repositories),
            bench.ours(
                f"secretguard, {own + added} rules", "history", "--rules", str(more), before=forget_repositories
            ),
            *bench.others("history"),
        )
        yield compare(bench, repository.name, "history", repository.absolute(), contenders, facts(repository))


def summary(done: list[Comparison], *, markdown: bool) -> str:  # noqa: ARG001
    """Return the ratio for each repository."""
    return "\n".join(
        f"{one.subject}: {second.contender.name} / {first.contender.name}: "
        f"{ratio(second, first)} (CPU {ratio(second, first, cpu=True)})"
        for one in done
        for first, second in pairwise(result for result in one.results if result.contender.kind == "ours")
    )

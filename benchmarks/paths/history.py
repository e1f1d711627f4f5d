"""The whole history of a bare clone, cold: nothing is known about the repository, the rules are compiled."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import Bench, forget_everything, forget_repositories
from benchmarks.repositories import facts
from benchmarks.rounds import Comparison, compare

HELP = "the whole history of bare clones, cold"


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("clones", nargs="+", type=Path, metavar="CLONE", help="a bare clone (see the command `clones`)")


def run(bench: Bench, options: Namespace) -> Iterator[Comparison]:
    for repository in options.clones:
        contenders = (
            bench.ours("secretguard", "history", before=forget_repositories),
            bench.ours("secretguard, rules not compiled", "history", before=forget_everything, once=True),
            *bench.others("history"),
        )
        yield compare(bench, repository.name, "history", repository.absolute(), contenders, facts(repository))

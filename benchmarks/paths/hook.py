"""What a person waits for at each commit: `scan --staged` with one changed file."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.repositories import staged_change
from benchmarks.rounds import Comparison, Facts, compare

HELP = "one changed file, staged: the pre-commit hook"


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("repositories", nargs="+", type=Path, metavar="REPOSITORY", help="a clone of it gets a change")


def run(bench: Bench, options: Namespace) -> Iterator[Comparison]:
    for repository in options.repositories:
        copy, name = staged_change(repository, bench.folder("hook"))
        contenders = (bench.ours("secretguard", "staged"), *bench.others("staged"))
        changed: Facts = {"staged file": name, "bytes": (copy / name).stat().st_size}
        yield compare(bench, f"{copy.name}, hook", "staged", copy, contenders, changed)

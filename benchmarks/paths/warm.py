"""The second scan of a history: nothing new, 100 new commits, repacked."""

import shutil
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.bench import Bench, restore
from benchmarks.repositories import add_commits, facts, git
from benchmarks.rounds import Comparison, compare, prepare

HELP = "the second scan of a history: nothing new, 100 new commits, repacked"


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("clones", nargs="+", type=Path, metavar="CLONE", help="a bare clone; a copy of it is changed")


def run(bench: Bench, options: Namespace) -> Iterator[Comparison]:
    changes: tuple[tuple[str, Callable[[Path], None]], ...] = (
        ("nothing new", _nothing),
        ("100 new commits", add_commits),
        ("repacked", _repack),
    )
    for repository in options.clones:
        copy = bench.folder("warm") / repository.name
        shutil.copytree(repository, copy, symlinks=True)
        for what, change in changes:
            yield _after(bench, copy, what, change)


def _after(bench: Bench, copy: Path, what: str, change: Callable[[Path], None]) -> Comparison:
    """Scan, change, and compare how long the scan after the change takes, from the same state each time."""
    cache, snapshot = bench.folder("cache"), bench.folder("snapshot")
    prepare(bench, bench.ours("first", "history", cache=cache), copy)
    shutil.copytree(cache, snapshot, dirs_exist_ok=True)
    change(copy)
    ours = bench.ours("secretguard", "history", before=restore(snapshot), cache=cache)
    return compare(bench, f"{copy.name}, {what}", "history", copy, (ours, *bench.others("history")), facts(copy))


def _nothing(repository: Path) -> None:
    """Change nothing."""


def _repack(repository: Path) -> None:
    git(repository, "repack", "-a", "-d", "--quiet")

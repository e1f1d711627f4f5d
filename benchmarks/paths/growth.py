"""Time an object and memory, over repositories of growing size."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import Bench, forget_repositories
from benchmarks.repositories import facts
from benchmarks.rounds import Comparison, compare
from benchmarks.tables import NOTHING, megabytes, seconds, table

HELP = "time an object and memory, over bare clones of growing size"
ONLY = "secretguard,git"
HEAD = ("", "objects", "wall", "µs an object", "CPU µs an object", "to the first", "anonymous", "mapped files")


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("clones", nargs="+", type=Path, metavar="CLONE", help="a bare clone")


def run(bench: Bench, options: Namespace) -> Iterator[Comparison]:
    for repository in sorted(options.clones, key=lambda one: facts(one)["objects"]):
        contenders = (bench.ours("secretguard", "history", before=forget_repositories), *bench.others("history"))
        yield compare(bench, repository.name, "history", repository.absolute(), contenders, facts(repository))


def summary(done: list[Comparison], *, markdown: bool) -> str:
    """Return one row a repository and contender; the first repository is what the others are held against."""
    first: dict[str, float] = {}
    rows = []
    for one in done:
        objects = int(one.facts["objects"])
        for result in one.results:
            if result.wall is None or result.cpu is None:
                continue
            name = result.contender.name
            each = result.wall / objects
            rows.append(
                (
                    f"{one.subject}: {name}",
                    f"{objects:,}",
                    seconds(result.wall),
                    f"{each * 1e6:.2f}",
                    f"{result.cpu / objects * 1e6:.2f}",
                    f"{each / first[name]:.2f} ×" if name in first else NOTHING,
                    megabytes(result.memory, "anonymous"),
                    megabytes(result.memory, "file_mapped"),
                )
            )
            first.setdefault(name, each)
    return table(HEAD, rows, markdown=markdown)

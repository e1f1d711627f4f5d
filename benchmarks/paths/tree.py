"""A working tree, cold and warm, and a large one of small files, warm."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import Bench, forget_repositories
from benchmarks.repositories import checkout, git, monorepo
from benchmarks.rounds import Comparison, compare, prepare

HELP = "a working tree, cold and warm; a monorepo of small files, warm"


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("repositories", nargs="*", type=Path, metavar="REPOSITORY", help="HEAD of it is checked out")
    parser.add_argument(
        "--monorepo",
        type=int,
        default=100_000,
        metavar="FILES",
        help="its number of files, 0 for none (default: %(default)s)",
    )


def run(bench: Bench, options: Namespace) -> Iterator[Comparison]:
    for repository in options.repositories:
        yield _compare(bench, checkout(repository, bench.folder("checkout")))
    if options.monorepo:
        yield _compare(bench, monorepo(bench.kept, options.monorepo))


def _compare(bench: Bench, tree: Path) -> Comparison:
    cold = bench.ours("secretguard, cold", "tree", before=forget_repositories)
    warm = bench.ours("secretguard, warm", "tree")
    prepare(bench, warm, tree)
    files = git(tree, "ls-files", "-z").count(b"\0")
    contenders = (cold, warm, *bench.others("tree"))
    return compare(bench, f"{tree.name}, working tree", "tree", tree, contenders, {"files": files})

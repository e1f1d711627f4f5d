"""What rewriting costs: one login in a thousand files of seven languages, against parsing each of them once."""

import secrets
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from benchmarks import parse_floor
from benchmarks.bench import Bench, Contender
from benchmarks.rounds import Comparison, compare
from secretguard.scan.identity import Identity, credential_id
from secretguard.secret import Secret
from secretguard.testing.repository import RepositoryBuilder

HELP = "one login in a thousand files, rewritten into a patch"
ONLY = "secretguard"
_LINES = 120
"""Of other code in each file."""
_KINDS = {
    "{n}.py": ('URL{n} = "{uri}"\n', "def f{i}(a, b):\n    return a * {i} + b  # {i}\n"),
    "{n}.js": ('const url = "{uri}";\n', "function f{i}(a, b) {{ return a * {i} + b; }}\n"),
    "{n}.ts": ('export const url: string = "{uri}";\n', "function f{i}(a: number): number {{ return a * {i}; }}\n"),
    "{n}.go": ('package p\n\nvar url{n} = "{uri}"\n', "func f{n}x{i}(a int) int {{ return a * {i} }}\n"),
    "{n}.rb": ('URL = "{uri}"\n', "def f{i}(a)\n  a * {i}\nend\n"),
    "{n}/docker-compose.yml": ("services:\n  s:\n    environment:\n      URL: {uri}\n", "  s{i}:\n    image: i{i}\n"),
    "{n}.sh": ('psql "{uri}"\n', "f{i}() {{ echo $(( $1 * {i} )); }}\n"),
}


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--files", type=int, default=1000, metavar="N", help="files (default: %(default)s)")


def run(bench: Bench, options: Namespace) -> Iterator[Comparison]:
    password = secrets.token_hex(16)
    repository = _planted(bench.folder("rewrite") / "services", password, options.files)
    name = credential_id(Identity("postgres", "app", Secret(password), machine_made=False))
    patch = bench.scratch / "rewrite.patch"
    words = ("rewrite", name, "--repo", "{target}", "--to", "ref+local://bench#/DATABASE_URL", "-o", str(patch))
    contenders = (
        Contender("secretguard rewrite", (*bench.secretguard, *words), "ours", frozenset({0}), bench.folder("cache")),
        Contender(
            "parsed once", (sys.executable, parse_floor.__file__, "{target}"), "git", frozenset({0}),
            bench.scratch,
        ),
    )  # fmt: skip
    size = sum(one.stat().st_size for one in repository.rglob("*") if one.is_file() and ".git" not in one.parts)
    yield compare(bench, f"{options.files} files", "tree", repository, contenders, {"bytes": size})


def _planted(folder: Path, password: str, files: int) -> Path:
    builder = RepositoryBuilder(folder)
    uri = f"postgresql://app:{password}@db.internal:5432/orders"
    kinds = list(_KINDS.items())
    for number in range(files):
        path, (first, other) = kinds[number % len(kinds)]
        text = first.format(n=number, uri=uri) + "".join(other.format(n=number, i=i) for i in range(_LINES))
        builder.write(f"s{number % 50}/" + path.format(n=number), text)
    builder.commit("Import")
    return folder

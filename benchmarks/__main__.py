"""`python -m benchmarks PATH …`: measure one path, print tables, write every single run as JSON."""

import json
import os
import shlex
import sys
import tempfile
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import oracle, tables
from benchmarks.bench import Bench
from benchmarks.machine import in_words, machine, now, tells_timings, versions
from benchmarks.peers import installed_peers
from benchmarks.repositories import clone
from benchmarks.rounds import Comparison, Result

PATHS = ("history", "tree", "hook", "warm", "growth", "rules", "rewrite")
SCHEMA = "secretguard.benchmark/1"


def main(words: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(words)
    if options.path == "clones":
        for source in options.sources:
            print(clone(source, options.output))
        return 0
    if options.path == "oracle":
        return oracle.run(options.clones, markdown=options.markdown)
    with _bench(options) as bench:
        return _measure(bench, options)


def _measure(bench: Bench, options: Namespace) -> int:
    path: ModuleType = options.module
    here, found, when = machine(), versions(bench), now()
    print("\n".join(in_words(here, found, when)), flush=True)
    done: list[Comparison] = []
    for one in path.run(bench, options):
        done.append(one)
        print(f"\n{tables.comparison(one, markdown=options.markdown)}", flush=True)
        # After each comparison: whoever interrupts a long run keeps what there is.
        if options.output:
            document = {"schema": SCHEMA, "path": options.path, "date": when, "machine": here, "versions": found}
            document |= {"rounds": bench.rounds, "comparisons": [_as_json(each) for each in done]}
            options.output.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if hasattr(path, "summary"):
        print(f"\n{path.summary(done, markdown=options.markdown)}")
    return 0


def _as_json(one: Comparison) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "mode": one.mode,
        "facts": dict(one.facts),
        "results": [_result(result) for result in one.results],
        "notes": [*tables.ratios(one), *one.notes],
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "name": result.contender.name,
        "kind": result.contender.kind,
        "command": list(result.contender.command),
        "wall": result.wall,
        "cpu": result.cpu,
        "steps": result.steps,
        "memory": asdict(result.memory) if result.memory else None,
        "runs": [{name: value for name, value in asdict(run).items() if name != "memory"} for run in result.runs],
    }


@contextmanager
def _bench(options: Namespace) -> Iterator[Bench]:
    kept = options.work or Path(tempfile.gettempdir()) / f"secretguard-benchmarks-{os.getuid()}"
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    if kept.stat().st_uid != os.getuid():
        raise SystemExit(f"{kept} belongs to somebody else; give another folder with --work")
    secretguard = tuple(shlex.split(options.secretguard))
    with tempfile.TemporaryDirectory(prefix="run-", dir=kept) as scratch:
        yield Bench(
            Path(scratch),
            kept,
            secretguard,
            installed_peers(options.peers, as_installed=options.as_installed),
            frozenset() if options.only == "all" else frozenset(options.only.split(",")),
            options.rounds,
            options.timeout,
            options.memory,
            tells_timings(secretguard),
        )


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m benchmarks", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="path", required=True, metavar="PATH")
    for name in PATHS:
        module = import_module(f"benchmarks.paths.{name}")
        command = commands.add_parser(name, help=module.HELP, description=module.__doc__)
        module.arguments(command)
        _common(command, getattr(module, "ONLY", "all"))
        command.set_defaults(module=module)
    clones = commands.add_parser("clones", help="make bare clones, heads and tags, to measure on")
    clones.add_argument("sources", nargs="+", metavar="SOURCE", help="a repository's path or URL")
    clones.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    compared = commands.add_parser("oracle", help=oracle.HELP, description=oracle.__doc__)
    compared.add_argument("clones", nargs="+", type=Path, metavar="CLONE", help="a repository")
    compared.add_argument("--markdown", action="store_true", help="the table in Markdown")
    return parser


def _common(command: ArgumentParser, only: str) -> None:
    add = command.add_argument
    add("-n", "--rounds", type=int, default=5, metavar="N", help="rounds, medians are shown (default: %(default)s)")
    add("-o", "--output", type=Path, metavar="FILE", help="write every single run there, as JSON")
    add("--markdown", action="store_true", help="tables in Markdown")
    add("--peers", type=Path, metavar="DIR", help="where the other scanners are (default: the PATH)")
    add("--as-installed", action="store_true", help="call what pip installed, not the programs behind it")
    add("--only", default=only, metavar="NAME,…", help="git and peers that take part (default: %(default)s)")
    add("--timeout", type=float, default=900.0, metavar="SECONDS", help="most for one run (default: %(default)s)")
    add("--no-memory", dest="memory", action="store_false", help="leave out the round that looks at the memory")
    add("--work", type=Path, metavar="DIR", help="scratch space (default: in the temporary directory)")
    add("--secretguard", default=_own_command(), metavar="COMMAND", help="how it is called (default: %(default)s)")


def _own_command() -> str:
    script = Path(sys.executable).parent / "secretguard"
    return shlex.join([str(script)] if script.exists() else [sys.executable, "-m", "secretguard"])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

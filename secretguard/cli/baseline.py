"""`secretguard baseline`: the list of credentials that are known and not to be reported."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from secretguard.cli import console
from secretguard.cli.invocation import configure, run_scan
from secretguard.config import Config, find_root
from secretguard.errors import ExitCode, UsageError
from secretguard.model import Credential, Report
from secretguard.report.danger import real_problems
from secretguard.report.masking import masking
from secretguard.report.places import count
from secretguard.report.printable import printable
from secretguard.scan.baseline import (
    DEFAULT_FILE,
    Baseline,
    Entry,
    clean_note,
    entry_for,
    read_baseline,
    write_baseline,
)
from secretguard.scan.baseline_import import import_baseline
from secretguard.scan.content import read_regular

_ANSWERS = {"y": "to-rotate", "n": "false-positive", "a": "accepted", "s": None, "q": None}
_QUESTION = "[y] real, to rotate  [n] not a secret  [a] accepted  [s] skip  [q] quit"
_MOST_PLACES = 3
_MOST_UNMAPPED = 50

_file = click.option(
    "--baseline", "file", metavar="FILE", type=click.Path(path_type=Path), help=f"[default: {DEFAULT_FILE}]"
)
_history = click.option("--history", is_flag=True, help="Look at the whole history, not at the working tree alone.")


@click.group("baseline")
def command() -> None:
    """Keep the list of known credentials. It holds ids and notes, no values and no line numbers."""


@command.command("create")
@click.argument("target", default=".")
@_file
@_history
@click.option("--force", is_flag=True, help="Write a new one over the one that is there; its notes are lost.")
@click.pass_context
def create(ctx: click.Context, target: str, file: Path | None, history: bool, force: bool) -> ExitCode:
    """Write a baseline of everything that a scan of TARGET reports today."""
    config = configure(ctx.obj, target)
    path = _path(file, config, target)
    old = read_baseline(path)
    if old is not None and not force:
        raise UsageError(f"{path} exists", hint="`secretguard baseline update` adds to it; --force starts again.")
    report = run_scan(target, _mode(history), config._replace(baseline=None if old is None else path))
    entries = {credential.id: entry_for(credential) for credential in report.credentials}
    for name in _known(report) & set(old or ()):
        entries.setdefault(name, replace((old or {})[name], status="accepted", note=""))
    write_baseline(path, entries.values())
    scope = "the whole history" if history else "the working tree; --history adds what only its history holds"
    console.echo(printable(f"{path}: {count(len(entries), 'credential')} ({scope})"))
    return _finished(report)


@command.command("update")
@click.argument("target", default=".")
@_file
@_history
@click.option("--prune", is_flag=True, help="Drop what is nowhere any more; looks at the whole history.")
@click.pass_context
def update(ctx: click.Context, target: str, file: Path | None, history: bool, prune: bool) -> ExitCode:
    """Add what a scan of TARGET reports to the baseline; entries that are there keep their notes."""
    config = configure(ctx.obj, target)
    path, old = _existing(file, config, target)
    history = history or (prune and _is_repository(target))
    report = run_scan(target, _mode(history), config._replace(baseline=path))
    new = {credential.id: entry_for(credential) for credential in report.credentials if credential.id not in old}
    gone = set(old) - _known(report)
    if prune and real_problems(report):
        _finished(report)
        raise UsageError("nothing was pruned: not everything could be read", hint="Repair it, or leave --prune out.")
    kept = {name: entry for name, entry in old.items() if not (prune and name in gone)}
    if new or len(kept) != len(old):
        write_baseline(path, [*kept.values(), *new.values()])
    words = [f"{len(new):,} added", f"{len(old) - len(kept):,} dropped", f"{len(kept) + len(new):,} in all"]
    console.echo(printable(f"{path}: {', '.join(words)}"))
    if gone and history and not prune:
        console.print_line(f"{count(len(gone), 'credential')} of it found nowhere any more; --prune drops them.")
    return _finished(report)


@command.command("audit")
@click.argument("target", default=".")
@_file
@_history
@click.option("--all", "every", is_flag=True, help="Also entries that have a note or a decision.")
@click.pass_context
def audit(ctx: click.Context, target: str, file: Path | None, history: bool, every: bool) -> None:
    """Decide about the entries one by one; without a terminal, print them."""
    config = configure(ctx.obj, target)
    path, entries = _existing(file, config, target)
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stdout)):
        rows = [_cells(entries[name]) for name in sorted(entries)]
        console.print_table(("id", "status", "kind", "rule", "note"), rows)
        return
    report = run_scan(target, _mode(history), _bare(config))
    found = {credential.id: credential for credential in report.credentials}
    undecided = [one for one in entries.values() if every or (one.status == "accepted" and not one.note)]
    decided = decide(undecided, found, ask=_ask, tell=console.echo)
    for entry in decided:
        # After each answer, so that Ctrl-C loses nothing.
        entries = {**entries, entry.id: entry}
        write_baseline(path, entries.values())


@command.command("import")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@click.argument("target", default=".")
@_file
@click.option("--history/--no-history", default=True, help="Look for the values in the whole history.  [default: yes]")
@click.pass_context
def import_file(ctx: click.Context, source: Path, target: str, file: Path | None, history: bool) -> ExitCode:
    """Take over FILE: a .secrets.baseline, a gitleaks or betterleaks JSON report, or a .gitleaksignore.

    TARGET is scanned to find its values again; a value that FILE holds in the clear is not kept.
    """
    config = configure(ctx.obj, target)
    path = _path(file, config, target)
    data = read_regular(source, str(source), follow=True)
    if data is None:
        raise UsageError(f"there is no file {source}", hint="Give the path of the file to import.")
    old = read_baseline(path) or {}
    report = run_scan(target, _mode(history and _is_repository(target)), _bare(config))
    imported = import_baseline(data, str(source), report.credentials)
    new = [entry for entry in imported.entries if entry.id not in old]
    if new or not old:
        write_baseline(path, [*old.values(), *new])
    total = imported.mapped + len(imported.unmapped)
    console.echo(printable(f"{path}: {len(new):,} added; {imported.mapped:,} of {total:,} entries found again"))
    for sentence in imported.unmapped[:_MOST_UNMAPPED]:
        console.print_line(sentence)
    if len(imported.unmapped) > _MOST_UNMAPPED:
        console.print_line(f"and {len(imported.unmapped) - _MOST_UNMAPPED:,} more")
    return _finished(report)


def _cells(entry: Entry) -> tuple[str, ...]:
    return tuple(map(printable, (entry.id, entry.status, entry.kind, entry.rule, entry.note)))


def decide(
    entries: Sequence[Entry],
    found: Mapping[str, Credential],
    *,
    ask: Callable[[str, Sequence[str]], str],
    tell: Callable[[str], None],
) -> Iterable[Entry]:
    """Ask about each entry and yield those that an answer changed. `ask` takes a question and the allowed answers."""
    for number, entry in enumerate(entries, 1):
        tell(f"\n{number}/{len(entries)}  {'  '.join(_cells(entry)).rstrip()}")
        for line in _seen(found.get(entry.id)):
            tell(f"  {line}")
        answer = ask(_QUESTION, tuple(_ANSWERS))
        if answer == "q":
            return
        status = _ANSWERS[answer]
        if status is not None:
            yield replace(entry, status=status, note=clean_note(ask("Note", ())) or entry.note)
    tell("\nEvery entry was asked about." if entries else "There is nothing left to decide; --all asks again.")


def _seen(credential: Credential | None) -> list[str]:
    if credential is None:
        return ["not found by this scan; --history looks further"]
    mask = masking([credential.secret.reveal()])
    places = list(dict.fromkeys(f"{one.location.path}:{one.match.line}" for one in credential.occurrences))
    more = [f"and {len(places) - _MOST_PLACES:,} more places"] if len(places) > _MOST_PLACES else []
    lines = [credential.rule.title, credential.redacted, *places[:_MOST_PLACES], *more]
    return [printable(mask(line)) for line in lines]


def _ask(question: str, answers: Sequence[str]) -> str:
    if answers:
        return str(click.prompt(question, type=click.Choice(list(answers)), show_choices=False))
    return str(click.prompt(question, default="", show_default=False))


def _path(file: Path | None, config: Config, target: str) -> Path:
    if file is not None or config.baseline is not None:
        return file or config.baseline or Path()
    root = config.root or find_root(Path(target)) or Path()
    here = Path.cwd()
    return (root.relative_to(here) if root.is_relative_to(here) else root) / DEFAULT_FILE


def _existing(file: Path | None, config: Config, target: str) -> tuple[Path, Baseline]:
    path = _path(file, config, target)
    entries = read_baseline(path)
    if entries is None:
        raise UsageError(f"there is no baseline {path}", hint="`secretguard baseline create` writes one.")
    return path, entries


def _bare(config: Config) -> Config:
    """Return `config` without anything that hides a credential."""
    return config._replace(root=None, baseline=None, ignore_paths=(), ignore_credentials=(), ignore_rules=())


def _known(report: Report) -> set[str]:
    return {one.id for one in report.credentials} | {one.id for one in report.ignored}


def _mode(history: bool) -> str:
    return "history" if history else "tree"


def _is_repository(target: str) -> bool:
    root = find_root(Path(target))
    return root is None or (root / ".git").exists()


def _is_terminal(stream: object) -> bool:
    return stream is not None and bool(getattr(stream, "isatty", bool)())


def _finished(report: Report) -> ExitCode:
    """Print what could not be read: a baseline made without it is not complete."""
    problems = real_problems(report)
    for problem in problems:
        console.print_problem(problem)
    return ExitCode.INCOMPLETE if problems else ExitCode.CLEAN

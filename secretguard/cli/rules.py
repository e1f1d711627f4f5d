"""`secretguard rules`: list them, show one, run their examples."""

from pathlib import Path

import click

from secretguard import plugins
from secretguard.cli import console, usage
from secretguard.cli.invocation import configure
from secretguard.errors import ExitCode, UsageError
from secretguard.model import Rule
from secretguard.report.json_report import encode
from secretguard.report.places import count
from secretguard.report.printable import printable
from secretguard.rules import load_rules, rule_to_json

_FORMAT = click.option(
    "--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True
)
_FILES = click.option(
    "--rules", "files", metavar="FILE", type=click.Path(path_type=Path), multiple=True, help="Also the rules in FILE."
)


@click.group("rules", short_help="List, show and test the detection rules.")
def command() -> None:
    """List the detection rules, show one, or run the examples that every rule carries."""


@command.command("list")
@_FORMAT
@_FILES
@click.pass_context
def list_rules(ctx: click.Context, format_name: str, files: tuple[Path, ...]) -> None:
    """List every rule with its kind, vendor and severity."""
    rules = sorted(_rules(ctx, files), key=lambda rule: rule.id)
    if format_name == "json":
        keys = ("id", "kind", "title", "vendor", "severity", "plugin")
        console.echo(encode([{key: rule_to_json(rule)[key] for key in keys} for rule in rules]))
        return
    rows = [(rule.id, rule.kind, rule.severity.value, rule.vendor, rule.title) for rule in rules]
    console.print_table(("RULE", "KIND", "SEVERITY", "VENDOR", "TITLE"), rows)
    console.echo(f"{count(len(rules), 'rule')} for {count(len({rule.kind for rule in rules}), 'kind')} of credential.")


@command.command("show")
@click.argument("rule_id", metavar="ID")
@_FORMAT
@_FILES
@click.pass_context
def show_rule(ctx: click.Context, rule_id: str, format_name: str, files: tuple[Path, ...]) -> None:
    """Show every field of the rule ID."""
    rules = {rule.id: rule for rule in _rules(ctx, files)}
    if rule_id not in rules:
        raise usage.unknown_word("rule", rule_id, list(rules))
    data = rule_to_json(rules[rule_id])
    if format_name == "json":
        console.echo(encode(data))
        return
    for key, value in data.items():
        lines = [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
        for number, line in enumerate(lines or [""]):
            console.echo(f"{key if number == 0 else '':<18}{printable(line)}".rstrip())


@command.command("test")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--over",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Also count how many blobs of a repository, or files of a directory, each rule points at.",
)
@click.pass_context
def test_rules(ctx: click.Context, file: Path | None, over: Path | None) -> ExitCode:
    """Run the examples and counter-examples of every rule, or of the rules in FILE.

    With --over also print the rules' candidate shares: which part of the blobs in PATH the fast first pass leaves to
    the precise one. A rule above 0.5 % of at least 1,000 blobs is reported as a problem.
    """
    rules = _rules(ctx, ()) if file is None else load_file(file)
    codes = [_test_examples(rules)]
    if over is not None:
        codes.append(_test_shares(rules, over))
    return ExitCode.FOUND if ExitCode.FOUND in codes else max(codes)


def _test_examples(rules: tuple[Rule, ...]) -> ExitCode:
    wrong = problems_of(rules)
    for sentence in wrong:
        console.echo(printable(sentence))
    examples = sum(len(rule.examples) + len(rule.counter_examples) for rule in rules)
    verdict = f"{count(len(wrong), 'problem')}" if wrong else "all as they should be"
    console.echo(f"{count(len(rules), 'rule')}, {count(examples, 'example')}: {verdict}.")
    return ExitCode.FOUND if wrong else ExitCode.CLEAN


def _test_shares(rules: tuple[Rule, ...], over: Path) -> ExitCode:
    from secretguard.scan.shares import ENOUGH_BLOBS, LARGEST_SHARE, candidate_shares

    with console.progress(quiet=False) as progress:
        shares = candidate_shares(rules, over, progress)
    if not shares.blobs:
        raise UsageError(
            f"{printable(str(over))} holds nothing to count in", hint="Name a repository or a directory with files."
        )
    rows = [(name, f"{blobs:,}", f"{blobs / shares.blobs:.2%}") for name, blobs in shares.candidates.items()]
    console.print_table(("RULE", "CANDIDATES", "SHARE"), rows)
    too_large = shares.too_large()
    for name, blobs in too_large.items():
        console.echo(f"{name} points at {blobs / shares.blobs:.2%} of the blobs, more than {LARGEST_SHARE:.1%}")
    silent = len(rules) - len(shares.candidates)
    few = "" if shares.blobs >= ENOUGH_BLOBS else f" Fewer than {ENOUGH_BLOBS:,} blobs tell nothing about a rule."
    console.echo(f"{count(shares.blobs, 'blob')}; {silent:,} of {count(len(rules), 'rule')} without a candidate.{few}")
    for problem in shares.problems:
        console.print_problem(problem)
    if too_large:
        return ExitCode.FOUND
    return ExitCode.INCOMPLETE if any(not problem.is_note for problem in shares.problems) else ExitCode.CLEAN


def problems_of(rules: tuple[Rule, ...]) -> list[str]:
    """Run the examples of `rules` through the engine and return what is wrong, as sentences."""
    from secretguard.testing import check_rule  # brings the whole engine

    with console.progress(quiet=False, in_bytes=False) as progress:
        progress.phase("Running examples", len(rules))
        wrong = []
        for rule in rules:
            wrong += check_rule(rule)
            progress.advance(1)
    return wrong


def load_file(file: Path) -> tuple[Rule, ...]:
    """Read one rule file; raises UsageError if there is none."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(
            f"rule file {file} cannot be read: {reason}", hint="Name a YAML file, see docs/rules.md."
        ) from None
    return load_rules(text, str(file))


def _rules(ctx: click.Context, files: tuple[Path, ...]) -> tuple[Rule, ...]:
    config = configure(ctx.obj, ".", {"rules": files})
    return plugins.installed_rules(config.without_plugins, config.rules).rules

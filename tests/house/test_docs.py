"""The documentation says what is true: commands, options, keys, exit codes, fields, links."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from secretguard.cli import COMMANDS
from secretguard.cli.commands import secretguard
from secretguard.config import KEYS, Config
from secretguard.errors import ExitCode
from secretguard.model import Ignored, Place, Problem
from secretguard.rules import CHECKSUMS, FORMS, rule_fields
from tests.house.sample import scanned
from tests.house.source import DOCS, PAGES, ROOT, code_spans, name_of, rows, section, tree_of

Command = click.Command
SCAN = DOCS / "scan.md"
CONFIGURATION = DOCS / "configuration.md"
GLOBAL = {"--quiet", "--verbose", "--no-color", "--no-repo-config", "--version", "--help"}


def commands() -> Iterator[tuple[str, Command]]:
    """Every command that a person can call, by what is typed after `secretguard`."""
    context = click.Context(secretguard)
    for name in COMMANDS:
        command = secretguard.get_command(context, name)
        assert command is not None
        yield from callable_in(name, command)


def callable_in(name: str, command: Command) -> Iterator[tuple[str, Command]]:
    """A command by itself, and those inside it if it is a group."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    if command.invoke_without_command:
        yield name, command
    for inner_name, inner in command.commands.items():
        if not inner.hidden:
            yield from callable_in(f"{name} {inner_name}", inner)


EVERY_COMMAND = dict(commands())


def options(command: Command) -> set[str]:
    """The long names of a command's own options, or the short one where there is no other."""
    own = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    return {max(names, key=len) for param in own for names in (param.opts, param.secondary_opts) if names}


def named_options(text: str) -> set[str]:
    return {word for span in code_spans(text) for word in re.findall(r"(?<![\w-])--[a-z][a-z-]*", span)}


def documented_commands() -> dict[str, str]:
    """The rows of "The other commands": what is typed after `secretguard`, and what is said about it."""
    found = {}
    for call, text in rows(section(SCAN, "The other commands")):
        words = [word for word in code_spans(call)[0].split()[1:] if word.islower()]
        found[" ".join(words)] = text
    return found


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    assert set(documented_commands()) | {"scan"} == set(EVERY_COMMAND)


@pytest.mark.parametrize("name", sorted(set(EVERY_COMMAND) - {"scan"}))
def test_every_option_of_a_command_is_documented_and_exists(name: str) -> None:
    assert named_options(documented_commands()[name]) == options(EVERY_COMMAND[name])


def test_every_option_of_scan_is_documented_and_exists() -> None:
    first, last = section(SCAN, "Options").split("Options of every command", 1)
    documented = {option for row in rows(first) for option in named_options(row[0])}
    assert documented == options(EVERY_COMMAND["scan"])
    assert {option for row in rows(last) for option in named_options(row[0])} == GLOBAL


def test_every_mode_of_scan_has_a_row() -> None:
    modes = {code_spans(row[0])[0].split()[0] for row in rows(section(SCAN, "Modes")) if code_spans(row[0])}
    assert modes == {"--history", "--staged", "--since", "--stdin"}


def calls_in(page: Path) -> Iterator[list[str]]:
    """Every call of secretguard in a page's code blocks and code spans."""
    text = page.read_text("utf-8")
    block = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    lines = [line for code in block.findall(text) for line in code.splitlines()]
    for line in (*lines, *code_spans(block.sub("", text))):
        if match := re.search(r"(?:^|[$ |/])secretguard ([a-z-].*)", re.sub(r"\s+# .*", "", line)):
            words = shlex.split(re.split(r" [|&>]", match[1])[0])
            yield words[: words.index("--")] if "--" in words else words  # what follows is a command of its own


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_call_in_the_documentation_can_be_made(page: Path) -> None:
    every = set().union(*map(options, EVERY_COMMAND.values())) | GLOBAL
    for words in calls_in(page):
        name = " ".join(words[:2]) if " ".join(words[:2]) in EVERY_COMMAND else words[0]
        assert name in EVERY_COMMAND or name in COMMANDS or name.startswith("-"), words
        allowed = options(EVERY_COMMAND[name]) | GLOBAL if name in EVERY_COMMAND else every
        used = {word.partition("=")[0] for word in words if word.startswith("--")} - {"--histroy"}
        assert used <= allowed, words


def test_exit_codes_are_those_of_the_program() -> None:
    body = next(
        node.body
        for node in ast.walk(tree_of(ROOT / "secretguard" / "errors.py"))
        if isinstance(node, ast.ClassDef) and node.name == "ExitCode"
    )
    sayings = [
        node.value.value for node in body[1:] if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    documented = [tuple(row) for row in rows(section(DOCS / "exit-codes.md", "Exit codes"))]
    assert documented == [
        (str(int(code)), code.name.lower(), saying) for code, saying in zip(ExitCode, sayings, strict=True)
    ]


def test_every_configuration_key_is_documented_as_it_is() -> None:
    table = {code_spans(row[0])[0]: row for row in rows(section(CONFIGURATION, "Keys"))}
    assert list(table) == list(KEYS)
    for key in KEYS.values():
        _, flag, variable, default, repository, _ = table[key.name]
        field = key.name.replace(".", "_")
        assert code_spans(variable) == [f"SECRETGUARD_{field.upper()}"]
        assert repository == ("no" if key.operator_only else "yes") + (", adds up" if key.adds_up else ""), key.name
        value = getattr(Config(), field)
        assert default.strip("`") == ("none" if value in (None, (), frozenset()) else str(value).lower()), key.name
        long = named_options(flag)
        assert long <= options(EVERY_COMMAND["scan"]) | GLOBAL, key.name
        assert bool(flag) != key.name.startswith(("ignore.", "store_", "journal")), key.name


def test_every_field_of_a_rule_is_documented_and_exists() -> None:
    table = {name: row[1] for row in rows(section(DOCS / "rules.md", "Rules")) for name in code_spans(row[0])}
    assert set(table) == {*rule_fields(), "schemes", "settings"}
    assert set(FORMS) <= set(code_spans(table["form"]))
    assert set(filter(None, CHECKSUMS)) == set(code_spans(table["checksum"]))


def shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else None


def test_the_json_report_has_the_documented_shape(tmp_path: Path) -> None:
    ignored = Ignored("sg_000000000000", "baseline", "x:1")
    report = scanned(tmp_path, ignored=(ignored,), problems=(Problem("x", "y"),), notes=("z",))
    text = (DOCS / "report.md").read_text("utf-8")
    documented = re.search(r"^```json\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert documented
    assert shape(json.loads(documented[1])) == shape(report)
    spans = set(code_spans(text))
    words = {part for span in spans for part in re.split(r"\W+", span)}
    for field in ("target", "stats"):
        assert report[field].keys() - {"path", "objects", "seconds"} <= words
    assert (report["credentials"][0].keys() - {"redacted", "occurrences"}) <= words
    assert (report["credentials"][0]["occurrences"][0].keys() - {"author", "date", "blob"}) <= words
    places = next(row for row in rows(section(DOCS / "report.md", "`json`")) if row[0] == "`source`")
    assert set(code_spans(places[1])) == {place.value for place in Place}


def anchors_of(page: Path) -> set[str]:
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_file(), target
        assert not anchor or anchor in anchors_of(linked), target


def test_every_page_can_be_reached_from_the_readme() -> None:
    text = PAGES[0].read_text("utf-8")
    assert [page.name for page in DOCS.glob("*.md") if f"docs/{page.name}" not in text] == []

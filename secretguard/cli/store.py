"""`secretguard store`: what a reference stands for, put, read, listed, moved on, destroyed."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from secretguard import resolve
from secretguard.cli import console, run_cache
from secretguard.cli.invocation import configure, operator_environ
from secretguard.errors import OutputError, StoreError, UsageError
from secretguard.reference import BACKENDS, SecretReference, misread_by_vals, parse_reference
from secretguard.report.json_report import encode
from secretguard.report.places import count
from secretguard.report.printable import printable
from secretguard.rotation import Context, Fields, StoredVersion
from secretguard.secret import Secret

if TYPE_CHECKING:
    from secretguard.interfaces import StorePlugin

LONGEST_VALUE = 1 << 20
"""Bytes of a value from standard input."""
_PREFIX = re.compile(r"ref\+([a-z]+)://([A-Za-z0-9_.@+=/-]*)")
_FORMAT = click.option(
    "--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True
)
_YES = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group("store", short_help="Put, read, move and destroy stored values.")
def command() -> None:
    """Put, read, list, move on and destroy what references stand for.

    REF is a reference such as ref+local://app#/DATABASE_URL, of any installed store. Addresses and logins of stores
    come from your environment.
    """


@command.command("put")
@click.argument("reference", metavar="REF")
@click.argument("more", nargs=-1, metavar="")
@click.option("--empty", is_flag=True, help="Store an empty value: the field then holds nothing.")
@click.pass_context
def put(ctx: click.Context, reference: str, more: tuple[str, ...], *, empty: bool) -> None:
    """Store a value at REF: typed at a hidden prompt, or piped in.

    Other fields of the document stay as they are. One line end at the end of what is piped in is taken off.
    """
    if more:
        raise UsageError(
            "a value is never given on the command line", hint="Pipe it in, or type it when you are asked."
        )
    where, store, context = _opened(ctx, reference)
    notes = _notes(store, where, context)
    value = Secret("") if empty else _value()
    with _written(context):
        store.put(where, {where.field: value}, context)
    console.print_line(f"Stored in {where}.")
    if not ctx.obj.get("quiet"):
        for note in notes:
            console.print_line(note)


@command.command("get")
@click.argument("reference", metavar="REF")
@click.option("--show-secrets", is_flag=True, help="Print the value although no terminal shows it.")
@click.pass_context
def get(ctx: click.Context, reference: str, show_secrets: bool) -> None:
    """Print the value at REF."""
    where = parse_reference(reference)
    terminal = console.stdout().isatty()
    if not (terminal or show_secrets):
        raise UsageError("a value is printed on a terminal only", hint="Give --show-secrets to print it elsewhere.")
    value = resolve.resolve(where, _context(ctx))
    console.echo(printable(value.reveal(), keep_lines=True) if terminal else value.reveal())


@command.command("list")
@click.argument("prefix", metavar="[PREFIX]", default="ref+local://")
@_FORMAT
@click.pass_context
def list_documents(ctx: click.Context, prefix: str, format_name: str) -> None:
    """List the documents whose references begin with PREFIX, by default all of the local store."""
    found = _PREFIX.fullmatch(prefix)
    if found is None or found[1] not in BACKENDS:
        raise UsageError("that is no beginning of a reference", hint="One looks like ref+vault://secret/app.")
    paths = resolve.store(found[1]).listing(found[2], _context(ctx))
    references = [str(SecretReference(found[1], path)) for path in paths]
    if format_name == "json":
        console.echo(encode([{"reference": one} for one in references]))
        return
    for one in references:
        console.echo(printable(one))
    if not references:
        console.print_line("Nothing is stored there.")


@command.command("versions")
@click.argument("reference", metavar="REF")
@_FORMAT
@click.pass_context
def versions(ctx: click.Context, reference: str, format_name: str) -> None:
    """List the versions of the document at REF, newest first, without values."""
    where, store, context = _opened(ctx, reference)
    found = _versions(store, where, context)
    if format_name == "json":
        names = ("version", "created", "state", "fields")
        console.echo(encode([{name: getattr(one, name) for name in names} for one in found]))
        return
    rows = [(one.version, one.created or "-", one.state or "-", ", ".join(one.fields) or "-") for one in found]
    console.print_table(("VERSION", "CREATED", "STATE", "FIELDS"), rows)


@command.command("destroy")
@click.argument("reference", metavar="REF")
@click.option("--version", "names", metavar="VERSION", multiple=True, help="This version; may be given again.")
@click.option("--all", "all_", is_flag=True, help="Every version, so that the reference stands for nothing.")
@_YES
@click.pass_context
def destroy(ctx: click.Context, reference: str, names: tuple[str, ...], all_: bool, yes: bool) -> None:
    """Destroy versions of the document at REF, for good and with all their fields."""
    if bool(names) == all_:
        raise UsageError("which versions?", hint="Give --version VERSION (again for more), or --all.")
    where, store, context = _opened(ctx, reference)
    document = where.with_field("")
    there = {one.version: one for one in _versions(store, where, context) if one.state != "destroyed"}
    if missing := [name for name in names if name not in there]:
        raise UsageError(
            f"{document} has no version {printable(missing[0])}", hint=f"`secretguard store versions {document}`"
        )
    chosen = [there[name] for name in (names or there)]
    _confirm(document, chosen, yes=yes)
    with _written(context):
        for one in chosen:
            store.destroy(where, one.version, context)
    console.print_line(f"Destroyed {count(len(chosen), 'version')} of {document}.")


@command.command("export")
@click.argument("reference", metavar="REF")
@click.option("--to", "target", metavar="REF", required=True, help="Where the value goes.")
@click.option("--force", is_flag=True, help="Replace another value that stands there.")
@click.pass_context
def export(ctx: click.Context, reference: str, target: str, force: bool) -> None:
    """Copy the value at REF, or all fields of a document, to another store; read it back and compare."""
    source, context = parse_reference(reference), _context(ctx)
    goal = parse_reference(target)
    if goal.with_field("") == source.with_field("") and goal.field in ("", source.field):
        raise UsageError("that is the same place", hint="Name another one with --to.")
    fields = _renamed(source, goal, resolve.document(source, context))
    store = resolve.store(goal.backend)
    before = store.read(goal, context) or {}
    if not force and (taken := [name for name in fields if name in before and not before[name].same_as(fields[name])]):
        what = f"another value as {printable(taken[0])}" if taken[0] else "another value"
        raise StoreError(f"{goal.with_field('')} holds {what}", hint="Look at it first; --force replaces it.")
    if any(name not in before or not before[name].same_as(value) for name, value in fields.items()):
        with _written(context):
            store.put(goal, fields, context)
    after = store.read(goal, context) or {}
    if not all(name in after and after[name].same_as(value) for name, value in fields.items()):
        raise StoreError(
            f"{goal.with_field('')} does not give back what was put there",
            hint=f"Somebody wrote in between? {source.with_field('')} is unchanged.",
        )
    console.print_line(f"Copied {count(len(fields), 'value')} to {goal.with_field('')}, and read back the same.")
    for note in _misread(goal):
        console.print_line(note)
    if source.backend != "env":
        document = source.with_field("")
        console.print_line(
            f"{document} still holds it. Once nothing reads it there: secretguard store destroy {document} --all"
        )


def _context(ctx: click.Context) -> Context:
    return Context(environ=operator_environ(configure(ctx.obj, None), os.environ))


@contextmanager
def _written(context: Context) -> Iterator[None]:
    """Empty the cache of `run` after a write: also one that failed may have had its effect."""
    try:
        yield
    finally:
        run_cache.empty(context)


def _opened(ctx: click.Context, reference: str) -> "tuple[SecretReference, StorePlugin, Context]":
    where = parse_reference(reference)
    return where, resolve.store(where.backend), _context(ctx)


def _notes(store: "StorePlugin", where: SecretReference, context: Context) -> list[str]:
    """Return what is to be known about a place. What would stop a rotation may let a single value pass."""
    findings = store.preflight(where, context).findings
    return [
        *(f"note: {one.what}. {one.hint}".rstrip() for one in findings if not one.stops),
        *_misread(where),
    ]


def _misread(where: SecretReference) -> list[str]:
    said = misread_by_vals(where)
    return [f"note: {said}"] if said else []


def _versions(store: "StorePlugin", where: SecretReference, context: Context) -> Sequence[StoredVersion]:
    found = store.versions(where, context)
    if not found:
        raise StoreError(f"{where.with_field('')} holds nothing", hint="`secretguard store list` shows what there is.")
    return found


def _renamed(source: SecretReference, goal: SecretReference, fields: Fields) -> Fields:
    """Return what is copied, under the names that it gets."""
    if source.field or goal.field or "" in fields:
        return {goal.field or source.field: resolve.pick(source, fields)}
    return fields


def _value() -> Secret:
    """Return the value from a hidden prompt, or from standard input; raises UsageError for none."""
    if sys.stdin is None:
        raise UsageError("standard input is closed", hint="Pipe the value in.")
    if console.is_somebody_there():
        typed: str = click.prompt("Value", hide_input=True, confirmation_prompt="Again", err=True)
        return Secret(typed)
    data = sys.stdin.buffer.read(LONGEST_VALUE + 1)
    if len(data) > LONGEST_VALUE:
        raise UsageError(f"a value of more than {LONGEST_VALUE:,} bytes is not stored")
    try:
        value = Secret(data.decode("utf-8").removesuffix("\n").removesuffix("\r"))
    except UnicodeDecodeError:
        del data
        raise UsageError("the value is not UTF-8", hint="Encode it first, with base64 for instance.") from None
    if value.same_as(Secret("")):
        raise UsageError("there is no value", hint="Pipe it in, or run this in a terminal to be asked for it.")
    return value


def _confirm(document: SecretReference, chosen: Sequence[StoredVersion], *, yes: bool) -> None:
    if yes:
        return
    if not console.is_somebody_there():
        raise UsageError("nobody is here to confirm that", hint="Give --yes.")
    names = ", ".join(printable(one.version) for one in chosen)
    console.print_line(f"Versions of {document} to be destroyed for good: {names}.")
    if any(one.state == "current" for one in chosen):
        console.print_line("The current one is among them: whoever reads the reference gets nothing afterwards.")
    if not click.confirm("Destroy them?", err=True):
        raise OutputError("nothing was destroyed", hint="It was not confirmed.")

"""Rotation for somebody who has never done it: what there is, what to choose, and what that means."""

from dataclasses import replace

import click

from secretguard.cli import console
from secretguard.cli.rotation_flow import is_under_way
from secretguard.cli.rotation_options import Options
from secretguard.cli.rotation_source import in_reports, search
from secretguard.errors import SecretguardError, UsageError
from secretguard.model import Credential
from secretguard.reference import parse_reference
from secretguard.report.danger import by_danger
from secretguard.report.places import count
from secretguard.report.printable import printable
from secretguard.resolve import resolve
from secretguard.rotate.choose import default_reference, rotator_for
from secretguard.rotate.target import target_of
from secretguard.rotation import Context, Mode, Overlap


def all_of(options: Options) -> tuple[str, ...]:
    """Return every credential that there is a rotator for, worst first; the others are named."""
    found = _found(options)
    names = tuple(one.id for one in found if _is_rotatable(one, options))
    for one in found:
        if one.id not in names:
            console.print_line(f"{one.id} ({one.rule.title}) has no rotator: replace it at its issuer by hand.")
    if not names:
        raise UsageError("there is nothing to rotate", hint="`secretguard scan --history` lists what there is.")
    return names


def choose(options: Options) -> tuple[str, Options] | None:
    """Ask a person what to rotate, where the new value goes, and how; None if there is nothing."""
    if not console.is_somebody_there() or options.as_json:
        raise UsageError("name a credential", hint="`secretguard scan --history` prints ids; --all takes every one.")
    console.print_line("Looking for leaked credentials in the whole history …")
    found = _found(options)
    if not found:
        console.print_line("No credential was found: there is nothing to rotate.")
        return None
    _list(found, options)
    number = _asked("Which one?", len(found))
    one = found[number - 1]
    target = target_of(one)
    rotator_for(target, options.rotator)  # raises for one that has none, before more is asked
    if is_under_way(one.id, options):
        return one.id, options  # it goes on as it was begun
    if not options.to:
        options = _asked_store(one, options)
    return one.id, _asked_mode(one, options)


def _found(options: Options) -> list[Credential]:
    reports = search(options.chosen, options.repositories)
    names = {one.id for report in reports for one in report.credentials}
    merged = [one for name in names if (one := in_reports(name, reports)) is not None]
    return by_danger(merged)


def _is_rotatable(one: Credential, options: Options) -> bool:
    try:
        rotator_for(target_of(one), options.rotator)
    except UsageError:
        return False
    return True


def _list(found: list[Credential], options: Options) -> None:
    console.print_line("Worst first:")
    for number, one in enumerate(found, 1):
        by_hand = "" if _is_rotatable(one, options) else "  (by hand: no rotator)"
        where = "still in the code" if one.in_head else "in history only"
        files = count(one.files, "file")
        what = f"{str(one.severity).upper():8} {one.id}  {one.rule.title}  {one.redacted}"
        console.print_line(printable(f"  {number}. {what}  {files}, {where}{by_hand}"))


def _asked(question: str, most: int, default: int | None = None) -> int:
    answer: int = click.prompt(question, type=click.IntRange(1, most), default=default, err=True)
    return answer


def _asked_store(one: Credential, options: Options) -> Options:
    """Ask where the new value goes; the default is what this machine is set up for."""
    default = str(default_reference(target_of(one), options.environ))
    console.print_line("Where should the new value live? A reference such as ref+vault://secret/app#/DATABASE_URL,")
    console.print_line(
        "ref+awssecrets://app#/DATABASE_URL or ref+local://app#/DATABASE_URL (encrypted, on this machine only)."
    )
    while True:
        text = click.prompt("Store", default=default, err=True).strip()
        try:
            parse_reference(text)
        except SecretguardError as error:
            console.print_error(str(error), error.hint)
        else:
            return replace(options, to=text)


def _asked_mode(one: Credential, options: Options) -> Options:
    """Ask for the mode where there is a choice."""
    target = target_of(
        one, resolve(parse_reference(options.admin), Context(options.environ)) if options.admin else None
    )
    _, rotator = rotator_for(target, options.rotator)
    if rotator.overlap(target, Context(options.environ, mode=Mode.GRACEFUL)) is Overlap.NONE:
        console.print_line("Its issuer knows one value at a time: the leaked one dies when the new one is set.")
        return options
    console.print_line("1. breach: the leaked value dies now; what uses it fails until it has the new one")
    console.print_line("2. graceful: both work until nobody uses the leaked one any more")
    return replace(
        options,
        mode=(Mode.BREACH, Mode.GRACEFUL)[_asked("Which mode?", 2, default=1 + (options.mode is Mode.GRACEFUL)) - 1],
    )

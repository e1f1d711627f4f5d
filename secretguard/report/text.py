"""The report for a person in a terminal: the worst first, what it opens, where it stands, what to do next."""

import os
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from secretguard.model import Confidence, Credential, Endpoint, Place, Problem, Report, Severity, Verdict
from secretguard.report.danger import by_danger, real_problems
from secretguard.report.masking import mask_for, user_shown, without_login
from secretguard.report.places import count, counted_by_kind, describe, distinct_places
from secretguard.report.printable import printable

if TYPE_CHECKING:
    from rich.console import Console  # nobody pays for it without a terminal

_STYLES = {
    Severity.CRITICAL: "bold white on red",
    Severity.HIGH: "bold red",
    Severity.MEDIUM: "bold yellow",
    Severity.LOW: "bold cyan",
}
_LOOKED_AT = {"tree": "file", "staged": "staged file", "stdin": "input"}
_LABEL = 12
_MOST_PLACES = 5
_MOST_ENDPOINTS = 4
_MOST_PROBLEMS = 20
_ROTATE_FIRST = (
    "Rotate first, then clean up: taking a value out of the files does not help by itself, "
    "for the history and every clone keep it."
)

Part = str | tuple[str, str]
"""Text, or text and its style."""


def write(report: Report, out: TextIO, *, show_secrets: bool, verbosity: int = 0, color: bool | None = None) -> None:
    """Write `report` to `out`; values only with `show_secrets`.

    `verbosity` is -1 for the findings alone, 1 for every place. `color` decides about colours; None leaves it
    to the terminal.
    """
    mask = mask_for(report, show_secrets=show_secrets)
    sheet = Sheet(out, lambda value: printable(mask(value)), color=color)
    for credential in by_danger(report.credentials):
        _write_credential(sheet, credential, report, show_secrets=show_secrets, every_place=verbosity > 0)
    if report.credentials and report.mode != "staged":
        sheet.sentence(_ROTATE_FIRST)
        sheet.line()
    if verbosity >= 0:
        _write_ignored(sheet, report, every=verbosity > 0)
        _write_notes(sheet, report)
    _write_problems(sheet, report)
    if verbosity >= 0:
        _write_receipt(sheet, report)


class Sheet:
    """Lines on a terminal, wrapped and coloured, or plain and unwrapped where there is none."""

    def __init__(self, out: TextIO, clean: Callable[[str], str], *, color: bool | None) -> None:
        self.clean = clean
        self._out = out
        watched = out.isatty()
        self._width = _width() if watched else 0
        if color is None:
            color = watched and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._console = _console(out) if color else None

    def line(self, *parts: Part) -> None:
        """Write one line, however long it is: a path that is broken cannot be copied."""
        if self._console is None:
            self._out.write("".join(part if isinstance(part, str) else part[0] for part in parts).rstrip() + "\n")
            return
        from rich.text import Text  # nobody pays for it without a terminal

        self._console.print(Text.assemble(*parts), soft_wrap=True)

    def field(self, label: str, *lines: str, style: str = "") -> None:
        """Write a labelled block of lines."""
        for number, text in enumerate(lines):
            self.line("  ", (f"{label if number == 0 else '':<{_LABEL}}", "dim"), (text, style))

    def sentence(self, text: str, *, indent: str = "", first: Part = "", style: str = "") -> None:
        """Write prose after `first`, wrapped at the terminal's width with a hanging indent."""
        room = self._width - len(indent)
        lines = _wrapped(text, room) if room > 20 else [text]
        for number, line in enumerate(lines):
            self.line(first if number == 0 and first else indent, (line, style))


def _width() -> int:
    import shutil  # nobody pays for it without a terminal

    return shutil.get_terminal_size().columns


def _wrapped(text: str, room: int) -> list[str]:
    import textwrap  # nobody pays for it without a terminal

    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)


def _console(out: TextIO) -> "Console":
    from rich.console import Console

    return Console(file=out, markup=False, emoji=False, highlight=False, force_terminal=True)


def _write_credential(
    sheet: Sheet, credential: Credential, report: Report, *, show_secrets: bool, every_place: bool
) -> None:
    write_heading(sheet, credential, show_secrets=show_secrets)
    _write_places(sheet, credential, every=every_place)
    sheet.field("do now", _advice(credential, report.mode), style="bold")
    sheet.line()


def write_heading(sheet: Sheet, credential: Credential, *, show_secrets: bool = False) -> None:
    """Write what `credential` is, what it opens, how far it has spread and since when."""
    clean = sheet.clean
    doubt = "  (low confidence)" if credential.confidence is Confidence.LOW else ""
    verdict = "" if credential.verdict is Verdict.UNCHECKED else f"  {credential.verdict.value.upper()}"
    sheet.line(
        (f" {credential.severity.value.upper()} ", _STYLES[credential.severity]),
        f" {clean(credential.rule.title)}{doubt}",
        (verdict, "bold"),
        "  ",
        (credential.id, "bold"),
    )
    sheet.line("  ", clean(credential.redacted))
    if show_secrets:
        sheet.field("secret", *printable(credential.secret.reveal(), keep_lines=True).split("\n"))
    user = user_shown(credential, clean, show_secrets=show_secrets)
    opened = [clean(_address(end)) for end in credential.endpoints]
    if opened:
        sheet.field("opens", *_some([f"{user}@{one}" if user else one for one in opened], _MOST_ENDPOINTS))
    elif user:
        sheet.field("user", user)
    sheet.field("spread", *_spread(credential))
    if first := credential.introduced_by:
        words = (first.date or "")[:10], f"commit {(first.commit or '?')[:12]}", clean(first.author or "")
        sheet.field("first seen", ", ".join(word for word in words if word))


def write_advice(sheet: Sheet, credential: Credential, mode: str) -> None:
    """Write what to do next, and why deleting is not enough."""
    text = f"{_advice(credential, mode)} {_ROTATE_FIRST}"
    sheet.sentence(text, indent=" " * (_LABEL + 2), first=f"  {'do now':<{_LABEL}}", style="bold")


def _write_places(sheet: Sheet, credential: Credential, *, every: bool) -> None:
    places = distinct_places(credential)
    shown = places if every else places[:_MOST_PLACES]
    lines = [describe(place, sheet.clean) for place in shown]
    if more := len(places) - len(shown):
        lines.append(f"and {more:,} more: secretguard show {credential.id}")
    sheet.field("places", *lines)


def _address(end: Endpoint) -> str:
    host = f"[{end.host}]" if ":" in end.host else end.host
    return f"{host}{f':{end.port}' if end.port else ''}{f'/{end.database}' if end.database else ''}"


def _some(lines: list[str], most: int) -> list[str]:
    return lines if len(lines) <= most else [*lines[: most - 1], f"and {len(lines) - most + 1:,} more"]


def _spread(credential: Credential) -> list[str]:
    words = [count(credential.files, "file")] if credential.files else []
    if credential.commits:
        words.append(count(credential.commits, "commit"))
    sources = {occurrence.location.source for occurrence in credential.occurrences}
    if sources == {Place.STAGED}:
        state = "staged"
    elif credential.in_head:
        state = "still in the current files" if credential.commits else "in the current files"
    elif sources <= {Place.STDIN, Place.ARCHIVE}:
        state = ""
    else:
        state = "gone from the current files, still in the repository"
    lines = ["; ".join(filter(None, (", ".join(words), state)))]
    if elsewhere := counted_by_kind(credential, but=(Place.WORKTREE, Place.STAGED, Place.HISTORY)):
        lines.append(f"{'also ' if lines[0] else ''}{', '.join(elsewhere)}")
    return [line for line in lines if line]


def _advice(credential: Credential, mode: str) -> str:
    if mode == "staged":
        return "Not committed yet: take it out of the file and stage again. If it was ever pushed or sent, rotate it."
    if credential.verdict is Verdict.DEAD:
        return "Its issuer refuses it already. Take it out of the files, so that nobody has to wonder."
    return f"Rotate it: {_new_one(credential)}."


def _new_one(credential: Credential) -> str:
    if credential.family == "token":
        vendor = f" at {printable(credential.rule.vendor)}" if credential.rule.vendor else ""
        return f"make a new one{vendor}, switch to it, revoke this one"
    if credential.family == "private-key":
        return "make a new key pair, put its public half in place, remove the old one everywhere"
    return "set a new password at the server, switch to it, see that this one is refused"


def _write_ignored(sheet: Sheet, report: Report, *, every: bool) -> None:
    if not report.ignored:
        return
    reasons = Counter(one.reason for one in report.ignored)
    summary = ", ".join(f"{number:,} {sheet.clean(reason)}" for reason, number in reasons.most_common())
    sheet.line(f"Ignored: {summary}.", ("" if every else "  -v lists them.", "dim"))
    for one in report.ignored if every else ():
        words = one.id, sheet.clean(one.reason), sheet.clean(one.where), sheet.clean(one.note)
        added = ("  added by the very change that was scanned", "bold yellow") if one.added_by_change else ""
        sheet.line("  ", "  ".join(word for word in words if word), added)


def _write_notes(sheet: Sheet, report: Report) -> None:
    for note in report.notes:
        sheet.sentence(sheet.clean(note), indent=" " * 6, first=("Note: ", "bold"))
    for problem in report.problems:
        if problem.is_note:
            _write_problem(sheet, problem, ("Note: ", "bold"))


def _write_problems(sheet: Sheet, report: Report) -> None:
    problems = real_problems(report)
    for problem in problems[:_MOST_PROBLEMS]:
        _write_problem(sheet, problem, ("Problem: ", "bold yellow"))
    if (more := len(problems) - _MOST_PROBLEMS) > 0:
        sheet.line(f"and {count(more, 'more problem')}; --format json lists all.")


def _write_problem(sheet: Sheet, problem: Problem, first: tuple[str, str]) -> None:
    where = f"{problem.where}: " if problem.where not in ("", ".") else ""
    indent = " " * len(first[0])
    sheet.sentence(sheet.clean(without_login(f"{where}{problem.what}")), indent=indent, first=first)
    if problem.hint:
        sheet.sentence(sheet.clean(without_login(problem.hint)), indent=indent + " " * 6, first=f"{indent}hint: ")


def _write_receipt(sheet: Sheet, report: Report) -> None:
    problems, found = real_problems(report), report.credentials
    if problems:
        text = f"INCOMPLETE: {count(len(problems), 'problem')}. What could not be read may hold more."
        sheet.line((text, "bold yellow"))
    if found:
        by_severity = Counter(one.severity for one in found)
        parts = [f"{by_severity[one]:,} {one.value}" for one in reversed(Severity) if by_severity[one]]
        sheet.line((f"{count(len(found), 'credential')} found: {', '.join(parts)}.", "bold red"))
        sheet.sentence(_receipt(report))
    elif report.stats.objects:
        where = " in what could be read" if problems else ""
        sheet.sentence(f"No credentials found{where}. {_receipt(report)}")
    elif report.mode == "staged" and not problems:
        sheet.line("Nothing is staged, so nothing was looked at.")
    else:
        sheet.line(("NOTHING WAS LOOKED AT, so this says nothing about credentials.", "bold yellow"))


def _receipt(report: Report) -> str:
    stats = report.stats
    looked = f"{count(stats.objects, _LOOKED_AT.get(report.mode, 'object'))} ({_size(stats.bytes)})"
    skipped = f", skipped {stats.skipped:,}" if stats.skipped else ""
    return f"Looked at {looked} with {count(report.rules, 'rule')} in {stats.seconds:,.1f} s{skipped}."


def _size(number: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:,.0f} {unit}" if unit == "bytes" or number >= 100 else f"{number:,.1f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"

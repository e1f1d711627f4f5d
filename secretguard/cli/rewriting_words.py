"""What a rewriting says: how many places, which variables, what is left to a person; as text or as JSON."""

from collections.abc import Iterable, Iterator, Sequence

from secretguard.cli import console
from secretguard.cli.rewriting import Planned
from secretguard.report.places import count
from secretguard.report.printable import printable
from secretguard.rewrite.delivery import Delivered
from secretguard.rewriting import FileChange, ManualItem

_MOST = 20


def write_plan(planned: Sequence[Planned], *, verbose: bool = False) -> None:
    """Print what each repository's commit will do."""
    for one in planned:
        rewrite = one.rewrite
        if not rewrite.changes and not rewrite.manual:
            _say(f"{one.looked.path}: the value does not stand at HEAD; nothing is to be rewritten.")
            continue
        verb = "reads" if rewrite.references == 1 else "read"
        words = [f"{count(rewrite.references, 'place')} {verb} a variable"]
        words += [count(rewrite.placeholders, "place") + " in comments and documents say what stood there"]
        _say(f"{one.looked.path}: {count(len(rewrite.changes), 'file')} of {one.looked.base[:12]} change")
        for word, number in zip(words, (rewrite.references, rewrite.placeholders), strict=True):
            if number:
                _say(f"  {word}")
        for assigned in rewrite.variables:
            _say(f"  {assigned.variable.name} = {assigned.variable.reference}  ({assigned.spelling.form})")
        _listed([_change(change) for change in rewrite.changes], verbose=verbose)
        write_manual(rewrite.manual)


def write_manual(manual: Sequence[ManualItem]) -> None:
    """Print what is left to a person."""
    if manual:
        _say(f"  left to a person, {count(len(manual), 'place')}:")
    for one in manual:
        _say(f"    {one.path}:{one.line}: {one.reason}. {one.advice}")


def write_delivered(delivered: Delivered) -> None:
    """Print what was done."""
    _say(f"{delivered.how}: {delivered.where}" + ("" if delivered.is_new else " (it is there already, exactly so)"))
    for line in delivered.evidence:
        _say(f"  {line}")


def plan_json(planned: Iterable[Planned]) -> Iterator[dict[str, object]]:
    """Yield what each repository's commit will do; no value is in it."""
    for one in planned:
        yield {
            "path": one.looked.path,
            "base": one.looked.base,
            "files": [change.path for change in one.rewrite.changes],
            "references": one.rewrite.references,
            "placeholders": one.rewrite.placeholders,
            "variables": {
                assigned.variable.name: {
                    "reference": str(assigned.variable.reference),
                    "form": assigned.spelling.form,
                }
                for assigned in one.rewrite.variables
            },
            "manual": [
                {"path": item.path, "line": item.line, "reason": item.reason, "advice": item.advice}
                for item in one.rewrite.manual
            ],
        }


def _change(change: FileChange) -> str:
    mark = "+" if change.before is None else "-" if change.after is None else " "
    return f"{mark} {change.path}"


def _listed(lines: Sequence[str], *, verbose: bool) -> None:
    shown = lines if verbose else lines[:_MOST]
    for line in shown:
        _say(f"  {line}")
    if len(lines) > len(shown):
        _say(f"  … and {len(lines) - len(shown):,} more (-v lists them)")


def _say(text: str) -> None:
    console.echo(printable(text))

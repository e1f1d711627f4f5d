"""Which places of a credential are hidden, by what, and whether the scanned change itself put it there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from secretguard.engine.marks import ANY, BARE
from secretguard.errors import ConfigError
from secretguard.globs import matches
from secretguard.model import Credential, Ignored, Occurrence, Place
from secretguard.scan.baseline import parse_baseline
from secretguard.scan.change import Change, Reason, config_keys, entry_added, line_added, mark_line
from secretguard.scan.foreign import FILES, TimedSearch, foreign_keys, hidden_by
from secretguard.scan.ignore import CONFIG_FILES, Ignores, Outcome, remark

MOST_NOTES = 20
"""Of one kind, so that a repository cannot bury the report under notes."""

_PRESENT = (Place.WORKTREE, Place.STAGED, Place.STDIN)


@dataclass(frozen=True, slots=True)
class _Run:
    ignores: Ignores
    change: Change | None
    search: TimedSearch
    added: dict[Reason, bool] = field(default_factory=dict)
    by_path: dict[str, Reason | None] = field(default_factory=dict)
    """A path of history may hold thousands of occurrences."""


Hidden = list[tuple[Occurrence, Reason]]


def divided(credentials: Sequence[Credential], ignores: Ignores, change: Change | None) -> Outcome:
    """See `secretguard.scan.ignore.apply_ignores`."""
    if change is not None:
        change = Change(cache(change.before), cache(change.after))
    run = _Run(ignores, change, TimedSearch())
    kept: list[Credential] = []
    ignored: list[Ignored] = []
    notes = list(ignores.notes)
    for credential in credentials:
        hidden, left = _divide(run, credential)
        ignored.extend(_rows(run, credential, hidden))
        if left and all(occurrence.match.placeholder for occurrence in left):
            ignored.append(_placeholder(credential, left))
        elif left:
            kept.append(credential if not hidden else credential._replace(occurrences=tuple(left)))
    notes.extend(_added_notes(ignored))
    notes.extend(_bare_notes(kept))
    notes.extend(
        f"{credential.id} is in the baseline on disk, but not in the one that is staged: add the file to the commit"
        for credential in kept[:MOST_NOTES]
        if credential.id in ignores.unstaged
    )
    if run.search.gave_up:
        notes.append("the allowlist expressions of other tools took too long; some of them were not tried")
    return Outcome(tuple(kept), tuple(ignored), tuple(notes))


def _divide(run: _Run, credential: Credential) -> tuple[Hidden, list[Occurrence]]:
    """Return the hidden occurrences with their reasons, and the others."""
    if all(occurrence.match.placeholder for occurrence in credential.occurrences):
        return [], list(credential.occurrences)
    whole = run.ignores.credentials.get(credential.id) or _present_mark(run, credential)
    hidden: Hidden = []
    left: list[Occurrence] = []
    for occurrence in credential.occurrences:
        reason = whole or _reason(run, credential, occurrence)
        if reason is None or (reason.by_position and run.change and line_added(run.change, occurrence)):
            left.append(occurrence)
        else:
            hidden.append((occurrence, reason))
    return hidden, left


def _reason(run: _Run, credential: Credential, occurrence: Occurrence) -> Reason | None:
    match = occurrence.match
    for name in (credential.id, ANY):
        if name in match.marks:
            return _mark_reason(run, occurrence, name)
    path = occurrence.location.path
    if path not in run.by_path:
        hiding = (reason for pattern, reason in run.ignores.paths if matches(pattern, path))
        run.by_path[path] = next(hiding, None) if path else None
    if reason_of_path := run.by_path[path]:
        return reason_of_path
    if reason_of_rule := run.ignores.rules.get(match.rule.id):
        return reason_of_rule
    return hidden_by(run.ignores.foreign, occurrence, run.search)


def _present_mark(run: _Run, credential: Credential) -> Reason | None:
    """Return the mark that names the credential where it stands today; an old mark rather than one just added."""
    marked = [
        _mark_reason(run, occurrence, credential.id)
        for occurrence in credential.occurrences
        if credential.id in occurrence.match.marks
        and (occurrence.location.at_head or occurrence.location.source in _PRESENT)
    ]
    return min(marked, key=lambda reason: run.added[reason], default=None)


def _mark_reason(run: _Run, occurrence: Occurrence, name: str) -> Reason:
    line = None if run.change is None else mark_line(run.change, occurrence, name)
    where = f"{occurrence.location.path}:{line or occurrence.match.line}"
    reason = Reason("inline", where, "" if name != ANY else "another tool's mark", key=name)
    run.added[reason] = line is not None
    return reason


def _rows(run: _Run, credential: Credential, hidden: Hidden) -> Iterator[Ignored]:
    """Yield one row for each entry or kind of mark, with the places it hides counted."""
    by_entry: dict[tuple[str, str, str, str], Hidden] = {}
    for occurrence, reason in hidden:
        by_entry.setdefault((reason.reason, reason.file, reason.key, reason.note), []).append((occurrence, reason))
    for places in by_entry.values():
        occurrence, reason = places[0]
        first = _where(occurrence)
        at_the_place = reason.reason == "inline" or not reason.where
        yield Ignored(
            id=credential.id,
            reason=reason.reason,
            where=reason.where or first,
            rule=occurrence.match.rule.id,
            occurrences=len(places),
            note=reason.note if at_the_place else remark(reason.note, f"found in {first}"),
            added_by_change=any(_is_added(run, each) for _, each in places),
        )


def _is_added(run: _Run, reason: Reason) -> bool:
    if run.change is None:
        return False
    if reason not in run.added:
        run.added[reason] = entry_added(run.change, reason, _keys)
    return run.added[reason]


def _placeholder(credential: Credential, left: Sequence[Occurrence]) -> Ignored:
    first = left[0]
    return Ignored(
        credential.id, "placeholder", _where(first), first.match.rule.id, len(left), note=first.match.placeholder
    )


def _added_notes(ignored: Sequence[Ignored]) -> Iterator[str]:
    for row in [row for row in ignored if row.added_by_change][:MOST_NOTES]:
        what = "an allow mark" if row.reason == "inline" else "an entry"
        yield f"{row.id} is hidden by {what} that this change adds: {row.where}"


def _bare_notes(kept: Sequence[Credential]) -> Iterator[str]:
    bare = {_where(occurrence): credential.id for credential in kept for occurrence in credential.occurrences
            if BARE in occurrence.match.marks}  # fmt: skip
    for where, name in list(bare.items())[:MOST_NOTES]:
        yield f"{where}: `secretguard:allow` names no credential, so it hides nothing; write `secretguard:allow {name}`"


def _where(occurrence: Occurrence) -> str:
    at = occurrence.location
    return f"{at.path or at.ref or at.commit or at.source}:{occurrence.match.line}"


def _keys(data: bytes, file: str) -> frozenset[str]:
    """Return the keys of all entries in one version of a file, whatever kind of file it is."""
    if file in FILES:
        return foreign_keys(data, file)
    if file in CONFIG_FILES:
        return config_keys(data, file)
    try:
        return frozenset(parse_baseline(data, file))
    except ConfigError:
        return frozenset()

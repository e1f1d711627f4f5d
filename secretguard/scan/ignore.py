"""What is found but not reported, and why: marks, baseline, configuration, other tools' files, placeholders.

Everything of ours names credentials by id, so it follows a value wherever it moves and never hides another one.
An inline mark that stands in the present content (working tree, index, HEAD) hides its credential in all places, old
versions of the line included; one that stands only in history, like a path glob or another tool's mark, hides the
places it speaks for. Nothing hidden is dropped: it is listed with its reason.

The files that count are those of the commit that is scanned. For `--staged` that is the index, so that the hook
decides as a later scan of the commit will; a file that git does not know counts as it lies on disk. Every other scan
takes the files on disk.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from secretguard.config import REPOSITORY_FILE, Config
from secretguard.engine.marks import ANY, BARE
from secretguard.errors import ConfigError
from secretguard.model import Credential, Ignored, Occurrence, Place
from secretguard.scan.baseline import DEFAULT_FILE, Baseline, parse_baseline
from secretguard.scan.change import Change, Reason, config_keys, entry_added, line_added, mark_line
from secretguard.scan.content import Content, on_disk, read_regular
from secretguard.scan.foreign import FILES, Foreign, TimedSearch, foreign_keys, hidden_by, read_foreign
from secretguard.scan.globs import Glob, glob, matches

MOST_NOTES = 20
"""Of one kind, so that a repository cannot bury the report under notes."""

_CONFIG_FILES = (REPOSITORY_FILE, "pyproject.toml")
_PRESENT = (Place.WORKTREE, Place.STAGED, Place.STDIN)


@dataclass(frozen=True, slots=True)
class Ignores:
    """Everything a run ignores, read once."""

    credentials: Mapping[str, Reason] = field(default_factory=dict)
    """By credential id: configuration and baseline."""
    paths: tuple[tuple[Glob, Reason], ...] = ()
    rules: Mapping[str, Reason] = field(default_factory=dict)
    foreign: Foreign = field(default_factory=Foreign)
    unstaged: frozenset[str] = frozenset()
    """Ids that the baseline on disk has and the one that counts has not."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be used."""
        return self.foreign.notes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is left to report, what is not, and what the user should know about it."""

    kept: tuple[Credential, ...]
    ignored: tuple[Ignored, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Run:
    ignores: Ignores
    change: Change | None
    search: TimedSearch
    added: dict[Reason, bool] = field(default_factory=dict)
    by_path: dict[str, Reason | None] = field(default_factory=dict)
    """A path of history may hold thousands of occurrences."""


Hidden = list[tuple[Occurrence, Reason]]


def load_ignores(
    config: Config, root: Path | None, baseline: Path | None = None, *, content: Content | None = None
) -> Ignores:
    """Read what `config` and the files in `root` ignore; raises ConfigError.

    `root` is the directory that paths are relative to; its own files count unless the repository's configuration is
    left out (`config.root` is None). `baseline` overrides the configured one. `content` gives the files of the
    scanned commit, for `--staged`; files that it does not have are read from disk.
    """
    repository = None if config.root is None else root
    files = _files(repository, content)
    entries, where = _baseline(repository, baseline or config.baseline, files)
    known = {
        entry.id: Reason("baseline", f"{where}:{entry.line}", _remark(entry.status, entry.note), where, entry.id)
        for entry in entries.values()
    }
    for ignored in config.ignore_credentials:
        known[ignored.id] = _config_reason(ignored.where or "configuration", ignored.id, ignored.reason)
    return Ignores(
        credentials=known,
        paths=tuple(_path_ignores(config)),
        rules={rule: _config_reason(layer, rule, f"rule {rule}") for rule, layer in _values(config, "ignore_rules")},
        foreign=Foreign() if repository is None else read_foreign(files),
        unstaged=frozenset() if content is None else _unstaged(repository, where, entries),
    )


def apply_ignores(credentials: Sequence[Credential], ignores: Ignores, change: Change | None = None) -> Outcome:
    """Divide `credentials` into what is reported and what is ignored.

    A credential of which only some places are hidden is reported with the others. With `change` (`--staged`,
    `--since`) whatever hides a finding and was added by that very change is said in a note.
    """
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
            kept.append(credential if not hidden else replace(credential, occurrences=tuple(left)))
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
            note=reason.note if at_the_place else _remark(reason.note, f"found in {first}"),
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


def _remark(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _files(repository: Path | None, content: Content | None) -> Content:
    disk: Content = (lambda _path: None) if repository is None else on_disk(repository)
    if content is None:
        return disk

    def files(path: str) -> bytes | None:
        data = content(path)
        return disk(path) if data is None else data

    return files


def _baseline(repository: Path | None, chosen: Path | None, files: Content) -> tuple[Baseline, str]:
    """Return the baseline that counts and its name: relative to the repository if it lies there."""
    name = DEFAULT_FILE if chosen is None else _inside(repository, chosen)
    if name is None:
        name = str(chosen)
        data = read_regular(Path(name), name, follow=True)
    else:
        data = files(name)
    if data is None and chosen is not None:
        raise ConfigError(
            f"there is no baseline {chosen}", hint="`secretguard baseline create` writes one; or leave --baseline out."
        )
    return ({} if data is None else parse_baseline(data, name)), name


def _inside(repository: Path | None, path: Path) -> str | None:
    if repository is None:
        return None
    inside, whole = path.resolve(), repository.resolve()
    return inside.relative_to(whole).as_posix() if inside.is_relative_to(whole) else None


def _unstaged(repository: Path | None, where: str, entries: Baseline) -> frozenset[str]:
    try:
        data = None if repository is None else on_disk(repository)(where)
        return frozenset() if data is None else frozenset(parse_baseline(data, where)) - frozenset(entries)
    except ConfigError:
        return frozenset()  # half-written, perhaps: the staged one counts


def _path_ignores(config: Config) -> Iterator[tuple[Glob, Reason]]:
    for text, layer in _values(config, "ignore_paths"):
        try:
            pattern = glob(text)
        except ValueError as error:
            raise ConfigError(f"{layer}: `ignore.paths`: {error}", hint="See docs/configuration.md.") from None
        # The place is told rather than the entry: the note names the glob.
        yield pattern, replace(_config_reason(layer, text, f"`{text}` in {layer}"), reason="path", where="")


def _values(config: Config, name: str) -> Iterator[tuple[str, str]]:
    """Yield each value of a list together with the file or layer that it comes from."""
    key = name.replace("_", ".", 1)
    settings = [setting for setting in config.settings if setting.key == key]
    for setting in settings:
        yield from ((value, setting.where or setting.layer) for value in setting.value)
    if not settings:
        yield from ((value, "configuration") for value in getattr(config, name))


def _config_reason(where: str, key: str, note: str) -> Reason:
    return Reason("config", where, note, where if where in _CONFIG_FILES else "", key)


def _keys(data: bytes, file: str) -> frozenset[str]:
    """Return the keys of all entries in one version of a file, whatever kind of file it is."""
    if file in FILES:
        return foreign_keys(data, file)
    if file in _CONFIG_FILES:
        return config_keys(data, file)
    try:
        return frozenset(parse_baseline(data, file))
    except ConfigError:
        return frozenset()

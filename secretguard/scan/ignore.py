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
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from secretguard.config import BASELINE_FILE, REPOSITORY_FILE, Config
from secretguard.errors import ConfigError
from secretguard.scan.change import Change, Reason
from secretguard.scan.content import Content, on_disk, read_regular
from secretguard.scan.foreign import FILES, Foreign, read_foreign

if TYPE_CHECKING:
    from secretguard.globs import Glob
    from secretguard.model import Credential, Ignored
    from secretguard.scan.baseline import Baseline

CONFIG_FILES = (REPOSITORY_FILE, "pyproject.toml")
READ_FILES = (BASELINE_FILE, *FILES)
"""What is asked of `content`, if no other baseline is chosen."""


class Ignores(NamedTuple):
    """Everything a run ignores, read once."""

    credentials: Mapping[str, Reason] = {}
    """By credential id: configuration and baseline."""
    paths: "tuple[tuple[Glob, Reason], ...]" = ()
    rules: Mapping[str, Reason] = {}
    foreign: Foreign = Foreign()
    unstaged: frozenset[str] = frozenset()
    """Ids that the baseline on disk has and the one that counts has not."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be used."""
        return self.foreign.notes


class Outcome(NamedTuple):
    """What is left to report, what is not, and what the user should know about it."""

    kept: "tuple[Credential, ...]"
    ignored: "tuple[Ignored, ...]"
    notes: tuple[str, ...]


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
        entry.id: Reason("baseline", f"{where}:{entry.line}", remark(entry.status, entry.note), where, entry.id)
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


def apply_ignores(credentials: "Sequence[Credential]", ignores: Ignores, change: Change | None = None) -> Outcome:
    """Divide `credentials` into what is reported and what is ignored.

    A credential of which only some places are hidden is reported with the others. With `change` (`--staged`,
    `--since`) whatever hides a finding and was added by that very change is said in a note.
    """
    if not credentials:
        return Outcome((), (), ignores.notes)
    from secretguard.scan.hidden import divided  # nothing was found, mostly

    return divided(credentials, ignores, change)


def remark(*parts: str) -> str:
    """Return what there is to say, in one note."""
    return "; ".join(part for part in parts if part)


def _files(repository: Path | None, content: Content | None) -> Content:
    disk: Content = (lambda _path: None) if repository is None else on_disk(repository)
    if content is None:
        return disk

    def files(path: str) -> bytes | None:
        data = content(path)
        return disk(path) if data is None else data

    return files


def _baseline(repository: Path | None, chosen: Path | None, files: Content) -> "tuple[Baseline, str]":
    """Return the baseline that counts and its name: relative to the repository if it lies there."""
    name = BASELINE_FILE if chosen is None else _inside(repository, chosen)
    if name is None:
        name = str(chosen)
        data = read_regular(Path(name), name, follow=True)
    else:
        data = files(name)
    if data is None and chosen is not None:
        raise ConfigError(
            f"there is no baseline {chosen}", hint="`secretguard baseline create` writes one; or leave --baseline out."
        )
    return ({} if data is None else _parsed(data, name)), name


def _parsed(data: bytes, where: str) -> "Baseline":
    from secretguard.scan.baseline import parse_baseline  # only where there is one

    return parse_baseline(data, where)


def _inside(repository: Path | None, path: Path) -> str | None:
    if repository is None:
        return None
    inside, whole = path.resolve(), repository.resolve()
    return inside.relative_to(whole).as_posix() if inside.is_relative_to(whole) else None


def _unstaged(repository: Path | None, where: str, entries: "Baseline") -> frozenset[str]:
    try:
        data = None if repository is None else on_disk(repository)(where)
        return frozenset() if data is None else frozenset(_parsed(data, where)) - frozenset(entries)
    except ConfigError:
        return frozenset()  # half-written, perhaps: the staged one counts


def _path_ignores(config: Config) -> "Iterator[tuple[Glob, Reason]]":
    for text, layer in _values(config, "ignore_paths"):
        from secretguard.globs import glob  # only where there is one

        try:
            pattern = glob(text)
        except ValueError as error:
            raise ConfigError(f"{layer}: `ignore.paths`: {error}", hint="See docs/configuration.md.") from None
        # The place is told rather than the entry: the note names the glob.
        yield pattern, _config_reason(layer, text, f"`{text}` in {layer}")._replace(reason="path", where="")


def _values(config: Config, name: str) -> Iterator[tuple[str, str]]:
    """Yield each value of a list together with the file or layer that it comes from."""
    key = name.replace("_", ".", 1)
    settings = [setting for setting in config.settings if setting.key == key]
    for setting in settings:
        yield from ((value, setting.where or setting.layer) for value in setting.value)
    if not settings:
        yield from ((value, "configuration") for value in getattr(config, name))


def _config_reason(where: str, key: str, note: str) -> Reason:
    return Reason("config", where, note, where if where in CONFIG_FILES else "", key)

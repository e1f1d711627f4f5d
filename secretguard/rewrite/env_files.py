"""`.env` files leave git: the names stay in `.env.example`, the references go to `secretguard.refs.env`.

A `.env` that is committed is taken out of git and ignored. `secretguard run --env-file secretguard.refs.env` gives a
program every variable; the file holds references only, so it is committed. Where one of these files cannot be written
(a link, a folder, bytes that are no text), a person does it, and the rest is delivered.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from secretguard.env_file import parse_env
from secretguard.errors import ConfigError
from secretguard.rewrite.env_readers import readers_of
from secretguard.rewrite.naming import SpellingKey, key_of
from secretguard.rewrite.survey import Surveyed
from secretguard.rewriting import FileChange, ManualItem, Site, Surroundings, Variable

REFERENCES = "secretguard.refs.env"
_ENV = re.compile(r"\.env(?:\.[\w.-]+)?|[\w.-]+\.env", re.ASCII)
_SHARED = re.compile(r"(?:^|[._-])(?:example|sample|template|dist|defaults?|schema)(?:[._-]|$)", re.IGNORECASE)
"""Names of files that are meant to be committed."""
_PLAIN_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}|[a-z_][a-z0-9_]{0,63}")
_HEADER = (
    "# Which variable gets its value from where: no value stands here. `secretguard run --env-file "
    + REFERENCES
    + " -- COMMAND` resolves them.\n"
)


class Environment(NamedTuple):
    """What becomes of the files around a `.env`."""

    changes: tuple[FileChange, ...]
    manual: tuple[ManualItem, ...]


@dataclass(frozen=True, slots=True)
class _Writing:
    """The files as they will be, so far."""

    around: Surroundings
    changes: dict[str, FileChange]
    manual: list[ManualItem] = field(default_factory=list)

    def text(self, path: str) -> str | None:
        """Return what a file will hold; None if there is none."""
        if (change := self.changes.get(path)) is not None:
            return None if change.after is None else change.after.decode("utf-8", "replace")
        return self.around.read(path)

    def write(self, path: str, text: str, lines: Sequence[str]) -> None:
        """Have a file hold `text`, which is what it holds and `lines`; a person does it where that is not possible."""
        if why := self._why_not(path):
            advice = f"Write there by hand: {', '.join(lines)}."
            self.manual.append(ManualItem(path, 1, why, advice))
            return
        if (change := self.changes.get(path)) is not None:
            self.changes[path] = FileChange(path, change.before, text.encode(), change.mode)
            return
        before = self.around.read(path)
        self.changes[path] = FileChange(path, None if before is None else before.encode(), text.encode())

    def _why_not(self, path: str) -> str:
        there = self.text(path)
        if (there is None and path in self.around.paths) or "\ufffd" in (there or ""):
            return "it is a link, or no text"
        folded = path.casefold()
        if any(one.startswith(f"{path}/") for one in self.around.paths):
            return "it is a folder"
        if any(one != path and one.casefold() == folded for one in self.around.paths):
            return "a file has the same name in other letters"
        return ""


def is_env_file(path: str) -> bool:
    """Whether a file holds the values of one deployment, and belongs to no repository."""
    name = path.rpartition("/")[2]
    return bool(_ENV.fullmatch(name)) and not _SHARED.search(name) and name != REFERENCES


def environment_changes(
    files: Sequence[Surveyed],
    variables: Mapping[SpellingKey, Variable],
    around: Surroundings,
    edited: Iterable[FileChange] = (),
) -> Environment:
    """Return what becomes of `.env` files, their examples, `.gitignore` and the file of references.

    `edited`: changes of other files, which are in what comes back, with what was to be added to them.
    """
    writing = _Writing(around, {one.path: one for one in edited})
    mapped = {one.name: str(one.reference) for one in variables.values()}
    ignored: dict[str, list[str]] = {}
    for one in files:
        defined = [site for site in one.sites if site.defines]
        writing.manual.extend(_map(one, defined, variables, mapped))
        writing.changes[one.file.path] = FileChange(one.file.path, one.file.data, None, one.file.mode)
        folder, _, name = one.file.path.rpartition("/")
        ignored.setdefault(folder, []).append(name)
        names = [*(site.defines for site in defined), *_names_in(one)]
        _add_names(_beside(folder, f"{name}.example"), names, writing)
    for folder, names in ignored.items():
        _add_lines(_beside(folder, ".gitignore"), [f"/{name}" for name in names], writing)
    if mapped:
        _add_references(mapped, writing)
    writing.manual.extend(readers_of([one.file.path for one in files], around))
    return Environment(tuple(writing.changes.values()), tuple(writing.manual))


def _names_in(one: Surveyed) -> list[str]:
    """Return the names that a `.env` sets; what does not look like one may be a part of a value, and is left out."""
    return [name for name in _parsed(one.document.text) or () if _PLAIN_NAME.fullmatch(name)]


def _map(
    one: Surveyed, defined: Iterable[Site], variables: Mapping[SpellingKey, Variable], mapped: dict[str, str]
) -> list[ManualItem]:
    """Say where each name of a `.env` gets its value from; return those that another file gives another meaning."""
    manual = []
    for site in defined:
        variable = variables.get(key_of(site.spelling))
        if variable is None or mapped.setdefault(site.defines, str(variable.reference)) == str(variable.reference):
            continue
        line = one.document.line(site.start)
        why = f"{site.defines} is another connection here than in {REFERENCES}"
        advice = f"Where this file was used, set {site.defines} to {variable.reference}."
        manual.append(ManualItem(one.file.path, line, why, advice))
    return manual


def _add_names(path: str, names: Iterable[str], writing: _Writing) -> None:
    """Add the empty names to the example of a `.env` that it does not have yet."""
    known = _parsed(writing.text(path) or "") or {}
    _add_lines(path, [f"{name}=" for name in dict.fromkeys(names) if name not in known], writing)


def _add_references(mapped: Mapping[str, str], writing: _Writing) -> None:
    before = writing.text(REFERENCES)
    known = _parsed(before or "")
    lines = [f"{name}={reference}" for name, reference in sorted(mapped.items())]
    if known is None:
        writing.manual.append(ManualItem(REFERENCES, 1, "it is no env file", f"Make it one with: {', '.join(lines)}."))
    elif any(known.get(name) != reference for name, reference in mapped.items()):
        kept = [line for line in (before or _HEADER).rstrip("\n").split("\n") if _name_on(line) not in mapped]
        newline = _newline(before)
        writing.write(REFERENCES, "\n".join(kept) + "\n" + "".join(line + newline for line in lines), lines)


def _name_on(line: str) -> str:
    return line.partition("=")[0].strip().removeprefix("export ").strip()


def _add_lines(path: str, lines: Sequence[str], writing: _Writing) -> None:
    """Add the lines to the end of a file that it does not have yet."""
    before = writing.text(path) or ""
    newline = _newline(before)
    there = {line.rstrip("\r") for line in before.split("\n")}
    if missing := [line for line in lines if line not in there]:
        start = before + (newline if before and not before.endswith("\n") else "")
        writing.write(path, start + "".join(line + newline for line in missing), missing)


def _newline(text: str | None) -> str:
    return "\r\n" if text and "\r\n" in text else "\n"


def _parsed(text: str) -> Mapping[str, str] | None:
    try:
        return parse_env(text, "")
    except ConfigError:
        return None


def _beside(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name

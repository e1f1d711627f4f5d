"""The baseline: credentials that are known and not to be reported, by id, without any part of a value.

One line an entry, sorted, each line complete in itself, no time stamps and no line numbers: adding a credential
changes one line, and two branches that each add one can be merged line by line (`merge=union`).
"""

import difflib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from secretguard.config import BASELINE_FILE
from secretguard.errors import ConfigError, OutputError, UsageError
from secretguard.model import Credential
from secretguard.scan.content import read_regular

DEFAULT_FILE = BASELINE_FILE
SCHEMA = "secretguard.baseline/1"
STATUSES = ("accepted", "false-positive", "to-rotate")

_ID = re.compile(r"sg_[0-9a-f]{12}")
_LINE = re.compile(rb'^[ \t,]*"(sg_[0-9a-f]{12})"', re.MULTILINE)
_FIELDS = ("kind", "note", "rule", "status")
_LONGEST_NOTE = 500
_HINT = "See docs/configuration.md."


@dataclass(frozen=True, slots=True)
class Entry:
    """One credential that is known."""

    id: str
    rule: str
    kind: str
    status: str = "accepted"
    note: str = ""
    line: int = field(default=0, compare=False)
    """Where it stands in the file it was read from."""


Baseline = Mapping[str, Entry]
"""Entries by credential id."""


def entry_for(credential: Credential, status: str = "accepted", note: str = "") -> Entry:
    """Return the entry that makes `credential` known."""
    return Entry(credential.id, credential.rule.id, credential.rule.kind, status, note)


def read_baseline(path: Path) -> Baseline | None:
    """Return the baseline in `path`, None if there is no such file; raises ConfigError naming the line or field."""
    data = read_regular(path, str(path), follow=True)
    return None if data is None else parse_baseline(data, str(path))


def parse_baseline(data: bytes, where: str) -> Baseline:
    """Return the baseline in `data`; raises ConfigError that begins with `where`."""
    document = _document(data, where)
    if document.get("schema") != SCHEMA:
        raise ConfigError(
            f"{where} is not a baseline of this version: `schema` is not {SCHEMA!r}",
            hint="`secretguard baseline import FILE` reads the files of other tools.",
        )
    lines = {match[1].decode(): data.count(b"\n", 0, match.start()) + 1 for match in _LINE.finditer(data)}
    return {
        name: _entry(name, value, where, lines.get(name, 0)) for name, value in document.items() if name != "schema"
    }


def format_baseline(entries: Iterable[Entry]) -> str:
    """Return the one way to write these entries down."""
    lines = [
        f'  "{entry.id}": {json.dumps({name: getattr(entry, name) for name in _FIELDS})},\n'
        for entry in sorted(entries, key=lambda entry: entry.id)
    ]
    # The schema comes last, so that every entry ends in a comma and none changes when another is added behind it.
    return "{\n" + "".join(lines) + f'  "schema": "{SCHEMA}"\n}}\n'


def write_baseline(path: Path, entries: Iterable[Entry]) -> None:
    """Write the baseline whole or not at all, and keep the file's mode; raises UsageError and OutputError."""
    if path.is_symlink():
        raise UsageError(f"{path} is a symbolic link, which is not written through", hint="Name the file itself.")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a regular file", hint="Name a file.")
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o666), "w", encoding="utf-8", newline="\n") as file:
            if path.exists():
                temporary.chmod(stat.S_IMODE(path.stat().st_mode))
            file.write(format_baseline(entries))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}", hint="Check the folder, its rights and the free space."
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def clean_note(text: str) -> str:
    """Return a note as one line of bounded length."""
    return " ".join(text.split())[:_LONGEST_NOTE]


def _document(data: bytes, where: str) -> dict[str, object]:
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        hint = "Each line is an entry of its own: keep the lines of both sides." if b"\n<<<<<<<" in data else _HINT
        raise ConfigError(f"{where}, line {error.lineno}: not JSON: {error.msg}", hint=hint) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{where} is not UTF-8", hint=_HINT) from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{where} is not JSON that a baseline could be", hint=_HINT) from None
    if not isinstance(document, dict):
        raise ConfigError(f"{where} is not a JSON object", hint=_HINT)
    return document


def _entry(name: str, value: object, where: str, line: int) -> Entry:
    # What stands in the file is not quoted: it may be anything, even the secret.
    if not _ID.fullmatch(name):
        raise ConfigError(f"{where}: a name is not a credential id", hint="An id is sg_ and 12 hex digits.")
    at = f"{where}, line {line}: {name}" if line else f"{where}: {name}"
    if not isinstance(value, dict):
        raise ConfigError(f"{at} is not an object", hint=_HINT)
    for key in value:
        if key not in _FIELDS:
            near = difflib.get_close_matches(key[:40], _FIELDS, n=1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Fields: {', '.join(_FIELDS)}."
            raise ConfigError(f"{at} has an unknown field", hint=hint)
    for key in _FIELDS:
        if not isinstance(value.get(key, ""), str):
            raise ConfigError(f"{at}: `{key}` is not a string", hint=_HINT)
    status = value.get("status", "accepted")
    if status not in STATUSES:
        raise ConfigError(f"{at}: `status` is one of {', '.join(STATUSES)}", hint=_HINT)
    return Entry(name, value.get("rule", ""), value.get("kind", ""), status, value.get("note", ""), line)

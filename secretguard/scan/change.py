"""Whether the mark or entry that hides a finding was added by the very change that is scanned."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from secretguard.scan.content import Content

if TYPE_CHECKING:
    from secretguard.model import Occurrence

LARGEST = 32_000_000
"""Files above this size are not compared; what hides something in them counts as added."""


class Change(NamedTuple):
    """The two ends of a scanned change, as `--staged` (HEAD, the index) and `--since` (the base, the tip) have them."""

    before: Content
    after: Content


class Reason(NamedTuple):
    """Why something is hidden, and the entry that says so."""

    reason: str
    """As in `Ignored.reason`."""
    where: str
    note: str = ""
    file: str = ""
    """The file of the repository that holds the entry; empty if it lies elsewhere."""
    key: str = ""
    """How the entry is recognised in another version of the file."""
    by_position: bool = False
    """Whether it hides whatever stands in a place."""


def mark_line(change: Change, occurrence: "Occurrence", name: str) -> int | None:
    """Return the 1-based line of the mark that hides `occurrence` under `name`, if the change adds that mark.

    The line of the match itself is returned where the mark cannot be told from the rest of the file any more.
    """
    from secretguard.engine.marks import ANY

    path, match = occurrence.location.path, occurrence.match
    lines = _lines(change.after(path))
    around = range(max(1, match.line - 1), match.end_line + 1)
    places = [at for at in around if at <= len(lines) and _carries(lines[at - 1], name, own=at >= match.line)]
    if not places and name != ANY:  # the file went on changing after the commit that was scanned
        places = [at for at, line in enumerate(lines, 1) if _carries(line, name, own=True)]
    old = _lines(change.before(path))
    if not places:
        return None if name != ANY and any(_carries(line, name, own=True) for line in old) else match.line
    added = added_lines(old, lines)
    return next((at for at in places if at in added), None)


def line_added(change: Change, occurrence: "Occurrence") -> bool:
    """Whether a line that the match stands on is new in the change."""
    path, match = occurrence.location.path, occurrence.match
    lines = _lines(change.after(path))
    added = added_lines(_lines(change.before(path)), lines)
    return match.end_line > len(lines) or any(at in added for at in range(match.line, match.end_line + 1))


@lru_cache(maxsize=4)
def added_lines(before: tuple[bytes, ...], after: tuple[bytes, ...]) -> frozenset[int]:
    """Return the 1-based numbers of the lines of `after` whose text stands there more often than in `before`.

    Unlike a diff this takes linear time whatever the lines are, and a line that only moved is not added.
    """
    more = Counter(after) - Counter(before)
    return frozenset(at for at, line in enumerate(after, 1) if line in more)


def entry_added(change: Change, reason: Reason, keys: Callable[[bytes, str], Iterable[str]]) -> bool:
    """Whether the change adds the entry behind `reason`; `keys` reads the entries of one version of a file."""
    if not reason.file:
        return False
    old = change.before(reason.file)
    if old is None or len(old) > LARGEST:
        return old is not None or change.after(reason.file) is not None
    return reason.key not in keys(old, reason.file)


def config_keys(data: bytes, file: str) -> frozenset[str]:
    """Return all that one version of a repository's configuration ignores; nothing if it cannot be read."""
    document = _document(data, file)
    ignore = document.get("ignore")
    if not isinstance(ignore, Mapping):
        return frozenset()
    keys: set[str] = set()
    for entries in ignore.values():
        for entry in entries if isinstance(entries, list) else ():
            key = entry.get("id") if isinstance(entry, Mapping) else entry
            if isinstance(key, str):
                keys.add(key)
    return frozenset(keys)


def _document(data: bytes, file: str) -> Mapping[str, Any]:
    # Imported here: only a finding that a configuration entry hides, in a change, pays for them.
    import tomllib

    import yaml

    try:
        text = data.decode("utf-8")
        if file.endswith(".toml"):
            document = tomllib.loads(text).get("tool", {}).get("secretguard")
        else:
            document = yaml.safe_load(text)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError, AttributeError):
        return {}
    return document if isinstance(document, Mapping) else {}


@lru_cache(maxsize=4)
def _lines(data: bytes | None) -> tuple[bytes, ...]:
    return () if data is None or len(data) > LARGEST else tuple(data.split(b"\n"))


def _carries(line: bytes, name: str, *, own: bool) -> bool:
    from secretguard.engine.marks import marks_for_next, marks_on  # a scan without a finding needs none

    return name in marks_for_next(line) or (own and name in marks_on(line))

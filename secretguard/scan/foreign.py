"""What other scanners' files in the repository say to ignore, honoured so that a repository can switch.

Read are `.gitleaks.toml` and `.betterleaks.toml` (rules, allowlists), `.gitleaksignore` and `.betterleaksignore`
(fingerprints), `.secrets.baseline` (hashes). They come from the repository: nothing they name is opened or run, their
expressions are used within limits only, and whatever they hide is listed with its reason. detect-secrets' own reader
is not used, for it imports the plugins that a baseline names.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from secretguard.errors import ConfigError, RuleError
from secretguard.scan.change import Reason
from secretguard.scan.content import Content

if TYPE_CHECKING:
    from secretguard.model import Match, Occurrence, Rule
    from secretguard.scan.foreign_config import Allow

CONFIGS = (".gitleaks.toml", ".betterleaks.toml")
FINGERPRINTS = (".gitleaksignore", ".betterleaksignore")
HASHES = ".secrets.baseline"
FILES = (*CONFIGS, *FINGERPRINTS, HASHES)

PATIENCE = 2.0
"""Seconds that all expressions of a run may take together; what is not looked at by then stays reported."""
MOST_NOTES = 30
LONGEST = 512
"""Longest text an expression is tried on; a longer path or value is never hidden by one."""

_FINGERPRINT = r"(?:([0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?):)?(.{1,4096}):([^:\s]{1,200}):(\d{1,9})"
_SHA1 = r"[0-9a-f]{40}"


class Fingerprint(NamedTuple):
    """One line of a `.gitleaksignore`: a place."""

    where: str
    path: str
    line: int
    commit: str | None

    @property
    def key(self) -> str:
        """How the same line is recognised in another version of the file."""
        return f"{self.commit or ''}:{self.path}:{self.line}"


class Hashed(NamedTuple):
    """One entry of a `.secrets.baseline`: the SHA-1 of a value in a file."""

    where: str
    path: str
    sha1: str
    is_secret: bool | None
    """What somebody said when auditing it."""

    @property
    def key(self) -> str:
        """How the same entry is recognised in another version of the file."""
        return f"{self.path}:{self.sha1}"


class Foreign(NamedTuple):
    """Everything that the files of other tools say."""

    rules: "tuple[Rule, ...]" = ()
    allows: "tuple[tuple[str, Allow], ...]" = ()
    """With the file each came from."""
    fingerprints: Mapping[tuple[str, int], tuple[tuple[str, Fingerprint], ...]] = {}
    """By path and line."""
    hashes: Mapping[tuple[str, str], Hashed] = {}
    """By path and SHA-1."""
    notes: tuple[str, ...] = ()


class TimedSearch:
    """Searches with foreign expressions as long as there is time left, and remembers what it found."""

    def __init__(self, seconds: float = PATIENCE) -> None:
        self._left = seconds
        self._known: dict[tuple[re.Pattern[str], str], bool] = {}
        self.gave_up = False

    def __call__(self, pattern: re.Pattern[str], text: str) -> bool:
        """Whether `pattern` is found in `text`; False when the time is up."""
        if len(text) > LONGEST:
            return False
        known = self._known.get((pattern, text))
        if known is not None:
            return known
        if self._left <= 0:
            self.gave_up = True
            return False
        started = time.perf_counter()
        found = self._known[pattern, text] = pattern.search(text) is not None
        self._left -= time.perf_counter() - started
        return found


def read_foreign(content: Content) -> Foreign:
    """Read every file of another tool that the repository has; what cannot be used becomes a note."""
    rules: list[Rule] = []
    allows: list[tuple[str, Allow]] = []
    places: dict[tuple[str, int], list[tuple[str, Fingerprint]]] = {}
    hashes: dict[tuple[str, str], Hashed] = {}
    notes: list[str] = []
    for file in FILES:
        try:
            data = content(file)
        except ConfigError as error:
            notes.append(f"{error} and is not used")
            continue
        if data is None:
            continue
        if file in CONFIGS:
            from secretguard.scan.foreign_config import read_leaks_config

            more_rules, more_allows, more_notes = read_leaks_config(data, file)
            rules.extend(more_rules)
            allows.extend((file, allow) for allow in more_allows)
            notes.extend(more_notes)
        elif file in FINGERPRINTS:
            for fingerprint in read_fingerprints(data, file, notes.append):
                places.setdefault((fingerprint.path, fingerprint.line), []).append((file, fingerprint))
        else:
            hashes.update({(entry.path, entry.sha1): entry for entry in _usable_hashes(data, file, notes.append)})
    by_place = {place: tuple(found) for place, found in places.items()}
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES:] = [f"{len(notes) - MOST_NOTES:,} more entries of other tools' files are not used"]
    return Foreign(tuple(rules), tuple(allows), by_place, hashes, tuple(notes))


def foreign_keys(data: bytes, file: str) -> frozenset[str]:
    """Return the keys of all entries in one version of a foreign file."""
    if file in CONFIGS:
        from secretguard.scan.foreign_config import read_leaks_config

        return frozenset(allow.key for allow in read_leaks_config(data, file)[1])
    if file in FINGERPRINTS:
        return frozenset(fingerprint.key for fingerprint in read_fingerprints(data, file, _ignore))
    return frozenset(entry.key for entry in _usable_hashes(data, file, _ignore))


def prefiltered(rules: "Sequence[Rule]") -> "tuple[tuple[Rule, ...], tuple[str, ...]]":
    """Return the rules that the prefilter takes, and a note for each that it refuses.

    One rule that it refuses would stop the scan, and a scanned repository must not be able to do that.
    """
    kept: list[Rule] = []
    notes: list[str] = []
    for rule in rules:
        from secretguard.engine.prefilter import compile_prefilter

        try:
            compile_prefilter([rule], ())
        except RuleError as error:
            notes.append(str(error))
        else:
            kept.append(rule)
    return tuple(kept), tuple(notes)


def hidden_by(foreign: Foreign, occurrence: "Occurrence", search: TimedSearch) -> Reason | None:
    """Return what hides `occurrence`, if a foreign file does."""
    at, match = occurrence.location, occurrence.match
    for file, fingerprint in foreign.fingerprints.get((at.path, match.line), ()):
        if fingerprint.commit in (None, at.commit):
            # A place in a commit never changes; a place in a file may hold another secret tomorrow.
            movable = fingerprint.commit is None
            return Reason(_tool(file), fingerprint.where, "", file, fingerprint.key, by_position=movable)
    if foreign.hashes:
        for sha1 in sha1s(match):
            if entry := foreign.hashes.get((at.path, sha1)):
                note = "audited as a real secret" if entry.is_secret else ""
                return Reason("detect-secrets", entry.where, note, HASHES, entry.key)
    for file, allow in foreign.allows:
        if _allowed(allow, occurrence, search):
            return Reason(_tool(file), allow.where, "", file, allow.key)
    return None


def sha1s(match: "Match") -> tuple[str, ...]:
    """Return the hashes under which detect-secrets would list the match: of the secret and of the whole text."""
    import hashlib

    return tuple(
        hashlib.sha1(value.reveal().encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
        for value in (match.secret, match.text)
    )


def read_fingerprints(data: bytes, where: str, complain: Callable[[str], None]) -> Iterator[Fingerprint]:
    """Yield the fingerprints of a `.gitleaksignore`, and say which lines are none."""
    for number, raw in enumerate(data.decode("utf-8", "surrogateescape").splitlines(), 1):
        text = raw.strip()
        if not text or text.startswith("#"):
            continue
        match = re.fullmatch(_FINGERPRINT, text)
        if match is None:
            complain(f"{where}, line {number}: not a fingerprint, so it is not used")
            continue
        commit, path, _, line = match.groups()
        yield Fingerprint(f"{where}:{number}", path.replace("\\", "/"), int(line), commit.lower() if commit else None)


def read_hashes(data: bytes, where: str) -> Iterator[Hashed]:
    """Yield the entries of a `.secrets.baseline`; raises ConfigError that names the field."""
    import json

    try:
        document = json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{where}, line {error.lineno}: not JSON") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{where} is not JSON") from None
    results = document.get("results") if isinstance(document, dict) else None
    if not isinstance(results, dict):
        raise ConfigError(f"{where}: `results` is not an object")
    lines = _lines_of_hashes(data)
    for path, entries in results.items():
        if not isinstance(entries, list):
            raise ConfigError(f"{where}: `results` holds something that is not a list")
        for entry in entries:
            yield _hashed(path, entry, where, lines)


def _hashed(path: str, entry: Any, where: str, lines: Mapping[str, int]) -> Hashed:
    sha1 = entry.get("hashed_secret") if isinstance(entry, dict) else None
    if not isinstance(sha1, str) or not re.fullmatch(_SHA1, sha1):
        raise ConfigError(f"{where}: an entry has no `hashed_secret` of 40 hex digits")
    is_secret = entry.get("is_secret")
    at = f"{where}:{lines[sha1]}" if sha1 in lines else where
    return Hashed(at, path.replace("\\", "/"), sha1, is_secret if isinstance(is_secret, bool) else None)


def _lines_of_hashes(data: bytes) -> dict[str, int]:
    lines: dict[str, int] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        if match := re.search(rb'"hashed_secret":\s{0,8}"([0-9a-f]{40})"', line):
            lines.setdefault(match[1].decode(), number)
    return lines


def _usable_hashes(data: bytes, file: str, complain: Callable[[str], None]) -> list[Hashed]:
    try:
        return list(read_hashes(data, file))
    except ConfigError as error:
        complain(f"{error}; it is not used")
        return []


def _allowed(allow: "Allow", occurrence: "Occurrence", search: TimedSearch) -> bool:
    at, match = occurrence.location, occurrence.match
    if allow.rules and match.rule.id not in allow.rules:
        return False
    if allow.commits and (at.commit or "") not in allow.commits:
        return False
    if allow.paths and not any(search(pattern, at.path) for pattern in allow.paths):
        return False
    secret = match.secret.reveal()
    if allow.stopwords and not any(word in secret.lower() for word in allow.stopwords):
        return False
    looked_at = match.text.reveal() if allow.target == "match" else secret
    return not allow.regexes or any(search(pattern, looked_at) for pattern in allow.regexes)


def _tool(file: str) -> str:
    return "betterleaks" if file.startswith(".betterleaks") else "gitleaks"


def _ignore(_note: str) -> None:
    """Say nothing: an older version of the file is nobody's concern."""

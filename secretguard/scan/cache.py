"""The compiled rules in the user's cache: the index of plugins and the serialised Hyperscan database.

Hyperscan does not check what it deserialises, so a file counts only if its MAC, made with a key of this user,
verifies; anything else is ignored and made anew. Nothing inside a scanned repository is ever read as cache.
"""

import hashlib
import hmac
import os
import stat
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, overload

from secretguard import __version__
from secretguard.engine.detect import Detector
from secretguard.engine.prefilter import Compiled, HyperscanPrefilter, library_version
from secretguard.home import home_of
from secretguard.model import Rule

_MAC_SIZE = 32
_FORMAT = 3
_GRAMMARS = [Path(__file__).parents[1] / name for name in ("rules.py", "patterns.py")]
"""What makes patterns out of rules: in a checkout it changes without the version."""
_KEPT = 12
"""Compiled rule sets kept; older ones are removed."""


class CompiledRules(NamedTuple):
    """A detector ready to run, and the digest of its rules."""

    detector: Detector
    digest: str


class StoredRules(Sequence[Rule]):
    """The rules of a cache file whose MAC holds, each made when it is asked for: most scans need a handful."""

    def __init__(self, records: Sequence[bytes]) -> None:
        """Take `records`, the rules as JSON."""
        self._records = records
        self._made: dict[int, Rule] = {}

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, at: int) -> Rule: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[Rule, ...]: ...

    def __getitem__(self, at: int | slice) -> Rule | tuple[Rule, ...]:
        numbers = range(len(self._records))[at]
        if isinstance(numbers, range):
            return tuple(self[number] for number in numbers)
        if numbers not in self._made:
            import json

            from secretguard.rules import rule_from_json

            self._made[numbers] = rule_from_json(json.loads(self._records[numbers]))
        return self._made[numbers]


def cache_directory() -> Path:
    """Return the user's cache directory for secretguard (not created yet)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or home_of(os.environ) / ".cache") / "secretguard"


def compiled_rules(
    without: frozenset[str] = frozenset(), extra_files: Sequence[Path] = (), foreign: Sequence[Rule] = ()
) -> CompiledRules:
    """Return the installed rules compiled, from the cache if nothing changed. Raises PluginError, RuleError.

    `foreign` are the rules of another tool's configuration in the scanned repository; an id of ours is not theirs to
    redefine.
    """
    path = cache_directory() / f"rules-{_inputs_digest(without, extra_files, foreign)}.bin"
    key = user_key()
    cached = _load(path, key) if key else None
    return cached or _made_anew(without, extra_files, foreign, path, key)


def _made_anew(
    without: frozenset[str], extra_files: Sequence[Path], foreign: Sequence[Rule], path: Path, key: bytes | None
) -> CompiledRules:
    # None of this is loaded while the cache holds.
    import json

    from secretguard.engine.anchors import encoded_anchors
    from secretguard.engine.prefilter import compile_prefilter
    from secretguard.plugins import installed_rules
    from secretguard.rules import rule_to_json, rules_digest

    rule_set = installed_rules(without, extra_files)
    own = {rule.id for rule in rule_set.rules}
    rules = (*rule_set.rules, *(rule for rule in foreign if rule.id not in own))
    compiled = compile_prefilter(rules, encoded_anchors(rules))
    digest = rules_digest(rules)
    if key:
        records = "\n".join(json.dumps(rule_to_json(rule)) for rule in rules).encode()
        owners = array("i", compiled.owners).tobytes()
        owners_apart = array("i", compiled.owners_apart).tobytes()
        missed = array("i", [number for pair in compiled.missed for number in pair]).tobytes()
        index = _joined(
            (digest.encode(), _stamps(rule_set.files), records, owners, owners_apart, missed, compiled.apart)
        )
        _store(path, key, index, compiled.database)
    return CompiledRules(Detector(rules, HyperscanPrefilter(compiled, rules)), digest)


def _inputs_digest(without: frozenset[str], extra_files: Sequence[Path], foreign: Sequence[Rule]) -> str:
    """Digest everything that decides which rules there are, without asking importlib (a third of a hook's time).

    Installing or removing a distribution changes the mtime of its directory on the path.
    """
    facts = [
        _FORMAT, __version__, sys.version, sys.byteorder, library_version(), sorted(without),
        _stamps(entry for entry in sys.path if entry), _stamps(extra_files), _digest_of(foreign), _stamps(_GRAMMARS),
    ]  # fmt: skip
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:24]


def _digest_of(foreign: Sequence[Rule]) -> str:
    if not foreign:
        return ""
    from secretguard.rules import rules_digest

    return rules_digest(foreign)


def _stamps(paths: Iterable[Path | str]) -> bytes:
    """Return a line for each path that differs once the file, or what a directory holds, does."""
    return b"\0".join(_stamp(os.fsencode(path)) for path in paths)


def _stamp(path: bytes) -> bytes:
    try:
        status = os.stat(path)  # noqa: PTH116 - a hundred of them in every hook
    except OSError:
        return b"-\t-\t" + path
    size = 0 if stat.S_ISDIR(status.st_mode) else status.st_size
    return b"%d\t%d\t" % (status.st_mtime_ns, size) + path


def _load(path: Path, key: bytes) -> CompiledRules | None:
    try:
        with path.open("rb", buffering=0) as file:  # a buffer would only copy the megabytes
            mac, size = file.read(_MAC_SIZE), file.read(8)
            index, database = file.read(int.from_bytes(size, "big")), file.read()
    except (OSError, OverflowError, MemoryError):
        return None
    if not hmac.compare_digest(mac, _mac(key, size, index, database)):
        return None
    digest, stamps, records, owners, owners_apart, missed, apart = _sections(index)
    if any(_stamp(stamp.split(b"\t", 2)[2]) != stamp for stamp in stamps.split(b"\0") if stamp):
        return None
    rules = StoredRules(records.split(b"\n"))
    numbers = iter(array("i", missed))
    compiled = Compiled(
        database,
        tuple(array("i", owners)),
        apart,
        tuple(array("i", owners_apart)),
        tuple(zip(numbers, numbers, strict=True)),
    )
    return CompiledRules(Detector(rules, HyperscanPrefilter(compiled, rules)), digest.decode())


def _store(path: Path, key: bytes, index: bytes, database: bytes) -> None:
    """Write atomically; a cache that cannot be written is a cache that is not there."""
    from tempfile import NamedTemporaryFile

    size = len(index).to_bytes(8, "big")
    with suppress(OSError):
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.writelines((_mac(key, size, index, database), size, index, database))
        Path(file.name).replace(path)
        for old in sorted(path.parent.glob("rules-*.bin"), key=lambda p: p.stat().st_mtime)[:-_KEPT]:
            old.unlink()


def authentic(path: Path, key: bytes, about: bytes) -> bytes | None:
    """Return the content of a cache file that `store_authentic` wrote for the same use; None of any other."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    mac, payload = content[:_MAC_SIZE], content[_MAC_SIZE:]
    return payload if hmac.compare_digest(mac, _mac(key, b"%d:" % len(about), about, payload)) else None


def store_authentic(path: Path, key: bytes, about: bytes, payload: bytes) -> None:
    """Write a cache file atomically; one that cannot be written is one that is not there."""
    from tempfile import NamedTemporaryFile

    with suppress(OSError):
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.writelines((_mac(key, b"%d:" % len(about), about, payload), payload))
        Path(file.name).replace(path)


def _joined(sections: Iterable[bytes]) -> bytes:
    return b"".join(len(section).to_bytes(8, "big") + section for section in sections)


def _sections(index: bytes) -> Iterator[bytes]:
    """Undo `_joined`."""
    at = 0
    while at < len(index):
        end = at + 8 + int.from_bytes(index[at : at + 8], "big")
        yield index[at + 8 : end]
        at = end


def _mac(key: bytes, *parts: bytes) -> bytes:
    made = hmac.new(key, digestmod="sha256")
    for part in parts:
        made.update(part)
    return made.digest()


def user_key() -> bytes | None:
    """Return this user's cache key, made on first use; None where there is no private place for it."""
    directory = cache_directory()
    path = directory / "key"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
        if os.name == "posix" and (status.st_uid != os.getuid() or status.st_mode & 0o022):
            return None
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(os.urandom(32))
        key = path.read_bytes()
    except OSError:
        return None
    return key if len(key) == 32 else None

"""The compiled rules in the user's cache: the index of plugins and the serialised Hyperscan database.

Hyperscan does not check what it deserialises, so a file counts only if its MAC, made with a key of this user,
verifies; anything else is ignored and made anew. Nothing inside a scanned repository is ever read as cache.
"""

import hashlib
import hmac
import json
import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from secretguard import __version__
from secretguard.engine.anchors import encoded_anchors
from secretguard.engine.detect import Detector
from secretguard.engine.prefilter import Compiled, HyperscanPrefilter, compile_prefilter, library_version
from secretguard.model import Rule
from secretguard.plugins import installed_rules
from secretguard.rules import rule_from_json, rule_to_json, rules_digest

_MAC_SIZE = 32
_FORMAT = 1
_KEPT = 4
"""Compiled rule sets kept; older ones are removed."""


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """A detector ready to run, and the digest of its rules."""

    detector: Detector
    digest: str


def cache_directory() -> Path:
    """Return the user's cache directory for secretguard (not created yet)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "secretguard"


def compiled_rules(
    without: frozenset[str] = frozenset(), extra_files: Sequence[Path] = (), foreign: Sequence[Rule] = ()
) -> CompiledRules:
    """Return the installed rules compiled, from the cache if nothing changed. Raises PluginError, RuleError.

    `foreign` are the rules of another tool's configuration in the scanned repository; an id of ours is not theirs to
    redefine.
    """
    path = cache_directory() / f"rules-{_inputs_digest(without, extra_files, foreign)}.bin"
    key = _user_key()
    cached = _load(path, key) if key else None
    if cached is not None:
        return cached
    rule_set = installed_rules(without, extra_files)
    own = {rule.id for rule in rule_set.rules}
    rules = (*rule_set.rules, *(rule for rule in foreign if rule.id not in own))
    prefilter = compile_prefilter(rules, encoded_anchors(rules))
    digest = rules_digest(rules)
    index = {
        "rules": [rule_to_json(rule) for rule in rules],
        "owners": prefilter.owners,
        "missed": prefilter.missed,
        "digest": digest,
        "files": [_stamp(file) for file in rule_set.files],
    }
    if key:
        _store(path, key, json.dumps(index).encode(), prefilter.database)
    return CompiledRules(Detector(rules, HyperscanPrefilter(prefilter, rules)), digest)


def _inputs_digest(without: frozenset[str], extra_files: Sequence[Path], foreign: Sequence[Rule]) -> str:
    """Digest everything that decides which rules there are, without asking importlib (a third of a hook's time).

    Installing or removing a distribution changes the mtime of its directory on the path.
    """
    facts = [
        _FORMAT, __version__, sys.version, library_version(), sorted(without),
        [_stamp(Path(entry)) for entry in sys.path if entry],
        [_stamp(file) for file in extra_files],
        rules_digest(foreign) if foreign else "",
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


def _stamp(path: Path) -> list[object]:
    try:
        status = path.stat()
    except OSError:
        return [str(path), 0, 0]
    return [str(path), status.st_mtime_ns, 0 if path.is_dir() else status.st_size]


def _load(path: Path, key: bytes) -> CompiledRules | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    mac, payload = content[:_MAC_SIZE], content[_MAC_SIZE:]
    if not hmac.compare_digest(mac, _mac(key, payload)):
        return None
    size = int.from_bytes(payload[:8], "big")
    index = json.loads(payload[8 : 8 + size])
    if any(_stamp(Path(str(stamp[0]))) != stamp for stamp in index["files"]):
        return None
    rules = tuple(rule_from_json(rule) for rule in index["rules"])
    missed = tuple((number, expression) for number, expression in index["missed"])
    prefilter = Compiled(payload[8 + size :], tuple(index["owners"]), missed)
    return CompiledRules(Detector(rules, HyperscanPrefilter(prefilter, rules)), index["digest"])


def _store(path: Path, key: bytes, index: bytes, database: bytes) -> None:
    """Write atomically; a cache that cannot be written is a cache that is not there."""
    payload = len(index).to_bytes(8, "big") + index + database
    with suppress(OSError):
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(_mac(key, payload) + payload)
        Path(file.name).replace(path)
        for old in sorted(path.parent.glob("rules-*.bin"), key=lambda p: p.stat().st_mtime)[:-_KEPT]:
            old.unlink()


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")


def _user_key() -> bytes | None:
    """Return this user's cache key, made on first use; None where there is no private place for it."""
    directory = cache_directory()
    path = directory / "key"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix" and (directory.stat().st_uid != os.getuid() or directory.stat().st_mode & 0o022):
            return None
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
        key = path.read_bytes()
    except OSError:
        return None
    return key if len(key) == 32 else None

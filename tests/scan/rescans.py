"""Scans of one history, one after the other: with what the scans before it learnt, and as if there had been none."""

import io
import json
import time
from pathlib import Path
from typing import Any

from secretguard.config import Config
from secretguard.examples import fill
from secretguard.git.store import open_store
from secretguard.report import json_report
from secretguard.scan.cache import cache_directory, compiled_rules
from secretguard.scan.history_known import divide
from secretguard.scan.history_state import History, HistoryFile
from secretguard.scan.run import ScanRequest, scan
from tests.git.repositories import Workshop

SETTLED = 0.15
"""Seconds after which a file is old enough to be known."""


class Silent:
    """Nobody watches."""

    def phase(self, name: str, total: int) -> None: ...

    def advance(self, amount: int, objects: int = 0) -> None: ...


def report(repo: Workshop, *rules: Path, use_cache: bool = True) -> dict[str, Any]:
    """Scan a history, and return all that a report says, values included, but the time it took."""
    out = io.StringIO()
    request = ScanRequest(Config(), str(repo.path), "history", use_cache=use_cache, jobs=1, rule_files=rules)
    json_report.write(scan(request, Silent()), out, show_secrets=True)
    found: dict[str, Any] = json.loads(out.getvalue())
    del found["stats"]["seconds"]
    return found


def rescanned(repo: Workshop, *rules: Path) -> dict[str, Any]:
    """Scan again, check that it makes no difference what earlier scans learnt, and return the report."""
    settle()
    warm, cold = report(repo, *rules), report(repo, *rules, use_cache=False)
    assert warm == cold
    return warm


def settle() -> None:
    """Let files become older than the clock's ticks are long."""
    time.sleep(SETTLED)


def unknown(repo: Workshop) -> int:
    """How many objects the next scan has to read."""
    settle()
    repository = repo.open()
    history = HistoryFile(repository, compiled_rules().digest).load() or History()
    division = divide(open_store(repository), history)
    return sum(map(len, division.new.parts))


def state_file() -> Path:
    """The one repository that is remembered."""
    (file,) = cache_directory().glob("history-*.bin")
    return file


def token(seed: int) -> str:
    """A made-up token, in the shape of its vendor, with its name."""
    return fill("GITHUB_TOKEN=ghp_{{alnum:36}}\n", seed)


def login(seed: int) -> str:
    """A made-up login with a password that a person may have chosen."""
    return fill("DATABASE_URL=postgresql://app:{{lowernum:14}}@db{{digits:2}}.example.net:5432/shop\n", seed)


def ids(report: dict[str, Any]) -> set[str]:
    """The credentials of a report."""
    return {one["id"] for one in report["credentials"]}

"""The command lines that hooks run, read without click, whose import alone costs a fifth of such a run.

Known here are a target and scan's options that take no value. Any other word leaves the whole line to click, so there
is one place that explains what is wrong with a line.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_MODES = {"--history": "history", "--staged": "staged", "--stdin": "stdin"}
_FLAGS = {"--include-ignored": "include_ignored", "--no-cache": "no_cache", "--show-secrets": "show_secrets"}
_GLOBAL = {"-q": "quiet", "--quiet": "quiet", "--no-color": "no_color", "--no-repo-config": "no_repo_config"}
_DEFAULTS: Mapping[str, Any] = {
    "since": None, "include_ignored": None, "no_cache": False, "format": None, "output": None,
    "show_secrets": False, "baseline": None, "fail_on": None, "jobs": None, "rules": (), "without_plugin": (),
}  # fmt: skip
_KNOWN = frozenset((*_MODES, *_FLAGS, *_GLOBAL))


class Asked(NamedTuple):
    """What `secretguard.cli.scanning.run_and_report` takes."""

    mode: str
    options: Mapping[str, Any]
    chosen: Mapping[str, Any]


def scan_asked(words: Sequence[str]) -> Asked | None:
    """Return what a line such as `scan --staged -q` asks for; None if it holds a word that is not known here."""
    if not words or words[0] != "scan":
        return None
    given = words[1:]
    modes = {_MODES[word] for word in given if word in _MODES}
    options = {_FLAGS[word]: True for word in given if word in _FLAGS}
    chosen = {_GLOBAL[word]: True for word in given if word in _GLOBAL}
    others = [word for word in given if word not in _KNOWN]
    if len(modes) > 1 or len(others) > 1 or any(word.startswith("-") for word in others):
        return None
    target = others[0] if others else "."
    return Asked(next(iter(modes), "tree"), {**_DEFAULTS, **options, "target": target}, chosen)

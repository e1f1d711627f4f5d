"""A second set of rules as large as the first: each rule again, under another id, with its literals turned."""

import re
from collections.abc import Iterable
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import yaml

from secretguard.model import Rule
from secretguard.plugins import installed_rules
from secretguard.rules import load_rules

_BY = 7
"""Letters further on. With 13, Vectorscan misses an expression, and what Python's `re` then does in its place costs ten
times the scan: it would be measured instead."""
_TURN = {
    ord(letter): alphabet[(number + _BY) % 26]
    for alphabet in (ascii_lowercase, ascii_uppercase)
    for number, letter in enumerate(alphabet)
}
_EXPRESSIONS = ("pattern", "companion", "prefilters", "context")
_LEFT_OUT = ("plugin", "foreign", "examples", "counter_examples")
_PIECE = re.compile(
    r"""(?x)
    \\x[0-9a-fA-F]{2} | \\.            # an escape
    | \[\^?\]?(?:\\.|[^\]\\])*\]       # a character class
    | \(\?P<\w+> | \(\?[a-z-]*:?      # a group's name or flags
    | \{[^}]*\}                        # a repeat
    | (?P<literal>[A-Za-z]+)
    """
)


def turned(expression: str) -> str:
    """Return a regular expression with its literal letters turned: its shape, and its cost, are those of the first."""
    return _PIECE.sub(lambda match: _turn(match[0]) if match["literal"] else match[0], expression)


def doubled(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """Return a second rule for each rule that has a literal to turn, as a rule file holds it."""
    return [second for rule in rules if (second := _second(rule)) is not None]


def write_doubled(path: Path) -> tuple[int, int]:
    """Write the second rule file; return how many rules there are and how many it adds.

    Raises RuleError if secretguard refuses one of them.
    """
    rules = installed_rules().rules
    added = doubled(rules)
    text = yaml.safe_dump({"vendor": "Doubled", "rules": added}, allow_unicode=True, width=1000)
    load_rules(text, str(path))
    path.write_text(text, "utf-8")
    return len(rules), len(added)


def _second(rule: Rule) -> dict[str, Any] | None:
    values = {name: value for name, value in rule._asdict().items() if name not in _LEFT_OUT}
    for name in _EXPRESSIONS:
        values[name] = _each(turned, values[name])
    values["anchors"] = _each(_turn, values["anchors"])
    if values["prefilters"] == list(rule.prefilters):
        return None  # nothing but classes: it would be the same expression
    return {**values, "id": f"{rule.id}-turned", "severity": rule.severity.value}


def _each(change: Any, value: Any) -> Any:
    return change(value) if isinstance(value, str) else [change(one) for one in value]


def _turn(text: str) -> str:
    return text.translate(_TURN)

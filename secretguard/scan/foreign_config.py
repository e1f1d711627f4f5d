"""`.gitleaks.toml` and `.betterleaks.toml`: rules and allowlists in our terms, and what cannot be carried over."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from secretguard.errors import RuleError
from secretguard.model import Rule
from secretguard.rules import load_rules
from secretguard.scan.re2 import rule_pattern, search_pattern

LARGEST = 1_000_000
MOST_RULES = 500
MOST_ALLOWS = 2000

_KINDS = ("paths", "regexes", "stopwords", "commits")
_WHOLE = "the whole file"
_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Allow:
    """What one allowlist hides: an occurrence for which every condition holds."""

    where: str
    key: str
    """Its content: how the same allowlist is recognised in another version of the file."""
    rules: frozenset[str]
    """Our ids of the converted rules that it is limited to; empty for every rule."""
    paths: tuple[re.Pattern[str], ...] = ()
    regexes: tuple[re.Pattern[str], ...] = ()
    target: str = "secret"
    """What `regexes` look at: `secret` or `match`."""
    stopwords: tuple[str, ...] = ()
    commits: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Reading:
    """What is gathered while one file is read."""

    file: str
    tool: str
    rules: dict[str, Rule] = field(default_factory=dict)
    """By the id that the file gives them."""
    allows: list[Allow] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """Names of what was left out, by reason."""

    def leave_out(self, what: str, why: str) -> None:
        self.left_out.setdefault(why, []).append(what)


def read_leaks_config(data: bytes, file: str) -> tuple[tuple[Rule, ...], tuple[Allow, ...], tuple[str, ...]]:
    """Return the rules, the allowlists and the notes of one configuration; a broken file is a note, not an error."""
    if len(data) > LARGEST:
        return (), (), (f"{file} is larger than {LARGEST:,} bytes and is not used",)
    import tomllib  # the hook pays for it in repositories with such a file only

    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        line = re.search(r"at line (\d+)", str(error))
        return (), (), (f"{file}{f', line {line[1]}' if line else ''} is not TOML and is not used",)
    reading = _Reading(file, file.strip(".").split(".")[0])
    top = _lowered(document)
    own = [(rule, _rule(rule, reading)) for rule in _tables(top.get("rules"))]
    for table in (*_tables(top.get("allowlist")), *_tables(top.get("allowlists"))):
        _add_allows(table, _WHOLE, _targets(table, reading), reading)
    for rule, converted in own:
        for table in (*_tables(rule.get("allowlist")), *_tables(rule.get("allowlists"))):
            targets = None if converted is None else frozenset({converted.id})
            _add_allows(table, f"rule {_name(rule)}", targets, reading)
    _note_the_rest(top, reading)
    notes = tuple(f"{file}: {_listed(names)} left out: {why}" for why, names in reading.left_out.items())
    return tuple(reading.rules.values()), tuple(reading.allows[:MOST_ALLOWS]), notes


def _rule(table: Mapping[str, Any], reading: _Reading) -> Rule | None:
    name = f"rule {_name(table)}"
    if "regex" not in table:
        if "path" in table:
            reading.leave_out(name, "it looks for file names, not for values")
        return None
    for key, why in (
        ("path", "it is limited to paths, which a rule here cannot be"),
        ("required", "it is composed of several rules"),
    ):
        if key in table:
            reading.leave_out(name, why)
            return None
    if len(reading.rules) >= MOST_RULES:
        reading.leave_out(name, f"there are more than {MOST_RULES} rules")
        return None
    try:
        rule = _converted(table, reading)
    except ValueError as error:
        reading.leave_out(name, str(error))
    except RuleError as error:
        reading.leave_out(name, str(error).rpartition("': ")[2])
    else:
        reading.rules[_name(table)] = rule
        return rule
    return None


def _converted(table: Mapping[str, Any], reading: _Reading) -> Rule:
    expression, group, entropy = table["regex"], table.get("secretgroup", 0), table.get("entropy", 0)
    if not isinstance(expression, str) or type(group) is not int or type(entropy) not in (int, float):
        raise ValueError("a field of it has the wrong type")
    slug = _SLUG.sub("-", _name(table).lower()).strip("-")
    if not slug or any(rule.id == f"{reading.tool}-{slug}" for rule in reading.rules.values()):
        raise ValueError("it has no id of its own")
    description = table.get("description")
    title = "".join(char for char in str(description or slug) if char.isprintable())[:100]
    entry = {
        "id": f"{reading.tool}-{slug}",
        "kind": slug,
        "title": title or slug,
        "severity": "high",
        "pattern": rule_pattern(expression, max(0, min(group, 100))),
        "entropy": max(0.0, min(float(entropy), 8.0)),
        "before": "",
        "after": "",
    }
    (rule,) = load_rules(json.dumps({"rules": [entry]}, ensure_ascii=False), reading.file)
    return rule._replace(foreign=True)


def _targets(table: Mapping[str, Any], reading: _Reading) -> frozenset[str] | None:
    """Return our ids of an allowlist's `targetRules`; None if it names only rules that are not here."""
    names = table.get("targetrules")
    if not names:
        return frozenset()
    ours = frozenset(reading.rules[name].id for name in _words(names) if name in reading.rules)
    return ours or None


def _add_allows(table: Mapping[str, Any], name: str, rules: frozenset[str] | None, reading: _Reading) -> None:
    if not any(table.get(kind) for kind in _KINDS):
        return
    if rules is None:
        reading.leave_out(f"the allowlist of {name}", "it belongs to a rule that is not used here")
        return
    target = table.get("regextarget") or "secret"
    if target not in ("secret", "match") and table.get("regexes"):
        reading.leave_out(f"an allowlist of {name}", "it looks at whole lines, which are not kept")
        return
    conditions = {kind: _usable(kind, table.get(kind), name, reading) for kind in _KINDS if table.get(kind)}
    where = reading.file if name == _WHOLE else f"{reading.file} ({name})"
    if str(table.get("condition", "OR")).upper() in ("AND", "&&"):
        # With one condition gone, the rest would hide more than was meant.
        if all(conditions.values()):
            reading.allows.append(_allow(where, rules, target, conditions))
        return
    for kind, values in conditions.items():
        reading.allows.extend(_allow(where, rules, target, {kind: [value]}) for value in values)


def _allow(where: str, rules: frozenset[str], target: str, conditions: Mapping[str, list[str]]) -> Allow:
    return Allow(
        where=where,
        key=json.dumps([sorted(rules), target, conditions], sort_keys=True),
        rules=rules,
        paths=tuple(_compiled(value) for value in conditions.get("paths", ())),
        regexes=tuple(_compiled(value) for value in conditions.get("regexes", ())),
        target=target,
        stopwords=tuple(value.lower() for value in conditions.get("stopwords", ())),
        commits=frozenset(value.lower() for value in conditions.get("commits", ())),
    )


def _usable(kind: str, values: object, name: str, reading: _Reading) -> list[str]:
    kept = []
    for value in _words(values)[:MOST_ALLOWS]:
        try:
            if kind in ("paths", "regexes"):
                search_pattern(value)
        except ValueError as error:
            reading.leave_out(f"an expression in an allowlist of {name}", str(error))
        else:
            kept.append(value)
    return kept


def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(search_pattern(expression), re.ASCII)


def _note_the_rest(top: Mapping[str, Any], reading: _Reading) -> None:
    extend = next(iter(_tables(top.get("extend"))), {})
    for key, why in (
        ("path", "other files are not followed"),
        ("url", "other files are not followed"),
        ("disabledrules", "`ignore.rules` switches off rules of secretguard"),
    ):
        if extend.get(key):
            reading.leave_out(f"extend.{key}", why)
    for key in ("filter", "prefilter"):
        if top.get(key):
            reading.leave_out(f"`{key}`", "its language is not known here")


def _lowered(value: Any, depth: int = 0) -> Any:
    """Return tables with lower-case keys, as their own reader takes them."""
    if depth > 8:
        return None
    if isinstance(value, dict):
        return {key.lower(): _lowered(item, depth + 1) for key, item in value.items()}
    return [_lowered(item, depth + 1) for item in value] if isinstance(value, list) else value


def _tables(value: object) -> Iterator[Mapping[str, Any]]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield item


def _words(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str) and item] if isinstance(value, list) else []


def _name(table: Mapping[str, Any]) -> str:
    return str(table.get("id") or "without an id")[:60]


def _listed(names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - 10:,} more" if len(unique) > 10 else ""
    return ", ".join(unique[:10]) + more + (" is" if len(unique) == 1 else " are")

"""Rule files -> `Rule`; refuses a rule that is unbounded, crosses a line or would backtrack."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from secretguard.errors import RuleError
from secretguard.model import FAMILIES, Rule, Severity
from secretguard.patterns import check_pattern, other_than

FORMS = ("token", "uri", "jdbc", "keyword", "ado", "split", "pem", "lines")
CHECKSUMS = ("", "crc32-base62", "crc32-hex-le", "gitlab-routable", "bech32", "nkey", "crc32-base64")
PREFILTER_WIDTH = 512
PATTERN_WIDTH = 8192
DEFAULT_BOUNDARY = "[A-Za-z0-9_-]"

_REQUIRED = ("id", "kind", "title", "severity", "pattern")
_OPTIONAL = (
    "vendor", "family", "form", "before", "after", "anchors", "prefilters", "context", "companion",
    "machine_made", "generic", "entropy", "checksum", "examples", "counter_examples",
)  # fmt: skip
_TUPLES = ("anchors", "prefilters", "context", "examples", "counter_examples")
_DIALECT = r"(?:\+[a-z0-9_.-]{1,24})?"
SAMPLE_USERS = ("user", "username")
SAMPLE_PASSWORDS = ("pass", "passwd", "password", "pwd", "secret")
"""One beside the other in a URL, they only say where a user and a password go."""
_USER, _SECRET = r"\s:/'\"`<>", r"\s'\"`<>"
_LOGINS = (
    rf"://[^{_USER}]{{0,128}}:{other_than(SAMPLE_PASSWORDS, _SECRET, 256)}@",
    rf"://(?:{other_than(SAMPLE_USERS, _USER, 128)})?:[^{_SECRET}]{{1,256}}@",
    r"://[^\s'\"`<>]{1,300}[?&;](?:password|passwd|pwd)=",
)
_LAST_WORD = "(?:password|passwd|passphrase|pass|pwd)"
# What a literal begins with; the rest is references, templates and code, to the precise pass as well.
_DEFAULT = r"\$\{[a-z_][\w.-]{0,60}(?::?[-=][^\n\}$]|:[^\n\}$?+=-])"
_QUOTED = rf"[brfu@]{{0,2}}\\?[\"'`](?:[^\n\"'`$\{{%]|\$[^\nA-Za-z_\{{(]|\{{[^\n\{{]|%[^\n(]|{_DEFAULT})"
_BARE = (
    r"[^\s\"'`,;)\}\]<>\\&*\[|@!\{(:=$%-]|\$(?:[^\sA-Za-z_\{(]|$)|%(?:[^\n(]|$)|-(?:[^\n-]|$)"
    rf"|{_DEFAULT}|\$_?[A-Za-z][^\n]{{1,100}}(?:\?\?|\?:)[ \t]{{0,20}}[\"']"
)
_TEMPLATE = r"[\"']?(?:\{\{[^\n]{1,160}default[( ]|\$\{\{[^\n]{1,160}\|\|)"
_GIVEN = (
    r"(?:\\?[\"'`]?[ \t]{0,4}\]?[ \t]{0,20}(?:=>|:=|\?=|\|\|=|=|:|,|\(|<-)[ \t]{0,20}|[ \t]{1,20})"
    rf"(?:{_QUOTED}|{_BARE}|{_TEMPLATE})|:[=-][^\s\}}$]"
    r"|\"[^<>\n]{0,40}(?:value=\"[^\"\n]|>[^<>\n])|>[^<>\n]"  # XML
)
_NAME_ALONE = (
    r"(?:password|passwd|passphrase|(?-i:PASS|PWD)|(?:pass|pwd)[\"'])[\"']?"
    r"(?:,?[ \t\r]{0,8}$|[ \t]{0,8}\{[ \t\r]{0,8}$|,[ \t]{0,8}[\"']?(?:parameter)?value[\"']?[ \t]{0,4}:)"
)
"""`name: ACME_PASSWORD`, the value behind it or on a line below."""


def load_rules(text: str, plugin: str) -> tuple[Rule, ...]:
    """Parse one rule file.

    `plugin` names where it came from, for messages and `Rule.plugin`. Raises RuleError.
    """
    import yaml  # a scan with a warm cache reads no rule file

    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise RuleError(f"{plugin}: the rule file is not YAML: {_one_line(error)}") from None
    if not isinstance(document, dict) or not isinstance(document.get("rules"), list):
        raise RuleError(
            f"{plugin}: a rule file is a mapping with `vendor` and a list `rules`", hint="See docs/rules.md."
        )
    if unknown := set(document) - {"vendor", "rules"}:
        raise RuleError(f"{plugin}: unknown key {sorted(unknown)[0]!r} in the rule file", hint="See docs/rules.md.")
    vendor = str(document.get("vendor", ""))
    return tuple(_rule(entry, vendor, plugin) for entry in document["rules"])


def _rule(entry: object, vendor: str, plugin: str) -> Rule:
    if not isinstance(entry, dict):
        raise RuleError(f"{plugin}: each rule is a mapping")
    where = f"{plugin}: rule {entry.get('id', '?')!r}"
    for key in _REQUIRED:
        if key not in entry and not (key == "pattern" and _SHORT.keys() & entry.keys()):
            raise RuleError(f"{where} has no `{key}`", hint="See docs/rules.md.")
    if unknown := set(entry) - {*_REQUIRED, *_OPTIONAL, *_SHORT}:
        raise RuleError(f"{where}: unknown key {sorted(unknown)[0]!r}", hint="See docs/rules.md.")
    values: dict[str, Any] = {"vendor": vendor, "before": DEFAULT_BOUNDARY, "after": DEFAULT_BOUNDARY}
    for key, expand in _SHORT.items():
        if key in entry:
            values.update(expand(_strings(entry[key], f"{where}: `{key}`")))
    values.update({key: value for key, value in entry.items() if key not in _SHORT})
    if "pattern" in entry:
        values["pattern"] = "".join(_strings(entry["pattern"], f"{where}: `pattern`"))
    for key in _TUPLES:
        values[key] = _strings(values.get(key, ()), f"{where}: `{key}`")
    try:
        values["severity"] = Severity(values["severity"])
    except ValueError:
        raise RuleError(f"{where}: severity is one of {', '.join(Severity)}") from None
    rule = Rule(plugin=plugin, **_with_prefilters(values))
    _check(rule, where)
    return rule


def _from_schemes(schemes: Sequence[str]) -> dict[str, Any]:
    """One URI grammar for every `form: uri` rule: the rule lists schemes, dialect suffixes are allowed."""
    names, groups = _alternatives(schemes)
    return {
        "form": "uri",
        "pattern": f"(?i:(?:{'|'.join(map(re.escape, names))}){_DIALECT}://)",
        "prefilters": tuple(f"(?i:(?:{group}){_DIALECT}{rest})" for rest in _LOGINS for group in groups),
        "anchors": tuple(f"{name}://" for name in names) + tuple(f"{name}+" for name in names if len(name) > 4),
        "before": "[A-Za-z0-9_+.-]",
        "after": "",
    }


def _from_settings(words: Sequence[str]) -> dict[str, Any]:
    """One grammar for every setting that holds a password: the rule lists words that its name may have before that."""
    names, groups = _alternatives(words)
    return {
        "form": "split",
        "pattern": f"(?i:(?:[a-z_][a-z0-9_.-]{{0,39}})?(?:{'|'.join(map(re.escape, names))})"
        f"[a-z0-9_.-]{{0,32}}?{_LAST_WORD})",
        "before": "[A-Za-z0-9_]",
        "prefilters": tuple(
            f"(?i:(?:{group})[a-z0-9_.-]{{0,32}}{end})"
            for end in (f"{_LAST_WORD}(?:{_GIVEN})", _NAME_ALONE)
            for group in groups
        ),
    }


def _alternatives(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words, longest first, and groups of them: Hyperscan misses one or two letters among longer ones."""
    names = sorted(words, key=len, reverse=True)
    long = "|".join(re.escape(name) for name in names if len(name) > 2)
    return names, [group for group in (long, *(name for name in names if len(name) <= 2)) if group]


_SHORT = {"schemes": _from_schemes, "settings": _from_settings}
"""Fields in place of `pattern`."""


def _with_prefilters(values: dict[str, Any]) -> dict[str, Any]:
    if not values["prefilters"]:
        # A rule with context is found by its context: a value's bare shape is never an anchor.
        own = tuple(f"(?i:{word})" for word in values["context"]) or (_with_edge(values),)
        values["prefilters"] = own
    values["prefilters"] = tuple(_as_prefilter(one) for one in values["prefilters"])
    return values


def _as_prefilter(expression: str) -> str:
    r"""Return the expression as Hyperscan reads it, who sees some lines of a text and not its beginning and end.

    `|\Z` in a context is the end of what stands before a value; `\v` is any line break to Hyperscan.
    """
    expression = re.sub(r"\(\?P<\w+>", "(?:", expression.replace(r"|\Z", ""))
    return re.sub(r"\\(.)", lambda pair: {"A": "^", "Z": "$", "v": r"\x0b"}.get(pair[1], pair[0]), expression)


def _with_edge(values: Mapping[str, Any]) -> str:
    """Return the pattern; that of a setting, whose names have common endings, after what may stand before it."""
    pattern, before = str(values["pattern"]), str(values["before"])
    if values.get("form") != "split" or not re.match(r"\[[^^]", before):
        return pattern
    return rf"(?:^|[^\n{before[1:-1]}]|\\[nrtbf]|%[0-9A-Fa-f]{{2}}){pattern}"


def _strings(value: object, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise RuleError(f"{where} is a list of strings")
    return tuple(value)


def _check(rule: Rule, where: str) -> None:
    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", rule.id):
        raise RuleError(f"{where}: an id is lower case words joined by hyphens")
    if rule.family not in FAMILIES:
        raise RuleError(f"{where}: unknown family {rule.family!r}", hint=f"One of {', '.join(FAMILIES)}.")
    if rule.form not in FORMS:
        raise RuleError(f"{where}: unknown form {rule.form!r}", hint=f"One of {', '.join(FORMS)}.")
    if rule.checksum not in CHECKSUMS:
        raise RuleError(
            f"{where}: unknown checksum {rule.checksum!r}", hint=f"One of {', '.join(filter(None, CHECKSUMS))}."
        )
    check_pattern(rule.pattern, PATTERN_WIDTH, f"{where}: pattern")
    for prefilter in rule.prefilters:
        check_pattern(prefilter, PREFILTER_WIDTH, f"{where}: prefilter")
    for expression in (*rule.context, rule.companion):
        check_pattern(expression, PREFILTER_WIDTH, f"{where}: context")
    for edge in (rule.before, rule.after):
        if edge and not re.fullmatch(r"\[[^\]]+\]", edge):
            raise RuleError(f"{where}: `before` and `after` are one character class each, such as [A-Za-z0-9]")
    if any(len(anchor) < 2 or "\n" in anchor for anchor in rule.anchors):
        raise RuleError(f"{where}: an anchor is a literal of at least two characters on one line")


def check_unique(rules: Iterable[Rule]) -> None:
    """Raise RuleError if two rules share an id, naming where both came from."""
    seen: dict[str, Rule] = {}
    for rule in rules:
        if other := seen.get(rule.id):
            raise RuleError(
                f"rule id {rule.id!r} is defined twice: by {other.plugin} and by {rule.plugin}",
                hint="Rename one, or leave a plugin out with --without-plugin.",
            )
        seen[rule.id] = rule


def rules_digest(rules: Iterable[Rule]) -> str:
    """Return a hex digest of everything about the rules that decides what they find."""
    lines = sorted(json.dumps(rule_to_json(rule), sort_keys=True) for rule in rules)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def rule_to_json(rule: Rule) -> dict[str, object]:
    """Return the rule as JSON-ready data."""
    return rule._asdict()


def rule_from_json(data: Mapping[str, Any]) -> Rule:
    """Undo `rule_to_json`."""
    values: dict[str, Any] = {key: tuple(value) if key in _TUPLES else value for key, value in data.items()}
    values["severity"] = Severity(values["severity"])
    return Rule(**values)


def rule_fields() -> Iterator[str]:
    """Yield the names a rule file may use, for documentation tests."""
    yield from (name for name in Rule._fields if name not in ("plugin", "foreign"))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

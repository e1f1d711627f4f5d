"""Assignments in any language or configuration file: `KEY=value`, `"key": "value"`, `name: K / value: v`."""

import re
import sys
from operator import attrgetter
from typing import NamedTuple

from secretguard.engine.lazily import compiled
from secretguard.engine.text import decoded

_VALUE = (
    rb"(?:(?P<q>\\?[\"'`])(?P<quoted>(?:\\[^\n]|(?!(?P=q))[^\\\n]){0,512}?)(?P=q)"
    rb"|(?P<bare>(?:\$\{[^}\n]{0,256}\}|[^\s\"'`,;)}\]<>#\\]|(?<=[^\s])#){1,512}))"
)
_ASSIGNMENT = compiled(
    rb"(?:^|(?<=[^A-Za-z0-9_.-])|(?<=[)A-Za-z0-9_]\.)(?=[A-Za-z]+\())(?P<key>[A-Za-z_][A-Za-z0-9_.-]{0,79})"
    rb"(?:\\?[\"'`]|\])?(?:[ \t]*\])?(?:[ \t]{0,8}:[ \t]*[A-Za-z_][\w<>|?.&\[\], ]{0,30}(?==))?[ \t]{0,20}"
    rb"(?P<op>=>|:=|\?=|\|\|=|=(?!=)|:(?!:)|,|\(|<-)[ \t]{0,20}(?:[brfuRBFU@]{0,2}(?=[\"'`]))?" + _VALUE,
    re.MULTILINE,
)
# A Dockerfile's `ENV KEY value`, a shell's `setenv KEY value`, a properties file's `key value` is left alone.
_WORDS = compiled(rb"^[ \t]*(?:ENV|setenv|SetEnv)[ \t]+(?P<key>[A-Za-z_]\w{0,79})[ \t]+" + _VALUE, re.MULTILINE)
# Kubernetes and friends: the name, and on the same line or the next the value.
_NAMED = compiled(
    rb"[\"']?(?:Parameter)?(?:name|key|Name|Key)[\"']?[ \t]*:[ \t]*[\"']?(?P<key>[A-Za-z_][\w.-]{0,79})"
    rb"(?:[\"']|(?<![Pp]ass)(?<![Pp]wd))(?:[ \t]*,?[ \t\r]*\n|,)"  # `mail.smtppass` ends too many lines of manuals
    rb"[ \t]*[\"']?(?:Parameter)?(?:value|Value)[\"']?[ \t]*:[ \t]*" + _VALUE
)
# Terraform.
_DECLARED = compiled(
    rb"\bvariable[ \t]+\"?(?P<key>[A-Za-z_][\w-]{0,79})\"?[ \t]*\{(?:[^{}\n]{0,200}\n){0,6}?[ \t]*default[ \t]*=[ \t]*"
    + _VALUE
)
_XML = compiled(
    rb"<[\w:.-]{1,40}[^<>\n]{0,80}?(?:name|key)=\"(?P<key>[A-Za-z_][\w.-]{0,79})\"[^<>\n]{0,40}?"
    rb"(?:value=(?P<q>\")(?P<quoted>[^\"\n]{0,512})\"|>(?P<bare>[^<>\n]{1,512})</)"
)
_ELEMENT = compiled(rb"<(?P<key>[A-Za-z_][\w.-]{0,39})>(?P<q>)(?P<quoted>[^<>\n]{1,512})(?P<bare>)</(?P=key)>")
_FLAG = compiled(rb"(?:^|\s)--?(?P<key>[A-Za-z][\w-]{0,39})(?:=|[ \t]+)" + _VALUE)
# An option of a program: `add_argument("--db-password", default="…")`.
_OPTION = compiled(
    rb"[\"']--?(?P<key>[A-Za-z][\w-]{0,39})[\"'][^\n]{0,160}?\bdefault(?:_?[Vv]alue)?[ \t]*[=:][ \t]*"
    rb"(?P<q>[\"'])(?P<quoted>[^\"'\n]{1,256})(?P=q)(?P<bare>)"
)
# A shell's and Compose's `${KEY:-default}`; Spring's `${KEY:default}`, but not a shell's `${KEY:0:3}`.
_IN_BRACES = rb"(?P<q>[\"']?)(?P<quoted>[^}$\"'\n]{1,256})(?P=q)\}(?P<bare>)"
_OFFSET = rb"\d{1,2}(?::\d{1,2})?\}"
_VARIABLE = compiled(
    rb"\$\{(?P<key>[A-Za-z_](?:[\w.]|-(?=[\w.-]{0,79}:)){0,79})(?P<op>:?[-=]|:(?![-=?+]|"
    + _OFFSET
    + rb"))"
    + _IN_BRACES
)
_DEFAULTED = compiled(
    rb"\$\{(?P<key>[A-Za-z_][\w.-]{0,79})(?:(?=:[-=][^\s}$]):[-=]|[:=](?![]\s\"'`,;)}<>\\&*[|@!{(:=$%?+-]|"
    + _OFFSET
    + rb"))"
    + _IN_BRACES
)
"""The same by itself, where the name of the variable is all that says what it is."""
_NAMESPACE = compiled(rb"[a-z]+(?:-[a-z]+)*")
"""`${env:KEY}`, `${ssm:…}`: where to look it up, and no default."""
_LITERAL = rb"[ \t]*(?P<q>[\"'`])(?P<quoted>[^\"'`\n]{1,256})(?P=q)"
_LOOKUP = compiled(
    rb"(?:getenv|environ\.get|environ|env|ENV\.fetch|get_env|fetch|GetEnv|env_var|config|os\.Getenv|getProperty|str"
    rb"|Env::get)\(?[ \t]*[\"']?[\w.]{1,80}[\"']?[ \t]*[,)\]][ \t]*(?:\?\?|\|\||or|default=)?" + _LITERAL
)
# `a ?? "b"`, `a || "b"`, `a ?: "b"`, `a or "b"`, `process.env.A ? process.env.A : "b"`
_OR_ELSE = compiled(
    rb"[^,;=\n]*?(?:\?\?|\|\||\?:|\bor\b|(?:process\.env|import\.meta\.env)[.\[][\"'\w\]]{1,80}[ \t]*:)" + _LITERAL
)
# `.unwrap_or("b")`, `.getOrElse("b")`, `.default("b")`, `| default("b")`, `fetch("A") { "b" }`, `Field(default="b")`
_ELSE_GIVEN = compiled(
    rb"(?:(?:unwrap_or|unwrap_or_else|[gG]etOrElse|orElse|orElseGet|or_else|[dD]efault|SecretStr|[fF]ield)[ \t]*"
    rb"(?:\([ \t]*(?:\|_?\||\(\)[ \t]*->)?[ \t]*(?:default[ \t]*=[ \t]*)?(?:SecretStr\(|[\"'][\w.]{1,80}[\"'][ \t]*,)?"
    rb"|(?<=default)[ \t])"
    rb"|\)[ \t]*\{|\bdefault[ \t]*=|\b(?:coalesce|try)\([^,\"'\n]{1,80},)" + _LITERAL
)
_POINTER = compiled(rb"\(&[\w.]{1,40},$")
"""Go's `flag.StringVar(&password, "db-password", "…", "what it is")`."""

_SPELLINGS = (
    (_NAMED, b"alue"), (_DECLARED, b"default"), (_XML, b"<"), (_ELEMENT, b"</"), (_WORDS, b""), (_ASSIGNMENT, b""),
    (_FLAG, b"-"), (_OPTION, b"default"), (_DEFAULTED, b"${"),
)  # fmt: skip
"""Each with something that has to stand there: a plain search for it is sooner done."""
_ESCAPED = compiled(r"\\([\"'\\/$`])")
_START = attrgetter("start")


class Setting(NamedTuple):
    """One assignment: the key and the literal value as written, and the value's span."""

    key: str
    written: bytes
    start: int
    value_start: int
    value_end: int
    quoted: bool

    @property
    def value(self) -> str:
        """The value itself; of most settings nobody asks for it."""
        text = decoded(self.written)
        return _ESCAPED.sub(r"\1", text) if self.quoted else text


def settings(data: bytes, start: int, end: int, last: int = sys.maxsize) -> tuple[Setting, ...]:
    """Return the assignments of a literal in `data[start:end]` that begin at `last` at most, in order of place."""
    found: dict[tuple[int, str], Setting] = {}
    for pattern, word in _SPELLINGS:
        if data.find(word, start, end) < 0:
            continue
        at, is_assignment = start, pattern is _ASSIGNMENT
        while (match := pattern.search(data, at, end)) and match.start() <= last:
            if not (is_assignment and _is_no_assignment(data, match)):
                setting = _setting(data, match, end, match["op"] if is_assignment else b"")
                found.setdefault((setting.value_start, setting.key), setting)
            # An argument list is itself made of settings: connect(host="h", password="p").
            at = max(match.end("key") + 1, match.start() + 1) if is_assignment else match.end()
    return tuple(sorted(found.values(), key=_START))


def _is_no_assignment(data: bytes, match: re.Match[bytes]) -> bool:
    """Whether this only looks like one.

    A list of names (`['A', 'b']`, not `define('A', 'b')`), Ansible's `lookup('password', 'file')`, the inside of
    `${A:-b}`, a `user:password@host` (a bare value stands behind a blank, as YAML has it).
    """
    before = data[max(0, match.start("key") - 48) : match.start("key")]
    if match["op"] == b",":
        caller = _POINTER.sub(b"(", before.rstrip(b" \t\"'`"))
        in_prose = data.startswith(b"`", match.end("key"))  # (`A`, `b`) in Markdown
        return in_prose or not caller.endswith(b"(") or caller.endswith((b"lookup(", b"query("))
    if match["op"] == b":" and match["bare"] and match.start("bare") == match.end("op") and b"@" in match["bare"]:
        return True
    bare = match["bare"] if match["op"] == b"(" else None  # setPassword(it), not setPassword("…") and not port(5432)
    return (bare is not None and not bare.isdigit()) or before.endswith(b"${")


def _setting(data: bytes, match: re.Match[bytes], end: int, operator: bytes) -> Setting:
    group = "quoted" if match["q"] is not None and match["quoted"] is not None else "bare"
    value_start, value_end = match.span(group)
    quoted = group == "quoted"
    if quoted:
        fallback = _default(data, value_start, value_end)
    else:
        fallback = _fallback(data, value_start, min(end, value_start + 400))
    if fallback:
        value_start, value_end = fallback
        quoted = data[value_start - 1 : value_start] in (b'"', b"'", b"`")
    key = match["key"]
    if operator == b"(":
        key = key.rpartition(b".")[2]  # config.setPassword("…")
    written = data[value_start:value_end]
    return Setting(decoded(key), written, match.end("key") - len(key), value_start, value_end, quoted)


def _fallback(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Return the span of the default in `os.getenv("KEY", "default")`, `process.env.X || "d"`, `${X:-d}`."""
    line = data.find(b"\n", start, end)
    window = data[start : end if line < 0 else line]
    # A plain search is many times faster than the expressions, and nearly every value stops here.
    if b'"' in window or b"'" in window or b"`" in window:
        for find in (_LOOKUP.search, _OR_ELSE.match, _ELSE_GIVEN.search):
            if match := find(window):
                low, high = match.span("quoted")
                return start + low, start + high
    bare = window.split(maxsplit=1)[0].rstrip(b"\"',;)") if window.lstrip().startswith(b"${") else b""
    low = start + window.find(bare)
    return _default(data, low, low + len(bare))


def _default(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Return the span of the default if all of `data[start:end]` is a variable, or a template, with one."""
    if data.startswith(b"${", start):
        found = _VARIABLE.fullmatch(data, start, end)
        is_elsewhere = found and found["op"] == b":" and _NAMESPACE.fullmatch(found["key"])
        return found.span("quoted") if found and not is_elsewhere else None
    found = _ELSE_GIVEN.search(data, start, end) if data.startswith(b"{{", start) else None
    return found.span("quoted") if found else None

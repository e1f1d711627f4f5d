"""`.env` files: names and values, and nothing that runs.

One `NAME=value` a line, `export` before it allowed. A value is bare (to the end of the line or to ` #`), in single
quotes (as it stands) or in double quotes (with backslash escapes); a quoted one may span lines. `$NAME`, `$(…)` and
backticks are text: nothing is expanded, nothing is run. If a name comes twice, the last one counts.
"""

import re
from collections.abc import Iterator

from secretguard.errors import ConfigError

LONGEST_FILE = 1 << 20
"""Characters."""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'", "$": "$", "`": "`"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_IDLE = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
"""A line that says nothing, or the rest of one."""
_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_BARE = re.compile(r"[^\n]*")
_SPACE = re.compile(r"[ \t]*")
_COMMENT = re.compile(r"[ \t]#.*")


def parse_env(text: str, name: str) -> dict[str, str]:
    """Return what an env file says; raises ConfigError with file and line, which never repeats what stands there."""
    if len(text) > LONGEST_FILE:
        raise ConfigError(f"{name} is too long for an env file", hint=f"At most {LONGEST_FILE:,} characters.")
    if "\0" in text:
        raise ConfigError(f"{name} holds a NUL character", hint="No environment variable can.")
    return dict(_assignments(text.removeprefix("\ufeff").replace("\r\n", "\n"), name))


def _assignments(text: str, name: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        if idle := _IDLE.match(text, at):
            at = idle.end()
            continue
        found = _NAME.match(text, at)
        if found is None:
            raise _error(text, at, name, "is not NAME=value", "Write `NAME=value`, or `#` before a comment.")
        value, end = _value(text, found.end(), name)
        rest = _IDLE.match(text, end)
        if rest is None:
            raise _error(text, end, name, "goes on after the closing quote", "Put the whole value into quotes.")
        yield found[1], value
        at = rest.end()


def _value(text: str, after: int, name: str) -> tuple[str, int]:
    """Return the value behind the equals sign at `after`, and where it ends."""
    at = _end(_SPACE, text, after)
    quote = text[at : at + 1]
    if quote in ("'", '"'):
        found = (_SINGLE if quote == "'" else _DOUBLE).match(text, at)
        if found is None:
            raise _error(text, at, name, "opens a quote that is never closed", f"Close it with {quote} .")
        value = found[1] if quote == "'" else _ESCAPE.sub(_unescaped, found[1])
        return value, found.end()
    end = _end(_BARE, text, after)
    return _COMMENT.sub("", text[after:end]).strip(" \t"), end


def _unescaped(escape: re.Match[str]) -> str:
    return _ESCAPES.get(escape[1], escape[0])


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return where a pattern ends that always matches."""
    found = pattern.match(text, at)
    return found.end() if found else at


def _error(text: str, at: int, name: str, what: str, hint: str) -> ConfigError:
    line = text.count("\n", 0, at) + 1
    return ConfigError(f"line {line} of {name} {what}", hint=hint)

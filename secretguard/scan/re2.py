"""Expressions in Go's RE2 syntax -> our dialect: bounded, on one line, and never slow whatever they are given.

Go matches in linear time, so its users write what would make a backtracking engine hang. An expression from a
repository is used only if its worst case is known to be cheap; otherwise ValueError says why it is not.
"""

import re
from collections.abc import Iterator
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from secretguard.errors import RuleError
from secretguard.patterns import check_pattern
from secretguard.scan.regex_cost import cost

MOST_REPEATS = 128
"""What `*` and `+` become: no part of a credential's surroundings is longer."""
LONGEST = 2000
WIDEST = 8192
LEAST_SECRET = 4
COSTLIEST_RULE = 300_000
"""Most ways in which one attempt may divide a text between repeats, for a rule: tried near prefilter hits only."""
COSTLIEST_SEARCH = 50_000
"""The same for an expression that is searched for in whole texts."""

_TOKEN = re.compile(
    r"""(?P<set>\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\])
      | (?P<escape>\\(?:x\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|.))
      | (?P<flags>\(\?(?P<on>[A-Za-z]*)(?:-(?P<off>[A-Za-z]+))?(?P<scope>[:)]))
      | (?P<capture>\((?:\?P?<\w+>)?)
      | (?P<close>\))
      | (?P<repeat>\*|\+|\{(?P<low>\d{1,6})(?P<comma>,?)(?P<high>\d{0,6})\})
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_MEMBER = re.compile(r"\[:\^?[a-z]+:\]|\\(?:x\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|.)|.", re.DOTALL)
_BLANKS = r" \t\r"
_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "digit": "0-9", "lower": "a-z", "upper": "A-Z", "word": r"\w",
    "xdigit": "0-9A-Fa-f", "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "print": " -~",
}  # fmt: skip


def rule_pattern(expression: str, secret_group: int = 0) -> str:
    """Return `expression` in our dialect, its capture `secret_group` named `secret` (0: the first that holds enough).

    Raises ValueError, which says what cannot be carried over, without quoting the expression.
    """
    if not expression.isascii():
        raise ValueError("it holds characters beyond ASCII")
    pattern = _checked(expression, max(1, secret_group), COSTLIEST_RULE)
    if secret_group and "(?P<secret>" not in pattern:
        raise ValueError("its secretGroup does not exist")
    width = _least_secret(_parser.parse(pattern.encode()))
    if width is not None and width < LEAST_SECRET and not secret_group:
        return pattern.replace("(?P<secret>", "(?:")  # a separator in brackets
    return pattern


def search_pattern(expression: str) -> str:
    """Return `expression` in our dialect, to be searched for in short texts; raises ValueError as `rule_pattern`."""
    return _checked(expression, None, COSTLIEST_SEARCH)


def _checked(expression: str, secret_group: int | None, costliest: int) -> str:
    if len(expression) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST:,} characters")
    pattern = "".join(_pieces(expression, secret_group))
    try:
        check_pattern(pattern, WIDEST, "it")
    except RuleError as error:
        raise ValueError(str(error)) from None
    tree = _parser.parse(pattern.encode("utf-8"))
    if tree.getwidth()[0] == 0:
        raise ValueError("it matches the empty text")
    if cost(tree) > costliest:
        raise ValueError("it could take very long on an unlucky text")
    return pattern


def _least_secret(nodes: Any) -> int | None:
    """Return the least width of the one capturing group, None if it is not in `nodes`."""
    for op, argument in nodes:
        if op is sre.SUBPATTERN and argument[0] is not None:
            return int(argument[3].getwidth()[0])
        inner = argument[1] if op is sre.BRANCH else [argument[-1]] if isinstance(argument, tuple) else []
        for body in inner:
            if isinstance(body, _parser.SubPattern) and (width := _least_secret(body)) is not None:
                return width
    return None


def _pieces(expression: str, secret_group: int | None) -> Iterator[str]:
    captures = 0
    # Flags set inside a group, for each open one (the first is the whole): Go lets them count up to its end.
    flags: list[list[str]] = [[]]
    leading = True
    for token in _TOKEN.finditer(expression):
        if token["flags"]:
            yield (opening := _flags(token["on"], token["off"] or ""))
            if token["scope"] == ":":
                flags.append([])
            else:
                flags[-1].append(opening)
        elif token["capture"]:
            captures += 1
            yield "(?P<secret>" if captures == secret_group else "(?:"
            flags.append([])
        elif token["close"]:
            if len(flags) == 1:
                raise ValueError("it closes a group that is not open")
            yield ")" * len(flags.pop()) + ")"
        elif token[0] == "|":
            yield ")" * len(flags[-1]) + "|" + "".join(flags[-1])
        else:
            yield _atom(token, leading=leading)
        leading = leading and bool(token["capture"] or token["flags"] or token[0] in ("|", "^", ")", r"\b", r"\A"))
    if len(flags) != 1:
        raise ValueError("it does not close a group")
    yield ")" * len(flags[0])


def _atom(token: re.Match[str], *, leading: bool) -> str:
    """Return what is neither group nor alternative; `leading` if nothing that takes a character stands before it."""
    repeated = token.string[token.end() : token.end() + 1] in ("*", "+", "?", "{")
    # Where Go takes a line break as one of several characters, the edge of the line stands in.
    edge = None if repeated else "(?m:^)" if leading else "(?m:$)"
    if token["set"]:
        return _set(token["set"], edge)
    if token["escape"]:
        return _escape(token["escape"], edge)
    if token["repeat"]:
        return _bounded(token)
    if token[0] == "[":
        raise ValueError("it does not close a set")
    return token[0]


def _bounded(token: re.Match[str]) -> str:
    if token["repeat"] in ("*", "+"):
        return f"{{{int(token['repeat'] == '+')},{MOST_REPEATS}}}"
    low = int(token["low"])
    if token["comma"] and not token["high"]:
        return f"{{{low},{max(low, MOST_REPEATS)}}}"
    return token["repeat"]


def _flags(on: str, off: str) -> str:
    if not set(on + off) <= set("ims"):
        raise ValueError("it uses a flag that is not known here")
    # `s` lets a dot match a line break, which nothing does here.
    on, off = on.replace("s", ""), off.replace("s", "")
    return f"(?{on}{'-' * bool(off)}{off}:"


def _escape(escape: str, edge: str | None) -> str:
    char = escape[1]
    if char == "s":
        return f"(?:[{_BLANKS}]|{edge})" if edge else f"[{_BLANKS}]"
    if char in "DW":
        return rf"[^\{char.lower()}\n]"
    if char in "zZ":
        return r"\Z"
    if char in "bBSA":
        return escape
    return _character(escape)


def _character(escape: str) -> str:
    char = escape[1]
    if char == "x" and len(escape) > 2:
        point = int(escape[2:].strip("{}"), 16)
        if point > 127:
            raise ValueError("it names a character beyond ASCII")
        return f"\\x{point:02x}"
    if char.isalnum() and char not in "dwtrfvan":
        raise ValueError("it uses an escape that is not known here")
    return escape


def _set(text: str, edge: str | None) -> str:
    negated = text.startswith("[^")
    members, crosses = [], False
    for match in _MEMBER.finditer(text[2 if negated else 1 : -1]):
        member = match[0]
        if member in (r"\s", "[:space:]"):
            members.append(_BLANKS)
            crosses = True
        elif member in ("\\n", "\n"):
            crosses = True
        elif member.startswith("[:"):
            if member[2:-2] not in _POSIX:
                raise ValueError("it uses a character class that is not known here")
            members.append(_POSIX[member[2:-2]])
        elif member.startswith("\\"):
            members.append(member if member == r"\S" and not negated else _character(member))
        else:
            members.append("\\" + member if member in "[]&~|" else member)
    inside = "".join(members)
    if "--" in inside or re.search(r"(?:\\n|\n)-[^\]]", text):
        raise ValueError("it has a range that is not known here")
    if negated:
        return rf"[^\n{inside}]"
    if not inside:
        return edge or "(?m:$)"
    return f"(?:[{inside}]|{edge})" if crosses and edge else f"[{inside}]"

"""Strings and comments of PowerShell, as about_Quoting_Rules and the language specification (chapter 2) say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from secretguard_languages.literals import HOLE, Literal, Quote

CURLY = re.compile("[\u2018-\u201e]")
"""Quotation marks that PowerShell takes for straight ones."""
_DEEPEST = 40
_BLOCK_COMMENT = re.compile(r"<#.*?#>", re.DOTALL)
_COMMENT = re.compile(r"(?<![^\s(){}\[\];,|&=])#[^\n]*")
_HERE_SINGLE = re.compile(r"@'[ \t]*\r?\n(?:.*?\n)??'@", re.DOTALL)
_HERE_OPEN = re.compile(r"@'[ \t]*\r?\n")
_HERE_DOUBLE = re.compile(r'@"[ \t]*\r?\n')
_HERE_END = re.compile(r'\r?\n"@')
_SINGLE = re.compile(r"'(?:[^']|'')*'")
_VARIABLE = re.compile(r"\$(?:\{[^{}]*\}|[A-Za-z_]\w*(?::[A-Za-z_]\w*)?|[$?^_])")
_NAMED = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b"}
_CODE = re.compile(r"`u\{([0-9a-fA-F]{1,6})\}")
_PAIRS = {")": "(", "]": "[", "}": "{"}


class NotUnderstoodError(Exception):
    """A string has no end, or brackets do not pair."""


@dataclass(slots=True)
class Token:
    """A comment, or a string with its quotes."""

    start: int
    end: int
    kind: str
    """`#`, `'`, `"`, `@'` or `@"`."""
    in_attribute: bool
    """Whether it is an argument of `[Name(…)]`."""
    holes: list[tuple[int, int]] = field(default_factory=list)


def tokens_of(text: str) -> list[Token]:
    """Return the comments and strings of a script, those inside of strings too; raises NotUnderstoodError."""
    found: list[Token] = []
    if _scan(text, 0, found, "", 0) != len(text):
        raise NotUnderstoodError
    return found


def _scan(text: str, at: int, found: list[Token], closing: str, depth: int) -> int:
    """Read code up to the bracket `closing` that ends it, or the end of the text; return where that is."""
    if depth > _DEEPEST:
        raise NotUnderstoodError
    brackets: list[str] = []
    while at < len(text):
        character = text[at]
        if character == closing and not brackets:
            return at
        if character in "\"'@#<" and (token := _token(text, at, found, depth, is_attribute(brackets))):
            found.append(token)
            at = token.end
            continue
        if character in "([{":
            is_named = (
                character == "("
                and brackets[-1:] == ["["]
                and re.search(r"\[\s*[\w.]+\s*$", text[max(0, at - 80) : at])
            )
            brackets.append("[(" if is_named else character)
        elif character in ")]}" and (not brackets or brackets.pop()[-1] != _PAIRS[character]):
            raise NotUnderstoodError
        at += 2 if character == "`" else 1
    if closing or brackets:
        raise NotUnderstoodError
    return len(text)


def is_attribute(brackets: list[str]) -> bool:
    """Whether open brackets say that something is an argument of an attribute."""
    return "[(" in brackets


def _token(text: str, at: int, found: list[Token], depth: int, in_attribute: bool) -> Token | None:
    for kind, pattern in (("#", _BLOCK_COMMENT), ("#", _COMMENT), ("@'", _HERE_SINGLE), ("'", _SINGLE)):
        if one := pattern.match(text, at):
            return Token(at, one.end(), kind, in_attribute)
    if text[at] == "'" or text.startswith("<#", at) or _HERE_OPEN.match(text, at):
        raise NotUnderstoodError
    if (here := _HERE_DOUBLE.match(text, at)) or text[at] == '"':
        token = Token(at, at, '@"' if here else '"', in_attribute)
        _expandable(text, here.end() - 1 if here else at + 1, token, found, depth)
        return token
    return None


def _expandable(text: str, at: int, token: Token, found: list[Token], depth: int) -> None:
    """Read a string in which variables are put in, up to its end."""
    while at < len(text):
        if token.kind == '@"' and (end := _HERE_END.match(text, at)):
            token.end = end.end()
            return
        character = text[at]
        if character == '"' and token.kind == '"':
            if text[at + 1 : at + 2] != '"':
                token.end = at + 1
                return
            at += 2
        elif text.startswith("$(", at):
            end_at = _scan(text, at + 2, found, ")", depth + 1) + 1
            token.holes.append((at, end_at))
            at = end_at
        elif one := _VARIABLE.match(text, at):
            token.holes.append(one.span())
            at = one.end()
        else:
            at += 2 if character == "`" else 1
    raise NotUnderstoodError


def read_token(text: str, token: Token) -> Literal:
    """Return what a string says, HOLE for what is put in."""
    low, high = _body(text, token)
    quote = Quote(text[token.start : low], text[high : token.end])
    characters, places, at = [], [], low
    holes = dict(token.holes)
    mark = token.kind if len(token.kind) == 1 else ""
    while at < high:
        said, end = text[at], at + 1
        if at in holes:
            said, end = HOLE, holes[at]
        elif said == mark:
            end += 1
        elif said == "`" and token.kind[-1] == '"' and end < high:
            code = _CODE.match(text, at)
            said = chr(min(int(code[1], 16), 0x10FFFF)) if code else _NAMED.get(text[end], text[end])
            end = code.end() if code else end + 1
        characters.append(said)
        places.append(at)
        at = end
    return Literal(token.start, token.end, "".join(characters), (*places, high), quote)


def _body(text: str, token: Token) -> tuple[int, int]:
    if token.kind[0] != "@":
        return token.start + 1, token.end - 1
    low = text.index("\n", token.start) + 1
    high = token.end - 3
    return low, max(low, high - 1 if text[high - 1 : high] == "\r" else high)

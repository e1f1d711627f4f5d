"""Ruby: `ENV.fetch("NAME")`, which raises where the variable is not set."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, Document, Surroundings
from secretguard_languages import code
from secretguard_languages.format_strings import printf, unclear
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.syntax import span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_CALL = f'ENV.fetch("{NAME}")'
_PERCENT = re.compile(r"%(q|Q)?([(\[{<|!/^~-])")
_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}
_READERS = (
    re.compile(r"ENV\[[\"'](\w+)[\"']\]\s*(?:\|\||\|\|=|or)\s*"),
    re.compile(r"ENV\.fetch[( ]\s*[\"'](\w+)[\"']\s*,\s*"),
    re.compile(r"ENV\.fetch[( ]\s*[\"'](\w+)[\"']\s*\)?\s*(?:\{|do)\s*"),
)
_UNFIT = {
    "string_array": ("a list of words takes no expression", 'Write it as ["…", ENV.fetch("…")].'),
    "symbol_array": ("a list of symbols takes no expression", "Take the value out of the list."),
    "subshell": ("a shell command would have to quote it", 'Let the command read the variable: `"$NAME"`.'),
    "delimited_symbol": ("it is a symbol", "Make it a string that reads the environment."),
    "simple_symbol": ("it is a symbol", "Make it a string that reads the environment."),
    "regex": ("it is a regular expression", 'Build it with Regexp.escape(ENV.fetch("…")).'),
}


def _quote(text: str) -> Quote | None:
    if text.startswith(("\n", "\r\n")):  # the body of a heredoc, its last line the end
        ending = re.search(r"[ \t]*\w+$", text)
        return Quote("", ending[0], interpolates=True) if ending else None
    if text[:1] in "\"'":
        return Quote(text[0], text[0], interpolates=text[0] == '"', escapable="" if text[0] == '"' else "\\'")
    found = _PERCENT.match(text)
    if found is None:
        return None
    closing = _CLOSING.get(found[2], found[2])
    plain = found[1] == "q"
    return Quote(found[0], closing, interpolates=not plain, escapable="\\" + found[2] + closing if plain else "")


def _expression(_: SgNode, __: Literal) -> str:
    return _CALL


def _interpolation(_: SgNode, __: Literal) -> str:
    return f"#{{{_CALL}}}"


def _split(node: SgNode, literal: Literal, start: int, end: int, document: Document) -> code.Replacement | None:
    """Make single quotes double ones, in which an expression can stand; where they would mean more, a sum."""
    low, high = literal.body
    before, after = document.text[low:start], document.text[end:high]
    if not re.search(r"[\\\"#]", before + after):
        return literal.start, literal.end, f'"{before}#{{{_CALL}}}{after}"'
    parent = node.parent()
    if parent is not None and parent.kind() == "chained_string":
        return None
    return code.concatenated(document, node, literal, start, end, _CALL, " + ")


def _obstacle(node: SgNode, _: Document, __: Surroundings) -> code.Refusal | None:
    if unfit := _UNFIT.get(str(node.kind())):
        return unfit
    parent = node.parent()
    if parent is not None and parent.kind() == "pair" and re.match(r"\s*[\"']?:", _after(node, parent)):
        return _UNFIT["simple_symbol"]
    below = node
    for one in upwards(node):
        if one.kind() == "in_clause" and (pattern := one.field("pattern")) is not None and span(pattern) == span(below):
            return "a pattern takes no expression", "Compare in a guard: `in value if value == …`."
        below = one
    if node.kind() == "heredoc_body" and not _interpolates(node):
        return "a heredoc in quotes takes no expression", "Take the quotes off its name, and read ENV.fetch in it."
    return None


def _after(node: SgNode, parent: SgNode) -> str:
    return parent.text()[span(node)[1] - span(parent)[0] :]


def _interpolates(body: SgNode) -> bool:
    """Whether no heredoc that begins on the line before this body is written with quotes around its name."""
    above = body.prev()
    if above is None:
        return False
    starts = above.find_all(kind="heredoc_beginning") or ([above] if above.kind() == "heredoc_beginning" else [])
    return bool(starts) and not any("'" in one.text() or "`" in one.text() for one in starts)


def _lookup(node: SgNode) -> tuple[SgNode, str] | None:
    """Find a read of the environment that has the literal as its default."""
    for one in list(upwards(node))[1:6]:
        head, tail = one.text()[: span(node)[0] - span(one)[0]], one.text()[span(node)[1] - span(one)[0] :]
        if tail.strip() in ("", ")", "}", "end"):
            for reader in _READERS:
                if found := reader.fullmatch(head):
                    return one, found[1]
    return None


def _keeps(call: SgNode, name: str, *_: object) -> str:
    """Read the other one in a block, which runs only if it is needed; where it is an argument it would be always."""
    return f'ENV.fetch("{name}") {{ {_CALL} }}' if _READERS[1].match(call.text()) else ""


def _template(top: SgNode, document: Document) -> code.Template | None:
    """Find `format("…", …)`, and `"…" % …`, whose right side may be an array."""
    parent = top.parent()
    if parent is None:
        return None
    if parent.kind() == "binary" and re.match(r"\s*%", _after(top, parent)):
        return unclear()
    call = parent.parent() if parent.kind() == "argument_list" else None
    method = call.field("method") if call is not None else None
    if method is None or method.text() not in ("format", "sprintf", "printf"):
        return None
    given = [one for one in parent.children() if one.is_named()]
    if span(given[0]) != span(top):
        return None
    return printf(document, given[1:], _CALL)


LANGUAGE = code.Language(
    grammar="ruby",
    suffixes=(".rb", ".rake", ".gemspec", ".ru", ".podspec", ".jbuilder", ".thor"),
    names=(
        "Rakefile",
        "Gemfile",
        "Capfile",
        "Vagrantfile",
        "Guardfile",
        "Podfile",
        "Fastfile",
        "Brewfile",
        "Dangerfile",
    ),
    strings=frozenset(("string", "heredoc_body", *_UNFIT)),
    comments=frozenset(("comment",)),
    holes=frozenset(("interpolation",)),
    joins=frozenset(("chained_string",)),
    sums=frozenset(("binary",)),
    quote=_quote,
    expression=_expression,
    interpolation=_interpolation,
    split=_split,
    obstacle=_obstacle,
    lookup=_lookup,
    keeps=_keeps,
    template=_template,
)
claims = partial(code.claims, LANGUAGE)
survey = partial(code.survey, LANGUAGE)
additions = partial(code.additions, LANGUAGE)
fault = partial(code.fault, LANGUAGE)

"""Programming languages: a literal becomes an expression, by what its node in the syntax tree is.

A module for each language says in a `Language` what differs; the order of decisions is here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from secretguard.rewriting import (
    USER,
    Document,
    Edit,
    Lookup,
    ManualItem,
    Site,
    Spot,
    Surroundings,
    Variable,
    placeholder,
)
from secretguard.rotation import Login, Spelling
from secretguard.secret import Secret
from secretguard.spelling import around as widest
from secretguard.spelling import place_of
from secretguard.variables import is_telling_name
from secretguard_languages.literals import HOLE, Literal, Quote, joined, read_literal
from secretguard_languages.syntax import deepest, descendants, errors, parsed, span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

Replacement = tuple[int, int, str]
"""Characters, and what goes there, with NAME."""
Refusal = tuple[str, str]
"""Why a place is left, and what a person has to do there."""
_NAMED_BEFORE = re.compile(
    r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{3,}[A-Z0-9]*)[\"'`]?[\])]?[ \t]*(?::[ \t]*[\w.<>\[\]|?]+[ \t]*)?"
    r"(?::=|=>|=|:|,|\|\||\?\?|\?:)?[ \t]*(?:[A-Za-z]+\()?[\"'`(]*$"
)
_OF_DATABASE = re.compile(r"DB_(?:URL|URI|DSN|KEY|TOKEN|SECRET|CONN|CONNECTION|VALUE|HOST|SYNC|ASYNC|JDBC)")
"""Names that are fine in their module, and no name for a variable of the whole environment."""
_MOST_OPERANDS = 64
_LONGEST_LITERAL = 1 << 16
"""Characters; a longer one is data, and is read anew for each secret in it."""


class Template(NamedTuple):
    """A literal that is a format string."""

    special: str
    """The characters with which its directives begin."""
    replaced: Callable[[Literal, int, int], Replacement | Refusal]
    """How some of its characters become an argument, for their value may hold special ones."""


@dataclass(frozen=True, slots=True)
class Language:
    """What the rewriter has to know of one language."""

    grammar: str
    """ast-grep's name."""
    suffixes: tuple[str, ...]
    strings: frozenset[str]
    """Kinds of node that are a whole literal, quotes included."""
    comments: frozenset[str]
    quote: Callable[[str], Quote | None]
    """How the text of a literal begins and ends; None for one that is not understood."""
    expression: Callable[[SgNode, Literal], str]
    """What stands in the place of a whole literal."""
    interpolation: Callable[[SgNode, Literal], str] | None = None
    """What stands inside a literal that takes expressions."""
    holes: frozenset[str] = frozenset()
    """Kinds of node inside a literal that are put in at run time."""
    joins: frozenset[str] = frozenset()
    """Kinds of node that join literals by standing side by side."""
    sums: frozenset[str] = frozenset()
    """Kinds of node that join their two operands with `plus`."""
    plus: str = "+"
    obstacle: Callable[[SgNode, Document, Surroundings], Refusal | None] = lambda *_: None
    """Why a literal takes no expression, and what to do about it."""
    is_documentation: Callable[[SgNode], bool] = lambda _: False
    """Whether a literal is text for people (a docstring)."""
    lookup: Callable[[SgNode], tuple[SgNode, str] | None] = lambda _: None
    """What goes together with a literal: a call that has it as fallback, and the variable that it reads, if any."""
    keeps: Callable[[SgNode, str, Literal, Document], str] = lambda *_: ""
    """How a lookup found by `lookup`, of the variable named, is written with another one as its fallback; empty where
    only the literal changes. It has to be so where the fallback would fail although nobody needs it."""
    template: Callable[[SgNode, Document], Template | None] = lambda *_: None
    """How a literal that is a format string is edited; None for one that is none."""
    split: Callable[[SgNode, Literal, int, int, Document], Replacement | None] | None = None
    """How a part of a literal that takes no expressions is replaced; None: by joining strings with `plus`."""
    imports: Callable[[SgNode, Document], Sequence[Edit]] = lambda *_: ()
    is_loose: bool = False
    """Whether the expression binds less than what may stand around it."""
    only_code: Callable[[str], str] = lambda text: text
    """Blank what is not of the language, and is of no length more or less."""
    names: tuple[str, ...] = field(default=())
    """Whole file names that are of the language, besides those with its suffixes."""


def claims(language: Language, document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return int(document.name.lower().endswith(language.suffixes) or document.name in language.names)


def survey(
    language: Language, document: Document, spots: Sequence[Spot], around: Surroundings
) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    root = tree(language, document)
    found: list[Site | ManualItem] = []
    for spot in spots:
        if any(isinstance(one, Site) and one.start <= spot.start and spot.end <= one.end for one in found):
            continue  # the second copy in one literal
        found.append(_at(language, document, spot, root, around))
    return found


def additions(language: Language, document: Document, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`."""
    return language.imports(tree(language, document), document) if chosen else ()


def fault(language: Language, before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`."""
    more = errors(tree(language, after)) - errors(tree(language, before))
    return "it would not parse any more" if more > 0 else ""


def manual(document: Document, position: int, reason: str, advice: str) -> ManualItem:
    """Return what a person has to do at a position."""
    return ManualItem(document.path, document.line(position), reason, advice)


def tree(language: Language, document: Document) -> SgNode:
    """Return the root of a document's tree."""
    return parsed(language.only_code(document.text), language.grammar)


def _at(language: Language, document: Document, spot: Spot, root: SgNode, around: Surroundings) -> Site | ManualItem:
    node = deepest(root, spot.start, spot.end)
    if any(one.kind() in language.comments for one in upwards(node)):
        return placeholder(spot)
    # The outermost: a string inside the expression of a template is a literal of its own.
    literal = next((one for one in upwards(node) if one.kind() in language.strings), None)
    if literal is None:
        return manual(document, spot.start, "it is no string literal", "Read it from the environment by hand.")
    if language.is_documentation(literal):
        return placeholder(spot)
    if found := language.obstacle(literal, document, around):
        return manual(document, spot.start, *found)
    return _in_literal(language, document, spot, literal)


def _in_literal(language: Language, document: Document, spot: Spot, node: SgNode) -> Site | ManualItem:
    top = _top(language, node)
    text = _text_of(language, document, top)
    own = _text_of(language, document, node)
    if text is None or own is None:
        return manual(document, spot.start, "the literal is not understood", "Read it from the environment by hand.")
    low, high = text.inside(spot.start, spot.end)
    template = language.template(top, document)
    special = (HOLE, *(template.special if template else ""))
    if spot.encoding:
        if (low, high) != (0, len(text.text)):
            return manual(
                document, spot.start, f"it stands there in {spot.encoding[0]}, inside a longer text",
                "Build the text from the variable at run time.",
            )  # fmt: skip
        stretch, form, content = (low, high), spot.form, spot.text.reveal()
        inner = widest(content, *place_of(content, spot.secret), Login(spot.user, spot.secret))
        if (inner.start, inner.end) != (0, len(content)):
            return manual(document, spot.start, f"it stands there in {spot.encoding[0]}", "Encode it at run time.")
        form = inner.form
    else:
        found = widest(text.text, low, high, Login(spot.user, spot.secret))
        stretch, form = (found.start, found.end), found.form
        is_made = any(one in text.text[slice(*stretch)] for one in special)
        if is_made or (stretch != (0, len(text.text)) and not _within(own, text, stretch)):
            stretch, form = (low, high), "quoted" if form == "uri" else "password"
        content = text.text[slice(*stretch)]
    spelling = Spelling(form, Secret(content), encoding=spot.encoding)
    start, end = text.places[stretch[0]], _end_of(text, stretch[1])
    if template:
        done = template.replaced(text, start, end)
        if len(done) == 2:
            return manual(document, spot.start, *done)
        return Site(*done, spelling, names_before(document, text.start))
    if stretch == (0, len(text.text)):
        return _whole(language, document, top, text, spelling, spot)
    if not (own.body[0] <= start and end <= own.body[1]):
        return manual(document, spot.start, "it is put together from several literals", "Read it from the environment.")
    replaced = _part(language, document, node, own, start, end)
    if replaced is None:
        return manual(document, spot.start, "the literal around it takes no expression", "Join it at run time.")
    return Site(*replaced, spelling, names_before(document, replaced[0]))


def _whole(
    language: Language, document: Document, literal: SgNode, text: Literal, spelling: Spelling, spot: Spot
) -> Site:
    names = names_before(document, text.start)
    node, name = language.lookup(literal) or (literal, "")
    if name and spot.form == USER:
        return placeholder(spot)
    kept = None
    if name:
        names = (name, *names)
        whole = language.keeps(node, name, text, document)
        place, said = (node, whole) if whole else (literal, _fitting(language, document, literal, text))
        kept = Lookup(name, *span(place), said)
    return Site(*span(node), _fitting(language, document, node, text), spelling, names, lookup=kept)


def _fitting(language: Language, document: Document, node: SgNode, text: Literal) -> str:
    expression = language.expression(node, text)
    return f"({expression})" if language.is_loose and not stands_alone(document, node) else expression


def _part(
    language: Language, document: Document, node: SgNode, literal: Literal, start: int, end: int
) -> Replacement | None:
    if literal.quote.interpolates and language.interpolation:
        return start, end, language.interpolation(node, literal)
    if language.split is not None:
        return language.split(node, literal, start, end, document)
    return concatenated(document, node, literal, start, end, language.expression(node, literal), f" {language.plus} ")


def concatenated(
    document: Document, node: SgNode, literal: Literal, start: int, end: int, expression: str, plus: str
) -> Replacement:
    """Return a literal cut into a sum around an expression, in parentheses unless it stands alone in its place.

    `plus`: with its blanks.
    """
    low, high = literal.body
    before = document.text[literal.start : start] + literal.quote.closing if start > low else ""
    after = literal.quote.opening + document.text[end : literal.end] if end < high else ""
    total = plus.join(one for one in (before, expression, after) if one)
    parent = node.parent()
    is_operand = parent is not None and any(one.text() == plus.strip() for one in parent.children())
    is_alone = parent is None or is_operand or stands_alone(document, node)
    return literal.start, literal.end, total if is_alone else f"({total})"


def stands_alone(document: Document, node: SgNode) -> bool:
    """Whether what is around an expression binds less than a sum: an argument, the right side of an assignment."""
    start, end = span(node)
    before, after = document.text[:start].rstrip(), document.text[end:].lstrip(" \t")
    return (
        before.endswith(("(", ",", "[", "{", "=", "=>", ":", "return"))
        and not before.endswith(("==", "!=", "<=", ">=", "?:"))
        and (not after or after[0] in ",)]};\r\n#")
        and not _goes_on(node)
    )


def _goes_on(node: SgNode) -> bool:
    """Whether an operator follows, which may stand on a later line."""
    for one in upwards(node):
        after = one.next()
        while after is not None and "comment" in str(after.kind()):
            after = after.next()
        if after is not None:
            parent = one.parent()
            is_infix = parent is not None and parent.kind() == "infix_expression"  # its operator is a name
            return is_infix or not (after.is_named() or after.text().strip() in ("", *",)]};"))
    return False


def _top(language: Language, node: SgNode) -> SgNode:
    """Return the whole chain of literals that one is joined in."""
    top = node
    for one in upwards(node):
        parent = one.parent()
        if parent is None or not (parent.kind() in language.joins or _is_sum(language, parent)):
            return one
        top = parent
    return top


def _is_sum(language: Language, node: SgNode) -> bool:
    return node.kind() in language.sums and any(one.text() == language.plus for one in node.children())


def _operands(language: Language, node: SgNode) -> Iterator[SgNode]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.kind() in language.joins or _is_sum(language, one):
            inside = (child for child in one.children() if child.is_named() and child.kind() not in language.comments)
            waiting += reversed([child for child in inside if child.text() != language.plus])
        else:
            yield one


def _text_of(language: Language, document: Document, node: SgNode) -> Literal | None:
    """Return what a literal, or a chain of them, says; None if none of it is understood."""
    operands = list(islice(_operands(language, node), _MOST_OPERANDS + 1))
    if len(operands) > _MOST_OPERANDS:
        return None
    parts = [_literal(language, document, one) if one.kind() in language.strings else None for one in operands]
    if len(parts) == 1:
        return parts[0]
    return joined(*span(node), parts) if any(parts) else None


def _literal(language: Language, document: Document, node: SgNode) -> Literal | None:
    start, end = span(node)
    quote = language.quote(document.text[start:end]) if end - start <= _LONGEST_LITERAL else None
    if quote is None:
        return None
    holes = (span(one) for one in descendants(node) if one.kind() in language.holes)
    return read_literal(document.text, start, end, quote, _outermost(holes))


def _outermost(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for one in sorted(spans, key=lambda at: (at[0], -at[1])):
        if not found or one[0] >= found[-1][1]:
            found.append(one)
    return found


def _within(own: Literal, text: Literal, stretch: tuple[int, int]) -> bool:
    low, high = own.body
    return low <= text.places[stretch[0]] and _end_of(text, stretch[1]) <= high


def _end_of(text: Literal, end: int) -> int:
    """Return where the last character before `end` of a text ends in the file."""
    for part in text.parts or (text,):
        if end and part.places[0] <= text.places[end - 1] < part.places[-1]:
            return next(place for place in part.places if place > text.places[end - 1])
    return text.places[end]


def names_before(document: Document, start: int) -> tuple[str, ...]:
    """Return the name in capitals that stands before a position on its line, if it may be a variable's."""
    line = document.text[document.text.rfind("\n", 0, start) + 1 : start]
    found = _NAMED_BEFORE.search(line[-200:])
    return (found[1],) if found and is_telling_name(found[1]) and not _OF_DATABASE.fullmatch(found[1]) else ()


__all__ = [
    "Language",
    "Refusal",
    "Replacement",
    "Template",
    "additions",
    "claims",
    "concatenated",
    "fault",
    "manual",
    "names_before",
    "stands_alone",
    "survey",
    "tree",
]

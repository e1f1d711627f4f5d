"""YAML: each scalar becomes what the program that reads the file takes for a variable, by the kind of file it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from secretguard.rewriting import (
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
from secretguard_languages import shell_lines, yaml_kinds
from secretguard_languages.literals import HOLE, Literal
from secretguard_languages.readings import Reading, reading
from secretguard_languages.syntax import deepest, parsed, upwards
from secretguard_languages.yaml_equality import why_different
from secretguard_languages.yaml_places import Inline, Instead, Left, Need, Place, Sample, Script, Tree
from secretguard_languages.yaml_scalars import Scalar, covered, expression_at, scalar_at, written

_BY_HAND = "Take the value out by hand."
_ANCHORED = Left("an anchor (`&…`) gives it to other places, too", "Take the anchor apart, and read it in each place.")
_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_NAME = re.compile(r"[A-Z][A-Z0-9_]{2,}")


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return int(document.name.lower().endswith((".yaml", ".yml")))


def survey(document: Document, spots: Sequence[Spot], around: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    tree = _tree(document, around)
    kind = yaml_kinds.kind_of(tree)
    found: list[Site | ManualItem] = []
    needs: dict[Need, int] = {}
    for spot in spots:
        if any(isinstance(one, Site) and one.start <= spot.start and spot.end <= one.end for one in found):
            continue  # the second copy in one scalar
        if _is_comment(tree, spot):
            found.append(placeholder(spot))
            continue
        scalar = scalar_at(tree.root, document.text, spot.start, spot.end)
        if scalar is None or scalar.is_key:
            found.append(_manual(document, spot, Left("it stands where no value of a setting is", _BY_HAND)))
            continue
        place = kind.place(_covered(scalar, tree), tree)
        one = _at(tree, spot, _covered(scalar, tree), place)
        found.append(one)
        if isinstance(one, Site) and not one.is_placeholder and (need := getattr(place, "need", None)):
            needs.setdefault(need, document.line(one.start))
    found += [ManualItem(document.path, line, need.reason, need.advice) for need, line in needs.items()]
    return found


def additions(document: Document, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`."""
    tree = _tree(document, Surroundings((), lambda _: None))
    return yaml_kinds.kind_of(tree).additions(tree, chosen) if chosen else ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: the same tree, but for what was edited."""
    return why_different(before.text, after.text)


def _tree(document: Document, around: Surroundings) -> Tree:
    source = covered(document.text)
    return Tree(document, source, parsed(source, "yaml"), around)


def _is_comment(tree: Tree, spot: Spot) -> bool:
    return any(one.kind() == "comment" for one in upwards(deepest(tree.root, spot.start, spot.end)))


def _manual(document: Document, spot: Spot, left: Left) -> ManualItem:
    return ManualItem(document.path, document.line(spot.start), left.reason, left.advice)


def _at(tree: Tree, spot: Spot, scalar: Scalar, place: Place) -> Site | ManualItem:
    document = tree.document
    if isinstance(place, Sample):
        return placeholder(spot)
    if isinstance(place, Left):
        return _manual(document, spot, place)
    if isinstance(place, Script):
        return _in_script(document, scalar, spot)
    if isinstance(place, Inline) and place.fallback and (site := _of_fallback(tree, spot, scalar, place)):
        return site
    if expression_at(document.text, spot.start):
        return _manual(document, spot, Left("it is part of a template's expression", "Rewrite the expression."))
    first = _ASSIGNED.match(scalar.text) if not scalar.path[-1:] or scalar.path[-1] == "" else None
    text = _put_in(scalar.literal, place) if isinstance(place, Inline) else scalar.literal
    low, high = text.inside(spot.start, spot.end)
    skipped = first.end() if first and first.end() <= low else 0
    read = reading(text.text[skipped:], low - skipped, high - skipped, spot)
    if isinstance(read, str):
        return _manual(document, spot, Left(read, "Encode it where it is used."))
    rest = len(text.text.rstrip("\n")) - skipped
    is_all = (read.start, read.end) == (0, rest)
    names = () if not is_all else (first[1],) if first and skipped else _names(scalar)
    is_whole = is_all and not skipped
    if isinstance(place, Instead):
        if not is_whole:
            return _manual(document, spot, Left("it is a part of a longer text", "Make the text where it is used."))
        if _is_anchored(tree, scalar, place):
            return _manual(document, spot, _ANCHORED)
        return Site(place.start, place.end, place.text, read.spelling, place.names)
    if place.is_whole and not is_whole:
        return _manual(document, spot, Left("only a whole value can be a reference here", "Make it a value by itself."))
    return _site(
        document, scalar, text, read._replace(start=read.start + skipped, end=read.end + skipped), place, names
    )


def _is_anchored(tree: Tree, scalar: Scalar, place: Instead) -> bool:
    """Whether what is replaced gives the value a name that other places stand for it by."""
    before = tree.source[place.start : scalar.literal.start]
    return re.search(r"(?:^|\s)&\S+\s", before) is not None


def _in_script(document: Document, scalar: Scalar, spot: Spot) -> Site | ManualItem:
    low, high = scalar.literal.inside(spot.start, spot.end)
    change = shell_lines.changed(scalar.text, low, high, spot)
    if isinstance(change, str):
        return _manual(document, spot, Left(change, "Have the script read it from its environment."))
    if change.spelling is None:
        return placeholder(spot)
    replaced = written(document, scalar, change.start, change.end, change.text)
    if replaced is None:
        return _manual(document, spot, Left("it cannot be written there on one line", _BY_HAND))
    return Site(*replaced, change.spelling, change.names)


def _site(
    document: Document, scalar: Scalar, text: Literal, read: Reading, place: Inline, names: tuple[str, ...]
) -> Site | ManualItem:
    start, end = text.places[read.start], text.places[read.end]
    low, high = scalar.literal.inside(start, end)
    replaced = written(document, scalar, low, high, _said(place.reference, scalar, place))
    if replaced is None:
        reason = "it cannot be written there on one line"
        return ManualItem(document.path, document.line(start), reason, _BY_HAND)
    return Site(*replaced, read.spelling, names)


def _of_fallback(tree: Tree, spot: Spot, scalar: Scalar, place: Inline) -> Site | None:
    """Return the site of a fallback, which goes together with its lookup."""
    if place.fallback is None:
        return None
    for one in place.fallback.finditer(tree.document.text, scalar.literal.start, scalar.literal.end):
        if one.start("value") <= spot.start and spot.end <= one.end("value"):
            content, at = one["value"], one.start("value")
            read = reading(content, spot.start - at, spot.end - at, spot)
            if isinstance(read, Reading) and (read.start, read.end) == (0, len(content)):
                kept = Lookup(one["name"], *one.span(), _said(one.expand(place.kept), scalar, place))
                names = (one["name"], *_names(scalar))
                return Site(*one.span(), _said(place.reference, scalar, place), read.spelling, names, lookup=kept)
    return None


def _said(text: str, scalar: Scalar, place: Inline) -> str:
    """Return what goes into a scalar, with quotes that do not end it."""
    return text.replace('"', "'") if place.is_first and scalar.literal.quote.opening == '"' else text


def _put_in(literal: Literal, place: Inline) -> Literal:
    """Return a text as the program gets it, HOLE for what is put in at run time."""
    if place.runs is None and not place.doubled:
        return literal
    double = re.escape(place.doubled * 2) if place.doubled else "(?!)"
    runs = place.runs.pattern if place.runs else "(?!)"
    text, places, at = "", [], 0
    for one in re.finditer(f"(?P<double>{double})|{runs}", literal.text):
        text += literal.text[at : one.start()] + (place.doubled if one["double"] else HOLE)
        places += [*literal.places[at : one.start()], literal.places[one.start()]]
        at = one.end()
    return Literal(literal.start, literal.end, text + literal.text[at:], (*places, *literal.places[at:]), literal.quote)


def _covered(scalar: Scalar, tree: Tree) -> Scalar:
    """Return a scalar whose text has HOLE where a template puts something in."""
    literal = scalar.literal
    text = "".join(
        HOLE if tree.source[place : place + 1] == HOLE else character
        for character, place in zip(literal.text, literal.places, strict=False)
    )
    return Scalar(
        scalar.node,
        Literal(literal.start, literal.end, text, literal.places, literal.quote),
        scalar.path,
        scalar.is_key,
        scalar.in_flow,
    )


def _names(scalar: Scalar) -> tuple[str, ...]:
    """Return the key of a scalar, if it is the name of a variable."""
    key = next((one for one in reversed(scalar.path) if one), "")
    return (key,) if _NAME.fullmatch(key) else ()

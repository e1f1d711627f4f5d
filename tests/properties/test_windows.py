"""What the sweep of changed lines builds on: an expression of the first pass matches within one line, in 512 bytes.

It may begin with the line break before that line, or say `^` and `$`.
"""

import re
import string
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from secretguard.engine.anchors import encoded_anchors
from secretguard.errors import RuleError
from secretguard.plugins import installed_rules
from secretguard.rules import PREFILTER_WIDTH, load_rules

RULES = installed_rules().rules
EXPRESSIONS = [
    *((rule.id, prefilter.encode()) for rule in RULES for prefilter in rule.prefilters),
    *((f"{anchor.encoding} form", anchor.expression) for anchor in encoded_anchors(RULES)),
]
SAME_IN_BOTH = set("bdsSwWDBtnrx") | set(string.digits) | set(string.punctuation) | {" "}
r"""What may follow a backslash: `\v`, `\h`, `\R`, `\Z` mean other things to Hyperscan than to Python."""
_CATEGORIES = {
    sre.CATEGORY_DIGIT: False, sre.CATEGORY_NOT_DIGIT: True, sre.CATEGORY_SPACE: True,
    sre.CATEGORY_NOT_SPACE: False, sre.CATEGORY_WORD: False, sre.CATEGORY_NOT_WORD: True,
}  # fmt: skip


def takes_line_break(op: Any, argument: Any, *, dotall: bool) -> bool:
    """Whether one element of an expression can stand for a line break."""
    if op is sre.LITERAL:
        return bool(argument == 10)
    if op is sre.NOT_LITERAL:
        return bool(argument != 10)
    if op is sre.ANY:
        return dotall
    if op is not sre.IN:
        return False
    negated = argument[0][0] is sre.NEGATE
    among = any(
        (kind is sre.LITERAL and value == 10)
        or (kind is sre.RANGE and value[0] <= 10 <= value[1])
        or (kind is sre.CATEGORY and _CATEGORIES[value])
        for kind, value in argument
    )
    return among != negated


def crosses_a_line(nodes: Any, *, first: bool = True, dotall: bool = False) -> bool:
    """Whether a match can hold a line break anywhere but as its very first byte; `first` if nothing stands before."""
    for node in nodes:
        op, argument = node
        if not first and takes_line_break(op, argument, dotall=dotall):
            return True
        if op is sre.SUBPATTERN:
            _, added, removed, body = argument
            inner = bool((dotall or added & re.DOTALL) and not removed & re.DOTALL)
            beyond = crosses_a_line(body, first=first, dotall=inner)
        elif op is sre.BRANCH:
            beyond = any(crosses_a_line(branch, first=first, dotall=dotall) for branch in argument[1])
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            beyond = crosses_a_line(argument[2], first=first and argument[1] == 1, dotall=dotall)
        else:
            assert op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN, sre.AT), f"{op} is not known here"
            beyond = False
        if beyond:
            return True
        first = first and _widest(nodes, node) == 0
    return False


def _widest(nodes: Any, node: Any) -> int:
    alone = _parser.SubPattern(nodes.state, [node])
    return int(alone.getwidth()[1])


def crosses(expression: bytes) -> bool:
    tree = _parser.parse(expression)
    return crosses_a_line(tree, dotall=bool(tree.state.flags & re.DOTALL))


@pytest.mark.parametrize(
    "expression",
    [rb"a\s", rb"a[^b]", rb"a\W", rb"a\D", rb"a\n", rb"(?s:a.)", rb"(?s)a.", rb"x?\n", rb"\n\n", rb"(?:\n){2}",
     rb"(?:\n|a)b\n", rb"(?:a|b[^c])", rb"[\x00-\x20]{2}", rb"^a(?:b(?:c\s)?)", rb"(?:^|a)\s"],
)  # fmt: skip
def test_the_proof_sees_a_line_break(expression: bytes) -> None:
    assert crosses(expression)


@pytest.mark.parametrize(
    "expression",
    [rb"a.", rb"\nab", rb"(?:^|[^a])b", rb"(?:\n|^)a", rb"^a$", rb"(?:\n\x00|[^\x00])a", rb"[^a\n]{1,9}",
     rb"(?s:a(?-s:.))"],
)  # fmt: skip
def test_the_proof_lets_edges_pass(expression: bytes) -> None:
    assert not crosses(expression)


def test_no_expression_matches_across_a_line() -> None:
    crossing = [(name, expression) for name, expression in EXPRESSIONS if crosses(expression)]
    assert crossing == []


def test_no_expression_matches_more_than_the_reach() -> None:
    wide = [name for name, expression in EXPRESSIONS if _parser.parse(expression).getwidth()[1] > PREFILTER_WIDTH]
    assert wide == []


def test_every_escape_means_the_same_to_hyperscan() -> None:
    others = {
        (name, pair)
        for name, expression in EXPRESSIONS
        for pair in re.findall(r"\\(.)", expression.decode("latin-1"), re.DOTALL)
        if pair not in SAME_IN_BOTH
    }
    assert others == set()


RULE = "rules:\n  - {{id: acme, kind: acme, title: Acme, severity: low, pattern: '{}'}}\n"


@pytest.mark.parametrize("pattern", [r"acme\s", r"acme[^x]", r"(?s:acme.)", r"(?s)acme.", r"acme\n", r"acme\D"])
def test_a_rule_that_could_is_refused_with_what_to_do(pattern: str) -> None:
    with pytest.raises(RuleError, match="can cross a line") as caught:
        load_rules(RULE.format(pattern), "acme")
    assert r"[ \t]" in caught.value.hint


def test_the_ends_of_a_text_become_ends_of_a_line() -> None:
    (rule,) = load_rules(RULE.format(r"\Aacme\v[\\AZ]\\Z\Z"), "acme")
    assert rule.prefilters == (r"^acme\x0b[\\AZ]\\Z$",)
    assert rule.pattern == r"\Aacme\v[\\AZ]\\Z\Z"

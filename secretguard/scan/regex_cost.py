"""How long a backtracking engine may take over a bounded expression, from its syntax tree alone."""

import re
from collections.abc import Iterable
from re import _constants as sre  # type: ignore[attr-defined]
from typing import Any

ENDLESS = 10**9

_ALL = (1 << 256) - 1
_LETTERS = sum(1 << byte for byte in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_CATEGORIES = {
    category: sum(1 << byte for byte in range(256) if re.match(expression, bytes([byte])))
    for category, expression in (
        (sre.CATEGORY_DIGIT, rb"\d"),
        (sre.CATEGORY_NOT_DIGIT, rb"\D"),
        (sre.CATEGORY_SPACE, rb"\s"),
        (sre.CATEGORY_NOT_SPACE, rb"\S"),
        (sre.CATEGORY_WORD, rb"\w"),
        (sre.CATEGORY_NOT_WORD, rb"\W"),
    )
}
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)


def cost(nodes: Any, follow: int = 0) -> int:
    """Return at most in how many ways one attempt can divide a text between the repeats and branches of `nodes`.

    Sets of bytes are integers of 256 bits. A repeat whose first byte cannot be the byte that must `follow` it can
    end in one place only, and counts once; any other counts each length it may have.
    """
    total = 1
    for op, argument in reversed(list(nodes)):
        total = min(ENDLESS, total * _node_cost(op, argument, follow))
        first, optional = _first_of_node(op, argument)
        follow = first | (follow if optional else 0)
    return total


def _node_cost(op: Any, argument: Any, follow: int) -> int:
    if op in _REPEATS:
        low, high, body = argument
        first, _ = _first(body)
        once = cost(body, first | follow)
        rounds = ENDLESS if once > 1 and high > 30 else min(ENDLESS, once ** int(high if once > 1 else 1))
        return rounds * (high - low + 1) if low != high and first & follow else rounds
    if op is sre.BRANCH:
        costs = [cost(branch, follow) for branch in argument[1]]
        return max(costs) if _exclusive(argument[1], follow) else sum(costs)
    if op is sre.SUBPATTERN:
        return cost(argument[3], follow)
    if op is sre.ATOMIC_GROUP:
        return cost(argument, follow)
    return 1


def _first(nodes: Any) -> tuple[int, bool]:
    """Return the bytes that a match may begin with, and whether it may be empty."""
    first = 0
    for op, argument in nodes:
        mask, optional = _first_of_node(op, argument)
        first |= mask
        if not optional:
            return first, False
    return first, True


def _first_of_node(op: Any, argument: Any) -> tuple[int, bool]:
    if op in _REPEATS:
        first, optional = _first(argument[2])
        return first, optional or argument[0] == 0
    if op is sre.BRANCH:
        parts = [_first(branch) for branch in argument[1]]
        return _union(mask for mask, _ in parts), any(optional for _, optional in parts)
    if op is sre.SUBPATTERN:
        return _first(argument[3])
    if op is sre.ATOMIC_GROUP:
        return _first(argument)
    if op is sre.AT:
        return _ALL, True  # an edge may fail after any byte, so it ends no repeat in one place only
    return _either_case(_bytes_of(op, argument)), False


def _bytes_of(op: Any, argument: Any) -> int:
    if op is sre.LITERAL:
        return 1 << int(argument)
    if op is sre.NOT_LITERAL:
        return _ALL & ~(1 << int(argument))
    if op is sre.RANGE:
        low, high = map(int, argument)
        return (1 << (high + 1)) - (1 << low)
    if op is sre.CATEGORY:
        return _CATEGORIES[argument]
    if op is sre.IN:
        negated = argument[0][0] is sre.NEGATE
        inside = _union(_bytes_of(*item) for item in argument[negated:])
        return _ALL & ~inside if negated else inside
    return _ALL


def _either_case(mask: int) -> int:
    return mask | (mask & _LETTERS) << 32 | (mask >> 32) & _LETTERS


def _union(masks: Iterable[int]) -> int:
    together = 0
    for mask in masks:
        together |= mask
    return together


def _exclusive(branches: Any, follow: int) -> bool:
    """Whether the next byte alone decides between the branches."""
    together = 0
    may_be_empty = False
    for branch in branches:
        first, optional = _first(branch)
        first |= follow if optional else 0
        if together & first or (optional and may_be_empty):
            return False
        together |= first
        may_be_empty = may_be_empty or optional
    return True

"""What a rule's expression may be: bounded, on one line, without look-around, safe from backtracking."""

import random
import re
from collections.abc import Iterable, Iterator
from functools import cache
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from secretguard.errors import RuleError

_NEWLINE = 10


def check_pattern(pattern: str, max_width: int, where: str) -> None:
    """Raise RuleError, naming `where`, unless `pattern` is bounded by `max_width` bytes, single-line and linear."""
    if not pattern:
        return
    try:
        tree = _parser.parse(pattern.encode("utf-8"))
        re.compile(pattern.encode("utf-8"))
    except (re.error, OverflowError, RecursionError) as error:
        raise RuleError(f"{where} is not a regular expression: {error}") from None
    _check_nodes(tree, where, repeated=False, dotall=bool(tree.state.flags & re.DOTALL))
    width = tree.getwidth()[1]
    if width > max_width:
        raise RuleError(
            f"{where} may be {width} bytes wide, the limit is {max_width}",
            hint="Give every repeat an upper bound: {20,64} in place of {20,} or +.",
        )


def pattern_width(pattern: str) -> int:
    """Return the greatest number of bytes `pattern` can match."""
    return int(_parser.parse(pattern.encode("utf-8")).getwidth()[1])


def other_than(words: Iterable[str], excluded: str, longest: int) -> str:
    """Return an expression for a text of characters not `excluded`, at most `longest`, that is none of `words`.

    It spells out what look-ahead would say, which no prefilter can follow. `excluded` is the inside of a class; words
    are plain letters.
    """
    known = set(words)
    heads = {word[:size] for word in known for size in range(len(word) + 1)}
    ways = []
    for head in sorted(heads):
        follow = "".join(sorted(one[-1] for one in heads if one and one[:-1] == head))
        ways.append(f"{head}[^{excluded}{follow}]")
    shorter = sorted(heads - known - {""})
    return f"(?:(?:{'|'.join(ways)})[^{excluded}]{{0,{longest - 1}}}|{'|'.join(shorter)})"


def _check_nodes(nodes: Any, where: str, *, repeated: bool, dotall: bool) -> None:
    for op, argument in nodes:
        if op in (sre.ASSERT, sre.ASSERT_NOT):
            raise RuleError(f"{where} uses look-around", hint="Use `before` and `after` for the edges of a match.")
        if op in (sre.GROUPREF, sre.GROUPREF_EXISTS):
            raise RuleError(f"{where} uses a back reference, which no prefilter can follow")
        if _matches_newline(op, argument) or (op is sre.ANY and dotall):
            raise RuleError(
                f"{where} can cross a line", hint=r"Write [ \t] for \s, and add \n to a negated class: [^\"\n]."
            )
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            low, high, body = argument
            if high >= sre.MAXREPEAT:
                raise RuleError(f"{where} has an unbounded repeat", hint="Give it an upper bound, such as {1,64}.")
            if repeated and high > low and high > 3 and not _has_separator(nodes, body):
                raise RuleError(
                    f"{where} nests variable repeats and would backtrack", hint="Put a separator between the repeats."
                )
            _check_nodes(body, where, repeated=repeated or (high > 3 and high > low), dotall=dotall)
        elif op is sre.SUBPATTERN:
            _, added, removed, body = argument
            _check_nodes(
                body, where, repeated=repeated, dotall=bool((dotall or added & re.DOTALL) and not removed & re.DOTALL)
            )
        elif op is sre.ATOMIC_GROUP:
            _check_nodes(argument, where, repeated=repeated, dotall=dotall)
        elif op is sre.BRANCH:
            for branch in argument[1]:
                _check_nodes(branch, where, repeated=repeated, dotall=dotall)


def _has_separator(siblings: Any, body: Any) -> bool:
    r"""Whether a literal beside the inner repeat keeps one split of the text: `(?:[a-z]{1,63}\.){1,5}`."""
    literals = [argument for op, argument in siblings if op is sre.LITERAL]
    return any(not _accepts(node, literal) for literal in literals for node in body)


def _accepts(node: tuple[Any, Any], byte: int) -> bool:
    op, argument = node
    if op is sre.LITERAL:
        return bool(argument == byte)
    if op is sre.NOT_LITERAL:
        return bool(argument != byte)
    if op is sre.ANY:
        return byte != _NEWLINE
    if op is sre.IN:
        return _in_class(argument, byte)
    return True


def _matches_newline(op: Any, argument: Any) -> bool:
    if op is sre.LITERAL:
        return bool(argument == _NEWLINE)
    if op is sre.NOT_LITERAL:
        return bool(argument != _NEWLINE)
    return op is sre.IN and _in_class(argument, _NEWLINE)


def _in_class(items: Any, byte: int) -> bool:
    negated = bool(items) and items[0][0] is sre.NEGATE
    return any(_item_accepts(op, argument, byte) for op, argument in items) != negated


def _item_accepts(op: Any, argument: Any, byte: int) -> bool:
    if op is sre.LITERAL:
        return bool(argument == byte)
    if op is sre.RANGE:
        return bool(argument[0] <= byte <= argument[1])
    if op is sre.CATEGORY:
        return re.fullmatch(_CATEGORIES[argument], bytes([byte])) is not None
    return False


_ONE_OF_SEVERAL = (sre.IN, sre.ANY, sre.NOT_LITERAL)
_CATEGORIES = {
    sre.CATEGORY_DIGIT: rb"\d",
    sre.CATEGORY_NOT_DIGIT: rb"\D",
    sre.CATEGORY_SPACE: rb"\s",
    sre.CATEGORY_NOT_SPACE: rb"\S",
    sre.CATEGORY_WORD: rb"\w",
    sre.CATEGORY_NOT_WORD: rb"\W",
}


def samples(pattern: str, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield `count` texts that `pattern` matches, mostly its shortest ones, where matchers are tried hardest."""
    tree = _parser.parse(pattern.encode("utf-8"))
    rng = random.Random(f"{seed}:{pattern}")
    for _ in range(count):
        text = bytearray()
        _add_sample(tree, rng, text)
        yield bytes(text)


def _add_sample(nodes: Any, rng: random.Random, text: bytearray) -> None:
    for op, argument in nodes:
        if op is sre.LITERAL:
            text.append(argument)
        elif op in _ONE_OF_SEVERAL:
            text.append(rng.choice(_accepted(op, argument)))
        elif op is sre.BRANCH:
            _add_sample(rng.choice(argument[1]), rng, text)
        elif op is sre.SUBPATTERN:
            _add_sample(argument[3], rng, text)
        elif op is sre.ATOMIC_GROUP:
            _add_sample(argument, rng, text)
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            low, high, body = argument
            times = min(high, low + rng.choice((0, 0, 0, 1, 2)))
            if len(body) == 1 and body[0][0] in _ONE_OF_SEVERAL:
                text += bytes(rng.choices(_accepted(*body[0]), k=times))  # most of every token
                continue
            for _ in range(times):
                _add_sample(body, rng, text)


def _accepted(op: Any, argument: Any) -> bytes:
    """Return the bytes a class accepts: the visible ones, if there are any."""
    return _bytes_of(op, tuple(argument) if op is sre.IN else argument)


@cache
def _bytes_of(op: Any, argument: Any) -> bytes:
    every = bytes(byte for byte in range(256) if byte != _NEWLINE and _accepts((op, argument), byte))
    return bytes(byte for byte in every if 0x20 < byte < 0x7F) or every

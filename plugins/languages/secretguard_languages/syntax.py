"""Syntax trees by ast-grep, whose grammars are compiled in; positions are characters."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from secretguard.errors import RewriteError

if TYPE_CHECKING:
    from ast_grep_py import SgNode

GRAMMARS = frozenset(
    (
        *("bash", "csharp", "go", "hcl", "html", "java", "javascript", "json", "kotlin", "markdown", "php", "python"),
        *("ruby", "rust", "scala", "tsx", "typescript", "yaml"),
    )
)
"""An unknown name makes ast-grep panic, which is no Exception."""
DEEPEST = 1_000
"""Levels of a tree; nobody wrote what is nested more deeply."""


@lru_cache(maxsize=2)  # a file before and after, of which several questions are asked in a row
def parsed(text: str, grammar: str) -> SgNode:
    """Return the root of the tree of `text`; raises RewriteError if the library is not installed."""
    try:
        from ast_grep_py import SgRoot
    except ImportError:
        raise RewriteError("ast-grep is not installed", hint="pip install 'secretguard[rewrite]'") from None
    if grammar not in GRAMMARS:
        raise AssertionError(f"no grammar {grammar}")
    return SgRoot(text, grammar).root()


def errors(root: SgNode) -> int:
    """Return how many places of a tree are not of its language."""
    return len(root.find_all(kind="ERROR"))


def span(node: SgNode) -> tuple[int, int]:
    """Return the characters of a node."""
    place = node.range()
    return place.start.index, place.end.index


def deepest(root: SgNode, start: int, end: int) -> SgNode:
    """Return the smallest node that holds [start, end); raises RecursionError below `DEEPEST` levels."""
    node = root
    for _ in range(DEEPEST):
        for child in node.children():
            low, high = span(child)
            if low <= start and end <= high and high > low:
                node = child
                break
        else:
            return node
    raise RecursionError("nested too deeply")  # to go up again costs the square of the depth


def descendants(root: SgNode) -> Iterator[SgNode]:
    """Yield every node below one, a parent before its children."""
    waiting = list(reversed(root.children()))
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children())


def upwards(node: SgNode) -> Iterator[SgNode]:
    """Yield a node, its parent, and so on to the root."""
    one: SgNode | None = node
    while one is not None:
        yield one
        one = one.parent()

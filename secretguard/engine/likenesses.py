"""Prefilters that differ in their first words only, as one: sixteen kinds of connection URI cost one that way."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from secretguard.model import Rule

Member = tuple[int, int]
"""Number of a rule, and of its prefilter."""

_WORDS_FIRST = re.compile(r"\(\?i:\(\?:((?:[^()\[\]{}?*+.^$|\\]|\\.|\|)+)\)(.{20,})\)", re.DOTALL)
"""`(?i:(?:word|word)rest)`; a rest that is shorter is not worth sharing."""


def shared(rules: Iterable[Rule]) -> Iterator[tuple[str, Sequence[Member]]]:
    """Yield expressions and the prefilters each stands for: one mostly, or some with the same rest."""
    alike: dict[str, list[tuple[str, Member]]] = defaultdict(list)
    for number, rule in enumerate(rules):
        for index, prefilter in enumerate(rule.prefilters):
            match = _WORDS_FIRST.fullmatch(prefilter)
            if match is None or any(len(word) < 3 for word in match[1].split("|")):
                yield prefilter, [(number, index)]  # Hyperscan misses words of one or two letters: see `rules`
            else:
                alike[match[2]].append((match[1], (number, index)))
    for rest, found in alike.items():
        words = {word for some, _ in found for word in some.split("|")}
        longest_first = "|".join(sorted(words, key=lambda word: (-len(word), word)))
        yield f"(?i:(?:{longest_first}){rest})", [member for _, member in found]

"""A rule that is a little too wide or too narrow is noticed: by its own examples, or by the formats' generators."""

import random
from collections.abc import Iterator

import pytest

from secretguard.engine import values
from secretguard.engine.precise import Judge, compile_judge, judge_text
from secretguard.examples import fill
from secretguard.model import Rule
from secretguard.plugins import installed_rules
from tests.generators import GENERATORS, NEAR_MISSES
from tests.rules.mutants import mutants

SEEDS = range(5)
EQUIVALENT: dict[tuple[str, str], str] = {}
"""(rule, mutant): why no text can tell it from the rule."""

Outcome = tuple[tuple[object, ...], ...]


def outcome(judge: Judge, text: str) -> Outcome:
    """Return what one rule by itself finds in a text."""
    found = (parts for _, parts in judge_text(text.encode(), [(judge, None)]))
    return tuple((p.start, p.end, p.user, p.secret, p.endpoints) for p in found if not values.placeholder(p.secret))


def texts(rule: Rule) -> Iterator[str]:
    """Yield the rule's examples and counter-examples, then the samples and near misses of its kind."""
    for seed in SEEDS:
        yield from (fill(example, seed) for example in (*rule.examples, *rule.counter_examples))
    if rule.kind in GENERATORS:
        for seed in SEEDS[:2]:
            yield from (sample.text for sample in GENERATORS[rule.kind](random.Random(seed)))
            yield from NEAR_MISSES[rule.kind](random.Random(seed))


@pytest.mark.parametrize("rule", installed_rules().rules, ids=lambda rule: rule.id)
def test_no_mutant_of_a_rule_survives(rule: Rule) -> None:
    judge = compile_judge(rule)
    known = [(text, outcome(judge, text)) for text in texts(rule)]
    alive = []
    for name, mutant in mutants(rule):
        changed = compile_judge(mutant)
        if (rule.id, name) not in EQUIVALENT and all(outcome(changed, text) == found for text, found in known):
            alive.append(name)
    assert not alive

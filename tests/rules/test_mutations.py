"""A rule that is a little too wide or too narrow is noticed: by its own examples, or by the formats' generators."""

import random
from collections.abc import Iterator

import pytest

from secretguard.engine import values
from secretguard.engine.precise import Judge, compile_judge, judge_region
from secretguard.examples import fill
from secretguard.model import Rule
from secretguard.plugins import installed_rules
from secretguard.rules import load_rules
from tests.generators import GENERATORS, NEAR_MISSES, password_settings
from tests.rules.mutants import mutants

SEEDS = range(5)
EQUIVALENT = {
    ("flyio-token", "{0,3} -> {0,4} at 91"): "a fifth macaroon in a list is found as a list of its own",
}
"""(rule, mutant): why no text can tell it from the rule."""

Outcome = tuple[tuple[object, ...], ...]


def outcome(judge: Judge, text: str) -> Outcome:
    """Return what one rule by itself finds in a text."""
    found = judge_region(judge, text.encode(), 0, len(text.encode()))
    return tuple((p.start, p.end, p.user, p.secret, p.endpoints) for p in found if not values.placeholder(p.secret))


def texts(rule: Rule) -> Iterator[str]:
    """Yield the rule's examples and counter-examples, then the samples and near misses of its kind."""
    for seed in SEEDS:
        yield from (fill(example, seed) for example in (*rule.examples, *rule.counter_examples))
    if rule.form == "split":
        yield from (sample.text for sample in password_settings(random.Random(0)) if sample.kind == rule.family)
    if rule.kind in GENERATORS:
        for seed in SEEDS[:2]:
            yield from (sample.text for sample in GENERATORS[rule.kind](random.Random(seed)))
            yield from NEAR_MISSES[rule.kind](random.Random(seed))


def survivors(rule: Rule) -> list[str]:
    """Return the mutants that find the very same in every text."""
    judge = compile_judge(rule)
    known = [(text, outcome(judge, text)) for text in texts(rule)]
    changed = ((name, compile_judge(mutant)) for name, mutant in mutants(rule))
    return [name for name, mutant in changed if all(outcome(mutant, text) == found for text, found in known)]


@pytest.mark.parametrize("rule", installed_rules().rules, ids=lambda rule: rule.id)
def test_no_mutant_of_a_rule_survives(rule: Rule) -> None:
    excused = [name for rule_id, name in EQUIVALENT if rule_id == rule.id]
    assert survivors(rule) == excused


TOY = """
vendor: Acme
rules:
  - id: acme-key
    kind: acme
    title: Acme key
    severity: high
    pattern: 'ac-[0-9a-f]{8}'
    examples: ['KEY=ac-{{hex:8}}']
    counter_examples: %s
"""


def test_a_rule_with_too_few_examples_is_noticed() -> None:
    (rule,) = load_rules(TOY % "['KEY=ac-{{hex:7}}']", "toy")
    assert survivors(rule) == ["[0-9a-f] -> [ghijklmnopqrstuvwxyz0-9a-f] at 3", "without `after`"]
    (better,) = load_rules(TOY % "['KEY=ac-{{hex:7}}', 'KEY=ac-{{hex:9}}', 'KEY=ac-{{hex:4}}g{{hex:3}}']", "toy")
    assert survivors(better) == []


def test_mutants_change_one_fact_each() -> None:
    (rule,) = load_rules(TOY % "[]", "toy")
    changes = [name.rpartition(" at ")[0] or name for name, _ in mutants(rule)]
    assert changes == [
        "a -> b", "c -> d", "- -> x",
        "[0-9a-f] -> [a-f]", "[0-9a-f] -> [0-9]", "[0-9a-f] -> [ghijklmnopqrstuvwxyz0-9a-f]",
        "{8} -> {7}", "{8} -> {9}",
        "without `after`",
    ]  # fmt: skip

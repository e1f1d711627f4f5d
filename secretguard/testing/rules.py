"""The contract of a rules plugin, and one-line access to the engine for tests."""

import hashlib
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import ClassVar

from secretguard.engine.anchors import encoded_anchors
from secretguard.engine.detect import Detector, detect, oracle
from secretguard.engine.prefilter import HyperscanPrefilter, compile_prefilter
from secretguard.examples import fill
from secretguard.model import Blob, Match, Rule
from secretguard.plugins import installed_rules
from secretguard.rules import check_unique, load_rules

SEEDS = range(5)


def find(text: str | bytes, *, without_prefilter: bool = False) -> list[Match]:
    """Run all installed rules over the text of one file."""
    rules = _installed()
    return find_with(rules, text, without_prefilter=without_prefilter)


def find_with(rules: Sequence[Rule], text: str | bytes, *, without_prefilter: bool = False) -> list[Match]:
    """Run `rules` over the text of one file."""
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    detector = _oracle(tuple(rules)) if without_prefilter else _fast(tuple(rules))
    return list(detect(Blob(hashlib.sha1(data, usedforsecurity=False).hexdigest(), data), detector).matches)


def check_rule(rule: Rule) -> list[str]:
    """Run a rule's examples and counter-examples by themselves; return what is wrong as sentences."""
    wrong = []
    if not rule.examples:
        wrong.append(f"{rule.id} has no examples")
    if not rule.counter_examples:
        wrong.append(f"{rule.id} has no counter-examples")
    for seed in SEEDS:
        for example in rule.examples:
            found = [m for m in find_with((rule,), fill(example, seed)) if not m.placeholder]
            if len(found) != 1:
                wrong.append(f"{rule.id} finds {len(found)} matches in its example {example!r}, expected one")
        wrong.extend(
            f"{rule.id} matches its counter-example {counter!r}"
            for counter in rule.counter_examples
            if any(not m.placeholder for m in find_with((rule,), fill(counter, seed)))
        )
    return sorted(set(wrong))


class RulesPluginContract:
    """Subclass it, set `plugin` to your module, and pytest checks what a rules plugin must hold."""

    plugin: ClassVar[ModuleType]

    def _rules(self) -> tuple[Rule, ...]:
        name = self.plugin.__name__
        return tuple(rule for file in self.plugin.rules() for rule in load_rules(file.read_text("utf-8"), name))

    def test_rule_files_load_and_ids_are_unique(self) -> None:
        """Every rule file is valid, and no two rules share an id."""
        rules = self._rules()
        assert rules
        check_unique(rules)

    def test_examples_are_found_and_counter_examples_are_not(self) -> None:
        """Every rule finds each of its examples once and none of its counter-examples."""
        assert [problem for rule in self._rules() for problem in check_rule(rule)] == []

    def test_prefilter_covers_what_the_rule_finds(self) -> None:
        """What a rule finds without the prefilter, it finds with it."""
        for rule in self._rules():
            for example in rule.examples:
                text = fill(example, 7)
                slow = find_with((rule,), text, without_prefilter=True)
                fast = find_with((rule,), text)
                assert [(m.start, m.end) for m in fast] == [(m.start, m.end) for m in slow], (rule.id, example)


@cache
def _installed() -> tuple[Rule, ...]:
    return installed_rules().rules


@cache
def _fast(rules: tuple[Rule, ...]) -> Detector:
    return Detector(rules, HyperscanPrefilter(compile_prefilter(rules, encoded_anchors(rules)), rules))


@cache
def _oracle(rules: tuple[Rule, ...]) -> Detector:
    return oracle(rules)

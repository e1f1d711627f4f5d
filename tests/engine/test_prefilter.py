"""The prefilter finds every place its expressions match, also where Hyperscan by itself does not."""

import re

import pytest

from secretguard.engine.anchors import encoded_anchors
from secretguard.engine.prefilter import HyperscanPrefilter, compile_prefilter
from secretguard.model import Rule
from secretguard.plugins import installed_rules
from secretguard.rules import load_rules

MISSED = "(?i:(?:postgres|pg)[a-z]{0,32}password=)"
"""What Vectorscan 5.4 does not find when some 24 bytes stand before it; see docs/decisions.md."""
PLACES = [
    b"x" * before + b" " + name + b"password=" for before in (0, 7, 24, 60) for name in (b"pg", b"PGmain", b"postgres")
]


def rule(prefilter: str) -> Rule:
    text = f"vendor: Acme\nrules:\n  - {{id: acme, kind: acme, title: Acme, severity: low, pattern: '{prefilter}'}}\n"
    return load_rules(text, "acme")[0]


def hits(prefilter: HyperscanPrefilter, text: bytes) -> list[int]:
    return prefilter.scan(text).rules.get(0, [])


def test_no_rule_of_ours_needs_the_fallback() -> None:
    rules = installed_rules().rules
    missed = compile_prefilter(rules, encoded_anchors(rules)).missed
    assert not [(rules[number].id, rules[number].prefilters[index]) for number, index in missed]


@pytest.mark.parametrize("text", PLACES, ids=lambda text: f"{len(text)} bytes")
def test_what_hyperscan_misses_is_found_all_the_same(text: bytes) -> None:
    rules = (rule(MISSED),)
    assert len(text) in hits(HyperscanPrefilter(compile_prefilter(rules, ()), rules), text + b"\n")


def test_an_expression_that_is_named_as_missed_is_run_by_python() -> None:
    # The database knows another expression, so that only the fallback can answer.
    compiled = compile_prefilter((rule("never-in-the-text"),), ())
    fallback = HyperscanPrefilter(compiled._replace(missed=((0, 0),)), (rule("acme_[a-z]{4}"),))
    text = b"first\nkey = acme_abcd\nacme_wxyz"
    assert hits(fallback, text) == [match.end() for match in re.finditer(rb"acme_[a-z]{4}", text)]


def test_without_the_fallback_an_expression_is_not_run_twice() -> None:
    rules = (rule("acme_[a-z]{4}"),)
    compiled = compile_prefilter(rules, ())
    assert compiled.missed == ()
    assert hits(HyperscanPrefilter(compiled, rules), b"acme_abcd acme_wxyz\n") == [9, 19]


def test_zeros_between_two_hits_change_nothing_but_their_offsets() -> None:
    rules = (rule("acme-[a-z]{8}"),)
    prefilter = HyperscanPrefilter(compile_prefilter(rules, ()), rules)
    text = b"key = acme-abcdefgh\n"
    alone = prefilter.ends(text)
    assert alone
    for gap in (0, 1, 4095, 4096, 5121, 100_000):
        apart = [*alone, *((end + len(text) + gap, owner) for end, owner in alone)]
        assert prefilter.ends(text + bytes(gap) + text) == apart
        assert prefilter.ends(bytes(gap) + text + bytes(gap)) == [(end + gap, owner) for end, owner in alone]

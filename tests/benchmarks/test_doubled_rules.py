"""The second set of rules is as large and as costly in shape as the first, and really another one."""

from pathlib import Path

import pytest

from benchmarks.doubled_rules import doubled, turned, write_doubled
from secretguard.plugins import installed_rules
from secretguard.rules import load_rules


@pytest.mark.parametrize(
    ("expression", "second"),
    [
        ("acme_[A-Za-z0-9]{40}", "hjtl_[A-Za-z0-9]{40}"),
        (r"(?i:\bkey\d\x41)x{2,}", r"(?i:\brlf\d\x41)e{2,}"),
        ("(?P<secret>(?-i:AB)[]z^])", "(?P<secret>(?-i:HI)[]z^])"),
    ],
)
def test_only_literals_are_turned(expression: str, second: str) -> None:
    assert turned(expression) == second


def test_nearly_every_rule_has_a_second_one_that_searches_for_other_text(tmp_path: Path) -> None:
    rules = {rule.id: rule for rule in installed_rules().rules}
    own, added = write_doubled(tmp_path / "more.yaml")
    assert own == len(rules)
    assert added > 0.95 * own
    again = load_rules((tmp_path / "more.yaml").read_text("utf-8"), "more")
    assert len(again) == added
    for second in again:
        first = rules[second.id.removesuffix("-turned")]
        assert second.prefilters != first.prefilters
        assert len(second.prefilters) == len(first.prefilters)


def test_a_rule_without_a_literal_is_left_out() -> None:
    rule = next(rule for rule in installed_rules().rules if rule.id == "zhipu-api-key")
    assert doubled([rule]) == []

"""A rule file is refused, with a reason, before it can do harm."""

import pytest

from secretguard.errors import RuleError
from secretguard.patterns import pattern_width
from secretguard.rules import check_unique, load_rules, rule_from_json, rule_to_json, rules_digest

RULE = "id: acme-key\n    kind: acme\n    title: Acme key\n    severity: high\n    pattern: '{}'"


def rule_file(pattern: str = "acme_[a-z]{20}", more: str = "") -> str:
    return "vendor: Acme\nrules:\n  - " + RULE.format(pattern) + "\n" + more


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("acme_[a-z]+", "unbounded"),
        ("acme_[a-z]{20,}", "unbounded"),
        ("acme_.*", "unbounded"),
        (r"acme\s[a-z]{20}", "cross a line"),
        (r"acme[^x]{20}", "cross a line"),
        (r"acme\n", "cross a line"),
        (r"acme\W", "cross a line"),
        ("acme_(?=x)", "look-around"),
        ("acme_(?<!x)y", "look-around"),
        (r"acme_(a)\1", "back reference"),
        ("(?:[a-z]{1,40}){1,40}", "backtrack"),
        ("(?:[a-z]{1,40}[a-z0-9]{0,9}){1,40}x", "backtrack"),
        ("acme_(", "not a regular expression"),
        ("acme_[a-z]{9000}", "9005 bytes"),
    ],
)
def test_an_unsafe_pattern_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        load_rules(rule_file(pattern), "acme")


@pytest.mark.parametrize(
    "pattern", ["acme_[a-z]{20}", r"(?:[a-z0-9]{1,63}\.){1,5}com", r"acme[ \t]{0,9}=[^\n]{4}", "[^\\s]{3}"]
)
def test_a_safe_pattern_is_taken(pattern: str) -> None:
    (rule,) = load_rules(rule_file(pattern), "acme")
    assert rule.prefilters == (pattern,)
    assert pattern_width(pattern) < 400


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a", "a mapping"),
        ("{rules: 3}", "a list `rules`"),
        ("rules: [[", "not YAML"),
        ("rules: [{id: a}]", "has no `kind`"),
        (rule_file(more="    sevrity: low"), "unknown key 'sevrity'"),
        (rule_file(more="    family: nobody"), "unknown family"),
        (rule_file(more="    checksum: md5"), "unknown checksum"),
        (rule_file(more="    before: 'ab'"), "one character class"),
        (rule_file().replace("severity: high", "severity: awful"), "severity is one of"),
        (rule_file().replace("id: acme-key", "id: Acme Key"), "lower case words"),
    ],
)
def test_a_malformed_rule_file_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        load_rules(text, "acme")


def test_two_rules_with_one_id_are_refused_and_both_owners_named() -> None:
    with pytest.raises(RuleError, match=r"twice: by acme and by ./mine\.yaml"):
        check_unique([*load_rules(rule_file(), "acme"), *load_rules(rule_file(), "./mine.yaml")])


def test_a_rule_survives_the_cache_and_any_change_of_it_changes_the_digest() -> None:
    rules = load_rules(rule_file(), "acme")
    assert tuple(rule_from_json(rule_to_json(rule)) for rule in rules) == rules
    assert rules_digest(load_rules(rule_file("acme_[a-z]{21}"), "acme")) != rules_digest(rules)

"""RE2 expressions of other tools mean here what they mean there, or are refused with a reason."""

import json
import re
import time
from contextlib import suppress
from re import _parser  # type: ignore[attr-defined]

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretguard.engine.prefilter import compile_prefilter
from secretguard.rules import load_rules
from secretguard.scan.re2 import COSTLIEST_SEARCH, rule_pattern, search_pattern
from secretguard.scan.regex_cost import cost


@pytest.mark.parametrize(
    ("expression", "yes", "no"),
    [
        (r"(^|/)node_modules/.*$", ["node_modules/x", "a/node_modules/b/c"], ["my_node_modules/x"]),
        (r"(?i)\.(?:JPE?G|png)$", ["a.jpg", "b.PNG", "c.JpEg"], ["a.jpg.txt"]),
        (r"^(?i:a|b)x", ["Ax", "bx"], ["AX", "c"]),
        (r"pre(?i)fix|other", ["preFIX", "OTHER"], ["PREfix"]),
        (r"^[[:alpha:]_][[:alnum:]_]*$", ["a1", "_x"], ["1a", "a-b"]),
        (r"\bkey\b", ["a key here"], ["keys"]),
        (r"\x61\x{62}c", ["abc"], ["ab"]),
        (r"^\$\{[A-Z_]+\}$", ["${HOME}"], ["${home}"]),
        (r"[]a]x", ["]x", "ax"], ["bx"]),
        (r"[[a]x", ["[x", "ax"], ["x"]),
        (r"a{2,}$", ["aa", "aaaa"], ["a"]),
        (r"v\d+\.\d+", ["v1.22"], ["v.1"]),
        (r"(?P<name>ab)+?c", ["ababc"], ["ac"]),
        (r"(?s)a.b", ["a-b"], ["ab"]),
        (r"end\z", ["the end"], ["endless"]),
        (r"^\S+\s\S+$", ["a b", "a\tb"], ["ab", "a  b"]),
    ],
)
def test_an_expression_keeps_its_meaning(expression: str, yes: list[str], no: list[str]) -> None:
    pattern = re.compile(search_pattern(expression), re.ASCII)
    assert [text for text in yes if not pattern.search(text)] == []
    assert [text for text in no if pattern.search(text)] == []


REFUSED = [
    "(a+)+$", "(?:a|a)*b", "(a|aa)*(b|b)*(a|b)*c", "(.*)(.*)(.*)x", "(?:a|ab|b)*c", "(?:x?x?)*y", "(?:|a|)*b", "x*", "",
    "(?=a)b", "(?<!a)b", r"(a)\1", r"\pL", r"\Qa\E", "(?U)a", "a**", "(a", "a)", "[a", "[[:nope:]]", r"\x{1F600}",
    "a{9000}", "a" * 3000, "\n", "(?", "\\",
]  # fmt: skip


@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_dangerous_or_unknown_is_refused_with_a_reason(expression: str) -> None:
    with pytest.raises(ValueError, match=r"^it ") as caught:
        search_pattern(expression)
    assert len(str(caught.value)) > 10


def test_the_capture_that_holds_the_value_is_the_secret() -> None:
    assert re.search(rule_pattern(r"key=(\w{8,20})"), "key=abcdefgh")["secret"] == "abcdefgh"
    assert re.search(rule_pattern(r"(user)=(\w{8,20})", 2), "user=abcdefgh")["secret"] == "abcdefgh"
    assert "secret" not in rule_pattern(r"corp-[a-z]{8}(\s|$)"), "a delimiter in brackets is no value"


def test_a_value_at_the_end_of_its_line_is_found_where_a_blank_had_to_follow() -> None:
    pattern = re.compile(rule_pattern(r"""(corp-[a-z]{8})(?:[\x60'"\s;]|\\[nr]|$)"""))
    for text in ("corp-abcdefgh\nnext", "corp-abcdefgh", "corp-abcdefgh;", "x corp-abcdefgh y"):
        assert pattern.search(text), text
    assert not pattern.search("corp-abcdefghi")


@pytest.mark.parametrize(
    "expression",
    [r"(?i)[\w.-]{0,50}?(?:acme)(?:[ \t\w.-]{0,20})[\s'\"]{0,3}(?:=|>|:{1,3}=|=>)[\s=]{0,5}([a-z0-9]{32})(?:[\s;]|$)",
     r"\b(p8e-(?i)[a-z0-9]{32})(?:[\x60'\"\s;]|\\[nr]|$)", r"(?:^|[\s'])(abc[0-9]{10})\s", r"[^\s]{3}corp_\W?[0-9]{9}"],
)  # fmt: skip
def test_rules_in_the_usual_manner_compile_into_the_prefilter(expression: str) -> None:
    entry = {
        "id": "x",
        "kind": "x",
        "title": "x",
        "severity": "high",
        "pattern": rule_pattern(expression),
        "before": "",
        "after": "",
    }
    compile_prefilter(load_rules(json.dumps({"rules": [entry]}), "test"), ())


PIECES = st.sampled_from(
    [
        "a",
        "b",
        "[ab]",
        "[^a]",
        ".",
        "(",
        ")",
        "|",
        "*",
        "+",
        "?",
        "{0,9}",
        "{2}",
        "^",
        "$",
        r"\w",
        r"\s",
        "(?:",
        "(?i)",
        "-",
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_whatever_is_accepted_is_quick_on_the_worst_of_texts(expression: str) -> None:
    try:
        pattern = re.compile(search_pattern(expression), re.ASCII)
    except ValueError:
        return
    for text in ("a" * 512, "ab" * 256, "a" * 511 + "!", " " * 512):
        began = time.perf_counter()
        pattern.search(text)
        assert time.perf_counter() - began < 3


@pytest.mark.filterwarnings("error")
@given(st.text(max_size=30) | st.text("[]^-&|~a\\\\s:.(?)*", max_size=20))
def test_any_text_is_carried_over_or_refused(expression: str) -> None:
    for carry in (search_pattern, rule_pattern):
        with suppress(ValueError):
            re.compile(carry(expression))  # a FutureWarning would be an error as well


@pytest.mark.parametrize(
    ("pattern", "ways"),
    [
        ("a{3}b", 1),
        ("a{0,9}b", 1),
        ("a{0,9}a", 10),
        ("a{0,9}a{0,9}b", 10),
        ("(?:a|b)c", 1),
        ("(?:a|ab)c", 1),
        ("(?:a|ab)b", 2),
        ("(?:a|ab){0,3}c", 1),
        ("(?:a|ab){0,3}b", 8),
        ("(?:|)x", 2),
        ("(?:a|a){0,4}b", 16),
    ],
)
def test_the_cost_counts_how_a_text_can_be_divided(pattern: str, ways: int) -> None:
    assert cost(_parser.parse(pattern.encode())) == ways
    assert ways < COSTLIEST_SEARCH

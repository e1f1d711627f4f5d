"""Encoded copies are found by what only they hold: visible characters in escapes, logins in escaped URLs."""

import random
import string

import pytest

from secretguard.engine.anchors import encoded_anchors
from secretguard.engine.prefilter import HyperscanPrefilter, compile_prefilter
from secretguard.plugins import installed_rules
from secretguard.testing import find

WORD = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=20))
LOGIN = f"postgres://app:{WORD}@db.acme-corp.net/shop"
ANCHORS = encoded_anchors(installed_rules().rules)
PREFILTER = HyperscanPrefilter(compile_prefilter((), ANCHORS), ())
ESCAPES = {
    "percent": "%{:02X}",
    "x": "\\x{:02x}",
    "u": "\\u{:04x}",
    "decimal": "&#{:d};",
    "hexadecimal": "&#x{:x};",
}


def kinds(text: str) -> set[str]:
    return {ANCHORS[number].encoding for number in PREFILTER.scan(text.encode()).encoded}


def escaped(form: str, text: str) -> str:
    return "".join(ESCAPES[form].format(ord(char)) for char in text)


@pytest.mark.parametrize("form", ESCAPES)
@pytest.mark.parametrize("before", ["", "\x00\xff", "\n", "\xe9\x01\x02"])
def test_a_run_of_visible_characters_is_found_whatever_escape_stands_before(form: str, before: str) -> None:
    assert LOGIN in {match.text.reveal() for match in find(f"v = '{escaped(form, before + LOGIN)}'\n")}


@pytest.mark.parametrize("form", ESCAPES)
def test_a_table_of_bytes_is_no_candidate(form: str) -> None:
    table = escaped(form, "".join(map(chr, [*range(32), *range(127, 256)] * 3)))
    words = " ".join(escaped(form, "secret!") + escaped(form, "\x01") for _ in range(9))
    assert kinds(f"v = '{table}'\nw = '{words}'\n") == set()


@pytest.mark.parametrize("form", ESCAPES)
def test_a_long_run_is_one_hit(form: str) -> None:
    hits = PREFILTER.scan(f"v = '{escaped(form, 'x' * 1000)}'\n".encode()).encoded
    assert [len(ends) for ends in hits.values()] == [1]


def test_a_url_with_escaped_slashes_is_a_candidate_if_it_holds_a_login_or_a_key() -> None:
    assert kinds('{"url": "https:\\/\\/acme-corp.net\\/a?b=c"}') == set()
    assert kinds('{"url": "https:\\/\\/u:p@acme-corp.net\\/"}') == {"json"}
    assert [match.secret.reveal() for match in find('{"url": "' + LOGIN.replace("/", "\\/") + '"}')] == [WORD]


def test_a_webhook_with_escaped_slashes_is_found() -> None:
    letters = WORD.upper()
    hook = f"https://hooks.slack.com/services/T{letters[:9]}/B{letters[:9]}/{WORD}{WORD[:4]}"
    assert hook in {match.secret.reveal() for match in find('{"url": "' + hook.replace("/", "\\/") + '"}')}

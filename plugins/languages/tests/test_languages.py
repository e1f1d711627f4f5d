"""Whatever stands around a literal survives, and no file is too broken to be looked at."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from secretguard_languages.php_tags import only_php

from plugins.languages.tests.corpus import Case, filled, leaked
from secretguard.rewrite.plan import Rewrite
from secretguard.testing.rewriting import rewritten

LITERALS = {
    "a.cs": 'class A {{ string a = "⟨dsn⟩"; /* {} */ }}\n',
    "a.go": 'package a\n\nvar a = "⟨dsn⟩" /* {} */\n',
    "a.java": 'class A {{ String a = "⟨dsn⟩"; /* {} */ }}\n',
    "a.kt": 'val a = "⟨dsn⟩" /* {} */\n',
    "a.php": "<?php $a = '⟨dsn⟩'; /* {} */\n",
    "a.rb": "a = '⟨dsn⟩' # {}\n",
    "a.rs": 'fn a() -> String {{ "⟨dsn⟩".to_string() /* {} */ }}\n',
    "a.scala": 'object A {{ val a = "⟨dsn⟩" /* {} */ }}\n',
}
_around = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff\ue000\ue001\ue002\ue003"), max_size=40
)
_settings = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _rewritten(name: str, text: str) -> Rewrite:
    login, kind, family = leaked(Case(name, name, text, None))
    return rewritten({name: text}, login, kind=kind, family=family)


@pytest.mark.parametrize("name", LITERALS)
@_settings
@given(around=_around)
def test_text_around_a_literal_survives(name: str, around: str) -> None:
    around = re.sub(r"[*/#\r\n\v\f\x1c-\x1e\x85\u2028\u2029?]", " ", around)
    text = filled(LITERALS[name].format(around))
    rewrite = _rewritten(name, text)
    assert rewrite.manual == ()
    after = (rewrite.changes[0].after or b"").decode()
    assert around in after
    assert "DATABASE_URL" in after
    assert after.count("\n") - text.count("\n") in (0, 2)  # Go imports


@pytest.mark.parametrize("name", LITERALS)
@_settings
@given(before=_around, after=_around)
def test_no_file_is_too_broken(name: str, before: str, after: str) -> None:
    before, after = (re.sub("[\"'`%]", " ", one) for one in (before, after))  # no longer literal around this one
    before = re.sub(r"\w$", " ", before)  # a letter at the quotation mark says what kind of literal it is
    text = before + filled('"⟨dsn⟩"') + after
    for change in (one for one in _rewritten(name, text).changes if one.path == name):
        edited = (change.after or b"").decode()
        assert edited.startswith(before) or "import" in edited
        assert edited.endswith(after)


@given(text=st.text(st.sampled_from("<?php=>'\"`/*#\\\n\r a$;é")))
def test_what_is_not_php_is_blanked_in_its_place(text: str) -> None:
    blanked = only_php(text)
    assert len(blanked) == len(text)
    assert [one for one in blanked if one in "\r\n"] == [one for one in text if one in "\r\n"]
    assert all(new in (old, " ", ";") for old, new in zip(text, blanked, strict=True))

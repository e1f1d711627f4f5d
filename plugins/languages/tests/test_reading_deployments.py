"""Scalars, words and instructions are read as their languages read them, and any text can be read."""

import shlex

import yaml
from hypothesis import given
from hypothesis import strategies as st
from secretguard_languages import dockerfile, hcl, yaml_files
from secretguard_languages.shell_lines import read_word
from secretguard_languages.syntax import parsed
from secretguard_languages.yaml_equality import why_different
from secretguard_languages.yaml_scalars import contents, covered, pairs_of, scalar_at, written

from secretguard.rewriting import Document

WORDS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f\x85\xa0\xad"), max_size=30
)
ANY = st.text(st.sampled_from(list("ab:-#'\"|>{}[]&*!%@\\$<= \n\t\ré\ufffc")), max_size=120)
STYLES = st.sampled_from(["'", '"', "|", None])


@given(WORDS.filter(str.strip), STYLES)
def test_a_scalar_is_what_yaml_reads(value: str, style: str | None) -> None:
    text = yaml.dump({"key": value}, default_style=style, allow_unicode=True, width=10_000)
    document = Document("a.yaml", text)
    at = text.index(":") + 2
    scalar = scalar_at(parsed(text, "yaml"), text, at, at + 1)
    if scalar is None or covered(text) != text:
        return
    assert scalar.text.rstrip("\n") == value.rstrip("\n")
    made = written(document, scalar, 0, len(scalar.text.rstrip("\n")), "new \"and\" 'old': # \\ text")
    if made is not None:
        changed = text[: made[0]] + made[2] + text[made[1] :]
        assert list(yaml.safe_load(changed).values())[-1].rstrip("\n") == "new \"and\" 'old': # \\ text"


@given(ANY)
def test_covering_keeps_every_position(text: str) -> None:
    assert len(covered(text)) == len(text)
    assert covered(text).count("\n") == text.count("\n")


@given(ANY)
def test_any_text_can_be_read(text: str) -> None:
    assert why_different(text, text) == ""
    for name in ("Dockerfile", "main.tf", "a.yaml"):
        document = Document(name, text)
        for module in (dockerfile, hcl, yaml_files):
            assert module.fault(document, document) == ""
    for content in contents(parsed(text, "yaml")):
        assert isinstance(pairs_of(content, text), dict)


@given(ANY)
def test_instructions_follow_each_other(text: str) -> None:
    at = 0
    for one in dockerfile.read_instructions(text):
        assert text[at : one.start].strip() == ""
        assert one.start <= one.body <= one.end
        at = one.end
    assert text[at:].strip() == ""


@given(st.text(st.sampled_from(list("abc-=/:@.é ")), min_size=1, max_size=20))
def test_a_word_is_what_a_shell_reads(value: str) -> None:
    quoted = shlex.quote(value)
    word = read_word(quoted, 0, len(quoted))
    assert word.text == value
    assert len(word.places) == len(word.text) + 1 == len(word.quotes) + 1

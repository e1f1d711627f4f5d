"""Env files: what is written is read back, and nothing else ever happens than a value or our error."""

import os
import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretguard.env_file import LONGEST_FILE, parse_env
from secretguard.errors import ConfigError

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=60)
ESCAPED = {"\\": "\\\\", '"': '\\"', "$": "\\$", "`": "\\`", "\n": "\\n", "\t": "\\t"}


def double(value: str) -> str:
    return '"' + "".join(ESCAPED.get(char, char) for char in value) + '"'


def single(value: str) -> str:
    return f"'{value}'" if "'" not in value else double(value)


def bare(value: str) -> str:
    plain = value and value.strip(" \t") == value and "\n" not in value and value[0] not in "'\"#"
    return value if plain and " #" not in value and "\t#" not in value else double(value)


NOISE = st.sampled_from(["", "# a comment", "   ", "\t# NAME='not one", "#", " # x=y"])
BEFORE = st.sampled_from(["", "export ", "  ", "\texport  "])
AROUND = st.sampled_from(["=", " = ", "= ", " ="])
AFTER = st.sampled_from(["", " ", " # comment", "\t#'", " # it's \"open"])


@given(
    st.lists(
        st.tuples(NAMES, VALUES, st.sampled_from([single, double, bare]), BEFORE, AROUND, AFTER, NOISE), max_size=8
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
)
def test_what_is_written_is_read_back_and_the_last_one_counts(rows, end, mark) -> None:  # type: ignore[no-untyped-def]
    lines = [
        line
        for name, value, quote, before, equals, after, noise in rows
        for line in (noise, f"{before}{name}{equals}{quote(value)}{after}")
    ]
    text = mark + end.join(lines)
    assert parse_env(text, "x") == {name: value for name, value, *_ in rows}


@given(st.text(st.sampled_from("AB=\"'\\# \n\t$`(){}exprot\r\x0b\u2028é\0"), max_size=60))
@settings(max_examples=500)
def test_anything_ends_in_values_or_in_our_error_with_the_line(text: str) -> None:
    found = outcome(text)
    if isinstance(found, str):
        assert "the file" in found
        return
    for name, value in found.items():
        assert name
        assert value in text.replace("\r\n", "\n") or "\\" in text


def outcome(text: str) -> dict[str, str] | str:
    """The values, or the words of our error."""
    try:
        return parse_env(text, "the file")
    except ConfigError as error:
        return str(error)


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,10}", fullmatch=True), VALUES, max_size=4))
@settings(max_examples=25, deadline=None)
def test_a_shell_reads_single_quoted_lines_the_same_way(values: dict[str, str]) -> None:
    kept = {f"SG_{name}": value for name, value in values.items() if "'" not in value}
    text = "".join(f"export {name}='{value}'\n" for name, value in kept.items())
    names = " ".join(kept)
    script = f'{text}for n in {names}; do eval "printf \'%s\\0\' \\"\\$$n\\""; done' if kept else "true"
    told = subprocess.run(["sh", "-c", script], capture_output=True, check=True, env={"PATH": os.environ["PATH"]})
    assert told.stdout.decode().split("\0")[:-1] == list(parse_env(text, "x").values())


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=ref+local://app#/DATABASE_URL", "ref+local://app#/DATABASE_URL"),
        ("A=ref+local://app#/DATABASE_URL # where it lives", "ref+local://app#/DATABASE_URL"),
        ("A=#fff", "#fff"),
        ("A= # nothing", ""),
        ("A=", ""),
        ("A=a b  c ", "a b  c"),
        ("A=it's", "it's"),
        ("A=$(touch x) `id` ${HOME} $HOME", "$(touch x) `id` ${HOME} $HOME"),
        ('A="$(touch x) ${HOME}"', "$(touch x) ${HOME}"),
        ("A='a\nb # c'", "a\nb # c"),
        ('A="a\nb\\nc \\" \\x"', 'a\nb\nc " \\x'),
        ("A=a\\nb", "a\\nb"),
        ("export A=1", "1"),
        ("A=1\nA=2", "2"),
    ],
)
def test_values_are_what_people_expect(line: str, value: str) -> None:
    assert parse_env(line, "x") == {"A": value}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=1\nhunter2\n", "line 2 of .env is not NAME=value"),
        ("A=1\n\n\nB 2=hunter2", "line 4 of .env is not NAME=value"),
        ("1A=hunter2", "line 1 of .env is not NAME=value"),
        ("A='hunter2", "line 1 of .env opens a quote that is never closed"),
        ('A=1\nB="hunter2\\"\n', "line 2 of .env opens a quote that is never closed"),
        ("A='hunter2'hunter2", "line 1 of .env goes on after the closing quote"),
        ("A=hunter2\0", ".env holds a NUL character"),
    ],
)
def test_a_malformed_file_is_told_by_its_line_and_never_repeated(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_env(text, ".env")
    assert str(caught.value) == words
    assert "hunter2" not in caught.value.hint


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="too long"):
        parse_env("A=" + "x" * LONGEST_FILE, "x")


def test_a_long_quote_costs_no_stack() -> None:
    inside = '\\"x' * (LONGEST_FILE // 4)
    assert parse_env(f'A="{inside}"', "x") == {"A": '"x' * (LONGEST_FILE // 4)}
    with pytest.raises(ConfigError, match="never closed"):
        parse_env(f'A="{inside}', "x")


def test_the_grammar_does_without_the_shells_quoting() -> None:
    """What shlex would split stays one value."""
    line = "A=one two"
    assert len(shlex.split(line)) == 2
    assert parse_env(line, "x") == {"A": "one two"}

"""References: what is written is read back, and nothing that is no reference gets through or is repeated."""

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from secretguard.errors import BadReference
from secretguard.reference import BACKENDS, SecretReference, is_reference, misread_by_vals, parse_reference

SEGMENTS = st.from_regex(r"[A-Za-z0-9_.@+=-]{1,20}", fullmatch=True).filter(lambda one: one.strip("."))
FIELDS = st.one_of(st.just(""), st.from_regex(r"[A-Za-z0-9_.-]{1,20}", fullmatch=True))


@given(st.sampled_from(BACKENDS), st.lists(SEGMENTS, min_size=2, max_size=5), FIELDS)
def test_a_reference_that_is_written_is_read_back(backend: str, segments: list[str], field: str) -> None:
    reference = SecretReference(backend, "/".join(segments), field)
    assert is_reference(str(reference))
    assert parse_reference(str(reference)) == reference


VALS = re.compile(r"((secret)?ref)\+([^\+:]*:\/\/[^\+\n ]+[^\+\n \",])\+?")
"""What vals takes for a reference: DefaultRefRegexp in pkg/expansion/expand_match.go."""


@given(st.sampled_from(["vault", "openbao", "awssecrets"]), st.lists(SEGMENTS, min_size=2, max_size=5), FIELDS)
def test_vals_takes_the_same_text_for_a_reference_but_for_a_plus_or_an_early_at(
    backend: str, segments: list[str], field: str
) -> None:
    reference = SecretReference(backend, "/".join(segments), field)
    text = str(reference)
    found = VALS.match(text)
    whole = found is not None and found[3] == text.removeprefix("ref+")  # a plus behind it would be swallowed
    assert whole == ("+" not in text.removeprefix("ref+"))
    assert bool(misread_by_vals(reference)) == (not whole or "@" in segments[0])
    if not misread_by_vals(reference):
        parts = urlsplit(text.removeprefix("ref+"))  # vals joins host and path, and cuts the slash of the fragment
        assert parts.netloc + parts.path == "/".join(segments)
        assert parts.fragment.removeprefix("/") == field


@given(st.one_of(st.text(max_size=60), st.text("ref+localvutenwsxhp:/?#&=.%@ \n\0", max_size=60).map("ref+".__add__)))
@example("ref+local://a/../b")
@example("ref+local://a//b")
@example("ref+local:///a")
@example("ref+local://a/")
@example("ref+local://a#/../b")
@example("ref+local://a#")
@example("ref+local://a\n")
@settings(max_examples=500)
def test_what_is_accepted_says_a_harmless_path_and_what_is_not_is_not_repeated(text: str) -> None:
    found = outcome(text)
    if isinstance(found, str):
        assert len(text) < 8 or text in "ref+vault://secret/app#/DATABASE_URL" or text not in found
        return
    assert found.backend in BACKENDS
    for segment in found.path.split("/"):
        assert segment
        assert segment.strip(".")
        assert segment.isascii()
        assert segment.isprintable()
        assert not set(segment) & set(" %?#\\:&")
    assert parse_reference(str(found)) == found


@given(st.sampled_from(["exec", "file", "http", "https", "httpjson"]), st.text(max_size=30))
def test_what_runs_reads_or_fetches_is_refused_whatever_follows(backend: str, rest: str) -> None:
    with pytest.raises(BadReference, match=r"refused|not a reference"):
        parse_reference(f"ref+{backend}://{rest}")


@given(st.text(st.characters(categories=("L", "N")), min_size=12, max_size=30))
def test_a_secret_that_was_pasted_for_a_reference_is_not_repeated(pasted: str) -> None:
    for text in (
        pasted,
        f"ref+{pasted}://x",
        f"ref+local://{pasted} x",
        f"ref+local://a?{pasted}",
        f"ref+local://a#{pasted}/",
    ):
        found = outcome(text)
        assert isinstance(found, str)
        assert pasted not in found


def outcome(text: str) -> SecretReference | str:
    """The reference, or the words of our error."""
    try:
        return parse_reference(text)
    except BadReference as error:
        return f"{error} {error.hint}"

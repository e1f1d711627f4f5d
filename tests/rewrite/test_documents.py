"""Bytes of a commit become text that goes back to the same bytes, or are left alone."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secretguard.rewrite.documents import LARGEST, character_at, read_document, written

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1")


@given(st.binary(max_size=200))
@example(b"\xff\xfea")
@example(b"\xff\xfe\x00\xd8")
@example(b"\xef\xbb\xbf\xff")
@example(b"\xed\xa0\x80")
def test_any_bytes_come_back_or_are_no_document(data: bytes) -> None:
    document = read_document("a", data)
    assert document is None or written(document, document.text) == data


@given(st.text(max_size=60), st.sampled_from(ENCODINGS))
def test_a_text_in_any_encoding_comes_back(text: str, encoding: str) -> None:
    data = text.encode(encoding, "ignore")
    document = read_document("a", data)
    assert document is None or written(document, document.text) == data


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\ufeff"), max_size=60), st.data())
def test_an_offset_in_the_bytes_is_found_in_the_text(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    for encoding in ENCODINGS[:2]:
        content = text.encode(encoding)
        document = read_document("a", content)
        assert document is not None
        assert character_at(document, content, len(text[:at].encode(encoding)) if at else 0) == at


@pytest.mark.parametrize("data", [b"a\0b", b"\x7fELF\0", b"a" * (LARGEST + 1)], ids=["a zero", "a program", "too long"])
def test_binary_and_very_long_files_are_no_documents(data: bytes) -> None:
    assert read_document("a", data) is None


def test_bytes_of_no_encoding_are_kept_one_by_one() -> None:
    document = read_document("a", b"caf\xe9 \x80")
    assert document is not None
    assert document.encoding == "latin-1"
    assert written(document, document.text + "!") == b"caf\xe9 \x80!"


def test_text_that_its_encoding_has_not_is_refused() -> None:
    document = read_document("a", b"caf\xe9")
    assert document is not None
    with pytest.raises(UnicodeEncodeError):
        written(document, "\u20ac")

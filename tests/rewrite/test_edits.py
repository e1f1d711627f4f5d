"""Edits go into a text in order, never over each other, and come out again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretguard.errors import RewriteError
from secretguard.rewrite.edits import applied, ordered, undoing
from secretguard.rewriting import Edit


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    """A text, and edits of distinct stretches of it in any order."""
    text = draw(st.text(max_size=80))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), unique=True, max_size=12)))
    edits = [Edit(low, high, draw(st.text(max_size=9))) for low, high in zip(cuts[::2], cuts[1::2], strict=False)]
    return text, draw(st.permutations(edits))


@given(edited())
def test_edits_applied_and_undone_are_nothing(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    inorder = ordered(edits)
    after = applied(text, inorder)
    assert applied(after, undoing(text, inorder)) == text


@given(edited())
def test_nothing_outside_of_the_edits_changes(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    at, rest = 0, applied(text, ordered(edits))
    for edit in ordered(edits):
        kept = text[at : edit.start] + edit.text
        assert rest.startswith(kept)
        at, rest = edit.end, rest[len(kept) :]
    assert rest == text[at:]


def test_the_same_edit_twice_is_one() -> None:
    assert ordered([Edit(2, 3, "b"), Edit(0, 0, "a"), Edit(2, 3, "b")]) == (Edit(0, 0, "a"), Edit(2, 3, "b"))


def test_two_edits_of_the_same_characters_are_refused() -> None:
    with pytest.raises(RewriteError, match="two edits want the same characters"):
        ordered([Edit(0, 3, "a"), Edit(2, 4, "b")])

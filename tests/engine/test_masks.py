"""A word in angle brackets of any typography says that a value goes there."""

import pytest

from secretguard.engine.values import placeholder


@pytest.mark.parametrize("value", ["<password>", "⟨password⟩", "‹password›", "«password»"])
def test_a_word_in_brackets_is_no_value(value: str) -> None:
    assert placeholder(value)
    assert not placeholder(value[1:-1] + "-9xQ2")

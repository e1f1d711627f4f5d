"""What a crash report of an exception would show is seen, wherever in it the value stands."""

import secrets

import pytest

from secretguard.errors import StoreError
from secretguard.secret import Secret
from secretguard.testing import exposure

VALUE = secrets.token_urlsafe(16)


def raised(call) -> BaseException:  # type: ignore[no-untyped-def]
    with pytest.raises(StoreError) as caught:
        call()
    return caught.value


def fail() -> None:
    raise ValueError(VALUE)


def in_the_text() -> None:
    raise StoreError(f"cannot write {VALUE}")


def in_the_hint() -> None:
    raise StoreError("cannot write", hint=f"not {VALUE}")


def in_a_local() -> None:
    body = {"password": VALUE}
    if body:
        raise StoreError("cannot write")


def in_what_came_before() -> None:
    try:
        fail()
    except ValueError as error:
        raise StoreError("cannot write") from error


def in_a_frame_of_what_came_before() -> None:
    def parse() -> None:
        text = VALUE
        raise ValueError(len(text))

    try:
        parse()
    except ValueError as error:
        raise StoreError("cannot write") from error


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (in_the_text, "StoreError: text"),
        (in_the_hint, "StoreError: attributes"),
        (in_a_local, "StoreError: locals of in_a_local"),
        (in_what_came_before, "ValueError: text"),
        (in_a_frame_of_what_came_before, "ValueError: locals of parse"),
    ],
)
def test_a_value_is_seen_wherever_it_stands(call, where: str) -> None:  # type: ignore[no-untyped-def]
    assert any(found.startswith(where) for found in exposure(raised(call), VALUE))


def test_a_secret_and_an_error_that_is_not_shown_expose_nothing() -> None:
    def careful() -> None:
        kept = Secret(VALUE)
        try:
            int(kept.reveal())
        except ValueError:
            raise StoreError("cannot write") from None

    assert exposure(raised(careful), VALUE) == []

"""A `Secret` cannot get out by accident."""

import copy
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest

from secretguard.examples import fill
from secretguard.model import Credential, Match
from secretguard.secret import Secret

VALUE = fill("{{alnum:32}}")


@dataclass(frozen=True, slots=True)
class Holder:
    """Something that a value stands in."""

    secret: Secret
    name: str = "x"


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        format,
        "{}".format,
        "{:>60}".format,
        "{!r:.10}".format,
        lambda secret: f"{secret}{secret!s}{secret!r}{secret!a}",
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - that is what is tried
        lambda secret: repr(Holder(secret)),
        lambda secret: str([secret, {"a": secret}]),
        pprint.pformat,
        ascii,
    ],
)
def test_it_is_not_printed(show: Callable[[Secret], str]) -> None:
    text = show(Secret(VALUE))
    assert VALUE not in text
    assert VALUE[:6] not in text
    assert "*" in text


def test_it_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("house").warning("found %s and %r", Secret(VALUE), Holder(Secret(VALUE)))
    assert VALUE not in caplog.text
    assert "****" in caplog.text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_not_pickled(protocol: int) -> None:
    for one in (Secret(VALUE), Holder(Secret(VALUE)), [Secret(VALUE)]):
        with pytest.raises(TypeError, match="not pickled") as caught:
            pickle.dumps(one, protocol)
        assert VALUE not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda one: copy.deepcopy({"a": [one]})])
def test_it_is_not_copied(duplicate: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="not pickled or copied"):
        duplicate(Secret(VALUE))


def test_it_is_not_taken_along_by_asdict() -> None:
    with pytest.raises(TypeError, match="not pickled or copied"):
        asdict(Holder(Secret(VALUE)))


def test_it_is_not_json() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(VALUE))
    assert VALUE not in json.dumps({"a": Secret(VALUE)}, default=str)


def test_it_is_not_compared_or_hashed() -> None:
    for other in (Secret(VALUE), VALUE, None):
        with pytest.raises(TypeError, match="same_as"):
            _ = Secret(VALUE) == other
        with pytest.raises(TypeError, match="same_as"):
            _ = Secret(VALUE) != other
    with pytest.raises(TypeError, match="same_as"):
        _ = VALUE in [Secret(VALUE)]
    with pytest.raises(TypeError, match="hash"):
        hash(Secret(VALUE))


def test_it_has_no_dictionary_and_takes_no_attributes() -> None:
    assert not hasattr(Secret(VALUE), "__dict__")
    with pytest.raises(AttributeError):
        Secret(VALUE).note = "x"  # type: ignore[attr-defined]


def test_it_is_no_sequence() -> None:
    for use in (len, iter, list, bytes, int, float):
        with pytest.raises(TypeError):
            use(Secret(VALUE))  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        _ = Secret(VALUE)[0]  # type: ignore[index]
    with pytest.raises(TypeError):
        _ = Secret(VALUE) + "x"  # type: ignore[operator]


def test_two_are_compared_by_name() -> None:
    assert Secret(VALUE).same_as(Secret(VALUE))
    assert not Secret(VALUE).same_as(Secret(VALUE[:-1]))
    assert Secret("caf\u00e9\udcff").same_as(Secret("caf\u00e9\udcff"))


def test_reveal_gives_it_out() -> None:
    assert Secret(VALUE).reveal() == VALUE


@pytest.mark.parametrize("word", [Match, Credential])
def test_the_words_hold_values_as_secrets(word: type) -> None:
    types = word.__annotations__
    assert types["secret"] is Secret
    assert types["text"] is Secret

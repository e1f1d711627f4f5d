"""The id is a contract: these vectors never change."""

import pytest

from secretguard.scan.identity import Identity, credential_id, credential_ids
from secretguard.secret import Secret

VECTORS = [
    ("postgres", "app", "correct horse", False),
    ("postgres", "", "correct horse", False),
    ("token", "", "k" * 40, True),
    ("token", "", "k" * 40, False),
    ("password", "", "pässwörd", False),
    ("url", "a:b", 'quote " and \\ and \udc80', False),
]
FROZEN = [
    "sg_077504669380",
    "sg_312f1e126614",
    "sg_64b145058ab1",
    "sg_e37c9e339e30",
    "sg_2d2d3695c9ad",
    "sg_21f826869378",
]


def ids() -> list[str]:
    return [credential_id(Identity(family, user, Secret(secret), made)) for family, user, secret, made in VECTORS]


def test_ids_are_the_frozen_ones() -> None:
    assert ids() == FROZEN


def test_many_ids_come_in_order() -> None:
    identities = [Identity(family, user, Secret(secret), made) for family, user, secret, made in VECTORS]
    assert credential_ids(identities) == FROZEN


def test_no_two_parts_can_be_confused_by_where_one_ends() -> None:
    one = credential_id(Identity("token", "a", Secret("bc"), True))
    other = credential_id(Identity("token", "ab", Secret("c"), True))
    assert one != other


def test_the_operator_can_replace_the_public_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRETGUARD_ID_KEY", "a key of our own")
    assert not set(ids()) & set(FROZEN)

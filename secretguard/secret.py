"""The value that must not leak: `Secret` shows itself to nobody who does not ask by name."""

import hmac
from typing import Never


class Secret:
    """A sensitive string that cannot be printed, logged, pickled, JSON-encoded or compared by accident.

    `reveal()` is the one way out; `tests/house/test_reveal_sites.py` lists who may call it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the plaintext."""
        return self._value

    def same_as(self, other: "Secret") -> bool:
        """Compare two secrets in constant time."""
        mine = self._value.encode("utf-8", "surrogateescape")
        return hmac.compare_digest(mine, other._value.encode("utf-8", "surrogateescape"))

    def __str__(self) -> str:
        return "****"

    def __repr__(self) -> str:
        return "Secret(****)"

    def __format__(self, spec: str) -> str:
        return "****"

    def __eq__(self, other: object) -> bool:
        raise TypeError("a Secret is not compared with ==; use same_as()")

    __hash__ = None  # type: ignore[assignment]  # equality raises, so hashing would only hide that

    def __reduce__(self) -> Never:
        raise TypeError("a Secret is not pickled or copied to another process")

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError("a Secret is not pickled or copied to another process")

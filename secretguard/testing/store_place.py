"""One document in a real store, and the words in which the contract of stores asks about it."""

import secrets
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from secretguard.errors import StoreError
from secretguard.interfaces import StorePlugin
from secretguard.reference import SecretReference
from secretguard.rotation import Context, Fields
from secretguard.secret import Secret


@dataclass(frozen=True, slots=True)
class StorePlace:
    """One document that does not exist yet, in a real store."""

    store: StorePlugin
    environ: Mapping[str, str] = field(repr=False)
    """The operator's environment."""
    reference: SecretReference
    """Of the document; each test gets another one."""
    holds: Callable[[str], bool]
    """Whether any version of the document, pending, old or deleted, can still be made to give a text.

    It asks the service itself (or reads the files itself), never through the plugin.
    """
    unreachable: Mapping[str, str] | None = field(default=None, repr=False)
    """An environment in which the service does not answer; None if there is no such thing."""

    def context(self, rotation: str = "") -> Context:
        """Return a context of a rotation of its own, or of none for the everyday methods."""
        return Context(environ=self.environ, rotation=rotation, timeout=20.0)

    def seeded(self, **values: str) -> None:
        """Publish `values` as an operator does."""
        self.store.put(self.reference, secret_fields(values), self.context())

    def seen(self) -> dict[str, str] | None:
        """Return what a reader gets."""
        return plain(self.store.read(self.reference, self.context()))


def a_rotation() -> str:
    """Return the id of a rotation that never was."""
    return "rot_" + secrets.token_hex(8)


def a_value(what: str) -> str:
    """Return a random value; `what` makes a failing test readable."""
    return f"{what}-{secrets.token_urlsafe(18)}"


def secret_fields(values: Mapping[str, str]) -> Fields:
    """Return `values` as fields of a document."""
    return {name: Secret(value) for name, value in values.items()}


def plain(fields: Fields | None) -> dict[str, str] | None:
    """Return fields with their values, for comparison in a test."""
    return None if fields is None else {name: value.reveal() for name, value in fields.items()}


def refusal(call: Callable[[], object]) -> StoreError:
    """Return the StoreError that `call` raises; anything else, an answer included, fails the test."""
    try:
        call()
    except StoreError as error:
        return error
    raise AssertionError("the store should have refused")


def at_once(call: Callable[[str], object], names: Collection[str]) -> dict[str, Exception]:
    """Call `call` for all `names` at the same time; return who failed and how."""
    failed: dict[str, Exception] = {}
    together = threading.Barrier(len(names))

    def run(name: str) -> None:
        together.wait()
        try:
            call(name)
        except Exception as error:
            failed[name] = error

    threads = [threading.Thread(target=run, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed

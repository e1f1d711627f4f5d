"""What both forges share: words for what is there, and a change that is looked for before it is asked for again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from secretguard.errors import ForgeError
from secretguard.rewrite.forges.access import Destination
from secretguard.transport import ATTEMPTS, Reply, one_line

Result = TypeVar("Result")
LABELS = ("secretguard", "security")
MOST_REVIEWERS = 10
_LONGEST_WAIT = 60.0
"""Seconds; what a forge wants longer than that is told to the user."""
_FIRST_PAUSE = 0.1
"""Seconds; each is twice the one before."""
_HINTS = {
    401: "The token is not valid, or has expired.",
    403: "The token lacks rights; docs/deliver.md lists which it needs.",
    404: "There is no such project, or the token may not see it; docs/deliver.md lists the rights that it needs.",
}


@dataclass(frozen=True, slots=True)
class Tip:
    """The commit at which a branch of the forge is."""

    id: str
    message: str
    tree: str
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A pull request or merge request."""

    number: int
    url: str
    state: str
    """open, closed or merged."""
    title: str
    body: str
    author: str
    labels: frozenset[str]
    reviewers: frozenset[str]
    """Whoever is asked already, without `@`."""


def settled(look: Callable[[], Result | None], act: Callable[[], Result | None]) -> Result:
    """Return what `look` finds, after `act` has brought it about; looked for before each attempt, and after the last.

    So an effect whose answer was lost is seen and not brought about twice. `act` may return what it brought about.
    Raises ForgeError.
    """
    failure: ForgeError | None = None
    for attempt in range(ATTEMPTS):
        if (found := look()) is not None:
            return found
        try:
            if (made := act()) is not None:
                return made
        except ForgeError as failed:
            if not (failed.transient or failed.unsure) or (failed.retry_after or 0) > _LONGEST_WAIT:
                raise
            failure = failed
            time.sleep(failed.retry_after if failed.retry_after is not None else _FIRST_PAUSE * 2**attempt)
    if (found := look()) is not None:
        return found
    raise failure or ForgeError("the forge took a change and does not show it", hint="Run the command again.")


def good(reply: Reply, where: Destination, what: str) -> Any:
    """Return the JSON of a reply that is one; raises ForgeError that says what was not possible."""
    if 200 <= reply.status < 300:
        return reply.json()
    raise refused(reply, where, what)


def refused(reply: Reply, where: Destination, what: str) -> ForgeError:
    """Return the error for a reply that refuses."""
    said = reply.json()
    words = one_line(said.get("message", said) if isinstance(said, dict) else "")
    hint = _HINTS.get(reply.status, "Run the command again; it goes on where it stopped.")
    return ForgeError(f"{where}: {what} (status {reply.status}{f': {words}' if words else ''})", hint=hint)


def found(reply: Reply, where: Destination, what: str) -> Any | None:
    """Return the JSON of a reply; None where it says that there is no such thing. Raises ForgeError."""
    return None if reply.status == 404 else good(reply, where, what)

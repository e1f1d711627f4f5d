"""A time limit on a call that may never return, whatever it waits for."""

import threading
from collections.abc import Callable
from typing import TypeVar

from secretguard.errors import RemoteError

Result = TypeVar("Result")


def within(host: str, call: Callable[[], Result], seconds: float, error: type[RemoteError]) -> Result:
    """Run `call` in a thread of its own: no library's time limits hold against a server that sends a byte a second."""
    results: list[Result] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as failed:  # it belongs to whoever waits
            failures.append(failed)

    thread = threading.Thread(target=run, name=f"call to {host}", daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if results:
        return results[0]
    raise error(f"{host} did not answer within {seconds:.0f} seconds", transient=True, unsure=True)

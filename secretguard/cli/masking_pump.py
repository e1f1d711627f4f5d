"""A stream of the child's on its way through the mask to where our own stream goes."""

import os
import select
from collections.abc import Iterator
from dataclasses import dataclass

from secretguard.cli.masked_stream import StreamMask

CHUNK = 1 << 16
"""Bytes that are read at once."""
_PAUSE = 0.05
"""Seconds of silence after which somebody at a terminal waits for what is held back."""
_LINGER = 0.1
"""Seconds of silence after the command's end that end its output too, if something else still has it open."""


@dataclass(slots=True)
class Pump:
    """One stream on its way from the child to where our own goes."""

    source: int
    target: int
    mask: StreamMask
    ended: int
    """Can be read when the command has ended."""

    def run(self, failures: list[OSError]) -> None:
        """Pass on what comes until nothing does; if nobody takes it, say so to the child as a pipe does."""
        try:
            for data in self._masked():
                write_all(self.target, data)
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                failures.append(error)
            os.close(self.source)

    def _masked(self) -> Iterator[bytes]:
        in_person = os.isatty(self.target)
        while True:
            patience = _PAUSE if in_person and self.mask.is_short else None
            ready, _, _ = select.select([self.source, self.ended], [], [], patience)
            if self.source in ready or (ready and select.select([self.source], [], [], _LINGER)[0]):
                data = _read(self.source)
                if not data:
                    break
                yield self.mask.feed(data)
            elif ready:
                break
            else:
                yield self.mask.early()
        yield self.mask.end()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, CHUNK)
    except OSError:  # how a terminal says that nobody has it open any more
        return b""


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, waiting where there is no room; raises OSError."""
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:  # whoever started us made it so
            select.select([], [descriptor], [])

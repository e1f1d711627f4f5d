"""A stream of bytes, with every place masked that a value covers, however it is cut into pieces.

Of two values that overlap both are covered, by one mask. Held back is only what may be the beginning of a value; so
memory is bounded by a piece and the longest spelling, and whatever ends is out at once.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

MASK = b"****"
_LONGEST_START = 8
_SHOWN_EARLY = 2
"""Bytes; half of the shortest value that is masked."""


@dataclass(frozen=True, slots=True)
class Masked:
    """What is to be masked, made ready to be looked for."""

    starts: re.Pattern[bytes] | None
    """Finds the first bytes of any of them, as many for each; None if there is nothing to mask."""
    by_start: Mapping[bytes, tuple[bytes, ...]]
    """The longest first."""
    beginnings: frozenset[bytes]
    """What is shorter than such a start, and begins one."""


def masked(spellings: Iterable[bytes]) -> Masked:
    """Make ready what is to be masked; none of them is empty."""
    ordered = sorted(set(spellings), key=lambda one: (-len(one), one))
    if not ordered:
        return Masked(None, {}, frozenset())
    size = min(_LONGEST_START, len(ordered[-1]))
    by_start: dict[bytes, tuple[bytes, ...]] = {}
    for one in ordered:
        by_start[one[:size]] = (*by_start.get(one[:size], ()), one)
    beginnings = frozenset(start[:end] for start in by_start for end in range(1, size))
    return Masked(re.compile(_any_of(sorted(by_start)), re.DOTALL), by_start, beginnings)


def _any_of(words: list[bytes]) -> bytes:
    """Return an expression for one of these words, all as long: first bytes are shared, so that few are tried."""
    if not words[0]:
        return b""
    branches = [
        re.escape(first) + _any_of([word[1:] for word in same])
        for first, same in ((first, list(group)) for first, group in groupby(words, lambda word: word[:1]))
    ]
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"


class StreamMask:
    """One stream: `feed` it what comes, `end` it, and write what they return."""

    def __init__(self, what: Masked) -> None:
        self._what = what
        self._held = b""
        self._out = 0
        """How much of what is held is out already, or under a mask that is."""
        self._covered = 0
        """Where the last mask ends in what is held."""

    def feed(self, data: bytes) -> bytes:
        """Return what can be written of the stream so far."""
        return self._passed(self._held + data, last=False)

    def end(self) -> bytes:
        """Return what was held back; no value came of it."""
        return self._passed(self._held, last=True)

    @property
    def is_short(self) -> bool:
        """Whether a byte or two are held back and nothing else."""
        return self._out < len(self._held) <= _SHOWN_EARLY

    def early(self) -> bytes:
        """Return a byte or two that may begin a value, for somebody who waits; the rest of it will be masked."""
        if not self.is_short:
            return b""
        shown, self._out = self._held[self._out :], len(self._held)
        return shown

    def _passed(self, text: bytes, *, last: bool) -> bytes:
        written = bytearray()
        held = self._masks(text, written, last=last)
        if held > self._out:
            written += text[self._out : held]
            self._out = held
        self._held, self._out, self._covered = text[held:], self._out - held, max(0, self._covered - held)
        return bytes(written)

    def _masks(self, text: bytes, written: bytearray, *, last: bool) -> int:
        """Write what stands before each value, and its mask; return from where on something has to be held back."""
        what, at = self._what, 0
        if what.starts is None:
            return len(text)
        while found := what.starts.search(text, at):
            at = found.start()
            is_open = False
            for one in what.by_start[found[0]]:
                if text.startswith(one, at):
                    self._cover(at, at + len(one), text, written)
                    break
                is_open = is_open or (not last and len(text) - at < len(one) and one.startswith(text[at:]))
            if is_open:
                return at
            at += 1
        if not last:
            for size in range(min(len(text), len(next(iter(what.by_start))) - 1), 0, -1):
                if text[-size:] in what.beginnings:
                    return len(text) - size
        return len(text)

    def _cover(self, start: int, end: int, text: bytes, written: bytearray) -> None:
        if start >= self._covered:
            written += text[self._out : start]
            written += MASK
        self._covered, self._out = max(self._covered, end), max(self._out, end)

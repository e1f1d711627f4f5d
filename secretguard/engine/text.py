"""Lines, columns and neighbourhoods in bytes that may hold lines of any length."""

import re

_NEWLINE = 10
CONTEXT_LINES = 8
CONTEXT_BYTES = 4096
"""How far a neighbourhood goes on each side at most, so that a line of five megabytes stays cheap."""
LONG_LINE = 65536
_BLOCK = 16384
"""Where much stands on one line, so many bytes are read at once for all that stands in them."""
REACH = 2 * CONTEXT_BYTES + 512
"""How far from its region a judgement can look: a neighbourhood, and a manifest's header before it."""


def line_start(data: bytes, at: int) -> int:
    """Return the offset of the first byte of the line that holds offset `at`."""
    return data.rfind(b"\n", 0, at) + 1


def line_end(data: bytes, at: int) -> int:
    """Return the offset of the newline that ends the line of `at`, or the end of the data."""
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end


def is_in_mid_line(data: bytes, at: int) -> bool:
    """Whether `at` is not where a line begins."""
    return at > 0 and data[at - 1] != _NEWLINE


def neighbourhood(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return the span eight lines before and after `start:end`, at most CONTEXT_BYTES on each side."""
    low = max(0, start - CONTEXT_BYTES)
    first = start
    for _ in range(CONTEXT_LINES + 1):
        first = data.rfind(b"\n", low, first)
        if first < 0:
            break
    high = min(len(data), end + CONTEXT_BYTES)
    last = end - 1
    for _ in range(CONTEXT_LINES + 1):
        last = data.find(b"\n", last + 1, high)
        if last < 0:
            break
    return (low if first < 0 else first + 1), (high if last < 0 else last)


def enclosing_lines(data: bytes, start: int, end: int, width: int) -> tuple[int, int]:
    """Return the whole lines around `start:end`, or `width` bytes on each side of it in a very long line."""
    low, high = _lines(data, start, end, width)
    if high - low > LONG_LINE:
        low, high = max(low, start - width), min(high, end + width)
    return low, high


def shared_lines(data: bytes, start: int, end: int, width: int) -> tuple[int, int]:
    """Return the same for all that stands close together: at least `width` bytes on each side in a very long line."""
    low, high = _lines(data, start, end, _BLOCK + width)
    if high - low > LONG_LINE:
        low, high = _block(start, end, width, low, high)
    return low, high


def shared_neighbourhood(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return a neighbourhood; where that is large, the same for all that stands close together, and larger."""
    low, high = neighbourhood(data, start, end)
    return _block(start, end, CONTEXT_BYTES, 0, len(data)) if is_crowded(low, high) else (low, high)


def is_crowded(low: int, high: int) -> bool:
    """Whether a neighbourhood is large, so that much may stand in it."""
    return high - low > CONTEXT_BYTES


def _block(start: int, end: int, width: int, low: int, high: int) -> tuple[int, int]:
    first = start - start % _BLOCK
    return max(low, first - width), min(high, max(end, first + _BLOCK) + width)


def _lines(data: bytes, start: int, end: int, width: int) -> tuple[int, int]:
    """Return the whole lines around `start:end`, or more than `width` bytes and a very long line."""
    reach = max(LONG_LINE, width) + 1
    floor, last = max(0, start - reach), max(start, end - 1)
    ceiling = min(len(data), last + reach)
    low, high = data.rfind(b"\n", floor, start), data.find(b"\n", last, ceiling)
    return floor if low < 0 else low + 1, ceiling if high < 0 else high


class Positions:
    """Lines and columns of a text, each counted on from the last one asked for."""

    __slots__ = ("_at", "_column", "_data", "_line")

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._line, self._column = data, 0, 1, 1

    def of(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and the 1-based column, in characters, of `offset`."""
        data, start = self._data, offset
        while 0 < start < len(data) and data[start] & 0xC0 == 0x80 and data[start - 1] >= 0x80:
            start -= 1  # to where a character begins, so that counting can go on from there
        self._move(start)
        return self._line, self._column + _characters(data, start, offset)

    def _move(self, to: int) -> None:
        data, low, high, sign = self._data, self._at, to, 1
        if to < self._at:
            low, high, sign = to, self._at, -1
        self._at = to
        if lines := data.count(b"\n", low, high):
            self._line += sign * lines
            self._column = 1 + _characters(data, line_start(data, to), to)
        else:
            self._column += sign * _characters(data, low, high)


def _characters(data: bytes, start: int, end: int) -> int:
    # An invalid byte counts as one, as editors show it.
    return len(data[start:end].decode("utf-8", "replace"))


def merge(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the union of `spans` as sorted spans that neither touch nor overlap."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def decoded(data: bytes) -> str:
    """Decode bytes of a repository: UTF-8, with other bytes kept as surrogates so that nothing is lost."""
    return data.decode("utf-8", "surrogateescape")


def caseless(expression: str) -> re.Pattern[bytes]:
    """Compile a rule's context expression."""
    return re.compile(b"(?i:" + expression.encode() + b")", re.MULTILINE)

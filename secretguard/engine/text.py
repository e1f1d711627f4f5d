"""Lines, columns and neighbourhoods in bytes that may hold lines of any length."""

import re

CONTEXT_LINES = 8
CONTEXT_BYTES = 4096
"""How far a neighbourhood goes on each side at most, so that a line of five megabytes stays cheap."""
LONG_LINE = 65536
REACH = 2 * CONTEXT_BYTES + 512
"""How far from its region a judgement can look: a neighbourhood, and a manifest's header before it."""


def line_start(data: bytes, at: int) -> int:
    """Return the offset of the first byte of the line that holds offset `at`."""
    return data.rfind(b"\n", 0, at) + 1


def line_end(data: bytes, at: int) -> int:
    """Return the offset of the newline that ends the line of `at`, or the end of the data."""
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end


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
    low, high = line_start(data, start), line_end(data, max(start, end - 1))
    if high - low > LONG_LINE:
        low, high = max(low, start - width), min(high, end + width)
    return low, high


def position(data: bytes, offset: int) -> tuple[int, int]:
    """Return the 1-based line and the 1-based column, in characters, of `offset`."""
    begin = line_start(data, offset)
    # Characters, so an invalid byte counts as one, as editors show it.
    return data.count(b"\n", 0, begin) + 1, len(data[begin:offset].decode("utf-8", "replace")) + 1


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

"""Deltas of a pack: taken apart, applied, and the text around what they change. Compiled where there is a compiler.

Plain Python that Cython compiles with the types of `delta.pxd`; without a compiler the same source runs as it is.
Instructions stand in one array of signed 64-bit numbers: the size of the base, the size of the result, then pairs
(source, length); a source below zero is minus the offset of inserted bytes in the delta.
The format: gitformat-pack(5), "Deltified representation".
"""

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Cython reads these lines, and nothing runs them: see uncompiled.py
    import cython
    from cython.cimports.libc.string import memcpy
else:
    from secretguard.git import uncompiled as cython

COMPILED: bool = cython.compiled
_HEAD = 2
"""Where the instructions begin, after the two sizes."""
_NEWLINE = 10
_COLUMNS = 4
"""Numbers in a row of the table of windows: see `add_windows`."""
_MOST_NUMBERS = 2 << 20
"""Of one delta; an object that is put together from more than a million pieces is left to git."""


class DeltaError(ValueError):
    """The bytes are no delta of this base."""


def parse_delta(delta: bytes, steps: "array[int]") -> int:
    """Take `delta` apart into `steps` and return where they end, or -1 if there is not room enough.

    Raises DeltaError; every instruction it returns stays within base, delta and result.
    """
    try:
        return _parse(delta, steps)
    except IndexError:
        raise DeltaError("an instruction is cut off") from None


def parse_with_room(delta: bytes, room: int = 1024) -> "tuple[array[int], int]":
    """Take `delta` apart as `parse_delta` does, into a new array that is large enough. Raises DeltaError."""
    while room <= _MOST_NUMBERS:
        steps = array("q", (0,)) * room
        end = parse_delta(delta, steps)
        if end >= 0:
            return steps, end
        room *= 2
    raise DeltaError("too many instructions")


# One loop without calls in it: a delta has as many instructions as a text has changes.
def _parse(delta: bytes, steps: "array[int]") -> int:  # noqa: C901, PLR0912, PLR0915
    length = len(delta)
    room = len(steps) - 2
    at = 0
    for field in range(_HEAD):
        size = 0
        shift = 0
        while True:
            if shift > 49:
                raise DeltaError("a size beyond all bounds")
            byte = delta[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        steps[field] = size
    base_size = steps[0]
    size = steps[1]
    done = 0
    end = _HEAD
    while at < length:
        if end > room:
            return -1
        code = delta[at]
        at += 1
        if code & 128:
            source = 0
            count = 0
            if code & 1:
                source = delta[at]
                at += 1
            if code & 2:
                source |= delta[at] << 8
                at += 1
            if code & 4:
                source |= delta[at] << 16
                at += 1
            if code & 8:
                source |= delta[at] << 24
                at += 1
            if code & 16:
                count = delta[at]
                at += 1
            if code & 32:
                count |= delta[at] << 8
                at += 1
            if code & 64:
                count |= delta[at] << 16
                at += 1
            if count == 0:
                count = 65536
            if source + count > base_size:
                raise DeltaError("a copy reaches beyond the base")
            steps[end] = source
        else:
            count = code
            if count == 0 or at + count > length:
                raise DeltaError("an insert is cut off")
            steps[end] = -at
            at += count
        steps[end + 1] = count
        end += 2
        done += count
        if done > size:
            raise DeltaError("the result is longer than it says")
    if done != size:
        raise DeltaError("the result is shorter than it says")
    return end


def apply_delta(base: bytes | bytearray, delta: bytes, steps: "array[int]", end: int, result: bytearray) -> None:
    """Write into `result`, which has the size `steps` names, what `parse_delta` made of `delta`.

    Raises DeltaError if `base` or `result` have another size, or `steps` are not of this delta.
    """
    size = len(result)
    if len(base) != steps[0] or size != steps[1]:
        raise DeltaError("the base has another size")
    done = 0
    for step in range(_HEAD, end, 2):
        source = steps[step]
        count = steps[step + 1]
        # parse_delta has seen to it, but what is written where in memory hangs on this function alone.
        length = len(base) if source >= 0 else len(delta)
        start = source if source >= 0 else -source
        if count <= 0 or count > size - done or start < 0 or count > length - start:
            raise DeltaError("the instructions are of another delta")
        if cython.compiled:
            if source >= 0:
                memcpy(cython.address(result[done]), cython.address(base[start]), count)
            else:
                memcpy(cython.address(result[done]), cython.address(delta[start]), count)
        else:
            result[done : done + count] = (base if source >= 0 else delta)[start : start + count]
        done += count
    if done != size:
        raise DeltaError("the instructions are of another delta")


# One loop without calls in it, as `_parse`.
def add_windows(  # noqa: C901, PLR0912, PLR0915
    result: bytes | bytearray, steps: "array[int]", end: int, reach: int, table: "array[int]", rows: int
) -> int:
    """Add to `table` a row for each stretch of lines of `result` that the base does not have.

    A row is (start, first fresh end, last fresh end, end): a match of at most `reach` bytes within one line, judged
    with one byte on each side, that ends at a fresh end may differ from the base's; any other is the base's own, moved.
    Windows are whole lines, or `reach` + 1 bytes on each side of the change where a line is longer. Returns the number
    of rows, of which there were `rows` before; -1 where the table has no room for more. Raises DeltaError if `result`
    has another size than `steps` name.
    """
    size = len(result)
    if size != steps[1]:
        raise DeltaError("the result has another size")
    first = rows
    done = 0
    expected = 0
    for step in range(_HEAD, end + 2, 2):
        if step < end:
            source = steps[step]
            count = steps[step + 1]
        else:  # behind the end of the result the end of the base should follow
            source = steps[0]
            count = 0
        begin = done
        done += count
        if source >= 0:
            is_seam = source != expected and expected >= 0
            expected = source + count
            if not is_seam:
                continue
            stop = begin
        else:
            expected = -1  # the window of an insert holds the seam behind it
            stop = done
        row = (rows - 1) * _COLUMNS
        if rows > first:
            last = table[row + 2]
            if stop <= last and (last == size or result[last] == _NEWLINE):
                continue  # on a line that is taken already
        last = stop
        limit = min(stop + reach, size)
        while last < limit and result[last] != _NEWLINE:
            last += 1
        high = min(last + 1, size)
        if rows > first and begin <= table[row + 3]:
            table[row + 2] = max(table[row + 2], last)
            table[row + 3] = max(table[row + 3], high)
            continue
        low = begin
        limit = max(begin - reach - 1, 0)
        while low > limit and result[low - 1] != _NEWLINE:
            low -= 1
        if rows > first and low <= table[row + 3]:
            table[row + 2] = last
            table[row + 3] = high
            continue
        row += _COLUMNS
        if row + _COLUMNS > len(table):
            return -1
        table[row] = low
        table[row + 1] = begin
        table[row + 2] = last
        table[row + 3] = high
        rows += 1
    return rows


def copied_ends(steps: "array[int]", end: int, ends: "array[int]", fresh: "array[int]") -> "array[int]":
    """Return pairs (number in `ends`, where that is in the result) for each of the sorted offsets that is copied.

    An offset counts as copied with what stands before it, or where a copy begins. `fresh` holds begin and stop of
    stretches of the result, sorted: what comes to stand in one of them or at its ends is left out. So there are no
    more pairs than twice what the result holds outside of them, however often a delta copies the same few bytes.
    """
    count = len(ends)
    room = array("q", bytes(16 * count))
    found = room
    filled = 0
    done = 0
    row = 0
    for step in range(_HEAD, end, 2):
        source = steps[step]
        length = steps[step + 1]
        low = _first_from(ends, 0, source) if source >= 0 else count
        while low < count and ends[low] <= source + length:
            at = ends[low] - source + done
            while row < len(fresh) and fresh[row + 1] < at:
                row += 2
            if row < len(fresh) and fresh[row] <= at:
                low = _first_from(ends, low, fresh[row + 1] + 1 - done + source)
                continue
            if filled + 2 > len(found):
                grown = array("q", bytes(16 * len(found)))
                grown[:filled] = room[:filled]
                room = grown
                found = room
            found[filled] = low
            found[filled + 1] = at
            filled += 2
            low += 1
        done += length
    return room[:filled]


def _first_from(ends: "array[int]", low: int, least: int) -> int:
    """Return the number, `low` or higher, of the first of the sorted offsets that is `least` or more."""
    high = len(ends)
    while low < high:
        middle = (low + high) >> 1
        if ends[middle] < least:
            low = middle + 1
        else:
            high = middle
    return low

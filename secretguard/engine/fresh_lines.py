"""The lines that many versions change, in one text to be matched in one call. Compiled where there is a compiler.

Plain Python that Cython compiles with the types of `fresh_lines.pxd`.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Cython reads these lines, and nothing runs them: see uncompiled.py
    import cython
    from cython.cimports.libc.string import memcpy
else:
    from secretguard.git import uncompiled as cython

if not cython.compiled:  # else the compiler has them from fresh_lines.pxd
    from secretguard.engine.clean_lines import LONGEST_PIECE, CleanLines, piece_end
    from secretguard.git.delta import add_windows
    from secretguard.git.walk import Rebuilt

_NEWLINE = 10
_TEXT = 1 << 20
_ENOUGH = _TEXT - (_TEXT >> 2)
"""So much text is worth a call; what is left takes most versions whole."""
_ROWS = 1 << 15
_COLUMNS = 4
_SHORTEST = 256
"""A window that is shorter is matched sooner than looked up."""
_PENDING = 4 << 20
"""Bytes of objects that wait for their hits: about what a processor has near."""


class FreshLines:
    """Objects that wait for their hits, and the text in which these are looked for.

    The text begins with a line feed, and each run in it that was not copied together ends with one.
    """

    def __init__(self, reach: int, clean: CleanLines) -> None:
        self.reach = reach
        self.clean = clean
        self.text = bytearray(b"\n").ljust(_TEXT, b"\0")
        self.fill = 1
        self.windows = array("q", bytes(8 * _COLUMNS * _ROWS))
        """What may differ from the base of each object: see `delta.add_windows`."""
        self.rows = 0
        self.runs = array("q", bytes(8 * 3 * _ROWS))
        """What stands in the text: where there, where in its object, in which window."""
        self.run_count = 0
        self.pieces = array("q", bytes(8 * 2 * _ROWS))
        """Begin and end in the text of each that has a fingerprint."""
        self.prints = array("Q", bytes(8 * _ROWS))
        self.piece_count = 0
        self.objects: list[Rebuilt] = []
        self.firsts: list[int] = []
        """Of each object its first window."""
        self.alone: list[int] = []
        """Numbers of the objects that are too large for the text."""
        self.bytes = 0
        self.left_over: Rebuilt | None = None

    def take(self, objects: Iterator[Rebuilt]) -> bool:
        """Take objects until their text is worth a call, or there are no more: then it is False."""
        if self.left_over is not None:
            one = self.left_over
            self.left_over = None
            if not self._add(one):
                self.alone.append(len(self.objects) - 1)
        for one in objects:
            if not self._add(one):
                if len(self.objects) > 1:
                    self.objects.pop()
                    self.firsts.pop()
                    self.left_over = one
                    return True
                self.alone.append(0)
            if self.fill > _ENOUGH or self.bytes > _PENDING:
                return True
        return False

    def clear(self) -> None:
        """Begin anew."""
        self.fill = 1
        self.rows = 0
        self.run_count = 0
        self.piece_count = 0
        self.bytes = 0
        self.objects = []
        self.firsts = []
        self.alone = []

    def matched(self) -> memoryview:
        """Return the text."""
        return memoryview(self.text)[: self.fill]

    def shared_out(self, hits: Sequence[tuple[int, int]]) -> dict[int, list[tuple[int, int]]]:
        """Return by number of the object the hits that its base need not have; `hits` are those in the text."""
        found: dict[int, list[tuple[int, int]]] = {}
        starts = list(self.runs[: 3 * self.run_count : 3])
        for end, owner in hits:
            run = 3 * (bisect_left(starts, end) - 1)
            if run < 0:
                continue
            at = end - self.runs[run] + self.runs[run + 1]
            row = self.runs[run + 2]
            if self.windows[_COLUMNS * row + 1] <= at <= self.windows[_COLUMNS * row + 2]:
                # Of the objects that begin at this window the last one has it; those before have none.
                found.setdefault(bisect_right(self.firsts, row) - 1, []).append((at, owner))
        return found

    def fresh_ends(self, number: int) -> "array[int]":
        """Return, for one window of an object after the other, where the ends of fresh hits begin and stop."""
        stop = self.firsts[number + 1] if number + 1 < len(self.firsts) else self.rows
        rows = range(_COLUMNS * self.firsts[number], _COLUMNS * stop, _COLUMNS)
        return array("q", [self.windows[row + column] for row in rows for column in (1, 2)])

    def learn(self, ends: Sequence[int]) -> None:
        """Remember the pieces in which nothing ends; `ends` are sorted."""
        k = 0
        count = len(ends)
        following = ends[0] if count else -1
        for piece in range(0, 2 * self.piece_count, 2):
            while following >= 0 and following <= self.pieces[piece]:
                k += 1
                following = ends[k] if k < count else -1
            if following < 0 or following > self.pieces[piece + 1] + 1:
                self.clean.add(self.prints[piece // 2])

    def _add(self, one: Rebuilt) -> bool:
        """Take an object; False if there is no room for what is fresh of it, and then nothing of that is taken."""
        size = len(one.view)
        self.objects.append(one)
        self.firsts.append(self.rows)
        self.bytes += size
        row = self.rows * _COLUMNS
        if one.depth > 0:
            rows = add_windows(one.view, one.steps, one.end, self.reach, self.windows, self.rows)
        elif not size:
            return True
        elif self.rows < _ROWS:
            self.windows[row] = 0
            self.windows[row + 1] = 0
            self.windows[row + 2] = size
            self.windows[row + 3] = size
            rows = self.rows + 1
        else:
            rows = -1
        if rows < 0:
            return False
        fill, runs, pieces = self.fill, self.run_count, self.piece_count
        if rows > self.rows and not self._copy(one.view, rows):
            self.fill, self.run_count, self.piece_count = fill, runs, pieces
            return False
        self.rows = rows
        return True

    def _copy(self, data: bytes | bytearray, rows: int) -> bool:
        """Copy from the windows up to number `rows` the pieces that are not known to be clean."""
        for row in range(self.rows, rows):
            at = self.windows[_COLUMNS * row]
            high = self.windows[_COLUMNS * row + 3]
            is_open = False
            while at < high:
                end = piece_end(data, at, high) if high - at >= _SHORTEST else high
                size = end - at
                has_print = _SHORTEST <= size <= LONGEST_PIECE
                if has_print and self.clean.is_clean(data, at, end):
                    is_open = False
                    at = end
                    continue
                if self.fill + size >= _TEXT or self.run_count >= _ROWS or self.piece_count >= _ROWS:
                    return False
                if not is_open:
                    is_open = True
                    self.runs[3 * self.run_count] = self.fill
                    self.runs[3 * self.run_count + 1] = at
                    self.runs[3 * self.run_count + 2] = row
                    self.run_count += 1
                if has_print:
                    self.pieces[2 * self.piece_count] = self.fill
                    self.pieces[2 * self.piece_count + 1] = self.fill + size
                    self.prints[self.piece_count] = self.clean.print
                    self.piece_count += 1
                if cython.compiled:
                    memcpy(cython.address(self.text[self.fill]), cython.address(data[at]), size)
                else:
                    self.text[self.fill : self.fill + size] = data[at:end]
                self.fill += size
                at = end
            if is_open and self.text[self.fill - 1] != _NEWLINE:
                self.text[self.fill] = _NEWLINE
                self.fill += 1
        return True

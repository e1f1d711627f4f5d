"""Pieces of text that are known to hold no hit, by a keyed fingerprint. Compiled where there is a compiler.

A history says the same thing many times: of the text that its versions change, most stood in another version
before. Whether an expression of the prefilter matches on a line depends on that line alone, so lines that held nothing
need not be matched again.

The fingerprint is NH of UMAC (RFC 4418, section 5.2) twice, over words of 32 bits, and the two of them folded by
multiplying and shifting (Dietzfelbinger), under a key that is drawn for each scan: whatever two texts somebody chooses,
they have the same one with a probability of at most 2**-61.
Plain Python that Cython compiles with the types of `clean_lines.pxd`; uncompiled, BLAKE2 takes the place of NH.
"""

import os
from array import array
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Cython reads these lines, and nothing runs them: see uncompiled.py
    import cython
    from cython.cimports.libc.string import memchr, memcpy
else:
    from secretguard.git import uncompiled as cython

_NEWLINE = 10
LONGEST_PIECE = 8192
"""Bytes of a piece at most; a longer line is always matched."""
_LEAST = 256
_ENOUGH = 1024
"""A piece that has so many bytes ends with its line."""
_KEY_WORDS = LONGEST_PIECE // 4 + 8
_FOLD_WORDS = 10
_MULTIPLIER = 0x9E3779B97F4A7C15
_ALL_BITS = (1 << 64) - 1
_SLOT_BITS = 18

Bytes = bytes | bytearray


class CleanLines:
    """Remembers the fingerprints of pieces; one that comes later takes the place of an earlier one."""

    def __init__(self, slot_bits: int = _SLOT_BITS) -> None:
        self.secret = os.urandom(32)
        self.key = array("I", os.urandom(4 * _KEY_WORDS))
        self.fold = array("Q", os.urandom(8 * _FOLD_WORDS))
        self.known = array("Q", bytes(8 << slot_bits))
        self.shift = 64 - slot_bits
        self.print = 0

    def is_clean(self, data: Bytes, start: int, stop: int) -> bool:
        """Whether `data[start:stop]` is known; its fingerprint is in `print` then.

        The range must lie within the data and be no longer than a piece may be.
        """
        if start < 0 or stop > len(data) or start >= stop or stop - start > LONGEST_PIECE:
            raise ValueError("no piece")
        if cython.compiled:
            self.print = self._fingerprint(data, start, stop)
        else:
            digest = blake2b(bytes(data[start:stop]), key=self.secret, digest_size=8).digest()
            self.print = int.from_bytes(digest, "little")
        return self.known[self._slot(self.print)] == self.print

    def add(self, found: int) -> None:
        """Remember a fingerprint."""
        self.known[self._slot(found)] = found

    def _slot(self, found: int) -> int:
        return ((found * _MULTIPLIER) & _ALL_BITS) >> self.shift

    def _fingerprint(self, data: Bytes, start: int, stop: int) -> int:
        """Compute NH twice, the second time with the key moved on by four words, and fold the four halves into two.

        A sum of multiples would not do: texts that differ in the highest bit of a word have NHs with the same low bits.
        """
        one = stop - start
        two = one
        at = start
        k = 0
        word = 0
        while at < stop:
            if stop - at >= 8:
                memcpy(cython.address(word), cython.address(data[at]), 8)
            else:
                word = 0
                memcpy(cython.address(word), cython.address(data[at]), stop - at)
            at += 8
            left = cython.cast("unsigned int", word)
            right = word >> 32
            a = left + self.key[k]
            b = right + self.key[k + 1]
            one += cython.cast("unsigned long long", a) * b
            a = left + self.key[k + 4]
            b = right + self.key[k + 5]
            two += cython.cast("unsigned long long", a) * b
            k += 2
        a = cython.cast("unsigned int", one)
        b = one >> 32
        left = cython.cast("unsigned int", two)
        right = two >> 32
        one = self.fold[0] + self.fold[1] * a + self.fold[2] * b + self.fold[3] * left + self.fold[4] * right
        two = self.fold[5] + self.fold[6] * a + self.fold[7] * b + self.fold[8] * left + self.fold[9] * right
        folded: int = (one >> 32) | ((two >> 32) << 32)
        return folded


def piece_end(data: Bytes, start: int, stop: int) -> int:
    """Return where the piece ends that begins at `data[start]`: behind a line feed, or at `stop`.

    Where it ends hangs on the lines in it, not on where it begins, so that the same lines make the same pieces whatever
    stands before them: a line whose length is a multiple of four is the last of its piece, where that is not short.
    """
    if start < 0 or stop > len(data) or start >= stop:
        raise ValueError("no piece")
    at = start
    while at < stop:
        if cython.compiled:
            found = memchr(cython.address(data[at]), _NEWLINE, stop - at)
            if found == cython.NULL:
                return stop
            end: int = cython.cast("const unsigned char *", found) - cython.address(data[0])
        else:
            end = data.find(b"\n", at, stop)
            if end < 0:
                return stop
        length = end - at
        at = end + 1
        if (not length & 3 and at - start >= _LEAST) or at - start >= _ENOUGH:
            return at
    return stop

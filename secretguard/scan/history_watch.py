"""Objects on their way into the sweep: counted, and looked at for being more than lines. Compiled where possible.

Plain Python that Cython compiles with the types of `history_watch.pxd`.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Cython reads these lines, and nothing runs them: see uncompiled.py
    import cython
else:
    from secretguard.git import uncompiled as cython

if not cython.compiled:  # else the compiler has them from history_watch.pxd
    from secretguard.git.walk import Rebuilt

_BLOB = 3
"""`families.BLOB`."""
_TAR_AT = 257
_TAR = ord("u")


class Watch:
    """Passes on the objects of a pack, of which none is a tree."""

    def __init__(
        self,
        objects: Iterator[Rebuilt],
        kinds: bytearray,
        repeated: bytearray,
        elsewhere: bytearray,
        beginnings: bytes,
        tell: Callable[[int, int, bytes | bytearray], None],
    ) -> None:
        """`tell` hears of each object that is no blob, begins with one of the bytes `beginnings`, or may be a tar file.

        It gets entry, kind and content. Of those that are `repeated` it hears nothing; those that are not counted
        `elsewhere` either are counted.
        """
        self.given = objects
        self.kinds = kinds
        self.repeated = repeated
        self.elsewhere = elsewhere
        self.tell = tell
        self.is_beginning = bytearray(256)
        for one in beginnings:
            self.is_beginning[one] = 1
        self.objects = 0
        self.bytes = 0

    def __iter__(self) -> "Watch":
        return self

    def __next__(self) -> Rebuilt:
        return self._next()

    def _next(self) -> Rebuilt:
        one = next(self.given)
        entry = one.entry
        if self.repeated[entry]:
            return one
        if not self.elsewhere[entry]:
            self.objects += 1
            self.bytes += len(one.view)
        if self.kinds[entry] != _BLOB or self._is_special(one.view):
            self.tell(entry, self.kinds[entry], one.data)
        return one

    def _is_special(self, data: bytes | bytearray) -> bool:
        size = len(data)
        return size > 0 and (self.is_beginning[data[0]] != 0 or (size > _TAR_AT and data[_TAR_AT] == _TAR))

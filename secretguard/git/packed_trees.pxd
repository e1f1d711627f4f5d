# The types under which Cython compiles packed_trees.py; its own annotations are for readers and mypy.
cimport cython

from secretguard.git.delta cimport apply_delta, parse_delta
from secretguard.git.tree_changes cimport TreeReader

cdef int _NONE, _LARGE, _SPARE, _SHORT, _ZLIB
cdef Py_ssize_t _HELD

@cython.final
cdef class Waiting:
    cdef int entry, left
    cdef object data
    cdef bint sound, broken

@cython.final
cdef class PackedTrees:
    cdef object pack, source, inflater, inflate_short
    cdef TreeReader reader
    cdef int[::1] numbers, bases, left
    cdef int first
    cdef long long[::1] offsets, starts, sizes, steps
    cdef unsigned char[::1] spare
    cdef list waiting
    cdef Py_ssize_t held

    @cython.locals(found=object, rows="int[::1]", row=Py_ssize_t, at=Py_ssize_t, entry=Py_ssize_t, base=int,
                   before=Py_ssize_t, sound=bint, kept=Waiting)
    cpdef read(self, int[::1] order)

    @cython.locals(size="long long", start="long long", stop="long long", stored=bytes)
    cdef bytes _inflated(self, Py_ssize_t entry)

    @cython.locals(kept=Waiting, data=object, before=Py_ssize_t, sound=bint)
    cdef Waiting _base(self, int entry)

    cdef object _rebuilt(self, Py_ssize_t entry)

    @cython.locals(other=Waiting, kept=Waiting)
    cdef Waiting _keep(self, int entry, object data, bint sound)

    @cython.locals(kept=Waiting)
    cdef _keep_broken(self, int entry)

    cdef _forget(self, Waiting kept)

    @cython.locals(sound=bint)
    cdef bint _read_whole(self, Py_ssize_t entry, bytes data) except -2

    @cython.locals(stored="const unsigned char[::1]", end=Py_ssize_t, size=Py_ssize_t, data=bytearray, sound=bint)
    cdef bint _read_built(self, Py_ssize_t entry, bytes delta, Waiting base) except -2

    @cython.locals(whole="const unsigned char[::1]")
    cdef bint _build(self, Waiting base, const unsigned char[::1] delta, Py_ssize_t end,
                     unsigned char[::1] tree) except -2

# The types under which Cython compiles packed_trees.py; its own annotations are for readers and mypy.
cimport cython

from secretguard.git.delta cimport apply_delta, parse_delta
from secretguard.git.tree_changes cimport TreeReader

cdef int _NONE, _LARGE, _SPARE, _SHORT, _ZLIB

@cython.final
cdef class Waiting:
    cdef int entry, left
    cdef object data
    cdef bint sound

@cython.final
cdef class PackedTrees:
    cdef object pack, source, inflater, inflate_short
    cdef TreeReader reader
    cdef int[::1] numbers, bases, left
    cdef int first
    cdef long long[::1] offsets, starts, sizes, steps
    cdef unsigned char[::1] spare
    cdef list waiting

    @cython.locals(at=Py_ssize_t, entry=Py_ssize_t, base=int, before=Py_ssize_t, stored=bytes, kept=Waiting, sound=bint,
                   found=object, rows="int[::1]", row=Py_ssize_t)
    cpdef read(self, int[::1] order)

    @cython.locals(size="long long", start="long long", stop="long long", stored=bytes)
    cpdef bytes inflate(self, Py_ssize_t entry)

    @cython.locals(kept=Waiting, before=Py_ssize_t)
    cpdef Waiting base(self, int entry)

    @cython.locals(sound=bint)
    cpdef bint read_whole(self, Py_ssize_t entry, bytes data) except -2

    @cython.locals(end=Py_ssize_t, size=Py_ssize_t, data=bytearray, sound=bint, view="unsigned char[::1]",
                   stored="const unsigned char[::1]", whole="const unsigned char[::1]")
    cpdef bint read_built(self, Py_ssize_t entry, bytes delta, Waiting base) except -2

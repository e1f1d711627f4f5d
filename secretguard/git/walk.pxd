# The types under which Cython compiles walk.py; its own annotations are for readers and mypy.
cimport cython

from secretguard.git.delta cimport apply_delta, parse_delta

cdef int _NONE, _LARGE, _SHORT, _ZLIB
cdef Py_ssize_t _HELD
cdef long long[::1] _NO_STEPS

# One for each object, and soon gone; it holds nothing that could hold it.
@cython.final
@cython.no_gc
@cython.freelist(64)
cdef class Rebuilt:
    cdef readonly int entry, base, depth
    cdef readonly object data
    cdef readonly const unsigned char[::1] view
    cdef readonly long long[::1] steps
    cdef readonly bytes delta
    cdef readonly Py_ssize_t end

@cython.locals(one=Rebuilt)
cpdef Rebuilt stored_whole(int entry, object data)

@cython.final
cdef class Base:
    cdef int entry, left, depth
    cdef object data
    cdef const unsigned char[::1] view
    cdef bint broken

@cython.final
cdef class Walk:
    cdef object pack, source, inflater, inflate_short
    cdef int[::1] order, bases, left
    cdef long long[::1] offsets, starts, sizes, steps
    cdef readonly Py_ssize_t at, stop
    cdef Py_ssize_t held
    cdef list chain
    cdef readonly const unsigned char[::1] under

    @cython.locals(one=Rebuilt)
    cdef Rebuilt _whole(self, int entry)

    @cython.locals(kept=Base, delta=bytes, end=Py_ssize_t, size="long long", data=bytearray, depth=int, one=Rebuilt,
                   stored="const unsigned char[::1]", view="unsigned char[::1]")
    cdef Rebuilt _built(self, int entry, int base)

    @cython.locals(size="long long", start="long long", stop="long long", stored=bytes)
    cdef bytes _inflated(self, Py_ssize_t entry)

    @cython.locals(kept=Base, data=object)
    cdef Base _base(self, int entry)

    cdef object _read_again(self, int entry)

    @cython.locals(other=Base, kept=Base)
    cdef Base _keep(self, int entry, object data, const unsigned char[::1] view, int depth)

    cdef _keep_broken(self, int entry)

    cdef _forget(self, Base kept)

# The types under which Cython compiles clean_lines.py; its own annotations are for readers and mypy.
cimport cython

cdef int _NEWLINE, LONGEST_PIECE, _LEAST, _ENOUGH
cdef unsigned long long _MULTIPLIER, _ALL_BITS

@cython.final
cdef class CleanLines:
    cdef object secret
    cdef unsigned int[::1] key
    cdef unsigned long long[::1] known, fold
    cdef int shift
    cdef readonly unsigned long long print

    cpdef bint is_clean(self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop) except -2

    cpdef add(self, unsigned long long found)

    cdef Py_ssize_t _slot(self, unsigned long long found) noexcept

    @cython.locals(one="unsigned long long", two="unsigned long long", at=Py_ssize_t, k=Py_ssize_t,
                   word="unsigned long long", left="unsigned int", right="unsigned int", a="unsigned int",
                   b="unsigned int", folded="unsigned long long")
    cdef unsigned long long _fingerprint(self, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop) except? 1

@cython.locals(at=Py_ssize_t, end=Py_ssize_t, length=Py_ssize_t, found="const void *")
cpdef Py_ssize_t piece_end(const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop) except -2

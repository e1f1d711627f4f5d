# The types under which Cython compiles fresh_lines.py; its own annotations are for readers and mypy.
cimport cython

from secretguard.engine.clean_lines cimport LONGEST_PIECE, CleanLines, piece_end
from secretguard.git.delta cimport add_windows
from secretguard.git.walk cimport Rebuilt

cdef int _NEWLINE, _TEXT, _ENOUGH, _ROWS, _COLUMNS, _SHORTEST
cdef Py_ssize_t _PENDING

@cython.final
cdef class FreshLines:
    cdef Py_ssize_t reach, fill, bytes
    cdef readonly Py_ssize_t rows, run_count, piece_count
    cdef CleanLines clean
    cdef unsigned char[::1] text
    cdef long long[::1] windows, runs, pieces
    cdef unsigned long long[::1] prints
    cdef readonly list objects, firsts, alone
    cdef Rebuilt left_over

    @cython.locals(one=Rebuilt)
    cpdef bint take(self, object objects) except -2

    @cython.locals(k=Py_ssize_t, count=Py_ssize_t, following="long long", piece=Py_ssize_t)
    cpdef learn(self, list ends)

    @cython.locals(size=Py_ssize_t, row=Py_ssize_t, rows=Py_ssize_t, fill=Py_ssize_t, runs=Py_ssize_t,
                   pieces=Py_ssize_t)
    cdef bint _add(self, Rebuilt one) except -2

    @cython.locals(row=Py_ssize_t, at=Py_ssize_t, high=Py_ssize_t, is_open=bint, has_print=bint, end=Py_ssize_t, size=Py_ssize_t)
    cdef bint _copy(self, const unsigned char[::1] data, Py_ssize_t rows) except -2

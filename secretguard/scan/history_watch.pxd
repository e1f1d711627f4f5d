# The types under which Cython compiles history_watch.py; its own annotations are for readers and mypy.
cimport cython

from secretguard.git.walk cimport Rebuilt

cdef int _BLOB, _TAR_AT, _TAR

@cython.final
cdef class Watch:
    cdef object given, tell
    cdef unsigned char[::1] kinds, repeated, elsewhere, is_beginning
    cdef readonly Py_ssize_t objects
    cdef readonly long long bytes

    @cython.locals(one=Rebuilt, entry=int)
    cdef Rebuilt _next(self)

    @cython.locals(size=Py_ssize_t)
    cdef bint _is_special(self, const unsigned char[::1] data) except -2

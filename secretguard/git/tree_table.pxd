# The types under which Cython compiles tree_table.py; its own annotations are for readers and mypy.
cimport cython

cdef int _NONE, _CROWDED, _RECENT

@cython.final
cdef class TreeTable:
    cdef readonly Py_ssize_t width
    cdef int shift
    cdef Py_ssize_t mask, columns
    cdef int[::1] rows, recent

    @cython.locals(row=Py_ssize_t)
    cpdef int add(self, const unsigned char[::1] data, Py_ssize_t at, int number) except -2

    @cython.locals(row=Py_ssize_t, spot=Py_ssize_t)
    cpdef int find(self, const unsigned char[::1] data, Py_ssize_t at) except -2

    @cython.locals(found=object, numbers="int[::1]", k=Py_ssize_t)
    cpdef find_all(self, const unsigned char[::1] ids)

    @cython.locals(by_place=object, placed="int[::1]", known=Py_ssize_t, k=Py_ssize_t, entry=Py_ssize_t, number=int,
                   found=int, place=Py_ssize_t)
    cpdef Py_ssize_t add_trees(self, const unsigned char[::1] ids, int[::1] places, int[::1] order, Py_ssize_t first,
                               int[::1] numbers) except -2

    cdef bint _is_at(self, Py_ssize_t row, const unsigned char[::1] data, Py_ssize_t at) except -2

    @cython.locals(place=Py_ssize_t, row=Py_ssize_t, k=Py_ssize_t, _=int)
    cdef Py_ssize_t _probe(self, const unsigned char[::1] data, Py_ssize_t at) except -2

# The types under which Cython compiles tree_pairs.py; its own annotations are for readers and mypy.
cimport cython

cdef int _NONE, _FIRST_WANTED, _COLUMNS, _UNTOUCHED, _DEEPEST, _PATIENCE, _WORTH_KNOWING, _FRUITLESS,
cdef int _FOUND, _ROW, _BEGIN, _END, _DEPTH

@cython.final
cdef class TreePairs:
    cdef int[::1] trees, records, scratch, touched, kept, work, path, fruitless
    cdef unsigned char[::1] readable, marked
    cdef list names, found
    cdef readonly int serial
    cdef readonly long long steps

    @cython.locals(count=Py_ssize_t, family="int[::1]", starts="int[::1]", tree=Py_ssize_t, base=Py_ssize_t,
                   at=Py_ssize_t, value=int)
    cpdef prepare(self)

    @cython.locals(count=Py_ssize_t, total=int, tree=Py_ssize_t, holders="int[::1]", at=Py_ssize_t, value=int,
                   waiting="int[::1]", filled=Py_ssize_t, done=Py_ssize_t, one=Py_ssize_t)
    cpdef spread(self, int[::1] family, int[::1] starts)

    cpdef list compare(self, int tree, list parents)

    @cython.locals(spot=Py_ssize_t, steps="long long", found=Py_ssize_t, end=Py_ssize_t, one=int, at=Py_ssize_t,
                   value=int, values=list, below=int)
    cpdef descend(self, int tree, int other, list more, int level, Py_ssize_t top)

    cpdef bint is_readable(self, int tree) except -2

    @cython.locals(touched=Py_ssize_t, one=Py_ssize_t, two=Py_ssize_t, is_here=bint, at=Py_ssize_t, begin=Py_ssize_t,
                   end=Py_ssize_t, record=Py_ssize_t, name=int,
                   row=Py_ssize_t, side=Py_ssize_t, k=Py_ssize_t, here=int, there=int)
    cpdef Py_ssize_t differences(self, int tree, int other, Py_ssize_t top) except -2

    @cython.locals(stop=Py_ssize_t, at=Py_ssize_t, to=Py_ssize_t, k=Py_ssize_t)
    cpdef Py_ssize_t keep(self, int tree, int other, Py_ssize_t top, Py_ssize_t end) except -2

    @cython.locals(parent=int, value=int)
    cpdef list below(self, int name, int first, list more)

    @cython.locals(record=Py_ssize_t, begin=Py_ssize_t, end=Py_ssize_t)
    cpdef int value(self, Py_ssize_t tree, int name) except? -1

    cpdef bytes path_to(self, int level)

@cython.locals(record=Py_ssize_t, at=Py_ssize_t)
cpdef relabel(int[::1] records, int[::1] names, int first_stranger, int[::1] strangers)

@cython.locals(at=int, row=Py_ssize_t, tree=Py_ssize_t)
cpdef place(int[::1] found, int begin, int[::1] trees, unsigned char[::1] readable)

# The types under which Cython compiles tree_pairs.py; its own annotations are for readers and mypy.
cimport cython

cdef int _NONE, _FIRST_WANTED, _COLUMNS, _ROW, _BEGIN, _END, _DEPTH, _UNTOUCHED, _DEEPEST, _PATIENCE, _WORTH_KNOWING
cdef int _FRUITLESS, _FOUND

@cython.final
cdef class TreePairs:
    cdef int[::1] trees, records, scratch, touched, kept, work, path, fruitless
    cdef unsigned char[::1] readable, marked
    cdef list names, found
    cdef int serial
    cdef long long steps

    @cython.locals(count=Py_ssize_t, family=object, families="int[::1]", tree=Py_ssize_t, base=Py_ssize_t,
                   at=Py_ssize_t)
    cdef _prepare(self)

    @cython.locals(count=Py_ssize_t, starts="int[::1]", holders="int[::1]", waiting="int[::1]", filled=Py_ssize_t,
                   tree=Py_ssize_t, done=Py_ssize_t, one=Py_ssize_t, at=Py_ssize_t)
    cdef _mark_above(self, int[::1] family)

    @cython.locals(count=Py_ssize_t, tree=Py_ssize_t, at=Py_ssize_t, value=int, total=int, found=object,
                   holders="int[::1]")
    cdef _holders(self, int[::1] family, int[::1] starts)

    @cython.locals(one=int)
    cpdef list compare(self, int tree, list parents)

    @cython.locals(commit=int, at=Py_ssize_t, others=list, added=list, left=list)
    cpdef tuple compare_each(self, int[::1] roots, int[::1] firsts, int[::1] parents)

    @cython.locals(spot=Py_ssize_t, steps="long long", found=Py_ssize_t, end=Py_ssize_t, one=int, at=Py_ssize_t,
                   value=int, values=list, below=int)
    cdef _descend(self, int tree, int other, list more, int level, Py_ssize_t top)

    cdef bint _is_readable(self, int tree) except -2

    @cython.locals(touched=Py_ssize_t, one=Py_ssize_t, two=Py_ssize_t, is_here=bint, at=Py_ssize_t, begin=Py_ssize_t,
                   end=Py_ssize_t, record=Py_ssize_t, name=int, row=Py_ssize_t, side=Py_ssize_t, k=Py_ssize_t,
                   here=int, there=int)
    cdef Py_ssize_t _differences(self, int tree, int other, Py_ssize_t top) except -2

    @cython.locals(stop=Py_ssize_t, at=Py_ssize_t, to=Py_ssize_t, k=Py_ssize_t)
    cdef Py_ssize_t _keep(self, int tree, int other, Py_ssize_t top, Py_ssize_t end) except -2

    @cython.locals(values=list, parent=int, value=int)
    cdef list _below(self, int name, int first, list more)

    @cython.locals(record=Py_ssize_t, begin=Py_ssize_t, end=Py_ssize_t)
    cdef int _child(self, Py_ssize_t tree, int name) except? -1

    cdef bytes _path_to(self, int level)

@cython.locals(record=Py_ssize_t, at=Py_ssize_t)
cpdef relabel(int[::1] records, int[::1] names, int first_stranger, int[::1] strangers)

@cython.locals(at=int, row=Py_ssize_t, tree=Py_ssize_t)
cpdef place(int[::1] found, int begin, int[::1] trees, unsigned char[::1] readable)

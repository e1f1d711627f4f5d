# The types under which Cython compiles tree_changes.py; its own annotations are for readers and mypy.
cimport cython

from secretguard.git.tree_table cimport TreeTable

cdef int _NONE, _FIRST_WANTED, _COLUMNS, _HEAD, _HIGHEST_MODE, _BROKEN, _NO_ENTRY, _DIRECTORY, _FILE, _LINK, _GITLINK
cdef int _DISORDER, _RECENT, _MOST_CHANGES
cdef unsigned char _SPACE, _SLASH, _ZERO

@cython.final
cdef class TreeReader:
    cdef TreeTable table
    cdef Py_ssize_t width, tree_end, base_end
    cdef dict wanted, keys
    cdef unsigned char[::1] may_be_wanted
    cdef readonly list spelled
    cdef readonly dict strangers
    cdef int next_number
    cdef public Py_ssize_t count
    cdef readonly object room
    cdef int[::1] changes, recent

    @cython.locals(before=Py_ssize_t)
    cpdef bint read(self, const unsigned char[::1] base, const unsigned char[::1] tree, long long[::1] steps,
                    Py_ssize_t end) except -2

    @cython.locals(size=Py_ssize_t, base_size=Py_ssize_t, i=Py_ssize_t, j=Py_ssize_t, previous=Py_ssize_t,
                   step=Py_ssize_t, done=Py_ssize_t, stop=Py_ssize_t, following=Py_ssize_t, order=int)
    cdef bint _compare(self, const unsigned char[::1] base, const unsigned char[::1] tree, long long[::1] steps,
                       Py_ssize_t end) except -2

    @cython.locals(kind=int, name=Py_ssize_t, nul=Py_ssize_t, base_kind=int, base_name=Py_ssize_t,
                   base_nul=Py_ssize_t, order=int, last_kind=int, last_name=Py_ssize_t, last_nul=Py_ssize_t,
                   before=int, after=int, key=int)
    cdef int _step(self, const unsigned char[::1] base, Py_ssize_t j, const unsigned char[::1] tree, Py_ssize_t i,
                   Py_ssize_t previous) except -2

    @cython.locals(at=Py_ssize_t)
    cdef _append(self, int key, int before, int after)

    @cython.locals(stop=Py_ssize_t, spot=Py_ssize_t, k=Py_ssize_t, number=Py_ssize_t, key=bytes)
    cdef int _key(self, const unsigned char[::1] data, Py_ssize_t name, Py_ssize_t nul, int kind) except -2

    @cython.locals(found=int, stranger=bytes)
    cdef int _child(self, const unsigned char[::1] data, Py_ssize_t at, int kind) except? -3

@cython.locals(size=Py_ssize_t, name=Py_ssize_t, mode=int, nul=Py_ssize_t, kind=int)
cdef (int, Py_ssize_t, Py_ssize_t) _entry(const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t width) noexcept

@cython.locals(size=Py_ssize_t, found="const void *", nul=object)
cdef Py_ssize_t _find_nul(const unsigned char[::1] data, Py_ssize_t at) except -2

cdef bytes _bytes(const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop)

cdef bint _is_at(bytes key, const unsigned char[::1] data, Py_ssize_t start, Py_ssize_t stop) except -2

@cython.locals(left=int, right=int)
cdef int _order(const unsigned char[::1] one, Py_ssize_t name, Py_ssize_t nul, int kind,
                const unsigned char[::1] other, Py_ssize_t other_name, Py_ssize_t other_nul, int other_kind) except -2

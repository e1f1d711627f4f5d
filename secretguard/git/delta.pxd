# The types under which Cython compiles delta.py; its own annotations are for readers and mypy.
cimport cython

cdef Py_ssize_t _HEAD, _COLUMNS
cdef unsigned char _NEWLINE

cpdef Py_ssize_t parse_delta(const unsigned char[::1] delta, long long[::1] steps) except -2

@cython.locals(length=Py_ssize_t, room=Py_ssize_t, at=Py_ssize_t, field=int, size="long long", shift=int,
               byte="long long", base_size="long long", done="long long", end=Py_ssize_t, code="unsigned int",
               source="long long", count="long long")
cdef Py_ssize_t _parse(const unsigned char[::1] delta, long long[::1] steps) except -2

@cython.locals(size=Py_ssize_t, done=Py_ssize_t, step=Py_ssize_t, source=Py_ssize_t, count=Py_ssize_t,
               length=Py_ssize_t, start=Py_ssize_t)
cpdef apply_delta(const unsigned char[::1] base, const unsigned char[::1] delta, long long[::1] steps,
                  Py_ssize_t end, unsigned char[::1] result)

@cython.locals(size=Py_ssize_t, first=Py_ssize_t, done=Py_ssize_t, expected=Py_ssize_t, step=Py_ssize_t,
               source=Py_ssize_t, count=Py_ssize_t, begin=Py_ssize_t, stop=Py_ssize_t, last=Py_ssize_t,
               limit=Py_ssize_t, high=Py_ssize_t, low=Py_ssize_t, row=Py_ssize_t, is_seam=bint)
cpdef Py_ssize_t add_windows(const unsigned char[::1] result, long long[::1] steps, Py_ssize_t end, Py_ssize_t reach,
                             long long[::1] table, Py_ssize_t rows) except -2

@cython.locals(count=Py_ssize_t, room=object, found="long long[::1]", filled=Py_ssize_t, done="long long",
               row=Py_ssize_t, step=Py_ssize_t, source="long long", length="long long", low=Py_ssize_t, at="long long",
               grown=object)
cpdef object copied_ends(long long[::1] steps, Py_ssize_t end, long long[::1] ends, long long[::1] fresh)

@cython.locals(high=Py_ssize_t, middle=Py_ssize_t)
cdef Py_ssize_t _first_from(long long[::1] ends, Py_ssize_t low, long long least) except -2

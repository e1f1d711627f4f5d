# The types under which Cython compiles families.py; its own annotations are for readers and mypy.
cimport cython

cdef int _BAD, _TREE, _TAG, _OFFSET_DELTA, _REF_DELTA, _NONE
cdef int _TOO_FAR
cdef long long _HEAVIEST, _FAR, _NOWHERE

@cython.locals(i=Py_ssize_t, offset="long long", at="long long", k=int)
cpdef read_offsets(const unsigned char[::1] near, const unsigned char[::1] far, long long[::1] offsets)

@cython.locals(count=Py_ssize_t, i=Py_ssize_t, shift=int, starts="long long[::1]", digit=Py_ssize_t, to=Py_ssize_t)
cpdef sort_offsets(long long[::1] offsets, int[::1] places, long long[::1] spare)

@cython.locals(i=Py_ssize_t, at="long long", stop="long long", byte="long long", kind="unsigned int", size="long long",
               shift=int, back="long long", wanted="long long", low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t)
cpdef read_headers(const unsigned char[::1] pack, long long[::1] offsets, unsigned char[::1] kinds,
                   long long[::1] sizes, long long[::1] starts, int[::1] bases)

@cython.locals(count=Py_ssize_t, child=Py_ssize_t, sibling=Py_ssize_t, queue=Py_ssize_t, weight=Py_ssize_t,
               place=Py_ssize_t, i=Py_ssize_t, base=Py_ssize_t, filled=Py_ssize_t, roots=Py_ssize_t, done=Py_ssize_t,
               one=Py_ssize_t, k=Py_ssize_t, content=Py_ssize_t, members=Py_ssize_t, following=Py_ssize_t,
               at=Py_ssize_t, last=Py_ssize_t)
cpdef Py_ssize_t arrange(unsigned char[::1] kinds, int[::1] bases, long long[::1] sizes, int[::1] order, int[::1] left,
                         long long[::1] spare) except -2

@cython.locals(ranges=list, start=Py_ssize_t, cost="long long", k=Py_ssize_t)
cpdef list cut_evenly(int[::1] order, Py_ssize_t stop, long long[::1] sizes, long long each, long long least)

@cython.locals(i=Py_ssize_t, j=Py_ssize_t, k=Py_ssize_t)
cpdef mark_common(const unsigned char[::1] ids, const unsigned char[::1] others, Py_ssize_t width,
                  unsigned char[::1] flags)

@cython.locals(number=Py_ssize_t, start=Py_ssize_t, low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, k=Py_ssize_t)
cpdef find_ids(const unsigned char[::1] ids, Py_ssize_t width, const unsigned char[::1] wanted, int[::1] positions)

# The types under which Cython compiles packed_trees.py; its own annotations are for readers and mypy.
cimport cython

from secretguard.git.tree_changes cimport TreeReader
from secretguard.git.walk cimport Rebuilt, Walk

cdef int _NONE, _COLUMNS

@cython.locals(found=object, rows="int[::1]", row=Py_ssize_t, unsound=set, judged=int, nothing="const unsigned char[::1]",
               one=Rebuilt, base=int, before=Py_ssize_t, sound=bint)
cpdef read_trees(Walk walk, TreeReader reader, int[::1] numbers, int first)

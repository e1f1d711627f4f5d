"""Stands in for the `cython` module where the delta loop runs as plain Python.

Compiled, Cython's own takes its place. At run time nobody asks for a module of that name: it need not be installed, and
one that lies in the current directory is not ours.
"""

compiled = False

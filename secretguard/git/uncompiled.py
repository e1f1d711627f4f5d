"""Stands in for the `cython` module where the delta loop runs as plain Python."""

compiled = False

"""Fixtures for the tests of the engine."""

from tests.git.builds import reader

__all__ = ["reader"]

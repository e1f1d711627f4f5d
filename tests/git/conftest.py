"""Fixtures for the tests of the git layer."""

from tests.git.builds import reader
from tests.git.repositories import _own_git_configuration, guarded, repo

__all__ = ["_own_git_configuration", "guarded", "reader", "repo"]

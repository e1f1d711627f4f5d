"""Which commit put a blob at a path: `git diff-tree` over all commits at once, merges included."""

import os
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, NamedTuple

from secretguard.errors import GitError
from secretguard.git.history import read_commits
from secretguard.git.repository import Repository
from secretguard.git.trees import records
from secretguard.model import Problem

_NOT_FILES = (b"000000", b"160000")
"""Modes of what is deleted, and of a submodule."""
_FEED_SIZE = 256
_PATIENCE = 100
"""So many dead processes in a row without one answer mean that the repository is at fault, not a commit."""
_COMMAND = (
    "diff-tree", "--stdin", "--always", "-r", "-c", "--root", "--raw", "-z", "--no-abbrev", "--no-renames",
    "--no-ext-diff", "--no-textconv", "--ignore-submodules=none",
)  # fmt: skip


class Addition(NamedTuple):
    """A commit adds a blob at a path: none of its parents has that blob there."""

    commit: str
    path: str
    blob: str


class _Question(NamedTuple):
    """One line for diff-tree, and the name that its answer begins with."""

    commit: str
    line: bytes
    name: bytes

    @property
    def is_root(self) -> bool:
        return b" " in self.name


@dataclass(slots=True)
class _Walk:
    """What was asked and is not answered yet, so that a new git can go on where one died."""

    problems: list[Problem]
    pending: deque[_Question] = field(default_factory=deque)
    unproven: _Question | None = None
    """A root that was named and has no file yet: git may die while it reads its trees."""
    deaths: int = 0
    """In a row, without an answer between them."""

    def begin(self, name: bytes) -> str:
        """Take note that the answer named `name` begins, and return its commit."""
        while self.pending:
            question = self.pending.popleft()
            if question.name == name:
                self.unproven = question if question.is_root else None
                self.deaths = 0
                return question.commit
            self.blame(question.commit, "it is missing or corrupt")  # git skips such a commit without a word
        return ""

    def blame(self, commit: str, reason: str) -> None:
        what = f"its files cannot be compared with its parents': {reason.removeprefix('git diff-tree: ')}"
        self.problems.append(Problem(f"commit {commit}", what, "`git fsck --full` lists what is broken."))

    def died(self, failure: GitError) -> None:
        """Blame the commit that git died of: a root is named before its trees are read, any other commit after."""
        self.deaths += 1
        if self.deaths > _PATIENCE:
            raise failure
        if question := self.unproven or (self.pending.popleft() if self.pending else None):
            self.blame(question.commit, str(failure))
        self.unproven = None


def find_additions(
    repository: Repository,
    lineage: Mapping[str, Collection[str]],
    problems: list[Problem],
    wanted: Collection[str] | None = None,
) -> Iterator[Addition]:
    """Yield what each commit of `lineage` (commit -> those of its parents that can be read) adds.

    Only blobs in `wanted`, if given. A commit whose trees cannot be read becomes a problem.
    """
    only = None if wanted is None else frozenset(blob.encode() for blob in wanted)
    questions = _questions(repository, lineage, problems)
    walk = _Walk(problems)
    while True:
        with repository.process(*_COMMAND, feed=_feed(walk.pending, questions)) as process:
            process.bound_memory()
            yield from _answers(process.stdout, walk, only)
            failure = process.failure() if process.wait() else None
        if not failure:
            walk.unproven = None
            if not walk.pending:
                return
        walk.died(failure or GitError("it is missing or corrupt"))


def _questions(
    repository: Repository, lineage: Mapping[str, Collection[str]], problems: list[Problem]
) -> Iterator[_Question]:
    """Parents are always written out, and roots as pairs of trees, so that no graft or shallow file changes them."""
    roots = [commit for commit, parents in lineage.items() if not parents]
    for root in list(read_commits(repository, roots, problems) if roots else ()):
        if root.tree == repository.empty_tree:
            continue
        name = f"{repository.empty_tree} {root.tree}".encode()
        yield _Question(root.id, name + b"\n", name)
    for commit, parents in lineage.items():
        if parents:
            yield _Question(commit, " ".join((commit, *parents)).encode() + b"\n", commit.encode())


def _feed(pending: deque[_Question], questions: Iterator[_Question]) -> Iterator[bytes]:
    yield b"".join(question.line for question in list(pending))
    while chunk := list(islice(questions, _FEED_SIZE)):
        pending.extend(chunk)
        yield b"".join(question.line for question in chunk)


def _answers(stdout: IO[bytes], walk: _Walk, only: frozenset[bytes] | None) -> Iterator[Addition]:
    commit = ""
    tokens = records(stdout)
    for answer in tokens:
        *pairs, token = answer.split(b"\n")  # the name of a pair of trees ends with a newline, all else with NUL
        for name in pairs:
            commit = walk.begin(name)
        if not token.startswith(b":"):
            commit = walk.begin(token) if token else commit
            continue
        walk.unproven = None
        path = next(tokens, b"")
        fields = token.split(b" ")
        parents = len(fields) // 2 - 1  # ::mode mode mode id id id status
        mode, blob = fields[parents], fields[-2]
        if mode in _NOT_FILES or blob in fields[parents + 1 : -2]:
            continue  # in the last case only the mode changed
        if only is None or blob in only:
            yield Addition(commit, os.fsdecode(path), blob.decode("ascii"))

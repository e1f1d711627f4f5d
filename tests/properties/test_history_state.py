"""Whatever happens to a repository between scans: what earlier scans learnt never makes a difference to a report."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.git.repositories import _own_git_configuration, make
from tests.scan.rescans import login, report, settle, token
from tests.scan.test_history_state import own_cache

__all__ = ["_own_git_configuration", "own_cache"]

FILES = ("a.env", "b/settings.env", "b/c/notes.txt")


class Life:
    """A repository to which things happen."""

    def __init__(self, path: Path, rng: random.Random) -> None:
        self.repo = make(path)
        self.rng = rng
        self.branches = ["main"]
        self.made = 0

    def git(self, *arguments: str) -> None:
        """Run git; not everything can be done at any time."""
        self.repo.raw(*arguments, fails=True)

    def text(self) -> str:
        """A few lines, some with a credential, often the same as before."""
        lines = [self.rng.choice((token, login))(self.rng.randrange(4)) if self.rng.random() < 0.5 else "line\n"]
        return "".join(lines * self.rng.randrange(1, 3)) + f"{self.rng.randrange(3)}\n"

    def commit(self) -> None:
        """A commit, mostly with a changed file; sometimes a credential stands in the message."""
        for name in self.rng.sample(FILES, self.rng.randrange(3)):
            self.repo.write(name, self.text())
        self.git("add", "-A")
        message = token(5) if self.rng.random() < 0.2 else "a commit"
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def amend(self) -> None:
        """The last commit, again."""
        self.repo.write(FILES[0], self.text())
        self.git("commit", "-q", "-a", "--amend", "--allow-empty", "-m", "amended")

    def branch(self) -> None:
        """Another branch, and a commit on it."""
        self.made += 1
        name = f"side{self.made}"
        self.branches.append(name)
        self.git("checkout", "-q", "-f", "-b", name)
        self.commit()

    def switch(self) -> None:
        """Back to a branch."""
        self.git("checkout", "-q", "-f", self.rng.choice(self.branches))

    def delete_branch(self) -> None:
        """A branch less."""
        here = self.repo.git("symbolic-ref", "--short", "HEAD")
        others = [name for name in self.branches if name != here]
        if others:
            self.branches.remove(name := self.rng.choice(others))
            self.git("branch", "-q", "-D", name)

    def merge(self) -> None:
        """All of another branch, with what we have where both changed something."""
        self.git("merge", "-q", "-s", "ours", "-m", "merged", self.rng.choice(self.branches))

    def reset(self) -> None:
        """Back by a commit, if there is one."""
        self.git("reset", "-q", "--hard", "HEAD~1")

    def stash(self) -> None:
        """Something put away."""
        self.repo.write(FILES[0], self.text() + str(self.rng.random()))
        self.git("stash", "-q")

    def drop(self) -> None:
        """What was put away, thrown away."""
        self.git("stash", "drop", "-q")

    def tag(self) -> None:
        """A tag with a message, of a commit or of content that nothing else names."""
        target = "HEAD" if self.rng.random() < 0.6 else self.repo.blob(self.text())
        self.git("tag", "-f", "-a", "-m", self.text(), f"v{self.rng.randrange(2)}", target)

    def note(self) -> None:
        """A note."""
        self.git("notes", "add", "-f", "-m", self.text(), "HEAD")

    def stage(self) -> None:
        """Something in the index, or nothing."""
        self.repo.write(FILES[1], self.text())
        self.git("add", "-A")

    def dangle(self) -> None:
        """Content, or a tree with it, that nothing names."""
        blob = self.repo.blob(self.text())
        if self.rng.random() < 0.5:
            self.repo.git("mktree", stdin=f"100644 blob {blob}\tlost\n".encode())

    def pack(self) -> None:
        """Some way of packing or unpacking."""
        self.git(*self.rng.choice((
            ("repack", "-q"), ("repack", "-q", "-d"), ("repack", "-q", "-a", "-d"), ("prune-packed",), ("gc", "-q"),
            ("gc", "-q", "--prune=now"), ("repack", "-q", "-a", "-d", "-f", "--depth=1"), ("repack", "-q", "-A", "-d"),
            ("multi-pack-index", "write"), ("commit-graph", "write", "--reachable"), ("pack-refs", "--all"),
        )))  # fmt: skip

    def forget(self) -> None:
        """What only the reflogs know, gone."""
        self.git("reflog", "expire", "--expire=now", "--all")
        if self.rng.random() < 0.5:
            self.git("prune", "--expire=now")

    def touch(self) -> None:
        """An object file or pack with another date."""
        objects = [path for path in (self.repo.path / ".git/objects").rglob("*") if path.is_file()]
        if objects:
            self.rng.choice(sorted(objects)).touch()

    def happenings(self) -> list[Callable[[], None]]:
        """All that can happen; what happens most stands there most often."""
        return [
            *(self.commit,) * 6, self.amend, self.branch, self.switch, self.delete_branch, self.merge, self.reset, self.stash,
            self.drop, self.tag, self.note, self.stage, self.dangle, *(self.pack,) * 3, self.forget, self.touch,
        ]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_a_warm_scan_says_what_a_cold_one_says(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    life = Life(tmp_path / "repo", rng)
    life.commit()
    story = ["commit"]
    for _ in range(14):
        for happening in rng.sample(life.happenings(), rng.randrange(1, 4)):
            story.append(happening.__name__)
            happening()
        if rng.random() < 0.8:
            settle()
        assert report(life.repo) == report(life.repo, use_cache=False), story
        story.append("scan")

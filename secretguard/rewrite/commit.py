"""The commit that is delivered, made in a scratch repository that borrows the objects of the real one.

The scratch repository has a configuration of its own, no attributes, hooks, index or files: nothing that the real one
names can run, and no name of it is written to a disk. GitPython makes objects there in this process and starts nothing;
what has to be read goes through our own git.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from secretguard.errors import RewriteError
from secretguard.git.command import git_executable
from secretguard.git.complaints import readable
from secretguard.git.repository import Repository
from secretguard.rewrite.author import Author
from secretguard.rewrite.delivery import Delivery
from secretguard.rewrite.trees import changed_tree

if TYPE_CHECKING:
    from types import ModuleType

    import git

_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[i18n]\n\tcommitEncoding = UTF-8\n"
_DIFF = (
    "diff-tree", "-p", "--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color",
    "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that exists nowhere yet but in here."""

    id: str
    tree: str
    base: str
    author: Author
    time: int
    """Seconds since 1970."""
    message: str
    diff: bytes = field(repr=False)
    """Against the base, as `git apply` takes it."""
    pack: bytes = field(repr=False)
    """The objects that the real repository has not."""


def made(delivery: Delivery, author: Author, time: int, say: Callable[[str], str]) -> Commit | None:
    """Return the commit with `say(tree)` as its message; None if the changes change nothing.

    Raises RewriteError if a file is not what the changes were computed against, and GitError.
    """
    repository = delivery.repository
    if repository.object_format != "sha1":
        raise RewriteError(
            f"a repository with {readable(repository.object_format)} ids cannot be delivered to",
            hint="The library that makes the commit knows SHA-1 only. Make the change by hand, or in a SHA-1 clone.",
        )
    with _scratch(repository) as (repo, scratch):
        before, after = changed_tree(repository, delivery.base, delivery.changes, repo.odb)
        if before == after:
            return None
        text = say(after)
        commit = _committed(repo, after, delivery.base, text, author, time)
        diff = scratch.git(*_DIFF, delivery.base, commit)
        new = b"".join(name + b"\n" for name in _new_objects(scratch.git_dir))
        pack = scratch.git("pack-objects", "--stdout", "-q", feed=[new])
    return Commit(commit, after, delivery.base, author, time, text, diff, pack)


@contextmanager
def _scratch(repository: Repository) -> "Iterator[tuple[git.Repo, Repository]]":
    """Yield an empty bare repository that reads the objects of `repository`, as GitPython and as our git see it."""
    library = _library()
    from gitdb.db.loose import LooseObjectDB

    with TemporaryDirectory(prefix="secretguard-") as name:
        place = Path(name)
        (place / "HEAD").write_text("ref: refs/heads/none\n", "ascii")
        (place / "config").write_text(_CONFIG, "ascii")
        for folder in ("objects", "refs"):
            (place / folder).mkdir()
        borrowed = ("GIT_ALTERNATE_OBJECT_DIRECTORIES", _quoted(repository.common_dir / "objects"))
        scratch = repository._replace(
            git_dir=place, common_dir=place, worktree=None, environment=(borrowed,), problems=()
        )
        with library.Repo(name, odbt=LooseObjectDB, expand_vars=False) as repo:
            repo.odb = LooseObjectDB(str(place / "objects"))  # type: ignore[no-untyped-call]  # whatever the environment says
            yield repo, scratch


def _library() -> "ModuleType":
    """Return GitPython, which runs `git version` when it is loaded: the git that we found, and no other."""
    wanted = {"GIT_PYTHON_GIT_EXECUTABLE": git_executable() or "", "GIT_PYTHON_REFRESH": "quiet"}
    kept = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        import git
    except ImportError:
        raise RewriteError(
            "GitPython is not installed, and it makes the commit", hint="pip install 'secretguard[rewrite]'"
        ) from None
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return git


def _committed(repo: "git.Repo", tree: str, base: str, message: str, author: Author, time: int) -> str:
    from git import Actor, Tree
    from git import Commit as Object

    who, when = Actor(author.name, author.email), f"{time} +0000"
    made = Object.create_from_tree(
        repo,
        Tree(repo, bytes.fromhex(tree)),
        message,
        parent_commits=[Object(repo, bytes.fromhex(base))],
        head=False,
        author=who,
        committer=who,
        author_date=when,
        commit_date=when,
    )
    return made.hexsha


def _new_objects(git_dir: Path) -> Iterator[bytes]:
    for file in sorted((git_dir / "objects").glob("[0-9a-f][0-9a-f]/*")):
        yield (file.parent.name + file.name).encode("ascii")


def _quoted(path: Path) -> str:
    """Return a path as git reads it in a list of paths: quoted, for it may hold the character between them."""
    escaped = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return os.fsdecode(b'"' + escaped + b'"')

"""Who commits: the operator, by environment or their own git configuration. The repository's has no say."""

from collections.abc import Mapping
from typing import NamedTuple

from secretguard.errors import GitError, RewriteError
from secretguard.git.repository import Repository
from secretguard.rotation import Context


class Author(NamedTuple):
    """A name and an address as git takes them."""

    name: str
    email: str


def author(repository: Repository, context: Context) -> Author:
    """Return the operator's identity; raises RewriteError if there is none."""
    name = _first(context.environ, "NAME") or _configured(repository, "user.name")
    email = _first(context.environ, "EMAIL") or _configured(repository, "user.email")
    name, email = _cleaned(name), _cleaned(email)
    if not name or not email:
        raise RewriteError(
            "git does not know who you are, and a commit says by whom it is",
            hint="Set it with `git config --global user.name …` and `git config --global user.email …`.",
        )
    return Author(name, email)


def _first(environ: Mapping[str, str], what: str) -> str:
    return next((environ[name] for side in ("AUTHOR", "COMMITTER") if environ.get(name := f"GIT_{side}_{what}")), "")


def _configured(repository: Repository, key: str) -> str:
    """Return what the user's or the system's configuration says, conditional includes followed."""
    for scope in ("--global", "--system"):
        try:
            said = repository.git("config", scope, "--includes", "--get", key)
        except GitError:  # there is no such file, or no such key
            continue
        if said.strip():
            return said.decode("utf-8", "replace")
    return ""


def _cleaned(text: str) -> str:
    """Return `text` without what ends a field of a commit, as git does it."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.translate(dict.fromkeys(map(ord, "<>"))).split()).strip(".,:;\"'\\ ")

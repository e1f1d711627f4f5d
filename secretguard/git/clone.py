"""Fetch a repository by URL, bare and with every ref, into a temporary directory."""

import os
import re
from pathlib import Path

from secretguard.errors import GitError, UsageError
from secretguard.git.command import git
from secretguard.git.complaints import readable
from secretguard.git.repository import Repository, open_repository

_SCHEMES = ("https", "http", "ssh", "git", "file")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
# user@host:path or host:path; one letter before the colon is a Windows drive.
_SCP_LIKE = re.compile(r"(?:[A-Za-z0-9_.][\w.-]*@)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][\w.-]+):(?!:)[^\s].*")


def is_clone_url(target: str) -> bool:
    """Tell whether a scan target is written as a URL rather than a path; an existing path is a path."""
    if _SCHEME.match(target) or _HELPER.match(target):
        return True
    return bool(_SCP_LIKE.fullmatch(target)) and not os.path.lexists(target)


def clone(url: str, into: Path) -> Repository:
    """Fetch `url` into the new directory `into`. Raises UsageError for a transport that runs commands, GitError."""
    _check(url)
    network = "" if url.startswith("file:") else "https:http:ssh:git"
    command = ["clone", "--quiet", "--mirror", "--template=", "--no-recurse-submodules", "--", url, str(into)]
    try:
        git(command, directory=into.parent, protocols=network or "file")
    except GitError as error:
        reason = str(error).removeprefix("git clone: ")
        raise GitError(f"cannot clone {readable(url)}: {reason}", hint=error.hint) from None
    # The URL may hold a login, which has no business on this disk and would be found as a leak.
    git(["--git-dir", str(into), "config", "--remove-section", "remote.origin"], directory=into)
    repository = open_repository(into)
    if repository is None:
        raise GitError(f"cloning {readable(url)} left no repository")
    return repository


def _check(url: str) -> None:
    scheme = _SCHEME.fullmatch(url)
    if scheme and scheme[1].lower() in _SCHEMES and not re.match(r"([^/@]*@)?-", scheme[2]):
        return
    if not scheme and not _HELPER.match(url) and _SCP_LIKE.fullmatch(url):
        return
    raise UsageError(
        f"cannot clone {readable(url)}", hint=f"Give a URL with {', '.join(_SCHEMES)}, user@host:path, or a local path."
    )

"""What git says on stderr -> one sentence and a hint for the user."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from secretguard.errors import GitError, ObjectError


class NotARepositoryError(GitError):
    """The path lies in no repository, which many callers can live with."""


class _Known(NamedTuple):
    said: str
    """An expression in git's own words."""
    sentence: str
    """Ours; empty where git's own words are clear."""
    hint: str
    error: type[GitError] = GitError


_DAMAGED = "The object database is damaged; `git fsck --full` lists what is broken. A fresh clone may have it whole."
_KNOWN = (
    _Known(
        "dubious ownership|unsafe repository",
        "git refuses a repository that belongs to another user (dubious ownership)",
        "In a CI container: git config --global --add safe.directory {directory}",
    ),
    _Known(
        "cannot use bare repository",
        "git is configured to refuse bare repositories (safe.bareRepository)",
        "Set GIT_DIR to the repository and scan without a target, or relax safe.bareRepository.",
    ),
    _Known("not a git repository: ", "", "The .git file names a repository that is gone; try `git worktree repair`."),
    _Known("not a git repository", "not a git repository", "Give a path inside a repository.", NotARepositoryError),
    _Known(
        "cannot (chdir|change) to|Invalid path",
        "",
        "core.worktree or GIT_WORK_TREE names a directory that is not there.",
    ),
    _Known(
        "No space left on device|Disk quota exceeded",
        "the disk is full",
        "Free some space, or set TMPDIR to a directory on another disk.",
    ),
    _Known(
        "Authentication failed|could not read (Username|Password)|terminal prompts disabled",
        "the server asks for a login",
        "Set up a credential helper or an ssh key, or clone it yourself and scan the clone.",
    ),
    _Known(
        "Could not resolve host|unable to access 'https?:|Could not read from remote|Connection (refused|timed out)|"
        "does not appear to be a git repository|repository '.*' does not exist",
        "",
        "Check the URL, the network and your rights to the repository.",
    ),
    _Known(
        "transport '.*' not allowed|lazy fetching disabled|from promisor remote",
        "an object is not here, and secretguard fetches nothing",
        "Fetch it first (git fetch --refetch), or scan a full clone.",
        ObjectError,
    ),
    _Known(
        "index file corrupt|bad signature 0x|bad index (file|version)|index uses .* extension",
        "the index is damaged",
        "Remove .git/index and run `git reset` to rebuild it.",
    ),
    _Known(
        "unknown repository extension|Expected git repo version|unknown object format|unknown ref storage",
        "",
        "The repository needs a newer git than the one installed here.",
    ),
    _Known("bad (numeric |boolean )?config|unable to parse .*config", "", "Mend the repository's configuration file."),
    _Known(
        "[Pp]ermission denied", "no permission to read the repository", "Run as its owner, or give read permission."
    ),
    _Known("[Oo]ut of memory|malloc|mmap failed", "git ran out of memory", "Give the process more memory."),
    _Known(
        "missing (blob|tree|commit)|unable to read|bad object|unable to find|Failed to traverse",
        "",
        _DAMAGED,
        ObjectError,
    ),
    _Known(
        "corrupt|inflate|unpack|does not match index|cannot be accessed|too small|is empty|bad tree|unable to stream",
        "",
        _DAMAGED,
        ObjectError,
    ),
)
_LOGIN = r"(://)[^/\s@]+@"


def explain(arguments: Sequence[str], code: int, stderr: str, directory: str) -> GitError:
    """Return the error for a git command that ended with `code` after saying `stderr`."""
    command = next((word for word in arguments if not word.startswith("-")), "")
    said = complaint_in(stderr)
    if named := re.search(r"repository (?:at |\()'([^'\n]+)'", stderr):
        directory = readable(named[1])  # git names the top of the repository, we may have asked deeper
    for known in _KNOWN:
        if re.search(known.said, stderr):
            return known.error(f"git {command}: {known.sentence or said}", hint=known.hint.format(directory=directory))
    if code < 0:
        return GitError(f"git {command} was ended by signal {-code}", hint="It may have run out of memory.")
    return GitError(f"git {command}: {said or f'ended with code {code}'}")


def complaint_in(stderr: str) -> str:
    """Return the first `fatal:` line, else the last `error:` line, else the last line, safe to show."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("fatal:")][:1]
    errors = [line for line in lines if line.startswith("error:")]
    return readable(re.sub(r"^(fatal|error): ", "", (fatal or errors or lines or [""])[-1]))


def readable(text: str) -> str:
    """Return `text` on one line, without logins in URLs and without anything a terminal would obey."""
    line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
    return re.sub(_LOGIN, r"\1****@", line)[:500]

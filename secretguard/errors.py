"""Every error secretguard raises on purpose, with its exit code and the hint that goes with it."""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process says to its caller; `docs/exit-codes.md` explains each."""

    CLEAN = 0
    """Looked at everything, nothing to report."""
    FOUND = 1
    """Found something, and nothing else."""
    USAGE = 2
    """Wrong command line or configuration."""
    INCOMPLETE = 3
    """Could not finish, so the result is not "clean"."""
    WAITING = 4
    """A rotation waits for a person."""
    BUG = 70
    """A bug in secretguard; a redacted log was written."""
    INTERRUPTED = 130
    """Interrupted by the user."""


class SecretguardError(Exception):
    """The root: one sentence for the user, and a `hint` that says what to do about it."""

    exit_code: ClassVar[ExitCode] = ExitCode.INCOMPLETE

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(SecretguardError):
    """The command line cannot be carried out as given."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """A configuration file, baseline or environment variable says something impossible."""


class RuleError(UsageError):
    """A rule file is malformed, or a rule is unsafe (unbounded, crosses a line, backtracks)."""


class PluginError(SecretguardError):
    """A plugin does not load, or two share a name."""


class GitError(SecretguardError):
    """Git, or the repository, refuses."""


class ObjectError(GitError):
    """One object that should be readable is not; the rest of the scan goes on."""


class SourceError(SecretguardError):
    """The target cannot be read: no such path, no permission."""


class OutputError(SecretguardError):
    """The report cannot be written: full disk, no permission, closed pipe."""


class BadReference(UsageError):  # noqa: N818
    """A `ref+…` is malformed, or of a kind that is refused."""


class RotationError(SecretguardError):
    """A rotation cannot go on, and says why; nothing is lost."""


class RewriteError(SecretguardError):
    """The code cannot be rewritten as planned; nothing was delivered."""


class Waiting(SecretguardError):  # noqa: N818 - it is no error: a person has to do something first
    """A rotation waits for a person, and says for what."""

    exit_code = ExitCode.WAITING


class RemoteError(SecretguardError):
    """Somebody else's system refuses or does not answer.

    `transient`: asking again may help. `retry_after`: seconds it asked us to wait. `unsure`: the request may have had
    its effect although no answer came; only looking tells.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        transient: bool = False,
        retry_after: float | None = None,
        unsure: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient
        self.retry_after = retry_after
        self.unsure = unsure


class IssuerError(RemoteError):
    """The system that issued a credential refuses or does not answer."""


class ForgeError(RemoteError):
    """GitHub or GitLab refuses or does not answer."""


class StoreError(RemoteError):
    """A secret store refuses or does not answer."""


class Conflict(StoreError):  # noqa: N818
    """Somebody else wrote to the same place in between; what they wrote is untouched."""

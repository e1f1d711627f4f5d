"""Git's hook files: ours put beside what was there, which goes on running and comes back byte for byte."""

import hashlib
import os
import re
import secrets
import shlex
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from secretguard.errors import OutputError, UsageError

KEPT = ".before-secretguard"
"""What is added to the name of a hook that was there before ours."""

_MARK = re.compile(rb"^# secretguard-hook ([0-9a-f]{16})$", re.MULTILINE)
_LARGEST = 1 << 20
_MODE = 0o755


@dataclass(frozen=True, slots=True)
class HookFile:
    """One hook of a repository, such as pre-commit, in the folder where git looks for it."""

    folder: Path
    name: str
    portable: bool = False
    """Whether the folder is part of the work tree, so that no path of this machine may stand in the file."""

    @property
    def path(self) -> Path:
        """Where git looks for it."""
        return self.folder / self.name

    @property
    def kept(self) -> Path:
        """Where a hook that was there before ours waits, and is called first."""
        return self.folder / f"{self.name}{KEPT}"

    @property
    def installed(self) -> bool:
        """Whether ours is in place."""
        return is_ours(self.path)

    @property
    def called_by_another(self) -> bool:
        """Whether a tool that came later moved ours aside and calls it, as pre-commit does."""
        return is_ours(self.folder / f"{self.name}.legacy")


def install(hook: HookFile) -> str:
    """Put our hook in place and return what was done; what was there is kept and called first."""
    script = script_for(hook)
    if hook.called_by_another:
        return f"{hook.name}: already installed, called by the hook that replaced it"
    if hook.installed:
        _refuse_if_edited(hook)
        if hook.path.read_bytes() == script:
            return f"{hook.name}: already installed"
        _write(hook, script)
        return f"{hook.name}: renewed in {hook.path}"
    if os.path.lexists(hook.path):
        _keep(hook)
        _write(hook, script)
        return f"{hook.name}: installed in {hook.path}; the hook that was there runs first, from {hook.kept.name}"
    _write(hook, script)
    return f"{hook.name}: installed in {hook.path}"


def uninstall(hook: HookFile) -> str:
    """Take our hook away, put back what was there before, and return what was done."""
    if not hook.installed:
        return f"{hook.name}: not installed"
    _refuse_if_edited(hook)
    try:
        if os.path.lexists(hook.kept):
            hook.kept.replace(hook.path)
            return f"{hook.name}: removed; the hook that was there before is back"
        hook.path.unlink()
    except OSError as error:
        raise OutputError(f"{hook.path} cannot be removed: {error.strerror}", hint="Check its rights.") from None
    return f"{hook.name}: removed"


def is_ours(path: Path) -> bool:
    """Whether `path` is a hook that we wrote."""
    return _MARK.search(_content(path)) is not None


def script_for(hook: HookFile) -> bytes:
    """Return the hook: it calls what was there before with the same arguments and input, then us."""
    feeds = hook.name == "pre-push"
    arguments = f"hook run {hook.name}" if feeds else "scan --staged"
    pipe = 'printf %s "$lines" | ' if feeds else ""
    runs = [("command -v secretguard >/dev/null 2>&1", f"secretguard {arguments}")]
    if not hook.portable:
        python = shlex.quote(sys.executable)
        # -P: a module of that name in the repository that is committed to is never imported.
        runs.insert(0, (f"[ -x {python} ]", f"{python} -P -m secretguard {arguments}"))
    body = _BODY.format(
        name=hook.name,
        kept=hook.kept.name,
        read='lines="$(cat; echo .)"\nlines="${lines%.}"\n' if feeds else "",
        call=f'{pipe}"$kept" "$@"',
        run="".join(f"if {test}; then\n    {pipe}{run}\n    exit $?\nfi\n" for test, run in runs),
    ).encode()
    return b"#!/bin/sh\n# secretguard-hook " + _digest(body) + b"\n" + body


_BODY = """\
# Written by `secretguard hook install`; `secretguard hook uninstall` takes it away again.
kept="$(dirname "$0")/{kept}"
{read}if [ -x "$kept" ]; then
    {call} || exit $?
fi
{run}echo "secretguard is not installed any more: install it, or remove this hook ($0)." >&2
exit 1
"""


def _keep(hook: HookFile) -> None:
    """Give the hook that is there a second name, so that there is no moment without it."""
    if os.path.lexists(hook.kept):
        if hook.kept.exists() and hook.path.exists() and hook.kept.samefile(hook.path):
            return  # we were interrupted between the two steps
        raise UsageError(
            f"{hook.path} is not ours, and {hook.kept.name} already holds an earlier hook",
            hint="Move one of the two away, or merge them, then install again.",
        )
    try:
        try:
            os.link(hook.path, hook.kept, follow_symlinks=False)
        except (OSError, NotImplementedError):
            hook.path.rename(hook.kept)
    except OSError as error:
        raise OutputError(f"{hook.path} cannot be kept: {error.strerror}", hint="Check its rights.") from None


def _write(hook: HookFile, script: bytes) -> None:
    """Replace the hook in one step, so that git never runs half of it."""
    temporary = hook.folder / f".{hook.name}.{secrets.token_hex(8)}"
    try:
        hook.folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
            file.write(script)
        temporary.chmod(_MODE)
        temporary.replace(hook.path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise OutputError(f"{hook.path} cannot be written: {error.strerror}", hint="Check its rights.") from None


def _refuse_if_edited(hook: HookFile) -> None:
    """Raise if somebody added lines of their own to our hook: they would be lost."""
    content = _content(hook.path)
    mark = _MARK.search(content)
    if mark and _digest(content[mark.end() + 1 :]) != mark[1]:
        raise UsageError(
            f"{hook.path} was edited since secretguard wrote it",
            hint="Move your lines to a hook of your own and delete this file, then try again.",
        )


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError:
        return b""


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest()[:16].encode()

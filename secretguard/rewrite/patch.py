"""A patch that `git am` takes, in a file that only its owner can read: its removed lines hold the old value.

Format: one message of an mbox as `git format-patch` writes it. Where lines end in CR LF, which `git am` would take for
the mail's own, the message is quoted-printable (RFC 2045, 6.7); `git am` reads that too.
"""

import hashlib
import os
import re
import secrets
import stat
from binascii import b2a_qp
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime
from pathlib import Path

from secretguard.errors import OutputError
from secretguard.rewrite import exposure
from secretguard.rewrite.commit import Commit
from secretguard.rewrite.delivery import Delivered, Delivery, How
from secretguard.rewrite.prepare import prepared
from secretguard.rotation import Context

_ANY_DATE = "Mon Sep 17 00:00:00 2001"
"""By which `file` and git know a patch of git from a mail."""
_OURS = re.compile(rb"From [0-9a-f]{40} " + _ANY_DATE.encode("ascii"))
_FRAGILE = re.compile(rb"\r$|\0", re.MULTILINE)


def write_patch(delivery: Delivery, place: Path, context: Context) -> Delivered:
    """Write the patch to the file `place`, with rights 0600, in one step; a patch of ours that was there is replaced.

    Raises RewriteError, GitError, and OutputError if the file cannot be written or something else is there.
    """
    check_place(place)
    commit = prepared(delivery, context)
    if commit is None:
        return Delivered(How.PATCH, "", ("there is nothing to change",), is_new=False)
    _write(place, mail(commit))
    evidence = (
        f"a commit with {len(delivery.changes)} files on top of {commit.base[:12]}, for `git am`",
        "its removed lines hold the old value, so only you can read the file",
    )
    return Delivered(How.PATCH, str(place), evidence, text=exposure.masked(delivery, commit.diff))


def check_place(place: Path) -> None:
    """Raise OutputError if something is at `place` that is no patch of ours: nobody wants to lose it."""
    try:
        mode = place.lstat().st_mode
        is_ours = stat.S_ISREG(mode) and _is_ours(place.read_bytes())
    except FileNotFoundError:
        return
    except OSError as error:
        raise _not_written(place, error.strerror or str(error)) from None
    if not is_ours:
        raise _not_written(place, "something else is there than a patch of secretguard")


def _is_ours(content: bytes) -> bool:
    return _OURS.match(content) is not None and b"\nSecretguard-Credential: sg_" in content


def patch_name(delivery: Delivery) -> str:
    """Return a name for the patch file that tells repository and credential, and two clones of one name apart."""
    top = delivery.repository.worktree or delivery.repository.common_dir
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", top.name.removesuffix(".git")).strip("-.") or "repository"
    place = hashlib.sha256(os.fsencode(top.resolve())).hexdigest()[:8]
    return f"{name[:80]}-{place}-{delivery.credential}.patch"


def mail(commit: Commit) -> bytes:
    """Return a commit as one message of an mbox."""
    first, _, rest = commit.message.partition("\n\n")
    content = rest.encode("utf-8", "surrogateescape") + b"---\n\n" + commit.diff
    is_fragile = _FRAGILE.search(content) is not None
    headers = (
        f"From {commit.id} {_ANY_DATE}",
        f"From: {_header(commit.author.name)} <{commit.author.email}>",
        f"Date: {format_datetime(datetime.fromtimestamp(commit.time, UTC))}",
        f"Subject: [PATCH] {_header(first)}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        f"Content-Transfer-Encoding: {'quoted-printable' if is_fragile else '8bit'}",
    )
    return "\n".join(headers).encode("utf-8") + b"\n\n" + (_quoted(content) if is_fragile else content)


def _header(text: str) -> str:
    return text if text.isascii() and not text.startswith("=?") else Header(text, "utf-8", maxlinelen=10_000).encode()


def _quoted(content: bytes) -> bytes:
    return b"\n".join(b2a_qp(line, istext=False) for line in content.split(b"\n"))


def _write(place: Path, content: bytes) -> None:
    part = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(place)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _not_written(place, error.strerror or str(error)) from None


def _not_written(place: Path, why: str) -> OutputError:
    return OutputError(f"{place} cannot be written: {why}", hint="Name another file with -o.")

"""The log of a bug: paste-ready Markdown with versions and places in our code, and nothing that was scanned.

Local variables, source lines and the exception's message are left out, for they may hold what was being looked
at; of the command line only commands and option names are kept.
"""

import os
import platform
import re
import secrets
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from secretguard import __version__
from secretguard.home import home_of

_OPTION = re.compile(r"--[a-z][a-z-]{1,24}|-[a-z]")
_MOST_PLACES = 60


def write(error: BaseException, words: Sequence[str]) -> Path | None:
    """Write the log into the state folder and return its path; None if that is not possible either."""
    with suppress(OSError):
        folder = state_folder()
        for part in (folder, folder / "bugs"):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "bugs" / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}.md"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as log:
            log.write(describe(error, words))
        return path
    return None


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return `$XDG_STATE_HOME/secretguard`, which holds what must outlive a run."""
    base = environ.get("XDG_STATE_HOME") or str(home_of(environ) / ".local" / "state")
    return Path(base) / "secretguard"


def describe(error: BaseException, words: Sequence[str]) -> str:
    """Return the log: exception types and places only."""
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    lines = [
        "### secretguard: bug",
        "",
        f"- secretguard {__version__}, {machine}",
        f"- command line: `secretguard {' '.join(_harmless(words))}`",
        "",
        "```text",
    ]
    for link in _chain(error):
        lines += [*_places(link), f"{type(link).__module__}.{type(link).__qualname__}", ""]
    return "\n".join([*lines[:-1], "```", ""])


def _harmless(words: Sequence[str]) -> Iterator[str]:
    """Yield the command and the names of options; a value is only counted."""
    from secretguard.cli import COMMANDS  # it imports us

    for word in words:
        name = word.partition("=")[0]
        yield word if word in COMMANDS else name if _OPTION.fullmatch(name) else "…"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the first cause first, as Python does."""
    links: list[BaseException] = []
    while error is not None and error not in links and len(links) < 8:
        links.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    yield from reversed(links)


def _places(error: BaseException) -> list[str]:
    places = [
        f"{frame.f_globals.get('__name__', '?')}:{line} in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not str(frame.f_globals.get("__name__")).startswith("importlib")
    ]
    return places[-_MOST_PLACES:]

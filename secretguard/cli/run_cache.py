"""What stores answered, kept for `secretguard run --cache`, and removed by every command that writes to one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from secretguard import resolve
from secretguard.cli import console
from secretguard.errors import StoreError
from secretguard.home import home_of
from secretguard.reference import SecretReference
from secretguard.report.printable import printable
from secretguard.rotation import Context, Fields

LONGEST = 3600
"""Seconds."""
Read = Callable[[SecretReference], Fields]


def reading(context: Context, seconds: int) -> Read:
    """Return what reads a document: from its store, or from what was kept not longer than `seconds` ago.

    A cache that cannot be used is no reason not to start.
    """
    folder = _folder(context.environ)
    if not seconds and not _is_there(folder):
        return partial(_from_store, context)
    from secretguard.stores import resolved

    cache = resolved.Resolved(folder, context, seconds)
    with _noted("removed"):
        cache.remove_expired()
    if not seconds:
        return partial(_from_store, context)

    def read(reference: SecretReference) -> Fields:
        with _noted("read"):
            if found := cache.read(reference):
                return found
        asked = resolved.now()
        fields = _from_store(context, reference)
        with _noted("written"):
            cache.keep(reference, fields, asked)
        return fields

    return read


def empty(context: Context) -> None:
    """Remove what is kept, after something was written to a store: the next start asks it."""
    folder = _folder(context.environ)
    if _is_there(folder):
        from secretguard.stores import resolved

        with _noted("emptied"):
            resolved.empty(folder, context.timeout)


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:  # in a place that is not ours, under sudo for instance
        return False


def _folder(environ: Mapping[str, str]) -> Path:
    """Return where answers of stores are kept, whether there are any or not."""
    given = environ.get("XDG_CACHE_HOME", "")
    usual = home_of(environ) / ".cache"
    return (Path(given) if given.startswith("/") else usual) / "secretguard" / "resolved"


def _from_store(context: Context, reference: SecretReference) -> Fields:
    return resolve.document(reference, context)


@contextmanager
def _noted(what: str) -> Iterator[None]:
    try:
        yield
    except (StoreError, OSError) as error:
        console.print_line(f"note: the cache cannot be {what}: {printable(str(error))}")

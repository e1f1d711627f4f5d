"""A rewriter that fails loses one file, not the others: what it raises becomes a sentence that names it."""

from collections.abc import Iterator
from contextlib import contextmanager

from secretguard.errors import RewriteError, SecretguardError
from secretguard.interfaces import Rewriter


class RewriterFailed(RewriteError):  # noqa: N818
    """A rewriter raised what it must not; the message names it, and says nothing of the file it was reading."""


@contextmanager
def blamed(rewriter: Rewriter) -> Iterator[None]:
    """Raise RewriterFailed in the place of what `rewriter` raises, except what tells the operator what to do.

    A compiled library that panics raises no Exception; its words may repeat the text that it was reading.
    """
    try:
        yield
    except (SecretguardError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        name = getattr(rewriter, "__name__", type(rewriter).__name__)
        raise RewriterFailed(f"the rewriter {name} failed on it ({type(error).__name__})") from None

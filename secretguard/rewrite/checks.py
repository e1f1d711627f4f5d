"""What has to hold after a file was edited, before it is delivered."""

from collections.abc import Sequence

from secretguard.interfaces import Rewriter
from secretguard.rewrite.documents import read_document, written
from secretguard.rewrite.edits import applied, undoing
from secretguard.rewrite.spots import spots_of
from secretguard.rewriting import Document, Edit
from secretguard.rotation import Login


def why_unsound(document: Document, edits: Sequence[Edit], after: Document, rewriter: Rewriter, leaked: Login) -> str:
    """Return why an edited file must not be delivered, empty if it may."""
    if applied(after.text, undoing(document.text, edits)) != document.text:
        return "the edit could not be undone"
    try:
        data = written(after, after.text)
    except UnicodeEncodeError:
        return f"its encoding, {after.encoding}, has no such text"
    if (read := read_document(after.path, data)) is None or read.text != after.text:
        return "it would not be read back as it was written"
    if len(spots_of(read, data, (), leaked)) > _untouched(document, edits, leaked):
        return "a copy of the value would stay"
    return rewriter.fault(document, after)


def _untouched(document: Document, edits: Sequence[Edit], leaked: Login) -> int:
    """Count the copies of the value that no edit was about: they are left to a person."""
    spots = spots_of(document, b"", (), leaked)
    return sum(not any(edit.start < one.end and one.start < edit.end for edit in edits) for one in spots)

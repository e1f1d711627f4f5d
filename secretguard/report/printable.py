"""Text that came out of a repository, made harmless: no control characters, no bidi tricks, no broken Unicode."""


def printable(text: str, *, keep_lines: bool = False) -> str:
    """Return `text` with everything that could move a cursor, hide or reorder text written out as an escape.

    `keep_lines` keeps line feeds, for text of our own that has lines.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or (keep_lines and char == "\n") else _escaped(char) for char in valid_unicode(text)
    )


def valid_unicode(text: str) -> str:
    r"""Return `text` without surrogates: bytes that were not UTF-8 in a path are written `\xe9`."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", _handler(text)).decode("utf-8", "backslashreplace")
    return text


def _handler(text: str) -> str:
    alone = any("\ud800" <= char <= "\udfff" and not "\udc80" <= char <= "\udcff" for char in text)
    return "surrogatepass" if alone else "surrogateescape"


def _escaped(char: str) -> str:
    point = ord(char)
    return f"\\x{point:02x}" if point < 256 else f"\\u{point:04x}" if point < 65536 else f"\\U{point:08x}"

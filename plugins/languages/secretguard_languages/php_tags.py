"""PHP in a page: what stands outside `<?php … ?>` is blanked, so that the grammar sees code alone."""

import re

_TAG = re.compile(r"<\?(?:php\b|=)?", re.IGNORECASE)
_TOKEN = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`|/\*.*?\*/"
    r"|<<<[ \t]*([\"']?)([A-Za-z_]\w*)\1\r?\n.*?^[ \t]*\2\b|(?P<line>//|#(?!\[))|(?P<end>\?>)",
    re.DOTALL | re.MULTILINE,
)
_LINE = re.compile(r"[^\r\n]*?(?=\?>|[\r\n]|\Z)")


def only_php(text: str) -> str:
    """Return `text`, as long as it was, with `;` and blanks for all that is not PHP, its tags too."""
    pieces, at = [], 0
    while tag := _TAG.search(text, at):
        pieces += [_blank(text[at : tag.end()])]
        at = _end(text, tag.end())
        pieces.append(text[tag.end() : at])
        if at < len(text):
            pieces.append("; ")
            at += 2
    return "".join((*pieces, _blank(text[at:])))


def _end(text: str, at: int) -> int:
    """Return where the PHP that begins at `at` ends: at its `?>`, or at the end of the file."""
    while found := _TOKEN.search(text, at):
        if found["end"]:
            return found.start()
        at = found.end()
        if found["line"]:
            line = _LINE.match(text, at)
            at = line.end() if line else at
    return len(text)


def _blank(text: str) -> str:
    return re.sub(r"[^\r\n]", " ", text)

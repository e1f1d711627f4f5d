"""What a form takes as input and gives as output."""

import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from secretguard.engine.text import decoded
from secretguard.model import Endpoint, Rule

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern's match in a text, before it is taken apart."""

    rule: Rule
    data: bytes
    match: re.Match[bytes]
    already_read: dict[Hashable, tuple[tuple[int, int], Any]] = field(default_factory=dict)
    """What was read for the match before, in the same region."""

    def once(self, read: Callable[[bytes, int, int], T], span: tuple[int, int]) -> T:
        """Return `read(data, *span)`, read once for matches that follow each other: a line may hold a million."""
        known = self.already_read.get(read)
        if known is None or known[0] != span:
            known = self.already_read[read] = span, read(self.data, *span)
        return cast("T", known[1])

    @property
    def start(self) -> int:
        """Offset of the first byte."""
        return self.match.start()

    @property
    def end(self) -> int:
        """Offset after the last byte."""
        return self.match.end()

    def group(self, name: str) -> str:
        """Return a named group decoded, empty if the pattern has none or it took no part."""
        if name not in self.match.re.groupindex:
            return ""
        value = self.match[name]
        return "" if value is None else decoded(value)


@dataclass(frozen=True, slots=True)
class Parts:
    """One credential as it is spelled at one place."""

    start: int
    """Span of the spelling in the text; may reach beyond the pattern's match."""
    end: int
    secret: str
    """The sensitive part alone, decoded."""
    user: str = ""
    family: str = ""
    """Overrides the rule's family if not empty."""
    endpoints: tuple[Endpoint, ...] = ()
    form: str = ""
    scheme: str = ""
    encoding: tuple[str, ...] = ()
    secret_start: int = -1
    """Where the secret itself stands, if it is a part of the span."""
    secret_end: int = -1


Form = Callable[[Found], Iterator[Parts]]


def port_number(text: str) -> int | None:
    """Return `text` as a TCP port, or None."""
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:6]) < 65536 else None

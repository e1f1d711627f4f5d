"""libpq keyword strings: `host=db port=5432 user=app password='p w' dbname=app`."""

import re
from collections.abc import Iterator

from secretguard.engine.engines import nearest_family
from secretguard.engine.parts import Found, Parts, port_number
from secretguard.engine.text import decoded, enclosing_lines, neighbourhood
from secretguard.model import Endpoint

_PAIR = re.compile(
    rb"(?<![\w.-])(host|hostaddr|port|user|password|dbname|database|sslmode)[ \t]{0,2}=[ \t]{0,2}"
    rb"('(?:\\.|[^'\\\n]){0,256}'|[^\s\"'`;,&)<>]{1,256})",
    re.IGNORECASE,
)
# Blanks with other keywords among them, or the seam of a literal that goes on in the next one.
_SEAM = re.compile(rb"[ \t]+(?:\w{2,40}=[^\s\"']{0,80}[ \t]+){0,4}|[ \t]*[\"'][ \t]*[.+&]?[ \t]*[rbf]?[\"'][ \t]*")
_GAP = 160
"""Words of one string stand close together."""


def parse(found: Found) -> Iterator[Parts]:
    """Yield the login of one keyword string; the pattern's match is `password=` and its value.

    Words separated by blanks on one line, between the same quotes, are one string; `host`, `user` or
    `dbname` must be among them.
    """
    low, high = enclosing_lines(found.data, found.start, found.end, 1024)
    pairs = list(_PAIR.finditer(found.data, low, high))
    mine = next((n for n, pair in enumerate(pairs) if pair.start() <= found.start < pair.end()), None)
    if mine is None or pairs[mine][1].lower() != b"password":
        return
    first = last = mine
    while first > 0 and _joined(found.data[pairs[first - 1].end() : pairs[first].start()]):
        first -= 1
    while last + 1 < len(pairs) and _joined(found.data[pairs[last].end() : pairs[last + 1].start()]):
        last += 1
    given = {pair[1].lower(): _value(pair[2]) for pair in pairs[first : last + 1]}
    if not {b"host", b"hostaddr", b"user", b"dbname"} & given.keys():
        return
    if b"dbname" not in given and not _named_near(found, pairs[first].start(), pairs[last].end()):
        return
    host = given.get(b"host") or given.get(b"hostaddr", "")
    endpoint = Endpoint(host, port_number(given.get(b"port", "")), given.get(b"dbname", "")) if host else None
    yield Parts(
        pairs[first].start(),
        pairs[last].end(),
        given[b"password"],
        user=given.get(b"user", ""),
        endpoints=(endpoint,) if endpoint else (),
        form="keyword",
        secret_start=pairs[mine].start(2),
        secret_end=pairs[mine].end(2),
    )


def _named_near(found: Found, start: int, end: int) -> bool:
    """Whether PostgreSQL is spoken of nearby: other tools write `user=… password=…` too."""
    low, high = neighbourhood(found.data, start, end)
    return nearest_family(found.data, low, high, (start, start)) == "postgres"


def _joined(gap: bytes) -> bool:
    return len(gap) <= _GAP and _SEAM.fullmatch(gap) is not None


def _value(raw: bytes) -> str:
    if raw[:1] == b"'" and raw[-1:] == b"'" and len(raw) >= 2:
        return re.sub(r"\\(.)", r"\1", decoded(raw[1:-1]))
    return re.sub(r"\\(.)", r"\1", decoded(raw))

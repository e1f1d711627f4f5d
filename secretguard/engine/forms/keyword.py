"""libpq keyword strings: `host=db port=5432 user=app password='p w' dbname=app`."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from secretguard.engine.engines import nearest_family
from secretguard.engine.parts import Found, Parts, port_number
from secretguard.engine.text import decoded, is_in_mid_line, shared_lines
from secretguard.model import Endpoint

_WORD = rb"('(?:\\.|[^'\\\n]){0,256}'|[^\s\"'`;,&)<>]{1,256}%b)"
_MORE = rb"(?:,[\w.-]{1,80}(?![\w.-]*[ \t]*=)){0,9}"
"""The other servers of a list; `,port=5432` is none."""
_PAIR = re.compile(
    rb"(?<![\w.-])(?:(host|hostaddr|port)[ \t]{0,2}=[ \t]{0,2}" + _WORD % _MORE + rb"|"
    rb"(user|password|dbname|database|sslmode)[ \t]{0,2}=[ \t]{0,2}" + _WORD % b"" + rb")",
    re.IGNORECASE,
)
# Blanks with other keywords among them, or the seam of a literal that goes on in the next one.
_SEAM = re.compile(rb"[ \t]+(?:\w{2,40}=[^\s\"']{0,80}[ \t]+){0,4}|[ \t]*[\"'][ \t]*[.+&]?[ \t]*[rbf]?[\"'][ \t]*")
_GAP = 160
"""Words of one string stand close together."""


@dataclass(slots=True)
class _String:
    """Words that belong together."""

    start: int
    end: int = 0
    given: dict[bytes, str] = field(default_factory=dict)
    passwords: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Where each stands: the word, and the span of its value."""


def parse(found: Found) -> Iterator[Parts]:
    """Yield the login of one keyword string; the pattern's match is `password=` and its value.

    Words separated by blanks on one line, between the same quotes, are one string; `host`, `user` or
    `dbname` must be among them.
    """
    strings = found.once(_strings, shared_lines(found.data, found.start, found.end, 1024))
    at = bisect_right(strings, found.start, key=attrgetter("start")) - 1
    one = strings[at] if at >= 0 else None
    mine = one.passwords.get(found.start) if one else None
    if one is None or mine is None:
        return
    given = one.given
    if not {b"host", b"hostaddr", b"user", b"dbname"} & given.keys():
        return
    if b"dbname" not in given and not _named_near(found, one.start, one.end):
        return
    yield Parts(
        one.start,
        one.end,
        given[b"password"],
        user=given.get(b"user", ""),
        endpoints=tuple(_endpoints(given)),
        form="keyword",
        secret_start=mine[0],
        secret_end=mine[1],
    )


def _endpoints(given: Mapping[bytes, str]) -> Iterator[Endpoint]:
    """Yield the servers that libpq tries one after the other; one port is that of all of them."""
    hosts = (given.get(b"host") or given.get(b"hostaddr", "")).split(",")
    ports = given.get(b"port", "").split(",")
    for host, port in zip(hosts, ports if len(ports) == len(hosts) else ports[:1] * len(hosts), strict=True):
        if host.strip():
            yield Endpoint(host.strip(), port_number(port.strip()), given.get(b"dbname", ""))


def _strings(data: bytes, low: int, high: int) -> list[_String]:
    """Return the keyword strings in `data[low:high]`, in order of place; one ends where a word would be said again."""
    found: list[_String] = []
    is_cut = is_in_mid_line(data, low)
    for pair in _PAIR.finditer(data, low, high):
        number = pair.lastindex or 0
        key, last = pair[number - 1].lower(), found[-1] if found else None
        # Of a string whose begin is cut off nothing is missed behind its password, mostly.
        is_over = last and (key in last.given or (is_cut and len(found) == 1 and last.passwords))
        if last is None or is_over or not _joined(data[last.end : pair.start()]):
            found.append(last := _String(pair.start()))
        last.end = pair.end()
        last.given[key] = _value(pair[number])
        if key == b"password":
            last.passwords[pair.start()] = pair.span(number)
    return found


def _named_near(found: Found, start: int, end: int) -> bool:
    """Whether PostgreSQL is spoken of nearby: other tools write `user=… password=…` too."""
    return nearest_family(found, (start, end), (start, start)) == "postgres"


def _joined(gap: bytes) -> bool:
    return len(gap) <= _GAP and _SEAM.fullmatch(gap) is not None


def _value(raw: bytes) -> str:
    if raw[:1] == b"'" and raw[-1:] == b"'" and len(raw) >= 2:
        raw = raw[1:-1]
    return re.sub(r"\\(.)", r"\1", decoded(raw)) if b"\\" in raw else decoded(raw)

"""Matches told by where they stand and by which of them are alike, so that one of each kind has to be read again.

A thousand versions of a file hold the same login in a thousand places. Neither a worker nor the state of a repository
may say what matched; but of a match that is like another one in all but its place, its place is all there is to say.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from secretguard.engine.detect import Finding
from secretguard.engine.values import is_weak
from secretguard.model import Match
from secretguard.secret import Secret

Likeness = int | bytes
"""The same for matches that are alike: a keyed digest, or a number in the state of a repository."""
Span = tuple[int, int, int, int, int, int]
Trace = tuple[Likeness, Span]
"""What is told of a match."""
Identity = tuple[str, str, str]
"""Family, user, secret."""

_TELLING = 8
"""A shorter value stands anywhere by chance."""
_REST = 8
"""Where the fields of a match begin that say nothing of its place."""


class Candidate(NamedTuple):
    """An object that holds something."""

    id: bytes
    kind: int
    traces: tuple[Trace, ...]
    limits: tuple[str, ...]
    """What of it was not looked at."""
    ends: tuple[tuple[int, int], ...] = ()
    """The hits behind the matches: where they are known, it is soon judged again."""


Judge = Callable[[Candidate, Sequence[Trace]], Sequence[Match]]
"""Reads an object again, and returns the matches behind some of its traces. Raises ChangedError."""


class ChangedError(Exception):
    """An object holds something else than it did."""


class Alike:
    """One match of each kind, from the objects that were read again."""

    def __init__(self, key: bytes, kinds: int = 0) -> None:
        """`key` is the one of the digests, `kinds` how many kinds have a number."""
        self.kinds = kinds
        self._key = key
        self._matches: dict[Likeness, Match] = {}
        self._digests: dict[int, bytes] = {}
        self._numbers: dict[bytes, int] = {}

    def learn(self, candidates: Iterable[Candidate], judge: Judge) -> None:
        """Read as many of the candidates as it takes to see each kind of match. Raises ChangedError."""
        for one in _cover(candidates, self._matches):
            traces = [trace for trace in one.traces if trace[0] not in self._matches]
            for (likeness, _), match in zip(traces, judge(one, traces), strict=True):
                digest = digest_of(match, self._key)
                if digest != (likeness if isinstance(likeness, bytes) else self._digests.setdefault(likeness, digest)):
                    raise ChangedError
                if isinstance(likeness, int):
                    self._numbers[digest] = likeness
                self._matches[likeness] = self._matches[digest] = match

    def finding(self, candidate: Candidate) -> Finding:
        """Return what a candidate holds, once its kinds of matches are learnt."""
        blob, known = candidate.id.hex(), self._matches
        found = tuple(_moved(known[likeness], blob, span) for likeness, span in candidate.traces)
        return Finding(found, candidate.limits, hit=True)

    def numbered(self, candidate: Candidate) -> Candidate:
        """Return a candidate with a number for each kind of match, for which no key is needed."""
        return candidate._replace(traces=tuple((self._number(likeness), span) for likeness, span in candidate.traces))

    def identity(self, number: int) -> Identity | None:
        """Return whose credential a match of this kind is, if the kind is learnt."""
        match = self._matches.get(number)
        return None if match is None else (match.family, match.user, match.secret.reveal())

    def occur_in(self, texts: Iterable[str]) -> bool:
        """Whether one of the secrets that were found stands in one of the texts."""
        together = "\0".join(texts)
        values = {match.secret.reveal() for match in self._matches.values() if not match.placeholder}
        return any(value in together for value in values if len(value) >= _TELLING and not is_weak(value))

    def _number(self, likeness: Likeness) -> int:
        if isinstance(likeness, int):
            return likeness
        number = self._numbers.get(likeness)
        if number is None:
            number = self._numbers[likeness] = self.kinds
            self._matches[number] = self._matches[likeness]
            self.kinds += 1
        return number


def traces_of(matches: Iterable[Match], key: bytes) -> tuple[Trace, ...]:
    """Return what may be told of matches; `key` is known to the processes of one scan only."""
    return tuple((digest_of(match, key), span_of(match)) for match in matches)


def digest_of(match: Match, key: bytes) -> bytes:
    """Return a digest of all but the place of a match."""
    said = [match.rule.id, *(one.reveal() if isinstance(one, Secret) else one for one in match[_REST:])]
    return blake2b(repr(said).encode(), digest_size=16, key=key).digest()


def span_of(match: Match) -> Span:
    """Return where in its blob a match stands."""
    return match.start, match.end, match.line, match.column, match.end_line, match.end_column


def _moved(match: Match, blob: str, span: Span) -> Match:
    return Match._make((match.rule, blob, *span, *match[_REST:]))


def _cover(candidates: Iterable[Candidate], known: Mapping[Likeness, Match]) -> Iterator[Candidate]:
    """Yield few candidates that together have each kind of match that is not known; `known` grows meanwhile."""
    kinds = [(one, {likeness for likeness, _ in one.traces}) for one in candidates]
    for one, own in sorted(kinds, key=lambda pair: (not pair[0].ends, -len(pair[1]), pair[0].id)):
        if not own <= known.keys():
            yield one

"""Where a credential stands, as a person would say it: current files first, one line a place."""

from collections import Counter
from collections.abc import Callable, Collection

from secretguard.model import Credential, Location, Occurrence, Place

PLACE_NAMES = {
    Place.WORKTREE: ("current file", "current files"),
    Place.STAGED: ("staged file", "staged files"),
    Place.HISTORY: ("place in history", "places in history"),
    Place.STASH: ("stash", "stashes"),
    Place.REFLOG: ("place only the reflog reaches", "places only the reflog reaches"),
    Place.UNREACHABLE: ("unreachable object", "unreachable objects"),
    Place.COMMIT_MESSAGE: ("commit message", "commit messages"),
    Place.TAG_MESSAGE: ("tag message", "tag messages"),
    Place.NOTE: ("note", "notes"),
    Place.ARCHIVE: ("place in an archive", "places in archives"),
    Place.STDIN: ("place in standard input", "places in standard input"),
}
_CURRENT = (Place.WORKTREE, Place.STAGED)
_BACKWARDS = bytes(range(255, -1, -1))
"""Turns the order of texts of one length round."""


def is_current(location: Location) -> bool:
    """Whether the place is in the checked-out commit, the index or the working tree."""
    return location.at_head or location.source in _CURRENT


def distinct_places(credential: Credential) -> list[Occurrence]:
    """Return one occurrence a place, current files first, then the newest.

    A file's many versions are one place, and so is a line that history and the working tree both hold.
    """
    current = {(o.location.path, o.match.inner) for o in credential.occurrences if is_current(o.location)}
    places: dict[tuple[object, ...], Occurrence] = {}
    for occurrence in sorted(credential.occurrences, key=_newest_first):
        at, match = occurrence.location, occurrence.match
        if is_current(at):
            key: tuple[object, ...] = (at.path, match.inner, match.line)
        elif at.source is Place.HISTORY:
            if (at.path, match.inner) in current:
                continue
            key = (Place.HISTORY, at.path, match.inner)
        else:
            key = (at.source, at.commit, at.ref, at.path, match.inner, match.line)
        places.setdefault(key, occurrence)
    return list(places.values())


def describe(occurrence: Occurrence, clean: Callable[[str], str]) -> str:
    """Return `path:line` and, for what is not in the current files, where that path is to be found."""
    at, match = occurrence.location, occurrence.match
    commit = f"commit {at.commit[:12]}" if at.commit else ""
    day = at.date[:10] if at.date else ""
    inside = f"!{match.inner}" if match.inner else ""
    if at.source is Place.COMMIT_MESSAGE:
        return clean(_and("commit message", commit, day))
    if at.source is Place.TAG_MESSAGE:
        return clean(_and("tag message", at.ref or commit, day))
    if at.source is Place.STDIN:
        return f"standard input:{match.line}"
    spot = clean(f"{at.path or at.blob[:12]}{inside}:{match.line}")
    if is_current(at):
        return spot
    name = "" if at.source is Place.HISTORY else PLACE_NAMES[at.source][0]
    extra = clean(_and(name, commit or at.ref or "", day))
    return f"{spot}  ({extra})" if extra else spot


def counted_by_kind(credential: Credential, but: Collection[Place] = ()) -> list[str]:
    """Return `3 current files`, `1 stash` and so on, in the order of `Place`, leaving out the kinds in `but`."""
    counts = Counter(kind_of(occurrence.location) for occurrence in distinct_places(credential))
    return [count(counts[place], *PLACE_NAMES[place]) for place in Place if counts[place] and place not in but]


def count(number: int, one: str, many: str = "") -> str:
    """Return the number and the word in the right form."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def kind_of(location: Location) -> Place:
    """Return the kind of place, with what the checked-out commit holds counted as a current file."""
    if location.source is Place.HISTORY and location.at_head:
        return Place.WORKTREE
    return location.source


def _newest_first(occurrence: Occurrence) -> tuple[object, ...]:
    at = occurrence.location
    backwards = (at.date or "").encode("utf-8", "surrogatepass").translate(_BACKWARDS)
    return (not is_current(at), at.source is not Place.HISTORY, backwards, at.path, occurrence.match.line)


def _and(*words: str) -> str:
    return ", ".join(word for word in words if word)

"""What can be done in each file, before anything has a name: documents, spots and sites."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from secretguard.interfaces import Rewriter
from secretguard.model import Match
from secretguard.plugins import REWRITERS, load_all
from secretguard.rewrite.documents import read_document
from secretguard.rewrite.failures import RewriterFailed, blamed
from secretguard.rewrite.leftovers import left_over
from secretguard.rewrite.sightings import Sought, sought
from secretguard.rewrite.spots import ANOTHER_LOGIN, spots_of
from secretguard.rewriting import MARKS, USER, Document, ManualItem, Site, Spot, Surroundings
from secretguard.rotation import Login, Spelling
from secretguard.secret import Secret
from secretguard.spelling import is_telling, respelled

_BY_HAND = "Take the value out by hand."
_MOST_SPOTS = 1_000
"""In one file: nobody wrote more of them, and each is looked at in the whole of its file."""


@dataclass(frozen=True, slots=True)
class TrackedFile:
    """One file of the commit in which the credential stands, and what the scan found there."""

    path: str
    data: bytes
    matches: tuple[Match, ...] = ()
    mode: str = "100644"
    """As git writes it."""
    is_whole: bool = True
    """Whether `data` is all of it."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One file, and what can be done in it."""

    file: TrackedFile
    document: Document
    rewriter: Rewriter
    sites: tuple[Site, ...]


def all_rewriters() -> tuple[Rewriter, ...]:
    """Return every installed rewriter; raises PluginError for one that does not load."""
    return tuple(cast(Rewriter, one) for one in load_all(REWRITERS))


def survey(
    files: Iterable[TrackedFile], rewriters: Sequence[Rewriter], around: Surroundings, leaked: Login
) -> tuple[list[Surveyed], list[ManualItem]]:
    """Return what can be done in each file, and what only a person can do."""
    found: list[Surveyed] = []
    manual: list[ManualItem] = []
    old = sought(leaked.secret) if is_telling(leaked.secret) else None
    for file in files:
        one, left = _surveyed(file, rewriters, around, leaked, old)
        found += [one] if one else []
        manual += left
    return found, manual


def _surveyed(
    file: TrackedFile, rewriters: Sequence[Rewriter], around: Surroundings, leaked: Login, old: Sought | None
) -> tuple[Surveyed | None, list[ManualItem]]:
    if file.mode == "120000":
        return _by_hand(file, "it is a symbolic link whose target holds the value", "Point it elsewhere.")
    if any(match.inner is not None for match in file.matches):
        return _by_hand(file, "the value is inside an archive", "Unpack it, edit it, and pack it again.")
    document = read_document(file.path, file.data) if file.is_whole else None
    if document is None:
        return _by_hand(file, "the file is binary, or very long", _BY_HAND)
    spots = spots_of(document, file.data, file.matches, leaked) if len(file.matches) <= _MOST_SPOTS else ()
    if max(len(file.matches), len(spots)) > _MOST_SPOTS:
        why = f"the value stands there more than {_MOST_SPOTS:,} times"
        return _by_hand(file, why, "Make the file anew without it, or leave it out of git.")
    one, manual = _in_document(file, document, spots, rewriters, around, leaked) if spots else (None, [])
    known = [(place.start, place.end) for place in (*spots, *(one.sites if one else ()))]
    return one, [*manual, *(left_over(document, known, old) if old else ())]


def _in_document(
    file: TrackedFile,
    document: Document,
    spots: Sequence[Spot],
    rewriters: Sequence[Rewriter],
    around: Surroundings,
    leaked: Login,
) -> tuple[Surveyed | None, list[ManualItem]]:
    lines = sorted({document.line(spot.start) for spot in spots})
    try:
        best = _best(rewriters, document)
        if best is None:
            why = "no idiom is known for this kind of file"
            return None, [ManualItem(file.path, lines[0], why + _also(lines[1:]), _BY_HAND)]
        return _by(best, file, document, spots, around, leaked)
    except RewriterFailed as error:
        return None, [ManualItem(file.path, lines[0], str(error) + _also(lines[1:]), _BY_HAND)]


def _best(rewriters: Sequence[Rewriter], document: Document) -> Rewriter | None:
    best, surest = None, 0
    for one in rewriters:
        with blamed(one):
            sure = one.claims(document)
        if sure > surest:
            best, surest = one, sure
    return best


def _by(
    rewriter: Rewriter,
    file: TrackedFile,
    document: Document,
    spots: Sequence[Spot],
    around: Surroundings,
    leaked: Login,
) -> tuple[Surveyed, list[ManualItem]]:
    sites: list[Site] = []
    manual = [_of_another(document, one) for one in spots if one.form == ANOTHER_LOGIN]
    own = [one for one in spots if one.form != ANOTHER_LOGIN]
    with blamed(rewriter):
        answers = [_named(one, leaked) for one in rewriter.survey(document, own, around)]
    for one in answers:
        if isinstance(one, ManualItem):
            manual.append(one)
        elif why := _why_not(document, one, leaked):
            manual.append(ManualItem(file.path, document.line(one.start), why, _BY_HAND))
        else:
            sites.append(one)
    reported = {one.line for one in manual}
    silent = {document.line(one.start) for one in own if not _is_in(one, sites)} - reported
    manual += [ManualItem(file.path, line, "nothing is known of this place", _BY_HAND) for line in sorted(silent)]
    changing = (one for one in sites if document.text[one.start : one.end] != one.text)
    of_users = {document.line(one.start) for one in own if one.form == USER}
    reasons = {one.reason for one in manual if one.line not in of_users}
    told = (one for one in manual if one.line not in of_users or one.reason not in reasons)  # once for both halves
    return Surveyed(file, document, rewriter, tuple(changing)), list(dict.fromkeys(told))


def _named(one: Site | ManualItem, leaked: Login) -> Site | ManualItem:
    """Return what a rewriter answers; the user, or the id, that it took for the secret is told from that."""
    user = Secret(leaked.user)
    if isinstance(one, ManualItem) or leaked.secret.same_as(user) or not one.spelling.text.same_as(user):
        return one
    return replace(one, spelling=Spelling(USER, user, encoding=one.spelling.encoding))


def _why_not(document: Document, site: Site, leaked: Login) -> str:
    """Return why a site must stay as it is, empty if it may be edited."""
    if any(mark in document.text[site.start : site.end] for mark in MARKS):
        return "a character of no meaning stands beside it, with which the edits mark their places"
    if not site.is_placeholder and respelled(site.spelling, leaked, leaked_stand_in(leaked)) is None:
        return "it cannot be written with another login for certain"
    return ""


def _is_in(spot: Spot, sites: Iterable[Site]) -> bool:
    return any(site.start <= spot.start and spot.end <= site.end for site in sites)


def _by_hand(file: TrackedFile, why: str, advice: str) -> tuple[None, list[ManualItem]]:
    return None, [ManualItem(file.path, 1, why, advice)]


def _of_another(document: Document, spot: Spot) -> ManualItem:
    why = "another user seems to have the same password here, and is not rotated"
    advice = (
        "If it is that user's, rotate that login by itself; if the user only stands nearby, and the password is the"
        " leaked login's own, read it from the variable by hand."
    )
    return ManualItem(document.path, document.line(spot.start), why, advice)


def leaked_stand_in(leaked: Login) -> Login:
    """Return a login that stands for the new one while there is none."""
    return Login(leaked.user, Secret("what-will-be-made"))


def _also(lines: Sequence[int]) -> str:
    return f" (also on line {', '.join(map(str, lines))})" if lines else ""

"""What a program reads where a secret stands in a text: the widest spelling of the login, or the value alone."""

from __future__ import annotations

from typing import NamedTuple

from secretguard.rewriting import Spot
from secretguard.rotation import Login, Spelling
from secretguard.secret import Secret
from secretguard.spelling import around as widest
from secretguard_languages.literals import HOLE


class Reading(NamedTuple):
    """A part of a text that is one spelling of the credential."""

    start: int
    end: int
    spelling: Spelling


def reading(text: str, start: int, end: int, spot: Spot) -> Reading | str:
    """Return the spelling in `text` around its characters [start, end), or why there is none that can be replaced.

    A spelling with a part that is put in at run time (HOLE) is none: the password is read alone.
    """
    login = Login(spot.user, spot.secret)
    if spot.encoding:
        if (start, end) != (0, len(text)):
            return f"it stands there in {spot.encoding[0]}, inside a longer text"
        content = spot.text.reveal()
        at = content.find(spot.secret.reveal())
        inner = widest(content, at, at + len(spot.secret.reveal()), login) if at >= 0 else None
        if inner is None or (inner.start, inner.end) != (0, len(content)):
            return f"it stands there in {spot.encoding[0]}, with other things"
        return Reading(start, end, Spelling(inner.form, Secret(content), encoding=spot.encoding))
    found = widest(text, start, end, login)
    if HOLE in text[found.start : found.end]:
        form = "quoted" if found.form == "uri" else "password"
        return Reading(start, end, Spelling(form, Secret(text[start:end])))
    return Reading(found.start, found.end, Spelling(found.form, Secret(text[found.start : found.end])))

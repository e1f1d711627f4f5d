"""One line per documented format, and how a line becomes samples and near misses."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.generators import carriers, shapes
from tests.generators.sample import Sample

STUB = ""
"""For `Format.near`: the documents give no exact length, so only a stub of a few characters must not match."""


@dataclass(frozen=True, slots=True)
class Format:
    """A documented format of one-string keys."""

    kind: str
    shape: str
    names: str
    """Names of settings that hold it, separated by blanks."""
    word: str = ""
    """The vendor's name as it stands in code; given where the value needs context."""
    named: bool = False
    """Whether the value needs the name of its setting beside it; the vendor's name would say too little."""
    near: str | None = None
    """The shape whose near misses count; wider than `shape` where sources disagree."""
    fix: Callable[[str], str] = str
    """Puts the checksum in."""
    variant: str = ""


def samples(formats: Iterable[Format], rng: random.Random) -> list[Sample]:
    """Return two samples for each end of each format."""
    return [
        Sample(form.kind, text, value, variant=form.variant or form.shape)
        for form in formats
        for drawn in shapes.draws(form.shape, rng)
        for value in (form.fix(drawn),)
        for text in _texts(form, value, rng)
    ]


def near_misses(formats: Iterable[Format], rng: random.Random) -> list[str]:
    """Return texts that hold something close to each format, but not it."""
    return [text for form in formats if not form.variant.startswith("public:") for text in _misses(form, rng)]


def _texts(form: Format, value: str, rng: random.Random) -> Sequence[str]:
    named = carriers.setting(rng, rng.choice(form.names.split()), value)
    if form.word:
        return named, carriers.vendor_code(rng, form.word, value)
    if form.named:
        return named, carriers.named_code(rng, form.names.split()[0], value)
    return named, carriers.bare(rng, value)


def _misses(form: Format, rng: random.Random) -> list[str]:
    is_loose = form.near == STUB
    values = shapes.stub(form.shape, rng) if is_loose else shapes.spoilt(form.near or form.shape, rng)
    texts = [carriers.setting(rng, rng.choice(form.names.split()), value) for value in values]
    if form.word or form.named:
        texts += [place(shapes.draw(form.shape, rng)) for place in carriers.HARMLESS]
    return texts

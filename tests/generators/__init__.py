"""Credential values made from the documented formats alone: alphabet, length, checksum.

Nothing here knows the rules, so that what the rules find is checked against the vendors' formats. No value
stands in the source: all are drawn from the given random numbers, and the same seed draws the same values.
"""

import random
from collections.abc import Callable, Mapping, Sequence

from tests.generators import ai_vendors, databases, formats, general, near_misses, pairs, service_strings, sql_strings
from tests.generators.names import password_settings
from tests.generators.sample import Sample
from tests.generators.settings import SPLIT_SAMPLES, references

_TABLE = (*ai_vendors.FORMATS, *general.FORMATS)
_SPECIAL = (ai_vendors.SPECIAL, general.SPECIAL, pairs.SPECIAL, sql_strings.SPECIAL, service_strings.SPECIAL)
_KINDS = sorted(
    {form.kind for form in _TABLE}
    | {service.kind for service in databases.SERVICES}
    | {kind for special in _SPECIAL for kind in special}
)


def _generator(kind: str) -> Callable[[random.Random], Sequence[Sample]]:
    def make(rng: random.Random) -> Sequence[Sample]:
        samples = formats.samples((form for form in _TABLE if form.kind == kind), rng)
        for service in databases.SERVICES:
            samples += databases.service_samples(service, rng) if service.kind == kind else []
        for special in _SPECIAL:
            for generate in special.get(kind, ()):
                samples += generate(rng)
        return samples

    return make


GENERATORS: Mapping[str, Callable[[random.Random], Sequence[Sample]]] = {kind: _generator(kind) for kind in _KINDS}
"""Kind: samples of every documented format, at both ends of every range of lengths."""

NEAR_MISSES: Mapping[str, Callable[[random.Random], Sequence[str]]] = near_misses.near_misses(_KINDS)
"""Kind: texts in which nothing of that kind may be found."""

__all__ = ["GENERATORS", "NEAR_MISSES", "SPLIT_SAMPLES", "Sample", "password_settings", "references"]

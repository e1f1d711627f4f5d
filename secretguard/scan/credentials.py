"""Grouping: every spelling and every place of one secret become one credential."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING

from secretguard.model import (
    ANONYMOUS_FAMILIES,
    Confidence,
    Credential,
    Endpoint,
    Match,
    Occurrence,
    Place,
    Severity,
)

if TYPE_CHECKING:
    from secretguard.scan.identity import Identity

Key = tuple[str, str, str]
"""(family, user, secret): what one spelling says about identity."""

_DEFAULT_PORTS = {
    "postgres": 5432, "mysql": 3306, "mongodb": 27017, "redis": 6379, "amqp": 5672, "mssql": 1433, "oracle": 1521,
    "cassandra": 9042, "nats": 4222, "mqtt": 1883, "kafka": 9092,
}  # fmt: skip
_PLACES = list(Place)
_WITH_PUBLIC_HALF = ("aws", "twilio", "token")
"""Families whose user is an issued id, which is found by itself too."""


def group(
    occurrences: Iterable[Occurrence], jobs: int = 0, known_ids: MutableMapping[Key, str] | None = None
) -> tuple[Credential, ...]:
    """Return the credentials behind `occurrences`, the most dangerous first.

    `jobs` threads compute their ids; `known_ids` are those that need not be, and get the others that were dear.
    """
    by_key: dict[Key, list[Occurrence]] = defaultdict(list)
    for occurrence in occurrences:
        match = occurrence.match
        by_key[match.family, match.user, match.secret.reveal()].append(occurrence)
    if not by_key:
        return ()
    from secretguard.scan.identity import credential_ids  # mostly nothing is found

    merged: dict[Key, list[Occurrence]] = defaultdict(list)
    for key, target in joins(by_key).items():
        merged[target].extend(by_key[key])
    identities = [_identity(key, [one.match for one in places]) for key, places in merged.items()]
    found = [
        _credential(identifier, key, _lead(_own_family(key, _bearing(key, merged[key]))), merged[key])
        for identifier, key in zip(credential_ids(identities, jobs, known_ids), merged, strict=True)
    ]
    return tuple(sorted(found, key=_danger))


def identities(matches: Iterable[Match]) -> "list[Identity]":
    """Return whose ids `group` will want, wherever the matches stand."""
    merged: dict[Key, list[Match]] = defaultdict(list)
    by_key: dict[Key, list[Match]] = defaultdict(list)
    for match in matches:
        by_key[match.family, match.user, match.secret.reveal()].append(match)
    for key, target in joins(by_key).items():
        merged[target].extend(by_key[key])
    return [_identity(key, found) for key, found in merged.items()]


def _identity(key: Key, matches: Iterable[Match]) -> "Identity":
    from secretguard.scan.identity import Identity

    bearing = [match for match in matches if match.secret.reveal() == key[2]]
    return Identity(key[0], key[1], bearing[0].secret, any(match.rule.machine_made for match in bearing))


def _bearing(key: Key, places: Sequence[Occurrence]) -> Sequence[Occurrence]:
    """Leave out public halves: they name the credential and do not hold its secret."""
    return [one for one in places if one.match.secret.reveal() == key[2]]


def joins(keys: Iterable[Key]) -> dict[Key, Key]:
    """Return for each key the key it joins (itself, mostly).

    A spelling without user or family joins the one with the same secret, if exactly one fits, unless that is a
    password that everybody takes; and a public half that stands alone (an AWS key id) joins the credential whose
    user it is.
    """
    from secretguard.engine.values import is_weak

    targets: dict[Key, Key] = {key: key for key in keys}
    by_secret: dict[str, list[Key]] = defaultdict(list)
    by_user: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for key in targets:
        by_secret[key[2]].append(key)
        if key[1]:
            by_user[key[0], key[1]].append(key)
    for key in targets:
        same = () if is_weak(key[2]) or key[1] == key[2] else by_secret[key[2]]
        richer = [other for other in same if _says_more(other, key)]
        best = [one for one in richer if not any(_says_more(other, one) for other in richer)]
        owners = by_user.get((key[0], key[2]), ()) if key[0] in _WITH_PUBLIC_HALF and not key[1] else ()
        if len(best) == 1:
            targets[key] = best[0]
        elif not richer and len(owners) == 1:
            targets[key] = owners[0]
    return {key: _final(targets, key) for key in targets}


def _final(targets: Mapping[Key, Key], key: Key) -> Key:
    while targets[key] != key:
        key = targets[key]
    return key


def _says_more(other: Key, key: Key) -> bool:
    """Whether `other` fits `key` and knows a family or user that `key` does not."""
    family, user, _ = key
    family_fits = family == other[0] or family in ANONYMOUS_FAMILIES
    user_fits = user in ("", other[1])
    return other != key and family_fits and user_fits and _known(other) > _known(key)


def _known(key: Key) -> int:
    """Weigh what `key` says: whose server it is and who logs in; a database is more than a login of something."""
    family, user, _ = key
    return 2 * (family not in ANONYMOUS_FAMILIES) + (family == "database") + 2 * bool(user)


def _own_family(key: Key, places: Sequence[Occurrence]) -> Sequence[Occurrence]:
    """Leave out places that only joined: a `.npmrc` line does not speak for a database login."""
    return [o for o in places if o.match.family == key[0]] or places


def _lead(places: Sequence[Occurrence]) -> Match:
    """Return the match that tells most: the surest, richest, plainest spelling."""

    def rank(match: Match) -> tuple[bool, bool, bool, int, int, int, int, str]:
        return (
            not match.placeholder,
            not match.rule.generic,
            not match.rule.foreign,
            match.confidence.rank,
            bool(match.user) + bool(match.endpoints),
            match.severity.rank,
            -len(match.encoding),
            match.rule.id,
        )

    return max((o.match for o in places), key=rank)


def _credential(identifier: str, key: Key, lead: Match, places: Sequence[Occurrence]) -> Credential:
    family, user, _ = key
    real = [o.match for o in places if not o.match.placeholder] or [o.match for o in places]
    return Credential(
        id=identifier,
        rule=lead.rule,
        family=family,
        user=user,
        secret=lead.secret,
        text=lead.text,
        redacted=lead.redacted,
        severity=max((match.severity for match in real), key=lambda s: s.rank, default=Severity.LOW),
        confidence=max((match.confidence for match in real), key=lambda c: c.rank, default=Confidence.LOW),
        endpoints=_endpoints(family, places),
        occurrences=tuple(sorted(_distinct(places), key=_place)),
    )


def _endpoints(family: str, places: Sequence[Occurrence]) -> tuple[Endpoint, ...]:
    found: dict[tuple[str, int | None, str], Endpoint] = {}
    for occurrence in places:
        for endpoint in occurrence.match.endpoints:
            port = endpoint.port or _DEFAULT_PORTS.get(family)
            key = (endpoint.host.lower(), port, endpoint.database)
            found.setdefault(key, endpoint._replace(port=port))
    # A place that names no database says nothing that one with a database does not.
    named = {(host, port) for host, port, database in found if database}
    return tuple(
        endpoint for (host, port, database), endpoint in sorted(found.items(), key=lambda i: str(i[0]))
        if database or (host, port) not in named
    )  # fmt: skip


def _distinct(places: Iterable[Occurrence]) -> list[Occurrence]:
    seen = {
        (
            o.location.source,
            o.location.path,
            o.location.commit,
            o.location.ref,
            o.match.inner,
            o.match.start,
            o.match.end,
        ): o
        for o in places
    }
    return list(seen.values())


def _place(occurrence: Occurrence) -> tuple[int, str, str, int, int, str]:
    at, match = occurrence.location, occurrence.match
    return (_PLACES.index(at.source), at.date or "", at.path, match.line, match.column, at.commit or "")


def _danger(credential: Credential) -> tuple[int, int, bool, int, str]:
    return (
        -credential.severity.rank,
        -credential.confidence.rank,
        not credential.in_head,
        -len(credential.occurrences),
        credential.id,
    )

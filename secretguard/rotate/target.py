"""A credential of a report -> the target that its rotator works on."""

from collections import Counter
from dataclasses import replace

from secretguard.model import Credential, Endpoint
from secretguard.rotation import Login, Spelling, Target
from secretguard.secret import Secret

_WHOLE = ("uri", "jdbc", "keyword", "ado")
"""Forms whose text says user, password and server all together."""


def target_of(credential: Credential, admin: Secret | None = None) -> Target:
    """Return what is to be rotated; its spellings come most frequent first."""
    return Target(
        credential=credential.id,
        kind=credential.rule.kind,
        family=credential.family,
        leaked=Login(credential.user, credential.secret),
        endpoints=_endpoints(credential),
        spellings=_spellings(credential),
        admin=admin,
    )


def confirmed(target: Target, endpoints: tuple[Endpoint, ...], alive: tuple[Endpoint, ...]) -> Target:
    """Return the target with the servers that were confirmed. Those where the leaked value worked come first.

    So do their spellings: what the code reads in the end leads to a server that was seen to work, however often
    another one is written.
    """
    first = (*alive, *(one for one in endpoints if one not in alive))
    servers = {(one.host, one.port) for one in alive} | {(one.host, None) for one in alive}

    def is_elsewhere(spelling: Spelling) -> bool:
        return not any((one.host, one.port) in servers for one in spelling.endpoints)

    return replace(target, endpoints=first, spellings=tuple(sorted(target.spellings, key=is_elsewhere)))


def _endpoints(credential: Credential) -> tuple[Endpoint, ...]:
    """Return the distinct servers; one without a host says nothing. Who connects to 0.0.0.0 reaches this machine."""
    here = (one._replace(host="127.0.0.1") if one.host == "0.0.0.0" else one for one in credential.endpoints)  # noqa: S104
    said = [one for one in here if one.host]
    with_port = {(one.host, one.database) for one in said if one.port}
    return tuple(
        sorted(
            {one for one in said if one.port or (one.host, one.database) not in with_port},
            key=lambda one: (one.host, one.port or 0, one.database),
        )
    )


def _spellings(credential: Credential) -> tuple[Spelling, ...]:
    matches = [one.match for one in credential.occurrences if one.match.form in _WHOLE]
    texts = Counter((match.form, match.text.reveal(), match.endpoints) for match in matches)
    return tuple(Spelling(form, Secret(text), endpoints) for (form, text, endpoints), _ in texts.most_common())

"""The id of a credential: the same on every clone and machine, whatever moves, rebases or re-spells it.

`sg_` + 12 hex of canonical JSON `[1, family, user, secret]`. A secret that a person may have chosen goes through
scrypt, which sets a price for each guess; a machine-made one through HMAC. The constant is public unless the
operator sets SECRETGUARD_ID_KEY: it is a price, not secrecy. Test vectors are in `tests/scan/test_identity.py`.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Container, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial

from secretguard.secret import Secret
from secretguard.workers import in_parallel, processors

CONSTANT = "secretguard/id/1"
_SCRYPT = {"n": 1 << 12, "r": 8, "p": 1}
_WORTH_A_PROCESS = 8
Said = tuple[str, str, str]
"""Family, user, secret."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What an id is made from."""

    family: str
    user: str
    secret: Secret
    machine_made: bool


def id_key() -> bytes:
    """Return the salt of ids: the operator's SECRETGUARD_ID_KEY, else the public constant."""
    return os.environ.get("SECRETGUARD_ID_KEY", CONSTANT).encode("utf-8", "surrogateescape") or CONSTANT.encode()


def credential_id(identity: Identity, key: bytes | None = None) -> str:
    """Return the id of one credential."""
    key = id_key() if key is None else key
    canonical = json.dumps(
        [1, identity.family, identity.user, identity.secret.reveal()], ensure_ascii=False, separators=(",", ":")
    ).encode("utf-8", "surrogateescape")
    if identity.machine_made:
        return "sg_" + hmac.new(key, canonical, hashlib.sha256).hexdigest()[:12]
    return "sg_" + hashlib.scrypt(canonical, salt=key, dklen=32, **_SCRYPT).hex()[:12]


def credential_ids(
    identities: Sequence[Identity], jobs: int = 0, known: MutableMapping[Said, str] | None = None
) -> list[str]:
    """Return the ids of many credentials, in their order.

    Those that scrypt makes are computed by `jobs` threads (0: one a processor), for it lets go of the interpreter lock;
    `known` has some of them by family, user and secret, and gets the others.
    """
    key = id_key()
    found = {} if known is None else known
    wanted = {_said(one): one for one in identities if not one.machine_made and _said(one) not in found}
    found.update(zip(wanted, _computed([*wanted.values()], key, jobs), strict=True))
    return [credential_id(one, key) if one.machine_made else found[_said(one)] for one in identities]


def begin_ids(identities: Sequence[Identity], jobs: int, known: Container[Said]) -> Iterator[tuple[Said, str]]:
    """Begin to compute in other processes the ids that `credential_ids` will want and that are not `known`.

    They are ready when the iteration begins; where they are few it yields nothing, for a process costs time too.
    """
    wanted = {_said(one): one for one in identities if not one.machine_made and _said(one) not in known}
    jobs = jobs or processors()
    if jobs < 2 or len(wanted) < _WORTH_A_PROCESS:
        return iter(())
    said = [*wanted]
    shares = [range(start, len(said), jobs) for start in range(jobs)]
    work = partial(_ids_of_share, [*wanted.values()], id_key())
    results = in_parallel(work, shares, jobs)
    return ((said[number], name) for share in results for number, name in share)


def _ids_of_share(identities: Sequence[Identity], key: bytes, share: range) -> list[tuple[int, str]]:
    return [(number, credential_id(identities[number], key)) for number in share]


def _computed(identities: Sequence[Identity], key: bytes, jobs: int) -> list[str]:
    if len(identities) < 4:
        return [credential_id(identity, key) for identity in identities]
    from concurrent.futures import ThreadPoolExecutor  # most scans find little

    with ThreadPoolExecutor(max_workers=jobs or os.cpu_count() or 1) as pool:
        return list(pool.map(lambda identity: credential_id(identity, key), identities))


def _said(identity: Identity) -> Said:
    return identity.family, identity.user, identity.secret.reveal()

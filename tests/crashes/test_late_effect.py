"""A call takes effect after nobody waited for it any more, and after it was looked for: nothing of it stays."""

import secrets
import time
from pathlib import Path

import pytest

from secretguard import transport
from secretguard.reference import parse_reference
from secretguard.rotation import Context
from secretguard.stores import local
from tests.crashes.rotating import Spec, home, rotate_with
from tests.servers.openbao import OpenBao
from tests.servers.proxy import proxy


def made_by(server: OpenBao, rotation: str) -> list[str]:
    """The accessors of the tokens that a rotation had made."""
    name, found = rotation.replace("rot_", "sg-"), []
    for accessor in server.done("GET", "auth/token/accessors?list=true")["data"]["keys"]:
        answer = server.ask("POST", "auth/token/lookup-accessor", {"accessor": accessor})
        if answer.ok and (answer.json()["data"]["meta"] or {}).get("secretguard") == name:
            found.append(accessor)
    return found


def test_a_token_that_is_made_late_is_revoked_at_the_end(openbao: OpenBao, tmp_path: Path) -> None:
    leaked = openbao.done("POST", "auth/token/create", {"policies": ["default"], "ttl": "2h"})["auth"]["client_token"]
    rotation = "rot_" + secrets.token_hex(8)
    port = int(openbao.address.rpartition(":")[2])
    with proxy(port) as between:
        environ = dict(openbao.environ(), VAULT_ADDR=f"http://127.0.0.1:{between.port}")
        spec = Spec(
            rotator="vault", family="token", kind="vault", user="", old=leaked, rotation=rotation, timeout=3.0,
            reference="ref+local://app#/VAULT_TOKEN", environ=home(tmp_path) | environ,
        )  # fmt: skip
        between.will("delay", b"POST /v1/auth/token/create-orphan", seconds=120.0)

        def wait_for_both(name: str, after: bool) -> None:
            until = time.monotonic() + 60
            if (name, after) == ("rotator.disable", True):
                between.release()  # later than anybody waits for it, however slow the machine is
            while (name, after) == ("rotator.disable", True) and len(made_by(openbao, rotation)) < 2:
                assert time.monotonic() < until, "the first token never came"
                time.sleep(0.2)

        rotate_with(spec, wait_for_both)
        assert between.seen
    fields = local.read(parse_reference(spec.reference), Context(spec.environ))
    assert fields is not None
    kept = openbao.done("POST", "auth/token/lookup", {"token": fields["VAULT_TOKEN"].reveal()})["data"]["accessor"]
    assert made_by(openbao, rotation) == [kept]


@pytest.fixture(autouse=True)
def _fresh_breakers() -> None:
    transport.breaker.cache_clear()

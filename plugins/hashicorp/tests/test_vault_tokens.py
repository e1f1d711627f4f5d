"""A leaked token is replaced by one like it, and dies with all that came from it."""

import secrets

import pytest
import secretguard_hashicorp.token_rotator as rotator

from secretguard.errors import IssuerError
from secretguard.interfaces import Rotator
from secretguard.rotation import Answer, Context, Found, Login, Overlap, Target
from secretguard.secret import Secret
from secretguard.testing import exposure, find
from secretguard.testing.store_place import a_rotation
from tests.servers.openbao import OpenBao
from tests.servers.proxy import proxy

POLICY = """
path "auth/token/lookup" { capabilities = ["update"] }
path "auth/token/create-orphan" { capabilities = ["update", "sudo"] }
path "auth/token/revoke" { capabilities = ["update"] }
path "auth/token/accessors" { capabilities = ["list", "sudo"] }
path "auth/token/lookup-accessor" { capabilities = ["update"] }
path "auth/token/revoke-accessor" { capabilities = ["update"] }
"""
"""What the README says the operator's token needs."""

as_protocol: Rotator = rotator
"""mypy sees here that the module is one."""


@pytest.fixture(scope="module")
def operator(openbao: OpenBao) -> str:
    return openbao.limited(POLICY)


def made(openbao: OpenBao, **wanted: object) -> str:
    body = {"policies": ["default"], "ttl": "2h", **wanted}
    return str(openbao.done("POST", "auth/token/create", body)["auth"]["client_token"])


def about(openbao: OpenBao, token: str) -> dict[str, object]:
    return dict(openbao.done("POST", "auth/token/lookup", {"token": token})["data"])


def lives(openbao: OpenBao, token: str) -> bool:
    return openbao.ask("POST", "auth/token/lookup", {"token": token}).ok


def target(token: str) -> Target:
    return Target("sg_000000000000", "vault", "token", Login("", Secret(token)), ())


def context(openbao: OpenBao, token: str, rotation: str | None = None, **environ: str) -> Context:
    return Context(openbao.environ(token, **environ), rotation or a_rotation(), timeout=5.0)


def test_what_the_rules_find_is_what_it_rotates(openbao: OpenBao) -> None:
    (found,) = find(f"VAULT_TOKEN={made(openbao)}\n")
    assert (found.rule.kind, "token") == ("vault", rotator.families[0])
    assert found.rule.kind in rotator.kinds


def test_a_rotation_from_beginning_to_end(openbao: OpenBao, operator: str) -> None:
    maker = 'path "auth/token/create" { capabilities = ["update"] }'
    openbao.done("PUT", "sys/policies/acl/maker", {"policy": maker})
    leaked = made(openbao, meta={"team": "a"}, explicit_max_ttl="8h", policies=["default", "maker"])
    child = openbao.done("POST", "auth/token/create", {"policies": ["default"]}, token=leaked)["auth"]["client_token"]
    what, run = target(leaked), context(openbao, operator)
    seen = rotator.preflight(what, run)
    assert not seen.stopped
    assert any("child tokens and all leases" in one for one in seen.effects)
    assert rotator.overlap(what, run) is Overlap.MANY
    assert rotator.make(what, run) is None
    assert rotator.reconcile(what, None, run) is Found.NOTHING
    new = rotator.issue(what, None, run)
    assert rotator.reconcile(what, new, run) is Found.ISSUED
    assert rotator.verify(what, new, run).works
    assert rotator.verify(what, what.leaked, run).works
    assert rotator.usage(what, new, run).users is None
    rotator.disable(what, new, run)
    assert rotator.verify(what, what.leaked, run).refused
    rotator.disable(what, new, run)
    rotator.destroy(what, new, run)
    assert not lives(openbao, leaked)
    assert not lives(openbao, child)
    told = about(openbao, new.secret.reveal())
    assert told["policies"] == ["default", "maker"]
    assert told["display_name"] == f"token-{run.name}"
    assert told["meta"] == {"team": "a", "secretguard": run.name}
    assert (told["creation_ttl"], told["explicit_max_ttl"], told["orphan"]) == (7200, 28800, True)
    assert told["accessor"] == new.id


def test_the_new_token_outlives_the_operators_own(openbao: OpenBao) -> None:
    operator = openbao.limited(POLICY)
    what, run = target(made(openbao)), context(openbao, operator)
    new = rotator.issue(what, None, run)
    openbao.done("POST", "auth/token/revoke", {"token": operator})
    assert lives(openbao, new.secret.reveal())


def test_a_periodic_token_without_the_default_policy_stays_one(openbao: OpenBao, operator: str) -> None:
    leaked = made(openbao, period="24h", no_default_policy=True, policies=["extra"], ttl="", num_uses=50)
    new = rotator.issue(target(leaked), None, context(openbao, operator))
    told = about(openbao, new.secret.reveal())
    assert (told["policies"], told["period"], told["num_uses"]) == (["extra"], 86400, 50)


def test_a_token_that_may_not_look_itself_up_is_not_taken_for_dead(openbao: OpenBao, operator: str) -> None:
    leaked = made(openbao, no_default_policy=True, policies=["extra"])
    assert rotator.verify(target(leaked), Login("", Secret(leaked)), context(openbao, operator)).works
    powerless = made(openbao, no_default_policy=True, policies=["extra"])
    (answer,) = rotator.verify(target(leaked), Login("", Secret(leaked)), context(openbao, powerless)).answers
    assert answer[1] is Answer.UNKNOWN
    assert "auth/token/lookup" in answer[2]


def test_where_no_server_answers_nothing_is_known(openbao: OpenBao) -> None:
    run = Context({"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "hvs.x"}, a_rotation(), timeout=1.0)
    (answer,) = rotator.verify(target("hvs.y"), Login("", Secret("hvs.y")), run).answers
    assert answer[1] is Answer.UNKNOWN


def test_a_token_whose_answer_was_lost_is_found_by_its_name_and_revoked(openbao: OpenBao, operator: str) -> None:
    what, run = target(made(openbao)), context(openbao, operator)
    with proxy(openbao.port) as between:
        lossy = context(openbao, operator, run.rotation, VAULT_ADDR=f"http://127.0.0.1:{between.port}")
        between.will("drop", b"POST /v1/auth/token/create-orphan")
        with pytest.raises(IssuerError) as caught:
            rotator.issue(what, None, lossy)
    assert caught.value.unsure
    assert exposure(caught.value, what.leaked.secret.reveal(), operator) == []
    assert rotator.reconcile(what, None, run) is Found.ORPHAN
    assert rotator.reconcile(what, None, context(openbao, operator)) is Found.NOTHING
    rotator.withdraw(what, None, run)
    assert rotator.reconcile(what, None, run) is Found.NOTHING
    assert rotator.verify(what, what.leaked, run).works


def test_what_is_withdrawn_is_dead_and_the_leaked_one_is_not(openbao: OpenBao, operator: str) -> None:
    what, run = target(made(openbao)), context(openbao, operator)
    new = rotator.issue(what, None, run)
    for _ in range(2):
        rotator.withdraw(what, new, run)
    assert not lives(openbao, new.secret.reveal())
    assert rotator.reconcile(what, new, run) is Found.NOTHING
    assert lives(openbao, what.leaked.secret.reveal())


def test_an_operator_who_may_not_revoke_lets_the_leaked_token_revoke_itself(openbao: OpenBao) -> None:
    what, run = target(made(openbao)), context(openbao, openbao.limited())
    rotator.disable(what, None, run)
    assert not lives(openbao, what.leaked.secret.reveal())


def test_a_revocation_that_nobody_may_do_is_told_with_the_right_it_needs(openbao: OpenBao) -> None:
    what = target(made(openbao, no_default_policy=True, policies=["extra"]))
    with pytest.raises(IssuerError) as caught:
        rotator.disable(what, None, context(openbao, openbao.limited()))
    assert 'path "auth/token/revoke"' in caught.value.hint
    assert exposure(caught.value, what.leaked.secret.reveal()) == []


def stops(openbao: OpenBao, leaked: str, token: str) -> str:
    seen = rotator.preflight(target(leaked), context(openbao, token))
    assert seen.stopped
    return " ".join(one.what + one.hint for one in seen.findings if one.stops)


def test_what_no_program_should_replace_is_refused(openbao: OpenBao, operator: str) -> None:
    batch = made(openbao, type="batch")
    root = made(openbao, policies=["root"])
    assert "no server can revoke" in stops(openbao, batch, operator)
    assert "root token" in stops(openbao, root, operator)
    assert "share of the unseal" in stops(openbao, secrets.token_hex(33), operator)
    assert "share of the unseal" in stops(openbao, "hvr." + secrets.token_hex(12), operator)
    assert "the one that you work with" in stops(openbao, operator, operator)
    assert "dead already, or of another server" in stops(openbao, "s." + secrets.token_hex(12), operator)


def test_a_token_of_a_login_is_told_as_one(openbao: OpenBao, operator: str) -> None:
    if "userpass/" not in openbao.done("GET", "sys/auth")["data"]:
        openbao.done("POST", "sys/auth/userpass", {"type": "userpass"})
    openbao.done("POST", "auth/userpass/users/ann", {"password": "ann", "token_policies": ["extra"]})
    leaked = openbao.done("POST", "auth/userpass/login/ann", {"password": "ann"})["auth"]["client_token"]
    seen = rotator.preflight(target(leaked), context(openbao, operator))
    assert not seen.stopped
    assert any("came from a login at auth/userpass/login/ann" in one.what for one in seen.findings)


def test_preflight_names_the_rights_that_are_missing(openbao: OpenBao) -> None:
    limited = openbao.limited('path "auth/token/lookup" { capabilities = ["update"] }')
    seen = rotator.preflight(target(made(openbao)), context(openbao, limited))
    hints = "\n".join(one.hint for one in seen.findings if one.stops)
    for path in ("create-orphan", "revoke", "accessors", "lookup-accessor", "revoke-accessor"):
        assert f'path "auth/token/{path}" {{' in hints


def test_a_token_of_a_token_role_is_made_through_that_role(openbao: OpenBao) -> None:
    role = "deploy-" + secrets.token_hex(4)
    openbao.done("POST", f"auth/token/roles/{role}", {"allowed_policies": ["default"], "orphan": True})
    leaked = str(openbao.done("POST", f"auth/token/create/{role}")["auth"]["client_token"])
    plain = openbao.limited(POLICY)
    assert f'path "auth/token/create/{role}"' in stops(openbao, leaked, plain)
    allowed = openbao.limited(POLICY + f'path "auth/token/create/{role}" {{ capabilities = ["update"] }}')
    what, run = target(leaked), context(openbao, allowed)
    assert not rotator.preflight(what, run).stopped
    new = rotator.issue(what, None, run)
    told = about(openbao, new.secret.reveal())
    assert (told["role"], told["orphan"]) == (role, True)
    assert told["meta"] == {"secretguard": run.name}


def test_a_token_role_that_makes_children_is_told(openbao: OpenBao, operator: str) -> None:
    role = "child-" + secrets.token_hex(4)
    openbao.done("POST", f"auth/token/roles/{role}", {"allowed_policies": ["default"], "orphan": False})
    leaked = str(openbao.done("POST", f"auth/token/create/{role}")["auth"]["client_token"])
    seen = rotator.preflight(target(leaked), context(openbao, operator))
    assert any("dies with the token that you work with" in one.what for one in seen.findings)


def test_a_token_of_a_namespace_is_rotated_there(openbao: OpenBao) -> None:
    name = "team-" + secrets.token_hex(4)
    openbao.done("POST", f"sys/namespaces/{name}")
    leaked = openbao.limited(namespace=name)
    run = context(openbao, openbao.limited(POLICY, name), VAULT_NAMESPACE=name)
    what = target(leaked)
    assert not rotator.preflight(what, run).stopped
    new = rotator.issue(what, None, run)
    rotator.disable(what, new, run)
    assert rotator.verify(what, new, run).works
    assert rotator.verify(what, what.leaked, run).refused

"""A leaked secret id of AppRole is replaced by one like it, and dies with the tokens that were made with it."""

import json
import secrets
import time
from dataclasses import dataclass, replace

import pytest
import secretguard_hashicorp.approle_rotator as rotator

from secretguard.errors import IssuerError
from secretguard.interfaces import Rotator
from secretguard.rotation import Answer, Context, Found, Login, Mode, Overlap, Preflight, Target
from secretguard.secret import Secret
from secretguard.testing import exposure, find
from secretguard.testing.store_place import a_rotation
from tests.servers.openbao import OpenBao
from tests.servers.proxy import proxy

as_protocol: Rotator = rotator
"""mypy sees here that the module is one."""


def policy(name: str) -> str:
    """What the README says the operator's token needs."""
    return f"""
path "auth/approle/role"                                    {{ capabilities = ["list"] }}
path "auth/approle/role/{name}"                             {{ capabilities = ["read"] }}
path "auth/approle/role/{name}/role-id"                     {{ capabilities = ["read"] }}
path "auth/approle/role/{name}/secret-id"                   {{ capabilities = ["update", "list"] }}
path "auth/approle/role/{name}/secret-id/lookup"            {{ capabilities = ["update"] }}
path "auth/approle/role/{name}/secret-id/destroy"           {{ capabilities = ["update"] }}
path "auth/approle/role/{name}/secret-id-accessor/lookup"   {{ capabilities = ["update"] }}
path "auth/approle/role/{name}/secret-id-accessor/destroy"  {{ capabilities = ["update"] }}
path "auth/token/accessors"       {{ capabilities = ["list", "sudo"] }}
path "auth/token/lookup-accessor" {{ capabilities = ["update"] }}
path "auth/token/revoke-accessor" {{ capabilities = ["update"] }}
"""


@dataclass
class Machine:
    """A role of AppRole, and one secret id of it."""

    openbao: OpenBao
    role: str
    secret_id: str
    namespace: str = ""

    @property
    def target(self) -> Target:
        return Target("sg_000000000000", "vault-approle", "token", Login("", Secret(self.secret_id)), ())

    def context(self, rotation: str | None = None, token: str | None = None, **environ: str) -> Context:
        return Context(self.openbao.environ(token, **environ), rotation or a_rotation(), timeout=5.0)

    def operator(self) -> str:
        return self.openbao.limited(policy(self.role), self.namespace)

    def another(self, **wanted: object) -> str:
        """Another secret id of the same role."""
        return a_secret_id(self.openbao, self.role, self.namespace, **wanted)

    def login(self, secret_id: str | None = None) -> str:
        """Log in as the machine does; return the token, "" if it is refused."""
        read = self.openbao.done("GET", f"auth/approle/role/{self.role}/role-id", namespace=self.namespace)
        body = {"role_id": read["data"]["role_id"], "secret_id": secret_id or self.secret_id}
        answer = self.openbao.ask("POST", "auth/approle/login", body, namespace=self.namespace)
        return str(answer.json()["auth"]["client_token"]) if answer.ok else ""

    def about(self, secret_id: str) -> dict[str, object]:
        path = f"auth/approle/role/{self.role}/secret-id/lookup"
        answer = self.openbao.ask("POST", path, {"secret_id": secret_id}, namespace=self.namespace)
        return dict(answer.json()["data"]) if answer.content else {}

    def preflight(self, context: Context | None = None) -> Preflight:
        return rotator.preflight(self.target, context or self.context())


def a_secret_id(openbao: OpenBao, role: str, namespace: str = "", **wanted: object) -> str:
    path = f"auth/approle/role/{role}/secret-id"
    return str(openbao.done("POST", path, wanted, namespace=namespace)["data"]["secret_id"])


def a_machine(openbao: OpenBao, *, namespace: str = "", of_secret_id: object = None, **of_role: object) -> Machine:
    if "approle/" not in openbao.done("GET", "sys/auth", namespace=namespace)["data"]:
        openbao.done("POST", "sys/auth/approle", {"type": "approle"}, namespace=namespace)
    role = "app-" + secrets.token_hex(4)
    body = {"token_policies": ["default"], "token_ttl": "1h", **of_role}
    openbao.done("POST", f"auth/approle/role/{role}", body, namespace=namespace)
    wanted = of_secret_id if isinstance(of_secret_id, dict) else {}
    return Machine(openbao, role, a_secret_id(openbao, role, namespace, **wanted), namespace)


def lives(openbao: OpenBao, token: str) -> bool:
    return openbao.ask("POST", "auth/token/lookup", {"token": token}).ok


def stops(seen: Preflight) -> str:
    assert seen.stopped
    return " ".join(one.what + one.hint for one in seen.findings if one.stops)


def told(seen: Preflight) -> str:
    assert not seen.stopped, seen.findings
    return " ".join((*seen.effects, *(one.what for one in seen.findings)))


def test_what_the_rules_find_is_what_it_rotates(openbao: OpenBao) -> None:
    (found,) = find(f"VAULT_SECRET_ID={a_machine(openbao).secret_id}\n")
    assert (found.rule.kind, found.family, found.user) == ("vault-approle", rotator.families[0], "")
    assert found.rule.kind in rotator.kinds


def test_a_rotation_from_beginning_to_end(openbao: OpenBao) -> None:
    machine = a_machine(openbao, of_secret_id={"metadata": json.dumps({"host": "a"})})
    neighbour = machine.another(metadata=json.dumps({"host": "b"}))
    token, other = machine.login(), machine.login(neighbour)
    what, run = machine.target, machine.context(token=machine.operator())
    assert "1 living tokens were made with the leaked secret id, and are revoked" in told(machine.preflight(run))
    assert rotator.overlap(what, run) is Overlap.MANY
    assert rotator.make(what, run) is None
    assert rotator.reconcile(what, None, run) is Found.NOTHING
    new = rotator.issue(what, None, run)
    assert rotator.reconcile(what, new, run) is Found.ISSUED
    assert rotator.verify(what, new, run).works
    assert rotator.verify(what, what.leaked, run).works
    assert rotator.usage(what, new, run).users == 1
    rotator.disable(what, new, run)
    assert rotator.verify(what, what.leaked, run).refused
    rotator.disable(what, new, run)
    rotator.destroy(what, new, run)
    assert (machine.login(), lives(openbao, token)) == ("", False)
    assert lives(openbao, other)
    assert machine.login(neighbour)
    assert machine.login(new.secret.reveal())
    about = machine.about(new.secret.reveal())
    assert about["secret_id_accessor"] == new.id
    assert {"host": "a", "secretguard": run.name}.items() <= dict(about["metadata"]).items()  # type: ignore[call-overload]


def test_no_token_is_left_of_the_logins_that_prove(openbao: OpenBao) -> None:
    machine = a_machine(openbao)
    assert rotator.verify(machine.target, machine.target.leaked, machine.context()).works
    assert rotator.usage(machine.target, machine.target.leaked, machine.context()).users == 0


def test_a_run_that_ended_between_secret_id_and_tokens_knows_the_tokens(openbao: OpenBao) -> None:
    """Whose they are nobody could say any more, were it not noted with the new secret id. Twice: it is noted of ours too."""
    machine = a_machine(openbao, of_secret_id={"metadata": json.dumps({"host": "a"})})
    for _ in range(2):
        token, run = machine.login(), machine.context()
        new = rotator.issue(machine.target, None, run)
        spared = machine.login(new.secret.reveal())
        path = f"auth/approle/role/{machine.role}/secret-id/destroy"
        openbao.done("POST", path, {"secret_id": machine.secret_id})
        assert "1 tokens that were made with it" in " ".join(rotator.disable(machine.target, new, run))
        assert (lives(openbao, token), lives(openbao, spared)) == (False, True)
        assert rotator.verify(machine.target, machine.target.leaked, run).refused
        openbao.done("POST", "auth/token/revoke", {"token": spared})
        machine = replace(machine, secret_id=new.secret.reveal())


def test_tokens_that_nobody_can_tell_apart_end_in_a_breach_and_are_left_in_graceful_mode(openbao: OpenBao) -> None:
    machine = a_machine(openbao)
    neighbour = machine.another()
    token, other = machine.login(), machine.login(neighbour)
    graceful = replace(machine.context(), mode=Mode.GRACEFUL)
    new = rotator.issue(machine.target, None, graceful)
    assert "2 living tokens may have been made with it" in told(machine.preflight(graceful))
    assert "all are revoked" in told(machine.preflight())
    assert rotator.usage(machine.target, new, graceful).users is None
    assert "they end with their time" in " ".join(rotator.disable(machine.target, new, graceful))
    assert lives(openbao, token)
    rotator.disable(machine.target, new, replace(graceful, mode=Mode.BREACH))
    assert (lives(openbao, token), lives(openbao, other)) == (False, False)
    assert machine.login(neighbour)


def test_tokens_that_are_older_than_the_secret_id_live_on(openbao: OpenBao) -> None:
    machine = a_machine(openbao)
    older = machine.login()
    time.sleep(1.1)  # the time of a token is in whole seconds
    later = replace(machine, secret_id=machine.another())
    token = later.login()
    rotator.disable(later.target, rotator.issue(later.target, None, later.context()), later.context())
    assert (lives(openbao, older), lives(openbao, token)) == (True, False)


def test_a_secret_id_whose_answer_was_lost_is_found_by_its_name_and_destroyed(openbao: OpenBao) -> None:
    machine = a_machine(openbao)
    operator = machine.operator()
    what, run = machine.target, machine.context(token=operator)
    with proxy(openbao.port) as between:
        lossy = machine.context(run.rotation, operator, VAULT_ADDR=f"http://127.0.0.1:{between.port}")
        between.will("drop", f"POST /v1/auth/approle/role/{machine.role}/secret-id ".encode())
        with pytest.raises(IssuerError) as caught:
            rotator.issue(what, None, lossy)
    assert caught.value.unsure
    assert exposure(caught.value, machine.secret_id, operator) == []
    assert rotator.reconcile(what, None, run) is Found.ORPHAN
    assert rotator.reconcile(what, None, machine.context()) is Found.NOTHING
    rotator.withdraw(what, None, run)
    assert rotator.reconcile(what, None, run) is Found.NOTHING
    assert rotator.verify(what, what.leaked, run).works


def test_what_is_withdrawn_is_dead_and_the_leaked_one_is_not(openbao: OpenBao) -> None:
    machine = a_machine(openbao)
    run = machine.context(token=machine.operator())
    new = rotator.issue(machine.target, None, run)
    for _ in range(2):
        rotator.withdraw(machine.target, new, run)
    assert rotator.reconcile(machine.target, new, run) is Found.NOTHING
    assert machine.login(new.secret.reveal()) == ""
    assert machine.login()


def test_the_limits_of_the_leaked_one_are_those_of_the_new_one(openbao: OpenBao) -> None:
    addresses = {"cidr_list": ["127.0.0.0/8"], "token_bound_cidrs": ["127.0.0.1/32"]}
    machine = a_machine(openbao, of_secret_id={"ttl": "2h", **addresses}, secret_id_ttl="24h")
    assert "ends after 7200 seconds" in told(machine.preflight())
    about = machine.about(rotator.issue(machine.target, None, machine.context()).secret.reveal())
    assert about["secret_id_ttl"] == 7200
    assert about["cidr_list"] == ["127.0.0.0/8"]
    assert about["token_bound_cidrs"] == ["127.0.0.1/32"]


def test_a_role_that_was_limited_since_limits_the_new_one(openbao: OpenBao) -> None:
    machine = a_machine(openbao, of_secret_id={"ttl": "2h"})
    body = {"secret_id_ttl": "10m", "secret_id_num_uses": 7}
    openbao.done("POST", f"auth/approle/role/{machine.role}", body)
    assert "ends after 600 seconds" in told(machine.preflight())
    about = machine.about(rotator.issue(machine.target, None, machine.context()).secret.reveal())
    assert (about["secret_id_ttl"], about["secret_id_num_uses"]) == (600, 7)


def test_logins_that_count_are_not_used_up(openbao: OpenBao) -> None:
    machine = a_machine(openbao, of_secret_id={"num_uses": 2})
    run = machine.context()
    assert "good for 2 logins" in told(machine.preflight(run))
    new = rotator.issue(machine.target, None, run)
    for login in (new, machine.target.leaked):
        assert rotator.verify(machine.target, login, run).works
        assert machine.about(login.secret.reveal())["secret_id_num_uses"] == 2
    rotator.disable(machine.target, new, run)
    assert rotator.verify(machine.target, machine.target.leaked, run).refused


def test_a_secret_id_for_other_addresses_than_ours_is_no_dead_one(openbao: OpenBao) -> None:
    machine = a_machine(openbao, of_secret_id={"cidr_list": ["192.0.2.0/24"]})
    assert rotator.verify(machine.target, machine.target.leaked, machine.context()).works


def test_a_locked_role_is_not_taken_for_a_dead_secret_id(openbao: OpenBao) -> None:
    machine = a_machine(openbao)
    assert "five refused logins" in told(machine.preflight())
    for _ in range(5):
        assert not machine.login(secrets.token_hex(16))
    assert machine.login() == ""
    (answer,) = rotator.verify(machine.target, machine.target.leaked, machine.context()).answers
    assert answer[1] is Answer.UNKNOWN
    assert "lock a role" in answer[2]


def test_where_no_server_answers_nothing_is_known(openbao: OpenBao) -> None:
    machine = a_machine(openbao)
    run = replace(machine.context(VAULT_ADDR="http://127.0.0.1:1"), timeout=1.0)
    (answer,) = rotator.verify(machine.target, machine.target.leaked, run).answers
    assert answer[1] is Answer.UNKNOWN


def test_batch_tokens_are_said_to_outlive_it(openbao: OpenBao) -> None:
    machine = a_machine(openbao, token_type="batch", token_ttl="5m")
    assert "batch tokens, which no server can revoke" in told(machine.preflight())
    assert rotator.verify(machine.target, machine.target.leaked, machine.context()).works


def test_what_cannot_be_rotated_is_refused_with_the_reason(openbao: OpenBao) -> None:
    machine = a_machine(openbao)
    read = openbao.done("GET", f"auth/approle/role/{machine.role}/role-id")["data"]["role_id"]
    own = {"VAULT_ADDR": openbao.address, "VAULT_ROLE_ID": str(read), "VAULT_SECRET_ID": machine.secret_id}
    assert "the one that you work with" in stops(machine.preflight(Context(own, a_rotation())))
    openbao.done("PUT", "sys/policies/acl/rotating", {"policy": policy(machine.role)})
    openbao.done("POST", f"auth/approle/role/{machine.role}", {"token_policies": ["rotating"]})
    assert "the token that you work with" in stops(machine.preflight(machine.context(token=machine.login())))
    unknown = replace(machine, secret_id=secrets.token_hex(16))
    assert "no role of approle/" in stops(unknown.preflight())
    named = unknown.context(SECRETGUARD_VAULT_APPROLE=machine.role)
    assert "does not know the secret id" in stops(unknown.preflight(named))
    open_door = a_machine(openbao, secret_id_bound_cidrs=["127.0.0.0/8"])
    openbao.done("POST", f"auth/approle/role/{open_door.role}", {"bind_secret_id": False})
    assert "whoever knows its role id" in stops(open_door.preflight())


def test_a_token_that_would_end_with_the_leaked_one_does_not_end_it(openbao: OpenBao) -> None:
    machine = a_machine(openbao, token_policies=["rotating"])
    new = rotator.issue(machine.target, None, machine.context())
    openbao.done("PUT", "sys/policies/acl/rotating", {"policy": policy(machine.role)})
    with pytest.raises(IssuerError, match="would be revoked with it"):
        rotator.disable(machine.target, new, machine.context(token=machine.login()))
    assert machine.login()


def test_preflight_names_the_rights_that_are_missing(openbao: OpenBao) -> None:
    machine = a_machine(openbao)
    named = f"approle/{machine.role}"
    limited = openbao.limited(f'path "auth/approle/role/{machine.role}" {{ capabilities = ["read"] }}')
    hints = stops(machine.preflight(machine.context(token=limited, SECRETGUARD_VAULT_APPROLE=named)))
    wanted = [line.split('"')[1] for line in policy(machine.role).splitlines() if line][2:]
    assert [path for path in wanted if f'path "{path}" {{' not in hints] == []
    with pytest.raises(IssuerError) as caught:
        machine.preflight(machine.context(token=limited))
    assert "SECRETGUARD_VAULT_APPROLE" in caught.value.hint


def test_a_secret_id_of_another_mount_is_rotated_where_that_is_named(openbao: OpenBao) -> None:
    mount = "machines-" + secrets.token_hex(4)
    openbao.done("POST", f"sys/auth/{mount}", {"type": "approle"})
    openbao.done("POST", f"auth/{mount}/role/app", {"token_policies": ["default"]})
    leaked = str(openbao.done("POST", f"auth/{mount}/role/app/secret-id")["data"]["secret_id"])
    what = Target("sg_000000000000", "vault-approle", "token", Login("", Secret(leaked)), ())
    run = Context(openbao.environ(SECRETGUARD_VAULT_APPROLE=f"{mount}/app"), a_rotation(), timeout=5.0)
    assert not rotator.preflight(what, run).stopped
    new = rotator.issue(what, None, run)
    rotator.disable(what, new, run)
    assert rotator.verify(what, new, run).works
    assert rotator.verify(what, what.leaked, run).refused


def test_a_secret_id_of_a_namespace_is_rotated_there(openbao: OpenBao) -> None:
    namespace = "team-" + secrets.token_hex(4)
    openbao.done("POST", f"sys/namespaces/{namespace}")
    machine = a_machine(openbao, namespace=namespace)
    token = machine.login()
    run = machine.context(token=machine.operator(), VAULT_NAMESPACE=namespace)
    assert "1 living tokens were made" in told(machine.preflight(run))
    new = rotator.issue(machine.target, None, run)
    rotator.disable(machine.target, new, run)
    assert rotator.verify(machine.target, new, run).works
    assert rotator.verify(machine.target, machine.target.leaked, run).refused
    assert not openbao.ask("POST", "auth/token/lookup", {"token": token}, namespace=namespace).ok

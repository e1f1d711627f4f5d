"""Vault and OpenBao keep what every store promises, and what only they can."""

import json
import secrets
import time
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest
import secretguard_hashicorp.store as store
from secretguard_hashicorp.connection import parsed, written

from secretguard.errors import Conflict, StoreError
from secretguard.reference import SecretReference, parse_reference
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.testing import StoreContract, StorePlace
from secretguard.testing.store_place import a_rotation, a_value, plain, refusal, secret_fields
from tests.servers.openbao import OpenBao, a_path, staging
from tests.servers.processes import free_port
from tests.servers.proxy import proxy

POLICY = """
path "secret/data/*" { capabilities = ["create", "read", "update"] }
path "secret/metadata/*" { capabilities = ["read", "list"] }
path "secret/destroy/*" { capabilities = ["update"] }
"""
"""What the README says a token needs."""


@pytest.fixture(scope="module")
def limited(openbao: OpenBao) -> str:
    return openbao.limited(POLICY)


@pytest.fixture(scope="module")
def namespace(openbao: OpenBao) -> str:
    name = "team-" + secrets.token_hex(4)
    openbao.done("POST", f"sys/namespaces/{name}")
    openbao.done("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}}, namespace=name)
    return name


class TestVaultStore(StoreContract):
    @pytest.fixture
    def place(self, openbao: OpenBao) -> StorePlace:
        path = a_path()
        return StorePlace(
            store,
            openbao.environ(),
            parse_reference(f"ref+vault://secret/{path}#/DATABASE_URL"),
            lambda text: openbao.holds(path, text),
            {"VAULT_ADDR": f"http://127.0.0.1:{free_port()}", "VAULT_TOKEN": openbao.root},
        )


class TestOpenBaoInANamespace(StoreContract):
    @pytest.fixture
    def place(self, openbao: OpenBao, namespace: str) -> StorePlace:
        path = a_path()
        environ = {"BAO_ADDR": openbao.address, "BAO_TOKEN": openbao.root, "BAO_NAMESPACE": namespace}
        return StorePlace(
            store,
            environ,
            parse_reference(f"ref+openbao://kv/{path}"),
            lambda text: openbao.holds(path, text, "kv", namespace),
        )


class TestAStoreWithTheRightsThatTheReadmeNames(StoreContract):
    @pytest.fixture
    def place(self, openbao: OpenBao, limited: str) -> StorePlace:
        path = a_path()
        return StorePlace(
            store,
            openbao.environ(limited),
            parse_reference(f"ref+vault://secret/{path}"),
            lambda text: openbao.holds(path, text),
        )


def test_a_namespace_is_another_world(openbao: OpenBao, namespace: str) -> None:
    reference = parse_reference("ref+vault://kv/app")
    inside = Context(openbao.environ(VAULT_NAMESPACE=namespace), a_rotation())
    store.put(reference, secret_fields({"password": "inside"}), inside)
    assert openbao.data("app", mount="kv", namespace=namespace) == {"password": "inside"}
    with pytest.raises(StoreError, match="nothing at kv/app"):
        store.read(reference, Context(openbao.environ(), a_rotation()))


def test_values_that_are_no_text_survive(openbao: OpenBao, reference: SecretReference) -> None:
    path = reference.path.removeprefix("secret/")
    pool = {"max": 1234567890123, "hosts": ["a", None, True], "ratio": 0.30000000000000004}
    others = {"pool": pool, "off": False, "nothing": None, "number": 7, "list": []}
    openbao.done("POST", f"secret/data/{path}", {"data": {**others, "password": "old"}})
    context = staging(openbao)
    store.stage(reference, secret_fields({"password": "new"}), context)
    store.publish(reference, context)
    assert others == {name: one for name, one in openbao.data(path).items() if name in others}
    seen = plain(store.read(reference, context)) or {}
    assert json.loads(seen.pop("pool")) == pool
    assert seen == {"password": "new", "off": "false", "nothing": "null", "number": "7", "list": "[]"}


def test_a_number_goes_back_as_it_was_written() -> None:
    text = b'{"a":1.10,"b":12345678901234567890.123456789,"c":1E5,"d":-0,"e":[1.0,{"f":null}]}'
    assert written(parsed(text)).encode() == text


def test_what_is_pending_and_published_stands_in_fields_of_its_own(
    openbao: OpenBao, reference: SecretReference
) -> None:
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    store.put(reference, secret_fields({"DATABASE_URL": "old", "other": "x"}), context)
    store.stage(reference, secret_fields({"DATABASE_URL": "new"}), context)
    staged = openbao.data(path)
    assert staged["DATABASE_URL"] == "old"
    pending = json.loads(staged["sg_pending"])
    assert list(pending.pop("over")) == ["DATABASE_URL"]
    assert pending == {"rotation": context.rotation, "fields": {"DATABASE_URL": "new"}}
    store.publish(reference, context)
    published = openbao.data(path)
    assert json.loads(published.pop("sg_rotation")) == {context.rotation: ["DATABASE_URL"]}
    assert published == {"DATABASE_URL": "new", "other": "x"}
    assert len(openbao.versions(path)) == 3


def test_two_credentials_in_one_document_are_both_known_as_published(
    openbao: OpenBao, reference: SecretReference
) -> None:
    first, second = staging(openbao), staging(openbao)
    for context, field in ((first, "A"), (second, "B")):
        store.stage(reference, secret_fields({field: "new"}), context)
        store.publish(reference, context)
    assert store.published(reference, first)
    assert store.published(reference, second)
    assert plain(store.staged(reference, first)) == {"A": "new"}
    store.put(reference, secret_fields({"A": "by hand"}), first)
    assert not store.published(reference, first)
    assert store.published(reference, second)


@pytest.mark.parametrize("step", ["stage", "publish", "discard", "put"])
def test_a_write_whose_answer_is_lost_is_looked_for_and_not_sent_again(
    openbao: OpenBao, reference: SecretReference, step: str
) -> None:
    path = reference.path.removeprefix("secret/")
    context = staging(openbao)
    store.put(reference, secret_fields({"password": "old"}), context)
    if step in ("publish", "discard"):
        store.stage(reference, secret_fields({"password": "new"}), context)
    before = len(openbao.versions(path))
    with proxy(openbao.port) as between:
        lossy = staging(openbao, context.rotation, VAULT_ADDR=f"http://127.0.0.1:{between.port}")
        between.will("drop", b"POST /v1/secret/data/", times=1000)
        if step == "stage":
            store.stage(reference, secret_fields({"password": "new"}), lossy)
        elif step == "put":
            store.put(reference, secret_fields({"password": "new"}), lossy)
        else:
            getattr(store, step)(reference, lossy)
        assert len(between.seen) == 1
    assert len(openbao.versions(path)) == before + 1
    assert openbao.data(path)["password"] == ("new" if step in ("publish", "put") else "old")


def test_a_write_that_never_arrived_is_told_as_unsure_and_done_the_next_time(
    openbao: OpenBao, reference: SecretReference
) -> None:
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    store.put(reference, secret_fields({"password": "old"}), context)
    with proxy(openbao.port) as between:
        lossy = staging(openbao, context.rotation, VAULT_ADDR=f"http://127.0.0.1:{between.port}")
        between.will("cut", b"POST /v1/secret/data/")
        error = refusal(lambda: store.stage(reference, secret_fields({"password": "new"}), lossy))
        assert error.unsure
        assert not isinstance(error, Conflict)
        assert len(openbao.versions(path)) == 1
        store.stage(reference, secret_fields({"password": "new"}), lossy)
    assert plain(store.staged(reference, context)) == {"password": "new"}


def test_a_write_that_lands_late_undoes_nobody_elses(openbao: OpenBao, reference: SecretReference) -> None:
    """The request waits on its way, we give up; somebody else writes; then it arrives."""
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    store.put(reference, secret_fields({"password": "old"}), context)
    with proxy(openbao.port) as between:
        slow = Context(
            openbao.environ() | {"VAULT_ADDR": f"http://127.0.0.1:{between.port}"}, context.rotation, timeout=0.5
        )
        between.will("delay", b"POST /v1/secret/data/", seconds=1.5)
        error = refusal(lambda: store.stage(reference, secret_fields({"password": "late"}), slow))
        assert error.unsure
        store.put(reference, secret_fields({"password": "by somebody"}), context)
        time.sleep(1.5)
    assert openbao.data(path) == {"password": "by somebody"}
    assert store.staged(reference, context) is None


def test_what_an_older_release_staged_is_published(openbao: OpenBao, reference: SecretReference) -> None:
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    pending = json.dumps({"rotation": context.rotation, "fields": {"password": "new"}})
    openbao.done("POST", f"secret/data/{path}", {"data": {"password": "other", "sg_pending": pending}})
    store.publish(reference, context)
    assert plain(store.read(reference, context)) == {"password": "new"}


def test_a_field_of_our_own_is_refused_before_anything_begins(openbao: OpenBao, reference: SecretReference) -> None:
    found = store.preflight(reference.with_field("sg_pending"), staging(openbao))
    assert [one.what for one in found.findings if one.stops] == ["fields that begin with sg_ are kept for rotations"]


def test_leaked_values_within_other_texts_and_percent_encoded_are_found(
    openbao: OpenBao, reference: SecretReference
) -> None:
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    leaked = "p@ss/" + secrets.token_hex(6)
    dsn = f"postgresql://app:{quote(leaked, safe='')}@db/app".encode()
    holding = (
        {"url": dsn.decode()},
        {"nested": {"list": ["x", f"password={leaked};"]}},
        {"password": leaked},
        {"DSN_B64": b64encode(dsn).decode()},
        {"header": f"Basic {urlsafe_b64encode(b'app:' + leaked.encode()).decode().rstrip('=')}, and more"},
        {"hex": leaked.encode().hex()},
    )
    for data in (*holding, {"password": "harmless"}, {"password": "now"}):
        openbao.done("POST", f"secret/data/{path}", {"data": data})
    (evidence,) = store.destroy_leaked(reference, Secret(leaked), context)
    assert "1, 2, 3, 4, 5, 6 held" in evidence
    destroyed = [number for number, one in openbao.versions(path).items() if one["destroyed"]]
    assert destroyed == [1, 2, 3, 4, 5, 6]


def test_a_deleted_version_is_named_and_not_brought_back(openbao: OpenBao, reference: SecretReference) -> None:
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    leaked = a_value("leaked")
    for value in (leaked, leaked, "now"):
        openbao.done("POST", f"secret/data/{path}", {"data": {"password": value}})
    openbao.done("PUT", f"secret/delete/{path}", {"versions": [1]})
    evidence = store.destroy_leaked(reference, Secret(leaked), context)
    assert "versions 2 held" in evidence[0]
    assert "versions 1 are deleted but can be brought back" in evidence[1]
    assert openbao.versions(path)[1]["deletion_time"]
    assert not openbao.versions(path)[1]["destroyed"]
    assert [one.state for one in store.versions(reference, context)] == ["current", "destroyed", "deleted"]
    store.destroy(reference, "1", context)
    assert not openbao.holds(path, leaked)


def test_a_version_that_does_not_exist_is_not_destroyed(openbao: OpenBao, reference: SecretReference) -> None:
    context = staging(openbao)
    store.put(reference, secret_fields({"password": "x"}), context)
    for version in ("2", "0", "-1", "x", ""):
        with pytest.raises(StoreError, match="no such version"):
            store.destroy(reference, version, context)


def test_a_document_that_was_deleted_begins_anew(openbao: OpenBao, reference: SecretReference) -> None:
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    openbao.done("POST", f"secret/data/{path}", {"data": {"password": "old"}})
    openbao.done("DELETE", f"secret/data/{path}")
    assert store.read(reference, context) is None
    store.stage(reference, secret_fields({"password": "new"}), context)
    assert store.read(reference, context) is None
    store.publish(reference, context)
    assert plain(store.read(reference, context)) == {"password": "new"}


def test_an_engine_without_versions_is_refused(openbao: OpenBao) -> None:
    openbao.done("POST", "sys/mounts/plainkv", {"type": "kv", "options": {"version": "1"}})
    context = staging(openbao)
    for path in ("plainkv/app", "cubbyhole/app"):
        reference = parse_reference(f"ref+vault://{path}")
        with pytest.raises(StoreError, match="keeps no versions"):
            store.stage(reference, secret_fields({"password": "x"}), context)
        assert store.preflight(reference, context).stopped
    assert openbao.ask("LIST", "plainkv/").status_code == 404


def test_fields_that_could_not_come_back_as_they_are_are_refused(openbao: OpenBao, reference: SecretReference) -> None:
    context = staging(openbao)
    for name, value in (("sg_pending", "x"), ("", "x"), ("password", "\udc80")):
        with pytest.raises(StoreError):
            store.put(reference, {name: Secret(value)}, context)
    assert store.read(reference, context) is None


def test_a_field_sg_pending_of_somebody_else_is_left_alone(openbao: OpenBao, reference: SecretReference) -> None:
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    openbao.done("POST", f"secret/data/{path}", {"data": {"sg_pending": "mine"}})
    with pytest.raises(Conflict, match="not of secretguard's making"):
        store.stage(reference, secret_fields({"password": "x"}), context)
    assert openbao.data(path) == {"sg_pending": "mine"}


def test_preflight_names_each_right_that_is_missing(openbao: OpenBao, reference: SecretReference) -> None:
    path = reference.path.removeprefix("secret/")
    token = openbao.limited(f'path "secret/data/{path}" {{ capabilities = ["read", "update"] }}')
    seen = store.preflight(reference, Context(openbao.environ(token), a_rotation()))
    assert seen.stopped
    hints = [one.hint for one in seen.findings if one.stops]
    assert f'path "secret/data/{path}" {{ capabilities = ["read", "create", "update"] }}' in hints[0]
    assert f'path "secret/metadata/{path}" {{ capabilities = ["read"] }}' in hints[1]
    assert f'path "secret/destroy/{path}" {{ capabilities = ["update"] }}' in hints[2]


def test_a_right_that_is_missing_later_is_named_too(openbao: OpenBao, reference: SecretReference) -> None:
    path = reference.path.removeprefix("secret/")
    token = openbao.limited(f'path "secret/data/{path}" {{ capabilities = ["read"] }}')
    context = Context(openbao.environ(token), a_rotation())
    error = refusal(lambda: store.stage(reference, secret_fields({"password": "x"}), context))
    assert f'path "secret/data/{path}"' in error.hint
    assert token not in str(error) + error.hint


def test_preflight_tells_of_another_rotation_and_of_versions_that_delete_themselves(
    openbao: OpenBao, reference: SecretReference
) -> None:
    path, first = reference.path.removeprefix("secret/"), staging(openbao)
    store.stage(reference, secret_fields({"password": "x"}), first)
    openbao.done("POST", f"secret/metadata/{path}", {"delete_version_after": "24h"})
    seen = store.preflight(reference, staging(openbao))
    assert seen.stopped
    assert any(first.rotation in one.what for one in seen.findings)
    assert any("delete themselves" in one.what for one in seen.findings)
    assert not store.preflight(reference, first).stopped


def test_a_listing_covers_folders_and_engines(openbao: OpenBao) -> None:
    context, folder = staging(openbao), "list-" + secrets.token_hex(4)
    for path in (f"{folder}/a", f"{folder}/b/c", f"{folder}/b/d", f"{folder}b"):
        openbao.done("POST", f"secret/data/{path}", {"data": {"x": "y"}})
    openbao.done("POST", f"secret/data/{folder}/b/not a reference", {"data": {"x": "y"}})
    under = [f"secret/{folder}/a", f"secret/{folder}/b/c", f"secret/{folder}/b/d"]
    assert store.listing(f"secret/{folder}/", context) == under
    assert store.listing(f"secret/{folder}", context) == [*under, f"secret/{folder}b"]
    assert store.listing(f"secret/{folder}/b/c", context) == [f"secret/{folder}/b/c"]
    assert set(under) <= set(store.listing("", context))
    assert set(under) <= set(store.listing("secr", context))
    assert store.listing(f"secret/{folder}/nowhere/", context) == []


@pytest.mark.parametrize("token", ["nope", "hvs." + "x" * 24])
def test_a_token_that_the_server_does_not_know_is_not_told_as_a_missing_right(
    openbao: OpenBao, reference: SecretReference, token: str
) -> None:
    (finding,) = store.preflight(reference, Context(openbao.environ(token), a_rotation())).findings
    assert "does not know the token that you work with" in finding.what
    assert "VAULT_TOKEN is wrong, has expired or was revoked" in finding.hint
    bare = openbao.limited(no_default_policy=True)
    (finding,) = store.preflight(reference, Context(openbao.environ(bare), a_rotation())).findings
    assert f"nothing at {reference.path}" in finding.what
    path = reference.path.replace("secret/", "secret/metadata/")
    elsewhere = openbao.limited(f'path "{path}" {{ capabilities = ["read"] }}')
    error = refusal(lambda: store.read(reference, Context(openbao.environ(elsewhere), a_rotation())))
    assert "does not let us read that document" in str(error)


@pytest.mark.usefixtures("fresh_breakers")
def test_a_server_that_cannot_be_reached_is_told_with_its_address(reference: SecretReference) -> None:
    for address in (f"http://127.0.0.1:{free_port()}", "https://nowhere.invalid:8200"):
        (finding,) = store.preflight(reference, Context({"VAULT_ADDR": address, "VAULT_TOKEN": "x"})).findings
        assert "cannot be reached" in finding.what
        assert finding.hint.startswith(f"Is {address} (VAULT_ADDR) right")

"""Where a token goes: to the server that the operator named, and to nobody else."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import secretguard_hashicorp.store as store
from secretguard_hashicorp.connection import checked, vault
from secretguard_hashicorp.settings import settings

from secretguard.errors import IssuerError, StoreError
from secretguard.reference import SecretReference, parse_reference
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.testing import exposure
from secretguard.testing.store_place import a_rotation, plain, refusal, secret_fields
from tests.servers.openbao import OpenBao

TOKEN = "hvs." + secrets.token_urlsafe(18)
REFERENCE = parse_reference("ref+vault://secret/app")
Reply = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def answering(reply: Reply) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server on loopback that answers each request so; its address, and the headers that it got."""
    got: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            got.append(dict(self.headers))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply(self)

        do_POST = do_PUT = do_LIST = do_GET

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()


def status(code: int, body: bytes = b"{}", **headers: str) -> Reply:
    def reply(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return reply


def operator(address: str, **more: str) -> Context:
    return Context({"VAULT_ADDR": address, "VAULT_TOKEN": TOKEN, **more}, a_rotation(), timeout=5.0)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_takes_no_token_along(code: int) -> None:
    with answering(status(200)) as (thief, stolen), answering(status(code, Location=thief + "/v1/x")) as (address, got):
        for call in (
            lambda: store.read(REFERENCE, operator(address)),
            lambda: store.put(REFERENCE, secret_fields({"password": "x"}), operator(address)),
        ):
            error = refusal(call)
            assert f"status {code}" in str(error)
            assert not error.transient
        assert len(got) == 2
        assert stolen == []


def test_a_redirect_of_a_write_is_a_failure_too() -> None:
    def reply(request: BaseHTTPRequestHandler) -> None:
        if "mounts" in request.path:
            mount = b'{"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}}'
            status(200, mount)(request)
        elif request.command == "GET":
            status(404, b'{"errors": []}')(request)
        else:
            status(307, Location=thief + "/v1/secret/data/app")(request)

    with answering(status(200)) as (thief, stolen), answering(reply) as (address, _):
        error = refusal(lambda: store.put(REFERENCE, secret_fields({"password": "x"}), operator(address)))
        assert "status 307" in str(error)
        assert stolen == []


def test_no_proxy_or_login_from_the_environment_is_used(
    openbao: OpenBao, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login thief password {secrets.token_hex(4)}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("VAULT_TOKEN", "hvs.not-this-one")
    with answering(status(404, b'{"errors": []}')) as (address, got):
        refusal(lambda: store.read(REFERENCE, operator(address)))
        assert got[0]["X-Vault-Token"] == TOKEN
        assert "Authorization" not in got[0]
    assert store.read(parse_reference("ref+vault://secret/none"), Context(openbao.environ(), a_rotation())) is None


@pytest.mark.parametrize(
    "path",
    [
        "secret/data/../../sys/mounts",
        "secret/data/./x",
        "secret//x",
        "secret/%2e%2e/x",
        "secret/a b",
        "secret/a#b",
        "..",
        "",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(StoreError):
        checked(path, StoreError)
    with answering(status(200)) as (address, got):
        crafted = SecretReference("vault", f"secret/{path}/../x", "")
        refusal(lambda: store.read(crafted, operator(address)))
        assert got == []


@pytest.mark.parametrize(
    "address",
    [
        "http://vault.example.net:8200",
        "http://10.0.0.1:8200",
        "http://127.0.0.1.example.net",
        "http://localhost.example.net",
        "ftp://127.0.0.1",
        "127.0.0.1:8200",
        "https://",
        "https://user:" + "@127.0.0.1",
        "https://127.0.0.1/path",
        "https://127.0.0.1?x=y",
        "https://127.0.0.1:99999",
        "unix:///run/vault.sock",
    ],
)
def test_an_address_to_which_no_token_may_go_is_refused(address: str) -> None:
    with pytest.raises(StoreError, match=r"plain http|is not an address") as caught:
        settings(Context({"VAULT_ADDR": address, "VAULT_TOKEN": TOKEN}), StoreError)
    assert exposure(caught.value, TOKEN) == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://v.example"])
def test_loopback_may_be_plain_http_and_others_https(address: str) -> None:
    assert settings(Context({"VAULT_ADDR": address + "/", "VAULT_TOKEN": TOKEN}), StoreError).address == address


def test_a_token_file_that_lies_about_is_told_and_not_used(tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text(TOKEN)
    with pytest.raises(StoreError, match="nothing says who you are") as caught:
        settings(Context({"VAULT_ADDR": "https://vault.example.net", "HOME": str(tmp_path)}), StoreError)
    assert "~/.vault-token, which is not used by itself" in caught.value.hint
    assert exposure(caught.value, TOKEN) == []
    with pytest.raises(StoreError) as other:
        settings(Context({"VAULT_ADDR": "https://vault.example.net", "HOME": str(tmp_path / "none")}), StoreError)
    assert ".vault-token" not in other.value.hint


def test_the_token_of_one_server_is_not_shown_to_another() -> None:
    both = {"VAULT_ADDR": "https://vault.example.net", "BAO_ADDR": "https://bao.example.net", "BAO_TOKEN": TOKEN}
    assert settings(Context(both), StoreError, "BAO").address == "https://bao.example.net"
    with pytest.raises(StoreError, match=r"nothing says who you are at vault\.example\.net"):
        settings(Context(both), StoreError, "VAULT")
    one = {"BAO_ADDR": "https://bao.example.net", "VAULT_TOKEN": TOKEN}
    assert settings(Context(one), StoreError, "VAULT").address == "https://bao.example.net"


@pytest.mark.parametrize("token", ["hvs.a\r\nX-Evil: 1", "hvs.a b", "hvs.é"])
def test_a_token_that_no_header_can_carry_is_refused_without_repeating_it(token: str) -> None:
    with pytest.raises(StoreError, match="holds characters") as caught:
        settings(Context({"VAULT_ADDR": "https://vault.example.net", "VAULT_TOKEN": token}), StoreError)
    assert token not in str(caught.value) + caught.value.hint


def approle(openbao: OpenBao, uses: int = 0) -> tuple[str, str]:
    """The ids of an application that may do what the store needs."""
    if "approle/" not in openbao.done("GET", "sys/auth")["data"]:
        openbao.done("POST", "sys/auth/approle", {"type": "approle"})
    policy = 'path "secret/*" { capabilities = ["create", "read", "update", "list"] }'
    openbao.done("PUT", "sys/policies/acl/app", {"policy": policy})
    role = "role-" + secrets.token_hex(4)
    openbao.done("POST", f"auth/approle/role/{role}", {"token_policies": ["app"], "secret_id_num_uses": uses})
    role_id = openbao.done("GET", f"auth/approle/role/{role}/role-id")["data"]["role_id"]
    return role_id, openbao.done("POST", f"auth/approle/role/{role}/secret-id")["data"]["secret_id"]


def test_an_approle_logs_in_once_even_if_its_secret_id_is_good_for_one_login(openbao: OpenBao) -> None:
    role_id, secret_id = approle(openbao, uses=1)
    environ = {"VAULT_ADDR": openbao.address, "VAULT_ROLE_ID": role_id, "VAULT_SECRET_ID": secret_id}
    context, reference = Context(environ, a_rotation()), parse_reference(f"ref+vault://secret/{secrets.token_hex(4)}")
    store.stage(reference, secret_fields({"password": "new"}), context)
    store.publish(reference, context)
    assert plain(store.read(reference, context)) == {"password": "new"}


def test_a_secret_id_can_come_from_a_file(openbao: OpenBao, tmp_path: Path) -> None:
    role_id, secret_id = approle(openbao)
    (tmp_path / "id").write_text(secret_id + "\n")
    environ = {"BAO_ADDR": openbao.address, "BAO_ROLE_ID": role_id, "BAO_SECRET_ID_FILE": str(tmp_path / "id")}
    assert store.read(parse_reference("ref+openbao://secret/none"), Context(environ)) is None


def test_a_refused_approle_says_so_without_the_secret_id(openbao: OpenBao) -> None:
    role_id, _ = approle(openbao)
    wrong = secrets.token_hex(16)
    environ = {"VAULT_ADDR": openbao.address, "VAULT_ROLE_ID": role_id, "VAULT_SECRET_ID": wrong}
    context = Context(environ)
    del environ
    error = refusal(lambda: store.read(REFERENCE, context))
    assert "refuses the AppRole login" in str(error)
    assert exposure(error, wrong) == []


def test_a_token_that_the_server_refuses_stands_in_no_error(openbao: OpenBao) -> None:
    context = Context({"VAULT_ADDR": openbao.address, "VAULT_TOKEN": TOKEN})
    error = refusal(lambda: store.read(REFERENCE, context))
    assert exposure(error, TOKEN) == []


@pytest.mark.parametrize(
    ("reply", "transient", "words"),
    [
        (status(429, Retry_After="999"), True, "asks to wait"),
        (status(503), True, "sealed or down"),
        (status(500), True, "failed with status 500"),
        (status(412), True, "failed with status 412"),
        (status(473), False, "standby"),
        (status(200, b"x" * (5 << 20)), False, "answer without end"),
    ],
)
def test_what_a_server_says_is_told_in_words(reply: Reply, transient: bool, words: str) -> None:
    with answering(reply) as (address, _):
        server = vault(operator(address), IssuerError)
        with pytest.raises(IssuerError, match=words) as caught:
            server.change("post", "sys/x")
        assert caught.value.transient is transient
        assert exposure(caught.value, TOKEN) == []


def test_a_server_that_fails_again_and_again_is_left_alone() -> None:
    with answering(status(500)) as (address, got):
        for _ in range(2):
            refusal(lambda: store.read(REFERENCE, operator(address)))
        asked = len(got)
        error = refusal(lambda: store.read(REFERENCE, operator(address)))
        assert "left alone" in str(error)
        assert len(got) == asked


def test_reads_are_tried_again_and_changes_are_not() -> None:
    with answering(status(500)) as (address, got):
        server = vault(operator(address), IssuerError)
        with pytest.raises(IssuerError):
            server.change("post", "sys/x")
        assert len(got) == 1
        with pytest.raises(IssuerError):
            server.look("get", "sys/x")
        assert len(got) == 5


def test_an_untrusted_certificate_is_not_ignored(openbao_with_tls: OpenBao) -> None:
    context = Context(openbao_with_tls.environ(VAULT_SKIP_VERIFY="true"))
    error = refusal(lambda: store.read(REFERENCE, context))
    assert "certificate" in str(error)
    assert "VAULT_CACERT" in error.hint


def test_an_authority_of_ones_own_is_named(openbao_with_tls: OpenBao) -> None:
    context = Context(openbao_with_tls.environ(VAULT_CACERT=str(openbao_with_tls.authority)), a_rotation())
    store.put(REFERENCE, secret_fields({"password": "x"}), context)
    assert plain(store.read(REFERENCE, context)) == {"password": "x"}


def test_an_authority_that_is_not_there_is_said_to_be_missing() -> None:
    context = operator("https://vault.example.net", VAULT_CACERT="/nonexistent/ca.pem")
    assert "is not there" in str(refusal(lambda: store.read(REFERENCE, context)))


def test_secrets_are_not_in_what_python_prints_of_a_server() -> None:
    server = vault(operator("https://vault.example.net"), IssuerError)
    assert TOKEN not in repr(server)
    assert server.token().same_as(Secret(TOKEN))

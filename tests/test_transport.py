"""Every call to somebody else's system ends, reads are tried again, changes are not, and a dead host is left alone."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from secretguard import transport
from secretguard.errors import IssuerError, StoreError
from secretguard.transport import Http, breaker, changing, is_off_limits, reached, reading

Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture(autouse=True)
def _fresh_breakers() -> Iterator[None]:
    breaker.cache_clear()
    yield
    breaker.cache_clear()


@contextmanager
def serving(*answers: Answer) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers one after the other, the last one for ever; and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(f"{self.command} {self.path}")
            answers[min(len(asked), len(answers)) - 1](self)

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def says(status: int, body: bytes = b"{}", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def drips(handler: BaseHTTPRequestHandler) -> None:
    """A header line that never ends, a byte at a time."""
    for _ in range(100):
        try:
            handler.connection.sendall(b"H")
        except OSError:
            return
        time.sleep(0.05)


def test_a_read_is_tried_again_until_it_succeeds() -> None:
    with serving(says(503), hangs_up, says(200, b'{"a": 1}')) as (base, asked):
        assert Http(base).get("/x").json() == {"a": 1}
    assert asked == ["GET /x"] * 3


def test_a_change_is_asked_for_once_and_said_to_be_unsure() -> None:
    with serving(says(503), says(200)) as (base, asked):
        with pytest.raises(IssuerError) as failed:
            Http(base).send("POST", "/keys", {})
        assert failed.value.unsure
    assert asked == ["POST /keys"]


def test_a_lost_reply_to_a_change_is_unsure_and_a_refused_connection_is_not() -> None:
    with serving(hangs_up) as (base, _), pytest.raises(IssuerError) as lost:
        Http(base).send("POST", "/keys")
    assert (lost.value.transient, lost.value.unsure) == (True, True)
    with pytest.raises(IssuerError) as refused:
        Http(base).send("POST", "/keys")
    assert (refused.value.transient, refused.value.unsure) == (True, False)


def test_what_retry_after_says_is_waited() -> None:
    with serving(says(429, Retry_After="1"), says(200)) as (base, _):
        began = time.monotonic()
        Http(base).get("/")
        assert time.monotonic() - began >= 1


@pytest.mark.parametrize("headers", [{"Retry_After": "0"}, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1"}])
def test_a_refusal_for_a_while_is_tried_again_and_a_plain_one_is_not(headers: dict[str, str]) -> None:
    with serving(says(403, **headers), says(200)) as (base, asked):
        assert Http(base).repeat("PUT", "/label").status == 200
    assert asked == ["PUT /label"] * 2
    with serving(says(403)) as (base, asked):
        assert Http(base).repeat("PUT", "/label").status == 403
    assert asked == ["PUT /label"]


def test_a_wait_of_hours_is_not_waited() -> None:
    with serving(says(429, Retry_After="7200")) as (base, asked), pytest.raises(IssuerError) as failed:
        Http(base).get("/")
    assert failed.value.retry_after == 7200
    assert len(asked) == 1


def test_a_server_that_sends_a_byte_now_and_then_does_not_hold_us() -> None:
    with serving(drips) as (base, _):
        began = time.monotonic()
        with pytest.raises(IssuerError) as failed:
            Http(base, timeout=0.4).send("GET", "/")
        assert time.monotonic() - began < 2
        assert failed.value.unsure


def test_nobody_is_followed_elsewhere() -> None:
    with (
        serving(says(200)) as (elsewhere, followed),
        serving(says(307, Location=elsewhere)) as (base, _),
        pytest.raises(IssuerError, match="sends us elsewhere"),
    ):
        Http(base, {"X-Vault-Token": "made-up"}).get("/v1/secret")
    assert followed == []


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(200)) as (proxy, through), serving(says(200)) as (base, asked):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        Http(base).get("/")
    assert (through, asked) == ([], ["GET /"])


def test_an_answer_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LONGEST_ANSWER", 1000)
    with serving(says(200, b"x" * 5000)) as (base, _), pytest.raises(IssuerError, match="without end"):
        Http(base).get("/")


def test_a_caller_gets_the_kind_of_error_that_it_handles() -> None:
    with serving(says(500)) as (base, _), pytest.raises(StoreError):
        Http(base, error=StoreError).send("PUT", "/")


def test_no_error_holds_what_was_sent() -> None:
    with serving(hangs_up) as (base, _), pytest.raises(IssuerError) as failed:
        Http(base, {"Authorization": "Bearer canary-value"}).send("POST", "/", {"password": "canary-value"})
    assert "canary-value" not in repr(failed.value) + str(failed.value.__cause__)
    assert failed.value.__suppress_context__


def test_the_breaker_opens_after_five_failures_and_closes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(*[says(503)] * 5, says(200)) as (base, asked):
        http = Http(base)
        monkeypatch.setattr(transport, "SECONDS_OPEN", 0.5)
        for _ in range(5):
            with pytest.raises(IssuerError, match="status 503"):
                http.send("POST", "/")
        with pytest.raises(IssuerError, match="failed 5 times in a row"):
            http.send("POST", "/")
        assert len(asked) == 5
        assert breaker(http.host).is_open
        time.sleep(0.6)
        assert http.send("POST", "/").status == 200
        assert not breaker(http.host).is_open


def test_a_host_that_fails_its_trial_is_left_alone_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(says(503)) as (base, asked):
        monkeypatch.setattr(transport, "SECONDS_OPEN", 0.3)
        for _ in range(5):
            with pytest.raises(IssuerError):
                Http(base).send("POST", "/")
        time.sleep(0.4)
        for wanted in ("status 503", "failed 5 times in a row"):
            with pytest.raises(IssuerError, match=wanted):
                Http(base).send("POST", "/")
        assert len(asked) == 6


def test_calls_to_one_host_go_on_inside_each_other_and_side_by_side() -> None:
    began = time.monotonic()
    assert changing("host", lambda: reading("host", lambda: 1, seconds=5), seconds=5) == 1
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: reading("host", lambda: time.sleep(0.2), seconds=5), range(10)))
    assert time.monotonic() - began < 1.5


def test_a_refusal_is_no_failure_of_the_host() -> None:
    with serving(says(403)) as (base, _):
        for _ in range(8):
            assert Http(base).send("POST", "/").status == 403
        assert not breaker(Http(base).host).is_open


def test_a_bug_in_a_call_is_raised_as_it_is() -> None:
    def broken() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        changing("host", broken, seconds=1)
    with pytest.raises(KeyError):
        reading("host", broken, seconds=1)


def test_retries_are_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    with serving(says(503), says(200)) as (base, _):
        Http(base).get("/")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "number",
    [
        "169.254.169.254", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
        "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "0.0.0.0", "::", "224.0.0.1",
    ],
)  # fmt: skip
def test_no_repository_sends_us_to_where_metadata_are(number: str) -> None:
    assert is_off_limits(number)


@pytest.mark.parametrize("number", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "64:ff9b::a00:1", "fd00::1"])
def test_servers_of_ones_own_are_reached(number: str) -> None:
    assert not is_off_limits(number)


def test_a_library_gets_a_socket_to_what_may_be_contacted_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with reached("localhost", port, seconds=2) as made:
            assert made.getpeername() == ("127.0.0.1", port)
    with pytest.raises(IssuerError, match="cannot be reached") as failed:
        reached("127.0.0.1", port, seconds=2)
    assert failed.value.transient
    for host in ("169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0", "224.0.0.1", "fd00:ec2::254"):
        with pytest.raises(StoreError, match="no address that may be contacted"):
            reached(host, port, seconds=2, error=StoreError)
    with pytest.raises(IssuerError, match="does not resolve"):
        reached("no-such-host.invalid", port, seconds=2)

"""Which servers see the new value, and which are left out: what `secretguard rotate` asks for, refuses and writes down."""

import json
import re
import secrets
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Typed
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis, start_redis, stop_redis

ELSEWHERE = "127.1"
"""The resolver's short form of this machine's address: another name, and nothing but the resolver says whose."""


class Code:
    """A repository in which a login leaked, at the hosts that the test names."""

    def __init__(self, folder: Path, git: Callable[..., str], run: Run) -> None:
        self.folder, self._git, self._run = folder, git, run
        git("init", "-q", cwd=folder)

    def names(self, *urls: str) -> str:
        """Commit a file for each URL, and return the one credential's id."""
        for number, url in enumerate(urls):
            (self.folder / f"app{number}.py").write_text(f'URL = "{url}"\n')
        self._git("add", ".", cwd=self.folder)
        self._git("commit", "-qm", "one", cwd=self.folder)
        (name,) = set(re.findall(r"sg_[0-9a-f]{12}", self._run("scan", cwd=self.folder).stdout))
        return str(name)


@pytest.fixture
def code(tmp_path: Path, git: Callable[..., str], run: Run) -> Code:
    folder = tmp_path / "code"
    folder.mkdir()
    return Code(folder, git, run)


@pytest.fixture
def line(run: Run, code: Code) -> Run:
    """`secretguard rotate` in the repository."""
    return lambda *words, **options: run("rotate", *words, cwd=code.folder, **options)


class Listener:
    """A server of a thief's: it speaks enough Redis to let everybody in, or nobody, and hears what they say."""

    def __init__(self, *, lets_in: bool) -> None:
        self.heard = bytearray()
        self._answer = b"+OK\r\n" if lets_in else b"-WRONGPASS invalid username-password pair\r\n"
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client:
            while chunk := client.recv(65536):
                self.heard.extend(chunk)
                client.sendall(self._answer)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@contextmanager
def thief(*, lets_in: bool) -> Iterator[Listener]:
    listener = Listener(lets_in=lets_in)
    yield listener
    listener.close()


class TestWhoSeesTheNewValue:
    def test_a_host_that_somebody_added_is_not_told_it_unasked(
        self, code: Code, line: Run, run: Run, redis_server: Redis
    ) -> None:
        user, old = redis_server.user()
        other = start_redis()
        other.run("ACL", "SETUSER", user, "on", f">{old}", "~*", "&*", "+@all")
        before = redis_server.passwords(user)
        name = code.names(redis_server.dsn(user, old), other.dsn(user, old).replace("127.0.0.1", ELSEWHERE))
        for more in ((), ("--server", "127.0.0.1")):
            done = line(name, "--to", "ref+local://app", "--yes", *more)
            assert done.returncode == 2, done.stdout + done.stderr
            assert "nothing was done: the new value would be tried at" in done.stderr
            assert f"--server {ELSEWHERE}" in done.stderr
        assert redis_server.passwords(user) == other.passwords(user) == before
        stop_redis(other)
        assert line("status", "--format", "json").stdout == ""
        assert run("store", "get", "ref+local://app#/password", "--show-secrets").returncode == 3

    def test_a_server_that_lets_everybody_in_is_no_server_of_ours(self, code: Code, line: Run) -> None:
        """It says OK to whatever is asked, which no server does."""
        with thief(lets_in=True) as listener:
            name = code.names(f"redis://app:{secrets.token_hex(12)}@{ELSEWHERE}:{listener.port}/0")
            done = line(name, "--to", "ref+local://app", "--yes")
        assert done.returncode == 3, done.stdout + done.stderr
        assert "with any password" in done.stdout

    def test_a_host_that_was_not_confirmed_never_hears_it(
        self, code: Code, line: Run, run: Run, redis_server: Redis
    ) -> None:
        """It refuses the leaked login, so that it is none of the servers that are asked about."""
        user, old = redis_server.user()
        with thief(lets_in=False) as listener:
            name = code.names(redis_server.dsn(user, old), f"redis://{user}:{old}@{ELSEWHERE}:{listener.port}/0")
            done = line(name, "--to", "ref+local://app#/REDIS_URL", "--yes")
            assert done.returncode == 0, done.stdout + done.stderr
            new = run("store", "get", "ref+local://app#/password", "--show-secrets").stdout.strip()
            assert redis_server.lets_in(user, new)
            assert old.encode() in listener.heard
            assert new.encode() not in listener.heard

    def test_servers_that_are_named_may_be_several(self, code: Code, line: Run, postgres: Postgres) -> None:
        user, old = postgres.role()
        dsn = postgres.dsn(user, old)
        name = code.names(dsn, dsn.replace("127.0.0.1", ELSEWHERE))
        assert line(name, "--to", "ref+local://app", "--yes").returncode == 2
        assert postgres.lets_in(user, old)
        named = ("--server", f"127.0.0.1:{postgres.port}", "--server", ELSEWHERE)
        done = line(name, "--to", "ref+local://app", "--yes", *named)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not postgres.lets_in(user, old)

    def test_names_of_this_machine_and_databases_of_a_server_are_one_host(
        self, code: Code, line: Run, postgres: Postgres
    ) -> None:
        user, old = postgres.role()
        dsn = postgres.dsn(user, old)
        name = code.names(dsn, dsn.replace("127.0.0.1", "localhost"), dsn.replace("/postgres", "/template1"))
        done = line(name, "--to", "ref+local://app", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "hosts, which the code names" not in done.stdout

    def test_on_a_terminal_the_plan_names_them_and_typing_confirms_all(
        self, code: Code, terminal: Typed, postgres: Postgres
    ) -> None:
        user, old = postgres.role()
        dsn = postgres.dsn(user, old)
        name = code.names(dsn, dsn.replace("127.0.0.1", ELSEWHERE))
        code_, shown = terminal(
            "rotate", name, "--repo", code.folder, "--to", "ref+local://app",
            answers=(("Deliver (", "none"), ("> ", f"{user}@127.0.0.1")),
        )  # fmt: skip
        assert code_ == 0, shown
        assert f"tried at 2 hosts, which the code names: 127.0.0.1, {ELSEWHERE}" in shown
        assert "To confirm the plan confirms all of them" in shown


@pytest.fixture
def gone(code: Code, postgres: Postgres) -> tuple[str, str, str]:
    """A login of the server that the code also names by a compose file's name; its id, user and password."""
    user, old = postgres.role()
    dsn = postgres.dsn(user, old)
    host = f"db-{secrets.token_hex(4)}.invalid"
    name = code.names(dsn, dsn.replace(f"127.0.0.1:{postgres.port}", f"{host}:5432"))
    return name, user, old


class TestServersThatNeverAnswer:
    REASON = "the compose name, which only containers know"

    def host(self, code: Code) -> str:
        found = re.search(r"db-[0-9a-f]{8}\.invalid", (code.folder / "app1.py").read_text())
        assert found
        return found[0]

    def test_one_is_left_out_later(self, code: Code, gone: tuple[str, str, str], line: Run, postgres: Postgres) -> None:
        name, user, old = gone
        host = self.host(code)
        waits = line(name, "--to", "ref+local://app", "--yes")
        assert waits.returncode == 4, waits.stdout + waits.stderr
        assert "--leave-out" in waits.stderr
        assert not postgres.lets_in(user, old)
        for wrong, told in (
            (("--leave-out", host), "go together"),
            (("--reason", "x"), "go together"),
            (("--leave-out", "elsewhere", "--reason", "x"), f"Its servers: 127.0.0.1:{postgres.port}"),
            (("--leave-out", "127.0.0.1", "--reason", "x"), "answers, so it is not left out"),
            (("--leave-out", "postgres://x", "--reason", "x"), "not the name of a server"),
        ):
            refused = line("resume", *wrong)
            assert refused.returncode == 2, refused.stdout + refused.stderr
            assert told in refused.stderr
        closed = line("resume", "--leave-out", f"{host}:5432", "--reason", self.REASON)
        assert closed.returncode == 0, closed.stdout + closed.stderr
        words = f"not proven dead at {host}:5432/postgres: left out because {self.REASON}"
        assert f"\n{words}\n" in closed.stdout
        assert "is dead at every other server" in closed.stdout
        assert words in line("status").stdout
        assert f"left out   {host}:5432/postgres by " in line("report", name).stdout
        (left,) = json.loads(line("report", name, "--format", "json").stdout)["left_out"]
        assert (left["host"], left["port"], left["reason"]) == (host, 5432, self.REASON)
        assert f"left-out\n    {host}:5432/postgres: left out because {self.REASON}" in line("audit", "show").stdout
        again = line(name, "--yes")
        assert (again.returncode, words in again.stdout) == (0, True)

    def test_one_is_left_out_from_the_beginning(
        self, code: Code, gone: tuple[str, str, str], line: Run, postgres: Postgres
    ) -> None:
        name, user, old = gone
        line_ = (name, "--to", "ref+local://app", "--leave-out", self.host(code), "--reason", self.REASON)
        plan = line(*line_, "--plan")
        assert "does not answer, and is left out of the proof of death as asked" in plan.stdout
        done = line(*line_, "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "left out because" in done.stdout
        assert not postgres.lets_in(user, old)

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--leave-out", "127.0.0.1", "--reason", "x"), "lets the leaked value in"),
            (("--leave-out", "elsewhere", "--reason", "x"), "no server of this credential"),
            (("--leave-out", "127.0.0.1"), "go together"),
            (("--skip", "--leave-out", "127.0.0.1", "--reason", "x"), "--skip takes one"),
        ],
    )
    def test_what_may_not_be_left_out_is_told_before_anything_is_done(
        self, gone: tuple[str, str, str], line: Run, postgres: Postgres, words: tuple[str, ...], told: str
    ) -> None:
        name, user, old = gone
        done = line(name, "--to", "ref+local://app", "--yes", *words)
        assert done.returncode == 2, done.stdout + done.stderr
        assert told in done.stderr
        assert postgres.lets_in(user, old)
        assert line("status", "--format", "json").stdout == ""

    def test_of_several_credentials_those_leave_it_out_that_name_it(
        self, code: Code, gone: tuple[str, str, str], line: Run, run: Run, postgres: Postgres, git: Callable[..., str]
    ) -> None:
        name, *_ = gone
        user, old = postgres.role()
        (code.folder / "other.py").write_text(f'URL = "{postgres.dsn(user, old)}"\n')
        git("add", ".", cwd=code.folder)
        git("commit", "-qm", "two", cwd=code.folder)
        done = line("--all", "--yes", "--leave-out", self.host(code), "--reason", self.REASON)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not postgres.lets_in(user, old)
        assert [
            len(json.loads(one)["left_out"]) for one in line("status", "--format", "json").stdout.splitlines()
        ].count(1) == 1
        assert name in done.stdout


class TestServersThatSayNothingClear:
    """Another server of this machine that is there, and does not say whether it would let the leaked value in."""

    @pytest.fixture
    def curt(self) -> Iterator[int]:
        """The port of a server that takes each connection, and ends it without a word."""

        class Nothing(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.recv(1)

        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Nothing) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server.server_address[1]
            server.shutdown()

    @pytest.fixture
    def unclear(self, code: Code, postgres: Postgres, curt: int) -> str:
        """A login that leaked at a server of this machine, and at that one."""
        dsn = postgres.dsn(*postgres.role())
        return code.names(dsn, dsn.replace(f"127.0.0.1:{postgres.port}", f"localhost:{curt}"))

    def test_one_that_answers_on_this_machine_is_part_of_the_proof(self, unclear: str, line: Run, curt: int) -> None:
        plan = line(unclear, "--to", "ref+local://app", "--plan")
        assert f"localhost:{curt}/postgres does not say whether the leaked value works" in plan.stdout
        done = line(unclear, "--to", "ref+local://app", "--yes")
        assert done.returncode == 4, done.stdout + done.stderr
        assert f"localhost:{curt}" in done.stderr

    def test_one_that_answers_is_not_left_out_whatever_it_says(self, unclear: str, line: Run, curt: int) -> None:
        left = ("--leave-out", f"localhost:{curt}", "--reason", "an old one")
        done = line(unclear, "--to", "ref+local://app", "--yes", *left)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "answers, so it is not left out" in done.stderr
        assert line(unclear, "--to", "ref+local://app", "--yes").returncode == 4
        done = line("resume", *left)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "answers, so it is not left out" in done.stderr

    def test_one_without_a_free_connection_is_waited_for(
        self, code: Code, line: Run, postgres: Postgres, postgres16: Postgres
    ) -> None:
        """It has accepted the password by then."""
        user, old = postgres.role()
        postgres16.run(f"CREATE ROLE {user} LOGIN PASSWORD '{old}' CONNECTION LIMIT 0")
        name = code.names(postgres.dsn(user, old), postgres16.dsn(user, old))
        stopped = line(name, "--to", "ref+local://app", "--yes")
        assert stopped.returncode == 3, stopped.stdout + stopped.stderr
        assert "the password is accepted, but no connection is free" in stopped.stderr
        assert postgres.lets_in(user, old)
        postgres16.run(f"ALTER ROLE {user} CONNECTION LIMIT -1")
        done = line(name, "--to", "ref+local://app", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not postgres.lets_in(user, old)
        assert not postgres16.lets_in(user, old)
        postgres16.run(f"DROP ROLE {user}")

    def test_a_loopback_name_where_nobody_listens_is_of_another_machine(
        self, code: Code, line: Run, postgres: Postgres
    ) -> None:
        user, old = postgres.role()
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        dsn = postgres.dsn(user, old)
        done = line(
            code.names(dsn, dsn.replace(f"127.0.0.1:{postgres.port}", f"localhost:{port}")),
            "--to",
            "ref+local://app",
            "--yes",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"localhost:{port}/postgres: nothing listens on this machine" in done.stdout

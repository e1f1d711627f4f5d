"""`secretguard rotate` where something was begun before, or things are not where they were."""

import json
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from secretguard.cli.rotation_flow import books
from secretguard.cli.rotation_options import Options
from secretguard.cli.rotation_stop import check_abort
from secretguard.errors import UsageError
from secretguard.model import Endpoint
from secretguard.rotate.drive import leased
from secretguard.rotate.records import Rotation
from secretguard.rotate.steps import Step
from secretguard.rotation import Mode
from tests.cli.conftest import Run, Typed
from tests.servers.fixtures import started
from tests.servers.postgres import Postgres, start_postgres, stop_postgres

APP = ("--to", "ref+local://app")
BRIEFLY = ("--observe", "1")


class Leak:
    """A role of a server, in a repository of its own."""

    def __init__(self, folder: Path, server: Postgres, git: Callable[..., str], run: Run) -> None:
        self.folder, self.server = folder, server
        self.user, self.old = server.role()
        self.dsn = server.dsn(self.user, self.old)
        self.admin = {"ADMIN": server.dsn("postgres", server.admin)}
        folder.mkdir()
        git("init", "-q", cwd=folder)
        (folder / "app.py").write_text(f'DATABASE_URL = "{self.dsn}"\n')
        git("add", "app.py", cwd=folder)
        git("commit", "-qm", "one", cwd=folder)
        self.name = re.findall(r"sg_[0-9a-f]{12}", run("scan", folder).stdout)[0]


@pytest.fixture
def leak(tmp_path: Path, postgres: Postgres, git: Callable[..., str], run: Run) -> Leak:
    return Leak(tmp_path / "code", postgres, git, run)


@pytest.fixture
def waiting(leak: Leak, run: Run) -> Leak:
    """A graceful rotation that waits for a session of the old login, until the test ends that one."""
    with leak.server.connected(leak.user, leak.old):
        done = run(
            "rotate", leak.name, *APP, "--mode", "graceful", "--admin", "ref+env://ADMIN", "--yes",
            cwd=leak.folder, environ=leak.admin,
        )  # fmt: skip
        assert done.returncode == 4, done.stdout + done.stderr
    while leak.server.run("SELECT 1 FROM pg_stat_activity WHERE usename = %s", leak.user):
        time.sleep(0.05)
    return leak


def test_it_goes_on_in_the_mode_that_was_confirmed_or_not_at_all(waiting: Leak, run: Run) -> None:
    """Without the operator's login the old role would be worked on in place."""
    done = run("rotate", "resume", cwd=waiting.folder)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "--admin" in done.stderr
    assert waiting.server.lets_in(waiting.user, waiting.old)
    resumed = ("rotate", "resume", "--admin", "ref+env://ADMIN", *BRIEFLY)
    done = run(*resumed, cwd=waiting.folder, environ=waiting.admin)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not waiting.server.lets_in(waiting.user, waiting.old)


def test_what_was_begun_does_not_go_on_in_another_way_than_the_line_says(waiting: Leak, run: Run) -> None:
    for words, told in (
        (("--to", "ref+local://elsewhere"), "to store the new value at ref+local://app,"),
        (("--mode", "breach", "--kill-first", "--yes"), "with --mode graceful and without --kill-first"),
        (("--rotator", "vault-database", "--plan"), "with the rotator postgres"),
    ):
        done = run("rotate", waiting.name, *words, cwd=waiting.folder)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "was begun" in done.stderr
        assert told in done.stderr
        assert "rotate resume rot_" in done.stderr
        assert "rotate abort rot_" in done.stderr
    assert waiting.server.lets_in(waiting.user, waiting.old)
    same = ("--to", "ref+local://app", "--mode", "graceful", "--rotator", "postgres", "--admin", "ref+env://ADMIN")
    done = run("rotate", waiting.name, *same, *BRIEFLY, cwd=waiting.folder, environ=waiting.admin)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_repository_that_moved_is_searched_where_one_stands(waiting: Leak, run: Run, tmp_path: Path) -> None:
    moved = waiting.folder.rename(tmp_path / "moved")
    line = ("rotate", "resume", "--admin", "ref+env://ADMIN", *BRIEFLY)
    lost = run(*line, environ=waiting.admin)
    assert lost.returncode == 2
    assert "where the repository is" in lost.stderr
    done = run(*line, cwd=moved, environ=waiting.admin)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rotation_is_closed_although_the_repository_is_gone(waiting: Leak, run: Run) -> None:
    shutil.rmtree(waiting.folder)
    done = run(
        "rotate", "resume", "--admin", "ref+env://ADMIN", "--old-from", "ref+env://OLD", *BRIEFLY,
        environ=waiting.admin | {"OLD": waiting.old},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is closed" in done.stdout


def test_whoever_logs_in_now_and_then_is_seen(waiting: Leak, run: Run) -> None:
    """An application that connects for each request has no session at most moments."""
    over = threading.Event()

    def application() -> None:
        while not over.wait(0.3):
            with waiting.server.connected(waiting.user, waiting.old):
                time.sleep(0.05)

    at_work = threading.Thread(target=application)
    at_work.start()
    try:
        done = run("rotate", "resume", "--admin", "ref+env://ADMIN", cwd=waiting.folder, environ=waiting.admin)
    finally:
        over.set()
        at_work.join()
    assert done.returncode == 4, done.stdout + done.stderr
    assert "the old value is still in use" in done.stderr
    assert waiting.server.lets_in(waiting.user, waiting.old)


def test_a_plan_of_what_was_begun_says_so(waiting: Leak, run: Run) -> None:
    done = run("rotate", waiting.name, "--plan", cwd=waiting.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "waiting: the old value is still in use" in done.stdout
    assert "rotate resume rot_" in done.stderr


def test_a_plan_is_shown_while_somebody_else_is_at_work(leak: Leak, run: Run, environment: dict[str, str]) -> None:
    with books(Options({}, environ=environment)) as written, leased(written.journal, leak.name):
        done = run("rotate", leak.name, *APP, "--plan", cwd=leak.folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_leaked_in_a_directory_is_found_there_again(leak: Leak, run: Run, tmp_path: Path) -> None:
    """It is no repository, and the first run waits for a server that only others reach."""
    folder = tmp_path / "plain"
    folder.mkdir()
    gone = leak.dsn.replace(f"127.0.0.1:{leak.server.port}", "gone.invalid:5432")
    (folder / "app.py").write_text(f'DATABASE_URL = "{leak.dsn}"\nOLD_URL = "{gone}"\n')
    assert run("rotate", leak.name, *APP, "--yes", cwd=folder).returncode == 4
    done = run("rotate", "resume", "--leave-out", "gone.invalid", "--reason", "a compose name")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_servers_that_the_operator_names_are_added(leak: Leak, run: Run, git: Callable[..., str]) -> None:
    """The code has the login without a server."""
    words = f"user={leak.user} password={leak.old} dbname=postgres"
    (leak.folder / "app.py").write_text(f'CONNECTION = "{words}"\n')
    shutil.rmtree(leak.folder / ".git")
    git("init", "-q", cwd=leak.folder)
    git("add", "app.py", cwd=leak.folder)
    git("commit", "-qm", "one", cwd=leak.folder)
    (name,) = set(re.findall(r"sg_[0-9a-f]{12}", run("scan", leak.folder).stdout))
    assert name == leak.name
    line = ("rotate", name, *APP, "--yes")
    stopped = run(*line, cwd=leak.folder)
    assert stopped.returncode == 3
    assert "Give a whole connection string with --old-from" in stopped.stderr
    wrong = run(
        *line, "--old-from", "ref+env://OLD", cwd=leak.folder, environ={"OLD": leak.dsn.replace(leak.user, "x")}
    )
    assert (wrong.returncode, "does not hold" in wrong.stderr) == (2, True)
    done = run(*line, "--old-from", "ref+env://OLD", cwd=leak.folder, environ={"OLD": leak.dsn})
    assert done.returncode == 0, done.stdout + done.stderr
    assert not leak.server.lets_in(leak.user, leak.old)


@pytest.mark.parametrize("where", ["nowhere", "a directory"])
def test_no_repository_is_needed_where_the_operator_has_the_value(
    where: str, leak: Leak, run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "app.py").write_text(f'DATABASE_URL = "{leak.dsn}"\n' if where == "a directory" else "")
    given = ("--old-from", "ref+env://OLD") if where == "nowhere" else ()
    done = run("rotate", leak.name, *APP, "--yes", *given, cwd=folder, environ={"OLD": leak.dsn})
    assert done.returncode == 0, done.stdout + done.stderr
    assert not leak.server.lets_in(leak.user, leak.old)


def test_closed_is_closed_only_for_the_servers_that_were_known(
    leak: Leak, postgres16: Postgres, run: Run, git: Callable[..., str]
) -> None:
    """The same login of another server is found later: it is alive, whatever the journal says of the first."""
    postgres16.run(f"CREATE ROLE {leak.user} LOGIN PASSWORD '{leak.old}'")
    assert run("rotate", leak.name, *APP, "--yes", cwd=leak.folder).returncode == 0
    (leak.folder / "more.py").write_text(f'URL = "{postgres16.dsn(leak.user, leak.old)}"\n')
    git("add", "more.py", cwd=leak.folder)
    git("commit", "-qm", "two", cwd=leak.folder)
    done = run("rotate", leak.name, "--to", "ref+local://more", "--yes", cwd=leak.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not postgres16.lets_in(leak.user, leak.old)
    again = run("rotate", leak.name, "--yes", cwd=leak.folder)
    assert (again.returncode, "is closed" in again.stdout) == (0, True)


class TestClosed:
    """What was seen dead is asked again before it is said to be dead once more."""

    @pytest.fixture
    def closed(self, leak: Leak, run: Run) -> Leak:
        assert run("rotate", leak.name, *APP, "--yes", cwd=leak.folder).returncode == 0
        return leak

    def put_back(self, closed: Leak) -> None:
        """As a backup that is restored does."""
        closed.server.run(f"ALTER ROLE {closed.user} PASSWORD '{closed.old}'")
        assert closed.server.lets_in(closed.user, closed.old)

    def test_it_says_so_and_changes_nothing_while_the_old_value_is_dead(self, closed: Leak, run: Run) -> None:
        for words in ((closed.name, "--yes"), (closed.name, "--plan"), ("resume", closed.name)):
            done = run("rotate", *words, cwd=closed.folder)
            assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
            assert "is closed" in done.stdout
        assert len(run("rotate", "status", "--format", "json").stdout.splitlines()) == 1

    def test_another_rotation_begins_where_the_old_value_works_again(self, closed: Leak, run: Run) -> None:
        self.put_back(closed)
        plan = run("rotate", closed.name, *APP, "--plan", cwd=closed.folder)
        assert plan.returncode == 0, plan.stdout + plan.stderr
        assert "is closed, but the old value works: 127.0.0.1" in plan.stderr
        assert "Plan for" in plan.stdout
        done = run("rotate", closed.name, *APP, "--yes", cwd=closed.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not closed.server.lets_in(closed.user, closed.old)
        new = run("store", "get", "ref+local://app#/password", "--show-secrets").stdout.strip()
        assert closed.server.lets_in(closed.user, new)
        (first, second) = run("rotate", "status", "--format", "json").stdout.splitlines()
        begun = run("rotate", "audit", "show", json.loads(first)["rotation"]).stdout
        assert f"after {json.loads(second)['rotation']}, which is closed" in begun

    def test_it_is_not_resumed_where_the_old_value_works_again(self, closed: Leak, run: Run) -> None:
        self.put_back(closed)
        done = run("rotate", "resume", closed.name, cwd=closed.folder)
        assert done.returncode == 3, done.stdout + done.stderr
        assert "is closed, but the old value works: 127.0.0.1" in done.stderr
        assert f"secretguard rotate {closed.name}" in done.stderr
        assert "dead" not in done.stdout

    def test_nobody_who_could_be_asked_is_told(self, closed: Leak, run: Run) -> None:
        shutil.rmtree(closed.folder)
        done = run("rotate", closed.name, "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "nobody could say: the leaked value is not in the repositories any more" in done.stderr

    def test_a_server_that_does_not_answer_is_told(self, tmp_path: Path, git: Callable[..., str], run: Run) -> None:
        server = started(lambda: start_postgres("18"))
        leak = Leak(tmp_path / "code", server, git, run)
        assert run("rotate", leak.name, *APP, "--yes", cwd=leak.folder).returncode == 0
        stop_postgres(server)
        done = run("rotate", leak.name, "--yes", cwd=leak.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"nobody could say: 127.0.0.1:{server.port}/postgres: unknown" in done.stderr


def test_two_that_go_to_one_place_do_not_overwrite_each_other(
    leak: Leak, run: Run, git: Callable[..., str], tmp_path: Path
) -> None:
    other = Leak(tmp_path / "other", leak.server, git, run)
    places = ("--repo", leak.folder, "--repo", other.folder)
    done = run("rotate", leak.name, other.name, *APP, "--yes", *places)
    assert done.returncode == 3
    assert "holds another credential" in done.stderr
    assert not leak.server.lets_in(leak.user, leak.old)
    assert other.server.lets_in(other.user, other.old)
    stored = run("store", "get", "ref+local://app#/username", "--show-secrets").stdout.strip()
    assert stored == leak.user


def test_all_and_some_is_a_contradiction(leak: Leak, run: Run) -> None:
    done = run("rotate", leak.name, "--all", "--plan", cwd=leak.folder)
    assert done.returncode == 2
    assert "--all" in done.stderr


def test_what_is_typed_is_a_server_where_the_leaked_value_works(leak: Leak, run: Run) -> None:
    """And not the first in the alphabet, which whoever writes to a repository may choose."""
    (leak.folder / "more.py").write_text(f'URL = "{leak.dsn.replace("127.0.0.1", "0.0.0.0")}"\n')
    done = run("rotate", leak.name, *APP, "--plan", cwd=leak.folder)
    assert f"{leak.user}@127.0.0.1\n" in done.stdout, done.stdout + done.stderr


def test_two_roles_are_rolled_back_with_the_operators_login(leak: Leak, environment: dict[str, str]) -> None:
    """Between issue and publish there are two logins, and the old one is untouched."""
    begun = Rotation(
        "rot_0123456789abcdef", leak.name, "PostgreSQL", "postgres", "postgres-uri", leak.user,
        (Endpoint(leak.server.host, leak.server.port),), (), "postgres", "ref+local://app", Mode.GRACEFUL, (), "me", "now",
        overlap="two",
    )  # fmt: skip
    environ = environment | leak.admin
    with books(Options({}, environ=environ)) as written:
        with leased(written.journal, leak.name) as lease:
            written.journal.begin(begun, lease)
            written.journal.intend(begun.id, Step.ISSUE, lease)
        check_abort(begun, Options({}, admin="ref+env://ADMIN", environ=environ), written)
        with pytest.raises(UsageError, match="another way") as refused:
            check_abort(begun, Options({}, environ=environ), written)
        assert "--admin" in refused.value.hint


def test_guided_the_mode_is_asked_where_there_is_a_choice(terminal: Typed, leak: Leak) -> None:
    code, shown = terminal(
        "rotate", "--repo", leak.folder, "--admin", "ref+env://ADMIN", "--plan",
        answers=(("Which one?: ", "1"), ("Store [", "ref+local://app"), ("Which mode?", "2")), environ=leak.admin,
    )  # fmt: skip
    assert code == 0, shown
    assert "graceful: the leaked value lives" in shown


def test_whoever_leaves_at_a_question_leaves_everything_as_it_is(terminal: Typed, leak: Leak) -> None:
    end_of_input = "\x04"
    line = ("rotate", leak.name, *APP)
    for words, question in (
        (("rotate",), "Which one?: "), (line, "Deliver ("), ((*line, "--deliver", "none"), "> ")
    ):  # fmt: skip
        code, shown = terminal(*words, "--repo", leak.folder, answers=((question, end_of_input),))
        assert code == 130, shown
    assert leak.server.lets_in(leak.user, leak.old)

"""`secretguard rotate --deliver` with a real server: what it plans, refuses and hands over, and what survives a kill."""

import json
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secretguard.reference import parse_reference
from secretguard.resolve import resolve
from secretguard.rotation import Context
from tests.cli.conftest import Run, Typed
from tests.servers.forges import Forge, GitHub, serving
from tests.servers.postgres import Postgres

Git = Callable[..., str]
TO = ("--to", "ref+local://app#/DATABASE_URL")
BREACH = (*TO, "--yes", "--deliver", "branch")
GRACEFUL = (*BREACH, "--mode", "graceful", "--admin", "ref+env://ADMIN", "--observe", "1")


class Leak:
    """A role of a server that leaked in a repository, in a line that can be rewritten and in one that cannot."""

    def __init__(self, folder: Path, server: Postgres, git: Git, run: Run) -> None:
        self.folder, self.server, self.git, self.run = folder, server, git, run
        self.user, self.old = server.role()
        self.dsn = server.dsn(self.user, self.old)
        folder.mkdir()
        git("init", "-q", "-b", "main", cwd=folder)
        self.commit("app.py", f'DATABASE_URL = "{self.dsn}"\n')
        self.commit("src.rs", f'const URL: &str = "{self.dsn}";\n')
        self.name = re.findall(r"sg_[0-9a-f]{12}", run("scan", folder).stdout)[0]
        self.branch = f"secretguard/rotate-{self.name}"

    def commit(self, path: str, content: str) -> None:
        (self.folder / path).write_text(content)
        self.git("add", path, cwd=self.folder)
        self.git("commit", "-qm", path, cwd=self.folder)

    def rotate(self, *words: object, **options: object) -> tuple[int, str]:
        """Run `rotate`; return the exit code and all that it said."""
        environ = {"ADMIN": self.server.operator} | options.pop("environ", {})  # type: ignore[operator]
        done = self.run("rotate", *words, **{"cwd": self.folder, "environ": environ} | options)
        return done.returncode, done.stdout + done.stderr

    def delivered(self) -> list[str]:
        """The branch's own commits."""
        return self.git("rev-list", self.branch, "^HEAD", cwd=self.folder, check=False).split()

    @property
    def lives(self) -> bool:
        return self.server.lets_in(self.user, self.old)


@pytest.fixture
def leak(tmp_path: Path, postgres: Postgres, git: Git, run: Run) -> Leak:
    return Leak(tmp_path / "code", postgres, git, run)


def written(environment: dict[str, str]) -> bytes:
    """Everything below the operator's home: journal, audit, store."""
    return b"".join(one.read_bytes() for one in Path(environment["HOME"]).rglob("*") if one.is_file())


class TestBreach:
    def test_the_code_changes_once_the_old_value_is_dead(self, leak: Leak, environment: dict[str, str]) -> None:
        code, plan = leak.rotate(leak.name, *TO, "--plan", "--deliver", "branch")
        assert code == 0, plan
        assert "branch for .: 2 files to change, 1 place to read DATABASE_URL" in plan
        assert ".: 1 place left to a person, the first at src.rs:1: " in plan
        assert plan.index("Prove that the old value is refused everywhere") < plan.index("Deliver the changes")
        assert leak.lives
        assert not leak.delivered()
        code, shown = leak.rotate(leak.name, *BREACH)
        assert code == 0, shown
        assert not leak.lives
        assert len(leak.delivered()) == 1
        assert f"branch {leak.branch} for {leak.folder}: 2 files" in shown
        assert f"left to a person in {leak.folder}: src.rs:1: " in shown
        assert leak.old not in shown

    def test_what_was_done_is_written_down(self, leak: Leak, environment: dict[str, str]) -> None:
        assert leak.rotate(leak.name, *BREACH)[0] == 0
        _, report = leak.rotate("report", leak.name)
        assert f"code       branch for {leak.folder}" in report
        assert f"branch {leak.branch} for {leak.folder}: 2 files" in report
        document = json.loads(leak.rotate("report", leak.name, "--format", "json")[1])
        assert document["deliver"] == "branch"
        (step,) = [one for one in document["steps"] if one["step"] == "deliver"]
        assert step["outcome"] == "done"
        assert "src.rs:1" in step["evidence"][1]
        _, audit = leak.rotate("audit", "show")
        assert "deliver branch" in audit
        assert f"branch {leak.branch} for {leak.folder}: 2 files" in audit
        assert leak.rotate("audit", "verify")[0] == 0
        new = resolve(parse_reference("ref+local://app#/password"), Context(environment)).reveal()
        kept = written(environment)
        for value in (leak.old, new):
            assert value.encode() not in kept
            assert value not in report + audit + json.dumps(document)

    def test_two_repositories_are_one_rotation_and_get_a_patch_each(
        self, leak: Leak, tmp_path: Path, environment: dict[str, str]
    ) -> None:
        other = shutil.copytree(leak.folder, tmp_path / "other" / "code")
        places = ("--repo", leak.folder, "--repo", other)
        code, shown = leak.rotate(leak.name, *TO, "--yes", "--deliver", "patch", *places)
        assert code == 0, shown
        patches = list(Path(environment["HOME"]).rglob("*.patch"))
        assert len(patches) == 2
        for folder in (leak.folder, other):
            (named,) = [one for one in patches if f"patch {one} for {folder}: 2 files" in shown]
            assert stat.S_IMODE(named.stat().st_mode) == 0o600
            leak.git("am", "-q", named, cwd=folder)
            assert leak.old not in (folder / "app.py").read_text()
        assert shown.count("Put the new value in force") == 2  # in the plan, and done

    def test_on_a_terminal_none_leaves_the_code_alone(self, leak: Leak, terminal: Typed) -> None:
        answers = (("Deliver (", "none"), ("> ", f"{leak.user}@127.0.0.1"))
        code, shown = terminal("rotate", leak.name, *TO, "--repo", leak.folder, answers=answers)
        assert code == 0, shown
        assert "Deliver the changes to the code" not in shown
        assert not leak.delivered()
        assert not leak.lives

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--wait-merge", "--deliver", "branch"), "--wait-merge is for --mode graceful"),
            (("--wait-merge", "--mode", "graceful"), "--wait-merge is for --mode graceful"),
            (("--insist", "--deliver", "branch"), "--insist is for --deliver pr"),
            (("--insist",), "--insist is for --deliver pr"),
            (("--deliver", "pr", "--mode", "graceful"), "in graceful mode that still works"),
            (("--variable", "ORDERS_URL"), "--variable is for --deliver"),
            (("--variable", "orders", "--deliver", "branch"), "not the name of an environment variable"),
            (("sg_0123456789ab", "--variable", "ORDERS_URL", "--deliver", "branch"), "--variable names one"),
        ],
    )
    def test_a_wrong_line_does_nothing(self, leak: Leak, words: tuple[str, ...], told: str) -> None:
        code, shown = leak.rotate(leak.name, *TO, "--yes", "--admin", "ref+env://ADMIN", *words)
        assert code == 2, shown
        assert told in shown
        assert leak.lives
        assert leak.rotate("status", "--format", "json") == (0, "")

    def test_what_would_keep_the_branch_away_is_seen_while_the_old_value_lives(
        self, leak: Leak, tmp_path: Path
    ) -> None:
        leak.git("worktree", "add", "-q", "-b", leak.branch, tmp_path / "worktree", cwd=leak.folder)
        code, shown = leak.rotate(leak.name, *BREACH)
        assert code == 3, shown
        assert "nothing was done" in shown
        assert "is checked out, and a checked-out branch is not moved" in shown
        assert leak.lives

    def test_who_commits_is_asked_while_the_old_value_lives(self, leak: Leak) -> None:
        nobody = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"), "")
        code, shown = leak.rotate(leak.name, *BREACH, environ={**nobody, "GIT_CONFIG_GLOBAL": "/dev/null"})
        assert code == 3, shown
        assert "git does not know who you are" in shown
        assert leak.lives


class TestVariable:
    @pytest.fixture
    def taken(self, leak: Leak) -> Leak:
        """The name by convention is that of another database."""
        leak.commit("app.py", f'connect("{leak.dsn}")\n')
        leak.commit("other.py", 'import os\n\nconnect(os.environ["DATABASE_URL"])\n')
        return leak

    def test_is_asked_where_the_name_by_convention_is_taken(self, taken: Leak, terminal: Typed) -> None:
        answers = (
            ("DATABASE_URL is in use for something else in ", "orders"),
            ("not the name of an environment variable", "ORDERS_URL"),
            ("> ", f"{taken.user}@127.0.0.1"),
        )
        words = (*TO, "--repo", taken.folder, "--deliver", "branch")
        code, shown = terminal("rotate", taken.name, *words, answers=answers)
        assert code == 0, shown
        assert f"[DATABASE_URL_{taken.user.upper()}]" in shown
        assert 'os.environ["ORDERS_URL"]' in taken.git("show", f"{taken.branch}:app.py", cwd=taken.folder)

    def test_is_not_asked_where_nobody_answers(self, taken: Leak) -> None:
        code, shown = taken.rotate(taken.name, *BREACH)
        assert code == 0, shown
        name = f'os.environ["DATABASE_URL_{taken.user.upper()}"]'
        assert name in taken.git("show", f"{taken.branch}:app.py", cwd=taken.folder)

    def test_is_kept_by_a_rotation_that_goes_on(self, leak: Leak, environment: dict[str, str]) -> None:
        killed(leak, environment, "delivery", "before", "--variable", "ORDERS_URL")
        code, shown = leak.rotate(leak.name, "--yes", "--variable", "ANOTHER_URL")
        assert code == 2, shown
        assert "with --variable ORDERS_URL" in shown
        assert leak.rotate("resume")[0] == 0
        assert 'os.environ["ORDERS_URL"]' in leak.git("show", f"{leak.branch}:app.py", cwd=leak.folder)


KILLED = """
import os, runpy, signal
from secretguard.cli import delivering
from secretguard.rotate import drive
from secretguard.rotate.steps import Step

def killing(inner, concerns=lambda *_: True):
    def outer(*values, **named):
        dies = os.environ["DIES"] if concerns(*values) else ""
        if dies == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = inner(*values, **named)
        if dies == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return outer

if os.environ["WHAT"] == "step":
    drive._take = killing(drive._take, lambda step, *_: step is Step.DELIVER)
else:
    delivering.deliver = killing(delivering.deliver)
runpy.run_module("secretguard", run_name="__main__", alter_sys=True)
"""


def killed(leak: Leak, environment: dict[str, str], what: str, dies: str, *words: str) -> None:
    """Begin a rotation that is killed around its delivery."""
    died = subprocess.run(
        [sys.executable, "-c", KILLED, "rotate", leak.name, *BREACH, *words],
        cwd=leak.folder, env=environment | {"WHAT": what, "DIES": dies}, stdin=subprocess.DEVNULL,
        capture_output=True, check=False,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr


@pytest.fixture
def stuck(leak: Leak, environment: dict[str, str]) -> Leak:
    """A rotation that has ended the old value and delivered nothing yet."""
    killed(leak, environment, "delivery", "before")
    assert not leak.lives
    assert not leak.delivered()
    return leak


class TestResume:
    def test_it_is_delivered_to_the_head_that_there_is_now(self, stuck: Leak) -> None:
        stuck.commit("notes.txt", "an unrelated commit\n")
        code, shown = stuck.rotate("resume")
        assert code == 0, shown
        assert len(stuck.delivered()) == 1
        assert stuck.git("rev-parse", f"{stuck.branch}^", cwd=stuck.folder) == stuck.git(
            "rev-parse", "HEAD", cwd=stuck.folder
        )

    def test_a_form_that_was_not_stored_is_not_promised_to_the_code(self, stuck: Leak) -> None:
        asyncpg = stuck.dsn.replace("postgresql:", "postgresql+asyncpg:")
        stuck.commit("pool.py", f'DATABASE_URL_ASYNCPG = "{asyncpg}"\n')
        code, shown = stuck.rotate("resume")
        assert code == 4, shown
        assert "the code would read what is not there: DATABASE_URL_ASYNCPG: " in shown
        assert "HEAD changed since the value was stored. Add the field to ref+local://app" in shown
        assert not stuck.delivered()
        url = stuck.run("store", "get", "ref+local://app#/DATABASE_URL", "--show-secrets").stdout.strip()
        field = "ref+local://app#/DATABASE_URL_ASYNCPG"
        stored = stuck.run("store", "put", field, input=url.replace("postgresql:", "postgresql+asyncpg:"))
        assert stored.returncode == 0, stored.stderr
        code, shown = stuck.rotate("resume")
        assert code == 0, shown
        assert len(stuck.delivered()) == 1

    def test_a_repository_that_is_gone_is_said(self, stuck: Leak, tmp_path: Path) -> None:
        stuck.folder.rename(tmp_path / "moved")
        code, shown = stuck.rotate("resume", cwd=tmp_path / "moved")
        assert code == 0, shown
        assert f"{stuck.folder} is not there any more, and nothing was delivered" in shown

    def test_a_line_that_wants_another_delivery_is_refused(self, stuck: Leak) -> None:
        for words, told in (
            (("--deliver", "patch"), "with --deliver branch"), (("--deliver", "none"), "with --deliver branch"),
            (("--wait-merge",), "without --wait-merge"),
        ):  # fmt: skip
            code, shown = stuck.rotate(stuck.name, "--yes", *words)
            assert code == 2, shown
            assert told in shown
        assert stuck.rotate(stuck.name, "--yes", "--deliver", "branch")[0] == 0
        assert len(stuck.delivered()) == 1


class TestKilled:
    @pytest.mark.parametrize("dies", ["before", "after"])
    @pytest.mark.parametrize("what", ["step", "delivery"])
    def test_it_is_delivered_once_whenever_it_was_killed(
        self, leak: Leak, environment: dict[str, str], what: str, dies: str
    ) -> None:
        killed(leak, environment, what, dies)
        before = leak.delivered()
        assert len(before) == (dies == "after")
        code, shown = leak.rotate("resume")
        assert code == 0, shown
        after = leak.delivered()
        assert len(after) == 1
        assert before in ([], after)
        assert leak.server.lets_in(
            leak.user, leak.run("store", "get", "ref+local://app#/password", "--show-secrets").stdout.strip()
        )
        assert not leak.lives


class TestGraceful:
    def test_the_old_value_lives_until_the_change_is_merged(self, leak: Leak) -> None:
        code, shown = leak.rotate(leak.name, *GRACEFUL, "--wait-merge")
        assert code == 4, shown
        assert "the changes to the code are delivered and not merged yet" in shown
        assert leak.rotate("resume", "--observe", "1", "--admin", "ref+env://ADMIN")[0] == 4
        assert len(leak.delivered()) == 1
        assert leak.lives
        moved = leak.folder.rename(leak.folder.with_name("moved"))
        code, shown = leak.rotate("resume", "--observe", "1", "--admin", "ref+env://ADMIN", cwd=moved)
        assert code == 4, shown
        assert "whether the change is merged cannot be seen" in shown
        moved.rename(leak.folder)
        leak.git("merge", "-q", "--ff-only", leak.branch, cwd=leak.folder)
        code, shown = leak.rotate("resume", "--observe", "1", "--admin", "ref+env://ADMIN")
        assert code == 0, shown
        assert f"{leak.folder}: nothing is left to rewrite at HEAD" in shown
        assert not leak.lives

    def test_split_settings_follow_to_the_other_role(self, leak: Leak) -> None:
        split = ("DB_HOST", leak.server.host), ("DB_USER", leak.user), ("DB_PASSWORD", leak.old)
        leak.commit("settings.py", "".join(f'{name} = "{value}"\n' for name, value in split))
        leak.commit("NOTES.md", "".join(f"    {name}={value}\n" for name, value in split))
        code, shown = leak.rotate(leak.name, *GRACEFUL)
        assert code == 0, shown
        leak.git("merge", "-q", "--ff-only", leak.branch, cwd=leak.folder)
        notes = (leak.folder / "NOTES.md").read_text()
        assert f"DB_USER={leak.user}\n    DB_PASSWORD=<password>\n" in notes
        service = "import settings; print(settings.DB_USER, settings.DB_PASSWORD)"
        started = ("run", "--env-file", "secretguard.refs.env", "--", sys.executable, "-c", service)
        user, password = leak.run(*started, cwd=leak.folder).stdout.split()
        assert user != leak.user
        assert leak.server.lets_in(user, password)
        assert not leak.lives

    def test_without_a_wait_the_delivered_branch_is_enough(self, leak: Leak) -> None:
        code, shown = leak.rotate(leak.name, *GRACEFUL)
        assert code == 0, shown
        assert len(leak.delivered()) == 1
        assert not leak.lives


@pytest.fixture
def forge(leak: Leak, git: Git, tmp_path: Path) -> Iterator[Forge]:
    """A GitHub that the repository was pushed to, and nobody's work is seen there but what is delivered."""
    git("clone", "-q", "--bare", leak.folder, tmp_path / "forge.git")
    with serving(GitHub(tmp_path / "forge.git", "ops/code", "/api/v3")) as made:
        git("remote", "add", "origin", made.remote, cwd=leak.folder)
        yield made


class TestPullRequest:
    LINE = (*TO, "--yes", "--deliver", "pr")

    def test_it_is_opened_after_the_proof_of_death_and_not_before(self, leak: Leak, forge: Forge) -> None:
        lived: list[bool] = []
        forge.before = lambda _: lived.append(leak.lives)
        code, shown = leak.rotate(leak.name, *self.LINE, "--plan", environ=forge.environ)
        assert (code, lived) == (0, []), shown
        forge.broken_from = 0
        code, shown = leak.rotate(leak.name, *self.LINE, environ=forge.environ)
        assert code == 3, shown
        assert "done   Prove that the old value is refused everywhere" in shown
        assert "FAILED  Deliver the changes to the code" in shown
        assert not forge.merge_requests
        forge.broken_from = None
        code, shown = leak.rotate("resume", environ=forge.environ)
        assert code == 0, shown
        assert lived
        assert not any(lived)
        (request,) = forge.merge_requests
        assert request["html_url"] in shown
        assert forge.branches() == ["main", leak.branch]
        assert leak.old not in json.dumps(forge.merge_requests)
        assert not leak.delivered()

    def test_in_graceful_mode_somebody_has_to_insist(self, leak: Leak, forge: Forge) -> None:
        lived: list[bool] = []
        forge.before = lambda _: lived or lived.append(leak.lives)  # once: its session is seen for a moment
        line = (*self.LINE, "--mode", "graceful", "--admin", "ref+env://ADMIN", "--insist", "--observe", "1")
        code, shown = leak.rotate(leak.name, *line, environ=forge.environ)
        assert code == 0, shown
        assert lived == [True]
        assert len(forge.merge_requests) == 1
        assert not leak.lives

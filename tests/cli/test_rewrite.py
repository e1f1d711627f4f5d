"""`secretguard rewrite` on real repositories: what it changes, where that goes, and what it says of a wrong line."""

import json
import secrets
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from secretguard.testing.repository import RepositoryBuilder
from tests.cli.conftest import Run, Typed
from tests.journeys.running import CommandLine

Git = Callable[..., str]
TO = ("--to", "ref+local://app#/DATABASE_URL")


@dataclass(frozen=True)
class Leak:
    """A repository in which a login stands, and the login's id."""

    folder: Path
    name: str
    password: str
    url: str

    @property
    def branch(self) -> str:
        return f"secretguard/rotate-{self.name}"

    def file(self, path: str, content: str, git: Git) -> None:
        """Commit one file."""
        (self.folder / path).write_text(content)
        git("add", path, cwd=self.folder)
        git("commit", "-qm", path, cwd=self.folder)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Leak:
    folder = tmp_path_factory.mktemp("template") / "orders"
    password = secrets.token_urlsafe(24)
    url = f"postgresql://app:{password}@db.example.net:5432/orders"
    builder = RepositoryBuilder(folder)
    builder.write("app.py", f'DATABASE_URL = "{url}"\n')
    builder.write("README.md", f"Run it with `{url}`.\n")
    builder.write("src/main.rs", f'const URL: &str = "{url}";\n')
    builder.commit("Import")
    scanned = CommandLine(folder.parent, tmp_path_factory.getbasetemp() / "home" / "cache").scan(cwd=folder)
    (credential,) = scanned["credentials"]
    return Leak(folder, credential["id"], password, url)


@pytest.fixture
def leak(template: Leak, tmp_path: Path) -> Leak:
    return replace(template, folder=shutil.copytree(template.folder, tmp_path / "orders"))


def seen(folder: Path, git: Git) -> list[str]:
    """All that may not change: refs, HEAD, index, stash and files."""
    commands = (
        ("for-each-ref",), ("rev-parse", "HEAD"), ("status", "--porcelain=v2", "--branch"), ("stash", "list"),
        ("ls-files", "-s"),
    )  # fmt: skip
    return [git(*words, cwd=folder) for words in commands]


class TestWhatItSays:
    def test_a_plan_changes_nothing(self, leak: Leak, run: Run, git: Git, environment: dict[str, str]) -> None:
        before = seen(leak.folder, git)
        done = run("rewrite", leak.name, *TO, "--plan", "--deliver", "branch", cwd=leak.folder)
        assert done.returncode == 0, done.stderr
        assert "DATABASE_URL = ref+local://app#/DATABASE_URL  (uri)" in done.stdout
        assert "1 place reads a variable" in done.stdout
        assert "src/main.rs:1: " in done.stdout
        assert "Not ready yet: DATABASE_URL: " in done.stderr
        assert leak.password not in done.stdout + done.stderr
        assert seen(leak.folder, git) == before
        assert not list(Path(environment["HOME"]).rglob("*.patch"))

    @staticmethod
    def store(run: Run, value: str) -> None:
        stored = run("store", "put", "ref+local://app#/DATABASE_URL", input=value)
        assert stored.returncode == 0, stored.stderr

    def test_the_note_goes_when_the_value_is_there(self, leak: Leak, run: Run) -> None:
        self.store(run, leak.url)
        old = run("rewrite", leak.name, *TO, "--plan", cwd=leak.folder)
        assert "Not ready yet: DATABASE_URL: ref+local://app#/DATABASE_URL gives another value" in old.stderr
        self.store(run, leak.url.replace(leak.password, "another-one"))
        done = run("rewrite", leak.name, *TO, "--plan", cwd=leak.folder)
        assert (done.returncode, done.stderr) == (0, "")

    def test_as_json_it_has_everything_but_a_value(self, leak: Leak, run: Run) -> None:
        line = ("rewrite", leak.name, *TO, "--format", "json", "--deliver", "branch")
        planned, done = run(*line, "--plan", cwd=leak.folder), run(*line, cwd=leak.folder)
        document = json.loads(done.stdout)
        assert (document["schema"], document["credential"]) == ("secretguard.rewrite/1", leak.name)
        (repository,) = document["repositories"]
        assert repository["files"] == ["README.md", "app.py", "secretguard.refs.env"]
        assert (repository["references"], repository["placeholders"]) == (1, 1)
        assert repository["variables"] == {
            "DATABASE_URL": {"reference": "ref+local://app#/DATABASE_URL", "form": "uri"}
        }
        (manual,) = repository["manual"]
        assert (manual["path"], manual["line"]) == ("src/main.rs", 1)
        assert manual["reason"]
        assert manual["advice"]
        assert repository["delivered"] == {"how": "branch", "where": leak.branch, "new": True}
        assert json.loads(planned.stdout)["repositories"] == [repository | {"delivered": None}]
        assert leak.password not in done.stdout + done.stderr

    def test_on_a_terminal_nothing_is_asked(self, leak: Leak, terminal: Typed) -> None:
        code, shown = terminal("rewrite", leak.name, *TO, "--repo", leak.folder, "--deliver", "branch")
        assert code == 0, shown
        assert f"branch: {leak.branch}" in shown
        assert leak.password not in shown

    def test_on_a_terminal_a_name_that_is_taken_is_asked(self, leak: Leak, terminal: Typed, run: Run, git: Git) -> None:
        leak.file("app.py", f'connect("{leak.url}")\n', git)
        leak.file("other.py", 'import os\n\nconnect(os.environ["DATABASE_URL"])\n', git)
        words = ("rewrite", leak.name, *TO, "--repo", leak.folder)
        code, shown = terminal(*words, "--deliver", "branch", answers=(("Which variable", "ORDERS_URL"),))
        assert code == 0, shown
        assert 'os.environ["ORDERS_URL"]' in git("show", f"{leak.branch}:app.py", cwd=leak.folder)
        planned = run(*words, "--plan", "--format", "json")
        assert [*json.loads(planned.stdout)["repositories"][0]["variables"]] == ["DATABASE_URL_APP"]

    def test_what_only_the_history_holds_is_no_work(self, leak: Leak, run: Run, git: Git) -> None:
        git("rm", "-q", "-r", ".", cwd=leak.folder)
        git("commit", "-qm", "two", cwd=leak.folder)
        done = run("rewrite", leak.name, *TO, "--deliver", "branch", cwd=leak.folder)
        assert done.returncode == 0, done.stderr
        assert "the value does not stand at HEAD; nothing is to be rewritten" in done.stdout
        assert git("for-each-ref", "--format=%(refname)", cwd=leak.folder) == "refs/heads/main"


class TestWhereItGoes:
    def test_a_patch_goes_where_only_the_operator_reads(
        self, leak: Leak, run: Run, git: Git, environment: dict[str, str]
    ) -> None:
        before = seen(leak.folder, git)
        done = run("rewrite", leak.name, *TO, cwd=leak.folder)
        assert done.returncode == 0, done.stderr
        (patch,) = Path(environment["HOME"]).rglob("*.patch")
        assert f"patch: {patch}\n" in done.stdout
        assert [stat.S_IMODE(one.stat().st_mode) for one in (patch, patch.parent)] == [0o600, 0o700]
        assert seen(leak.folder, git) == before
        assert leak.password not in done.stdout + done.stderr
        git("am", "-q", patch, cwd=leak.folder)
        assert leak.password not in (leak.folder / "app.py").read_text()
        assert "DATABASE_URL=ref+local://app#/DATABASE_URL" in (leak.folder / "secretguard.refs.env").read_text()

    def test_a_patch_goes_where_it_is_told(self, leak: Leak, run: Run, tmp_path: Path) -> None:
        place = tmp_path / "out.patch"
        assert run("rewrite", leak.name, *TO, "-o", place, cwd=leak.folder).returncode == 0
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        nowhere = run("rewrite", leak.name, *TO, "-o", tmp_path / "none" / "out.patch", cwd=leak.folder)
        assert nowhere.returncode == 3
        assert "cannot be written" in nowhere.stderr

    def test_a_rerun_moves_the_same_branch_or_says_that_nothing_is_new(self, leak: Leak, run: Run, git: Git) -> None:
        line = ("rewrite", leak.name, *TO, "--deliver", "branch")
        before = seen(leak.folder, git)[1:]
        assert run(*line, cwd=leak.folder).returncode == 0
        first = git("rev-parse", leak.branch, cwd=leak.folder)
        again = run(*line, cwd=leak.folder)
        assert "(it is there already, exactly so)" in again.stdout
        assert git("rev-parse", leak.branch, cwd=leak.folder) == first
        assert seen(leak.folder, git)[1:] == before
        leak.file("more.py", f'DATABASE_URL = "{leak.url}"\n', git)
        more = run(*line, cwd=leak.folder)
        assert more.returncode == 0, more.stderr
        assert "already, exactly so" not in more.stdout
        assert git("rev-parse", f"{leak.branch}^", cwd=leak.folder) == git("rev-parse", "HEAD", cwd=leak.folder)
        assert leak.password not in git("show", f"{leak.branch}:more.py", cwd=leak.folder)

    def test_a_branch_with_somebody_elses_work_is_left_alone(self, leak: Leak, run: Run, git: Git) -> None:
        git("branch", leak.branch, cwd=leak.folder)
        done = run("rewrite", leak.name, *TO, "--deliver", "branch", cwd=leak.folder)
        assert done.returncode == 3, done.stdout + done.stderr
        assert "did not make" in done.stderr

    def test_two_clones_of_one_name_get_a_patch_each(
        self, leak: Leak, run: Run, tmp_path: Path, environment: dict[str, str]
    ) -> None:
        other = shutil.copytree(leak.folder, tmp_path / "other" / "orders")
        places = ("--repo", leak.folder, "--repo", other)
        refused = run("rewrite", leak.name, *TO, *places, "-o", "out.patch")
        assert refused.returncode == 2, refused.stdout
        assert "-o takes one patch" in refused.stderr
        done = run("rewrite", leak.name, *TO, *places, "--format", "json")
        assert done.returncode == 0, done.stderr
        delivered = {one["delivered"]["where"] for one in json.loads(done.stdout)["repositories"]}
        assert delivered == {str(one) for one in Path(environment["HOME"]).rglob("*.patch")}
        assert len(delivered) == 2

    def test_nothing_leaves_with_the_value_that_is_in_place_now(self, leak: Leak, run: Run, git: Git) -> None:
        new = secrets.token_urlsafe(24)
        url = leak.url.replace(leak.password, new)
        leak.file("app.py", f'DATABASE_URL = "{leak.url}"\nNEXT = "{url}"\n', git)
        assert run("store", "put", TO[1], input=url).returncode == 0
        done = run("rewrite", leak.name, *TO, "--deliver", "branch", cwd=leak.folder)
        assert done.returncode == 3, done.stdout
        assert "the new value is in app.py" in done.stderr
        assert new not in done.stdout + done.stderr
        assert not git("branch", "--list", leak.branch, cwd=leak.folder)

    def test_the_main_variable_is_called_as_asked(self, leak: Leak, run: Run, git: Git) -> None:
        line = ("rewrite", leak.name, *TO, "--deliver", "branch", "--variable", "ORDERS_URL")
        assert run(*line, cwd=leak.folder).returncode == 0
        assert "ORDERS_URL" in git("show", f"{leak.branch}:app.py", cwd=leak.folder)
        references = git("show", f"{leak.branch}:secretguard.refs.env", cwd=leak.folder)
        assert "ORDERS_URL=ref+local://app#/DATABASE_URL" in references

    def test_a_bare_repository_gets_a_branch_too(self, leak: Leak, run: Run, git: Git, tmp_path: Path) -> None:
        git("clone", "-q", "--bare", leak.folder, tmp_path / "bare.git")
        done = run("rewrite", leak.name, *TO, "--deliver", "branch", "--repo", tmp_path / "bare.git")
        assert done.returncode == 0, done.stderr
        assert leak.password not in git("show", f"{leak.branch}:app.py", cwd=tmp_path / "bare.git")

    def test_a_pull_request_waits_for_the_proof_of_death(self, leak: Leak, run: Run) -> None:
        done = run("rewrite", leak.name, *TO, "--deliver", "pr", cwd=leak.folder)
        assert done.returncode == 3
        assert "not proven dead" in done.stderr


class TestWrongLines:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("hunter2", *TO), "not a credential id"),
            (("sg_0123456789ab", *TO), "sg_0123456789ab is not in ."),
            (("NAME",), "--to"),
            (("NAME", "--to", "DATABASE_URL"), "not a reference"),
            (("NAME", "--to", "ref+exec://rm"), "runs a command"),
            (("NAME", *TO, "--variable", "hunter-2"), "name of an environment variable"),
            (("NAME", *TO, "--variable", "A\nB"), "name of an environment variable"),
            (("NAME", *TO, "-o", "x.patch", "--deliver", "branch"), "-o is for --deliver patch"),
            (("NAME", *TO, "--insist"), "--insist is for --deliver pr"),
            (("NAME", *TO, "--deliver", "none"), "none"),
        ],
    )
    def test_is_explained(self, leak: Leak, run: Run, git: Git, words: tuple[str, ...], told: str) -> None:
        before = seen(leak.folder, git)
        done = run("rewrite", *(leak.name if word == "NAME" else word for word in words), cwd=leak.folder)
        assert done.returncode == 2, done.stdout + done.stderr
        assert told in done.stderr
        assert "hunter2" not in done.stderr
        assert seen(leak.folder, git) == before
        assert not list(leak.folder.glob("*.patch"))

    def test_a_directory_that_is_no_repository_is_not_called_done(self, leak: Leak, run: Run, tmp_path: Path) -> None:
        plain = tmp_path / "plain"
        plain.mkdir()
        shutil.copy(leak.folder / "app.py", plain)
        for places in (("--repo", plain), ("--repo", leak.folder, "--repo", plain)):
            done = run("rewrite", leak.name, *TO, *places)
            assert done.returncode == 3, done.stdout + done.stderr
            assert f"{plain} is no git repository: nothing can be delivered there." in done.stderr

    def test_a_repository_without_a_commit_has_nothing_to_rewrite(
        self, leak: Leak, run: Run, git: Git, tmp_path: Path
    ) -> None:
        git("init", "-q", tmp_path / "unborn")
        shutil.copy(leak.folder / "app.py", tmp_path / "unborn")
        for places in (("--repo", tmp_path / "unborn"), ("--repo", leak.folder, "--repo", tmp_path / "unborn")):
            done = run("rewrite", leak.name, *TO, *places)
            assert done.returncode == 3, done.stdout + done.stderr
            assert "has no commit yet: nothing can be delivered there." in done.stderr


@pytest.mark.parametrize("more", [(), ("--plan",)], ids=["delivering", "planning"])
def test_a_patch_takes_nobodys_place_and_is_not_printed(run: Run, leak: Leak, more: tuple[str, ...]) -> None:
    before = (leak.folder / "app.py").read_bytes()
    refused = run("rewrite", leak.name, *TO, "-o", "app.py", *more, cwd=leak.folder)
    assert refused.returncode == 3
    assert "app.py cannot be written: something else is there" in refused.stderr
    assert (leak.folder / "app.py").read_bytes() == before
    printed = run("rewrite", leak.name, *TO, "-o", "-", *more, cwd=leak.folder)
    assert printed.returncode == 2
    assert "a patch is not printed: its removed lines hold the old value" in printed.stderr
    assert not (leak.folder / "-").exists()
    assert leak.password not in printed.stdout + printed.stderr


def test_a_name_that_has_the_leaked_value_in_another_file_is_the_credentials_own(
    run: Run, leak: Leak, git: Git
) -> None:
    leak.file("app.py", f'connect("{leak.url}")\n', git)
    leak.file("Dockerfile", f"FROM scratch\nENV DATABASE_URL={leak.url}\n", git)
    planned = run("rewrite", leak.name, *TO, "--plan", "--format", "json", cwd=leak.folder)
    (repository,) = json.loads(planned.stdout)["repositories"]
    assert list(repository["variables"]) == ["DATABASE_URL"]


def test_merged_and_run_again_nothing_is_delivered(run: Run, leak: Leak, git: Git) -> None:
    leak.file("mixed.ts", f'const p: "{leak.password}" = "{leak.password}"\n', git)
    first = run("rewrite", leak.name, *TO, "--deliver", "branch", cwd=leak.folder)
    assert first.returncode == 0, first.stderr
    assert "mixed.ts:1" in first.stdout
    git("merge", "-q", leak.branch, cwd=leak.folder)
    git("branch", "-D", leak.branch, cwd=leak.folder)
    again = run("rewrite", leak.name, *TO, "--deliver", "branch", cwd=leak.folder)
    assert again.returncode == 0, again.stderr
    assert "secretguard.refs.env" not in again.stdout
    assert git("branch", "--list", leak.branch, cwd=leak.folder).strip() == ""

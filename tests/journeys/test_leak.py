"""The leak repository, scanned as a new user would: every credential once, with every place, and nothing else."""

import hashlib
import hmac
import json
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from secretguard.testing import Manifest, Planted, build_leak
from secretguard.testing.manifest import ExpectedCredential, ExpectedPlace
from tests.journeys.running import CommandLine, Done, leaks, leaks_below

SEED = 20260401
Report = dict[str, Any]
Place = tuple[str, str, str, str]
SHARED = ("history", "stash", "note", "commit-message", "tag-message")
"""Kinds of place that a mirror clone takes along."""


@pytest.fixture(scope="module")
def leak(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return build_leak(tmp_path_factory.mktemp("leak") / "orders", SEED)


@pytest.fixture(scope="module")
def scanned(leak: Manifest, command_line: CommandLine) -> Done:
    return command_line.run("scan", "--history", "--format", "json", cwd=leak.path)


@pytest.fixture(scope="module")
def report(scanned: Done) -> Report:
    assert scanned.stdout, scanned.stderr
    data: Report = json.loads(scanned.stdout)
    return data


def id_of(planted: Planted) -> str:
    """The id as the design writes it down, made without the product."""
    canonical = json.dumps(
        [1, planted.family, planted.user, planted.secret], ensure_ascii=False, separators=(",", ":")
    ).encode()
    if planted.family in ("token", "aws"):
        return "sg_" + hmac.new(b"secretguard/id/1", canonical, hashlib.sha256).hexdigest()[:12]
    return "sg_" + hashlib.scrypt(canonical, salt=b"secretguard/id/1", n=1 << 12, r=8, p=1).hex()[:12]


def ids(report: Report) -> set[str]:
    return {one["id"] for one in report["credentials"]}


def by_id(report: Report) -> dict[str, Any]:
    return {one["id"]: one for one in report["credentials"]}


def places(credential: dict[str, Any]) -> Counter[Place]:
    return Counter(
        (at["source"], at["path"], at["commit"] or "", at["inner"] or "") for at in credential["occurrences"]
    )


def expected_places(places: Iterable[ExpectedPlace]) -> Counter[Place]:
    return Counter((at.source, at.path, at.commit, at.inner) for at in places)


def differences(manifest: Iterable[ExpectedCredential], report: Report) -> dict[str, Any]:
    """What the report lists too little and too much, by the name of what was planted."""
    found = by_id(report)
    wrong = {}
    for expected in manifest:
        want = expected_places(expected.places)
        got = places(found[id_of(expected.planted)]) if id_of(expected.planted) in found else Counter[Place]()
        if want != got:
            wrong[expected.planted.name] = {"missing": dict(want - got), "too many": dict(got - want)}
    return wrong


def only(manifest: Iterable[ExpectedCredential], *sources: str) -> list[ExpectedCredential]:
    """The credentials with a place of these kinds, with those places alone."""
    kept = [ExpectedCredential(one.planted, tuple(at for at in one.places if at.source in sources)) for one in manifest]
    return [one for one in kept if one.places]


def secrets(leak: Manifest) -> list[str]:
    return [value for one in leak.with_ignored for value in (one.planted.secret, *one.planted.other_values)]


def test_the_leak_is_what_it_promises(leak: Manifest) -> None:
    login = leak.named("login")
    assert len({place.path for place in login.places}) >= 60
    vendors = {one.planted.name.partition("-")[0] for one in leak.credentials if one.planted.name[-1].isdigit()}
    keys = [one for one in leak.credentials if one.planted.name[-1].isdigit()]
    assert (len(keys), len(vendors)) == (20, 8)
    kinds = {place.source for one in leak.credentials for place in one.places}
    assert kinds == {
        "worktree", "staged", "history", "stash", "reflog", "unreachable", "commit-message", "tag-message", "note",
    }  # fmt: skip


def test_the_same_seed_gives_the_same_commits(leak: Manifest, tmp_path: Path, command_line: CommandLine) -> None:
    again = build_leak(tmp_path / "again", SEED)
    assert again.credentials == leak.credentials
    refs = [command_line.git("for-each-ref", cwd=path) for path in (leak.path, again.path)]
    assert refs[0] == refs[1]


def test_it_ends_with_found_and_nothing_unread(scanned: Done, report: Report) -> None:
    assert scanned.returncode == 1
    assert "Traceback" not in scanned.stderr
    assert report["problems"] == []
    assert report["target"]["mode"] == "history"
    assert report["stats"]["skipped"] == 0
    assert report["stats"]["objects"] > 200
    assert report["stats"]["bytes"] > 30_000


def test_every_credential_is_reported_exactly_once(leak: Manifest, report: Report) -> None:
    found = Counter(one["id"] for one in report["credentials"])
    missing = [one.planted.name for one in leak.credentials if found[id_of(one.planted)] != 1]
    assert missing == []


def test_nothing_else_is_reported(leak: Manifest, report: Report) -> None:
    planted = {id_of(one.planted) for one in leak.credentials}
    others = [one for one in report["credentials"] if one["id"] not in planted]
    assert [(one["rule"], [at["path"] for at in one["occurrences"]]) for one in others] == []


def test_every_place_is_listed_and_no_other(leak: Manifest, report: Report) -> None:
    assert differences(leak.credentials, report) == {}


def test_places_are_counted_by_kind(leak: Manifest, report: Report) -> None:
    counted = Counter(at["source"] for one in report["credentials"] for at in one["occurrences"])
    assert counted == sum((one.by_source for one in leak.credentials), Counter[str]())


@pytest.mark.parametrize(
    "name",
    [
        "login", "neighbour", "aws", "edited", "moved", "deleted", "returned", "side", "both", "resolution", "message",
        "note", "tagged", "tag-message", "tagged-blob", "stash", "amended", "reset", "unreachable", "dangling", "index",
        "untracked", "remote",
    ],
)  # fmt: skip
def test_the_summary_of_a_credential_is_true(leak: Manifest, report: Report, name: str) -> None:
    expected = leak.named(name)
    found = by_id(report)[id_of(expected.planted)]
    first = expected.first
    assert {key: found[key] for key in ("files", "commits", "in_head", "first_seen", "introduced_by")} == {
        "files": expected.files,
        "commits": expected.commits,
        "in_head": expected.in_head,
        "first_seen": first.date if first else None,
        "introduced_by": {"commit": first.commit or None, "author": first.author} if first else None,
    }
    assert found["parts"].get("user", "") == expected.planted.user
    assert found["verdict"] == "unchecked"


def test_a_login_knows_every_server_it_opens(leak: Manifest, report: Report) -> None:
    found = by_id(report)[id_of(leak.named("login").planted)]
    ports = {(end["host"].partition(".")[0], end["port"]) for end in found["endpoints"] if end["database"]}
    assert ports >= {("orders-db", 5432), ("replica-2", 5433), ("pooler", 6432)}
    assert found["vendor"] == "PostgreSQL"
    assert found["severity"] == "critical"


def test_an_occurrence_says_where_exactly(leak: Manifest, report: Report) -> None:
    found = by_id(report)[id_of(leak.named("login").planted)]
    for at in found["occurrences"]:
        if at["source"] != "worktree" or at["inner"] or at["path"].endswith("utf16.env"):
            continue
        line = (leak.path / at["path"]).read_text().splitlines()[at["line"] - 1]
        assert 1 <= at["column"] <= len(line), at
        assert at["blob"] == hashlib.sha1(_git_blob((leak.path / at["path"]).read_bytes())).hexdigest()


def test_the_encoded_spellings_say_how_they_are_encoded(leak: Manifest, report: Report) -> None:
    found = by_id(report)[id_of(leak.named("login").planted)]
    chains = {at["path"]: at["encoding"] for at in found["occurrences"]}
    assert chains["deploy/encoded.env"][0] == "base64"
    assert chains["deploy/secret.yaml"] == ["base64"]
    assert chains["scripts/decode_hex.py"][0] == "hex"
    assert chains["deploy/utf16.env"][0].startswith("utf-16")
    assert chains["config/unicode.json"][0] == "escape"
    assert chains["deploy/prod.env"] == ["percent"]
    assert chains["deploy/split.env"] == []


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A home that nothing has touched but these scans."""
    return CommandLine(tmp_path_factory.mktemp("apart"))


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif"])
@pytest.mark.parametrize("verbose", [False, True])
def test_no_value_leaves_the_process(leak: Manifest, apart: CommandLine, form: str, verbose: bool) -> None:
    words = ["-v", "-v"] if verbose else []
    done = apart.run(*words, "scan", "--history", "--include-ignored", "--format", form, cwd=leak.path)
    assert done.returncode == 1, done.stderr
    assert leaks(secrets(leak), done.stdout, done.stderr) == []
    assert leaks_below(secrets(leak), apart.home) == []
    assert any(apart.home.rglob("*.bin")), "the canary looked at an empty cache"


def test_show_secrets_is_the_way_to_see_them(leak: Manifest, command_line: CommandLine) -> None:
    found = by_id(command_line.scan("--history", "--show-secrets", cwd=leak.path, code=1))
    for expected in leak.credentials:
        credential = found[id_of(expected.planted)]
        assert credential["secret"] == expected.planted.secret
        assert credential["match"]


def test_a_report_with_secrets_is_private(leak: Manifest, command_line: CommandLine, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    command_line.run("scan", "--show-secrets", "--format", "json", "-o", target, cwd=leak.path)
    assert target.stat().st_mode & 0o777 == 0o600
    assert leak.named("login").planted.secret in target.read_text()


def test_include_ignored_finds_the_env_file_too(leak: Manifest, command_line: CommandLine) -> None:
    report = command_line.scan("--history", "--include-ignored", cwd=leak.path, code=1)
    assert differences(leak.with_ignored, report) == {}
    assert len(report["credentials"]) == len(leak.with_ignored)


def test_without_a_mode_the_current_files_are_scanned(leak: Manifest, command_line: CommandLine) -> None:
    report = command_line.scan(cwd=leak.path, code=1)
    expected = only(leak.credentials, "worktree")
    assert differences(expected, report) == {}
    assert len(report["credentials"]) == len(expected)


def test_a_subdirectory_is_that_part_of_the_files(leak: Manifest, command_line: CommandLine) -> None:
    report = command_line.scan("deploy", cwd=leak.path, code=1)
    paths = {at["path"] for one in report["credentials"] for at in one["occurrences"]}
    assert paths
    assert all(path.startswith("deploy/") for path in paths)


def test_staged_is_exactly_the_index(leak: Manifest, command_line: CommandLine) -> None:
    report = command_line.scan("--staged", cwd=leak.path, code=1)
    assert ids(report) == {id_of(leak.named("index").planted)}
    assert [places(one) for one in report["credentials"]] == [Counter({("staged", "staged.env", "", ""): 1})]


def test_since_is_what_later_commits_add(leak: Manifest, command_line: CommandLine) -> None:
    start = leak.named("edited").first
    assert start is not None
    commits = command_line.git("rev-list", f"{start.commit}..HEAD", cwd=leak.path).split()
    expected = [
        ExpectedCredential(one.planted, tuple(at for at in one.places if at.commit in commits))
        for one in leak.credentials
        if any(at.commit in commits for at in one.places)
    ]
    report = command_line.scan("--since", start.commit, cwd=leak.path, code=1)
    assert differences(expected, report) == {}
    assert len(report["credentials"]) == len(expected) >= 5


def test_stdin_is_one_place(leak: Manifest, command_line: CommandLine) -> None:
    content = (leak.path / "deploy/prod.env").read_text()
    report = command_line.scan("--stdin", cwd=leak.path, feed=content, code=1)
    assert ids(report) == {id_of(leak.named("login").planted)}
    assert [at["source"] for at in report["credentials"][0]["occurrences"]] == ["stdin"]
    assert command_line.scan("--stdin", cwd=leak.path, feed="nothing\n", code=0)["credentials"] == []


def test_files_without_git_are_scanned_as_they_are(leak: Manifest, command_line: CommandLine, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(leak.path, plain, ignore=shutil.ignore_patterns(".git"))
    report = command_line.scan(plain, cwd=tmp_path, code=1)
    expected = [one for one in only(leak.with_ignored, "worktree") if one.planted.name != "remote"]
    assert differences(expected, report) == {}
    assert len(report["credentials"]) == len(expected)


def test_a_single_file_is_scanned(leak: Manifest, command_line: CommandLine) -> None:
    report = command_line.scan("deploy/prod.env", cwd=leak.path, code=1)
    assert [places(one) for one in report["credentials"]] == [Counter({("worktree", "deploy/prod.env", "", ""): 1})]


def test_a_bare_clone_has_the_same_ids(leak: Manifest, command_line: CommandLine, tmp_path: Path) -> None:
    command_line.git("clone", "-q", "--mirror", "--no-local", leak.path, "orders.git", cwd=tmp_path)
    report = command_line.scan("orders.git", "--history", cwd=tmp_path, code=1)
    expected = only(leak.credentials, *SHARED)
    assert ids(report) == {id_of(one.planted) for one in expected}
    assert differences(expected, report) == {}


def test_a_clone_url_is_fetched_and_scanned(leak: Manifest, command_line: CommandLine, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environ = {"TMPDIR": str(temporary)}
    report = command_line.scan(f"file://{leak.path}", "--history", cwd=tmp_path, environ=environ, code=1)
    assert ids(report) == {id_of(one.planted) for one in only(leak.credentials, *SHARED)}
    assert list(temporary.iterdir()) == []


def test_packing_changes_nothing(leak: Manifest, report: Report, command_line: CommandLine, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    shutil.copytree(leak.path, packed, symlinks=True)
    command_line.git("gc", "-q", cwd=packed)
    again = command_line.scan("--history", cwd=packed, code=1)
    assert again["credentials"] == report["credentials"]


def test_a_rebase_keeps_the_ids(leak: Manifest, command_line: CommandLine, tmp_path: Path) -> None:
    command_line.git("clone", "-q", "--no-local", "-b", "experiment", leak.path, "work", cwd=tmp_path)
    work = tmp_path / "work"
    before = command_line.scan("--history", cwd=work, code=1)
    old = command_line.git("rev-list", "HEAD", cwd=work).split()
    command_line.git("rebase", "-q", "--root", "--force-rebase", cwd=work)
    after = command_line.scan("--history", cwd=work, code=1)
    assert ids(after) == ids(before)
    side = by_id(after)[id_of(leak.named("side").planted)]
    assert {at["source"] for at in side["occurrences"]} >= {"history", "worktree"}
    assert any(at["source"] == "history" and at["commit"] not in old for at in side["occurrences"])


def test_a_second_scan_says_the_same(leak: Manifest, report: Report, command_line: CommandLine) -> None:
    for words in ([], ["--no-cache"], ["--jobs", "2"]):
        assert command_line.scan("--history", *words, cwd=leak.path, code=1)["credentials"] == report["credentials"]


def test_a_baseline_of_everything_leaves_nothing(leak: Manifest, command_line: CommandLine, tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(leak.path, work, symlinks=True)
    done = command_line.run("baseline", "create", "--history", cwd=work)
    assert done.returncode == 0, done.stderr
    report = command_line.scan("--history", cwd=work, code=0)
    assert report["credentials"] == []
    assert {one["id"] for one in report["ignored"]} >= {id_of(one.planted) for one in leak.credentials}
    assert leaks(secrets(leak), (work / ".secretguard-baseline.json").read_text()) == []


def test_fail_on_is_a_threshold(leak: Manifest, command_line: CommandLine) -> None:
    done = command_line.run("scan", "--fail-on", "live", cwd=leak.path)
    assert done.returncode == 0
    assert id_of(leak.named("login").planted) in done.stdout


def test_text_names_each_credential_once(leak: Manifest, command_line: CommandLine) -> None:
    done = command_line.run("scan", "--history", cwd=leak.path)
    assert "\x1b" not in done.stdout
    for expected in leak.credentials:
        assert done.stdout.count(id_of(expected.planted)) >= 1, expected.planted.name


def _git_blob(data: bytes) -> bytes:
    return b"blob %d\0" % len(data) + data

"""A second scan of a history reads what is new, and says what a first scan would say."""

import os
import time
from pathlib import Path

import pytest

from secretguard.scan.cache import cache_directory, compiled_rules
from tests.git.repositories import Workshop, _own_git_configuration, make, repo
from tests.scan.rescans import ids, login, report, rescanned, settle, state_file, token, unknown

__all__ = ["_own_git_configuration", "repo"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which no repository is remembered; the compiled rules are those of the other tests."""
    compiled_rules()  # there, if no test before this one did
    rules = [*cache_directory().glob("rules-*.bin"), *cache_directory().glob("key")]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    directory = cache_directory()
    directory.mkdir(mode=0o700, parents=True)
    for file in rules:
        (directory / file.name).hardlink_to(file)
    return directory


@pytest.fixture
def leaky(repo: Workshop) -> Workshop:
    """A repository with a token, a login in many versions of a file, and some of it packed."""
    for number in range(6):
        repo.commit(f"version {number}", settings_env=f"# {number}\n{login(1)}", src__a_py=f"a = {number}\n" * number)
    repo.git("repack", "-adq")
    repo.commit("a token", src__b_py=token(1))
    return repo


def test_the_second_scan_has_nothing_to_read_and_says_the_same(leaky: Workshop) -> None:
    settle()
    cold = report(leaky)
    assert len(cold["credentials"]) == 2
    assert unknown(leaky) == 0
    assert rescanned(leaky) == cold
    assert unknown(leaky) == 0


def test_what_was_added_is_read_and_found(leaky: Workshop) -> None:
    before = rescanned(leaky)
    leaky.commit("more", src__c_py=token(2))
    assert 0 < unknown(leaky) < 6
    after = rescanned(leaky)
    assert len(ids(after) - ids(before)) == 1
    assert unknown(leaky) == 0


def test_an_old_secret_at_a_new_path_is_told_there_too(leaky: Workshop) -> None:
    rescanned(leaky)
    commit = leaky.commit("copied", copy_env=f"# 3\n{login(1)}")
    places = [place for one in rescanned(leaky)["credentials"] for place in one["occurrences"]]
    assert [place["commit"] for place in places if place["path"] == "copy.env" and place["commit"]] == [commit]


@pytest.mark.parametrize("command", [
    ("repack", "-adq"), ("repack", "-q"), ("prune-packed",), ("gc", "-q", "--prune=now"), ("pack-refs", "--all"),
    ("reflog", "expire", "--expire=now", "--all"), ("branch", "-f", "other", "HEAD~3"), ("reset", "-q", "--hard", "HEAD~2"),
    ("checkout", "-q", "--detach", "HEAD~1"), ("commit", "-q", "--amend", "-m", "another"), ("repack", "-adfq", "--depth=1"),
    ("multi-pack-index", "write"), ("commit-graph", "write"), ("update-ref", "-d", "HEAD"), ("tag", "-a", "v1", "-m", "one"),
    ("rm", "-q", "--cached", "src/b.py"), ("symbolic-ref", "HEAD", "refs/heads/unborn"), ("unpack",),
])  # fmt: skip
def test_what_git_does_to_a_repository_makes_no_difference(leaky: Workshop, command: tuple[str, ...]) -> None:
    rescanned(leaky)
    if command == ("unpack",):
        (pack,) = leaky.path.glob(".git/objects/pack/*.pack")
        moved = pack.rename(leaky.path.parent / pack.name)
        pack.with_suffix(".idx").unlink()
        leaky.git("unpack-objects", "-q", stdin=moved.read_bytes())
    else:
        leaky.git(*command)
    rescanned(leaky)
    leaky.commit("afterwards", late_py=token(3))
    rescanned(leaky)


def test_pruned_objects_are_forgotten(leaky: Workshop) -> None:
    before = rescanned(leaky)
    leaky.git("reset", "-q", "--hard", "HEAD~1")
    leaky.git("reflog", "expire", "--expire=now", "--all")
    leaky.git("gc", "-q", "--prune=now")
    assert len(ids(before) - ids(rescanned(leaky))) == 1


def test_a_pack_in_place_of_another_under_its_name_is_read(leaky: Workshop, tmp_path: Path) -> None:
    rescanned(leaky)
    other = make(tmp_path / "other")
    other.commit("one", x=token(7))
    other.git("repack", "-adq")
    (theirs,) = other.path.glob(".git/objects/pack/*.pack")
    (ours,) = leaky.path.glob(".git/objects/pack/*.pack")
    (ours.parent / "multi-pack-index").unlink(missing_ok=True)
    for suffix in (".pack", ".idx"):
        ours.with_suffix(suffix).unlink()
        ours.with_suffix(suffix).write_bytes(theirs.with_suffix(suffix).read_bytes())
    ours.with_suffix(".rev").unlink(missing_ok=True)
    assert any(token(7).partition("=")[2].strip() == one["secret"] for one in rescanned(leaky)["credentials"])


@pytest.mark.parametrize("ahead", [0, 3600], ids=["settled", "may be written to unnoticed"])
def test_what_git_only_touched_is_not_read_again(leaky: Workshop, ahead: int) -> None:
    before = rescanned(leaky)
    (pack,) = leaky.path.glob(".git/objects/pack/*.pack")
    for file in (pack, leaky.loose(leaky.git("rev-parse", "HEAD:src/b.py"))):
        os.utime(file, (time.time() + ahead,) * 2)
    assert unknown(leaky) == 0
    assert rescanned(leaky) == before
    assert unknown(leaky) == 0


def test_what_was_touched_is_checked_once(leaky: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    rescanned(leaky)
    (pack,) = leaky.path.glob(".git/objects/pack/*.pack")
    pack.touch()
    rescanned(leaky)
    monkeypatch.setattr("secretguard.scan.history_known.is_pack_intact", lambda pack: False)
    assert unknown(leaky) == 0


def test_git_touches_what_it_is_asked_to_write_again(leaky: Workshop) -> None:
    rescanned(leaky)
    (pack,) = leaky.path.glob(".git/objects/pack/*.pack")
    written = pack.stat().st_mtime_ns
    leaky.blob(f"# 3\n{login(1)}")
    assert pack.stat().st_mtime_ns > written
    assert unknown(leaky) == 0


def test_a_pack_that_was_written_to_in_place_is_read_again(leaky: Workshop) -> None:
    rescanned(leaky)
    (pack,) = leaky.path.glob(".git/objects/pack/*.pack")
    content = pack.read_bytes()
    pack.chmod(0o644)
    pack.write_bytes(content[:40] + bytes(20) + content[60:])
    assert unknown(leaky) > 6
    assert rescanned(leaky)["problems"]
    pack.write_bytes(content)
    assert rescanned(leaky)["problems"] == []


@pytest.mark.parametrize("kept", [0, 30, -1])
def test_a_pack_that_was_cut_off_is_no_longer_what_it_was(leaky: Workshop, kept: int) -> None:
    rescanned(leaky)
    (pack,) = leaky.path.glob(".git/objects/pack/*.pack")
    pack.chmod(0o644)
    os.truncate(pack, pack.stat().st_size - 1 if kept == -1 else kept)
    assert rescanned(leaky)["problems"]


def test_a_loose_object_that_was_damaged_is_read_again(leaky: Workshop) -> None:
    rescanned(leaky)
    name = leaky.git("rev-parse", "HEAD:src/b.py")
    content = leaky.loose(name).read_bytes()
    leaky.damage(name, b"no object")
    assert rescanned(leaky)["problems"]
    leaky.damage(name, None)
    assert rescanned(leaky)["problems"]
    leaky.loose(name).write_bytes(content)
    assert rescanned(leaky)["problems"] == []


def test_what_appears_in_an_alternate_is_found(leaky: Workshop, tmp_path: Path) -> None:
    lender = make(tmp_path / "lender")
    (leaky.path / ".git/objects/info/alternates").write_text(f"{lender.path}/.git/objects\n")
    before = rescanned(leaky)
    lender.commit("one", x=token(5))
    loose = rescanned(leaky)
    lender.git("repack", "-adq")
    assert len(ids(loose) - ids(before)) == 1
    assert ids(rescanned(leaky)) == ids(loose)
    (leaky.path / ".git/objects/info/alternates").unlink()
    assert ids(rescanned(leaky)) == ids(before)


def test_a_missing_object_that_comes_back_is_placed_where_it_belongs(leaky: Workshop) -> None:
    leaky.git("repack", "-adq")
    name = leaky.blob(token(8))
    tree = leaky.git("mktree", stdin=f"100644 blob {name}\tf\n".encode())
    commit = leaky.git("commit-tree", "-m", "lost", tree)
    leaky.git("update-ref", "refs/heads/lost", commit)
    content = leaky.loose(name).read_bytes()
    leaky.damage(name, None)
    assert rescanned(leaky)["problems"]
    leaky.loose(name).write_bytes(content)
    found = [place for one in rescanned(leaky)["credentials"] for place in one["occurrences"] if place["blob"] == name]
    assert [(place["commit"], place["path"]) for place in found] == [(commit, "f")]


def test_other_rules_read_everything(leaky: Workshop, tmp_path: Path) -> None:
    rescanned(leaky)
    rules = tmp_path / "more.yaml"
    pattern = "version [0-9]{1,3}"
    rules.write_text(
        f"vendor: A\nrules: [{{id: zz, kind: zz, title: Z, severity: low, pattern: '{pattern}', "
        "examples: [version 1], counter_examples: [y]}]\n"
    )
    assert len(rescanned(leaky, rules)["credentials"]) > 2
    assert len(rescanned(leaky)["credentials"]) == 2


def test_another_id_key_gives_other_ids(leaky: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rescanned(leaky)
    monkeypatch.setenv("SECRETGUARD_ID_KEY", "ours")
    assert ids(rescanned(leaky)).isdisjoint(ids(before))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign", "directory"])
def test_a_state_that_does_not_verify_is_as_if_it_were_not_there(leaky: Workshop, tmp_path: Path, damage: str) -> None:
    settle()
    report(leaky)
    file = state_file()
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[:-1])
    elif damage == "flipped":
        file.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "foreign":
        file.unlink()
        other = make(tmp_path / "other")
        other.commit("one", f="nothing\n")
        settle()
        report(other)
        state_file().rename(file)
    else:
        file.unlink()
        file.mkdir()
    everything = unknown(leaky)
    assert everything > 6
    rescanned(leaky)
    assert unknown(leaky) == (everything if damage == "directory" else 0)


def test_a_state_of_another_version_does_not_count(leaky: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    rescanned(leaky)
    monkeypatch.setattr("secretguard.__version__", "0.0.0")
    assert unknown(leaky) > 6
    rescanned(leaky)
    assert unknown(leaky) == 0


def test_without_the_cache_no_state_is_read_or_written(leaky: Workshop, own_cache: Path) -> None:
    settle()
    report(leaky, use_cache=False)
    assert list(own_cache.glob("history-*")) == []
    report(leaky)
    file = state_file()
    before = file.stat()
    leaky.commit("more", f=token(4))
    report(leaky, use_cache=False)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_the_state_is_private_and_holds_nothing_that_was_found(leaky: Workshop) -> None:
    named = token(6).partition("=")[2].strip()
    leaky.commit("a password with everything", **{f"{named}_txt": login(2)})
    leaky.commit(token(9), f=f"zip {token(10)}")
    found = [one["secret"] for one in rescanned(leaky)["credentials"]]
    assert len(found) >= 5
    content = state_file().read_bytes()
    assert [value for value in (*found, *(value[:8] for value in found)) if value.encode() in content] == []
    assert state_file().stat().st_mode & 0o777 == 0o600


def test_a_secret_in_a_path_or_name_is_not_remembered(leaky: Workshop) -> None:
    value = token(1).partition("=")[2].strip()
    leaky.write(f"keys/{value}.txt", token(1))
    leaky.git("add", "-A")
    leaky.git("commit", "-q", "-m", "named", GIT_AUTHOR_NAME=value)
    rescanned(leaky)
    assert value.encode() not in state_file().read_bytes()
    assert unknown(leaky) == 0


def test_the_repositories_not_scanned_for_longest_are_forgotten(repo: Workshop, own_cache: Path) -> None:
    repo.commit("one", f="nothing\n")
    for number in range(70):
        (own_cache / f"history-{number:02}.bin").write_bytes(b"")
        os.utime(own_cache / f"history-{number:02}.bin", (number, number))
    settle()
    report(repo)
    left = sorted(path.name for path in own_cache.glob("history-*.bin"))
    assert len(left) == 64
    assert "history-06.bin" not in left
    assert "history-07.bin" in left


def test_a_repository_in_place_of_another_is_not_taken_for_it(leaky: Workshop) -> None:
    rescanned(leaky)
    moved = leaky.path.rename(leaky.path.with_name("moved"))
    other = make(leaky.path)
    other.commit("one", f=token(11))
    assert len(rescanned(other)["credentials"]) == 1
    assert len(rescanned(Workshop(moved, leaky.ticks))["credentials"]) == 2


def test_compiled_rules_are_kept_apart(leaky: Workshop, own_cache: Path) -> None:
    digest = compiled_rules().digest
    report(leaky)
    assert not state_file().name.startswith(("key", "rules-"))
    assert compiled_rules().digest == digest

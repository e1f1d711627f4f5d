"""Every object comes out as git has it, and one bad object never hides the others."""

import random
from itertools import pairwise
from pathlib import Path

import pytest

from secretguard.errors import GitError
from secretguard.git import windows
from secretguard.git.objects import connectivity_checked, list_objects, present, read_objects
from secretguard.git.repository import Repository
from secretguard.model import Problem
from tests.git.repositories import Workshop, make


def listed(repository: Repository) -> set[tuple[str, str, int]]:
    problems: list[Problem] = []
    found = [tuple(info) for info in list_objects(repository, problems)]
    assert problems == []
    assert len(found) == len(set(found))
    return set(found)


def as_git_lists(repo: Workshop) -> set[tuple[str, str, int]]:
    lines = repo.git("cat-file", "--batch-all-objects", "--batch-check").splitlines()
    return {(name, kind, int(size)) for name, kind, size in (line.split() for line in lines)}


def contents(repository: Repository, ids: list[str], problems: list[Problem]) -> dict[str, bytes]:
    read = list(read_objects(repository, ids, problems))
    assert len({info.id for info, _ in read}) == len(read)
    return {info.id: blob.data for info, blob in read}


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def test_loose_packed_alternate_and_unreachable_objects_are_listed_as_git_lists_them(tmp_path: Path) -> None:
    lender = make(tmp_path / "lender")
    lender.commit("lent", f="lent\n")
    repo = make(tmp_path / "repo")
    (repo.path / ".git/objects/info/alternates").write_text(f"{lender.path}/.git/objects\n")
    repo.commit("packed", a="packed\n")
    repo.git("gc", "-q")
    repo.commit("loose", b="loose\n")
    dangling = repo.blob("dangling\n")
    found = listed(repo.open())
    assert found == as_git_lists(repo)
    assert {dangling, lender.id_of("lent\n")} <= {name for name, _, _ in found}


def test_every_kind_of_content_is_read_byte_for_byte(repo: Workshop) -> None:
    samples = [b"", b"\n", b"no newline", b"\0binary\0", b"missing\n" * 3, noise(300_000), b"x" * 70_000]
    for number, sample in enumerate(samples):
        repo.commit("sample", **{f"f{number}": sample})
    repo.git("repack", "-q", "-a", "-d")
    repo.blob("loose too")
    names = [info.id for info in list_objects(repo.open(), [])]
    problems: list[Problem] = []
    read = contents(repo.open(), names, problems)
    assert list(read) == names
    for name in names:
        kind = repo.git("cat-file", "-t", name)
        assert read[name] == repo.raw("cat-file", kind, name)
    assert problems == []


def test_a_sha256_repository_is_read(tmp_path: Path) -> None:
    repo = make(tmp_path / "repo", "--object-format=sha256")
    repo.commit("one", f="content\n")
    repository = repo.open()
    assert repository.object_format == "sha256"
    assert listed(repository) == as_git_lists(repo)
    name = repo.id_of("content\n")
    assert len(name) == 64
    assert contents(repository, [name], []) == {name: b"content\n"}


@pytest.mark.parametrize("damage", [b"", b"garbage", b"x\x9c", None], ids=["empty", "garbage", "cut header", "gone"])
@pytest.mark.parametrize("position", [0, 1, 2, 3, 4])
def test_one_bad_loose_object_is_one_problem_and_the_rest_is_read(
    repo: Workshop, damage: bytes | None, position: int
) -> None:
    names = [repo.blob(noise(1000 + number)) for number in range(5)]
    repo.damage(names[position], damage)
    problems: list[Problem] = []
    read = contents(repo.open(), names, problems)
    assert list(read) == [name for name in names if name != names[position]]
    assert [problem.where for problem in problems] == [f"object {names[position]}"]
    assert problems[0].hint
    assert not problems[0].is_note


@pytest.mark.parametrize("position", [0, 2, 4])
def test_an_object_that_breaks_off_in_the_middle_is_one_problem_and_the_rest_is_read(
    repo: Workshop, position: int
) -> None:
    names = [repo.blob(noise(50_000 + number)) for number in range(5)]
    repo.damage(names[position], repo.loose(names[position]).read_bytes()[:20_000])
    problems: list[Problem] = []
    read = contents(repo.open(), names, problems)
    assert list(read) == [name for name in names if name != names[position]]
    assert [problem.where for problem in problems] == [f"object {names[position]}"]


def test_several_bad_objects_far_apart_are_a_problem_each(repo: Workshop) -> None:
    names = [repo.blob(noise(100 + number)) for number in range(40)]
    bad = [names[0], names[1], names[17], names[39]]
    for name in bad:
        repo.damage(name, repo.loose(name).read_bytes()[:30])
    problems: list[Problem] = []
    assert list(contents(repo.open(), names, problems)) == [name for name in names if name not in bad]
    assert [problem.where for problem in problems] == [f"object {name}" for name in bad]


def test_a_repository_full_of_bad_objects_does_not_flood_the_report(repo: Workshop) -> None:
    names = [repo.blob(noise(100 + number)) for number in range(60)]
    for name in names:
        repo.damage(name, b"")
    problems: list[Problem] = []
    assert list(list_objects(repo.open(), problems)) == []
    assert len(problems) < 25
    assert "40 more objects" in problems[-1].what


def packed(repo: Workshop) -> Path:
    for number in range(6):
        repo.commit("more", **{f"f{number}": noise(20_000 + number)})
    repo.git("gc", "-q")
    pack = next((repo.path / ".git/objects/pack").glob("*.pack"))
    pack.chmod(0o644)
    return pack


def everything(repo: Workshop) -> tuple[set[str], list[Problem]]:
    problems: list[Problem] = []
    names = [info.id for info in list_objects(repo.open(), problems)]
    read = contents(repo.open(), names, problems)
    with connectivity_checked(repo.open(), problems):
        pass
    return set(read), problems


def test_damage_inside_a_pack_costs_only_the_objects_it_hits(repo: Workshop) -> None:
    pack = packed(repo)
    whole = {name for name, _, _ in as_git_lists(repo)}
    data = bytearray(pack.read_bytes())
    data[30_000:30_020] = b"X" * 20
    pack.write_bytes(data)
    read, problems = everything(repo)
    assert len(whole - read) == 1
    assert {problem.where for problem in problems} == {f"object {name}" for name in whole - read}


def test_a_truncated_pack_is_a_problem_and_other_objects_are_read(repo: Workshop) -> None:
    pack = packed(repo)
    pack.write_bytes(pack.read_bytes()[:50_000])
    other = repo.blob("loose\n")
    read, problems = everything(repo)
    assert other in read
    assert any(not problem.is_note for problem in problems)


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_a_pack_without_a_usable_index_is_a_problem_though_git_lists_nothing(repo: Workshop, damage: str) -> None:
    index = packed(repo).with_suffix(".idx")
    index.chmod(0o644)
    data = index.read_bytes()
    index.unlink()
    if damage == "short":
        index.write_bytes(data[:600])
    other = repo.blob("loose\n")
    read, problems = everything(repo)
    assert other in read
    assert any(not problem.is_note for problem in problems)


def test_an_alternate_that_is_gone_is_a_problem(repo: Workshop) -> None:
    repo.commit("one", f="x\n")
    (repo.path / ".git/objects/info/alternates").write_text("/nowhere/objects\n")
    problems: list[Problem] = []
    assert len(list(list_objects(repo.open(), problems))) == 3
    assert len(problems) == 1
    assert "/nowhere" in problems[0].what


def test_a_blob_that_a_commit_needs_and_nobody_has_is_a_problem(repo: Workshop) -> None:
    repo.commit("one", f="x\n", g="y\n")
    gone = repo.id_of("x\n")
    repo.damage(gone, None)
    problems: list[Problem] = []
    with connectivity_checked(repo.open(), problems):
        pass
    assert [problem.where for problem in problems] == [f"object {gone}"]


def test_a_whole_repository_has_no_missing_objects_even_if_its_reflog_names_pruned_ones(repo: Workshop) -> None:
    repo.commit("one", f="x\n")
    lost = repo.commit("lost", f="y\n")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.damage(lost, None)
    problems: list[Problem] = []
    with connectivity_checked(repo.open(), problems):
        pass
    assert problems == []


def test_a_missing_parent_is_a_problem(repo: Workshop) -> None:
    first = repo.commit("one", f="x\n")
    repo.commit("two", f="y\n")
    repo.damage(first, None)
    problems: list[Problem] = []
    with connectivity_checked(repo.open(), problems):
        pass
    assert len(problems) == 1
    assert not problems[0].is_note


def partial_clone(tmp_path: Path) -> Workshop:
    origin = make(tmp_path / "origin")
    origin.commit("one", f="never fetched\n")
    origin.commit("two", f="fetched\n", g="fetched too\n")
    origin.git("config", "uploadpack.allowFilter", "true")
    origin.git("clone", "-q", "--filter=blob:none", f"file://{origin.path}", str(tmp_path / "partial"))
    return Workshop(tmp_path / "partial")


def test_in_a_partial_clone_what_was_never_fetched_is_a_note_and_is_not_fetched_now(tmp_path: Path) -> None:
    repo = partial_clone(tmp_path)
    repository = repo.open()
    assert repository.partial
    problems: list[Problem] = []
    absent, here = repo.id_of("never fetched\n"), repo.id_of("fetched\n")
    assert present(repository, [absent, here], problems) == [here]
    with connectivity_checked(repository, problems):
        pass
    assert len(problems) == 2
    assert all(problem.is_note and "1 object" in problem.what for problem in problems)
    assert not list(read_objects(repository, [absent], problems))
    assert absent not in {info.id for info in list_objects(repository, [])}


def test_content_larger_than_a_window_comes_in_overlapping_windows(
    repo: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "WINDOW", 10_000)
    monkeypatch.setattr(windows, "OVERLAP", 1_000)
    data = b"".join(b"line %d\n" % number for number in range(8_000))
    small = repo.blob("small")
    large = repo.blob(data)
    read = [blob for _, blob in read_objects(repo.open(), [small, large, small], [])]
    assert read[0].data == read[-1].data == b"small"
    pieces = read[1:-1]
    assert len(pieces) > 5
    assert all(len(piece.data) <= 10_000 for piece in pieces)
    assert pieces[0].offset == 0
    for piece in pieces:
        assert data[piece.offset : piece.offset + len(piece.data)] == piece.data
        assert piece.data.startswith(b"line %d\n" % (piece.line - 1))
    for before, after in pairwise(pieces):
        assert before.offset + len(before.data) - after.offset >= 1_000
    assert pieces[-1].offset + len(pieces[-1].data) == len(data)


def test_a_line_longer_than_a_window_is_cut_in_the_middle(repo: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW", 10_000)
    monkeypatch.setattr(windows, "OVERLAP", 1_000)
    name = repo.blob(b"x" * 35_000)
    pieces = [blob for _, blob in read_objects(repo.open(), [name], [])]
    assert [piece.offset for piece in pieces] == [0, 9_000, 18_000, 27_000]
    assert {piece.line for piece in pieces} == {1}


@pytest.mark.parametrize("size", [9_999, 10_000, 10_001, 19_000, 19_001])
def test_windows_end_exactly_at_the_end(repo: Workshop, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(windows, "WINDOW", 10_000)
    monkeypatch.setattr(windows, "OVERLAP", 1_000)
    names = [repo.blob(b"x" * size), repo.blob("next")]
    pieces = [blob for _, blob in read_objects(repo.open(), names, [])]
    assert pieces[-1].data == b"next"
    assert max(piece.offset + len(piece.data) for piece in pieces[:-1]) == size
    assert len(pieces[:-1]) == (1 if size <= 10_000 else 2 if size <= 19_000 else 3)


def test_a_repository_that_cannot_be_read_at_all_is_an_error_not_a_problem_an_object(repo: Workshop) -> None:
    names = [repo.blob("x")]
    repository = repo.open()
    (repo.path / ".git/HEAD").unlink()
    with pytest.raises(GitError):
        list(read_objects(repository, names, []))


def test_reading_that_is_given_up_leaves_no_git_behind(repo: Workshop) -> None:
    names = [repo.blob(noise(200_000 + number)) for number in range(30)]
    if not Path("/proc/self/task").exists():
        pytest.skip("needs /proc")
    before = _children()  # servers that other tests have started
    reading = read_objects(repo.open(), names * 20, [])
    next(reading)
    assert _children() > before
    reading.close()
    assert _children() <= before


def _children() -> set[str]:
    tasks = Path("/proc/self/task").iterdir()
    return {child for task in tasks for child in (task / "children").read_text().split()}

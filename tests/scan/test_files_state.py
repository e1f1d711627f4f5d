"""Files that held nothing are known again, alone and many together, until anything about them changes."""

import os
from collections.abc import Collection
from pathlib import Path

import pytest

from secretguard.scan import files_state
from secretguard.scan.cache import cache_directory
from secretguard.scan.files_state import KnownFiles, Listed

NAMES = ("a", "b", "c", "d", "e")


@pytest.fixture(params=(1, 2, 5), ids=lambda size: f"groups of {size}")
def size(request: pytest.FixtureRequest) -> int:
    """How many files have a digest together."""
    return int(request.param)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as old at once."""
    monkeypatch.setattr(files_state, "_SETTLED", 0)


def read(root: Path, size: int, holding: Collection[str] = (), rules: str = "rules") -> list[str]:
    """Read the files that are not known, learn those that hold nothing, and return which were read."""
    known = KnownFiles(root, rules)
    files = [Listed(path.name, path.lstat()) for path in sorted(root.iterdir())]
    unknown = [one for at in range(0, len(files), size) for one in known.unknown(files[at : at + size])]
    known.learn(one for one in unknown if one.path not in holding)
    known.store()
    return [one.path for one in unknown]


@pytest.mark.usefixtures("settled")
def test_what_held_nothing_is_not_read_again(root: Path, size: int) -> None:
    assert read(root, size) == [*NAMES]
    assert [read(root, size), read(root, size)] == [[], []]


@pytest.mark.usefixtures("settled")
def test_what_holds_something_is_read_each_time_and_nothing_else(root: Path, size: int) -> None:
    assert read(root, size, holding="b") == [*NAMES]
    assert [read(root, size, holding="b"), read(root, size, holding="b")] == [["b"], ["b"]]
    assert [read(root, size), read(root, size)] == [["b"], []]


@pytest.mark.usefixtures("settled")
def test_a_changed_file_is_read_and_not_its_neighbours(root: Path, size: int) -> None:
    read(root, size)
    before = (root / "c").stat()
    (root / "c").write_text("C")
    os.utime(root / "c", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [read(root, size), read(root, size)] == [["c"], []]


@pytest.mark.usefixtures("settled")
def test_one_file_more_or_less_is_no_change_of_the_others(root: Path, size: int) -> None:
    read(root, size)
    (root / "bb").write_text("new")
    assert [read(root, size), read(root, size)] == [["bb"], []]
    (root / "a").unlink()
    assert [read(root, size), read(root, size)] == [[], []]


@pytest.mark.usefixtures("settled")
def test_a_file_under_another_name_is_another_file(root: Path, size: int) -> None:
    read(root, size)
    (root / "e").rename(root / "f")
    assert read(root, size) == ["f"]


@pytest.mark.usefixtures("settled")
def test_a_symbolic_link_is_never_known(root: Path, size: int) -> None:
    (root / "link").symlink_to("a")
    read(root, size)
    assert [read(root, size), read(root, size)] == [["link"], ["link"]]


def test_a_file_that_may_change_unseen_is_read_again(root: Path, size: int) -> None:
    assert [read(root, size), read(root, size)] == [[*NAMES], [*NAMES]]


@pytest.mark.usefixtures("settled")
def test_other_rules_know_nothing(root: Path, size: int) -> None:
    read(root, size)
    assert read(root, size, rules="others") == [*NAMES]


@pytest.mark.usefixtures("settled")
def test_a_state_that_somebody_wrote_to_is_not_believed(root: Path, size: int) -> None:
    read(root, size)
    state = max(cache_directory().glob("files-*.bin"), key=lambda path: path.stat().st_mtime_ns)
    content = bytearray(state.read_bytes())
    content[-1] ^= 1
    state.write_bytes(content)
    assert read(root, size) == [*NAMES]

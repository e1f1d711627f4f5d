"""A report file is complete or not there, and private when it holds values."""

import os
import resource
import signal
import stat
from pathlib import Path

import pytest

from secretguard.cli import output
from secretguard.errors import ExitCode, OutputError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def ordinary_umask() -> object:
    before = os.umask(0o022)
    yield
    os.umask(before)


def put(path: Path, text: str = "report\n", *, private: bool = False) -> None:
    with output.opened(path, private=private) as out:
        out.write(text)


def test_a_new_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    put(tmp_path / "r.json")
    assert (tmp_path / "r.json").read_text() == "report\n"
    assert mode(tmp_path / "r.json") == 0o644


def test_a_file_with_values_is_private_even_if_it_was_not_before(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")
    path.chmod(0o666)
    put(path, private=True)
    assert mode(path) == 0o600


def test_an_existing_file_keeps_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")
    path.chmod(0o640)
    put(path)
    assert (path.read_text(), mode(path)) == ("report\n", 0o640)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    put(tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "report\n"


def test_a_report_that_fails_half_way_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")

    def fail() -> None:
        with output.opened(path, private=False) as out:
            out.write("half")
            out.flush()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.parametrize("private", [True, False])
def test_a_full_disk_is_an_error_and_not_a_crash(private: bool) -> None:
    with pytest.raises(OutputError, match="/dev/full cannot be written: No space left on device") as caught:
        put(Path("/dev/full"), "x" * 100_000, private=private)
    assert caught.value.exit_code is ExitCode.INCOMPLETE
    assert caught.value.hint


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OutputError):
            put(tmp_path / "r.json", "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told_before_the_scan(tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "such" / "r.json", tmp_path):
        with pytest.raises(OutputError) as caught:
            output.check_writable(path)
        assert caught.value.hint
    with pytest.raises(OutputError, match="cannot be written"):
        put(Path("/proc/r.json"))
    output.check_writable(tmp_path / "r.json")
    output.check_writable(Path("/dev/null"))
    output.check_writable(None)


def test_a_device_is_written_and_not_replaced() -> None:
    put(Path("/dev/null"))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_long_name_leaves_room_for_the_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 250)
    put(path)
    assert path.read_text() == "report\n"

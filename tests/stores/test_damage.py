"""Damaged files, wrong keys and full disks end in words, and nothing is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from secretguard.errors import StoreError
from secretguard.stores import local
from secretguard.testing.exposure import exposure
from tests.stores.conftest import Local, Program, fields, ref

PUT = """
import os, resource, signal, sys
from secretguard.errors import StoreError
from secretguard.reference import parse_reference
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.stores import local
limit = int(sys.argv[1])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    local.put(parse_reference("ref+local://app"), {"password": Secret("n" * int(sys.argv[2]))}, Context(os.environ))
except StoreError as error:
    print(error, error.hint)
    sys.exit(3)
"""


@pytest.mark.parametrize("change", [b"", b"x", None, "cut", "flip"])
def test_a_damaged_version_is_named_and_the_others_are_still_there(place: Local, change: bytes | str | None) -> None:
    place.put(password="old")
    place.put(password="new")
    file = place.document() / "2.age"
    content = file.read_bytes()
    if change is None:
        file.unlink()
    elif isinstance(change, bytes):
        file.write_bytes(change)
    else:
        file.write_bytes(content[:-3] if change == "cut" else content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(StoreError, match=r"damaged|gone") as caught:
        place.seen()
    assert "backup" in caught.value.hint
    assert ("1", "previous") in place.states()
    (place.document() / "current.json").write_text('{"current": 1, "last": 2}')
    assert place.seen() == {"password": "old"}


def test_a_damaged_pointer_says_how_to_mend_it(place: Local) -> None:
    place.put(password="1")
    place.put(password="2")
    (place.document() / "current.json").write_text("{")
    with pytest.raises(StoreError, match="damaged") as caught:
        place.seen()
    assert '"last": 2' in caught.value.hint
    with pytest.raises(StoreError, match="damaged"):
        place.put(password="3")
    assert {path.name for path in place.document().glob("*.age")} == {"1.age", "2.age"}
    (place.document() / "current.json").write_text('{"current": 2, "last": 2}')
    assert place.seen() == {"password": "2"}


def test_a_lost_pointer_loses_no_version(place: Local) -> None:
    place.put(password="1")
    (place.document() / "current.json").unlink()
    assert place.seen() is None
    place.put(password="2")
    assert place.states() == [("2", "current"), ("1", "previous")]


def test_a_lost_key_is_told_and_no_new_one_is_made(place: Local) -> None:
    place.put(password="1")
    key = place.key_file.read_text()
    place.key_file.unlink()
    for call in (place.seen, lambda: place.put(password="2"), place.staged):
        with pytest.raises(StoreError, match="is gone"):
            call()
    assert local.preflight(ref(), place.context()).stopped
    assert not place.key_file.exists()
    place.key_file.touch(0o600)
    place.key_file.write_text(key)
    assert place.seen() == {"password": "1"}


def test_another_stores_key_is_told(place: Local, tmp_path: Path) -> None:
    place.put(password="1")
    other = Local(tmp_path / "other")
    other.put(password="1")
    place.key_file.write_text(other.key_file.read_text())
    with pytest.raises(StoreError, match="another key"):
        place.seen()


def test_a_version_for_another_key_is_told(place: Local, tmp_path: Path) -> None:
    place.put(password="1")
    other = Local(tmp_path / "other")
    other.put(password="1")
    (place.document() / "1.age").write_bytes((other.document() / "1.age").read_bytes())
    with pytest.raises(StoreError, match="not for the key of this store"):
        place.seen()


def test_a_key_that_others_can_read_is_refused(place: Local) -> None:
    place.put(password="1")
    place.key_file.chmod(0o640)
    with pytest.raises(StoreError, match="can be read by others") as caught:
        place.seen()
    assert caught.value.hint == f"chmod 600 {place.key_file}"


@pytest.mark.parametrize("text", ["", "nonsense", "AGE-SECRET-KEY-1QQQQ"])
def test_what_is_no_key_is_told_without_repeating_it(place: Local, text: str) -> None:
    place.put(password="1")
    place.key_file.write_text(text)
    with pytest.raises(StoreError, match="is none") as caught:
        place.seen()
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": "elsewhere", "recipient": ""}'])
def test_a_store_that_does_not_say_where_its_key_is(place: Local, text: str) -> None:
    place.put(password="1")
    about = place.store / "about.json"
    whole = about.read_text()
    about.write_text(text)
    for call in (place.seen, lambda: place.put(password="2")):
        with pytest.raises(StoreError, match="damaged"):
            call()
    about.unlink()
    with pytest.raises(StoreError, match="missing, which says where the key is"):
        place.put(password="2")
    about.write_text(whole)
    assert place.seen() == {"password": "1"}


def test_where_there_is_no_room_the_old_version_stays(place: Local, program: Program) -> None:
    place.put(password="old")
    before = {path: path.read_bytes() for path in place.store.rglob("*") if path.is_file()}
    done = program(PUT, 4096, 100_000, environ=place.environ)
    assert (done.returncode, done.stderr) == (3, "")
    assert "there is no room" in done.stdout
    assert {path: path.read_bytes() for path in place.store.rglob("*") if path.is_file()} == before
    assert place.seen() == {"password": "old"}
    assert program(PUT, 0, 100_000, environ=place.environ).returncode == 0
    assert place.seen() == {"password": "n" * 100_000}


def test_on_a_disk_that_is_really_full_the_old_version_stays(tmp_path: Path) -> None:
    """A file system of 64 kB of its own, where the machine lets us mount one."""
    script = f"""
    mount -t tmpfs -o size=64k,mode=700 none {tmp_path} || exit 99
    export XDG_DATA_HOME={tmp_path} SECRETGUARD_STORE_KEY=file
    {sys.executable} -c "$PUT" 0 10 || exit 98
    {sys.executable} -c "$PUT" 0 100000; code=$?
    {sys.executable} -c "$GET"
    ls -a {tmp_path}/secretguard/store/documents/app
    exit $code
    """
    get = """if True:
        import os
        from secretguard.reference import parse_reference
        from secretguard.rotation import Context
        from secretguard.stores import local
        print(local.read(parse_reference("ref+local://app"), Context(os.environ))["password"].reveal())
    """
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        env=os.environ | {"PUT": PUT, "GET": get},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode in (1, 99):
        pytest.skip("no file system can be mounted here")
    assert done.returncode == 3, done.stderr
    lines = done.stdout.splitlines()
    assert "there is no room" in lines[0]
    assert lines[1:] == ["n" * 10, ".", "..", "1.age", "current.json"]


def test_what_a_killed_writer_left_half_written_is_swept(place: Local) -> None:
    place.put(password="1")
    leftover = place.document() / ".new-0123456789abcdef"
    leftover.write_bytes(b"half")
    place.put(password="2")
    assert not leftover.exists()


def test_errors_of_files_tell_no_value(place: Local) -> None:
    place.put(password="the-first-value")
    (place.document() / "1.age").write_bytes(b"")
    with pytest.raises(StoreError) as caught:
        local.put(ref(), fields({"password": "the-second-value"}), place.context())
    assert exposure(caught.value, "the-first-value", "the-second-value", place.key_file.read_text()[-40:-1]) == []

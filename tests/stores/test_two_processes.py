"""Two processes write to one local store: no write is lost, no reader is disturbed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from secretguard.errors import StoreError
from secretguard.stores import files, local
from tests.stores.conftest import Local, fields, ref

WRITER = """
import os, sys
from secretguard.reference import parse_reference
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.stores import local
name, where = sys.argv[1], parse_reference("ref+local://app")
for number in range(25):
    local.put(where, {f"{name}{number}": Secret(name), "first": Secret(name), "second": Secret(name)}, Context(os.environ, timeout=60))
"""


def test_no_write_is_lost_and_no_reader_sees_half_of_one(place: Local) -> None:
    environ = os.environ | place.environ
    writers = [
        subprocess.Popen([sys.executable, "-P", "-c", WRITER, name], env=environ, stderr=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    pairs = set()
    while any(writer.poll() is None for writer in writers):
        seen = place.seen() or {}
        pairs.add((seen.get("first"), seen.get("second")))
    for writer in writers:
        assert (writer.wait(), writer.communicate()[1]) == (0, "")
    assert pairs <= {(None, None), ("a", "a"), ("b", "b")}
    seen = place.seen() or {}
    assert set(seen) == {"first", "second", *(f"{name}{number}" for name in "ab" for number in range(25))}
    assert len(place.states()) == 50


def test_a_reader_who_looks_while_the_store_is_made_is_told_nothing_wrong(
    place: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the reader's first look, which finds no key, and its second, somebody else's first write is done."""
    read = files.read

    def slow(path: Path) -> bytes | None:
        found = read(path)
        monkeypatch.setattr(files, "read", read)
        place.put(password="1")
        return found

    monkeypatch.setattr(files, "read", slow)
    assert place.seen() == {"password": "1"}


def test_a_lock_that_somebody_keeps_ends_in_words_and_disturbs_no_reader(place: Local) -> None:
    place.put(password="1")
    context = local.Context(environ=place.environ, timeout=0.2)
    with files.locked(place.store, 1.0):
        with pytest.raises(StoreError, match="another process has been writing") as caught:
            local.put(ref(), fields({"password": "2"}), context)
        assert place.seen() == {"password": "1"}
    assert caught.value.transient
    local.put(ref(), fields({"password": "2"}), context)
    assert place.seen() == {"password": "2"}


def test_the_lock_of_a_killed_writer_is_free(place: Local) -> None:
    place.put(password="1")
    code = f"""
import time
from pathlib import Path
from secretguard.stores import files
with files.locked(Path({str(place.store)!r}), 1.0):
    print("locked", flush=True)
    time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-P", "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == "locked\n"
        holder.kill()
    began = time.monotonic()
    place.put(password="2")
    assert place.seen() == {"password": "2"}
    assert time.monotonic() - began < 5.0

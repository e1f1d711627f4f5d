"""Archives are opened in memory, and bounded."""

import bz2
import gzip
import io
import lzma
import random
import string
import tarfile
import zipfile

import pytest

from secretguard.engine import containers
from secretguard.engine.containers import members
from secretguard.engine.detect import detect, oracle
from secretguard.model import Blob
from secretguard.plugins import installed_rules
from secretguard.testing import find

WORD = "".join(random.Random(9).choices(string.ascii_letters + string.digits, k=16))
FILE = f"first line\nurl = postgres://app:{WORD}@db.prod-net.io/x\n".encode()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return raw.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return raw.getvalue()


ARCHIVES = {
    "zip": (zipped({"conf/app.py": FILE}), "conf/app.py"),
    "stored zip": (zipped({"conf/app.py": FILE}, zipfile.ZIP_STORED), "conf/app.py"),
    "tar": (tarred({"conf/app.py": FILE}), "conf/app.py"),
    "tar.gz": (gzip.compress(tarred({"conf/app.py": FILE})), "conf/app.py"),
    "tar.bz2": (bz2.compress(tarred({"conf/app.py": FILE})), "conf/app.py"),
    "tar.xz": (lzma.compress(tarred({"conf/app.py": FILE})), "conf/app.py"),
    "zip in zip": (zipped({"lib/inner.whl": zipped({"app.py": FILE})}), "lib/inner.whl!/app.py"),
    "gz": (gzip.compress(FILE), ""),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_secret_in_an_archive_is_found_at_its_member(name: str) -> None:
    archive, inner = ARCHIVES[name]
    (match,) = find(archive)
    assert (match.inner, match.line, match.column) == (inner, 2, 7)
    assert match.secret.reveal() == WORD


def test_a_bomb_stops_at_the_limit() -> None:
    found = list(members(zipped({f"{n}.txt": bytes(40 << 20) for n in range(8)})))
    assert "limit" in found[-1].problem
    assert sum(len(member.data) for member in found) <= containers.MAX_TOTAL


def test_a_member_beyond_the_limit_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "MAX_MEMBER", 1000)
    found = list(members(zipped({"big": bytes(2000), "small": FILE})))
    assert [bool(member.problem) for member in found] == [True, False]


def test_archives_inside_archives_end_somewhere() -> None:
    data = FILE
    for _ in range(12):
        data = zipped({"a": data})
    finding = detect(Blob("x", data), oracle(installed_rules().rules))
    assert "deeper" in finding.problems[0]


@pytest.mark.parametrize("cut", [10, 40, 100])
def test_a_damaged_archive_is_said_and_raises_nothing(cut: int) -> None:
    for archive in (zipped({"a": FILE * 20}), gzip.compress(FILE * 20), tarred({"a": FILE}), lzma.compress(FILE * 20)):
        damaged = archive[:cut] + archive[cut + 7 :]
        found = list(members(damaged))
        assert all(isinstance(member.data, bytes) for member in found)

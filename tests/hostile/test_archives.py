"""Archives that unpack to more than a machine has are left, and said to be left; the rest is scanned."""

import bz2
import gzip
import io
import json
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable

import pytest

from tests.hostile.conftest import Hostile
from tests.journeys.running import CommandLine

MEGABYTE = 1 << 20


def zip_of(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for name, data in members.items():
            out.writestr(name, data)
    return target.getvalue()


def zip_bomb() -> bytes:
    return zip_of({"zeros": bytes(100 * MEGABYTE)})


def many_members() -> bytes:
    return zip_of({f"{number}": bytes(MEGABYTE) for number in range(80)})


def nested() -> bytes:
    data = b"KEY=nothing\n"
    for depth in range(40):
        data = zip_of({f"{depth}.zip": data})
    return data


def a_zip_of_bombs() -> bytes:
    bomb = zip_of({"zeros": bytes(40 * MEGABYTE)})
    return zip_of({f"{number}.zip": bomb for number in range(30)})


def gzip_bomb() -> bytes:
    return gzip.compress(bytes(100 * MEGABYTE), 1)


def bzip_bomb() -> bytes:
    return bz2.compress(bytes(100 * MEGABYTE), 1)


def tar_lies() -> bytes:
    """A tar whose member says that it is a terabyte long."""
    header = tarfile.TarInfo("huge")
    header.size = 1 << 40
    return header.tobuf(tarfile.GNU_FORMAT) + b"x" * 1024


def tar_with_links() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as out:
        for name, link in (("passwd", "/etc/passwd"), ("up", "../../../etc/passwd")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, link
            out.addfile(entry)
    return target.getvalue()


def cut_short() -> bytes:
    return zip_of({"a": b"KEY=1\n" * 1000})[:-40]


def not_an_archive() -> bytes:
    return b"PK\x03\x04" + b"\xff" * 3000


SCAN = (
    "import resource, sys; limit = {limit}; resource.setrlimit(resource.RLIMIT_AS, (limit, limit));"
    "from secretguard.cli import main; sys.exit(main(['scan', '--history', '--format', 'json']))"
)


@pytest.mark.parametrize(
    "make",
    [
        zip_bomb, many_members, nested, a_zip_of_bombs, gzip_bomb, bzip_bomb, tar_lies, tar_with_links, cut_short,
        not_an_archive,
    ],
)  # fmt: skip
def test_an_archive_cannot_exhaust_the_machine(
    hostile: Hostile, command_line: CommandLine, make: Callable[[], bytes]
) -> None:
    hostile.builder.write("data.bin", make()).commit("Data")
    started = time.monotonic()
    program = SCAN.format(limit=1500 * MEGABYTE)
    done = command_line.program(sys.executable, "-P", "-c", program, cwd=hostile.path)
    assert time.monotonic() - started < 30
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert [at["path"] for at in report["credentials"][0]["occurrences"]] == ["app/settings.env"] * 2
    if make is not tar_with_links:
        told = {(one["where"], bool(one["hint"])) for one in report["problems"]}
        assert told == {("data.bin", True)}, report["problems"][:3]


def test_what_lies_deep_but_within_the_limits_is_found(hostile: Hostile, command_line: CommandLine) -> None:
    inner = zip_of({"etc/app.env": f"KEY={hostile.key.secret}\n".encode()})
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as out:
        entry = tarfile.TarInfo("inner.zip")
        entry.size = len(inner)
        out.addfile(entry, io.BytesIO(inner))
    hostile.builder.write("release.tar.gz", target.getvalue()).commit("Release")
    report = command_line.scan(cwd=hostile.path, code=1)
    inners = {at["path"]: at["inner"] for at in report["credentials"][0]["occurrences"]}
    assert set(inners) == {"app/settings.env", "release.tar.gz"}
    assert "etc/app.env" in inners["release.tar.gz"]

"""A patch that real git takes, whatever the files are, in a file that is the operator's alone."""

import os
import re
import stat
from pathlib import Path

import pytest

from secretguard.errors import OutputError
from secretguard.rewrite.patch import patch_name, write_patch
from secretguard.rotation import Context
from secretguard.testing import RepositoryBuilder
from tests.rewrite.deliveries import (
    BRANCH,
    WHO,
    Files,
    a_key,
    assistant,
    delivery_of,
    git,
    opened,
    snapshot,
    tree_of,
)

OLD = a_key()
NEW = a_key(8)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "assistant"


def applied(place: Path, patch: Path, *options: str) -> Path:
    """A fresh clone in which `git am` took the patch."""
    clone = place.parent / f"clone-{len(list(place.parent.iterdir()))}"
    git(place.parent, "clone", "-q", str(place), str(clone))
    git(clone, "am", "-q", *options, str(patch))
    return clone


def test_git_am_makes_the_same_commit_of_it(place: Path, tmp_path: Path) -> None:
    _, after = assistant(place, OLD)
    delivery = delivery_of(place, after, OLD, NEW)
    patch = tmp_path / "out.patch"
    done = write_patch(delivery, patch, WHO)
    assert (done.where, done.is_new) == (str(patch), True)
    clone = applied(place, patch)
    expected = {**tree_of(place, "HEAD")}
    expected |= {path: (expected.get(path, ("100644",))[0], data) for path, data in after.items() if data is not None}
    assert tree_of(clone, "HEAD") == expected
    message = git(clone, "log", "-1", "--format=%an <%ae>%n%B").decode()
    assert message.startswith("Olga Operator <olga@ops.invalid>\nRead the OpenAI project API key")
    tree = git(clone, "rev-parse", "HEAD^{tree}").decode().strip()
    assert message.rstrip().endswith(f"Secretguard-Credential: {delivery.credential}\nSecretguard-Tree: {tree}")


def test_the_repository_is_only_read(place: Path, tmp_path: Path) -> None:
    builder, after = assistant(place, OLD)
    builder.write("app/assistant.py", "half an edit\n").stage("b.py", "B = 1\n")
    was, objects = snapshot(place), sorted(place.rglob(".git/objects/??/*"))
    write_patch(delivery_of(place, after, OLD), tmp_path / "out.patch", WHO)
    assert snapshot(place) == was
    assert sorted(place.rglob(".git/objects/??/*")) == objects


def test_the_file_is_its_owners_alone_and_whole(place: Path, tmp_path: Path) -> None:
    _, after = assistant(place, OLD)
    patch = tmp_path / "out.patch"
    write_patch(delivery_of(place, after, OLD, title="An older one"), patch, WHO)
    patch.chmod(0o644)
    write_patch(delivery_of(place, after, OLD), patch, WHO)
    assert stat.S_IMODE(patch.stat().st_mode) == 0o600
    assert patch.read_text().count(OLD) == 2
    assert [one.name for one in tmp_path.iterdir() if "out.patch" in one.name] == ["out.patch"]


def test_what_is_shown_has_no_value_in_it(place: Path, tmp_path: Path) -> None:
    builder, after = assistant(place, OLD)
    builder.write("app/assistant.py", f'"""Asks."""\n# {OLD}\nKEY = "{OLD}"\nMODEL = "small"\n').commit("Twice")
    after["app/assistant.py"] = f'"""Asks."""\n# {OLD}\nKEY = None\nMODEL = "small"\n'.encode()
    done = write_patch(delivery_of(place, after, OLD), tmp_path / "out.patch", WHO)
    assert OLD not in done.text
    assert re.findall(r"^.*\*\*\*\*.*$", done.text, re.MULTILINE) == [
        " # ****", '-KEY = "****"', "-export OPENAI_API_KEY=****",
    ]  # fmt: skip
    assert "+KEY = None" in done.text


def test_binary_content_is_not_shown(place: Path, tmp_path: Path) -> None:
    builder, _ = assistant(place, OLD)
    builder.write("data.bin", b"\0\1" + OLD.encode() * 20 + bytes(range(256))).commit("Data")
    patch = tmp_path / "out.patch"
    done = write_patch(delivery_of(place, {"data.bin": b"\0\1" + bytes(range(256))}, OLD), patch, WHO)
    assert done.text.rstrip().endswith("(binary content)")
    assert b"GIT binary patch" in patch.read_bytes()
    assert tree_of(applied(place, patch), "HEAD")["data.bin"][1] == b"\0\1" + bytes(range(256))


LINE = f"KEY={OLD}"
FILES: dict[str, tuple[bytes, bytes | None]] = {
    "dos.ini": (f"[a]\r\n{LINE}\r\nb=1\r\n".encode(), b"[a]\r\nKEY=${KEY}\r\nb=1\r\n"),
    "mixed.txt": (f"a\r\n{LINE}\nb\r\r\n".encode(), b"a\r\nKEY=\nb\r\r\n"),
    "mac.txt": (f"a\r{LINE}\rb\r".encode(), b"a\rKEY=\rb\r"),
    "no-end.txt": (LINE.encode(), b"KEY="),
    "latin.txt": (b"caf\xe9\n" + LINE.encode() + b"\n\xff\xfe\n", b"caf\xe9\nKEY=\n\xff\xfe\n"),
    "late-zero.txt": (b"x\n" * 9000 + LINE.encode() + b"\na\0b\n", b"x\n" * 9000 + b"KEY=\na\0b\n"),
    "wide.txt": (f"{LINE}\nz".encode("utf-16"), "KEY=\nz".encode("utf-16")),
    "marked.txt": (b"\xef\xbb\xbf" + LINE.encode() + b"\n", b"\xef\xbb\xbfKEY=\n"),
    "mail.txt": (f"From nobody\n--- a\n+++ b\n-- \n{LINE}\nFrom x\n".encode(), b"From nobody\n--- a\n+++ b\n-- \nFrom x\n"),
    "spaces.txt": (f"a \t\n{LINE}\n   \n".encode(), b"a \t\nKEY=  \n   \n"),
    "form=feed.txt": (f"a=3D\x0c\n{LINE}\n=\n".encode(), b"a=3D\x0c\nKEY==3D\n=\n"),
    "long.txt": (b"y" * 5000 + LINE.encode() + b"\r\n", b"y" * 5000 + b"\r\n"),
    "gone.env": (LINE.encode() + b"\n", None),
    "emptied.txt": (LINE.encode() + b"\n", b""),
    "name with spaces and 'quotes\".txt": (LINE.encode() + b"\n", b"KEY=\n"),
    "line\nfeed\ttab.txt": (LINE.encode() + b"\n", b"KEY=\n"),
    "日本/ключ.txt": (LINE.encode() + b"\n", b"KEY=\n"),
    os.fsdecode(b"latin-\xe9\xff.txt"): (LINE.encode() + b"\n", b"KEY=\n"),
    "-rf": (LINE.encode() + b"\n", b"KEY=\n"),
    "a.c": (LINE.encode() + b"\n", b"KEY=\n"),
    "a/c": (LINE.encode() + b"\n", b"KEY=\n"),
    "a-c": (LINE.encode() + b"\n", b"KEY=\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", [*FILES, ""], ids=ascii)
def test_git_am_takes_every_kind_of_file(place: Path, tmp_path: Path, name: str) -> None:
    builder = RepositoryBuilder(place)
    files = FILES if not name else {name: FILES[name]}
    for path, (before, _) in files.items():
        builder.write(path, before)
    builder.write("keep", "\n").commit("Start")
    after: Files = {path: change for path, (_, change) in files.items()}
    patch = tmp_path / "out.patch"
    write_patch(delivery_of(place, after, OLD), patch, WHO)
    found = tree_of(applied(place, patch), "HEAD")
    assert found == {"keep": ("100644", b"\n"), **{path: ("100644", data) for path, data in after.items() if data is not None}}  # fmt: skip


def test_a_new_file_gets_its_mode_and_one_that_is_there_keeps_its_own(place: Path, tmp_path: Path) -> None:
    _, after = assistant(place, OLD)
    delivery = delivery_of(place, {**after, "run": b"#!/bin/sh\n"}, OLD)
    changes = tuple(
        one if one.path not in ("run", "app/assistant.py") else type(one)(one.path, one.before, one.after, "100755")
        for one in delivery.changes
    )
    patch = tmp_path / "out.patch"
    write_patch(delivery_of(place, {}, OLD, changes=changes), patch, WHO)
    found = tree_of(applied(place, patch), "HEAD")
    assert {path: mode for path, (mode, _) in found.items()} == {
        "README.md": "100644", "app/assistant.py": "100644", "deploy/run.sh": "100755", "run": "100755",
        "secretguard.refs.env": "100644",
    }  # fmt: skip


def test_a_plain_patch_can_be_read_by_a_person(place: Path, tmp_path: Path) -> None:
    _, after = assistant(place, OLD)
    patch = tmp_path / "out.patch"
    write_patch(delivery_of(place, after, OLD), patch, WHO)
    text = patch.read_text()
    assert "Content-Transfer-Encoding: 8bit" in text
    lines = text.splitlines()
    assert {f'-KEY = "{OLD}"', '+KEY = os.environ["OPENAI_API_KEY"]', ' MODEL = "small"'} <= set(lines)


def test_names_outside_ascii_arrive(place: Path, tmp_path: Path) -> None:
    _, after = assistant(place, OLD)
    patch = tmp_path / "out.patch"
    who = Context({"GIT_AUTHOR_NAME": "Ольга Öl", "GIT_AUTHOR_EMAIL": "olga@ops.invalid"})
    write_patch(delivery_of(place, after, OLD, title="Schlüssel für Modelle"), patch, who)
    said = git(applied(place, patch), "log", "-1", "--format=%an|%s").decode()
    assert said.startswith("Ольга Öl|Read the Schlüssel für Modelle from the environment")


def test_nothing_to_change_writes_no_file(place: Path, tmp_path: Path) -> None:
    assistant(place, OLD)
    done = write_patch(delivery_of(place, {}, OLD), tmp_path / "out.patch", WHO)
    assert (done.is_new, done.where, (tmp_path / "out.patch").exists()) == (False, "", False)


def test_a_place_that_cannot_be_written_is_told(place: Path, tmp_path: Path) -> None:
    _, after = assistant(place, OLD)
    with pytest.raises(OutputError, match="cannot be written"):
        write_patch(delivery_of(place, after, OLD), tmp_path / "missing" / "out.patch", WHO)


def test_the_patch_is_the_same_commit_as_the_branch(place: Path, tmp_path: Path) -> None:
    from secretguard.rewrite.branch import update_branch

    _, after = assistant(place, OLD)
    delivery = delivery_of(place, after, OLD)
    write_patch(delivery, tmp_path / "out.patch", WHO)
    update_branch(delivery, WHO)
    assert tree_of(applied(place, tmp_path / "out.patch"), "HEAD") == tree_of(place, BRANCH)


def test_the_name_of_the_file_tells_repository_and_credential(place: Path) -> None:
    assistant(place, OLD)
    assert re.fullmatch(r"assistant-[0-9a-f]{8}-sg_0123456789ab\.patch", patch_name(delivery_of(place, {}, OLD)))
    assert opened(place).worktree == place


def test_a_patch_of_ours_is_replaced_and_nothing_else_is(place: Path, tmp_path: Path) -> None:
    _, after = assistant(place, OLD)
    delivery = delivery_of(place, after, OLD)
    patch = tmp_path / "out.patch"
    write_patch(delivery, patch, WHO)
    first = patch.read_bytes()
    write_patch(delivery, patch, WHO)
    assert len(patch.read_bytes()) == len(first)
    link, pipe, source = tmp_path / "link", tmp_path / "pipe", place / "app" / "assistant.py"
    link.symlink_to(patch)
    os.mkfifo(pipe)
    before = source.read_bytes()
    for other in (link, pipe, source, place):
        with pytest.raises(OutputError, match="something else is there than a patch of secretguard"):
            write_patch(delivery, other, WHO)
    assert source.read_bytes() == before
    assert link.is_symlink()
    assert stat.S_ISFIFO(pipe.stat().st_mode)

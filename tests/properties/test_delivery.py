"""Delivered is the commit that was there with the changes in it, whatever files and names it has."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from secretguard.rewrite.branch import update_branch
from secretguard.rewrite.patch import write_patch
from secretguard.testing import RepositoryBuilder
from tests.rewrite.deliveries import BRANCH, WHO, a_key, delivery_of, git, snapshot, tree_of

_PIECES = [b"", b"a", b"\r\n", b"\n", b"\r", b"\0", b"\xff", b" \t", b"From ", b"=3D", b"--- ", b"+", b"-", "é".encode(), b"diff --git a b\n", b"@@ -1 +1 @@"]  # fmt: skip
contents = st.lists(st.sampled_from(_PIECES), max_size=12).map(b"".join)
names = st.one_of(
    st.sampled_from([b"a", b"a.b", b"a-b", b"a b", b"A", b":", b":a", b"0:a", b"\xff", b"\n", b'"', b"\\", b"-", b"~", "日".encode(), b"x.txt"]),
    st.binary(min_size=1, max_size=6).filter(lambda name: not set(name) & set(b"/\0") and name not in (b".", b"..") and name.strip(b". ").lower() not in (b".git", b"git", b"git~1")),
)  # fmt: skip
paths = st.lists(names, min_size=1, max_size=3).map(lambda parts: os.fsdecode(b"/".join(parts)))


def _no_file_is_a_folder(files: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out what lies in another file, or differs from one by case only."""
    kept: dict[str, bytes] = {}
    for path in sorted(files, key=lambda path: path.count("/")):
        parts = path.split("/")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if not above & kept.keys() and not any(other.startswith(f"{path}/") for other in kept):
            kept[path] = files[path]
    return kept


trees = st.dictionaries(paths, contents, min_size=1, max_size=8).map(_no_file_is_a_folder)


@settings(max_examples=25, deadline=None)
@given(files=trees, data=st.data())
def test_branch_and_patch_are_the_base_with_the_changes(files: dict[str, bytes], data: st.DataObject) -> None:
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(files)), st.one_of(st.none(), contents)))
    added = {} if data.draw(st.booleans()) else {"new file": data.draw(contents)}
    if any(path == "new file" or path.startswith("new file/") for path in files):
        added = {}
    after = {**changed, **added}
    with TemporaryDirectory() as scratch:
        place = Path(scratch, "repository")
        builder = RepositoryBuilder(place)
        for path, content in files.items():
            builder.write(path, content)
        builder.write("kept always", "\n").commit("Start")
        builder.write("kept always", "half an edit\n").stage("b", "B\n") if "b" not in str(files) else None
        expected = tree_of(place, "HEAD") | {path: ("100644", content) for path, content in after.items() if content is not None}  # fmt: skip
        expected = {path: entry for path, entry in expected.items() if after.get(path, b"") is not None}
        delivery = delivery_of(place, after, a_key())
        was = snapshot(place)
        done = update_branch(delivery, WHO)
        assert snapshot(place, (f".git/refs/heads/{BRANCH}",)) == was
        assert done.is_new == (expected != tree_of(place, "HEAD"))
        write_patch(delivery, Path(scratch, "out.patch"), WHO)
        if done.is_new:
            assert tree_of(place, BRANCH) == expected
            git(place, "clone", "-q", ".", f"{scratch}/clone")
            git(Path(scratch, "clone"), "am", "-q", f"{scratch}/out.patch")
            assert tree_of(Path(scratch, "clone"), "HEAD") == expected

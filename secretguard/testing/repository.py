"""Build real git repositories for tests, object by object, so that every id and date is the same each time.

The builder remembers what it hid where; `manifest` is computed from that memory alone, never from git or a scan.
"""

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from secretguard.git.command import git
from secretguard.testing.hidden import Commit, Entry, Memory, Tree
from secretguard.testing.manifest import Manifest, Text, text

AUTHOR = "Ada Builder <ada@build.invalid>"
START = datetime(2024, 3, 1, 10, 0, tzinfo=UTC)
_FILE, _EXECUTABLE, _LINK = "100644", "100755", "120000"
_IDENTITY = ("-c", "user.name=Builder", "-c", "user.email=builder@build.invalid")
_NOTES = "refs/notes/commits"

Content = str | bytes | Text


class RepositoryBuilder:
    """A repository that grows by small steps; each commit is an hour younger than the one before.

    Content is given as text, or as `text(content, planted, …)` where it holds credentials.
    """

    def __init__(self, path: Path, *, object_format: str = "sha1") -> None:
        """Create an empty repository with the unborn branch `main` in `path`."""
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._memory = Memory()
        self._branch = "main"
        self._clock = START
        self._blobs: dict[bytes, str] = {}
        self._scratch = path / ".git" / "builder-index"
        self._git("init", "-q", "--initial-branch=main", "--template=", f"--object-format={object_format}")

    @property
    def head(self) -> str:
        """The id of the checked-out commit."""
        return self._memory.refs[f"refs/heads/{self._branch}"]

    def manifest(self) -> Manifest:
        """Return what has been hidden so far."""
        return self._memory.manifest(self.path, self._memory.refs.get(f"refs/heads/{self._branch}"))

    # Files

    def write(self, path: str, content: Content, *, executable: bool = False) -> Self:
        """Write a file into the working tree; the next `commit` takes it."""
        entry = Entry(_as_text(content), _EXECUTABLE if executable else _FILE)
        self._memory.disk[path] = entry
        self._to_disk(path, entry)
        return self

    def link(self, path: str, target: str) -> Self:
        """Put a symbolic link into the working tree."""
        entry = Entry(text(target), _LINK)
        self._memory.disk[path] = entry
        self._to_disk(path, entry)
        return self

    def remove(self, path: str) -> Self:
        """Delete a file from the working tree."""
        del self._memory.disk[path]
        (self.path / path).unlink()
        return self

    def ignored(self, path: str, content: Content) -> Self:
        """Write a file that a `.gitignore` of this repository names."""
        self._memory.ignored[path] = Entry(_as_text(content), _FILE)
        self._to_disk(path, self._memory.ignored[path])
        return self

    def stage(self, path: str, content: Content) -> Self:
        """Put content into the index only; the working tree keeps what it has, or nothing."""
        entry = Entry(_as_text(content), _FILE)
        self._memory.staged[path] = entry
        self._git("update-index", "-z", "--index-info", feed=_index_line(path, entry.mode, self._blob(entry.text)))
        return self

    # Commits

    def commit(
        self, message: Content = "Change", *, author: str = AUTHOR, date: datetime | None = None, amend: bool = False
    ) -> str:
        """Commit everything written, removed or staged, and return the id.

        `amend` replaces the last commit, which only the reflog then remembers.
        """
        for path, entry in self._memory.staged.items():
            self._memory.disk[path] = entry
            self._to_disk(path, entry)
        self._memory.staged.clear()
        parents = self._parents() if not amend else self._memory.commits[self.head].parents
        return self._move(self._commit(self._memory.disk, parents, message, author, date))

    def merge(self, branch: str, resolution: Mapping[str, Content] | None = None, message: Content = "Merge") -> str:
        """Merge `branch`; `resolution` says what files hold that neither side has so. Return the id."""
        theirs = self._memory.refs[f"refs/heads/{branch}"]
        base = self._line("merge-base", self.head, theirs)
        was, ours, other = (self._memory.commits[commit].tree for commit in (base, self.head, theirs))
        resolved = {path: Entry(_as_text(content), _FILE) for path, content in (resolution or {}).items()}
        merged = dict(_merged(was, ours, other, resolved))
        self._replace_files(merged)
        return self._move(self._commit(merged, (self.head, theirs), message))

    def branch(self, name: str) -> Self:
        """Create a branch here and switch to it."""
        self._point(f"refs/heads/{name}", self.head)
        return self.switch(name)

    def switch(self, name: str) -> Self:
        """Check out a branch."""
        self._branch = name
        self._git("symbolic-ref", "-m", f"checkout: moving to {name}", "HEAD", f"refs/heads/{name}")
        self._replace_files(self._memory.commits[self.head].tree)
        return self

    def delete_branch(self, name: str) -> Self:
        """Forget a branch; its commits stay as long as something else names them."""
        del self._memory.refs[f"refs/heads/{name}"]
        self._git("update-ref", "-d", f"refs/heads/{name}")
        return self

    def reset(self, commit: str) -> Self:
        """Move the branch back, files included; the reflog remembers where it was."""
        self._move(commit)
        self._replace_files(self._memory.commits[commit].tree)
        return self

    # What no branch holds

    def tag(self, name: str, message: Content | None = None, target: str = "") -> Self:
        """Tag `target` (default: the checked-out commit), annotated if there is a message."""
        object_id, ref = target or self.head, f"refs/tags/{name}"
        if message is None:
            return self._point(ref, object_id)
        words, date = _as_text(message), self._tick()
        head = f"object {object_id}\ntype commit\ntag {name}\ntagger {AUTHOR} {_stamp(date)}\n\n".encode()
        self._memory.tag_messages[ref] = (words, date, AUTHOR)
        self._point(ref, object_id, self._object("tag", head + words.data + b"\n"))
        return self

    def tag_blob(self, name: str, content: Content) -> Self:
        """Let a tag point straight at content that no tree names."""
        ref = f"refs/tags/{name}"
        self._memory.tagged_blobs[ref] = _as_text(content)
        self._git("update-ref", ref, self._blob(_as_text(content)))
        return self

    def stash(self, message: Content = "WIP") -> str:
        """Put away what was written, staged or removed since the last commit, and return the stash's id."""
        index = {**self._memory.commits[self.head].tree, **self._memory.staged}
        below = self._commit(index, (self.head,), "index on stash")
        object_id = self._commit(self._memory.disk, (self.head, below), message)
        self._memory.stashes.append(object_id)
        self._git("update-ref", "--create-reflog", "-m", "stash", "refs/stash", object_id)
        self._memory.staged.clear()
        self._replace_files(self._memory.commits[self.head].tree)
        return object_id

    def note(self, content: Content, commit: str = "") -> str:
        """Attach a note to a commit (default: the checked-out one), and return the id of the note's commit."""
        previous = self._memory.refs.get(_NOTES)
        tree = dict(self._memory.commits[previous].tree) if previous else {}
        tree[commit or self.head] = Entry(_as_text(content), _FILE)
        object_id = self._commit(tree, (previous,) if previous else (), "Notes added by the builder")
        self._point(_NOTES, object_id)
        return object_id

    def unreachable_commit(self, files: Mapping[str, Content], message: Content = "Lost") -> str:
        """Leave a commit on top of the checked-out one that no ref and no reflog names; return its id."""
        lost = {path: Entry(_as_text(content), _FILE) for path, content in files.items()}
        return self._commit({**self._memory.commits[self.head].tree, **lost}, (self.head,), message)

    def dangling_blob(self, content: Content) -> str:
        """Leave content that nothing names (as `git add` does before somebody thinks better of it); return its id."""
        self._memory.dangling.append(_as_text(content))
        return self._blob(_as_text(content))

    # The repository itself

    def remote(self, name: str, url: Content) -> Self:
        """Add a remote to `.git/config`; `url` may hold a login."""
        words = _as_text(url)
        self._memory.config.append(words)
        self._git("config", f"remote.{name}.url", words.data.decode())
        self._git("config", f"remote.{name}.fetch", f"+refs/heads/*:refs/remotes/{name}/*")
        return self

    def pack(self) -> Self:
        """Pack what refs and reflogs name; what is made afterwards stays loose."""
        self._git("repack", "-q", "-a", "-d")
        return self

    # Git

    def _git(self, *arguments: str, feed: bytes | None = None, index: Path | None = None) -> bytes:
        environment = {"GIT_INDEX_FILE": str(index)} if index else {}
        stdin = None if feed is None else [feed]
        return git([*_IDENTITY, *arguments], directory=self.path, environment=environment, feed=stdin)

    def _line(self, *arguments: str, feed: bytes | None = None, index: Path | None = None) -> str:
        return self._git(*arguments, feed=feed, index=index).decode("ascii").strip()

    def _object(self, kind: str, data: bytes) -> str:
        return self._line("hash-object", "-t", kind, "-w", "--stdin", feed=data)

    def _blob(self, content: Text) -> str:
        if content.data not in self._blobs:
            self._blobs[content.data] = self._object("blob", content.data)
        return self._blobs[content.data]

    def _tree(self, tree: Tree) -> str:
        lines = b"".join(_index_line(path, entry.mode, self._blob(entry.text)) for path, entry in tree.items())
        self._scratch.unlink(missing_ok=True)
        self._git("update-index", "-z", "--index-info", feed=lines, index=self._scratch)
        object_id = self._line("write-tree", index=self._scratch)
        self._scratch.unlink(missing_ok=True)
        return object_id

    def _commit(
        self,
        tree: Tree,
        parents: tuple[str, ...],
        message: Content,
        author: str = AUTHOR,
        date: datetime | None = None,
    ) -> str:
        words, when = _as_text(message), date or self._tick()
        lines = [f"tree {self._tree(tree)}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {author} {_stamp(when)}", f"committer {author} {_stamp(when)}", "", ""]
        object_id = self._object("commit", "\n".join(lines).encode() + words.data + b"\n")
        self._memory.commits[object_id] = Commit(dict(tree), parents, words, author, when)
        return object_id

    def _parents(self) -> tuple[str, ...]:
        head = self._memory.refs.get(f"refs/heads/{self._branch}")
        return (head,) if head else ()

    def _move(self, commit: str) -> str:
        self._memory.refs[f"refs/heads/{self._branch}"] = commit
        self._memory.logged.append(commit)
        self._git("update-ref", "-m", "builder", "HEAD", commit)
        self._git("read-tree", commit)
        self._git("update-index", "-q", "--refresh")
        return commit

    def _point(self, ref: str, commit: str, through: str = "") -> Self:
        self._memory.refs[ref] = commit
        self._git("update-ref", ref, through or commit)
        return self

    # The working tree

    def _to_disk(self, path: str, entry: Entry) -> None:
        place = self.path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if entry.mode == _LINK:
            place.symlink_to(os.fsdecode(entry.text.data))
            return
        place.write_bytes(entry.text.data)
        if entry.mode == _EXECUTABLE:
            place.chmod(0o755)

    def _replace_files(self, tree: Tree) -> None:
        for path in self._memory.disk.keys() - tree.keys():
            (self.path / path).unlink()
        for path, entry in tree.items():
            if self._memory.disk.get(path) != entry:
                (self.path / path).unlink(missing_ok=True)
                self._to_disk(path, entry)
        self._memory.disk = dict(tree)
        self._git("read-tree", self.head)
        self._git("update-index", "-q", "--refresh")

    def _tick(self) -> datetime:
        self._clock += timedelta(hours=1)
        return self._clock


def _merged(base: Tree, ours: Tree, theirs: Tree, resolution: Tree) -> Iterator[tuple[str, Entry]]:
    for path in sorted(base.keys() | ours.keys() | theirs.keys() | resolution.keys()):
        was, mine, other = base.get(path), ours.get(path), theirs.get(path)
        if path in resolution:
            yield path, resolution[path]
        elif mine != was and other not in (was, mine):
            raise ValueError(f"both sides changed {path}: the merge needs a resolution for it")
        elif entry := other if mine == was else mine:
            yield path, entry


def _as_text(content: Content) -> Text:
    return content if isinstance(content, Text) else text(content)


def _index_line(path: str, mode: str, object_id: str) -> bytes:
    return f"{mode} {object_id} 0\t".encode() + os.fsencode(path) + b"\0"


def _stamp(date: datetime) -> str:
    return f"{int(date.timestamp())} +0000"

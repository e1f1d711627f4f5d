"""The builder's memory of what it hid, and the manifest that follows from it by the rules of the report.

A history occurrence names a commit none of whose parents has the same content at the same path; what the
checked-out files hold is listed as `worktree` too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from secretguard.testing.manifest import ExpectedCredential, ExpectedPlace, Manifest, Planted, Text

CONFIG = ".git/config"


class Entry(NamedTuple):
    """One file of a tree."""

    text: Text
    mode: str


Tree = Mapping[str, Entry]


class Commit(NamedTuple):
    """A commit as the builder made it."""

    tree: Tree
    parents: tuple[str, ...]
    message: Text
    author: str
    date: datetime


Found = tuple[Planted, ExpectedPlace]


@dataclass(slots=True)
class Memory:
    """Everything that was put into one repository."""

    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    """Ref -> commit, also for annotated tags."""
    logged: list[str] = field(default_factory=list)
    stashes: list[str] = field(default_factory=list)
    tag_messages: dict[str, tuple[Text, datetime, str]] = field(default_factory=dict)
    tagged_blobs: dict[str, Text] = field(default_factory=dict)
    dangling: list[Text] = field(default_factory=list)
    config: list[Text] = field(default_factory=list)
    disk: dict[str, Entry] = field(default_factory=dict)
    staged: dict[str, Entry] = field(default_factory=dict)
    ignored: dict[str, Entry] = field(default_factory=dict)

    def manifest(self, path: Path, head: str | None) -> Manifest:
        """Return what a scan of everything must report."""
        found = [*self._in_history(), *self._in_messages(), *self._in_blobs(), *self._in_files(head)]
        ignored = [
            found for name, entry in self.ignored.items() for found in _all(entry.text, ExpectedPlace("worktree", name))
        ]
        return Manifest(path, _by_credential(found), _by_credential([*found, *ignored]))

    def _in_history(self) -> Iterator[Found]:
        kinds = self._kinds()
        for name, commit in self.commits.items():
            for path, entry in commit.tree.items():
                if not any(self._has(parent, path, entry) for parent in commit.parents):
                    yield from _all(entry.text, replace(_of(name, commit), source=kinds[name], path=path))

    def _has(self, commit: str, path: str, entry: Entry) -> bool:
        other = self.commits[commit].tree.get(path)
        return other is not None and other.text.data == entry.text.data

    def _kinds(self) -> dict[str, str]:
        """Return what keeps each commit: the first of these that reaches it."""
        notes = [tip for ref, tip in self.refs.items() if ref.startswith("refs/notes/")]
        history = [tip for ref, tip in self.refs.items() if not ref.startswith("refs/notes/")]
        kinds: dict[str, str] = {}
        tips = {"history": history, "note": notes, "stash": self.stashes, "reflog": self.logged}
        for kind, starts in tips.items():
            waiting = list(starts)
            while waiting:
                name = waiting.pop()
                if name not in kinds:
                    kinds[name] = kind
                    waiting.extend(self.commits[name].parents)
        return {name: kinds.get(name, "unreachable") for name in self.commits}

    def _in_messages(self) -> Iterator[Found]:
        for name, commit in self.commits.items():
            yield from _all(commit.message, replace(_of(name, commit), source="commit-message"))
        for ref, (words, date, tagger) in self.tag_messages.items():
            yield from _all(words, ExpectedPlace("tag-message", ref=ref, date=_iso(date), author=tagger))

    def _in_blobs(self) -> Iterator[Found]:
        for ref, content in self.tagged_blobs.items():
            yield from _all(content, ExpectedPlace("history", ref=ref))
        for content in self.dangling:
            yield from _all(content, ExpectedPlace("unreachable"))

    def _in_files(self, head: str | None) -> Iterator[Found]:
        for path, entry in self.disk.items():
            yield from _all(entry.text, ExpectedPlace("worktree", path))
        for path, entry in self.staged.items():
            if head is None or not self._has(head, path, entry):
                yield from _all(entry.text, ExpectedPlace("staged", path))
        for content in self.config:
            yield from _all(content, ExpectedPlace("worktree", CONFIG))


def _of(name: str, commit: Commit) -> ExpectedPlace:
    return ExpectedPlace("history", commit=name, date=_iso(commit.date), author=commit.author)


def _all(content: Text, place: ExpectedPlace) -> Iterator[Found]:
    """Yield the place once for each mention in the content."""
    for planted in content.holds:
        yield planted, replace(place, inner=content.inner or "")


def _by_credential(found: list[Found]) -> tuple[ExpectedCredential, ...]:
    places: dict[Planted, list[ExpectedPlace]] = defaultdict(list)
    for planted, place in found:
        places[planted].append(place)
    return tuple(ExpectedCredential(planted, tuple(sorted(where))) for planted, where in places.items())


def _iso(date: datetime) -> str:
    return date.strftime("%Y-%m-%dT%H:%M:%SZ")

"""Where blobs and messages live in a repository: commits, tags, notes, stashes, indexes, dangling trees."""

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from secretguard.errors import GitError
from secretguard.git.additions import Addition
from secretguard.git.history import Commit, Tag, parse_commit, peel, read_commits
from secretguard.git.index import index_blobs, staged
from secretguard.git.objects import list_objects
from secretguard.git.refs import Tip
from secretguard.git.repository import Repository
from secretguard.git.trees import TreeEntry, find_in_trees, tree_files
from secretguard.model import Location, Place, Problem

T = TypeVar("T")
Found = dict[str, list[Location]]
"""Object id -> where it lives."""


@dataclass(frozen=True, slots=True)
class Ancestry:
    """What the commits, tags and refs of a repository say."""

    repository: Repository
    commits: Container[str]
    additions: Callable[[Collection[str]], Iterable[Addition]]
    """Says which commits add these blobs, and where."""
    places: Callable[[Collection[str]], Mapping[str, Place]]
    """Says what keeps these commits; those that nothing keeps are left out."""
    tags: Mapping[str, Tag]
    tips: Collection[Tip]
    problems: list[Problem]
    known: Mapping[str, Commit] = field(default_factory=dict)
    """Commits that need not be read for their author and date."""

    def named(self) -> Iterator[tuple[str, Tip]]:
        """Yield what each ref finally points at."""
        for tip in self.tips:
            if tip.ref:
                yield peel(tip.id, self.tags), tip


def locate_objects(ancestry: Ancestry, ids: Collection[str]) -> Found:
    """Return where these objects of the repository live: each of them somewhere, whatever cannot be read."""
    found: Found = defaultdict(list)
    _add(found, _messages(ancestry, ids))
    blobs = {name for name in ids if name not in found}
    if not blobs:
        return found
    additions = [*or_problem(partial(ancestry.additions, blobs), "history", ancestry.problems)]
    places = ancestry.places({one.commit for one in additions})
    _add(found, added(ancestry.repository, additions, places, ancestry.problems, ancestry.known))
    _add(found, _named_or_staged(ancestry, blobs))
    if rest := blobs - found.keys():
        _add(found, _added_by_none(ancestry, rest))
    return found


def added(
    repository: Repository,
    additions: Collection[Addition],
    places: Mapping[str, Place],
    problems: list[Problem],
    known: Mapping[str, Commit] = MappingProxyType({}),
) -> list[Location]:
    """Return a location for each addition, oldest first.

    `places` says what keeps the commit. Commits that are not `known` are read.
    """
    unknown = {one.commit for one in additions} - known.keys()
    commits = {**known, **_commits(repository, unknown, problems)} if unknown else known
    blobs = {one.blob for one in additions}
    at_head = {entry for entry in head_files(repository, problems) if entry.blob in blobs} if blobs else set()

    def location(one: Addition) -> Location:
        commit, place = commits[one.commit], places.get(one.commit, Place.UNREACHABLE)
        # The tree of a notes ref is keyed by what is annotated, with slashes put in where there are many.
        path = one.path.replace("/", "") if place is Place.NOTE else one.path
        here = TreeEntry(one.path, one.blob) in at_head
        return Location(place, path, one.blob, commit.id, commit.author, commit.date, at_head=here)

    return [location(one) for one in sorted(additions, key=lambda one: (commits[one.commit].date or "", one))]


def message_locations(repository: Repository, ids: Collection[str], problems: list[Problem]) -> Iterator[Location]:
    """Yield a location for the message of each of these commits."""
    for commit in _commits(repository, ids, problems).values():
        yield Location(Place.COMMIT_MESSAGE, "", commit.id, commit.id, commit.author, commit.date)


def head_files(repository: Repository, problems: list[Problem]) -> list[TreeEntry]:
    """Return the files of the checked-out commit; none while the branch is unborn."""
    if repository.head is None:
        return []
    return list(or_problem(partial(tree_files, repository, repository.head), "HEAD", problems))


def or_problem(read: Callable[[], Iterable[T]], where: str, problems: list[Problem]) -> Iterator[T]:
    """Yield what `read` gives; where git fails, that is a problem and the end."""
    try:
        yield from read()
    except GitError as error:
        problems.append(Problem(where, str(error), error.hint))


def _commits(repository: Repository, ids: Collection[str], problems: list[Problem]) -> dict[str, Commit]:
    """Read commits; one that cannot be read any more is a commit without author and date."""
    found = {name: parse_commit(name, b"") for name in ids}
    for commit in or_problem(partial(read_commits, repository, sorted(ids), problems), "history", problems):
        found[commit.id] = commit
    return found


def _add(found: Found, locations: Iterable[Location]) -> None:
    for location in locations:
        found[location.blob].append(location)


def _messages(ancestry: Ancestry, ids: Collection[str]) -> Iterator[Location]:
    commits = [name for name in ids if name in ancestry.commits]
    yield from message_locations(ancestry.repository, commits, ancestry.problems)
    refs = {tip.id: tip.ref for tip in ancestry.tips if tip.ref}
    for tag in (ancestry.tags[name] for name in ids if name in ancestry.tags):
        yield Location(Place.TAG_MESSAGE, "", tag.id, author=tag.tagger, date=tag.date, ref=refs.get(tag.id))


def _named_or_staged(ancestry: Ancestry, blobs: Collection[str]) -> Iterator[Location]:
    """Yield the places that hold whatever the commits say: a ref straight to the blob, the index."""
    for target, tip in ancestry.named():
        if target in blobs:
            yield _behind(ancestry, tip, TreeEntry("", target))
    for entry in or_problem(partial(staged, ancestry.repository), "index", ancestry.problems):
        if entry.blob in blobs:
            yield Location(Place.STAGED, entry.path, entry.blob)


def _added_by_none(ancestry: Ancestry, blobs: Collection[str]) -> Iterator[Location]:
    """Yield a place for each blob no commit adds: behind a tag of a tree, another index, a dangling tree, nowhere."""
    repository, problems = ancestry.repository, ancestry.problems
    rest = set(blobs)
    for tip, tree in _tagged_trees(ancestry):
        for entry in or_problem(partial(tree_files, repository, tree), f"tree {tree}", problems):
            if entry.blob in blobs:
                rest.discard(entry.blob)
                yield _behind(ancestry, tip, entry)
    others = or_problem(partial(index_blobs, repository), "index", problems)
    elsewhere = [Location(Place.STAGED, entry.path, entry.blob) for entry in others if entry.blob in rest]
    yield from elsewhere
    rest -= {location.blob for location in elsewhere}
    dangling = list(or_problem(partial(find_in_trees, repository, rest, problems), "history", problems))
    rest -= {entry.blob for entry in dangling}
    for entry in (*dangling, *(TreeEntry("", blob) for blob in sorted(rest))):
        yield Location(Place.UNREACHABLE, entry.path, entry.blob)


def _tagged_trees(ancestry: Ancestry) -> list[tuple[Tip, str]]:
    named = {target: tip for target, tip in ancestry.named() if target not in ancestry.commits}
    if not named:
        return []
    listed = or_problem(partial(list_objects, ancestry.repository, []), "history", ancestry.problems)
    return [(named[info.id], info.id) for info in listed if info.type == "tree" and info.id in named]


def _behind(ancestry: Ancestry, tip: Tip, entry: TreeEntry) -> Location:
    location = Location(tip.place, entry.path, entry.blob, ref=tip.ref)
    tag = ancestry.tags.get(tip.id)
    return location._replace(author=tag.tagger, date=tag.date) if tag else location

"""Where blobs and messages live in a repository: commits, tags, notes, stashes, indexes, dangling trees."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from secretguard.errors import GitError
from secretguard.git.additions import Addition, find_additions
from secretguard.git.history import Tag, peel, reachability, read_commits
from secretguard.git.index import index_blobs, staged
from secretguard.git.objects import list_objects
from secretguard.git.refs import Tip
from secretguard.git.repository import Repository
from secretguard.git.trees import TreeEntry, find_in_trees, tree_files
from secretguard.model import Location, Place, Problem

Found = dict[str, list[Location]]
"""Object id -> where it lives."""


@dataclass(frozen=True, slots=True)
class Ancestry:
    """What the commits, tags and refs of a repository say."""

    repository: Repository
    graph: Mapping[str, Collection[str]]
    """Each commit with its parents."""
    lineage: Mapping[str, Collection[str]]
    """Each commit that can be compared, with those of its parents that can."""
    tags: Mapping[str, Tag]
    tips: Collection[Tip]
    problems: list[Problem]

    def named(self) -> Iterator[tuple[str, Tip]]:
        """Yield what each ref finally points at."""
        for tip in self.tips:
            if tip.ref:
                yield peel(tip.id, self.tags), tip


def locate_objects(ancestry: Ancestry, ids: Collection[str]) -> Found:
    """Return where the objects with these ids live; ids the repository does not hold are passed over."""
    found: Found = defaultdict(list)
    for location in _messages(ancestry, ids):
        found[location.blob].append(location)
    blobs = {name for name in ids if name not in found}
    if not blobs:
        return found
    places = reachability(ancestry.graph, ancestry.tags, ancestry.tips)
    additions = find_additions(ancestry.repository, ancestry.lineage, ancestry.problems, blobs)
    for location in (
        *added(ancestry.repository, additions, places, ancestry.problems),
        *_named_or_staged(ancestry, blobs),
    ):
        found[location.blob].append(location)
    if rest := blobs - found.keys():
        for location in _added_by_none(ancestry, rest):
            found[location.blob].append(location)
    return found


def added(
    repository: Repository, additions: Iterable[Addition], places: Mapping[str, Place], problems: list[Problem]
) -> Iterator[Location]:
    """Yield a location for each addition, oldest first; `places` says what keeps the commit."""
    additions = list(additions)
    commits = {commit.id: commit for commit in read_commits(repository, {one.commit for one in additions}, problems)}
    blobs = {one.blob for one in additions}
    at_head = {entry for entry in head_files(repository, problems) if entry.blob in blobs} if blobs else set()
    for one in sorted(additions, key=lambda one: (commits[one.commit].date or "", one)):
        commit, place = commits[one.commit], places.get(one.commit, Place.UNREACHABLE)
        # The tree of a notes ref is keyed by what is annotated, with slashes put in where there are many.
        path = one.path.replace("/", "") if place is Place.NOTE else one.path
        here = TreeEntry(one.path, one.blob) in at_head
        yield Location(place, path, one.blob, commit.id, commit.author, commit.date, at_head=here)


def head_files(repository: Repository, problems: list[Problem]) -> list[TreeEntry]:
    """Return the files of the checked-out commit; none while the branch is unborn."""
    if repository.head is None:
        return []
    return _try(partial(tree_files, repository, repository.head), "HEAD", problems)


def _messages(ancestry: Ancestry, ids: Collection[str]) -> Iterator[Location]:
    commits = [name for name in ids if name in ancestry.graph]
    for commit in read_commits(ancestry.repository, commits, ancestry.problems):
        yield Location(Place.COMMIT_MESSAGE, "", commit.id, commit.id, commit.author, commit.date)
    refs = {tip.id: tip.ref for tip in ancestry.tips if tip.ref}
    for tag in (ancestry.tags[name] for name in ids if name in ancestry.tags):
        yield Location(Place.TAG_MESSAGE, "", tag.id, author=tag.tagger, date=tag.date, ref=refs.get(tag.id))


def _named_or_staged(ancestry: Ancestry, blobs: Collection[str]) -> Iterator[Location]:
    """Yield the places that hold whatever the commits say: a ref straight to the blob, the index."""
    for target, tip in ancestry.named():
        if target in blobs:
            yield _behind(ancestry, tip, TreeEntry("", target))
    for entry in _try(partial(staged, ancestry.repository), "index", ancestry.problems):
        if entry.blob in blobs:
            yield Location(Place.STAGED, entry.path, entry.blob)


def _added_by_none(ancestry: Ancestry, blobs: Collection[str]) -> Iterator[Location]:
    """Yield a place for each blob no commit adds: behind a tag of a tree, another index, a dangling tree, nowhere."""
    named = {target: tip for target, tip in ancestry.named() if target not in ancestry.graph}
    here = {
        info.id: info.type for info in list_objects(ancestry.repository, []) if info.id in blobs or info.id in named
    }
    rest = {blob for blob in blobs if here.get(blob) == "blob"}
    for target in sorted(target for target in named if here.get(target) == "tree"):
        tagged = _try(partial(tree_files, ancestry.repository, target), f"tree {target}", ancestry.problems)
        for entry in tagged:
            if entry.blob in blobs:
                rest.discard(entry.blob)
                yield _behind(ancestry, named[target], entry)
    others = _try(partial(index_blobs, ancestry.repository), "index", ancestry.problems)
    staged_elsewhere = [Location(Place.STAGED, entry.path, entry.blob) for entry in others if entry.blob in rest]
    yield from staged_elsewhere
    rest -= {location.blob for location in staged_elsewhere}
    if rest:
        dangling = list(find_in_trees(ancestry.repository, rest, ancestry.problems))
        for entry in (*dangling, *(TreeEntry("", blob) for blob in sorted(rest - {one.blob for one in dangling}))):
            yield Location(Place.UNREACHABLE, entry.path, entry.blob)


def _behind(ancestry: Ancestry, tip: Tip, entry: TreeEntry) -> Location:
    location = Location(tip.place, entry.path, entry.blob, ref=tip.ref)
    tag = ancestry.tags.get(tip.id)
    return replace(location, author=tag.tagger, date=tag.date) if tag else location


def _try(read: Callable[[], Iterable[TreeEntry]], where: str, problems: list[Problem]) -> list[TreeEntry]:
    try:
        return list(read())
    except GitError as error:
        problems.append(Problem(where, str(error), error.hint))
        return []

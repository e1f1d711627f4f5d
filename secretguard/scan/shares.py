"""How many blobs of a real repository each rule's prefilters point at: what the precise pass has to look at."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from secretguard.engine.prefilter import HyperscanPrefilter, compile_prefilter
from secretguard.errors import UsageError
from secretguard.git.complaints import readable
from secretguard.git.objects import list_objects, read_objects
from secretguard.git.repository import open_repository
from secretguard.model import Blob, Problem, Rule
from secretguard.scan.progress import Progress
from secretguard.scan.sources import sources_for

LARGEST_SHARE = 0.005
"""A rule that points at more of a repository's blobs is to be reworked: its anchor is too common."""
ENOUGH_BLOBS = 1000
"""Fewer say nothing about a rule."""


class Shares(NamedTuple):
    """What was counted."""

    blobs: int
    candidates: dict[str, int]
    """Blobs with a hit, by rule id; the most first, without the rules that have none."""
    problems: tuple[Problem, ...]

    def too_large(self) -> dict[str, int]:
        """Return the candidates of the rules that point at too much."""
        if self.blobs < ENOUGH_BLOBS:
            return {}
        return {name: count for name, count in self.candidates.items() if count > LARGEST_SHARE * self.blobs}


def candidate_shares(rules: Sequence[Rule], target: Path, progress: Progress) -> Shares:
    """Count the blobs of a repository's object database, or the files of any other directory, that each rule points at.

    Raises UsageError if `target` is neither, GitError and RuleError.
    """
    prefilter = HyperscanPrefilter(compile_prefilter(rules, ()), rules)
    problems: list[Problem] = []
    ids: set[str] = set()
    found: dict[int, set[str]] = defaultdict(set)
    for blob in _blobs(target, problems, progress):
        progress.advance(len(blob.data))
        ids.add(blob.id)
        for _, owner in prefilter.ends(blob.data):
            found[owner].add(blob.id)
    ranked = sorted(found, key=lambda owner: (-len(found[owner]), rules[owner].id))
    return Shares(len(ids), {rules[owner].id: len(found[owner]) for owner in ranked}, tuple(problems))


def _blobs(target: Path, problems: list[Problem], progress: Progress) -> Iterator[Blob]:
    if not target.is_dir():
        raise UsageError(f"{readable(str(target))} is no directory", hint="Name a repository or a directory.")
    repository = open_repository(target)
    if repository is None or target.resolve() not in (repository.worktree, repository.git_dir):
        for source in sources_for(str(target)).sources:
            progress.phase("Counting candidates", source.size()[1])
            yield from source.blobs()
            problems.extend(source.problems)
        return
    listed = [one for one in list_objects(repository, problems) if one.type == "blob"]
    progress.phase("Counting candidates", sum(one.size for one in listed))
    for _, blob in read_objects(repository, [one.id for one in listed], problems):
        yield blob

"""Source: the LFS objects that were downloaded, placed where the history has their pointers."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from secretguard.git.repository import Repository
from secretguard.model import Location
from secretguard.scan.sources_files import FilesSource, git_prefix, walked_paths
from secretguard.scan.sources_history import HistorySource
from secretguard.scan.sources_packed import PackedHistory
from secretguard.scan.sources_places import Found


@dataclass(slots=True)
class LfsSource(FilesSource):
    """The files below `.git/lfs/objects`, each named by the SHA-256 of its content."""

    history: HistorySource | PackedHistory | None = None

    def locate(self, ids: Collection[str]) -> Mapping[str, Sequence[Location]]:
        """Return where the pointers to these objects live, or the objects themselves where nothing points at them."""
        found = dict(FilesSource.locate(self, ids))
        if not found or self.history is None:
            return found
        objects: dict[str, list[str]] = defaultdict(list)
        for name, places in found.items():
            for place in places:
                for pointer in self.history.pointers.get(place.path.rpartition("/")[2], ()):
                    objects[pointer].append(name)
        pointed: Found = defaultdict(list)
        for pointer, places in self.history.locate(objects).items():
            for name in objects[pointer]:
                pointed[name].extend(place._replace(blob=name) for place in places)
        return found | pointed


def lfs_source(repository: Repository, history: HistorySource | PackedHistory) -> LfsSource:
    """Return the LFS objects of the repository; `history`, read before, knows their pointers."""

    def paths(source: FilesSource) -> Sequence[str]:
        return walked_paths(source, "lfs/objects")

    prefix = git_prefix(repository)
    return LfsSource(
        "Reading LFS objects", repository.common_dir, paths, repository.object_format, prefix, history=history
    )

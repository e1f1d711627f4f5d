"""Sources on disk: working trees, directories, single files, git's own files, LFS, stdin."""

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from secretguard.engine.detect import Finding, detect
from secretguard.errors import GitError
from secretguard.git import windows
from secretguard.git.repository import Repository
from secretguard.git.worktree import list_worktree
from secretguard.model import Blob, Location, Place, Problem
from secretguard.scan.files_state import KnownFiles, Listed, ends_group
from secretguard.scan.files_sweep import sweep_files
from secretguard.scan.progress import Sweeping
from secretguard.scan.sources_disk import NotReadError, file_blobs, is_real, walk

_PERMISSION = "Give read permission, or run as the owner."
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
"""How zip, gzip, bzip2, xz and zstandard files begin."""
_TAR = slice(257, 262)


@dataclass(slots=True)
class FilesSource:
    """Files below a directory; no symbolic link is followed, and nothing that is not a file is opened."""

    name: str
    root: Path
    paths: Callable[["FilesSource"], Sequence[str]]
    """Lists the files, relative to `root` with `/`, and notes what is left out."""
    object_format: str = "sha1"
    prefix: str = ""
    """Stands before each path in the report."""
    place: Place = Place.WORKTREE
    problems: list[Problem] = field(default_factory=list)
    objects: int = 0
    skipped: int = 0
    volume: int = 0
    bytes_matched: int = 0
    judging: float = 0.0
    _listed: Sequence[str] | None = None
    _found: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def size(self) -> tuple[int, int]:
        """Return how many files there are and their bytes."""
        listed = self._list()
        return len(listed), sum(_size(self.root / path) for path in listed)

    def blobs(self) -> Iterator[Blob]:
        """Yield each distinct content once."""
        real: dict[str, bool] = {}
        for path in self._list():
            yield from self._read(path, real)

    def sweep(self, sweeping: Sweeping) -> Iterator[tuple[Blob, Finding]]:
        """Yield each content that holds something, with what it holds."""
        if (prefilter := sweeping.detector.prefilter) is None:
            raise ValueError("the sweep needs a prefilter")
        known = KnownFiles(self.root, sweeping.rules_digest, self.prefix) if sweeping.use_cache else None
        files = self._changed(known)
        sweeping.progress.phase(self.name, sum(one.status.st_size for one in files))
        real: dict[str, bool] = {}
        for share in sweep_files(self.root, files, prefilter, sweeping.jobs):
            self.objects += len(share.clean)
            clean = [files[number] for number in share.clean]
            for number in share.candidates:
                found_before, holds = self.skipped, False
                for blob in self._read(files[number].path, real):
                    finding = detect(blob, sweeping.detector)
                    self.bytes_matched += len(blob.data) if finding.hit else 0
                    holds = holds or bool(finding.matches or finding.problems)
                    yield blob, finding
                if not holds and self.skipped == found_before:
                    clean.append(files[number])
            if known:
                known.learn(clean)
            sweeping.progress.advance(share.bytes)
        if known:
            known.store()

    def has(self, blob: str) -> bool:
        """Whether this content was looked at."""
        return blob in self._found

    def _changed(self, known: KnownFiles | None) -> list[Listed]:
        """Return the files that are there and not known to hold nothing."""
        files: list[Listed] = []
        for group in self._groups():
            unknown = known.unknown(group) if known else group
            self.objects += len(group) - len(unknown)
            files += unknown
        return files

    def _groups(self) -> Iterator[list[Listed]]:
        """Yield the files that are there with their status, many together."""
        root, group = os.fspath(self.root), list[Listed]()
        for path in self._list():
            try:
                status = os.lstat(f"{root}/{path}")
            except (FileNotFoundError, NotADirectoryError):
                continue  # git knows it, but it is not on disk
            except OSError as error:
                self.fail(path, error)
                continue
            self.volume += status.st_size
            group.append(Listed(path, status))
            if ends_group(status):
                yield group
                group = []
        if group:
            yield group

    def _read(self, path: str, real: dict[str, bool]) -> Iterator[Blob]:
        try:
            yield from self._content(path, real)
        except NotReadError as reason:
            self.leave_out(path, str(reason))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            pass  # git knows it, but it is not on disk
        except OSError as error:
            self.fail(path, error)

    def locate(self, ids: Collection[str]) -> Mapping[str, Sequence[Location]]:
        """Return the paths of the contents with these ids."""
        return {
            content: [Location(self.place, self.prefix + path, content) for path in sorted(self._found[content])]
            for content in ids
            if content in self._found
        }

    def leave_out(self, path: str, why: str) -> None:
        """Note that something is not looked at on purpose."""
        self.skipped += 1
        self.problems.append(Problem(self.prefix + path, why, is_note=True))

    def fail(self, path: str, error: OSError) -> None:
        """Note that something cannot be looked at."""
        self.skipped += 1
        self.problems.append(Problem(self.prefix + path or ".", f"cannot be read: {error.strerror}", _PERMISSION))

    def _list(self) -> Sequence[str]:
        if self._listed is None:
            self._listed = self.paths(self)
        return self._listed

    def _content(self, path: str, real: dict[str, bool]) -> Iterator[Blob]:
        for blob in file_blobs(self.root, path, self.object_format, real):
            if blob.offset == 0:
                self.objects += 1
                self._found[blob.id].append(path)
                if len(self._found[blob.id]) > 1:
                    return
            yield blob


@dataclass(slots=True)
class StdinSource:
    """Standard input; content beyond one window goes by the id of its first window, as it is read only once."""

    stream: BinaryIO
    name: str = "Reading stdin"
    problems: list[Problem] = field(default_factory=list)
    objects: int = 0
    skipped: int = 0
    _id: str = ""

    def size(self) -> tuple[int, int]:
        """Return zeros: nobody knows."""
        return 0, 0

    def blobs(self) -> Iterator[Blob]:
        """Yield what comes."""
        start = self.stream.read(windows.WINDOW)
        self._id = windows.blob_id(start)
        self.objects = 1
        waiting = [start]
        yield from windows.windows(self._id, lambda size: waiting.pop() if waiting else self.stream.read(size))

    def locate(self, ids: Collection[str]) -> Mapping[str, Sequence[Location]]:
        """Return the one place there is."""
        return {self._id: [Location(Place.STDIN, "stdin", self._id)]} if self._id in ids else {}


def worktree_source(repository: Repository, *, include_ignored: bool = False, below: str = "") -> FilesSource:
    """Return the tracked files of the working tree and the untracked ones that git does not ignore, as on disk."""
    if repository.worktree is None:
        raise ValueError("a bare repository has no working tree")
    root = repository.worktree

    def paths(source: FilesSource) -> Sequence[str]:
        try:
            listing = list_worktree(repository, source.problems, include_ignored=include_ignored, below=below)
        except GitError as error:  # without an index there is no telling what is ignored
            source.problems.append(Problem(".git/index", str(error), error.hint))
            return walked_paths(source, below, lambda directory: not _is_git_dir(root / directory))
        for nested in listing.repositories:
            if _holds_something(root / nested):
                source.leave_out(nested, "is a repository of its own (a submodule, say); scan it by itself")
        return listing.files

    return FilesSource("Reading the working tree", root, paths, repository.object_format)


def directory_source(root: Path) -> FilesSource:
    """Return every file below a directory; of the repositories in it the files and configuration, not the history."""

    def paths(source: FilesSource) -> Sequence[str]:
        repositories = []

        def enter(directory: str) -> bool:
            if not _is_git_dir(root / directory):
                return True
            source.leave_out(directory, "holds the history of a repository; scan that by itself")
            repositories.append(f"{directory}/config")
            return False

        return [*walked_paths(source, "", enter), *repositories]

    return FilesSource("Reading files", root, paths)


def file_source(path: Path, shown: str, object_format: str = "sha1") -> FilesSource:
    """Return one file, an archive or not; `shown` is its path in the report."""
    prefix = shown.removesuffix(path.name)
    place = Place.ARCHIVE if _is_archive(path) else Place.WORKTREE
    return FilesSource("Reading the file", path.parent, lambda _: (path.name,), object_format, prefix, place)


def git_files_source(repository: Repository, *, logs: bool) -> FilesSource:
    """Return git's configuration files, where logins live in URLs, and the reflogs, where `git pull URL` puts them."""
    root = repository.common_dir

    def paths(source: FilesSource) -> Sequence[str]:
        found = [*root.glob("config"), *root.glob("config.worktree"), *root.glob("worktrees/*/config.worktree")]
        listed = sorted(path.relative_to(root).as_posix() for path in found)
        listed += [path for path in walked_paths(source, "modules") if path.endswith("/config")]
        if logs:
            for directory in ("logs", *(path.relative_to(root).as_posix() for path in root.glob("worktrees/*/logs"))):
                listed += walked_paths(source, directory)
        return listed

    return FilesSource("Reading .git/config", root, paths, repository.object_format, git_prefix(repository))


def git_prefix(repository: Repository) -> str:
    """Return what stands before the path of a file of git's own in the report."""
    return ".git/" if repository.worktree else ""


def walked_paths(source: FilesSource, below: str = "", enter: Callable[[str], bool] = lambda _: True) -> list[str]:
    """Return the files below a directory of the source's root, and note what cannot be listed."""
    found: list[str] = []
    if below and not (os.path.lexists(source.root / below) and is_real(source.root, below, {})):
        return found  # nothing there, or a symbolic link to somewhere else
    for path, error in walk(source.root, below, enter):
        if error is None:
            found.append(path)
        else:
            source.fail(path, error)
    return found


def _is_git_dir(path: Path) -> bool:
    return os.path.lexists(path / "HEAD") and os.path.lexists(path / "objects")


def _is_archive(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(_TAR.stop)
    except OSError:
        return False  # reading it will say so
    return start.startswith(_ARCHIVES) or start[_TAR] == b"ustar"


def _holds_something(directory: Path) -> bool:
    try:
        with os.scandir(directory) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0

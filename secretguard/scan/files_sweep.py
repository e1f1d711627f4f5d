"""The sweep over files on disk: small ones together through the prefilter, shares of many in processes of their own."""

import os
import stat
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path

from secretguard.engine.magics import container_kind
from secretguard.engine.prefilter import Prefilter
from secretguard.scan.files_state import Listed
from secretguard.scan.sources_disk import NotReadError, is_real, open_regular
from secretguard.workers import in_parallel, processors

_TOGETHER = 1 << 19
"""Bytes of files that go through the prefilter at a time; a larger file is looked at by itself."""
_SHARE = 2_000
"""Files that a worker takes at a time at most."""
_FEW = 1 << 23
"""Bytes that one process reads sooner than another is started."""


@dataclass(slots=True)
class Share:
    """What a share of the files gave: numbers of files."""

    candidates: list[int] = field(default_factory=list)
    """Something hits, or it is an archive, a link, large, or cannot be read: to be looked at by itself."""
    clean: list[int] = field(default_factory=list)
    bytes: int = 0


def sweep_files(root: Path, files: Sequence[Listed], prefilter: Prefilter, jobs: int) -> Iterator[Share]:
    """Yield the shares of `files`, as they are done."""
    total = sum(one.status.st_size for one in files)
    jobs = 1 if total < _FEW and len(files) < _SHARE else jobs or processors()
    shares = _shares(files, total // (jobs * 8) + 1)
    yield from in_parallel(partial(_sweep_share, root, files, prefilter), shares, jobs)


def _shares(files: Sequence[Listed], least: int) -> list[range]:
    shares, start, size = [], 0, 0
    for number, one in enumerate(files, 1):
        size += one.status.st_size
        if size >= least or number - start >= _SHARE or number == len(files):
            shares.append(range(start, number))
            start, size = number, 0
    return shares


def _sweep_share(root: Path, files: Sequence[Listed], prefilter: Prefilter, numbers: range) -> Share:
    share = Share()
    real: dict[str, bool] = {}
    together: list[tuple[int, bytes]] = []
    size = 0
    for number in numbers:
        data = _small(root, files[number], real)
        if data is None or container_kind(data):
            share.candidates.append(number)
            continue
        share.bytes += len(data)
        together.append((number, data))
        size += len(data)
        if size >= _TOGETHER:
            _match(together, prefilter, share)
            together, size = [], 0
    _match(together, prefilter, share)
    return share


def _small(root: Path, file: Listed, real: dict[str, bool]) -> bytes | None:
    """Return the content of a regular file; None if somebody else has to look at it."""
    if not stat.S_ISREG(file.status.st_mode) or file.status.st_size > _TOGETHER:
        return None
    try:
        if not is_real(root, file.path.rpartition("/")[0], real):
            return None
        with open_regular(f"{root}/{file.path}") as opened:
            status = os.fstat(opened.fileno())
            data = opened.read(_TOGETHER + 1)
    except (OSError, NotReadError):
        return None
    same = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns) == (
        file.status.st_ino,
        file.status.st_mtime_ns,
        file.status.st_ctime_ns,
    )
    return data if same and len(data) == status.st_size else None


def _match(together: Sequence[tuple[int, bytes]], prefilter: Prefilter, share: Share) -> None:
    """Sort files into those with a hit and clean ones; as the prefilter looks at lines, all go through it at once."""
    if not together:
        return
    starts = [0, *accumulate(len(data) + 1 for _, data in together)]
    ends = prefilter.ends(b"\n".join(data for _, data in together))
    hit = {bisect_left(starts, end) - 1 for end, _ in ends}
    for at, (number, _) in enumerate(together):
        (share.candidates if at in hit else share.clean).append(number)

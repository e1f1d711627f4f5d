"""The repositories that are measured on: clones, checkouts, new commits, one staged change, a monorepo."""

import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import inherited

_WORDS = ("read", "write", "open", "close", "index", "value", "table", "cache", "state", "entry", "count", "width")


def git(repository: Path, *words: str, given: bytes | None = None) -> bytes:
    """Run git there and return what it says."""
    command = ["git", "-C", str(repository), *words]
    return subprocess.run(command, env=inherited(), input=given, stdout=subprocess.PIPE, check=True).stdout


def clone(source: str, folder: Path) -> Path:
    """Make a bare clone with heads and tags, packed anew as a server would send it."""
    target = folder / (Path(source).name.removesuffix(".git") + ".git")
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "clone", "--quiet", "--no-local", "--bare", "--", source, target.name)
    return target


def facts(repository: Path) -> dict[str, int]:
    """Return the size of a repository's object store."""
    counted = dict(line.split(": ") for line in git(repository, "count-objects", "-v").decode().splitlines())
    objects = int(counted["count"]) + int(counted["in-pack"])
    return {"objects": objects, "MB on disk": round((int(counted["size"]) + int(counted["size-pack"])) / 1000)}


def checkout(source: Path, folder: Path) -> Path:
    """Check HEAD out, with the object store beside the tree: some scanners of directories would read it, others not."""
    tree = folder / source.name.removesuffix(".git")
    git(folder, "clone", "--quiet", "--separate-git-dir", "store.git", "--", str(source.absolute()), tree.name)
    return tree


def staged_change(source: Path, folder: Path) -> tuple[Path, str]:
    """Clone, append a line to a text file of ordinary size and stage it; return the clone and the file's name."""
    copy = folder / source.name.removesuffix(".git")
    git(folder, "clone", "--quiet", "--", str(source.absolute()), copy.name)
    name = _ordinary_files(copy)[0]
    with (copy / name).open("ab") as file:
        file.write(b"\n" + _line(random.Random(1)).encode())
    git(copy, "add", "--", name)
    return copy, name


def _ordinary_files(repository: Path, size: int = 10_000) -> list[str]:
    """Return the names of HEAD's text files, those nearest to `size` bytes first."""
    text = git(repository, "ls-tree", "-r", "-l", "-z", "HEAD").decode("utf-8", "replace")
    entries = [line.split("\t", 1) for line in text.split("\0") if line.startswith("100")]
    sizes = {name: int(about.split()[3]) for about, name in entries if name.isascii() and "." in name}
    return sorted(sizes, key=lambda name: (abs(sizes[name] - size), name))


def add_commits(repository: Path, number: int = 100) -> None:
    """Add commits to a bare repository's HEAD branch, each of which appends a line to three of its files."""
    rng = random.Random(number)
    names = _ordinary_files(repository)[:40]
    texts = {name: git(repository, "cat-file", "blob", f"HEAD:{name}") for name in names}
    branch = git(repository, "symbolic-ref", "HEAD").decode().strip()
    start = git(repository, "rev-parse", "HEAD").decode().strip()

    def stream() -> Iterator[bytes]:
        for commit in range(number):
            yield f"commit {branch}\ncommitter bench <bench@localhost> {1_700_000_000 + commit} +0000\n".encode()
            yield _data(f"Change {commit}".encode())
            yield f"from {start}\n".encode() if commit == 0 else b""
            for name in rng.sample(names, min(3, len(names))):
                texts[name] += b"\n" + _line(rng).encode()
                yield f'M 100644 inline "{name}"\n'.encode() + _data(texts[name])

    git(repository, "fast-import", "--quiet", "--force", given=b"".join(stream()))


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def monorepo(kept: Path, files: int) -> Path:
    """Make a repository of many small files, committed; or return the one that an earlier call made."""
    folder, store, ready = (kept / f"monorepo-{files}{ending}" for ending in ("", ".git", ".ready"))
    if ready.exists() and folder.exists() and store.exists():
        return folder
    for left in (folder, store):
        shutil.rmtree(left, ignore_errors=True)
    rng = random.Random(files)
    for number in range(files):
        path = folder / f"team{number % 37}" / f"service{number % 997}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{_line(rng)}\n" for _ in range(rng.randint(5, 40))), "utf-8")
    git(folder, "init", "--quiet", "--separate-git-dir", str(store))
    # An index as young as its files makes git read them again each time.
    time.sleep(1.1)
    git(folder, "add", "--all")
    git(folder, "-c", "gc.auto=0", "commit", "--quiet", "-m", "Everything")
    git(folder, "repack", "-a", "-d", "--quiet")
    ready.touch()
    return folder


def _line(rng: random.Random) -> str:
    one, two, three, four = rng.choices(_WORDS, k=4)
    return f"{one}_{two} = {three}({four}, {rng.randint(0, 999)})"

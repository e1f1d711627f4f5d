"""A small repository with a key in its history, in its tree and staged: whoever finds none of them does not scan."""

import random
import string
import subprocess
import zlib
from pathlib import Path

from benchmarks.bench import inherited

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def made_up_key(rng: random.Random) -> str:
    """Return a random text in the shape of a GitHub token, its checksum right; nobody's key."""
    body = "".join(rng.choices(string.ascii_letters + string.digits, k=30))
    number, checksum = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        checksum = _BASE62[digit] + checksum
    return "ghp" + "_" + body + checksum


def planted_repository(folder: Path) -> Path:
    """Make the repository: one key committed and removed, one in the tree, one staged."""
    rng = random.Random()
    leak, kept, new = (folder / name for name in ("leak.py", "settings.py", "new.py"))

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=folder, env=inherited(), check=True)

    def put(path: Path) -> None:
        path.write_text(f'GITHUB_TOKEN = "{made_up_key(rng)}"\n', "utf-8")
        git("add", path.name)

    git("init", "--quiet")
    put(leak)
    git("commit", "--quiet", "-m", "one")
    leak.unlink()
    put(kept)
    git("commit", "--quiet", "--all", "-m", "two")
    put(new)
    return folder

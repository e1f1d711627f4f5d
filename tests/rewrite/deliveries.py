"""Repositories with something to deliver, and everything about them that a delivery must leave as it was."""

import os
import random
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from secretguard.git.repository import Repository, open_repository
from secretguard.reference import parse_reference
from secretguard.rewrite.delivery import Delivery
from secretguard.rewriting import FileChange, ManualItem, Variable
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.testing import RepositoryBuilder
from secretguard.testing.keys import llm_key

IDENTITY = {
    "GIT_AUTHOR_NAME": "Olga Operator", "GIT_AUTHOR_EMAIL": "olga@ops.invalid",
    "GIT_COMMITTER_NAME": "Olga Operator", "GIT_COMMITTER_EMAIL": "olga@ops.invalid",
}  # fmt: skip
WHO = Context(IDENTITY)
CREDENTIAL = "sg_0123456789ab"
BRANCH = f"secretguard/rotate-{CREDENTIAL}"

Files = Mapping[str, bytes | None]


def a_key(seed: int = 7) -> str:
    return llm_key(random.Random(seed)).secret


def opened(path: Path) -> Repository:
    repository = open_repository(path)
    assert repository is not None
    return repository


def git(path: Path, *arguments: str, feed: bytes | None = None, check: bool = True) -> bytes:
    """Git as a person would call it, in an environment without anybody's configuration."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "GIT_CONFIG_NOSYSTEM": "1", **IDENTITY}
    done = subprocess.run(["git", *arguments], cwd=path, env=environment, input=feed, capture_output=True, check=False)
    assert done.returncode == 0 or not check, done.stderr.decode()
    return done.stdout


def changes_of(repository: Path, after: Files, modes: Mapping[str, str] | None = None) -> tuple[FileChange, ...]:
    """What takes the files of HEAD to `after`; None takes one out."""
    changes = []
    for path, data in after.items():
        listed = git(repository, "--literal-pathspecs", "ls-tree", "-z", "HEAD", "--", path).decode(
            "utf-8", "surrogateescape"
        )
        mode = listed.split(" ")[0] if listed else "100644"
        before = git(repository, "cat-file", "blob", f"HEAD:{path}") if listed else None
        changes.append(FileChange(path, before, data, (modes or {}).get(path, mode)))
    return tuple(changes)


def delivery_of(path: Path, after: Files, old: str, new: str | None = None, **more: object) -> Delivery:
    repository = opened(path)
    assert repository.head
    plain = Delivery(
        repository=repository,
        base=repository.head,
        changes=changes_of(path, after),
        credential=CREDENTIAL,
        title="OpenAI project API key",
        old=Secret(old),
        new=None if new is None else Secret(new),
        old_is_dead=True,
        variables=(Variable("OPENAI_API_KEY", parse_reference("ref+local://assistant#/OPENAI_API_KEY")),),
        manual=(ManualItem("web/app.ts", 3, "a browser bundle would inline the variable", "Call it from a backend."),),
        status=("rot_00 is closed: the old value is refused everywhere",),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def assistant(path: Path, old: str) -> tuple[RepositoryBuilder, dict[str, bytes]]:
    """A repository with a key in two files, and what they become."""
    builder = RepositoryBuilder(path)
    builder.write("app/assistant.py", f'"""Asks."""\n\nKEY = "{old}"\nMODEL = "small"\n')
    builder.write("deploy/run.sh", f"#!/bin/sh\nexport OPENAI_API_KEY={old}\nexec python app\n", executable=True)
    builder.write("README.md", "# Assistant\n").commit("Start")
    after = {
        "app/assistant.py": b'"""Asks."""\n\nimport os\n\nKEY = os.environ["OPENAI_API_KEY"]\nMODEL = "small"\n',
        "deploy/run.sh": b'#!/bin/sh\n: "${OPENAI_API_KEY:?}"\nexec python app\n',
        "secretguard.refs.env": b"OPENAI_API_KEY=ref+local://assistant#/OPENAI_API_KEY\n",
    }
    return builder, after


def snapshot(path: Path, besides: Sequence[str] = ()) -> dict[str, tuple[int, bytes]]:
    """Every file of a repository, working tree and git directory, by name; objects and `besides` left out."""
    left_out = (".git/objects/", *besides)
    return {
        name: (one.lstat().st_mode, os.fsencode(one.readlink()) if one.is_symlink() else one.read_bytes())
        for one in sorted(path.rglob("*"))
        if (one.is_symlink() or one.is_file()) and not (name := one.relative_to(path).as_posix()).startswith(left_out)
    }


def tree_of(path: Path, revision: str) -> dict[str, tuple[str, bytes]]:
    """Mode and content of every file of a commit."""
    found = {}
    for record in git(path, "ls-tree", "-r", "-z", revision).split(b"\0"):
        if record:
            about, _, name = record.partition(b"\t")
            mode, _, blob = about.decode().split()
            found[os.fsdecode(name)] = (mode, git(path, "cat-file", "blob", blob))
    return found

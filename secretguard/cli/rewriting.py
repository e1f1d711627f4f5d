"""The rewriting of repositories from the command line: what stands at HEAD, what becomes of it, in which fields."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from secretguard.cli import console
from secretguard.cli.invocation import configure
from secretguard.cli.variable_name import VariableName
from secretguard.git.repository import Repository, open_repository
from secretguard.git.trees import contents_at, tree_entries
from secretguard.model import Problem
from secretguard.reference import SecretReference
from secretguard.rewrite.naming import conventional, is_own_use
from secretguard.rewrite.plan import Gathered, Naming, Rewrite, gather, plan_rewrite, second_choice
from secretguard.rewrite.sightings import finder, sought
from secretguard.rewrite.survey import TrackedFile, all_rewriters
from secretguard.rewriting import Surroundings
from secretguard.rotate.fields import field_for
from secretguard.rotation import Spelling, Target
from secretguard.scan.at_commit import files_with
from secretguard.scan.cache import compiled_rules

_LINK = "120000"
_FOR_PEOPLE = (b".md", b".rst", b".txt", b".adoc", b".html")
"""What such a file says about a name is no use of it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One repository at one commit, and what there is to do in it."""

    path: str
    repository: Repository
    base: str
    """The commit that is rewritten."""
    gathered: Gathered
    problems: tuple[Problem, ...]
    """What could not be read."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One repository, and what its commit will do."""

    looked: Looked
    rewrite: Rewrite


def look(paths: Iterable[str], target: Target, chosen: Mapping[str, Any]) -> list[Looked]:
    """Look at HEAD of each repository; a path that is none is left out with a word."""
    found = []
    for path in paths:
        repository = open_repository(Path(path), keep_environment=path == ".")
        if repository is None:
            console.print_line(f"{path} is no git repository: nothing can be delivered there.")
        elif repository.head is None:
            console.print_line(f"{path} has no commit yet: nothing can be delivered there.")
        else:
            found.append(_looked(path, repository, repository.head, target, chosen))
    return found


def asked_variable(looked: Iterable[Looked], target: Target) -> str:
    """Ask what the main variable is called, where the name by convention is in use for something else.

    Empty: as it is called if nobody is asked.
    """
    main = conventional(target.kind, target.family)
    for one in looked:
        default = second_choice(one.gathered, main, target.leaked.user, _Taken(one))
        if not default:
            continue
        console.print_line(f"{main} is in use for something else in {one.path}.")
        name: str = click.prompt("Which variable holds the new value?", default=default, type=VariableName(), err=True)
        return name
    return ""


def planned(looked: Sequence[Looked], target: Target, reference: SecretReference, name: str = "") -> list[Planned]:
    """Return what each repository's commit will do, and where each variable's value is.

    Every form that any of the repositories needs is a field of the one document.
    """
    target = needing(looked, target)
    main = conventional(target.kind, target.family)

    def refer(spelling: Spelling, _: str) -> SecretReference:
        return reference.with_field(field_for(target, spelling, reference))

    return [
        Planned(
            one,
            plan_rewrite(one.gathered, Naming(refer, main, target.leaked.user, name, _Taken(one))),
        )
        for one in looked
    ]


def needing(looked: Iterable[Looked], target: Target) -> Target:
    """Return the target with every spelling that the code needs a field for, after those that the scan knows."""
    more = tuple(spelling for one in looked for spelling in one.gathered.spellings)
    return replace(target, spellings=(*target.spellings, *more))


def _looked(path: str, repository: Repository, base: str, target: Target, chosen: Mapping[str, Any]) -> Looked:
    config = configure(chosen, path)
    detector = compiled_rules(config.without_plugins, config.rules).detector
    problems: list[Problem] = []
    secret = target.leaked.secret
    with console.progress(quiet=config.verbosity < 0, in_bytes=False) as progress:
        files = [
            TrackedFile(one.path, one.data, one.matches, one.mode, one.is_whole)
            for one in files_with(secret, finder(target.leaked), repository, base, detector, problems, progress)
        ]
    gathered = gather(files, all_rewriters(), surroundings(repository, base), target.leaked)
    return Looked(path, repository, base, gathered, tuple(problems))


def surroundings(repository: Repository, base: str) -> Surroundings:
    """Return the files of a commit, each read when somebody asks for it."""
    content = contents_at(repository, base)
    entries = list(tree_entries(repository, base))
    links = {entry.path for entry in entries if entry.mode == _LINK}
    known: dict[str, str | None] = {}

    def read(path: str) -> str | None:
        if path not in known:
            data = None if path in links else content(path)
            known[path] = None if data is None or b"\0" in data else data.decode("utf-8", "replace")
        return known[path]

    return Surroundings(frozenset(entry.path for entry in entries), read)


class _Taken:
    """Whether a commit uses a name, as a word, in any file that a machine reads, and for something else.

    Where one of them gives it the leaked value, the name is that of the credential.
    """

    def __init__(self, looked: Looked) -> None:
        self._repository, self._base = looked.repository, looked.base
        self._read = looked.gathered.around.read
        self._old = sought(looked.gathered.leaked.secret)

    def __call__(self, name: str) -> bool:
        """Return whether `name` stands somewhere; raises GitError if git cannot say."""
        words = ("grep", "-l", "-z", "-I", "-w", "-F", "--no-textconv", "-e", name, self._base)
        with self._repository.process(*words) as process:
            found = [one for one in process.stdout.read().split(b"\0") if one]
            if process.wait() > 1:
                raise process.failure()
        using = [one for one in found if not one.lower().endswith(_FOR_PEOPLE)]
        return bool(using) and not any(self._is_own(name, one) for one in using)

    def _is_own(self, name: str, found: bytes) -> bool:
        path = os.fsdecode(found.removeprefix(self._base.encode("ascii") + b":"))
        return is_own_use(name, self._read(path) or "", self._old)

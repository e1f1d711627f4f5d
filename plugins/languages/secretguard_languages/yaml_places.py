"""What can stand in the place of a scalar, as the kind of file it is in decides: words and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from secretguard.rewriting import Document, Edit, Site, Surroundings, Variable
from secretguard_languages.yaml_scalars import Scalar

if TYPE_CHECKING:
    from ast_grep_py import SgNode


@dataclass(frozen=True, slots=True)
class Tree:
    """One file, parsed."""

    document: Document
    source: str
    """Its text with template expressions covered; `root` is the tree of it."""
    root: SgNode
    around: Surroundings


@dataclass(frozen=True, slots=True)
class Need:
    """What has to exist besides the file, once it is edited, before it works again."""

    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class Inline:
    """A text in which the program that reads the file puts in variables."""

    reference: str
    """What says the variable, with NAME or REFERENCE."""
    runs: re.Pattern[str] | None = None
    """What else is put in at run time, besides template expressions."""
    doubled: str = ""
    """A character that is written twice to stand for itself."""
    fallback: re.Pattern[str] | None = None
    """A lookup of the variable `name` that has `value` as fallback."""
    kept: str = ""
    """The same with another variable as its fallback, for Match.expand; empty: a person has to do it."""
    is_whole: bool = False
    """Whether the reference has to be the whole scalar."""
    is_first: bool = False
    """Whether it is put in before the file is read as YAML, so that nothing in it is escaped."""
    need: Need | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """Lines of a POSIX shell, which has the variable in its environment."""

    need: Need | None = None


@dataclass(frozen=True, slots=True)
class Instead:
    """Characters around a scalar that become something else, if all of the scalar is the credential."""

    start: int
    end: int
    text: str
    names: tuple[str, ...] = ()
    need: Need | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Text for people: a placeholder goes there."""


@dataclass(frozen=True, slots=True)
class Left:
    """A place for a person."""

    reason: str
    advice: str


Place = Inline | Script | Instead | Sample | Left


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of YAML file."""

    is_one: Callable[[Tree], bool]
    place: Callable[[Scalar, Tree], Place]
    additions: Callable[[Tree, Sequence[tuple[Site, Variable]]], Sequence[Edit]] = lambda *_: ()

"""Who owns the changed files, as a CODEOWNERS file says.

Format: https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository
/about-code-owners and https://docs.gitlab.com/user/project/codeowners/reference/. The last line that matches a file
wins, in GitLab's sections the last of each; patterns are those of a `.gitignore`, but `folder/*` goes no deeper.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from secretguard.errors import GitError
from secretguard.git.repository import Repository
from secretguard.globs import Glob, glob, matches

GITHUB_PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
GITLAB_PLACES = ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_LARGEST = 3 << 20
"""Bytes, as GitHub has it."""
_SECTION = re.compile(r"\^?\[([^\]]+)\](?:\[\d+\])?(.*)")
_WORD = re.compile(r"(?:\\.|[^\s\\])+")


class Line(NamedTuple):
    """One line of the file."""

    section: str
    pattern: Glob
    owners: tuple[str, ...]
    """`@user`, `@organisation/team` or an address."""
    goes_deeper: bool

    def owns(self, path: str) -> bool:
        """Whether the line is about a file."""
        return matches(self.pattern, path, below=self.goes_deeper)


def codeowners(repository: Repository, commit: str, places: Sequence[str]) -> str:
    """Return the text of the first CODEOWNERS file that a commit has; empty if it has none."""
    for place in places:
        try:
            if int(repository.git("cat-file", "-s", f"{commit}:{place}")) <= _LARGEST:
                return repository.git("cat-file", "blob", f"{commit}:{place}").decode("utf-8", "replace")
        except GitError:
            continue
    return ""


def owners_of(text: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Return who owns the files, whoever owns most of them first."""
    lines = tuple(_lines(text))
    count: Counter[str] = Counter()
    for path in paths:
        last = {line.section: line.owners for line in lines if line.owns(path)}
        count.update({owner for owners in last.values() for owner in owners})
    return tuple(sorted(count, key=lambda owner: (-count[owner], owner)))


def _lines(text: str) -> Iterator[Line]:
    section = ""
    by_default: tuple[str, ...] = ()
    for written in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", written).strip()
        if header := _SECTION.fullmatch(line):
            section, by_default = header[1].strip().lower(), _owners(header[2].split())
            continue
        pattern, *owners = _WORD.findall(line) or [""]
        plain = re.sub(r"\\(.)", r"\1", pattern)
        try:
            taken = glob(plain)
        except ValueError:  # no pattern, or one that negates, which counts for nothing
            continue
        yield Line(section, taken, _owners(owners) or by_default, not plain.endswith("/*"))


def _owners(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if "@" in word)

"""Who reads a `.env` that leaves git: a compose file, a makefile, an image, a script. They fail without it."""

import re
from collections.abc import Collection, Iterator
from posixpath import dirname, join, normpath

from secretguard.rewriting import ManualItem, Surroundings

_READERS = (
    (
        re.compile(r"(?:docker-)?compose[\w.-]*\.ya?ml", re.IGNORECASE),
        re.compile(r"^[ \t]*(?:-[ \t]*)?(?:env_file[ \t]*:|path[ \t]*:|-[ \t])(?P<paths>.*)"),
    ),
    (re.compile(r"(?:GNU)?Makefile|.+\.mk", re.IGNORECASE), re.compile(r"^[ \t]*[-s]?include[ \t]+(?P<paths>.*)")),
    (
        re.compile(r"(?:.+\.)?(?:Docker|Container)file(?:\..+)?", re.IGNORECASE),
        re.compile(r"^[ \t]*(?:COPY|ADD)[ \t]+(?P<paths>.*)", re.IGNORECASE),
    ),
    (
        re.compile(r".+\.(?:sh|bash|zsh|ksh)|\.envrc|(?:GNU)?Makefile|.+\.mk|Justfile", re.IGNORECASE),
        re.compile(r"(?:^|[;&|({]|\b(?:do|then)\b)[ \t]*@?(?:source|\.|source_env|dotenv)[ \t]+(?P<paths>[^;&|)]+)"),
    ),
    (
        re.compile(r"package\.json|Procfile|Justfile|(?:GNU)?Makefile|.+\.(?:mk|sh|bash|ya?ml|service)", re.IGNORECASE),
        re.compile(
            r"(?:--env-file(?:-if-exists)?|\b(?:dotenv|env-cmd)\b[^;&|]*?[ \t]-[ef]|EnvironmentFile)"
            r"[= \t]-?(?P<paths>[^;&|]+)"
        ),
    ),
)
"""Names of files, and the lines in them that name files which are read."""
_BETWEEN = re.compile(r"[\s\"',\[\]{}:=]+")
_ADVICE = (
    "Start it with `secretguard run --env-file secretguard.refs.env -- COMMAND` instead, or see to it that the file is"
    " made where this runs."
)


def readers_of(removed: Collection[str], around: Surroundings) -> Iterator[ManualItem]:
    """Yield an item for each line of the commit that reads one of the `removed` files, as far as that can be seen."""
    for path in sorted(around.paths) if removed else ():
        patterns = [line for name, line in _READERS if name.fullmatch(path.rpartition("/")[2])]
        text = (around.read(path) or "") if patterns else ""
        for number, line in enumerate(text.split("\n"), 1):
            named = {one for pattern in patterns for one in _named_on(line, pattern, dirname(path))}
            for one in sorted(named & set(removed)):
                yield ManualItem(path, number, f"it reads {one}, which leaves git", _ADVICE)


def _named_on(line: str, pattern: re.Pattern[str], folder: str) -> Iterator[str]:
    """Yield the files that a line may mean: as its own folder sees them, or the top of the repository."""
    if not line.lstrip().startswith("#") and (found := pattern.search(line)):
        for word in _BETWEEN.split(found["paths"]):
            for place in (folder, ""):
                yield normpath(join(place, word))

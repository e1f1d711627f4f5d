"""Compose files: `${NAME:?}`, which `docker compose` puts in everywhere, and which stops it where none is set.

Syntax: https://docs.docker.com/reference/compose-file/interpolation/.
"""

from __future__ import annotations

import re

from secretguard.rewriting import NAME
from secretguard_languages.yaml_places import Inline, Kind, Place, Tree
from secretguard_languages.yaml_scalars import Scalar, contents, pairs_of, value_at

_FILE = re.compile(r"(?:docker-)?(?:compose|stack)(?:[._-][\w.-]*)?\.ya?ml", re.IGNORECASE)
_SERVICE = frozenset(("image", "build", "container_name", "extends"))
_EVERYWHERE = Inline(
    f"${{{NAME}:?}}",
    runs=re.compile(r"\$\{[^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*"),
    doubled="$",
    fallback=re.compile(r"(?<!\$)\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<sign>:?-)(?P<value>[^{}]*)\}"),
    kept=rf"${{\g<name>\g<sign>${{{NAME}:?}}}}",
)


def _is_one(tree: Tree) -> bool:
    """Whether there are services, one of which has an image or is built."""
    for content in contents(tree.root):
        services = value_at(content, tree.source, "services")
        named = pairs_of(services, tree.source)
        if _FILE.fullmatch(tree.document.name) and (named or "x-" in tree.source):
            return True
        if any(_SERVICE & pairs_of(one.field("value"), tree.source).keys() for one in named.values()):
            return not pairs_of(content, tree.source).keys() & {"jobs", "on", "definitions"}
    return False


def _place(_: Scalar, __: Tree) -> Place:
    return _EVERYWHERE


KIND = Kind(_is_one, _place)

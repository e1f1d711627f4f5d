"""Ansible: `{{ lookup('env', 'NAME') }}`, which the machine that runs the play puts in.

https://docs.ansible.com/ansible/latest/collections/ansible/builtin/env_lookup.html.
"""

from __future__ import annotations

import re

from secretguard.rewriting import NAME
from secretguard_languages.yaml_places import Inline, Kind, Left, Place, Tree
from secretguard_languages.yaml_scalars import Scalar, contents, items_of, pairs_of

_PATH = re.compile(
    r"(?:.*/)?(?:(?:group|host)_vars/.+|roles/[^/]+/(?:tasks|handlers|vars|defaults)/.+)\.ya?ml", re.IGNORECASE
)
_QUOTED = r"(?P<{0}>['\"])(?P<{1}>[^'\"{{}}]*)(?P={0})"
_LOOKUP = Inline(
    f"{{{{ lookup('env', '{NAME}') }}}}",
    fallback=re.compile(
        rf"\{{\{{\s*lookup\(\s*['\"](?:ansible\.builtin\.)?env['\"]\s*,\s*{_QUOTED.format('q', 'name')}\s*\)"
        rf"\s*\|\s*(?:default|d)\(\s*{_QUOTED.format('p', 'value')}\s*(?:,\s*true\s*)?\)\s*\}}\}}",
        re.IGNORECASE,
    ),
    kept=rf"{{{{ lookup('env', '\g<name>') | default(lookup('env', '{NAME}'), true) }}}}",
)
_BARE = frozenset(("when", "that", "failed_when", "changed_when", "until", "loop_control", "var"))
"""Keys whose value is an expression without braces."""


def _is_one(tree: Tree) -> bool:
    if _PATH.fullmatch(tree.document.path):
        return True
    plays = [pairs_of(one, tree.source).keys() for content in contents(tree.root) for one in items_of(content)]
    return any("hosts" in one and one & {"tasks", "roles", "vars", "pre_tasks", "handlers"} for one in plays)


def _place(scalar: Scalar, _: Tree) -> Place:
    if _BARE & set(scalar.path):
        return Left("it is part of an expression of Ansible", "Put it into a variable, and compare with that.")
    return _LOOKUP


KIND = Kind(_is_one, _place)

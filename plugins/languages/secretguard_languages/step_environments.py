"""The `env:` of a step that runs a script: the script gets a secret from there, and never has it put into its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from secretguard.rewriting import Edit, Site, Variable
from secretguard_languages.syntax import span, upwards
from secretguard_languages.yaml_places import Tree
from secretguard_languages.yaml_scalars import Scalar, mapping_above, pair_above, pairs_of, scalar_at

if TYPE_CHECKING:
    from ast_grep_py import SgNode


def environments(
    tree: Tree, chosen: Sequence[tuple[Site, Variable]], scripts: Sequence[str], value: str
) -> Iterator[Edit]:
    """Yield what gives each step whose script was edited its variables. `value`: a format, `{name}` in it."""
    wanted: dict[int, tuple[Scalar, list[str]]] = {}
    for site, variable in chosen:
        scalar = scalar_at(tree.root, tree.document.text, site.start, site.end)
        pair = pair_above(scalar.node) if scalar is not None else None
        if scalar is None or pair is None or scalar.path[-1] not in scripts:
            continue
        if not _has(tree, scalar, variable.name, [one for one, _ in chosen]):
            names = wanted.setdefault(span(pair)[0], (scalar, []))[1]
            names += [variable.name] if variable.name not in names else []
    for scalar, names in wanted.values():
        yield _edit(tree, scalar, {name: value.format(name=name) for name in names})


def _edit(tree: Tree, scalar: Scalar, variables: dict[str, str]) -> Edit:
    text, newline = tree.document.text, tree.document.newline
    step, script = mapping_above(scalar.node), pair_above(scalar.node)
    if step is None or script is None:
        raise AssertionError("a script without a step")
    pair = pairs_of(step, tree.source).get("env")
    inner = list(pairs_of(pair.field("value"), tree.source).values()) if pair is not None else []
    at = span(inner[0] if inner else script)[0]
    if (inner[0] if inner else script).kind() == "flow_pair":
        listed = ", ".join(f'{name}: "{value}"' for name, value in variables.items())
        return Edit(at, at, f"{listed}, " if inner else f"env: {{{listed}}}, ")
    indent = newline + " " * (at - text.rfind("\n", 0, at) - 1)
    lines = [f"{name}: {value}" for name, value in variables.items()]
    if inner:
        return Edit(at, at, "".join(line + indent for line in lines))
    return Edit(at, at, "".join(line + indent for line in ("env:", *(f"  {line}" for line in lines))))


def _has(tree: Tree, scalar: Scalar, name: str, sites: Sequence[Site]) -> bool:
    """Whether an `env` around the script holds the variable already, or will once the sites are edited."""
    for mapping in _mappings(scalar.node):
        env = pairs_of(mapping, tree.source).get("env")
        pair = pairs_of(env.field("value"), tree.source).get(name) if env is not None else None
        if pair is None:
            continue
        start, end = span(pair)
        held = tree.document.text[start:end]
        return any(start < site.start and site.end <= end for site in sites) or bool(
            re.search(rf"(?:secrets\.|\$\(){re.escape(name)}\b", held)
        )
    return False


def _mappings(node: SgNode) -> Iterator[SgNode]:
    return (one for one in upwards(node) if one.kind() in ("block_mapping", "flow_mapping"))

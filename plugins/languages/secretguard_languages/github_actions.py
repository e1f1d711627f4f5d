"""GitHub Actions (and Gitea's, Forgejo's): `${{ secrets.NAME }}`, which a script gets through the `env:` of its step.

Where secrets are known: https://docs.github.com/en/actions/reference/workflows-and-actions/contexts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from secretguard.rewriting import NAME, Edit, Site, Variable
from secretguard_languages.step_environments import environments
from secretguard_languages.syntax import upwards
from secretguard_languages.yaml_places import Inline, Kind, Left, Need, Place, Script, Tree
from secretguard_languages.yaml_scalars import Scalar, contents, pairs_of, text_of, value_at

_WORKFLOW = re.compile(r"(?:.*/)?\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml")
_NEED = Need(
    "the workflow needs the secrets that it names",
    "Set them: `gh secret set NAME`, for pull requests of Dependabot also with `--app dependabot`.",
)
_SECRET = Inline(
    f"${{{{ secrets.{NAME} }}}}",
    fallback=re.compile(r"\$\{\{\s*(?P<source>secrets|vars|env)\.(?P<name>\w+)\s*\|\|\s*'(?P<value>[^'{}]*)'\s*\}\}"),
    kept=rf"${{{{ \g<source>.\g<name> || secrets.{NAME} }}}}",
    need=_NEED,
)
_UNKNOWN = Left("GitHub knows no secrets here", "Take the value out, and pass it through `env:` of a step.")
_CODE = Left("a secret is never put into code", "Give the step the secret in `env:`, and read it from there.")
_INPUTS_OF_CODE = ("script", "run", "command", "cmd", "inlineScript", "inline-script")


def _is_one(tree: Tree) -> bool:
    return _WORKFLOW.fullmatch(tree.document.path) is not None


def _place(scalar: Scalar, tree: Tree) -> Place:
    path = scalar.path
    if path[:1] == ("env",):
        return _SECRET
    within = path[2:] if path[:1] == ("jobs",) else ()
    match within:
        case ("env", *_) | ("secrets", *_):
            return _SECRET
        case ("container", "env" | "credentials", *_) | ("services", _, "env" | "credentials", *_):
            return _SECRET
        case ("steps", "", "env", *_):
            return _SECRET
        case ("steps", "", "with", name, *_):
            return _CODE if name in _INPUTS_OF_CODE else _SECRET
        case ("steps", "", "run"):
            return (
                Script(_NEED) if _is_posix(scalar, tree) else Left("it is not known which shell runs it", _CODE.advice)
            )
    return _UNKNOWN


def _is_posix(scalar: Scalar, tree: Tree) -> bool:
    """Whether bash or sh runs a script: the nearest `shell` says so, or no runner of the file has Windows."""
    for one in upwards(scalar.node):
        if one.kind() not in ("block_mapping", "flow_mapping"):
            continue
        held = pairs_of(one, tree.source)
        shell = text_of(held["shell"].field("value"), tree.source) if "shell" in held else ""
        shell = shell or text_of(value_at(one, tree.source, "defaults", "run", "shell"), tree.source)
        if shell:
            return re.match(r"(?:/\S*/)?(?:bash|sh)(?:\s|$)", shell) is not None
    return re.search(r"windows|self-hosted", tree.document.text, re.IGNORECASE) is None


def _additions(tree: Tree, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    return list(environments(tree, chosen, ("run",), "${{{{ secrets.{name} }}}}"))


def _is_action(tree: Tree) -> bool:
    named = tree.document.name in ("action.yml", "action.yaml")
    return named and any("runs" in pairs_of(one, tree.source) for one in contents(tree.root))


def _in_action(_: Scalar, __: Tree) -> Place:
    return Left("an action knows no secrets", "Make it an input, and have each workflow pass its secret.")


KINDS = (Kind(_is_one, _place, _additions), Kind(_is_action, _in_action))

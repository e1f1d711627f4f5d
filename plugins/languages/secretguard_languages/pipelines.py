"""Pipelines of GitLab, CircleCI, Azure, Bitbucket, Travis and Drone: variables that their settings hold, masked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from secretguard.rewriting import LOWER_NAME, NAME, Edit, Site, Variable
from secretguard_languages.step_environments import environments
from secretguard_languages.syntax import span
from secretguard_languages.yaml_places import Inline, Instead, Kind, Left, Need, Place, Script, Tree
from secretguard_languages.yaml_scalars import Scalar, contents, mapping_above, pair_above, pairs_of, text_of, value_at

_DOLLAR = re.compile(r"\$\{[^}]*\}|\$[A-Za-z_][A-Za-z0-9_]*")
_NEED = Need(
    "the pipeline needs the variables that it names",
    "Set them in the settings of the project, masked, and protected where only protected branches need them.",
)
_LEFT = Left(
    "the pipeline puts in no variables here", "Take it out, and set the variable in the settings of the project."
)
_UNKNOWN_SHELL = Left("it is not known which shell runs it", "Have the script read it from its environment.")
_SCRIPT = Script(_NEED)
_VARIABLE = Inline(f"${{{NAME}}}", runs=_DOLLAR, need=_NEED)
_NO_POSIX = re.compile(r"\bwindows|\bpwsh\b|\bpowershell\b|\bcmd\.exe\b", re.IGNORECASE)


def _gitlab(scalar: Scalar, tree: Tree) -> Place:
    # https://docs.gitlab.com/ci/variables/: a project's variable goes before one of the same name in the file
    if {"script", "before_script", "after_script"} & set(scalar.path):
        return _script(tree)
    return _VARIABLE if "variables" in scalar.path[:-1] else _LEFT


def _circle(scalar: Scalar, tree: Tree) -> Place:
    is_script = scalar.path[-1:] == ("run",) or scalar.path[-2:] == ("run", "command")
    shell = text_of(value_at(mapping_above(scalar.node), tree.source, "shell"), tree.source)
    if is_script and shell and not re.search(r"\b(?:ba)?sh\b", shell):
        return _UNKNOWN_SHELL
    return _script(tree) if is_script else _LEFT


def _azure(scalar: Scalar, tree: Tree) -> Place:
    # https://learn.microsoft.com/azure/devops/pipelines/process/set-secret-variables: mapped in `env:` only
    reference = Inline(f"$({NAME})", runs=re.compile(r"\$\([^)]*\)"), need=_NEED)
    match scalar.path[-2:]:
        case ("env", _):
            return reference
        case ("", "bash"):
            return _SCRIPT
        case ("", "script"):
            return (
                _script(tree) if re.search(r"vmImage:\s*['\"]?(?:ubuntu|macos)", tree.source, re.I) else _UNKNOWN_SHELL
            )
        case ("inputs", name) if not re.search(r"script|argument|command", name, re.IGNORECASE):
            return reference
    return _LEFT


def _azure_additions(tree: Tree, chosen: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    return list(environments(tree, chosen, ("bash", "script"), "$({name})"))


def _bitbucket(scalar: Scalar, tree: Tree) -> Place:
    if scalar.path[-2:] == ("script", "") or scalar.path[-2:] == ("after-script", ""):
        return _script(tree)
    is_pipe = scalar.path[-2:-1] == ("variables",) and {"script", "after-script"} & set(scalar.path)
    return _VARIABLE if is_pipe else _LEFT


def _travis(scalar: Scalar, tree: Tree) -> Place:
    phases = {"before_install", "install", "before_script", "script", "after_success", "after_failure", "after_script"}
    return _script(tree) if phases & set(scalar.path) and "deploy" not in scalar.path else _LEFT


def _drone(scalar: Scalar, tree: Tree) -> Place:
    # https://docs.drone.io/secret/: a setting or a variable of a step
    if scalar.path[-2:-1] not in (("environment",), ("settings",)):
        return _LEFT
    pair = pair_above(scalar.node)
    if pair is None:
        return _LEFT
    start, end = scalar.literal.start, scalar.literal.end
    names = (scalar.path[-1],) if re.fullmatch(r"[A-Z][A-Z0-9_]+", scalar.path[-1]) else ()
    if scalar.in_flow:
        return Instead(start, end, f"{{from_secret: {LOWER_NAME}}}", names, _NEED)
    text, at = tree.document.text, span(pair)[0]
    after_colon = len(text[:start].rstrip(" "))
    indent = " " * (at - text.rfind("\n", 0, at) + 1)
    return Instead(after_colon, end, f"{tree.document.newline}{indent}from_secret: {LOWER_NAME}", names, _NEED)


def _script(tree: Tree) -> Place:
    return _UNKNOWN_SHELL if _NO_POSIX.search(tree.document.text) else _SCRIPT


def _at(pattern: str) -> Callable[[Tree], bool]:
    compiled = re.compile(rf"(?:.*/)?(?:{pattern})", re.IGNORECASE)
    return lambda tree: compiled.fullmatch(tree.document.path) is not None


def _is_drone(tree: Tree) -> bool:
    named = re.fullmatch(r"\.?(?:drone|woodpecker)(?:\.[\w-]+)?\.ya?ml", tree.document.name) is not None
    return named or any(
        text_of(value_at(one, tree.source, "kind"), tree.source) == "pipeline"
        and "steps" in pairs_of(one, tree.source)
        and "apiVersion" not in pairs_of(one, tree.source)
        for one in contents(tree.root)
    )


KINDS = (
    Kind(_at(r"(?:[\w-]+)?\.gitlab-ci(?:\.[\w.-]+)?\.ya?ml|\.?gitlab(?:-ci)?/(?:[\w.-]+/)*[\w.-]+\.ya?ml"), _gitlab),
    Kind(_at(r"\.circleci/(?:[\w.-]+/)*[\w.-]+\.ya?ml"), _circle),
    Kind(_at(r"\.?azure-?pipelines?(?:/(?:[\w.-]+/)*[\w.-]+|[._-][\w.-]+)?\.ya?ml"), _azure, _azure_additions),
    Kind(_at(r"bitbucket-pipelines\.ya?ml"), _bitbucket),
    Kind(_at(r"\.travis\.ya?ml"), _travis),
    Kind(_is_drone, _drone),
)

"""Kubernetes, Helm and Render: what a container gets comes from a Secret, and not from the manifest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, REFERENCE
from secretguard_languages.syntax import span, upwards
from secretguard_languages.yaml_places import Inline, Instead, Kind, Left, Need, Place, Tree
from secretguard_languages.yaml_scalars import (
    Scalar,
    contents,
    is_plain,
    pair_above,
    pairs_of,
    read_scalar,
    text_of,
    value_at,
)

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_WORKLOADS = frozenset(
    (
        *("CronJob", "DaemonSet", "Deployment", "DeploymentConfig", "Job", "Pod", "PodTemplate", "ReplicaSet"),
        *("ReplicationController", "Rollout", "Service", "StatefulSet"),
    )
)
"""Kinds that hold a PodSpec; a Service only that of Knative."""
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_LEFT = {
    "Secret": Left(
        "a Secret manifest holds the value itself",
        "Take it out of git: an ExternalSecret, a SealedSecret or a SOPS file makes the same Secret.",
    ),
    "ConfigMap": Left(
        "a ConfigMap is no place for a secret, and puts in no variables",
        "Move the key to a Secret that is not committed, and mount or read it from there.",
    ),
    "Kustomization": Left(
        "a generator of Kustomize puts in no variables",
        "Use `envs:` with a file that is not committed, or an ExternalSecret.",
    ),
}
_IN_COMMAND = Left(
    "Kubernetes puts only variables of the same container into a command",
    "Give the container the variable from a Secret, and write $(NAME) here.",
)
_ELSEWHERE = Left("Kubernetes puts in no variables here", "Move the value to a Secret, and read it from there.")
_HELM = Left(
    "Helm puts no variables into its values",
    "Leave it empty, and give the chart the name of a Secret, or pass `--set` from a store when it is installed.",
)


def _is_manifest(tree: Tree) -> bool:
    return any({"apiVersion", "kind"} <= pairs_of(one, tree.source).keys() for one in contents(tree.root))


def _in_manifest(scalar: Scalar, tree: Tree) -> Place:
    manifest = _manifest_of(scalar.node, tree)
    kind = text_of(value_at(manifest, tree.source, "kind"), tree.source)
    if kind in _LEFT:
        return _LEFT[kind]
    inside = next((at for at, key in enumerate(scalar.path) if key in _CONTAINERS), None)
    if kind not in _WORKLOADS or inside is None:
        return _ELSEWHERE
    if {"command", "args"} & set(scalar.path[inside:]):
        return _IN_COMMAND
    if scalar.path[inside + 1 :] != ("", "env", "", "value"):
        return _ELSEWHERE
    secret = _secret_name(manifest, tree)
    if not secret:
        return Left("the manifest has no name that a Secret could have, too", "Read it from a Secret by hand.")
    return _from_secret(scalar, tree, secret)


def _from_secret(scalar: Scalar, tree: Tree, secret: str) -> Place:
    pair, names = _pair_and_name(scalar, tree, "name")
    if pair is None:
        return _ELSEWHERE
    start, end = span(pair)
    end = start + len(tree.document.text[start:end].rstrip())
    need = Need(
        f"the Secret `{secret}` has to exist before this is applied",
        "Make it, for example by an ExternalSecret, with the keys that the file names; "
        "secretguard.refs.env says where their values are.",
    )
    if pair.kind() == "flow_pair":
        quoted = secret if is_plain(secret) and not set(secret) & set(",[]{}") else f"'{secret}'"
        text = f"valueFrom: {{secretKeyRef: {{name: {quoted}, key: {NAME}}}}}"
        return Instead(start, end, text, names, need)
    source = tree.document.text
    indent = "\n" + " " * (start - source.rfind("\n", 0, start) - 1)
    lines = ("valueFrom:", "  secretKeyRef:", f"    name: {secret}", f"    key: {NAME}")
    return Instead(start, end, indent.join(lines).replace("\n", tree.document.newline), names, need)


def _pair_and_name(scalar: Scalar, tree: Tree, key: str) -> tuple[SgNode | None, tuple[str, ...]]:
    """Return the pair of a scalar, and what its sibling `key` calls it, if that is the name of a variable."""
    pair = pair_above(scalar.node)
    name = text_of(value_at(pair.parent() if pair else None, tree.source, key), tree.source)
    return pair, (name,) if re.fullmatch(r"[A-Z][A-Z0-9_]*", name) else ()


def _manifest_of(node: SgNode, tree: Tree) -> SgNode | None:
    """Return the innermost mapping around a node that is a manifest: an item of a List is one, too."""
    for one in upwards(node):
        if one.kind() in ("block_mapping", "flow_mapping") and "kind" in pairs_of(one, tree.source):
            return one
    return None


def _secret_name(manifest: SgNode | None, tree: Tree) -> str:
    """Return the name of the Secret beside a manifest, template expressions as they stand in the manifest's own."""
    node = value_at(manifest, tree.source, "metadata", "name")
    scalar = read_scalar(tree.source, *span(node)) if node is not None else None
    if scalar is None:
        return ""
    name = tree.document.text[slice(*scalar.body)]
    fixed = re.sub(r"\{\{.*?\}\}", "x", name)
    return f"{name}-secrets" if re.fullmatch(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", fixed) and "{{-" not in name else ""


def _is_values(tree: Tree) -> bool:
    """Whether the file holds the values of a chart, or says what Helmfile does."""
    folder, name = tree.document.path.rpartition("/")[0], tree.document.name
    chart = f"{folder}/Chart.yaml".lstrip("/")
    is_named = re.fullmatch(r"(?:[\w.-]*[._-])?values(?:[._-][\w.-]+)?\.ya?ml", name) is not None
    return _is_helmfile(tree) or (is_named and (chart in tree.around.paths or name.startswith("values"))) or (
        _of_helmfile(tree)
    )  # fmt: skip


def _is_helmfile(tree: Tree) -> bool:
    return re.search(r"(?:^|/)(?:helmfile(?:\.[\w.-]+)?|helmfile\.d/[\w.-]+)\.ya?ml$", tree.document.path) is not None


def _of_helmfile(tree: Tree) -> bool:
    """Whether a Helmfile names this file among its values."""
    for path in tree.around.paths:
        if re.search(r"(?:^|/)(?:helmfile(?:\.[\w.-]+)?|helmfile\.d/[\w.-]+)\.ya?ml(?:\.gotmpl)?$", path):
            folder = path.rpartition("/")[0].removesuffix("helmfile.d").rstrip("/")
            own = tree.document.path
            relative = own.removeprefix(f"{folder}/") if folder else own
            if re.search(rf"(?:^|[\s\"'./]){re.escape(relative)}(?:[\s\"']|$)", tree.around.read(path) or ""):
                return True
    return False


def _in_values(scalar: Scalar, tree: Tree) -> Place:
    if _is_helmfile(tree):
        if not {"releases", "values"} <= set(scalar.path):
            return Left("Helmfile resolves references in the values of a release only", "Move it there.")
    elif not _of_helmfile(tree):
        return _HELM
    return Inline(REFERENCE, is_whole=True)


def _is_render(tree: Tree) -> bool:
    return re.fullmatch(r"render(?:[._-][\w-]+)?\.ya?ml", tree.document.name) is not None


def _in_render(scalar: Scalar, tree: Tree) -> Place:
    if scalar.path != ("services", "", "envVars", "", "value"):
        return Left("Render puts in no variables here", "Set it in the dashboard, and take it out of the file.")
    pair, names = _pair_and_name(scalar, tree, "key")
    if pair is None:
        return _ELSEWHERE
    need = Need(
        "Render asks for a variable with `sync: false` only when a service is made",
        "Set its value in the dashboard of each service that is there already.",
    )
    return Instead(*span(pair), "sync: false", names, need)


KINDS = (Kind(_is_manifest, _in_manifest), Kind(_is_render, _in_render), Kind(_is_values, _in_values))

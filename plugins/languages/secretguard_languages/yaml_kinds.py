"""Which kind of YAML file one is, the surest first."""

from __future__ import annotations

from secretguard_languages import ansible, cloudformation, compose, github_actions, kubernetes, pipelines, yaml_loaders
from secretguard_languages.yaml_places import Kind, Tree

_KINDS = (
    *github_actions.KINDS,
    *pipelines.KINDS,
    *kubernetes.KINDS,
    ansible.KIND,
    cloudformation.KIND,
    compose.KIND,
    *yaml_loaders.KINDS,
)


def kind_of(tree: Tree) -> Kind:
    """Return the kind of a file; any YAML is of the last one."""
    return next(one for one in _KINDS if one.is_one(tree))

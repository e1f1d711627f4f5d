"""CloudFormation and SAM, in YAML and JSON: a dynamic reference, which AWS resolves when the stack is deployed.

Rules: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html, "General considerations".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from secretguard.rewriting import AWS_REFERENCE, Document
from secretguard_languages.yaml_places import Inline, Kind, Left, Place, Tree
from secretguard_languages.yaml_scalars import Scalar, contents, key_of, pairs_of, text_of, value_at

_TYPE = re.compile(r"(?:AWS|Alexa|Custom)::[\w:@-]+")
_CUSTOM = re.compile(r"Custom::.*|AWS::CloudFormation::CustomResource")
_CODE = frozenset(("ZipFile", "InlineCode"))
_ELSEWHERE = Left(
    "CloudFormation resolves references in properties of resources and defaults of parameters only",
    "Move it to the property that needs it, or make it a parameter with `NoEcho`.",
)
_OF_A_CUSTOM_RESOURCE = Left(
    "a custom resource gets nothing resolved that Secrets Manager holds", "Have its function read the secret itself."
)
_OF_A_SECRET = Left(
    "the template itself makes a secret of it",
    "`GenerateSecretString` makes one that nobody has seen; or keep this secret out of the template.",
)
_OF_A_FUNCTION = Left("it is in the code of a function", "Have the function read it from its environment.")


def resources_in_json(document: Document) -> dict[str, str]:
    """Return the type of each resource of a template in JSON, by its logical id; empty if the file is none."""
    if '"Resources"' not in document.text:
        return {}
    try:
        template = json.loads(document.text)
    except (ValueError, RecursionError):
        return {}
    resources = template.get("Resources") if isinstance(template, dict) else None
    held = resources.items() if isinstance(resources, dict) else ()
    return _of_aws({name: one.get("Type") for name, one in held if isinstance(one, dict)})


def obstacle(keys: Sequence[str], resources: Mapping[str, str]) -> Left | None:
    """Return why a value at `keys` of a template takes no reference; None if it takes one."""
    section, name, part = (*keys, "", "", "")[:3]
    kind = resources.get(name, "") if section == "Resources" else ""
    if section != "Globals" and (section, part) not in (("Resources", "Properties"), ("Parameters", "Default")):
        return _ELSEWHERE
    if _CUSTOM.fullmatch(kind):
        return _OF_A_CUSTOM_RESOURCE
    if kind == "AWS::SecretsManager::Secret":
        return _OF_A_SECRET
    return _OF_A_FUNCTION if _CODE & set(keys) else None


def _resources_in_yaml(tree: Tree) -> dict[str, str]:
    template = next(iter(contents(tree.root)), None)
    pairs = pairs_of(value_at(template, tree.source, "Resources"), tree.source).values()
    types = {
        key_of(one, tree.source): text_of(value_at(one.field("value"), tree.source, "Type"), tree.source)
        for one in pairs
    }
    return _of_aws(types)


def _of_aws(types: Mapping[str, object]) -> dict[str, str]:
    return {name: one for name, one in types.items() if isinstance(one, str) and _TYPE.fullmatch(one)}


def _is_template(tree: Tree) -> bool:
    return bool(_resources_in_yaml(tree))


def _in_template(scalar: Scalar, tree: Tree) -> Place:
    keys = [key for key in scalar.path if key]
    if left := obstacle(keys, _resources_in_yaml(tree)):
        return left
    return Inline(AWS_REFERENCE, runs=re.compile(r"\$\{[^}]*\}"))


KIND = Kind(_is_template, _in_template)

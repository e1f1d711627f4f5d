"""Terraform, OpenTofu and Packer: `var.name`, declared once as sensitive; Terragrunt: `get_env("NAME")`.

Syntax: https://developer.hashicorp.com/terraform/language/values/variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from secretguard.rewrite.naming import SpellingKey, key_of
from secretguard.rewrite.spots import spots_of
from secretguard.rewriting import LOWER_NAME, NAME, Document, Edit, ManualItem, Site, Spot, Surroundings, Variable
from secretguard.rotation import Login
from secretguard.variables import is_telling_name
from secretguard_languages import code
from secretguard_languages.hcl_effects import callers, kind_of, outputs
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.syntax import deepest, parsed, span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_MODULES = ((".tf", "TF_VAR_"), (".tofu", "TF_VAR_"), (".pkr.hcl", "PKR_VAR_"))
"""Files that share the variables of their folder, and how the name of a variable begins in the environment."""
_TERRAGRUNT = re.compile(r"(?:terragrunt[\w.-]*|root)\.hcl")
_HEREDOC = re.compile(r"<<-?[A-Za-z_][\w-]*[ \t]*\r?\n")
_BY_NAME = "Give it a variable of its own, or read it in another way."
_OBSTACLES = {
    "terraform": ("a backend takes no variables", "Give it with `-backend-config`, or in the environment."),
    "output": ("an output shows its value", "Mark it as sensitive, and give it a variable."),
    "moved": ("it is an address", _BY_NAME),
    "removed": ("it is an address", _BY_NAME),
}
_WITHOUT_DEFAULT = ("sensitive = true", "")
"""What goes into the place of a default."""
_CONSTANT = ("source", "version", "for_each", "count", "depends_on")


class _Declared(NamedTuple):
    """A variable of a module."""

    name: str
    text: str
    """The whole block."""


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    name = document.name.lower()
    return int(name.endswith((".tf", ".tofu", ".tfvars", ".hcl", ".nomad")))


def survey(document: Document, spots: Sequence[Spot], around: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    if _TERRAGRUNT.fullmatch(document.name):
        return code.survey(_TERRAGRUNT_LANGUAGE, document, spots, around)
    suffix = _suffix(document.path)
    if not suffix:
        return code.survey(_UNKNOWN, document, spots, around)
    found = _in_module(document, spots, around)
    running = [one for one in found if isinstance(one, Site) and not one.is_placeholder]
    known = _declared_elsewhere(document, spots, around) if running else set[SpellingKey]()
    names = frozenset(one.name.upper() for one in _declarations(document, around)) if running else frozenset[str]()
    end = len(document.text)
    for one in running:
        if LOWER_NAME in one.text and key_of(one.spelling) not in known:
            known.add(key_of(one.spelling))
            found.append(replace(one, start=end, end=end, text=_declaration(document), unless=names))
    return [*found, *_consequences(document, running, around)]


def _consequences(document: Document, running: Sequence[Site], around: Surroundings) -> Iterator[ManualItem]:
    """Yield what a person has to do, who starts the module, calls it, or is shown its values."""
    if not running:
        return
    prefix = dict(_MODULES)[_suffix(document.path)]
    unset = any(LOWER_NAME in one.text or one.text in _WITHOUT_DEFAULT for one in running)
    calls = list(callers(document.path.rpartition("/")[0], around)) if unset else []
    reason = f"it takes each new variable from {prefix}…, its name in lower case"
    advice = f'Start it with `{prefix}database_url="$DATABASE_URL"`, and likewise for others.'
    yield from calls or [ManualItem(document.path, document.line(running[0].start), reason, advice)]
    for one in running:
        if not one.names and LOWER_NAME not in one.text and "var." not in one.text:
            why = "this variable keeps its name, which says too little for the whole environment"
            what = f"Set the {prefix}… of its own name to what the variable of the value says."
            yield code.manual(document, one.start, why, what)
    yield from outputs((document, *_neighbours(document, around)), document, (one.start for one in running))


def additions(_: Document, __: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`: declarations are sites, because they need the other files."""
    return ()


def _suffix(path: str) -> str:
    return next((one for one, _ in _MODULES if path.lower().endswith(one)), "")


def _in_module(document: Document, spots: Sequence[Spot], around: Surroundings) -> list[Site | ManualItem]:
    root = parsed(document.text, "hcl")
    declared = list(_declarations(document, around))
    found: list[Site | ManualItem] = []
    for spot in spots:
        if any(isinstance(one, Site) and one.start <= spot.start and spot.end <= one.end for one in found):
            continue
        attribute = _default(deepest(root, spot.start, spot.end))
        language = _DEFAULT if attribute is not None else _LANGUAGE
        for one in code.survey(language, document, [spot], around):
            if isinstance(one, ManualItem) or one.is_placeholder:
                found.append(one)
            elif attribute is not None:
                found.append(_without_default(document, one, attribute))
            else:
                found.append(_named(one, declared, spot))
    return found


def _named(site: Site, declared: Sequence[_Declared], spot: Spot) -> Site:
    """Return a site that reads the variable which holds the same value already, if the module has one."""
    for one in declared:
        if one.text.count(f'"{site.spelling.text.reveal()}"') and not spot.encoding:
            name = one.name.upper()
            return replace(
                site, text=site.text.replace(LOWER_NAME, one.name), names=(name,) if is_telling_name(name) else ()
            )
    return site


def _without_default(document: Document, site: Site, attribute: SgNode) -> Site | ManualItem:
    block = next(one for one in upwards(attribute) if one.kind() == "block")
    start, end = span(attribute)
    if not document.text[start : site.start].strip().endswith("=") or site.end != end:
        return code.manual(document, start, "the default holds more than the value", "Take the default out by hand.")
    label = next((one.text().strip('"') for one in block.children() if one.kind() == "string_lit"), "")
    text, no_text = _WITHOUT_DEFAULT
    if re.search(r"^\s*sensitive\s*=", block.text(), re.MULTILINE):
        start, end, text = document.text.rfind("\n", 0, start) + 1, document.text.find("\n", end) + 1, no_text
    name = label.upper().replace("-", "_")
    return Site(start, end, text, site.spelling, (name,) if is_telling_name(name) else ())


def _default(node: SgNode) -> SgNode | None:
    """Return the `default` of a variable that holds a node."""
    attribute = None
    for one in upwards(node):
        if one.kind() == "attribute":
            attribute = one
        elif one.kind() == "block":
            is_variable = kind_of(one) == "variable"
            named = attribute is not None and attribute.children()[0].text() == "default"
            return attribute if is_variable and named else None
    return None


def _declaration(document: Document) -> str:
    lines = (f'variable "{LOWER_NAME}" {{', "  type      = string", "  sensitive = true", "}", "")
    gap = "" if document.text.endswith("\n") else document.newline
    return gap + document.newline + document.newline.join(lines)


def _neighbours(document: Document, around: Surroundings) -> Iterator[Document]:
    """Yield the other files of the module."""
    folder, suffix = document.path.rpartition("/")[0], _suffix(document.path)
    for path in sorted(around.paths):
        is_beside = path.rpartition("/")[0] == folder and _suffix(path) == suffix and path != document.path
        if is_beside and (text := around.read(path)):
            yield Document(path, text)


def _declarations(document: Document, around: Surroundings) -> Iterator[_Declared]:
    for file in (document, *_neighbours(document, around)):
        if not re.search(r"\bvariable\b", file.text):
            continue
        for block in parsed(file.text, "hcl").find_all(kind="block"):
            labels = [one.text().strip('"') for one in block.children() if one.kind() == "string_lit"]
            if kind_of(block) == "variable" and labels:
                yield _Declared(labels[0], block.text())


def _declared_elsewhere(document: Document, spots: Sequence[Spot], around: Surroundings) -> set[SpellingKey]:
    """Return which spellings a file of the module declares that is edited before this one."""
    leaked = Login(spots[0].user, spots[0].secret)
    found: set[SpellingKey] = set()
    for file in _neighbours(document, around):
        if file.path < document.path and (there := spots_of(file, file.text.encode(), (), leaked)):
            sites = [one for one in _in_module(file, there, around) if isinstance(one, Site)]
            found |= {key_of(one.spelling) for one in sites if LOWER_NAME in one.text}
    return found


def _quote(text: str) -> Quote | None:
    if heredoc := _HEREDOC.match(text):
        closing = re.search(r"[ \t]*[\w-]+$", text)
        return Quote(heredoc[0], closing[0] if closing else "", is_raw=True, interpolates=True)
    return Quote('"', '"', interpolates=True) if text.startswith('"') else None


def _obstacle(node: SgNode, _: Document, __: Surroundings) -> tuple[str, str] | None:
    parent = node.parent()
    if parent is None or parent.kind() == "block":
        return "a label takes no expression", _BY_NAME
    attribute = ""
    for one in upwards(node):
        if one.kind() == "object_elem" and span(one.children()[0])[1] >= span(node)[1]:
            return "a key takes no expression here", _BY_NAME
        if one.kind() == "attribute":
            attribute = one.children()[0].text()
        if one.kind() == "block" and (found := _OBSTACLES.get(kind_of(one))):
            return found
        if one.kind() == "block" and kind_of(one) == "variable":
            return "a variable's own block takes no variables", _BY_NAME
    return (f"`{attribute}` takes no secret", _BY_NAME) if attribute in _CONSTANT else None


def _unknown(_: SgNode, document: Document, __: Surroundings) -> tuple[str, str]:
    if document.name.endswith(".tfvars"):
        return "a file of values takes no expressions", "Take the line out, and set TF_VAR_… in the environment."
    return "it is not known what reads this file, and whether that puts in variables", _BY_NAME


def _variable(_: SgNode, __: Literal) -> str:
    return f"var.{LOWER_NAME}"


def _get_env(_: SgNode, __: Literal) -> str:
    return f'get_env("{NAME}")'


_LANGUAGE = code.Language(
    grammar="hcl",
    suffixes=(".tf",),
    strings=frozenset(("string_lit", "quoted_template", "heredoc_template")),
    comments=frozenset(("comment",)),
    holes=frozenset(("template_interpolation", "template_directive")),
    quote=_quote,
    expression=_variable,
    interpolation=lambda node, literal: f"${{{_variable(node, literal)}}}",
    obstacle=_obstacle,
)
_DEFAULT = replace(_LANGUAGE, obstacle=lambda *_: None)
_UNKNOWN = replace(_LANGUAGE, obstacle=_unknown)
_TERRAGRUNT_LANGUAGE = replace(
    _LANGUAGE,
    expression=_get_env,
    interpolation=lambda node, literal: f"${{{_get_env(node, literal)}}}",
    obstacle=lambda *_: None,
)
fault = partial(code.fault, _LANGUAGE)

"""Go: which type of string the place of a literal wants; a variable, unlike a literal, is of one type only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from secretguard.rewriting import Document, Surroundings
from secretguard_languages.go_constants import TAKES_STRING
from secretguard_languages.syntax import span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_STRING_TYPE = re.compile(r"^type[ \t]+[A-Za-z]\w*[ \t]+string[ \t]*(?://.*)?$", re.MULTILINE)


def wanted_type(node: SgNode) -> str:
    """Return the type that the place of a literal declares, where the file shows it; else `string`."""
    parent = node.parent()
    if parent is not None and parent.kind() == "expression_list":
        declared = parent.parent()
        if declared is not None and declared.kind() in ("var_spec", "const_spec"):
            wanted = declared.field("type")
            return wanted.text() if wanted is not None else "string"
        if declared is not None and declared.kind() == "return_statement" and len(named(parent)) == 1:
            return _result_type(declared)
    if parent is not None and parent.kind() == "literal_element":
        return _field_type(parent)
    if parent is not None and parent.kind() == "argument_list":
        return _parameter_type(parent, node) or "string"
    return _beside(node) or "string"


def is_untold(node: SgNode, document: Document, around: Surroundings) -> bool:
    """Whether a place may want a type of string that the package has, and the file does not tell."""
    parent, call = node.parent(), None
    if parent is not None and parent.kind() == "argument_list":
        call = parent.parent()
        function = call.field("function") if call is not None else None
        if function is None or TAKES_STRING.fullmatch(function.text()) or _parameter_type(parent, node):
            return False
    elif _other_side(node) is None or _beside(node):
        return False
    folder = document.path.rpartition("/")[0]
    beside = (one for one in around.paths if one.endswith(".go") and one.rpartition("/")[0] == folder)
    return any(_STRING_TYPE.search(around.read(one) or "") for one in beside)


def _beside(node: SgNode) -> str:
    """Return the type of what a literal is compared with, or assigned to; empty where the file does not tell."""
    other = _other_side(node)
    name = re.search(r"(?:^|\.)(\w+)$", other.text()) if other is not None else None
    if other is None or name is None:
        return ""
    found = set()
    root = list(upwards(node))[-1]
    for kind in ("parameter_declaration", "var_spec", "field_declaration"):
        for one in root.find_all(kind=kind):
            wanted = one.field("type")
            is_it = any(each.text() == name[1] and "identifier" in str(each.kind()) for each in one.children()[:-1])
            if is_it:
                found.add(wanted.text() if wanted is not None else "string")
    return found.pop() if len(found) == 1 else ""


def _other_side(node: SgNode) -> SgNode | None:
    parent = node.parent()
    if parent is not None and parent.kind() == "binary_expression":
        sides = parent.field("left"), parent.field("right")
        operator = parent.field("operator")
        is_compared = operator is not None and operator.text() in ("==", "!=")
        return next((one for one in sides if one and span(one) != span(node)), None) if is_compared else None
    statement = parent.parent() if parent is not None and parent.kind() == "expression_list" else None
    if parent is None or statement is None or statement.kind() != "assignment_statement" or len(named(parent)) != 1:
        return None
    return statement.field("left")


def _result_type(node: SgNode) -> str:
    for one in upwards(node):
        if one.kind() in ("function_declaration", "method_declaration", "func_literal"):
            result = one.field("result")
            return result.text() if result is not None and result.kind() == "type_identifier" else "string"
    return "string"


def _parameter_type(arguments: SgNode, node: SgNode) -> str:
    """Return the type of the parameter that a literal is given for; empty unless the file has the function."""
    call = arguments.parent()
    function = call.field("function") if call is not None else None
    if function is None or function.kind() != "identifier":
        return ""
    number = [span(one) for one in named(arguments) if one.kind() != "comment"].index(span(node))
    for one in list(upwards(arguments))[-1].find_all(kind="function_declaration"):
        name, parameters = one.field("name"), one.field("parameters")
        if name is None or parameters is None or name.text() != function.text():
            continue
        types: list[str] = []
        for declared in named(parameters):
            wanted = declared.field("type")
            names = sum(each.kind() == "identifier" for each in declared.children())
            simple = wanted is not None and wanted.kind() == "type_identifier"
            types += [wanted.text() if wanted is not None and simple else "string"] * max(names, 1)
        is_general = one.field("type_parameters") is not None
        return types[number] if number < len(types) and not is_general else "string"
    return ""


def _field_type(element: SgNode) -> str:
    """Return the type of the field that a keyed element of a literal sets, of a struct of the same file."""
    pair = element.parent()
    literal = pair.parent() if pair is not None and pair.kind() == "keyed_element" else pair
    composite = literal.parent() if literal is not None else None
    wanted = composite.field("type") if composite is not None else None
    if pair is None or wanted is None:
        return "string"
    if wanted.kind() != "type_identifier":
        is_key = pair.kind() == "keyed_element" and span(named(pair)[0]) == span(element)
        part = wanted.field("key" if is_key else "value") if wanted.kind() == "map_type" else wanted.field("element")
        return part.text() if part is not None else "string"
    if pair.kind() != "keyed_element":
        return "string"
    key = named(pair)[0].text()
    root = list(upwards(node=pair))[-1]
    for one in root.find_all(kind="type_spec"):
        if (name := one.field("name")) is not None and name.text() == wanted.text():
            for declared in one.find_all(kind="field_declaration"):
                if key in [each.text() for each in named(declared) if each.kind() == "field_identifier"]:
                    kind = declared.field("type")
                    return kind.text() if kind is not None else "string"
    return "string"


def named(node: SgNode) -> list[SgNode]:
    """Return the children that are no punctuation."""
    return [one for one in node.children() if one.is_named()]

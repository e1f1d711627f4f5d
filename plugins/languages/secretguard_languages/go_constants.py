"""Go constants: one becomes a variable where every use of it is seen, and takes a variable as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from secretguard.rewriting import Document, Surroundings
from secretguard_languages.syntax import parsed, span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_ADVICE = "Make it a `var`, or read os.Getenv where it is used."
TAKES_STRING = re.compile(
    r"(?:(?:fmt|log|strings|strconv|errors|slog|url|os|http)\.\w+|sql\.Open|sqlx\.(?:Open|Connect|MustConnect)"
    r"|pgx\.(?:Connect|ParseConfig)|pgxpool\.(?:New|Connect|ParseConfig)|pq\.(?:Open|ParseURL|NewConnector|NewListener)"
    r"|(?:postgres|mysql|sqlserver)\.Open|redis\.(?:ParseURL|DialURL)|amqp\.Dial|mongo\.Connect"
    r"|string|len|panic|print|println|(?:\w+\.)+(?:Set|Add|SetBasicAuth|ApplyURI|WithAPIKey|NewClient))"
)
"""Functions whose argument in this place is a plain string, or anything."""
_MOST_FILES = 200


def constant_around(node: SgNode) -> SgNode | None:
    """Return the `const` declaration that a node stands in directly."""
    for one in upwards(node):
        if one.kind() == "const_declaration":
            return one
        if one.kind() in ("block", "func_literal"):
            return None
    return None


def why_constant(spec: SgNode, document: Document, around: Surroundings) -> tuple[str, str] | None:
    """Return why the constant of `spec` has to stay one, and what to do; None if it may become a variable."""
    declaration = spec.parent()
    names = [one for one in spec.children() if one.kind() == "identifier"]
    values, wanted = spec.field("value"), spec.field("type")
    if declaration is None or any(one.text() == "(" for one in declaration.children()):
        return "a const of a group takes no call", _ADVICE
    if len(names) != 1 or values is None or _has_names(values):
        return "a const takes no call", _ADVICE
    if wanted is not None and wanted.text() != "string":
        return f"a const of type {wanted.text()} takes no call", _ADVICE
    name, outer = names[0].text(), declaration.parent()
    is_package = outer is not None and outer.kind() == "source_file"
    if is_package and name[:1].isupper():
        return f"other packages may use the const {name}, and a const takes no call", _ADVICE
    uses = list(_uses(name, spec, document, around if is_package else None))
    if not uses and not is_package:
        return f"the const {name} is not used, and a variable that is not used does not compile", "Delete it."
    for path, use in uses:
        if not _takes_variable(use, is_typed=wanted is not None):
            where = f"{path}:{use.range().start.line + 1}"
            return f"a const takes no call, and a variable may not do where {name} is used ({where})", _ADVICE
    return None


def _has_names(values: SgNode) -> bool:
    return any(True for _ in values.find_all(kind="identifier"))


def _uses(name: str, spec: SgNode, document: Document, around: Surroundings | None) -> Iterator[tuple[str, SgNode]]:
    """Yield where a name stands in the file, and in the others of its package if `around` has them."""
    own = list(upwards(spec))[-1]
    for one in own.find_all(kind="identifier"):
        if one.text() == name and span(one) != span(spec.children()[0]):
            yield document.path, one
    folder = document.path.rpartition("/")[0]
    for path in around.paths if around is not None else ():
        if path.rpartition("/")[0] == folder and path.endswith(".go") and path != document.path:
            text = around.read(path) if around is not None else None
            if text is not None and name in text:
                for one in parsed(text, "go").find_all(kind="identifier"):
                    if one.text() == name:
                        yield path, one


def _takes_variable(use: SgNode, *, is_typed: bool) -> bool:
    """Whether a string variable can stand where a constant does: an untyped one fits types of another name too."""
    kinds = [one.kind() for one in upwards(use)]
    if any(kind in ("const_spec", "array_type") for kind in kinds):
        return False
    if is_typed:
        return True
    node = use
    while (parent := node.parent()) is not None and parent.kind() in ("binary_expression", "parenthesized_expression"):
        if parent.kind() == "binary_expression" and not any(one.text() == "+" for one in parent.children()):
            return False
        node = parent
    if parent is None or parent.kind() == "type_conversion_expression":
        return parent is not None
    if parent.kind() == "argument_list" and (call := parent.parent()) is not None:
        function = call.field("function")
        return function is not None and TAKES_STRING.fullmatch(function.text()) is not None
    outer = parent.parent()
    return parent.kind() == "expression_list" and outer is not None and outer.kind() == "short_var_declaration"

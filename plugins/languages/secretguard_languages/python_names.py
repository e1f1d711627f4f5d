"""What `os` means at a place of a Python file: the module, or something else that has the name there."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING

from secretguard_languages.syntax import span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_ANOTHER = "`os` is another name in this file", "Import the module under a free name, and read os.environ from it."
_LATER = "`os` is imported further down in this function", "Import os at the beginning of the file."
_MAY_BIND = re.compile(r"\bos[ \t]*(?:[=,:)]|$)|\b(?:as|for|class|def|del)[ \t]+os\b|\bimport\b[^\n#]*\bos\b")
_IMPORT = re.compile(r"^[ \t]*import[ \t]+os[ \t]*(?:#.*)?$", re.MULTILINE)


def why_no_os(node: SgNode, text: str) -> tuple[str, str] | None:
    """Return why `os` may not be the module where a literal stands, and what to do; None if it can be."""
    if "os" not in text:
        return None
    tree = ast_of(text)
    is_bound = any(map(_binds_another, ast.walk(tree))) if tree else _MAY_BIND.search(_IMPORT.sub("", text))
    if is_bound:
        return _ANOTHER
    return _LATER if any(_is_local_too_late(one, node) for one in upwards(node)) else None


def is_imported(root: SgNode, before: int) -> bool:
    """Whether the module itself, and not only a part of it, imports os above a character."""
    return any(_imports_os(one) and span(one)[1] <= before for one in root.children())


def ast_of(text: str) -> ast.Module | None:
    """Return the tree of a module; None if it is not of this Python's language."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _binds_another(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="os", ctx=ast.Store() | ast.Del()) | ast.arg(arg="os") | ast.ExceptHandler(name="os"):
            return True
        case ast.FunctionDef(name="os") | ast.AsyncFunctionDef(name="os") | ast.ClassDef(name="os"):
            return True
        case ast.MatchAs(name="os") | ast.MatchStar(name="os") | ast.MatchMapping(rest="os"):
            return True
        case ast.ImportFrom(names=names):
            return any((one.asname or one.name) == "os" for one in names)
        case ast.Import(names=names):
            return any(one.asname == "os" and one.name != "os" for one in names)
    return False


def _is_local_too_late(block: SgNode, node: SgNode) -> bool:
    """Whether a function that a node is in imports os for itself, and not for certain before the node."""
    function = block.parent()
    if block.kind() != "block" or function is None or function.kind() != "function_definition":
        return False
    own = [one for one in block.find_all(kind="import_statement") if _imports_os(one) and _scope(one) == span(function)]
    direct = {span(one) for one in block.children()}
    return bool(own) and not any(span(one) in direct and span(one)[1] <= span(node)[0] for one in own)


def _scope(node: SgNode) -> tuple[int, int] | None:
    kinds = ("function_definition", "class_definition", "lambda")
    return next((span(one) for one in upwards(node) if one.kind() in kinds), None)


def _imports_os(statement: SgNode) -> bool:
    if statement.kind() != "import_statement":
        return False
    names = [one for one in statement.children() if one.is_named()]
    return any(re.fullmatch(r"os(?:\.[\w.]+)?|os\s+as\s+os", one.text()) for one in names)

"""Where a literal stands in JavaScript or TypeScript: where it takes no expression, and what reads a variable there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from secretguard.rewriting import Document
from secretguard_languages.syntax import span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_READ = re.compile(
    r"(?P<object>process\.env|Bun\.env|__ENV|env)(?:\??\.(?P<member>\w+)|(?:\?\.)?\[[\"'`](?P<index>\w+)[\"'`]\])!?"
    r"|Deno\.env\.get\([\"'](?P<deno>\w+)[\"']\)"
)
_IS_PROCESS_ENV = re.compile(
    r"import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*[\"'](?:node:)?process[\"']|\benv\s*=\s*process\.env\b"
    r"|\{\s*env\s*\}\s*=\s*process\b"
)
_FALLBACK_CALL = re.compile(r"(?:[\w$]+\.)*(?:env|getEnv|getenv|getEnvVar|envOr|optionalEnv)")
_INLINED = (
    (re.compile(r"next\.config\.\w+"), ("env", "publicRuntimeConfig")),
    (re.compile(r"nuxt\.config\.\w+"), ("env", "public")),
    (re.compile(r"(?:gatsby-config|quasar\.config)\.\w+"), ("env", "siteMetadata")),
    (re.compile(r"app\.config\.\w+"), ("extra", "expo")),
    (re.compile(r".*"), ("define",)),
)
"""Names of files, and the settings in them whose values are written into what is built."""
_BUNDLER = re.compile(r"\b(?:esbuild|rolldown|rollup|rspack|tsup|vite|vitest|webpack|next|nuxt|expo)\b|\.config\.")
_MONGO_SHELL = re.compile(r"\bdb\.(?:createUser|getSiblingDB|auth)\(")
_BINDINGS = frozenset(
    (
        *("arrow_function", "class_declaration", "formal_parameters", "function_declaration", "import_clause"),
        *("import_specifier", "namespace_import", "optional_parameter", "required_parameter", "variable_declarator"),
    )
)
_PROCESS_ITSELF = re.compile(r"[\"'](?:node:)?process[\"']|=\s*globalThis\.process\b")
_ELSEWHERE = "Keep it outside of the code, and read it where the program starts."


def obstacle(node: SgNode, document: Document) -> tuple[str, str] | None:
    """Return why a literal takes no expression, and what to do."""
    parent = node.parent()
    if parent is None:
        return "it stands by itself", _ELSEWHERE
    found = _by_place(node, parent)
    if found is None and document.name.endswith((".d.ts", ".d.mts", ".d.cts")):
        found = "a declaration file holds types only", "Take the value out of the type."
    if found is None and _is_inlined(node, document):
        found = "the bundler writes this setting into what it builds", "Read it on the server, when it runs."
    if found is None and _MONGO_SHELL.search(document.text):
        found = "the mongo shell may run it, which may have no `process`", "With mongosh, read `process.env`."
    if found is None and _is_shadowed(node, document):
        found = "`process` is another name in this file", "Import it as `node:process` under a free name."
    return found


def _by_place(node: SgNode, parent: SgNode) -> tuple[str, str] | None:
    kind = parent.kind()
    if kind in ("literal_type", "template_literal_type"):
        return "a type takes no expression", "Take the value out of the type."
    if kind in ("enum_assignment", "enum_body"):
        return "an enum member takes no call", _ELSEWHERE
    if kind in ("as_expression", "type_assertion") and re.search(r"\bas\s+const$|^<\s*const\s*>", parent.text()):
        return "`as const` takes a literal only", "Take `as const` away, and read the environment."
    if kind == "import_statement" or (kind == "export_statement" and _is(parent.field("source"), node)):
        return "an import names what is loaded before anything runs", _ELSEWHERE
    if kind == "arguments" and re.match(r"(?:import|require(?:\.resolve)?)\s*\(", _text(parent.parent())):
        return "an import names what is loaded", _ELSEWHERE
    if kind == "expression_statement":
        return "it is a directive, or a statement that does nothing", "Remove it."
    if kind == "call_expression" and node.kind() == "template_string":
        return "what a tag does with an expression is not known", "Give it to the tag as the tag expects it."
    if kind in ("pair_pattern", "method_definition", "method_signature", "property_signature") or (
        kind in ("field_definition", "public_field_definition") and not _is(parent.field("value"), node)
    ):
        return "it is the name of a member", _ELSEWHERE
    if kind == "jsx_attribute" and re.search(r"\\|&#?\w+;", node.text()):
        return "the attribute is written with entities or backslashes", "Make it an expression in braces."
    return None


def is_key(node: SgNode) -> bool:
    """Whether a literal is a key in an object, and can be computed."""
    parent = node.parent()
    return parent is not None and parent.kind() == "pair" and _is(parent.field("key"), node)


def is_destructured(node: SgNode) -> bool:
    """Whether a literal is the default of a variable in `const { NAME = <node> } = process.env`."""
    parent = node.parent()
    if parent is None or not _is(parent.field("right"), node):
        return False
    if parent.kind() == "assignment_pattern":
        parent = parent.parent()
        if parent is None or parent.kind() != "pair_pattern":
            return False
    elif parent.kind() != "object_assignment_pattern":
        return False
    pattern = parent.parent()
    declared = pattern.parent() if pattern is not None else None
    value = declared.field("value") if declared is not None and declared.kind() == "variable_declarator" else None
    return value is not None and value.text() in ("process.env", "Bun.env")


def fallback(node: SgNode) -> tuple[SgNode, str] | None:
    """Find what reads a variable and has `node` as fallback: `process.env.NAME || <node>`, `env("NAME", <node>)`."""
    parent = node.parent()
    if parent is None:
        return None
    kind = parent.kind()
    if kind == "binary_expression" and _is(parent.field("right"), node):
        operator = parent.field("operator")
        name = _read_name(parent.field("left")) if operator and operator.text() in ("||", "??") else ""
        return (parent, name) if name else None
    if kind == "ternary_expression" and _is(parent.field("alternative"), node):
        name = _read_name(parent.field("condition"))
        return (parent, name) if name and name == _read_name(parent.field("consequence")) else None
    if kind == "augmented_assignment_expression":
        name = _read_name(parent.field("left"))
        return (node, name) if name else None
    if kind == "arguments" and (call := parent.parent()) is not None and call.kind() == "call_expression":
        given = [one for one in parent.children() if one.is_named() and one.kind() != "comment"]
        said = re.fullmatch(r"[\"']([A-Z][A-Z0-9_]*)[\"']", given[0].text()) if len(given) == 2 else None
        reads = _FALLBACK_CALL.fullmatch(_text(call.field("function")))
        return (call, said[1]) if said and reads and _is(given[1], node) else None
    if is_destructured(node):
        pattern = parent if kind == "object_assignment_pattern" else parent.parent()
        return node, re.split(r"\W", _text(pattern), maxsplit=1)[0]
    return None


def _read_name(node: SgNode | None) -> str:
    found = _READ.fullmatch(node.text()) if node is not None else None
    if node is None or found is None:
        return ""
    if found["object"] == "env" and not _IS_PROCESS_ENV.search(list(upwards(node))[-1].text()):
        return ""
    return found["member"] or found["index"] or found["deno"]


def _is_inlined(node: SgNode, document: Document) -> bool:
    """Whether it is in a part of a bundler's configuration that ends up in the bundle."""
    for one in upwards(node):
        if one.kind() == "new_expression" and re.match(r"new\s+[\w.]*(?:DefinePlugin|EnvironmentPlugin)\b", one.text()):
            return True
        key = one.field("key") if one.kind() == "pair" else None
        if key is not None and any(
            file.fullmatch(document.name) and key.text().strip("\"'") in settings for file, settings in _INLINED
        ):
            return bool(_BUNDLER.search(document.name) or _BUNDLER.search(document.text))
    return False


def _is_shadowed(node: SgNode, document: Document) -> bool:
    if not re.search(r"\bprocess\b(?!\s*[.?\[])", document.text):
        return False
    root = list(upwards(node))[-1]
    names = [*root.find_all(kind="identifier"), *root.find_all(kind="shorthand_property_identifier_pattern")]
    return any(_binds(one) for one in names if one.text() == "process")


def _binds(name: SgNode) -> bool:
    parent = name.parent()
    if name.kind() == "shorthand_property_identifier_pattern":
        return True
    if parent is None or parent.kind() not in _BINDINGS:
        return False
    if parent.kind() == "variable_declarator":
        return _is(parent.field("name"), name) and not _PROCESS_ITSELF.search(parent.text())
    if parent.kind() == "arrow_function":
        return _is(parent.field("parameter"), name)
    statement = next((one for one in upwards(name) if one.kind() == "import_statement"), None)
    return statement is None or not _PROCESS_ITSELF.search(statement.text())


def _is(one: SgNode | None, other: SgNode) -> bool:
    return one is not None and span(one) == span(other)


def _text(node: SgNode | None) -> str:
    return "" if node is None else node.text()

"""Java: `System.getenv("NAME")`; in a `@Value` of Spring, `${NAME}`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, Document, Surroundings
from secretguard_languages import code
from secretguard_languages.format_strings import printf, unclear
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.syntax import span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_TEXT_BLOCK = re.compile(r'"""[ \t]*\r?\n[ \t]*')
_ON_PHONES = re.compile(r"^import[ \t]+(?:static[ \t]+)?androidx?\.", re.MULTILINE)
_BINDS_SYSTEM = re.compile(
    r"\b(?:class|interface|enum|record|object)[ \t]+System\b|^import[ \t]+(?!java)[\w.]+\.System\b", re.M
)
_LABELS = re.compile(r"@\w[\w.]*[ \t]*\(((?:[^()\"]|\"(?:[^\"\\]|\\.)*\"|\([^()]*\))*)\)|\bcase\b([^:>\"\n]*)")
_CONSTANT = re.compile(r"\bString[ \t]+(\w+)[ \t]*=([^;]*);")
_WORD = re.compile(r"[A-Za-z_]\w*")
_READERS = (
    re.compile(r'System\s*\.getenv\(\)\s*\.getOrDefault\(\s*"(\w+)"\s*,\s*'),
    re.compile(r'(?:java\.util\.)?Optional\s*\.ofNullable\(\s*System\.getenv\(\s*"(\w+)"\s*\)\s*\)\s*\.orElse\(\s*'),
    re.compile(r'(?:java\.util\.)?Objects\.requireNonNullElse\(\s*System\.getenv\(\s*"(\w+)"\s*\)\s*,\s*'),
)
_CHOICE = re.compile(
    r'\(?\s*System\.getenv\(\s*"(\w+)"\s*\)\s*!=\s*null\s*\)?\s*\?\s*System\.getenv\(\s*"\1"\s*\)\s*:\s*'
)
PHONE = (
    "an app on a phone has no environment, and what is built in can be read by everybody",
    "Ask a server of your own for what needs the key.",
)


def _quote(text: str) -> Quote | None:
    if text.startswith('"""'):
        found = _TEXT_BLOCK.match(text)
        return Quote(found[0], '"""') if found else None
    return Quote('"', '"')


def _expression(node: SgNode, _: Literal) -> str:
    return f'"${{{NAME}}}"' if _annotation(node) else f'System.getenv("{NAME}")'


def _split(node: SgNode, literal: Literal, start: int, end: int, document: Document) -> code.Replacement | None:
    if _annotation(node):
        return start, end, f"${{{NAME}}}"
    if literal.quote.opening.startswith('"""'):
        return None
    return code.concatenated(document, node, literal, start, end, f'System.getenv("{NAME}")', " + ")


def _annotation(node: SgNode) -> str:
    """Return the name of the annotation that a literal is in, empty if in none."""
    for one in upwards(node):
        if one.kind() in ("annotation", "annotation_type_element_declaration"):
            name = one.field("name")
            return name.text() if name is not None else "annotation"
        if one.kind() in ("block", "class_body"):
            break
    return ""


def _obstacle(node: SgNode, document: Document, around: Surroundings) -> code.Refusal | None:
    if name := _annotation(node):
        spring = "org.springframework" in document.text and name.rpartition(".")[2] == "Value"
        if not spring or "#{" in node.text():
            return "an annotation takes no call", "Set it in code, or from a property that reads the environment."
        return None
    for one in upwards(node):
        if one.kind() == "switch_label":
            return "a case takes no call", 'Compare with System.getenv("…") in an `if`.'
        if one.kind() in ("block", "class_body"):
            break
    if is_on_phones(document, around):
        return PHONE
    if _BINDS_SYSTEM.search(document.text):
        return "`System` is another class in this file", 'Read java.lang.System.getenv("…").'
    if (name := _constant(node)) and name in _in_labels(around.read, frozenset(around.paths)) | _labels(document.text):
        return (
            f"an annotation or a case uses the constant {name}, and takes no call",
            "Give them a constant of their own.",
        )
    return None


def is_on_phones(document: Document, around: Surroundings) -> bool:
    """Whether a source is of an Android module."""
    module = document.path.rpartition("src/")[0]
    return bool(_ON_PHONES.search(document.text)) or f"{module}src/main/AndroidManifest.xml" in around.paths


def _constant(node: SgNode) -> str:
    """Return the name of the final field that a literal is the value of: a constant expression, as it stands."""
    for one in upwards(node):
        kind = one.kind()
        if kind in ("field_declaration", "constant_declaration", "local_variable_declaration"):
            is_final = kind == "constant_declaration" or re.search(r"\bfinal\b", one.text().partition("=")[0])
            declared = one.field("declarator")
            name = declared.field("name") if declared is not None else None
            return name.text() if is_final and name is not None else ""
        if kind not in ("string_literal", "binary_expression", "parenthesized_expression", "variable_declarator"):
            return ""
    return ""


@lru_cache(maxsize=1)
def _in_labels(read: Callable[[str], str | None], paths: frozenset[str]) -> frozenset[str]:
    """Return the names in annotations and cases of all the Java sources, and of constants that are made of others."""
    texts = (read(path) for path in paths if path.endswith(".java"))
    return frozenset().union(*(_labels(text) for text in texts if text))


def _labels(text: str) -> frozenset[str]:
    names = {word for found in _LABELS.finditer(text) for part in found.groups("") for word in _WORD.findall(part)}
    constants = {
        found[1]: _WORD.findall(re.sub(r'"(?:[^"\\]|\\.)*"', "", found[2])) for found in _CONSTANT.finditer(text)
    }
    for _ in constants:
        more = {word for name, words in constants.items() if name in names for word in words} - names
        if not more:
            break
        names |= more
    return frozenset(names)


def _lookup(node: SgNode) -> tuple[SgNode, str] | None:
    """Find a read of the environment that has the literal as its default."""
    parent = node.parent()
    if parent is None:
        return None
    if parent.kind() == "ternary_expression":
        found = _CHOICE.fullmatch(parent.text()[: -len(node.text())])
        return (parent, found[1]) if found and parent.text().endswith(node.text()) else None
    call = parent.parent() if parent.kind() == "argument_list" else None
    if call is None or call.kind() != "method_invocation":
        return None
    head = call.text()[: span(node)[0] - span(call)[0]]
    for reader in _READERS:
        if found := reader.fullmatch(head):
            return call, found[1]
    return None


def _template(top: SgNode, document: Document) -> code.Template | None:
    parent = top.parent()
    if parent is None:
        return None
    if parent.kind() == "method_invocation":  # "…".formatted(…)
        name, arguments = parent.field("name"), parent.field("arguments")
        is_format = name is not None and name.text() == "formatted"
        return unclear() if is_format and arguments is not None else None
    call = parent.parent() if parent.kind() == "argument_list" else None
    name = call.field("name") if call is not None and call.kind() == "method_invocation" else None
    if name is None or name.text() not in ("format", "printf"):
        return None
    given = [one for one in parent.children() if one.is_named()]
    at = next(number for number, one in enumerate(given) if span(one) == span(top))
    if any(one.kind() == "string_literal" for one in given[:at]):
        return None
    if "MessageFormat" in (call.text() if call is not None else "")[:40]:
        return unclear()
    return printf(document, given[at + 1 :], f'System.getenv("{NAME}")')


LANGUAGE = code.Language(
    grammar="java",
    suffixes=(".java",),
    strings=frozenset(("string_literal",)),
    comments=frozenset(("line_comment", "block_comment")),
    sums=frozenset(("binary_expression",)),
    quote=_quote,
    expression=_expression,
    split=_split,
    obstacle=_obstacle,
    lookup=_lookup,
    template=_template,
)
claims = partial(code.claims, LANGUAGE)
survey = partial(code.survey, LANGUAGE)
additions = partial(code.additions, LANGUAGE)
fault = partial(code.fault, LANGUAGE)

"""PHP: `getenv('NAME') ?: throw …`; in a configuration of Laravel, `env('NAME')`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from secretguard.rewriting import NAME, Document, ManualItem, Site, Spot, Surroundings
from secretguard_languages import code
from secretguard_languages.format_strings import printf, unclear
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.php_tags import only_php
from secretguard_languages.syntax import span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_READERS = (
    re.compile(r"\(?\s*\\?getenv\(\s*[\"'](\w+)[\"']\s*\)\s*\)?\s*(?:\?:|\?\?)\s*"),
    re.compile(r"\(?\s*\$_(?:ENV|SERVER)\[\s*[\"'](\w+)[\"']\s*\]\s*\)?\s*(?:\?:|\?\?=?)\s*"),
    re.compile(r"\\?(env)\(\s*[\"'](\w+)[\"']\s*,\s*"),
)
_CONSTANT = "Set it where the program runs: in the constructor, or with define('…', getenv('…'))."
_OBSTACLES = {
    "const_element": ("a constant takes no call", _CONSTANT),
    "property_element": ("the default of a property takes no call", "Set it in the constructor."),
    "simple_parameter": (
        "the default of a parameter takes no call",
        "Make the default null, and read getenv() inside.",
    ),
    "property_promotion_parameter": ("the default of a parameter takes no call", "Pass it where the object is made."),
    "static_variable_declaration": ("a static variable takes no call", "Set it below, where it is null."),
    "attribute": ("an attribute takes no call", "Set it in code."),
    "enum_case": ("a case of an enum takes no call", "Take the value out of the enum."),
}
_UNFIT = {
    "heredoc": ("a heredoc takes no call", "Put the value into a variable, and the variable into the heredoc."),
    "nowdoc": ("a nowdoc takes no expression", "Make it a heredoc that a variable is put in."),
    "shell_command_expression": (
        "a shell command would have to quote it",
        'Let the command read the variable: `"$NAME"`.',
    ),
}
_OLD = re.compile(r'"php"[ \t]*:[ \t]*"[^"]*?(?<![\d.])[57](?:\.[\d*]+)*[^"]*"')
_BODIES = ("compound_statement", "declaration_list", "anonymous_function", "arrow_function", "program")


def _quote(text: str) -> Quote | None:
    if text[:1] == "'":
        return Quote("'", "'", escapable="\\'")
    return Quote('"', '"') if text[:1] == '"' else None


def _throwing(node: SgNode) -> str:
    """Throw, for what getenv says of a variable that is not set is `false`."""
    return f"env('{NAME}')" if _has_env(node) else _CALL


def _plain(node: SgNode) -> str:
    return f"env('{NAME}')" if _has_env(node) else f"getenv('{NAME}')"


def _has_env(node: SgNode) -> bool:
    """Whether the file is a configuration of Laravel, which reads the environment for a cache."""
    if node.kind() == "function_call_expression" and re.match(r"\\?env\(", node.text()):
        return True
    program = list(upwards(node))[-1].text()
    return (
        re.search(r"(?<![\w>:$])env\(\s*['\"]", program) is not None
        and re.search(r"\breturn\s*\[", program) is not None
    )


_CALL = f"getenv('{NAME}') ?: throw new \\RuntimeException('{NAME} is not set')"


def _split(node: SgNode, literal: Literal, start: int, end: int, document: Document) -> code.Replacement | None:
    expression = _throwing(node)
    whole = (start, end) == literal.body
    if whole and code.stands_alone(document, node):
        return literal.start, literal.end, expression
    operand = expression if expression.startswith("env(") else f"({expression})"
    start, end, text = code.concatenated(document, node, literal, start, end, operand, " . ")
    return start, end, operand if whole else text


def _obstacle(node: SgNode, _: Document, __: Surroundings) -> code.Refusal | None:
    if unfit := _UNFIT.get(str(node.kind())):
        return unfit
    for one in upwards(node):
        if found := _OBSTACLES.get(str(one.kind())):
            return found
        if one.kind() in _BODIES:
            break
    return None


def _lookup(node: SgNode) -> tuple[SgNode, str] | None:
    """Find a read of the environment that has the literal as its default."""
    for one in list(upwards(node))[1:5]:
        head, tail = one.text()[: span(node)[0] - span(one)[0]], one.text()[span(node)[1] - span(one)[0] :]
        if head and tail.strip() in ("", ")"):
            for reader in _READERS:
                if found := reader.fullmatch(head):
                    return one, found.groups()[-1]
    return None


def _keeps(call: SgNode, name: str, *_: object) -> str:
    """Read both by Laravel's env(), whose default is read always: it is null where it is not set."""
    return f"env('{name}', env('{NAME}'))" if _READERS[2].match(call.text()) else ""


def _template(reading: Callable[[SgNode], str], top: SgNode, document: Document) -> code.Template | None:
    argument = top.parent()
    arguments = argument.parent() if argument is not None and argument.kind() == "argument" else None
    call = arguments.parent() if arguments is not None else None
    function = call.field("function") if call is not None else None
    if argument is None or arguments is None or function is None:
        return None
    if function.text().lstrip("\\") not in ("sprintf", "printf", "fprintf", "vsprintf", "vprintf"):
        return None
    given = [one for one in arguments.children() if one.is_named()]
    at = next(number for number, one in enumerate(given) if span(one) == span(argument))
    if at != int(function.text().lstrip("\\") == "fprintf"):
        return None
    if function.text().lstrip("\\").startswith("v"):
        return unclear()
    return printf(document, given[at + 1 :], reading(top))


def survey(document: Document, spots: Sequence[Spot], around: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`: before PHP 8 `throw` is no expression, and getenv stands alone."""
    return code.survey(_OF_PHP_7 if _is_old(around) else LANGUAGE, document, spots, around)


def _is_old(around: Surroundings) -> bool:
    return "composer.json" in around.paths and _OLD.search(around.read("composer.json") or "") is not None


LANGUAGE = code.Language(
    grammar="php",
    suffixes=(".php", ".phtml", ".php5", ".php7", ".php8"),
    strings=frozenset(("string", "encapsed_string", *_UNFIT)),
    comments=frozenset(("comment",)),
    holes=frozenset(
        ("variable_name", "dynamic_variable_name", "member_access_expression", "subscript_expression", "interpolation")
    ),
    sums=frozenset(("binary_expression",)),
    plus=".",
    quote=_quote,
    expression=lambda node, _: _throwing(node),
    split=_split,
    obstacle=_obstacle,
    lookup=_lookup,
    keeps=_keeps,
    template=partial(_template, _throwing),
    is_loose=True,
    only_code=only_php,
)
_OF_PHP_7 = replace(
    LANGUAGE, expression=lambda node, _: _plain(node), split=None, template=partial(_template, _plain), is_loose=False
)
claims = partial(code.claims, LANGUAGE)
additions = partial(code.additions, LANGUAGE)
fault = partial(code.fault, LANGUAGE)

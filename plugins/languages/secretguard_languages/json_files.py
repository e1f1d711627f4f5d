"""JSON: a reference where the program that loads the file is known to put variables in, a person everywhere else.

JSON itself has no variables. A `${…}` that nobody resolves would be sent to the server as a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from secretguard.rewriting import (
    AWS_REFERENCE,
    NAME,
    Document,
    Edit,
    ManualItem,
    Site,
    Spot,
    Surroundings,
    Variable,
    placeholder,
)
from secretguard_languages import cloudformation, code
from secretguard_languages.json_advice import advice_for
from secretguard_languages.literals import Quote
from secretguard_languages.syntax import errors, parsed, span, upwards

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_SUFFIXES = (".json", ".jsonc", ".json5", ".har", ".code-workspace")
_RECORDED = re.compile(
    r"\.har$|(?:^|/)(?:cassettes|vcr|vcr_cassettes|nock|recordings|__recordings__|fixtures|__fixtures__|snapshots"
    r"|__snapshots__)/"
)
"""Requests and replies that a program has written down, and tests compare with."""
_POSTMAN = re.compile(r"\.postman_(?:collection|environment|globals)\.json$")
_INSOMNIA = re.compile(r'"__export_format"\s*:|"_type"\s*:\s*"export"')
Obstacle = Callable[["SgNode", Document, Surroundings], code.Refusal | None]
_QUOTE = Quote('"', '"', interpolates=True)


class Loader(NamedTuple):
    """A program that puts environment variables into its JSON file."""

    path: re.Pattern[str]
    reference: str
    places: re.Pattern[str]
    """The keys from the root to a string, with `/`, where it does so."""


_SERVER = re.compile(r"mcpServers/[^/]+/(?:command|args|env|url|headers)(?:/.*)?")
_LOADERS = (
    Loader(re.compile(r"(?:.*/)?\.mcp\.json"), f"${{{NAME}}}", _SERVER),
    Loader(re.compile(r"(?:.*/)?\.cursor/mcp\.json"), f"${{env:{NAME}}}", _SERVER),
    Loader(re.compile(r"(?:.*/)?\.gemini/settings\.json"), f"${{{NAME}}}", re.compile(".*")),
    Loader(re.compile(r"(?:.*/)?\.vscode/launch\.json"), f"${{env:{NAME}}}", re.compile(r"configurations/.*")),
    Loader(
        re.compile(r"(?:.*/)?\.vscode/tasks\.json"),
        f"${{env:{NAME}}}",
        re.compile(r"(?:tasks/|(?:windows|linux|osx)/)*(?:command|args|options)(?:/.*)?"),
    ),
    Loader(
        re.compile(r"(?:.*/)?(?:\.devcontainer/(?:[^/]+/)?devcontainer|\.devcontainer)\.json"),
        f"${{localEnv:{NAME}}}",
        re.compile(".*"),
    ),
)
"""As documented by Claude Code, Cursor, Gemini CLI, Visual Studio Code and the Development Container Specification."""


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return int(document.name.lower().endswith(_SUFFIXES))


def survey(document: Document, spots: Sequence[Spot], around: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    if _RECORDED.search(document.path):
        return [placeholder(spot) for spot in spots]
    for pattern, subject, reference in (
        (_POSTMAN, document.path, f"{{{{{NAME}}}}}"),
        (_INSOMNIA, document.text, f"{{{{ _.{NAME} }}}}"),
    ):
        if pattern.search(subject):
            return [_of_a_collection(spot, reference) for spot in spots]
    if resources := cloudformation.resources_in_json(document):
        return _of_a_template(document, spots, around, resources)
    loader = next((one for one in _LOADERS if one.path.fullmatch(document.path)), None)
    language = _language(loader.reference if loader else "", partial(_obstacle, loader))
    found = code.survey(language, document, spots, around)
    if not errors(parsed(document.text, "json")):
        return found
    # What looks like a comment may be the `//` of a URL.
    return [_not_understood(document, one) if isinstance(one, Site) and one.is_placeholder else one for one in found]


def additions(_: Document, __: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`."""
    return ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: the same keys and values, but for strings."""
    trees = [parsed(one.text, "json") for one in (before, after)]
    if list(_outline(trees[0])) != list(_outline(trees[1])):
        return "another value would change"
    return code.fault(LANGUAGE, before, after)


def keys_above(node: SgNode) -> tuple[str, ...]:
    """Return the keys from the root of a JSON file to a value, as they are written."""
    pairs = [one for one in upwards(node) if one.kind() == "pair"]
    keys = [one.field("key") for one in reversed(pairs)]
    return tuple(one.text().strip('"') for one in keys if one is not None)


def _language(reference: str, obstacle: Obstacle) -> code.Language:
    """Return JSON in which strings become `reference`, but where there is an obstacle."""

    def all_obstacles(node: SgNode, document: Document, around: Surroundings) -> code.Refusal | None:
        parent = node.parent()
        key = parent.field("key") if parent is not None and parent.kind() == "pair" else None
        if key is not None and span(key) == span(node):
            return "it is a key", "Take it out, and have the program that loads the file put it in."
        return obstacle(node, document, around)

    return replace(
        LANGUAGE,
        expression=lambda *_: f'"{reference}"',
        interpolation=lambda *_: reference,
        obstacle=all_obstacles,
    )


def _of_a_template(
    document: Document, spots: Sequence[Spot], around: Surroundings, resources: Mapping[str, str]
) -> list[Site | ManualItem]:
    """Return what becomes of a template of CloudFormation."""

    def obstacle(node: SgNode, *_: object) -> code.Refusal | None:
        left = cloudformation.obstacle(keys_above(node), resources)
        return (left.reason, left.advice) if left else None

    return code.survey(_language(AWS_REFERENCE, obstacle), document, spots, around)


def _obstacle(loader: Loader | None, node: SgNode, document: Document, around: Surroundings) -> code.Refusal | None:
    keys = keys_above(node)
    if loader is None:
        return "JSON has no variables", advice_for(document, keys, around)
    if not loader.places.fullmatch("/".join(keys)):
        return "no variable is put in at this place", advice_for(document, keys, around)
    return None


def _not_understood(document: Document, site: Site) -> ManualItem:
    return code.manual(document, site.start, "the file is not understood", "Take the value out by hand.")


def _of_a_collection(spot: Spot, reference: str) -> Site:
    """Return a placeholder that Postman, or Insomnia, fills in from its own variables."""
    site = placeholder(spot)
    return replace(site, text=reference) if NAME in site.text else site


def _outline(node: SgNode) -> Iterator[str]:
    """Yield what is written in a tree except the values that are strings."""
    parent = node.parent()
    if node.kind() == "string" and parent is not None:
        key = parent.field("key") if parent.kind() == "pair" else None
        yield node.text() if key is not None and span(key) == span(node) else "string"
        return
    yield node.kind()
    if node.kind() in ("number", "true", "false", "null"):
        yield node.text()
    for child in node.children():
        yield from _outline(child)


LANGUAGE = code.Language(
    grammar="json",
    suffixes=_SUFFIXES,
    strings=frozenset(("string",)),
    comments=frozenset(("comment",)),
    quote=lambda _: _QUOTE,
    expression=lambda *_: "",
)

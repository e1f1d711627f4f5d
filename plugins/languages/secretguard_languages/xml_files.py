"""XML: Maven, Logback and others put variables into texts and attributes; for the rest of them a person does it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import NamedTuple

from secretguard.rewriting import NAME, Document, Edit, ManualItem, Site, Spot, Surroundings, Variable, placeholder
from secretguard_languages.code import manual
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.settings import NOBODY, Reader, at_value, each_once, reader_of

_SUFFIXES = (
    ".xml",
    ".config",
    ".csproj",
    ".fsproj",
    ".vbproj",
    ".props",
    ".targets",
    ".plist",
    ".xsl",
    ".wsdl",
    ".iml",
)
_TOKEN = re.compile(
    r"(?P<comment><!--.*?-->)|<!\[CDATA\[(?P<cdata>.*?)\]\]>|(?P<other><\?.*?\?>|<!(?:[^>\[]|\[[^\]]*\])*>)"
    r"|(?P<tag></?(?P<name>[^\s/>!?]+)(?P<rest>(?:\"[^\"]*\"|'[^']*'|[^\"'>])*)>)|(?P<text>[^<]+)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"(?<![\w:.-])(?P<name>[\w:.-]+)\s*=\s*(?P<mark>[\"'])(?P<value>.*?)(?P=mark)", re.DOTALL)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);")
_DOLLAR = r"\$\{[^{}]*\}"

_READERS = (
    # https://maven.apache.org/settings.html and https://maven.apache.org/pom.html#properties
    Reader(
        r".*/(?:settings[\w.-]*|pom|[\w.-]+\.pom)\.xml",
        r"<(?:settings|project)\b[^>]*\bmaven\.apache\.org/",
        f"${{env.{NAME}}}",
        runs=_DOLLAR,
    ),
    Reader(
        r".*/settings[\w.-]*\.xml",
        r"<(?:servers|profiles|mirrors|proxies)>",
        f"${{env.{NAME}}}",
        runs=_DOLLAR,
    ),
    # https://logback.qos.ch/manual/configuration.html#variableSubstitution
    Reader(
        r".*/logback[\w.-]*\.xml",
        "<configuration",
        f"${{{NAME}}}",
        runs=_DOLLAR,
        fallback=r"\$\{(?P<name>[A-Za-z_]\w*):-(?P<value>[^{}]*)\}",
        kept=rf"${{\g<name>:-${{{NAME}}}}}",
    ),
    # https://logging.apache.org/log4j/2.x/manual/lookups.html#EnvironmentLookup
    Reader(
        r".*/log4j2[\w.-]*\.xml",
        "<Configuration",
        f"${{env:{NAME}}}",
        runs=r"\$\$?\{[^{}]*\}",
        fallback=r"\$\{env:(?P<name>[A-Za-z_]\w*):-(?P<value>[^{}]*)\}",
        kept=rf"${{env:\g<name>:-${{env:{NAME}}}}}",
    ),
    # https://docs.wildfly.org/34/Admin_Guide.html#expressions
    Reader(
        contents=r"urn:jboss:domain:",
        reference=f"${{env.{NAME}}}",
        runs=_DOLLAR,
        fallback=r"\$\{env\.(?P<name>[A-Za-z_]\w*):(?P<value>[^{}]*)\}",
        kept=rf"${{env.\g<name>:${{env.{NAME}}}}}",
    ),
    # https://ant.apache.org/manual/Tasks/property.html
    Reader(contents=r"<property\s+environment=[\"']env[\"']", reference=f"${{env.{NAME}}}", runs=_DOLLAR),
    # https://learn.microsoft.com/en-us/nuget/reference/nuget-config-file#using-environment-variables
    Reader(r".*/nuget[\w.-]*\.config", reference=f"%{NAME}%", runs=r"%\w+%"),
    *(
        Reader(path, contents, reason=reason, advice=advice)
        for path, contents, reason, advice in (
            (
                r".*/(?:web|app|[\w.-]+\.exe)(?:\.[\w-]+)?\.config|.*/[\w.-]+\.config",
                r"<configuration\b",
                ".NET's configuration files have no variables",
                "Add a configuration builder (Microsoft.Configuration.ConfigurationBuilders.Environment) to the "
                "section, or `configSource=` a file that is not committed.",
            ),
            (
                r".*/persistence\.xml",
                "",
                "JPA puts in no variables",
                "Name a data source of the server, or give the properties to createEntityManagerFactory.",
            ),
            (
                r".*/(?:context|server|tomcat-users)\.xml",
                "",
                "Tomcat puts in variables only if it is told to",
                "Start it with org.apache.tomcat.util.digester.EnvironmentPropertySource as PROPERTY_SOURCE, and "
                "write `${NAME}`.",
            ),
            (
                r".*/hibernate[\w.-]*\.xml",
                "",
                "Hibernate puts in no variables",
                "Give hibernate.connection.password to the Configuration when the program starts.",
            ),
            (
                r".*",
                r"springframework\.org/schema/beans",
                "Spring puts in variables only with a placeholder configurer",
                "With `<context:property-placeholder/>` in the context, write `${NAME}`.",
            ),
            (
                r".*/phpunit[\w.-]*\.xml(?:\.dist)?",
                "",
                "PHPUnit puts in no variables",
                "Leave the `<env>` out: the tests get it from the environment.",
            ),
            (
                r".*/\.idea/.*",
                "",
                "it is for one machine",
                "Take the file out of git, and keep the password in the IDE.",
            ),
            (
                r".*/res/values[\w-]*/.*\.xml",
                "",
                "it is built into the app, where everybody can read it",
                "Ask a server of your own for it.",
            ),
        )
    ),
    NOBODY,
)


class _Value(NamedTuple):
    start: int
    end: int
    key: str
    is_raw: bool = False


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    is_xml = document.name.lower().endswith(_SUFFIXES) and document.text.lstrip("\ufeff \t\r\n").startswith("<")
    return 2 if is_xml else int(document.text.startswith("<?xml"))


def survey(document: Document, spots: Sequence[Spot], _: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    if sum(one.end() - one.start() for one in _tokens(document.text)) != len(document.text):
        return [manual(document, one.start, "the file is no XML", "Take the value out by hand.") for one in spots]
    reader = reader_of(document, _READERS)
    return each_once(spots, lambda spot: _at(document, spot, reader))


def additions(_: Document, __: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`."""
    return ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: the same elements and attributes."""
    return "" if list(_outline(before.text)) == list(_outline(after.text)) else "another value would change"


def _tokens(text: str) -> Iterator[re.Match[str]]:
    """Yield the parts of a text, up to where it is no XML."""
    at = 0
    while at < len(text) and (one := _TOKEN.match(text, at)):
        yield one
        at = one.end()


def _outline(text: str) -> Iterator[str]:
    for one in _tokens(text):
        yield one.lastgroup or ""
        if one["tag"]:
            yield _ATTRIBUTE.sub(r"\g<name>", one["tag"])


def _at(document: Document, spot: Spot, reader: Reader) -> Site | ManualItem:
    tags: list[str] = []
    for one in _tokens(document.text):
        if one.start() <= spot.start and spot.end <= one.end():
            if one["comment"]:
                return placeholder(spot)
            if value := _value(one, spot, tags):
                return at_value(document, _read(document.text, value), spot, reader, value.key)
            break
        if one["tag"]:
            _follow(tags, one)
    return manual(document, spot.start, "it is no text and no attribute", "Take it out by hand.")


def _follow(tags: list[str], tag: re.Match[str]) -> None:
    if not tag[0].startswith("</"):
        if not tag["rest"].endswith("/"):
            tags.append(tag["name"])
    elif tags:
        tags.pop()


def _value(token: re.Match[str], spot: Spot, tags: Sequence[str]) -> _Value | None:
    key = tags[-1] if tags else ""
    if token["cdata"] is not None:
        return _Value(*token.span("cdata"), key, is_raw=True)
    if token["text"]:
        low = token.start() + len(token[0]) - len(token[0].lstrip())
        return _Value(low, token.start() + len(token[0].rstrip()), key)
    if token["tag"]:
        for one in _ATTRIBUTE.finditer(token.string, *token.span("rest")):
            if one.start("value") <= spot.start and spot.end <= one.end("value"):
                return _Value(*one.span("value"), f"{token['name']}.{one['name']}")
    return None


def _read(text: str, value: _Value) -> Literal:
    characters, places, at = [], [], value.start
    while at < value.end:
        found = None if value.is_raw else _ENTITY.match(text, at, value.end)
        said = unescape(found[0]) if found else text[at]
        characters.append(said[:1])
        places.append(at)
        at = found.end() if found else at + 1
    return Literal(value.start, value.end, "".join(characters), (*places, value.end), Quote("", ""))

r"""Java properties: `name=value` with escapes (`\:`, `\uXXXX`, a line that goes on), and who reads them.

The format is that of java.util.Properties.load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from secretguard.rewriting import NAME, Document, Edit, ManualItem, Site, Spot, Surroundings, Variable, placeholder
from secretguard_languages.code import manual
from secretguard_languages.literals import Literal, Quote
from secretguard_languages.settings import NOBODY, SPRING_DEFAULT, SPRING_KEPT, Reader, at_value, each_once, reader_of

_LOGICAL = re.compile(
    r"[ \t\f]*(?:(?P<comment>[#!][^\r\n]*)|(?P<line>(?:[^\\\r\n]|\\\r\n|\\.)*))(?:\r\n|[\r\n]|\Z)", re.DOTALL
)
_SETTING = re.compile(r"(?P<name>(?:[^\\=: \t\f\r\n]|\\.)*)[ \t\f]*(?:[=:][ \t\f]*)?(?P<value>.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u(?P<code>[0-9a-fA-F]{4})|(?P<line>(?:\r\n|[\r\n])[ \t\f]*)|(?P<one>.))", re.DOTALL)
_NAMED = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_DOLLAR = r"\$\{[^{}]*\}"
_FRAMEWORK = r"^[ \t]*(?:spring|quarkus|%\w+\.quarkus|micronaut|datasources|server|management|logging|eureka|mp)[.]"
_BUILD = re.compile(r"spring-boot|org\.springframework|io\.quarkus|io\.micronaut")
_APPLICATION = r".*/(?:application|bootstrap)(?:-[\w.-]+)?\.properties"

_SPRING = Reader(_APPLICATION, _FRAMEWORK, f"${{{NAME}}}", runs=_DOLLAR, fallback=SPRING_DEFAULT, kept=SPRING_KEPT)
"""https://docs.spring.io/spring-boot/reference/features/external-config.html; Quarkus and Micronaut have the same."""
_READERS = (
    _SPRING,
    # https://logging.apache.org/log4j/2.x/manual/lookups.html#EnvironmentLookup
    Reader(
        r".*/log4j2[\w.-]*\.properties",
        reference=f"${{env:{NAME}}}",
        runs=r"\$\$?\{[^{}]*\}",
        fallback=r"\$\{env:(?P<name>[A-Za-z_]\w*):-(?P<value>[^{}]*)\}",
        kept=rf"${{env:\g<name>:-${{env:{NAME}}}}}",
    ),
    # https://documentation.red-gate.com/fd/configuration-files-224003079.html
    Reader(r".*/flyway[\w.-]*\.properties", reference=f"${{{NAME}}}", runs=_DOLLAR),
    *(
        Reader(path, reason=reason, advice=advice)
        for path, reason, advice in (
            (
                r".*/gradle\.properties",
                "Gradle puts in no variables",
                "Leave it out: Gradle reads ORG_GRADLE_PROJECT_{key} from the environment.",
            ),
            (
                r".*/sonar-project\.properties",
                "the scanner's file is for settings that are public",
                "Leave it out: the scanner reads SONAR_TOKEN.",
            ),
            (
                r".*/liquibase[\w.-]*\.properties",
                "Liquibase puts in no variables",
                "Leave it out: Liquibase reads LIQUIBASE_COMMAND_URL, LIQUIBASE_COMMAND_PASSWORD and their like.",
            ),
            (
                r".*/microprofile-config\.properties",
                "only a newer MicroProfile puts in variables",
                "Leave it out: the variable {path} comes before this file.",
            ),
            (
                r".*/local\.properties|.*/(?:keystore|signing)\.properties",
                "Gradle reads it as it is",
                "Take the file out of git: it is for one machine.",
            ),
            (
                r".*/log4j\.properties",
                "Log4j 1 reads system properties only",
                "Write `${name}`, and start Java with -Dname from the environment.",
            ),
            (r".*/quartz\.properties", "Quartz puts in no variables", "Give the properties to StdSchedulerFactory."),
            (
                r".*/(?:server|producer|consumer|connect-[\w-]+)\.properties",
                "Kafka puts in variables only where a config.providers says so",
                "Set config.providers=env with EnvVarConfigProvider, and write `${env:NAME}`.",
            ),
        )
    ),
    NOBODY,
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One logical line."""

    name: str
    value: Literal
    """As the program gets it."""


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    return int(document.name.lower().endswith(".properties"))


def survey(document: Document, spots: Sequence[Spot], around: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    reader = reader_of(document, _READERS)
    if reader is NOBODY and re.fullmatch(_APPLICATION, "/" + document.path) and _is_built_by_a_framework(around):
        reader = _SPRING
    return each_once(spots, lambda spot: _at(document, spot, reader))


def additions(_: Document, __: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`."""
    return ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: the same names, in the same order."""
    names = [[one.name for one in _settings(text) if isinstance(one, Setting)] for text in (before.text, after.text)]
    return "" if names[0] == names[1] else "another setting would change"


def _is_built_by_a_framework(around: Surroundings) -> bool:
    builds = (one for one in around.paths if re.search(r"(?:^|/)(?:pom\.xml|build\.gradle(?:\.kts)?)$", one))
    return any(_BUILD.search(around.read(one) or "") for one in builds)


def _at(document: Document, spot: Spot, reader: Reader) -> Site | ManualItem:
    for one in _settings(document.text):
        if isinstance(one, Setting) and one.value.start <= spot.start and spot.end <= one.value.end:
            return at_value(document, one.value, spot, reader, one.name)
        if isinstance(one, tuple) and one[0] <= spot.start and spot.end <= one[1]:
            return placeholder(spot)
    return manual(document, spot.start, "it is part of a setting's name", "Take it out by hand.")


def _settings(text: str) -> Iterator[Setting | tuple[int, int]]:
    """Yield every setting, and where each comment stands."""
    at = 0
    while at < len(text) and (found := _LOGICAL.match(text, at)):
        at = found.end() if found.end() > at else at + 1
        if found["comment"]:
            yield found.span("comment")
        elif found["line"] and (setting := _SETTING.match(text, *found.span("line"))):
            name = _read(text, *setting.span("name")).text
            yield Setting(name, _read(text, *setting.span("value")))


def _read(text: str, start: int, end: int) -> Literal:
    characters, places, at = [], [], start
    while at < end:
        if found := _ESCAPE.match(text, at, end):
            said = chr(int(found["code"], 16)) if found["code"] else _NAMED.get(found["one"], found["one"])
            if not found["line"]:
                characters.append(said)
                places.append(at)
            at = found.end()
        else:
            characters.append(text[at])
            places.append(at)
            at += 1
    return Literal(start, end, "".join(characters), (*places, end), Quote("", ""))

"""TOML: a variable where the program that reads the file is known to put one in, a person everywhere else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from typing import Any

from secretguard.rewriting import NAME, Document, Edit, ManualItem, Site, Spot, Surroundings, Variable, placeholder
from secretguard_languages.code import manual
from secretguard_languages.literals import Quote, read_literal
from secretguard_languages.settings import NOBODY, Reader, at_value, each_once, left, reader_of

_TOKEN = re.compile(
    r"(?P<comment>\#[^\n]*)|(?P<string>\"\"\"(?:[^\\]|\\.)*?\"{3,5}|'''.*?'{3,5}|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')",
    re.DOTALL,
)
_TABLE = re.compile(r"^[ \t]*\[{1,2}(?P<name>[^\[\]\r\n]+)\]{1,2}[ \t]*(?:#.*)?\r?$", re.MULTILINE)
_KEY = re.compile(
    r"(?P<name>(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')(?:[ \t]*\.[ \t]*(?:[\w-]+|\"[^\"\n]*\"))*)[ \t]*=[ \t]*$"
)
_DOLLAR = r"\$\{[^{}]*\}"

_READERS = (
    # https://docs.influxdata.com/telegraf/v1/configuration/#set-environment-variables
    Reader(r".*/telegraf(?:[\w.-]*|\.d/[\w.-]+)\.(?:conf|toml)", reference=f"${{{NAME}}}", runs=r"\$\{[^{}]*\}|\$\w+"),
    # https://vector.dev/docs/reference/environment_variables/
    Reader(
        r".*/vector[\w.-]*\.toml", r"^\[(?:sources|sinks)\.", f"${{{NAME}}}", runs=r"\$\{[^{}]*\}|\$\w+", doubled="$"
    ),
    # https://bun.com/docs/runtime/bunfig
    Reader(
        r".*/\.?bunfig\.toml",
        reference=f"${NAME}",
        keys=r"install\b.*\.(?:token|password|username|url|registry)",
        is_whole=True,
        advice="Bun reads `.npmrc` as well, with `${NAME}`.",
    ),
    # https://pipenv.pypa.io/en/latest/credentials.html
    Reader(r".*/Pipfile", reference=f"${{{NAME}}}", runs=r"\$\{[^{}]*\}|\$\w+", keys=r"source\.url"),
    # https://supabase.com/docs/guides/local-development/managing-config
    Reader(r".*/supabase/config\.toml", reference=f"env({NAME})", is_whole=True),
    # https://documentation.red-gate.com/fd/environment-variables-resolver-277578944.html
    Reader(
        r".*/flyway[\w.-]*\.toml",
        reference=f"${{env.{NAME}}}",
        runs=_DOLLAR,
        keys=r"environments\..*",
        reason="Flyway puts in variables below [environments] only",
        advice="Move it there, as `${env.NAME}`.",
    ),
    *(
        Reader(path, reason=reason, advice=advice)
        for path, reason, advice in (
            (
                r".*/\.streamlit/secrets\.toml",
                "Streamlit reads it as it is",
                "Take the file out of git: paste it into the app's settings where it is deployed, or read os.environ.",
            ),
            (
                r".*/wrangler[\w.-]*\.toml",
                "[vars] of a Worker can be read by everybody",
                "`wrangler secret put {name}`, and take it out of [vars]; in development `.dev.vars`, outside of git.",
            ),
            (
                r".*/fly[\w.-]*\.toml",
                "[env] of an app can be read by everybody",
                "`fly secrets import` (NAME=value on its standard input), and take it out of [env].",
            ),
            (
                r".*/netlify\.toml",
                "Netlify puts no variables into its own file",
                "`netlify env:set {name}` with --secret, or the site's settings, and take it out of the file.",
            ),
            (
                r".*/(?:Cargo|\.cargo/(?:config|credentials))(?:\.toml)?",
                "Cargo puts in no variables",
                "Leave it out: Cargo reads CARGO_REGISTRIES_…_TOKEN, and programs the environment that starts them.",
            ),
            (
                r".*/pyproject\.toml",
                "pyproject.toml has no variables",
                "Leave the login out: POETRY_HTTP_BASIC_…, UV_INDEX_…_PASSWORD or PIP_INDEX_URL; tests get theirs "
                "from the environment.",
            ),
            (
                r".*/(?:poetry|uv|pdm|Cargo)\.lock",
                "a lock file is made",
                "Take the login out of the URL, and lock again.",
            ),
            (
                r".*/\.?mise[\w.-]*\.toml",
                "it would be set for everybody who enters the folder",
                "Move it to mise.local.toml, outside of git, or write `{{ env.NAME }}`.",
            ),
            (
                r".*/(?:hugo|config/_default/\w+)\.toml",
                "Hugo puts in no variables",
                "Leave it out: Hugo reads HUGO_{path}, or HUGO_PARAMS_….",
            ),
            (
                r".*/(?:\.secrets|settings)\.toml",
                "it is not known what reads it",
                "If it is Dynaconf: leave it out, and set DYNACONF_…, or write `@format {env[NAME]}`.",
            ),
            (
                r".*/Rocket\.toml",
                "Rocket puts in no variables",
                "Leave it out: Rocket reads ROCKET_{path}, with `.` as `__`.",
            ),
            (
                r".*/traefik[\w.-]*\.toml",
                "Traefik puts in no variables",
                "Use a file beside it (`usersFile`), or configure Traefik by its environment alone.",
            ),
        )
    ),
    NOBODY,
)


def claims(document: Document) -> int:
    """See `secretguard.interfaces.Rewriter`."""
    if re.fullmatch(_READERS[0].path, "/" + document.path):
        return 2
    return int(document.name.lower().endswith(".toml") or document.name in ("Pipfile", "poetry.lock", "uv.lock"))


def survey(document: Document, spots: Sequence[Spot], _: Surroundings) -> Sequence[Site | ManualItem]:
    """See `secretguard.interfaces.Rewriter`."""
    if _tree(document.text) is None:
        return [manual(document, one.start, "the file is no TOML", "Take the value out by hand.") for one in spots]
    return each_once(spots, lambda spot: _at(document, spot))


def additions(_: Document, __: Sequence[tuple[Site, Variable]]) -> Sequence[Edit]:
    """See `secretguard.interfaces.Rewriter`."""
    return ()


def fault(before: Document, after: Document) -> str:
    """See `secretguard.interfaces.Rewriter`: the same tree but for strings."""
    was, now = _tree(before.text), _tree(after.text)
    return (
        "" if was is not None and now is not None and _outline(was) == _outline(now) else "another value would change"
    )


def _tree(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _outline(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _outline(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_outline(one) for one in value]
    return "string" if isinstance(value, str) else (type(value), str(value))


def _at(document: Document, spot: Spot) -> Site | ManualItem:
    token = next(
        (one for one in _TOKEN.finditer(document.text) if one.start() <= spot.start and spot.end <= one.end()), None
    )
    if token is None:
        return manual(document, spot.start, "it is a key, or no string", "Take it out by hand.")
    if token["comment"]:
        return placeholder(spot)
    key = _key_of(document.text, token.start())
    reader = reader_of(document, _READERS)
    if not key:
        return left(document, spot, reader, "")
    name = key.rpartition(".")[2]
    if "{name}" in reader.advice:
        return manual(document, spot.start, reader.reason, reader.advice.replace("{name}", name))
    mark = token["string"][:3] if token["string"][:3] in ('"""', "'''") else token["string"][0]
    opening = mark + _first_line_end(token["string"], mark)
    value = read_literal(document.text, token.start(), token.end(), Quote(opening, mark, is_raw="'" in mark))
    return at_value(document, value, spot, reader, key)


def _first_line_end(string: str, mark: str) -> str:
    """Return the line end right behind three quotes, which is no part of the text."""
    found = re.match(r"\r?\n", string[3:]) if len(mark) == 3 else None
    return found[0] if found else ""


def _key_of(text: str, start: int) -> str:
    """Return the table and the key of a value; one of a list has that of the list."""
    table = next((one for one in reversed(list(_TABLE.finditer(text, 0, start)))), None)
    before = text[text.rfind("\n", 0, start) + 1 : start]
    found = _KEY.search(before) or _KEY.search(re.sub(r"\[[^\[\]]*$", "", before)) or _key_of_list(text, start)
    if found is None:
        return ""
    outer = re.match(r"[ \t]*([\w.-]+)[ \t]*=[ \t]*[\[{]", before[: found.start()]) if found.string == before else None
    parts = (table["name"] if table else "", outer[1] if outer else "", found["name"])
    return ".".join(re.sub(r"[\s\"']", "", one) for one in parts if one)


def _key_of_list(text: str, start: int) -> re.Match[str] | None:
    opening = text.rfind("[", 0, start)
    return _KEY.search(text[text.rfind("\n", 0, opening) + 1 : opening]) if opening >= 0 else None

"""Which environment variable holds which spelling: one for each in the whole repository.

The name that the code uses for it already comes first, then the vendor's convention; another spelling of the same
login (another driver, database or form) gets the name with a suffix.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from secretguard.rewrite.sightings import Sought
from secretguard.rewriting import Site
from secretguard.rotation import Spelling
from secretguard.spelling import dialect, in_bytes, names_for
from secretguard.variables import is_of_system

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
_CONVENTIONS = {
    "amqp": "AMQP_URL",
    "anthropic-admin": "ANTHROPIC_ADMIN_KEY",
    "anthropic-oauth": "CLAUDE_CODE_OAUTH_TOKEN",
    "aws-access-key": "AWS_SECRET_ACCESS_KEY",
    "aws-bedrock": "AWS_BEARER_TOKEN_BEDROCK",
    "azure-openai": "AZURE_OPENAI_API_KEY",
    "clerk": "CLERK_SECRET_KEY",
    "databricks": "DATABRICKS_TOKEN",
    "github": "GITHUB_TOKEN",
    "gitlab": "GITLAB_TOKEN",
    "google": "GEMINI_API_KEY",
    "huggingface": "HF_TOKEN",
    "langfuse": "LANGFUSE_SECRET_KEY",
    "meta-llama": "LLAMA_API_KEY",
    "mongodb": "MONGODB_URI",
    "nvidia": "NVIDIA_API_KEY",
    "openai-admin": "OPENAI_ADMIN_KEY",
    "redis": "REDIS_URL",
    "replicate": "REPLICATE_API_TOKEN",
    "slack": "SLACK_TOKEN",
    "stripe": "STRIPE_SECRET_KEY",
    "vercel-ai-gateway": "AI_GATEWAY_API_KEY",
    "zhipu": "ZHIPUAI_API_KEY",
}
"""Family, or the beginning of a kind -> the variable that its vendor's libraries read."""
_LOGINS = frozenset(
    ("postgres", "mysql", "mssql", "oracle", "clickhouse", "cassandra", "snowflake", "database", "odbc")
)
_LONGEST_USE = 2_048
"""Characters behind a name that may be its value."""
_PART = 2
"""How plain a spelling is that is only a part of a login."""


class SpellingKey(NamedTuple):
    """What makes two spellings the same one. No value is in it."""

    form: str
    digest: str
    """Of the text; empty where the form says all."""
    encoding: tuple[str, ...]


def key_of(spelling: Spelling) -> SpellingKey:
    """Return the key of a spelling; `postgres://` and `postgresql://` are the same to every driver."""
    if spelling.form in ("password", "quoted"):
        return SpellingKey(spelling.form, "", spelling.encoding)
    text = re.sub(r"^postgres://", "postgresql://", spelling.text.reveal())
    return SpellingKey(spelling.form, hashlib.sha256(in_bytes(text)).hexdigest(), spelling.encoding)


def conventional(kind: str, family: str) -> str:
    """Return the variable for a credential of this kind if nobody has named it."""
    if family in _LOGINS:
        return "DATABASE_URL"
    for length in range(len(kind), 0, -1):
        if (name := _CONVENTIONS.get(kind[:length])) and kind[length : length + 1] in ("", "-"):
            return name
    if family in _CONVENTIONS:
        return _CONVENTIONS[family]
    vendor = re.sub(r"-(?:legacy|project|svcacct|api|api-key|auth-key|enterprise.*|tokens?|uri|settings)$", "", kind)
    stem = re.sub(r"[^A-Za-z0-9]+", "_", vendor).strip("_").upper()
    return f"{stem}_API_KEY" if family == "token" else f"{stem}_PASSWORD"


def variable_names(
    sites: Sequence[Site], convention: tuple[str, str], is_taken: Callable[[str], bool], asked: str = ""
) -> dict[SpellingKey, str]:
    """Return a variable for each spelling among `sites`, no two the same.

    `convention`: the name by convention, and the login's user, which tells it from another one. `is_taken`: whether
    the repository uses a name for something else. `asked`: what the operator wants as the main one.
    """
    main, user = convention
    counted = Counter(key_of(one.spelling) for one in sites)
    examples = {key_of(one.spelling): one.spelling for one in sites}
    # Of two that are alike the one that was seen first comes first.
    ranked = sorted(counted, key=lambda key: (_plainness(examples[key]), -counted[key], key.form))
    votes = {key: _votes(sites, key) for key in ranked}
    voted = {name for names in votes.values() for name in names}
    chosen: dict[SpellingKey, str] = {}
    for key in ranked:
        free: Iterator[str]
        lead = next(iter(chosen.values()), "")
        own = [name for name in votes[key] if name not in chosen.values()]
        if lead:
            free = (one for one in names_for(examples[key], lead) if one not in chosen.values())
        else:
            own = [asked] if asked else own
            free = names_for(examples[key], main) if _has_own_name(examples[key], main) else _further(main, user)
        usable = (one for one in free if not is_of_system(one))
        chosen[key] = own[0] if own else next(one for one in usable if one in voted or not is_taken(one))
    return chosen


def is_own_use(name: str, text: str, old: Sought) -> bool:
    """Whether a text gives the variable `name` the leaked value, or looks it up with the value as its fallback.

    The value stands behind the name on its line, or on the next one where the name ends its own.
    """
    for found in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text):
        rest, _, after = text[found.end() : found.end() + _LONGEST_USE].partition("\n")
        is_open = re.fullmatch(r"[\s\"'`,()\[\]{}:=|>\\]*", rest) is not None
        near = rest + "\n" + after.partition("\n")[0] if is_open else rest
        if old.count(near.encode("utf-8", "surrogatepass")):
            return True
    return False


def _plainness(spelling: Spelling) -> int:
    """Rank what the main variable should hold: a plain URI, then one of a driver or another form, then a part."""
    if spelling.form == "user":
        return _PART + 1
    if spelling.form in ("password", "quoted"):
        return _PART
    return int(spelling.form != "uri" or bool(dialect(spelling)) or bool(spelling.encoding))


def _votes(sites: Iterable[Site], key: SpellingKey) -> list[str]:
    """Return the names that places with this spelling use, the most frequent first; never one of the system."""
    names = Counter(
        name
        for one in sites
        if key_of(one.spelling) == key
        for name in one.names[:1]
        if _NAME.fullmatch(name) and not is_of_system(name)
    )
    return [name for name, _ in sorted(names.items(), key=lambda item: (-item[1], item[0]))]


def _has_own_name(spelling: Spelling, main: str) -> bool:
    """Whether the form is another one than a variable for a URL is expected to hold."""
    return spelling.form == "user" or (main.endswith(("_URL", "_URI")) and spelling.form != "uri")


def _further(name: str, user: str) -> Iterator[str]:
    yield name
    if user:
        name += "_" + re.sub(r"[^A-Za-z0-9]+", "_", user).upper()
        yield name
    for number in range(2, 1000):
        yield f"{name}_{number}"

"""Judgement of a value by itself: reference or literal, placeholder or credential, weak or strong."""

import base64
import binascii
import hashlib
import math
import re
from collections import Counter
from functools import cache

from secretguard.engine.lazily import compiled


def _any_of(*shapes: str) -> re.Pattern[str]:
    return compiled("|".join(f"(?:{shape})" for shape in shapes))


_REFERENCE = _any_of(
    r"\$[{(]", r"\{\{|\}\}", r"#\{", r"%\(", r"^\$[A-Za-z_]", r"^%[A-Za-z_]+%$", r"^%[sdvq]\b|%[sdvq]$",
    r"^\{[A-Za-z_][\w.]*[(\[]", r"^[A-Za-z_]\w*(?:\.\w+)+\(\)$",
    r"^<[^<>]*>$", r"\{[A-Za-z_]*\d*[\w.\[\]'\"()!:]*\}", r"^__\w+__$", r"^#\{?\w+\}?#$", r"^[$%{]$",
    r"^@\w+(?:[.-]\w+)*@$",  # Maven's and Autoconf's
    # what code and configuration look a value up with
    r"process\.env|os\.environ|os\.getenv|getenv\(|^env\(|ENV\[|ENV\.fetch|System\.getenv|import\.meta\.env",
    r"^(?:data|var|local|module)\.\w|secrets\.[A-Za-z]|^secretKeyRef",
    r"^!(?:Ref|Sub|vault|GetAtt|ImportValue|secret|env_var)",
    r"^(?:self|this|config|settings|options|opts|args|params|props|kwargs|request|req|ctx|cfg|conf|app|environ"
    r"|credentials|creds)[.\[]",
    # where secret managers are pointed at
    r"^ENC[\[(]|^vault:|^ref\+|^op://|^sm://|^arn:aws:|^@Microsoft\.KeyVault",
)  # fmt: skip
_HASH = _any_of(
    r"^\$(?:2[abxy]?|[156]|y|argon2\w*|pbkdf2[\w-]*)\$", r"^pbkdf2[_:]", r"^SCRAM-SHA-\d", r"^md5[0-9a-f]{32}$",
    r"^\{(?:S?SHA|bcrypt)", r"^sha(?:1|256|512)[:$]", r"^\*[0-9A-Fa-f]{40}$",
)  # fmt: skip
_MASK = _any_of(
    r"^[*xX.•●_#?-]+$", r"[*•●]{4,}", r"[xX]{6,}", r"\.\.\.", r"…", r"^[<⟨‹«].*[>⟩›»]$", r"^\[.*\]$"
)  # fmt: skip
_PLACEHOLDER = _any_of(
    r"(?i:example|placeholder|redacted|lorem)",
    r"(?i:(?:change|replace)[_-]?(?:me|this|it|with))",
    r"(?i:your[_-]?(?:own|api|secret|key|token|pass|db|user|auth|access))",
    r"(?i:your[_-]?\w+[_-](?:here|key|token|password|secret))",
    r"(?i:insert[_-]?(?:your|here)|[_-]here$|^enter[_-]|^fill[_-]?(?:me|in))",
    r"(?i:^my[_-]?(?:secret|password|token|api|key|super))",
    r"(?i:^(?:(?:the|any|a)[_-]|some[_-]?)(?:secret|password|passwd|pwd|key|token))",
    r"(?i:sample[_-]?(?:key|token|secret|password)|not[_-]?a[_-]?real)",
    # short words by themselves only: they stand in one random key of a few thousand
    r"(?i:(?<![a-z0-9])(?:dummy|fake|mock)(?![a-z0-9]))",
    r"(?i:^(?:foo|bar|baz|foobar|foobarbaz|qux|null|none|undefined|true|false|nil|string|todo|tbd)$)",
    r"(?i:^anonymous@?$)",
    r"^[A-Z]+(?:_[A-Z]+)+$|^(?:PASSWORD|PASSWD|PASS|PWD|SECRET|TOKEN|KEY)$",
    r"(?i:^(?=.{10})(?=.*[a-z])(?:abc|def|ghi|xyz|123|456|789|[_-])+[a-z0-9]{0,2}$)",
)
_SEQUENCES = (
    "0123456789",
    "1234567890",
    "9876543210",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "deadbeef" * 4,
    "cafebabe" * 4,
)
_SHORTEST_RUN, _LONGEST_RUN = 8, max(map(len, _SEQUENCES))
MIN_PASSWORD = 4
"""A shorter value in a connection string is the `pw` of an explanation."""
_WEAK = frozenset(
    (  # noqa: SIM905  # a list of words reads best as words
        "root postgres mysql mongo mongodb redis rabbitmq local 123 1234 12345 123456 1234567 12345678 letmein qwerty "
        "abc123 toor sa oracle tiger scott pw db database app myapp s3cr3t p@ssw0rd hunter2 django flask rails laravel "
        "wordpress airflow foobared cisco vmware ansible docker minio magic"
    ).split()
)
_WEAK_WORDS = compiled(
    r"(?i)^[a-z_. -]*(?:passw(?:or|0r)d|passwd|passphrase|pass|pwd|secret|test|demo|admin|user|guest|default|change"
    r"|letmein)"
    r"[a-z_. -]*\d{0,4}[!@#$%]{0,2}$"
)
_A_USER = compiled(r"(?i)(?:user|username|login|usr|uname|name)$")
_A_PASSWORD = compiled(r"(?i)(?:pass|password|passwd|pwd|pw|secret)$")
_LOCAL = compiled(
    r"^(?:localhost(?:\.localdomain)?|127(?:\.\d{1,3}){3}|::1|0\.0\.0\.0|host\.docker\.internal|.*\.local(?:host)?|)$",
    re.IGNORECASE,
)
_RESERVED_HOST = compiled(
    r"^(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$|(?:^|\.)(?:example|invalid|test)(?:\.(?:com|org|net))?$"
    r"|^(?:host|hostname|server|servername|myserver|my-?host|ip|address|domain|h|db-?host|somehost|hostspec|host\d"
    r"|<.*>|your.*)$",
    re.IGNORECASE,
)
_PUBLIC = compiled(r"pk_(?:live|test)_|sb_publishable_|NRJS-")
"""Keys that stand in every page of an application; their vendors call them public."""
# sha256 of values that vendors print in their documentation; a digest, so that no scanner trips over this file.
_DOCUMENTED = frozenset(
    {
        "0011cc25eb4320717494d2703e8cba85743e71b500283c21c8b88147992f9059",  # Azurite
        "aa6547439583c3a275d4542a0df6c1ad6a863971be9f2a2220f027cc02aef615",  # Cosmos DB emulator
        "7f75367e7881255134e1375e723d1dea8ad5f6a4fdb79d938df1f1754a830606",  # jwt.io
        "bf1725a8f98bea37e88618702e725ba84bd8acdb2647c5e0ed638bfd685791cf",  # Supabase demo, anon
        "70541e07fd4f900b66e289f5be55c85f9bef1def4924a5b0c518c45ea1688c12",  # Supabase demo, service_role
        "2cafc0970149a84f3b9e62eaf169f36f59907a3b3e31f7b82e68c69cd27f7326",  # Stripe
        "f2d6ca16515033e5dce14eba840b979d27b5cbae24bb3e5bf484339667f86397",  # Stripe
        "2598f7d6adc142d88161630f3db12ab2bd3403521c281811e5e1ce60d4ac5d76",  # Flask
        "9cb335cb7b5fb805934637d85c4f57c695baac019c0a57ceffd0afe43144c9cb",  # Flask
        "f215faf9d88b7f0a881632ee22459ee452a296c808d261b6cc993d3a1fd0600e",  # MD5 of nothing
        "07e23ede2756aa3f5f7cc9759117c4910875e032c27b8556a1e20626224f10ec",  # SHA-1 of nothing
        "cd372fb85148700fa88095e3492d3f9f5beb43e555e5ff26d95f5a6adc36f8e6",  # SHA-256 of nothing
    }
)


def is_reference(value: str) -> bool:
    """Whether `value` points at a secret (a variable, a template, a vault path) rather than being one."""
    return not value or _REFERENCE.search(value) is not None


def is_hash(value: str) -> bool:
    """Whether `value` is a password hash, which is not a password."""
    return _HASH.search(value) is not None


def entropy(value: str) -> float:
    """Return the Shannon entropy of `value` in bits a character."""
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values()) if total else 0.0


def is_weak(value: str) -> bool:
    """Whether `value` is a password that everybody tries first."""
    return value.lower() in _WEAK or _WEAK_WORDS.match(value) is not None


def is_local(host: str) -> bool:
    """Whether `host` is this very machine."""
    return _LOCAL.match(host.strip("[]")) is not None


def is_reserved(host: str) -> bool:
    """Whether `host` is a documentation name (RFC 2606 and 5737, or a word that stands for a host)."""
    return _RESERVED_HOST.search(host) is not None


def stands_for_a_login(user: str, password: str) -> bool:
    """Whether `user:password` only says where a user and a password go."""
    return _A_USER.match(user) is not None and _A_PASSWORD.match(password) is not None


def placeholder(value: str) -> str:
    """Return why `value` is an example rather than a credential, or an empty string."""
    if hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest() in _DOCUMENTED:
        return "a documented example"
    if _PUBLIC.match(value):
        return "a public key"
    if _MASK.search(value):
        return "a masked value"
    if _PLACEHOLDER.search(value):
        return "a placeholder"
    lowered = value.lower()
    if len(value) >= 8 and len(set(lowered)) <= 2:
        return "one character repeated"
    half = (len(lowered) + 1) // 2
    if len(lowered) >= _SHORTEST_RUN and any(run in lowered for run in _runs(min(half, _LONGEST_RUN))):
        return "a keyboard or counting sequence"
    return ""


@cache
def _runs(length: int) -> tuple[str, ...]:
    """Return the pieces of the sequences that are so long, and whole those that are shorter."""
    sizes = [(one, max(_SHORTEST_RUN, min(len(one), length))) for one in _SEQUENCES]
    return tuple({one[at : at + size] for one, size in sizes for at in range(len(one) - size + 1)})


def unquote_if_base64_login(text: str) -> tuple[str, str] | None:
    """Return (user, password) of base64("user:password"), or None if it is nothing of the kind."""
    user, colon, password = (unbase64(text) or "").partition(":")
    return (user, password) if colon and password else None


def unbase64(text: str) -> str | None:
    """Return the printable text that `text` is the base64 of, or None if it is nothing of the kind."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8").rstrip("\r\n")
    except (binascii.Error, ValueError):
        return None
    return plain if plain.isprintable() else None

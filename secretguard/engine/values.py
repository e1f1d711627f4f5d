"""Judgement of a value by itself: reference or literal, placeholder or credential, weak or strong."""

import base64
import binascii
import hashlib
import math
import re
from collections import Counter

_REFERENCE = re.compile(
    r"""\$\{ | \$\( | \{\{ | \}\} | %\( | ^\$[A-Za-z_] | ^%[A-Za-z_]+%$ | %[sdvq]$ | ^%[sdvq] | \#\{ | ^<[^<>]*>$ | \{[A-Za-z_]*\d*[\w.\[\]'"()!:]*\}
    | ^__\w+__$ | ^\#\{?\w+\}?\#$ | process\.env | os\.environ | os\.getenv | getenv\( | ^env\( | ENV\[ | ENV\.fetch | System\.getenv
    | import\.meta\.env | secrets\.[A-Za-z] | ^ENC\[ | ^ENC\( | ^vault: | ^ref\+ | ^op:// | ^sm:// | ^arn:aws: | ^@Microsoft\.KeyVault
    | ^!(?:Ref|Sub|vault|GetAtt|ImportValue|secret|env_var) | ^secretKeyRef | ^data\.\w | ^var\.\w | ^local\.\w | ^module\.\w
    | ^(?:self|this|config|settings|options|opts|args|params|props|kwargs|request|req|ctx|cfg|conf|app|environ|credentials|creds)[.\[]
    """,
    re.VERBOSE,
)
_HASH = re.compile(
    r"^(?:\$2[abxy]?\$|\$argon2|\$pbkdf2|pbkdf2[_:]|\$[156]\$|\$y\$|SCRAM-SHA-\d|md5[0-9a-f]{32}$|\{S?SHA|\{bcrypt\}|sha(?:1|256|512)[:$])"
)
_MASK = re.compile(r"^[*xX.•●_#?-]+$|[*•●]{4,}|[xX]{6,}|\.\.\.|…|^<.*>$|^\[.*\]$")
_PLACEHOLDER = re.compile(
    r"""(?i)example | placeholder | change[_-]?(?:me|this|it) | replace[_-]?(?:me|this|with) | your[_-]?(?:own|api|secret|key|token|pass|db|user|auth|access|\w+[_-](?:here|key|token|password|secret))
    | insert[_-]?(?:your|here) | [_-]here$ | ^my[_-]?(?:secret|password|token|api|key|super) | redacted | (?<![a-z0-9])(?:dummy|fake|mock)(?![a-z0-9]) | ^fill[_-]?(?:me|in) | ^todo\b | ^tbd$ | sample[_-]?(?:key|token|secret|password)
    | not[_-]?a[_-]?real | ^(?:the|some|any|a)[_-](?:secret|password|key|token) | ^enter[_-] | mock | ^(?:foo|bar|baz|foobar|foobarbaz|qux)$ | lorem | ^null$ | ^none$ | ^undefined$ | ^true$ | ^false$ | ^nil$ | ^string$ | ^(?-i:[A-Z]+(?:_[A-Z]+)+)$""",
    re.VERBOSE,
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
MIN_PASSWORD = 4
"""A shorter value in a connection string is the `pw` of an explanation."""
_WEAK = frozenset(
    "root postgres mysql mongo mongodb redis rabbitmq local 123 1234 12345 123456 1234567 12345678 letmein qwerty abc123 "
    "toor sa oracle tiger scott pw db database app myapp s3cr3t p@ssw0rd hunter2 django flask rails laravel wordpress "
    "airflow foobared cisco vmware ansible docker minio magic".split()
)
_WEAK_WORDS = re.compile(
    r"(?i)^[a-z_. -]*(?:passw(?:or|0r)d|passwd|passphrase|pass|pwd|secret|test|demo|admin|user|guest|default|change|letmein)"
    r"[a-z_. -]*\d{0,4}[!@#$%]{0,2}$"
)
_LOCAL = re.compile(
    r"^(?:localhost(?:\.localdomain)?|127(?:\.\d{1,3}){3}|::1|0\.0\.0\.0|host\.docker\.internal|.*\.local(?:host)?|)$",
    re.IGNORECASE,
)
_RESERVED_HOST = re.compile(
    r"^(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$|(?:^|\.)(?:example|invalid|test)(?:\.(?:com|org|net))?$|^(?:host|hostname|your-?host.*|server|servername|myserver|my-?host|ip|address|domain|<.*>|h|db-?host|somehost|hostspec|host\d|your.*)$",
    re.IGNORECASE,
)
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


def placeholder(value: str) -> str:
    """Return why `value` is an example rather than a credential, or an empty string."""
    if hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest() in _DOCUMENTED:
        return "a documented example"
    if _MASK.search(value):
        return "a masked value"
    if _PLACEHOLDER.search(value):
        return "a placeholder"
    lowered = value.lower()
    if len(value) >= 8 and len(set(lowered)) <= 2:
        return "one character repeated"
    if any(run in lowered for sequence in _SEQUENCES for run in _runs(sequence, lowered)):
        return "a keyboard or counting sequence"
    return ""


def _runs(sequence: str, value: str) -> list[str]:
    """Return the pieces of `sequence` that would fill half of `value` or more."""
    length = max(8, min(len(sequence), (len(value) + 1) // 2))
    return [sequence[at : at + length] for at in range(len(sequence) - length + 1)]


def unquote_if_base64_login(text: str) -> tuple[str, str] | None:
    """Return (user, password) of base64("user:password"), or None if it is nothing of the kind."""
    user, colon, password = (unbase64(text) or "").partition(":")
    return (user, password) if colon and password else None


def unbase64(text: str) -> str | None:
    """Return the printable text that `text` is the base64 of, or None if it is nothing of the kind."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return plain if plain.isprintable() else None

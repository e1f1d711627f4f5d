"""Reports made of model objects, with values that exist for one test only."""

import base64
import secrets
import string
from typing import Any
from urllib.parse import quote, quote_plus

from secretguard.model import (
    Confidence,
    Credential,
    Endpoint,
    Location,
    Match,
    Occurrence,
    Place,
    Report,
    Rule,
    Severity,
    Stats,
)
from secretguard.secret import Secret

POSTGRES = Rule(
    id="postgres-uri", kind="postgres", title="PostgreSQL connection", vendor="PostgreSQL", plugin="postgres",
    severity=Severity.CRITICAL, pattern="x", family="postgres", form="uri",
)  # fmt: skip
TOKEN = Rule(
    id="acme-key", kind="acme", title="Acme API key", vendor="Acme", plugin="acme", severity=Severity.HIGH, pattern="x"
)


def random_value(length: int = 24) -> str:
    """A password that URL encoding changes."""
    letters = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length - 4))
    return f"{letters}/+%="


def spellings(value: str) -> list[str]:
    """Every form in which a leak would be noticed."""
    data = value.encode()
    return [
        value, quote(value, safe=""), quote(value), quote_plus(value), base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode().rstrip("="), data.hex(),
    ]  # fmt: skip


def assert_hidden(text: str, value: str) -> None:
    found = [form for form in spellings(value) if form in text]
    assert not found, "the value stands in the output"


def location(path: str = "app/settings.py", source: Place = Place.WORKTREE, **more: Any) -> Location:
    return Location(source=source, path=path, blob="ab" * 20, **more)


def commit(path: str = "app/settings.py", number: int = 1, source: Place = Place.HISTORY, **more: Any) -> Location:
    values = {"commit": f"{number:040x}", "author": "Ada <ada@example.com>", "date": f"2025-06-{number:02}T10:00:00Z"}
    return location(path, source, **(values | more))


def match(value: str, rule: Rule = TOKEN, line: int = 7, **more: Any) -> Match:
    values: dict[str, Any] = {
        "rule": rule, "blob": "ab" * 20, "start": 0, "end": 9, "line": line, "column": 5, "end_line": line,
        "end_column": 30, "family": rule.family, "user": "", "secret": Secret(value), "text": Secret(f"key={value}"),
        "redacted": "****",
    }  # fmt: skip
    return Match(**(values | more))


def credential(value: str, *places: Location, rule: Rule = TOKEN, lines: int = 7, **more: Any) -> Credential:
    user = more.get("user", "")
    values: dict[str, Any] = {
        "id": f"sg_{secrets.token_hex(6)}", "rule": rule, "family": rule.family, "user": user,
        "secret": Secret(value), "text": Secret(f"key={value}"), "redacted": "****", "severity": rule.severity,
        "confidence": Confidence.HIGH, "endpoints": (),
        "occurrences": tuple(
            Occurrence(match(value, rule, lines, user=user), at) for at in (places or (location(),))
        ),
    }  # fmt: skip
    return Credential(**(values | more))


def database_login(value: str, *places: Location, **more: Any) -> Credential:
    values: dict[str, Any] = {
        "user": "capture", "redacted": "postgresql://capture:****@db.example.com:5432/raw",
        "endpoints": (Endpoint("db.example.com", 5432, "raw"),),
    }  # fmt: skip
    return credential(value, *places, rule=POSTGRES, **(values | more))


def report(*credentials: Credential, **more: Any) -> Report:
    values: dict[str, Any] = {
        "path": "/srv/app", "head": "cd" * 20, "mode": "history", "rules": 312, "rules_digest": "d1e2",
        "stats": Stats(95123, 60000, 2_200_000_000, 4096, 2, 4.1234), "credentials": credentials,
    }  # fmt: skip
    return Report(**(values | more))

"""The verifier that a server keeps in place of a password, made here."""

import re

from secretguard.errors import IssuerError
from secretguard.rotation import Login
from secretguard_postgres.connect import Connection

GRAMMAR = re.compile(r"SCRAM-SHA-256\$\d{1,7}:[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}:[A-Za-z0-9+/=]{44}")
"""PostgreSQL, "pg_authid": `SCRAM-SHA-256$<iteration count>:<salt>$<StoredKey>:<ServerKey>`."""


def verifier(connection: Connection, login: Login) -> str:
    """Return what the server is told in place of the password.

    The kind is said, else libpq would ask the server and make MD5. It is checked, because a server takes what is no
    verifier for the password itself. Raises IssuerError.
    """
    made = connection.pgconn.encrypt_password(
        login.secret.reveal().encode(), login.user.encode("utf-8", "surrogateescape"), b"scram-sha-256"
    )
    text: str = made.decode("ascii", "replace")
    if not GRAMMAR.fullmatch(text):
        raise IssuerError("libpq made a verifier that is none; nothing was sent")
    return text

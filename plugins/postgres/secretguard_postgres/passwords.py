"""New passwords, and how a server is told one."""

import secrets
import string
from typing import LiteralString

from secretguard.errors import IssuerError
from secretguard.rotation import Login
from secretguard.secret import Secret
from secretguard_postgres.connect import Connection, driver
from secretguard_postgres.scram import verifier
from secretguard_postgres.standing import Server

LENGTH = 40
_ALPHABET = string.ascii_letters + string.digits
"""Nothing that a URI, a shell, SASLprep or a SQL literal would treat specially."""
_SILENCE = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_min_error_statement": "panic",
    "pg_stat_statements.track_utility": "off",
}
"""What keeps the text of a statement out of a server's log and statistics."""


def new_password() -> Secret:
    """Return 40 random letters and digits, 238 bits."""
    return Secret("".join(secrets.choice(_ALPHABET) for _ in range(LENGTH)))


def set_password(connection: Connection, server: Server, login: Login, *, also: LiteralString = "") -> None:
    """Give a role the password of `login`, as a verifier, inside the caller's transaction; raises psycopg.Error.

    `also`: more role options, of ours. Only a server that is known to take nothing else gets the password itself:
    over TLS, with its logging silenced as far as we may.
    """
    from psycopg import sql

    told = _plain(connection, login) if server.plain_only else verifier(connection, login)
    connection.execute(
        sql.SQL("ALTER ROLE {} {} PASSWORD {}").format(
            sql.Identifier(login.user),
            sql.SQL(also),
            sql.Literal(told),
        )
    )


def _plain(connection: Connection, login: Login) -> str:
    if not connection.pgconn.ssl_in_use:
        raise IssuerError("this server takes no verifier, and the password itself goes nowhere without TLS")
    silence(connection)
    return login.secret.reveal()


def silence(connection: Connection) -> list[str]:
    """Turn off what would write this transaction's statements down; return what could not be turned off."""
    psycopg = driver()
    left = []
    for name, value in _SILENCE.items():
        try:
            with connection.transaction():
                connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        except psycopg.Error:
            left.append(name)
    return left

"""A leaked login of MariaDB as a rotation sees it."""

import secrets
from typing import Any

import pymysql

from secretguard.model import Endpoint
from secretguard.rotation import Context, Login, Spelling, Target
from secretguard.secret import Secret
from tests.servers.mariadb import MariaDB


def context(**more: Any) -> Context:
    return Context({}, rotation="rot_" + secrets.token_hex(8), timeout=5.0, **more)


def target(server: MariaDB, user: str, password: str, *, admin: bool | str = False, port: int = 0) -> Target:
    at = Endpoint(server.host, port or server.port, user)
    operator = admin if isinstance(admin, str) else f"mysql://root:{server.admin}@{server.host}:{server.port}"
    return Target(
        "sg_000000000000",
        "mysql-uri",
        "mysql",
        Login(user, Secret(password)),
        (at,),
        (Spelling("uri", Secret(server.dsn(user, password)), (at,)),),
        Secret(operator) if admin else None,
    )


def said(found: Any) -> str:
    return " ".join(f"{one.what} {one.hint}" for one in found.findings if one.stops)


def is_alive(connection: Any) -> bool:
    try:
        connection.ping(reconnect=False)
    except pymysql.MySQLError:
        return False
    return True

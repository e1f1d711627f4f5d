"""One login tried at one address, as the application does it, and what came of it."""

import re
import selectors
import time
from typing import NamedTuple

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Login
from secretguard.transport import reading
from secretguard_postgres.connect import FULL, Address, Handshake, NotConnected, driver, reached

_POOLER_REFUSES = re.compile(r"(?:SASL|password|md5) authentication failed|no such user|auth failed", re.IGNORECASE)
"""How poolers say it, which name no routine of a server. PgBouncer 1.18 says it with the state 08P01."""
_NOT_LET_IN = "InitializeSessionUserId"
"""Where a server refuses a role after its password was right: NOLOGIN, or no free connection."""
_AFTER_PASSWORD = (_NOT_LET_IN, "CheckMyDatabase", "InitPostgres")
"""Where a server counts connections after the password was right: those of the role, of the database, the reserved."""
_PASSES = (FULL, "57P03", "57P01", "57P02")
"""No free connection, starting up, shutting down: asking again may help."""
OTHER_DATABASES = ("postgres", "template1")


class Trial(NamedTuple):
    """What came of one login."""

    answer: Answer
    words: str = ""
    accepted: bool = False
    """The password is the right one, also where the login failed for another reason after that."""
    pooled: bool = False
    """Something between us and the server answers in its place."""
    md5: bool = False
    """The server asked for the old kind of proof, which gives a hash away."""
    tls: bool = False
    full: bool = False
    """All sessions that the role, its database or the server may have are taken."""


def tried(address: Address, login: Login, context: Context, *, leaked: bool = False) -> Trial:
    """Try one login; what is not certain is UNKNOWN. Never raises for what a server does.

    `leaked`: the server may ask for an MD5 proof, since there is nothing to lose. An address without a database is
    tried with others too, and so is one whose database is gone: a password opens a server.
    """

    def once() -> Trial:
        return _in_any_database(address, login, context, leaked=leaked)

    try:
        return reading(address.where, once, seconds=context.timeout)
    except IssuerError as failed:
        return Trial(Answer.UNKNOWN, str(failed))


def probed(address: Address, login: Login, context: Context, *, leaked: bool = False) -> Trial:
    """Try one login as part of a change that is being made: once, within the limits of that change."""
    try:
        return _in_any_database(address, login, context, leaked=leaked)
    except IssuerError as failed:
        return Trial(Answer.UNKNOWN, str(failed))


def _in_any_database(address: Address, login: Login, context: Context, *, leaked: bool) -> Trial:
    trial = _either_way(address, login, context, leaked=leaked)
    for other in OTHER_DATABASES:
        if not trial.words.startswith(_NO_DATABASE):
            break
        elsewhere = _either_way(address._replace(database=other), login, context, leaked=leaked)
        if elsewhere.answer is Answer.WORKS:
            return elsewhere._replace(words=f"in database {other}")
    return trial


_NO_DATABASE = "the password is accepted, "


def _either_way(address: Address, login: Login, context: Context, *, leaked: bool) -> Trial:
    """Prove the password by SCRAM, or by MD5 if the server asks for that and it does not matter."""
    trial = _once(address, login, context, md5=False)
    if leaked and "authentication method requirement" in trial.words:
        old_way = _once(address, login, context, md5=True)
        return old_way._replace(md5=True) if old_way.answer is not Answer.UNKNOWN else trial
    return trial


def _once(address: Address, login: Login, context: Context, *, md5: bool) -> Trial:
    """Raise IssuerError for what may pass."""
    until = time.monotonic() + context.timeout * 0.9
    try:
        pgconn = reached(address, login, context, md5=md5)
    except NotConnected as failed:
        failure = failed
    else:
        try:
            return _looked_around(pgconn, until)
        except driver().Error:
            raise IssuerError("the connection broke off", transient=True) from None
        finally:
            pgconn.finish()
    return judged(failure)


def judged(failed: NotConnected) -> Trial:
    """Return what a failed login says about the password; raises IssuerError for what may pass."""
    words, state = failed.words, failed.state
    if state == "28P01" or (state == "28000" and failed.routine == _NOT_LET_IN):
        return Trial(Answer.REFUSED, words)
    if not failed.routine and state in ("08P01", "28000") and _POOLER_REFUSES.search(words):
        return Trial(Answer.REFUSED, f"{words}, says a pooler", pooled=True)
    if state == FULL and failed.routine in _AFTER_PASSWORD:
        said = f"the password is accepted, no connection is free: {words}"
        return Trial(Answer.WORKS, said, accepted=True, full=True)
    if state in ("3D000", "42501") and failed.routine:
        return Trial(Answer.UNKNOWN, f"{_NO_DATABASE}but {words}", accepted=True)
    if failed.network or state in _PASSES:
        raise IssuerError(words, transient=True)
    if "did not complete authentication" in words:
        return Trial(Answer.UNKNOWN, "the server asks for no password: whoever reaches it gets in")
    if "authentication method requirement" in words:
        return Trial(Answer.UNKNOWN, f"{words}; only SCRAM is answered, which gives no password away")
    return Trial(Answer.UNKNOWN, words)


def _looked_around(pgconn: Handshake, until: float) -> Trial:
    """Return what a login that was let in sees: a statement must get through, too."""
    own = _asked(pgconn, b"SELECT pg_catalog.pg_backend_pid()", until)
    tls = bool(pgconn.ssl_in_use)
    if own is None:
        return Trial(Answer.UNKNOWN, "it is let in, but no statement gets through: a pooler without a server", tls=tls)
    pooled = own != str(pgconn.backend_pid).encode()
    return Trial(Answer.WORKS, "through a pooler" if pooled else "", accepted=True, pooled=pooled, tls=tls)


def _asked(pgconn: Handshake, statement: bytes, until: float) -> bytes | None:
    """Return the one value of a statement; None if it fails or takes too long.

    A pooler lets a statement wait for minutes, which is why the library's own waiting will not do.
    """
    status = driver().pq.ExecStatus
    pgconn.send_query(statement)
    pgconn.flush()
    while time.monotonic() < until:
        with selectors.DefaultSelector() as selector:
            selector.register(pgconn.socket, selectors.EVENT_READ)
            selector.select(max(0.0, until - time.monotonic()))
        pgconn.consume_input()
        if pgconn.is_busy():
            continue
        result = pgconn.get_result()
        return result.get_value(0, 0) if result and result.status == status.TUPLES_OK else None
    return None

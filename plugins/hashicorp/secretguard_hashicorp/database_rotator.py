"""PostgreSQL users that Vault or OpenBao manages as static roles: it makes the password, we prove what it did.

Chosen by name only: `--rotator vault-database`. Three things are not taken on trust. The password that the server
gives back is tried, and made again if it does not work (OpenBao can be left with one that never reached the database).
Sessions of the user are ended, which the server does not do. And one who sets the old password back from such a
session is found by trying again afterwards. `rotate-root` is never called. See `secretguard.interfaces.Rotator`.
"""

from dataclasses import replace

from secretguard.errors import IssuerError, RemoteError
from secretguard.rotation import Answer, Context, Finding, Found, Login, Overlap, Preflight, Proof, Target, Usage
from secretguard_hashicorp.connection import whole
from secretguard_hashicorp.engine import Role, connection_details, credentials, database_findings, said_of, static_role
from secretguard_hashicorp.logins import proof, send_out
from secretguard_hashicorp.rights import missing_rights

families: tuple[str, ...] = ()
"""None: who issues a PostgreSQL password is for the operator to say."""
kinds: tuple[str, ...] = ()
_TRIES = 3


def overlap(target: Target, context: Context) -> Overlap:
    """See `Rotator.overlap`: a user has one password."""
    return Overlap.NONE


def preflight(target: Target, context: Context) -> Preflight:
    """See `Rotator.preflight`."""
    role = static_role(target, context)
    said = said_of(role, "static-roles")
    if said.get("username") != target.leaked.user:
        what = f"the role {role} is not for the user {target.leaked.user}"
        return Preflight(findings=(Finding(what, "Name another one in SECRETGUARD_VAULT_ROLE.", stops=True),))
    details = connection_details(role, said)
    findings = [
        *missing_rights(role.server, {role.at("static-creds"): ("read",), role.at("rotate-role"): ("update",)}),
        *database_findings(role, details, target),
    ]
    if not any(one.stops for one in findings):
        findings += _of_password(role, str(details.get("connection_url", "")), target, context)
    seconds = whole(said.get("rotation_period"))
    if seconds:
        findings.append(
            Finding(
                f"{role.server.host} changes this password again every {seconds} seconds: the stored copy is right"
                " until then",
                f"Let the application read {role.at('static-creds')} itself.",
            )
        )
    effects = (
        f"{role.server.host} makes a new password for {target.leaked.user} (rotate-role of {role}), and the old one"
        " ends at that moment",
        f"all sessions of {target.leaked.user} are ended",
    )
    return Preflight(effects, tuple(findings))


def make(target: Target, context: Context) -> Login | None:
    """See `Rotator.make`: the server makes it."""
    return None


def reconcile(target: Target, new: Login | None, context: Context) -> Found:
    """See `Rotator.reconcile`. Nothing is ever an orphan: the server tells the password again."""
    kept = credentials(static_role(target, context))
    if kept.secret.same_as(target.leaked.secret) or (new is not None and not kept.secret.same_as(new.secret)):
        return Found.NOTHING
    return Found.ISSUED if proof(target, kept, context).works else Found.NOTHING


def issue(target: Target, new: Login | None, context: Context) -> Login:
    """See `Rotator.issue`. A password that works and is not the leaked one is taken as it is."""
    role = static_role(target, context)
    kept = credentials(role)
    if new is not None:
        return _put_in_force_again(role, kept, new, target, context)
    if kept.secret.same_as(target.leaked.secret) or _answer(kept, target, context) is Answer.REFUSED:
        kept = _rotated(role, target)
    for _ in range(_TRIES):
        tried = proof(target, kept, context)
        if _sum(tried) is Answer.UNKNOWN:
            raise IssuerError(f"whether the password of {role} works cannot be seen", transient=True, unsure=True)
        if _sum(tried) is Answer.WORKS:
            send_out(_where_it_works(target, tried), kept, context)
            if _answer(kept, target, context) is Answer.WORKS:
                return kept
        kept = _rotated(role, target)
    raise IssuerError(
        f"{role} was rotated {_TRIES} times and the database still refuses its password",
        hint="Is the role for this database? Does somebody set the password back?",
    )


def verify(target: Target, login: Login, context: Context) -> Proof:
    """See `Rotator.verify`."""
    return proof(target, login, context)


def usage(target: Target, new: Login, context: Context) -> Usage:
    """See `Rotator.usage`: with one password at a time there is no later."""
    return Usage(None)


def disable(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """See `Rotator.disable`: issuing ended the old password; whoever came in since with it is sent out."""
    if new is None:
        raise IssuerError("a password of a static role ends when the next one is made, not before")
    return send_out(target, new, context)


def destroy(target: Target, new: Login, context: Context) -> tuple[str, ...]:
    """See `Rotator.destroy`."""
    return ("nothing is left of the old password",)


def withdraw(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """See `Rotator.withdraw`: never called where there is no overlap."""
    raise IssuerError("a password of a static role cannot be taken back")


def _where_it_works(target: Target, tried: Proof) -> Target:
    """Return the target with the servers that answered: the others are waited for when the old login is ended."""
    pairs = zip(target.endpoints, tried.answers, strict=True)
    return replace(target, endpoints=tuple(one for one, (_, answer, _) in pairs if answer is Answer.WORKS))


def _put_in_force_again(role: Role, kept: Login, new: Login, target: Target, context: Context) -> Login:
    """Return `new` if it is what the server has and the database takes; send out whoever is in."""
    if not kept.secret.same_as(new.secret):
        raise IssuerError(
            f"{role} has another password than the one that is pending: it was rotated again since",
            hint="Close this rotation by hand; the store's value has to follow the role's.",
        )
    if _answer(new, target, context) is Answer.REFUSED:
        raise IssuerError(
            f"the database refuses the password that {role} has: somebody set another one",
            hint="Shut that one out first, then begin a rotation of the same credential again.",
        )
    send_out(target, new, context)
    return new


def _rotated(role: Role, target: Target) -> Login:
    """Have a new password made and return what the server then has; raises IssuerError if it is still the leaked one.

    Whether a rotation without an answer took place is seen by looking.
    """
    lost: RemoteError | None = None
    try:
        answer = role.server.change("post", role.at("rotate-role"))
    except RemoteError as error:
        if not error.unsure:
            raise
        lost = error
    else:
        if answer.status >= 300:
            raise role.server.denied("rotate that role", role.at("rotate-role"), "update")
    kept = credentials(role)
    if kept.secret.same_as(target.leaked.secret):
        raise lost or IssuerError(f"{role} still has the leaked password after it was rotated")
    return kept


def _of_password(role: Role, url: str, target: Target, context: Context) -> list[Finding]:
    """Return findings about what the server has: that it is for this very database, and which password is leaked."""
    kept = credentials(role)
    if kept.secret.same_as(target.leaked.secret):
        return []
    if _answer(kept, target, context) is not Answer.REFUSED:
        return [Finding(f"{role} has another password already than the leaked one: it was rotated since")]
    known = any(f"@{one.host}:{one.port or 5432}/" in url for one in target.endpoints)
    what = f"the password that {role} has is refused where the leaked one leads"
    hint = "It is made anew." if known else "Whether the role is for that very database cannot be seen."
    return [Finding(what, hint, stops=not known)]


def _answer(login: Login, target: Target, context: Context) -> Answer:
    """Return REFUSED if any server says so, WORKS if one lets it in and none refuses it."""
    return _sum(proof(target, login, context))


def _sum(tried: Proof) -> Answer:
    answers = {answer for _, answer, _ in tried.answers}
    return next((one for one in (Answer.REFUSED, Answer.WORKS) if one in answers), Answer.UNKNOWN)

"""What is stored of a new login: one version with a field for each form that the code needs.

`username`, `password`, `host`, `port` and `dbname` are always among the fields of a database login, so that vals and
External Secrets can read them too. The login is read back from them when a rotation goes on after a crash.
"""

import re

from secretguard.errors import RotationError, UsageError
from secretguard.model import Endpoint
from secretguard.reference import SecretReference
from secretguard.rotation import Fields, Login, Spelling, Target
from secretguard.secret import Secret
from secretguard.spelling import ONE_STRING, built, holds, names_for, respelled

AWS_FIELDS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
BESIDE = (AWS_FIELDS[0], "key_id", "username", "host", "port", "dbname")
"""Fields that hold something else than the secret."""
_PARTS = ("username", "password", "host", "port", "dbname")
_URL_NAMES = {"redis": "REDIS_URL", "mongodb": "MONGODB_URI", "amqp": "AMQP_URL", "smtp": "SMTP_URL"}


def main_field(target: Target, reference: SecretReference) -> str:
    """Return the field that a reader of the plain reference wants; raises UsageError for one that is taken."""
    if reference.field in (BESIDE if target.family not in ONE_STRING else ("key_id",)):
        raise UsageError(
            f"the field {reference.field} is for what stands beside the value",
            hint="Name another one, as #/DATABASE_URL.",
        )
    if reference.field:
        return reference.field
    if target.family == "aws":
        return AWS_FIELDS[1]
    if target.family in ONE_STRING:
        return re.sub(r"[^A-Za-z0-9]+", "_", target.kind).upper()
    return _url_name(target)


def fields_of(target: Target, new: Login, reference: SecretReference) -> dict[str, Secret]:
    """Return everything to store of `new`."""
    main = main_field(target, reference)
    if target.family == "aws":
        return dict(zip(AWS_FIELDS, (Secret(new.user), new.secret), strict=True)) | {main: new.secret}
    spelled = {name: text for name, _, text in _spelled(target, new, main)}
    if target.family in ONE_STRING:
        return spelled | {main: new.secret} | ({"key_id": Secret(new.id)} if new.id else {})
    if main not in spelled and main not in _PARTS:
        spelled[main] = built(target.family, new, _main_endpoint(target))
    return spelled | _parts(target, new)


def field_for(target: Target, spelling: Spelling, reference: SecretReference) -> str:
    """Return the field in which `fields_of` keeps a spelling of the target; raises RotationError if in none."""
    main = main_field(target, reference)
    if spelling.form == "user" and not spelling.encoding and target.family not in ONE_STRING:
        return AWS_FIELDS[0] if target.family == "aws" else "username"
    if spelling.form == "password" and not spelling.encoding:
        if target.family == "aws":
            return AWS_FIELDS[1]
        return main if target.family in ONE_STRING else "password"
    stand_in = Login(target.leaked.user, Secret("what-will-be-made"))
    wanted = respelled(spelling, target.leaked, stand_in)
    for name, own, text in _spelled(target, stand_in, main):
        if wanted is not None and _same(spelling, wanted, own, text):
            return name
    raise RotationError(f"nothing is stored in the form {spelling.form}", hint="Scan and plan again.")


def login_of(target: Target, fields: Fields, reference: SecretReference) -> Login:
    """Return the login that `fields_of` stored; raises RotationError if it is not there."""
    if target.family == "aws":
        user, secret = (fields.get(name) for name in AWS_FIELDS)
    elif target.family in ONE_STRING:
        user, secret = Secret(""), fields.get(main_field(target, reference))
    else:
        user, secret = fields.get("username"), fields.get("password")
    if user is None or secret is None:
        raise RotationError(
            f"what {reference} holds as pending is not what was put there",
            hint="Somebody changed it; `secretguard rotate abort` starts over.",
        )
    name = fields["key_id"].reveal() if "key_id" in fields else user.reveal() if target.family == "aws" else ""
    return Login(user.reveal(), secret, name)


def foreign(target: Target, there: Fields, reference: SecretReference) -> list[str]:
    """Return the fields of a document that a rotation would replace, although they are not of the leaked login."""
    written = fields_of(target, Login(target.leaked.user, Secret("what-will-be-made")), reference)
    old = target.leaked.secret
    return [
        name
        for name, value in written.items()
        if name in there and not there[name].same_as(value) and not holds(there[name].reveal(), old)
    ]


def without_new_value(fields: Fields, new: Login) -> list[str]:
    """Return the stored fields that should hold the new secret, and do not."""
    return [name for name, value in fields.items() if name not in BESIDE and not holds(value.reveal(), new.secret)]


def _parts(target: Target, new: Login) -> dict[str, Secret]:
    at = _main_endpoint(target) or Endpoint("")
    return {
        "username": Secret(new.user),
        "password": new.secret,
        "host": Secret(at.host),
        "port": Secret(str(at.port or "")),
        "dbname": Secret(at.database),
    }


def _spelled(target: Target, new: Login, main: str) -> list[tuple[str, Spelling, Secret]]:
    """Return name, spelling and text of a field for each distinct spelling, the main one first."""
    found: list[tuple[str, Spelling, Secret]] = []
    if main in _PARTS and target.family not in ONE_STRING:
        main = _url_name(target)  # that field holds the part alone
    for spelling in target.spellings:
        if spelling.form in ("password", "user") and not spelling.encoding:
            continue  # it is a field of its own
        text = respelled(spelling, target.leaked, new)
        # What differs only in the scheme's other name is one: drivers take both.
        if text is None or any(_same(spelling, text, own, one) for _, own, one in found):
            continue
        taken = {name for name, _, _ in found}
        found.append((next(name for name in names_for(spelling, main) if name not in taken), spelling, text))
    return found


def _same(spelling: Spelling, text: Secret, other: Spelling, its_text: Secret) -> bool:
    return spelling.form == other.form and _plain_scheme(text) == _plain_scheme(its_text)


def _url_name(target: Target) -> str:
    return _URL_NAMES.get(target.family, "DATABASE_URL")


def _plain_scheme(text: Secret) -> str:
    return re.sub(r"^postgres://", "postgresql://", text.reveal())


def _main_endpoint(target: Target) -> Endpoint | None:
    for spelling in target.spellings:
        if spelling.endpoints and spelling.endpoints[0].host:
            return spelling.endpoints[0]
    return target.endpoints[0] if target.endpoints else None

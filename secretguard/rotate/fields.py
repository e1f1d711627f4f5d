"""What is stored of a new login: one version with a field for each form that the code needs.

`username`, `password`, `host`, `port` and `dbname` are always among the fields of a database login, so that vals and
External Secrets can read them too. The login is read back from them when a rotation goes on after a crash.
"""

import re
from collections.abc import Iterator

from secretguard.errors import RotationError, UsageError
from secretguard.model import Endpoint
from secretguard.reference import SecretReference
from secretguard.rotate.spelling import built, dialect, holds, respelled
from secretguard.rotation import Fields, Login, Spelling, Target
from secretguard.secret import Secret

AWS_FIELDS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
BESIDE = (AWS_FIELDS[0], "key_id", "username", "host", "port", "dbname")
"""Fields that hold something else than the secret."""
_ONE_STRING = ("token", "password", "url", "private-key")
_URL_NAMES = {"redis": "REDIS_URL", "mongodb": "MONGODB_URI", "amqp": "AMQP_URL", "smtp": "SMTP_URL"}
_FORM_NAMES = {"jdbc": "JDBC_URL", "keyword": "DSN"}


def main_field(target: Target, reference: SecretReference) -> str:
    """Return the field that a reader of the plain reference wants; raises UsageError for one that is taken."""
    if reference.field in (BESIDE if target.family not in _ONE_STRING else ("key_id",)):
        raise UsageError(
            f"the field {reference.field} is for what stands beside the value",
            hint="Name another one, as #/DATABASE_URL.",
        )
    if reference.field:
        return reference.field
    if target.family == "aws":
        return AWS_FIELDS[1]
    if target.family in _ONE_STRING:
        return re.sub(r"[^A-Za-z0-9]+", "_", target.kind).upper()
    return _URL_NAMES.get(target.family, "DATABASE_URL")


def fields_of(target: Target, new: Login, reference: SecretReference) -> dict[str, Secret]:
    """Return everything to store of `new`."""
    main = main_field(target, reference)
    if target.family == "aws":
        return dict(zip(AWS_FIELDS, (Secret(new.user), new.secret), strict=True)) | {main: new.secret}
    if target.family in _ONE_STRING:
        return {main: new.secret} | ({"key_id": Secret(new.id)} if new.id else {})
    return _spelled(target, new, main) | _parts(target, new)


def login_of(target: Target, fields: Fields, reference: SecretReference) -> Login:
    """Return the login that `fields_of` stored; raises RotationError if it is not there."""
    if target.family == "aws":
        user, secret = (fields.get(name) for name in AWS_FIELDS)
    elif target.family in _ONE_STRING:
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


def _spelled(target: Target, new: Login, main: str) -> dict[str, Secret]:
    """Return a field for each distinct spelling, the main one first."""
    fields: dict[str, Secret] = {}
    for spelling in target.spellings:
        text = respelled(spelling, target.leaked, new)
        if text is None or any(text.same_as(one) for one in fields.values()):
            continue
        if _plain_scheme(text) in (_plain_scheme(one) for one in fields.values()):
            continue  # the same but for the scheme's other name, and drivers take both
        name = next(name for name in _names(spelling, main) if name not in fields)
        fields[name] = text
    if main not in fields and main not in ("username", "password", "host", "port", "dbname"):
        fields[main] = built(target.family, new, _main_endpoint(target))
    return fields


def _plain_scheme(text: Secret) -> str:
    return re.sub(r"^postgres://", "postgresql://", text.reveal())


def _names(spelling: Spelling, main: str) -> Iterator[str]:
    """Yield names for a spelling, the plainest first; the later ones tell it from others of its kind."""
    stem = main.removesuffix("_URL").removesuffix("_URI")
    driver = dialect(spelling)
    name = f"{stem}_{_FORM_NAMES[spelling.form]}" if spelling.form in _FORM_NAMES else main
    name += f"_{driver}" if driver else ""
    yield name
    at = spelling.endpoints[0] if spelling.endpoints else Endpoint("")
    for more in (at.database, at.host.partition(".")[0], str(at.port or "")):
        if more:
            name += "_" + re.sub(r"[^A-Za-z0-9]+", "_", more).upper()
            yield name
    for number in range(2, 1000):
        yield f"{name}_{number}"


def _main_endpoint(target: Target) -> Endpoint | None:
    for spelling in target.spellings:
        if spelling.endpoints and spelling.endpoints[0].host:
            return spelling.endpoints[0]
    return target.endpoints[0] if target.endpoints else None

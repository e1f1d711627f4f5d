"""The AppRole method of Vault and OpenBao: which of its roles a secret id belongs to, and what it says of both.

SECRETGUARD_VAULT_APPROLE names the role, `ROLE` or `MOUNT/ROLE`; without a mount it is `approle`. Without the name
each role of `approle/` is asked whether the secret id is one of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context
from secretguard.secret import Secret
from secretguard_hashicorp.connection import Hidden, Vault, checked, vault, whole
from secretguard_hashicorp.tokens import MARK, revoke

ROLE = "SECRETGUARD_VAULT_APPROLE"
MOUNT = "approle"
_MOST_ROLES = 2000
_MOST_SECRET_IDS = 20_000


@dataclass(frozen=True, slots=True)
class Role:
    """One role of one mounted AppRole method."""

    server: Vault
    mount: str
    name: str

    def at(self, operation: str = "") -> str:
        """Return the API path of the role, or of one of its operations, as `role-id`."""
        return f"auth/{self.mount}/role/{self.name}" + (f"/{operation}" if operation else "")

    @property
    def login(self) -> str:
        """The API path of logins; also that of each token which came from one."""
        return f"auth/{self.mount}/login"

    def __str__(self) -> str:
        return f"{self.mount}/{self.name} at {self.server.host}"


def role_of(context: Context, *secret_ids: Secret) -> Role | None:
    """Return the role that the operator named, or that owns one of `secret_ids`, or where this rotation had one made.

    None if there is no such role. Raises IssuerError.
    """
    server, said = vault(context), context.environ.get(ROLE, "").strip("/ ")
    if said:
        mount, _, name = checked(said, IssuerError).rpartition("/")
        return Role(server, mount or MOUNT, name)
    roles = _roles(server)
    for role in roles:
        if any(_asked(role, one).data for one in secret_ids):
            return role
    return next((role for role in roles if _had_made(role, context)), None)


def settings_of(role: Role) -> Mapping[str, Any]:
    """Return how a role is configured. Raises IssuerError."""
    answer = role.server.look("get", role.at())
    if answer.status == 404:
        raise IssuerError(f"there is no such role: {role}", hint=f"{ROLE}=MOUNT/ROLE names it.")
    if answer.status != 200:
        raise role.server.denied("look at that role", role.at(), "read")
    return answer.data


def look_up(role: Role, secret_id: Secret) -> Mapping[str, Any] | None:
    """Return what is known of a secret id, None if the role has no such one. Raises IssuerError."""
    answer = _asked(role, secret_id)
    if answer.status >= 300:
        raise role.server.denied("look up a secret id of that role", role.at("secret-id/lookup"), "update")
    return answer.data or None


def secret_ids(role: Role) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the accessor of each secret id of a role, and what is known of it. Raises IssuerError."""
    listed = role.server.look("get", role.at("secret-id?list=true"))
    if listed.status == 403:
        raise role.server.denied("list the secret ids of that role", role.at("secret-id"), "list")
    accessors = listed.data.get("keys") or ()
    if len(accessors) > _MOST_SECRET_IDS:
        raise IssuerError(f"{role} has more than {_MOST_SECRET_IDS} secret ids, too many to look at each")
    path = role.at("secret-id-accessor/lookup")
    for accessor in accessors:
        found = role.server.look("post", path, Hidden({"secret_id_accessor": accessor}))
        if found.status == 403:
            raise role.server.denied("look at a secret id by its accessor", path, "update")
        if found.status == 200:  # else it has ended since
            yield str(accessor), found.data


def made_by(role: Role, context: Context) -> Iterator[str]:
    """Yield the accessors of the secret ids that this rotation had made. Raises IssuerError."""
    for accessor, about in secret_ids(role):
        if metadata(about).get(MARK) == context.name:
            yield accessor


def metadata(about: Mapping[str, Any]) -> dict[str, str]:
    """Return the metadata of a secret id, which its tokens carry too."""
    return {str(name): str(one) for name, one in (about.get("metadata") or {}).items()}


def tried(role: Role, secret_id: Secret) -> tuple[Answer, str]:
    """Return what the role says of a secret id, by looking it up and by a login, and its words. Raises IssuerError.

    One that is good for a number of logins is only looked up, for each login counts; so is one whose login would be a
    token that nobody can revoke. Five refused logins in a row lock the role for a while, for everyone.
    """
    about = look_up(role, secret_id)
    if about is not None and whole(about.get("secret_id_num_uses")):
        return Answer.WORKS, f"it is there, for {whole(about['secret_id_num_uses'])} more logins; none was used up here"
    if about is not None and str(settings_of(role).get("token_type")).endswith("batch"):
        return Answer.WORKS, "it is there; no login was tried, for nobody could revoke the token"
    words = _login(role, secret_id)
    if not words:
        return Answer.WORKS, ""
    if about is None:
        return Answer.REFUSED, f"it does not know it, and its login is refused: {words}"
    if "CIDR" in words:
        return Answer.WORKS, "it is there, and good from other addresses than this one"
    return Answer.UNKNOWN, f"it is there, but {words}; five refused logins lock a role for a while"


def _had_made(role: Role, context: Context) -> bool:
    """Whether this rotation had a secret id made there; a role that we may not look at is none of ours."""
    try:
        return any(True for _ in made_by(role, context))
    except IssuerError as error:
        if error.transient:
            raise
        return False


def _login(role: Role, secret_id: Secret) -> str:
    """Log in and revoke the token at once; return the words of a refusal, "" if there is none. Raises IssuerError."""
    told = role.server.look("get", role.at("role-id"))
    if told.status != 200:
        raise role.server.denied("read the role id", role.at("role-id"), "read")
    body = Hidden({"role_id": str(told.data.get("role_id")), "secret_id": secret_id.reveal()})
    answer = role.server.change("post", role.login, body)
    auth = answer.body.get("auth")
    if answer.status == 200 and isinstance(auth, Mapping):
        if auth.get("accessor"):  # a batch token has none
            revoke(role.server, str(auth["accessor"]))
        return ""
    if answer.says("CIDR"):
        return "the login is refused by a CIDR restriction"
    return "permission denied" if answer.status == 403 else "invalid role or secret id"


def _roles(server: Vault) -> list[Role]:
    path = f"auth/{MOUNT}/role"
    listed = server.look("get", f"{path}?list=true")
    if listed.status == 403:
        error = server.denied("look for the role of a secret id", path, "list")
        raise IssuerError(str(error), hint=f"{error.hint} Or name the role: {ROLE}={MOUNT}/app")
    names = (listed.data.get("keys") or ())[:_MOST_ROLES]
    return [Role(server, MOUNT, checked(str(name), IssuerError)) for name in names]


def _asked(role: Role, secret_id: Secret) -> Any:
    return role.server.look("post", role.at("secret-id/lookup"), Hidden({"secret_id": secret_id.reveal()}))

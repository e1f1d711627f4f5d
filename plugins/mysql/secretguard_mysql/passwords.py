"""New passwords, and what a server keeps of one: made here, so that the plain text is in no statement and no log."""

import base64
import hashlib
import secrets
import string

from secretguard.errors import IssuerError
from secretguard.secret import Secret

LENGTH = 32
_ALPHABET = string.ascii_letters + string.digits
"""Nothing that a URI, a shell or a SQL literal would treat specially."""
NATIVE, ED25519 = "mysql_native_password", "ed25519"
PLUGINS = (NATIVE, ED25519)
"""The ways to log in whose stored form can be made without the server."""


def new_password() -> Secret:
    """Return 32 random letters and digits, 190 bits."""
    return Secret("".join(secrets.choice(_ALPHABET) for _ in range(LENGTH)))


def stored_form(plugin: str, secret: Secret) -> str:
    """Return what `plugin` keeps of a password; raises IssuerError where that cannot be made here.

    Native: https://mariadb.com/kb/en/authentication-plugin-mysql_native_password/, `*` and SHA-1 of SHA-1.
    Ed25519: https://mariadb.com/kb/en/authentication-plugin-ed25519/, the public key of the password as a seed of any
    length.
    """
    value = secret.reveal().encode("utf-8", "surrogateescape")
    if plugin == NATIVE:
        once = hashlib.sha1(value, usedforsecurity=False).digest()
        return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()
    if plugin == ED25519:
        try:
            from nacl.bindings import crypto_scalarmult_ed25519_base
        except ImportError:
            raise IssuerError("PyNaCl is not installed", hint="pip install 'secretguard[databases]'") from None
        point = crypto_scalarmult_ed25519_base(hashlib.sha512(value).digest()[:32])
        return base64.b64encode(point).decode().rstrip("=")
    raise IssuerError(f"what {plugin} keeps of a password cannot be made here")


def barred(name: str) -> str:
    """Return a native form that no password has, and that tells the rotation `name` its own again.

    To log in one shows 20 bytes whose SHA-1 it is; those that it is made of are more.
    """
    return "*" + hashlib.sha1(f"secretguard bars {name}".encode(), usedforsecurity=False).hexdigest().upper()

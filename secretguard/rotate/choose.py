"""Which rotator is for a credential, and in which store its new value goes."""

import re
from collections.abc import Mapping
from typing import cast

from secretguard.errors import SecretguardError, UsageError
from secretguard.interfaces import Rotator
from secretguard.plugins import ROTATORS, load, plugin_names
from secretguard.reference import SecretReference
from secretguard.rotation import Target


def rotator_for(target: Target, asked: str = "") -> tuple[str, Rotator]:
    """Return the rotator of a target and its name; raises UsageError if there is none, PluginError if it is broken."""
    names = plugin_names(ROTATORS)
    if asked and asked not in names:
        raise UsageError("there is no rotator of that name", hint=f"There are {', '.join(names)}.")
    if asked:
        return asked, cast(Rotator, load(ROTATORS, asked))
    broken = []
    for name in names:
        try:
            rotator = cast(Rotator, load(ROTATORS, name))
        except SecretguardError as error:
            broken.append(error)
            continue
        if target.family in rotator.families and (not rotator.kinds or target.kind in rotator.kinds):
            return name, rotator
    if broken:
        raise broken[0]
    raise UsageError(
        f"nothing here knows how to rotate a credential of kind {target.kind}",
        hint="Replace it at its issuer by hand; `secretguard show` lists where it stands.",
    )


def default_reference(target: Target, environ: Mapping[str, str]) -> SecretReference:
    """Return where a new value goes if nobody says: the store this machine is set up for, else the embedded one."""
    host = target.endpoints[0].host if target.leaked.user and target.endpoints else ""
    words = f"{target.leaked.user or target.kind}-{host}"
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", words).strip("-.") or target.kind
    if environ.get("VAULT_ADDR"):
        return SecretReference("vault", f"secret/{name}")
    if environ.get("BAO_ADDR"):
        return SecretReference("openbao", f"secret/{name}")
    if any(environ.get(one) for one in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE")):
        return SecretReference("awssecrets", name)
    return SecretReference("local", name)

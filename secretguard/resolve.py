"""`ref+…` -> the value it stands for. Where a store is and who we are there, the operator's environment says."""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from secretguard.errors import BadReference, StoreError
from secretguard.reference import SecretReference, is_reference
from secretguard.rotation import Context, Fields
from secretguard.secret import Secret

if TYPE_CHECKING:
    from secretguard.interfaces import StorePlugin

_BUILT_IN = {"local": "secretguard.stores.local"}
"""Ours, without a look at the installed plugins: a process that starts under `secretguard run` waits for us."""


def store(backend: str) -> "StorePlugin":
    """Return the store that a reference's backend names; raises PluginError, and BadReference if nothing is kept there.

    `env` is no store: nothing can be put into it.
    """
    if backend == "env":
        raise BadReference("ref+env is an environment variable and no store", hint="Name a ref+local, ref+vault …")
    if module := _BUILT_IN.get(backend):
        return cast("StorePlugin", importlib.import_module(module))
    from secretguard import plugins  # reads every installed distribution

    return cast("StorePlugin", plugins.load(plugins.STORES, backend))


def resolve(reference: SecretReference, context: Context) -> Secret:
    """Return the published value; raises StoreError if there is none, PluginError without such a store."""
    return pick(reference, document(reference, context))


def document(reference: SecretReference, context: Context) -> Fields:
    """Return the whole published document that a reference points into; raises as `resolve`."""
    if reference.backend == "env":
        return {"": _variable(reference.path, context.environ)}
    fields = store(reference.backend).read(reference, context)
    if fields is None:
        raise StoreError(
            f"{reference.with_field('')} holds nothing", hint="Put a value there: secretguard store put REF"
        )
    return fields


def pick(reference: SecretReference, fields: Fields) -> Secret:
    """Return the one value of a document that a reference means; raises StoreError that names those that there are."""
    if reference.field in fields:
        return fields[reference.field]
    where = reference.with_field("")
    if "" in fields:
        raise StoreError(f"{where} is one whole value without fields", hint="Leave the `#/…` out.")
    hint = f"It has {', '.join(sorted(fields))}." if fields else ""
    if not reference.field:
        raise StoreError(f"{where} has fields, and the reference names none", hint=hint)
    raise StoreError(f"{where} has no field {reference.field}", hint=hint)


def _variable(name: str, environ: Mapping[str, str]) -> Secret:
    if name not in environ:
        raise StoreError(f"the environment variable {name} is not set", hint="Set it, or correct the reference.")
    if is_reference(environ[name]):
        raise BadReference(f"the environment variable {name} holds a reference itself", hint="Write that one.")
    return Secret(environ[name])

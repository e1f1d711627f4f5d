"""`ref+vault://secret/app#/DATABASE_URL`: where a value lives, said in the grammar of vals.

A reference never says at which address, with which token or in which role: those come from the operator's
environment, so that a file in a repository cannot send a value anywhere. Kinds that run a command, read a file or
fetch a URL are refused. Grammar: https://github.com/helmfile/vals, "Expression Syntax".
"""

import re
from typing import NamedTuple

from secretguard.errors import BadReference

BACKENDS = ("local", "vault", "openbao", "awssecrets", "env")
PREFIX = "ref+"
_WHOLE = re.compile(
    r"ref\+(?P<backend>[a-z0-9]+)://(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#(?P<fragment>.*))?", re.DOTALL
)
_SEGMENT = re.compile(r"[A-Za-z0-9_.@+=-]{1,512}")
_KNOWN = f"Known: {', '.join(BACKENDS)}."
_FIELD = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_OF_VALS = ("vault", "openbao", "awssecrets")
_REFUSED = {
    "exec": "runs a command",
    "file": "reads a file",
    "http": "fetches a URL",
    "httpjson": "fetches a URL",
    "https": "fetches a URL",
}


class SecretReference(NamedTuple):
    """Where the value should live."""

    backend: str
    path: str
    """Segments joined with `/`, each checked; of Vault the first is the mount."""
    field: str = ""
    """The field of the stored document; empty: the whole value."""

    def __str__(self) -> str:
        return f"{PREFIX}{self.backend}://{self.path}" + (f"#/{self.field}" if self.field else "")

    @property
    def of_aws(self) -> str:
        """The same as AWS resolves it in its own templates; empty if the value is not in Secrets Manager.

        Syntax: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
        """
        if self.backend != "awssecrets":
            return ""
        field = f":SecretString:{self.field}" if self.field else ""
        return f"{{{{resolve:secretsmanager:{self.path}{field}}}}}"

    def with_field(self, field: str) -> "SecretReference":
        """Return the reference to another field of the same document."""
        return self._replace(field=field)


def is_reference(text: str) -> bool:
    """Whether `text` wants to be a reference."""
    return text.startswith(PREFIX)


def parse_reference(text: str) -> SecretReference:
    """Return what `text` says; raises BadReference, whose message never repeats it: it may be a pasted secret."""
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise BadReference("that is not a reference", hint="One looks like ref+vault://secret/app#/DATABASE_URL.")
    backend, path, fragment = found["backend"], found["path"], found["fragment"] or ""
    if backend in _REFUSED:
        raise BadReference(f"ref+{backend} {_REFUSED[backend]}, and is refused", hint=f"Known: {', '.join(BACKENDS)}.")
    if backend not in BACKENDS:
        raise BadReference("that kind of reference is not known", hint=_KNOWN)
    if found["query"]:
        raise BadReference(
            f"a ref+{backend} here takes no `?…`",
            hint="Address, region, role and token come from your environment, never from a reference.",
        )
    segments = path.split("/")
    if not all(_SEGMENT.fullmatch(one) and one.strip(".") for one in segments):
        raise BadReference(
            f"the path of the ref+{backend} is not one",
            hint="Segments of letters, digits, `_.@+=-`, joined by single slashes.",
        )
    if backend in ("vault", "openbao") and len(segments) < 2:
        raise BadReference(f"a ref+{backend} names a mount and a path", hint="As in ref+vault://secret/app#/FIELD.")
    field = fragment.removeprefix("/")
    if fragment and not _FIELD.fullmatch(field):
        raise BadReference(f"the field of the ref+{backend} is not one", hint="As in `#/DATABASE_URL`.")
    return SecretReference(backend, path, field)


def misread_by_vals(reference: SecretReference) -> str:
    """Return in which way vals takes the reference for another one, for stores that it knows; empty if it does not.

    By its source at commit 5e1eb8a: https://github.com/helmfile/vals/tree/5e1eb8a.
    """
    if reference.backend not in _OF_VALS:
        return ""
    if "+" in reference.path:
        return "vals does not read this reference: it would end at the `+`"
    if "@" in reference.path.partition("/")[0]:
        return "vals does not read this reference: it would lose what stands before the `@`"
    return ""

"""Leaked logins for tests of rewriting, made when they run, and the words around one rewritten file."""

from random import Random
from types import ModuleType

from secretguard.interfaces import Rewriter
from secretguard.reference import SecretReference
from secretguard.rewrite.plan import Naming, Rewrite, gather, plan_rewrite
from secretguard.rewrite.survey import TrackedFile
from secretguard.rewriting import Surroundings
from secretguard.rotation import Login
from secretguard.secret import Secret

VALUE = "".join(Random(5).choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=24))
LEAKED = Login("app", Secret(VALUE))


def planned(
    files: dict[str, bytes],
    *rewriters: ModuleType | Rewriter,
    links: frozenset[str] = frozenset(),
    leaked: Login = LEAKED,
) -> Rewrite:
    """What the rewriting of these files does, without rules: only the bare value is found."""

    def read(path: str) -> str | None:
        data = None if path in links else files.get(path)
        return None if data is None or b"\0" in data else data.decode("utf-8", "replace")

    tracked = [TrackedFile(path, data) for path, data in files.items() if path not in links]
    gathered = gather(tracked, rewriters, Surroundings(frozenset(files), read), leaked)  # type: ignore[arg-type]
    refer = SecretReference("vault", "secret/app").with_field
    return plan_rewrite(gathered, Naming(lambda _, name: refer(name), "DATABASE_URL"))

"""What a plugin must offer. A plugin is a module with the functions of a Protocol: no base class, no register()."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

from secretguard.model import Report

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from secretguard.reference import SecretReference
    from secretguard.rewriting import Document, Edit, ManualItem, Site, Spot, Surroundings, Variable
    from secretguard.rotation import (
        Context,
        Fields,
        Found,
        Login,
        Overlap,
        Preflight,
        Proof,
        StoredVersion,
        Target,
        Usage,
    )
    from secretguard.secret import Secret


class RulesPlugin(Protocol):
    """Entry-point group `secretguard.rules`."""

    def rules(self) -> "Sequence[Traversable]":
        """Return the plugin's rule files (YAML, see `docs/rules.md`)."""
        ...


class Reporter(Protocol):
    """Entry-point group `secretguard.reporters`; the entry-point name is the `--format`."""

    def write(self, report: Report, out: TextIO, *, show_secrets: bool) -> None:
        """Write `report` to `out`; values only with `show_secrets`."""
        ...


class Rotator(Protocol):
    """Entry-point group `secretguard.rotators`: how one kind of credential is replaced at its issuer.

    Every method may be called twice, and is, after a crash. Methods raise IssuerError and nothing else, never print,
    and put no value into what they return as words. The engine writes down what it is about to do before it calls.
    `made_like_the_old = True` says, where it stands, that the old value has to live until there is a new one.
    `withdraw_late(target, new, context)`, where it stands, takes back whatever else than `new` stands under
    `context.name`, and returns evidence: a value whose making took longer than anybody waited.
    `unproven(target, context)`, where it stands, returns in words what `verify` cannot see of the old value.
    """

    families: tuple[str, ...]
    """Families of credentials that it rotates (`secretguard.model.FAMILIES`)."""
    kinds: tuple[str, ...]
    """Of these families, only these kinds (`Rule.kind`); empty: all."""

    def overlap(self, target: "Target", context: "Context") -> "Overlap":
        """Return how many values live side by side for this target in this mode; asks nobody."""
        ...

    def preflight(self, target: "Target", context: "Context") -> "Preflight":
        """Look whether everything that will be needed is there, and say what will be done. No effects."""
        ...

    def make(self, target: "Target", context: "Context") -> "Login | None":
        """Return a new login, made up here, which is not yet in force; None where the issuer makes it. No effects."""
        ...

    def reconcile(self, target: "Target", new: "Login | None", context: "Context") -> "Found":
        """Look whether what this rotation asked for is there. `new` is None if its value was never stored."""
        ...

    def issue(self, target: "Target", new: "Login | None", context: "Context") -> "Login":
        """Put `new` in force, or have one made, under the name `context.name`; return it.

        Where there is no overlap this ends the old value, and whoever came in with it is sent out.
        """
        ...

    def verify(self, target: "Target", login: "Login", context: "Context") -> "Proof":
        """Try `login` at every endpoint that the application uses. Read-only; network trouble is UNKNOWN."""
        ...

    def usage(self, target: "Target", new: "Login", context: "Context") -> "Usage":
        """Say who still uses the old credential."""
        ...

    def disable(self, target: "Target", new: "Login | None", context: "Context") -> tuple[str, ...]:
        """End the old value, reversibly where the issuer can, and whoever came in with it; return evidence.

        `new` is None where the old value dies before there is another (`--kill-first`).
        """
        ...

    def destroy(self, target: "Target", new: "Login", context: "Context") -> tuple[str, ...]:
        """Remove what is left of the old credential after it was seen to be dead; return evidence."""
        ...

    def withdraw(self, target: "Target", new: "Login | None", context: "Context") -> tuple[str, ...]:
        """Take back what `issue` did under `context.name`, an orphan included; the old value still works after it.

        Never called where there is no overlap.
        """
        ...


class StorePlugin(Protocol):
    """Entry-point group `secretguard.stores`; the entry-point name is the backend of a reference.

    A document at a reference's path has versions, each a mapping of fields. Methods raise StoreError (Conflict if
    somebody else wrote in between) and nothing else. The field of a reference is ignored where fields are given.
    """

    def preflight(self, reference: "SecretReference", context: "Context") -> "Preflight":
        """Look whether `reference` can be written, by us, now; say who will be able to read it. No effects."""
        ...

    def read(self, reference: "SecretReference", context: "Context") -> "Fields | None":
        """Return the published version, None if there is none."""
        ...

    def stage(self, reference: "SecretReference", fields: "Fields", context: "Context") -> None:
        """Keep `fields` durably as the pending version of `context.rotation`; readers still get what was published.

        Called again for the same rotation it replaces nothing: what was staged first stays.
        """
        ...

    def staged(self, reference: "SecretReference", context: "Context") -> "Fields | None":
        """Return what this rotation staged, published since or not; None if it staged nothing."""
        ...

    def publish(self, reference: "SecretReference", context: "Context") -> None:
        """Make the staged fields current in one step; fields that the rotation did not stage stay as they are."""
        ...

    def published(self, reference: "SecretReference", context: "Context") -> bool:
        """Whether this rotation's fields are what a reader gets."""
        ...

    def discard(self, reference: "SecretReference", context: "Context") -> None:
        """Forget what this rotation staged and did not publish."""
        ...

    def destroy_leaked(self, reference: "SecretReference", leaked: "Secret", context: "Context") -> tuple[str, ...]:
        """Destroy every version but the current one that holds `leaked`; return evidence, also of what cannot be."""
        ...

    def put(self, reference: "SecretReference", fields: "Fields", context: "Context") -> None:
        """Publish `fields` at once, beside the other fields of the document."""
        ...

    def versions(self, reference: "SecretReference", context: "Context") -> "Sequence[StoredVersion]":
        """List the versions, newest first."""
        ...

    def destroy(self, reference: "SecretReference", version: str, context: "Context") -> None:
        """Destroy one version for good."""
        ...

    def listing(self, prefix: str, context: "Context") -> "Sequence[str]":
        """List the paths of documents that begin with `prefix`."""
        ...


class Rewriter(Protocol):
    """Entry-point group `secretguard.rewriters`: how one kind of file says "the value of an environment variable".

    Methods are functions of their arguments alone. What is not certainly safe becomes a ManualItem, never a guess.
    """

    def claims(self, document: "Document") -> int:
        """Return how surely it is for this file: 0 not at all, 1 by its suffix, 2 or more by what it is."""
        ...

    def survey(
        self, document: "Document", spots: "Sequence[Spot]", around: "Surroundings"
    ) -> "Sequence[Site | ManualItem]":
        """Return what can be done at each spot; several in one literal may share a site."""
        ...

    def additions(self, document: "Document", chosen: "Sequence[tuple[Site, Variable]]") -> "Sequence[Edit]":
        """Return what else the file needs once these sites (no placeholders) are edited: an import, a declaration."""
        ...

    def fault(self, before: "Document", after: "Document") -> str:
        """Return why `after` is no sound edit of `before` (a new syntax error, another value changed), else empty."""
        ...

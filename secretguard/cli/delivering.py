"""Handing a rewriting over, repository by repository: a patch, a branch or a pull request, and what was done."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from secretguard.cli.rewriting import Planned
from secretguard.errors import RotationError, SecretguardError, UsageError
from secretguard.reference import SecretReference
from secretguard.resolve import document, pick
from secretguard.rewrite.deliver import deliver, rehearse
from secretguard.rewrite.delivery import Delivered, Delivery, How
from secretguard.rewrite.patch import check_place, patch_name
from secretguard.rewriting import USER
from secretguard.rotate.fields import login_of
from secretguard.rotate.state_directory import state_directory
from secretguard.rotation import Context, Fields, Login, Target
from secretguard.secret import Secret
from secretguard.spelling import password_of, respelled


@dataclass(frozen=True, slots=True)
class Terms:
    """Of what credential, and how it stands."""

    credential: str
    title: str
    leaked: Login
    how: How
    new: Secret | None = None
    old_is_dead: bool = False
    status: tuple[str, ...] = ()
    """How the rotation stands, a sentence a line."""
    insists: bool = False
    """Whether a pull request is opened although the old value may live."""
    patch_file: Path | None = None


def hand_over(planned: Iterable[Planned], terms: Terms, context: Context) -> Iterator[tuple[Planned, Delivered]]:
    """Deliver each repository that changes, one after the other, and yield what was done."""
    for one in planned:
        if one.rewrite.changes:
            delivery = _delivery(one, terms)
            file = terms.patch_file or _patch_file(delivery, context)
            yield one, deliver(delivery, terms.how, context, patch_file=file, insists=terms.insists)


def obstacles(planned: Iterable[Planned], terms: Terms, context: Context) -> Iterator[tuple[str, str]]:
    """Yield why a repository could not be delivered now, and what to do about it: before anything is changed."""
    for one in planned:
        try:
            if one.rewrite.changes:
                rehearse(_delivery(one, terms), terms.how, context)
        except SecretguardError as error:
            yield f"{one.looked.path}: {error}", error.hint


def _delivery(one: Planned, terms: Terms) -> Delivery:
    return Delivery(
        repository=one.looked.repository,
        base=one.looked.base,
        changes=one.rewrite.changes,
        credential=terms.credential,
        title=terms.title,
        old=terms.leaked.secret,
        new=terms.new,
        old_is_dead=terms.old_is_dead,
        variables=[assigned.variable for assigned in one.rewrite.variables],
        manual=one.rewrite.manual,
        status=terms.status,
    )


def _patch_file(delivery: Delivery, context: Context) -> Path:
    """Return where a patch goes that holds the old value: below the state directory, which nobody else can read."""
    folder = state_directory(context.environ) / "patches"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / patch_name(delivery)


def unresolved(planned: Iterable[Planned], leaked: Login, new: Login | None, context: Context) -> list[str]:
    """Return the variables whose reference does not give what the code needs, with the reason; no value is in it.

    Without `new` it is only asked whether there is a value, and that it is not the leaked one.
    """
    read: dict[SecretReference, Fields] = {}
    found = []
    for one in planned:
        for assigned in one.rewrite.variables:
            reference = assigned.variable.reference
            whole = reference.with_field("")
            try:
                if whole not in read:
                    read[whole] = document(reference, context)
                value = pick(reference, read[whole])
            except SecretguardError as error:
                found.append(f"{assigned.variable.name}: {error}")
                continue
            spelling, old = assigned.spelling, assigned.spelling.text
            wanted = respelled(spelling, leaked, new) if new else None
            is_wrong = not value.same_as(wanted) if wanted is not None else value.same_as(old) and spelling.form != USER
            if is_wrong:
                found.append(f"{assigned.variable.name}: {reference} gives another value than the new one")
    return list(dict.fromkeys(found))


def value_in_place(target: Target, reference: SecretReference, context: Context) -> Secret | None:
    """Return the value that is in the place of the leaked one, so that it can be looked for in what leaves; or None."""
    with suppress(SecretguardError):
        fields = document(reference, context)
        try:
            new = login_of(target, fields, reference).secret
        except RotationError:  # an operator put it there: it is what the reference gives
            new = password_of(pick(reference, fields))
        return None if new.same_as(target.leaked.secret) else new
    return None


def check_one_file(file: Path | None, planned: Sequence[Planned], how: How) -> None:
    """Raise UsageError where one file is to take several patches, or there is none to take.

    OutputError if something else is in its place.
    """
    if file is None:
        return
    if how is not How.PATCH:
        raise UsageError("-o is for --deliver patch", hint="Leave it out.")
    if str(file) == "-":
        raise UsageError(
            "a patch is not printed: its removed lines hold the old value",
            hint="Name a file, which only you can read; `git am` takes that.",
        )
    check_place(file)
    if len([one for one in planned if one.rewrite.changes]) > 1:
        raise UsageError("-o takes one patch, and several repositories change", hint="Leave -o out.")

"""One rotation from the command line: find, plan, confirm, drive, tell. The engine is in `secretguard.rotate`."""

import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from secretguard.cli import console, run_cache
from secretguard.cli.invocation import configure
from secretguard.cli.rotation_closed import stays_closed
from secretguard.cli.rotation_delivery import Code, asked_way, check_way, delivering, lacking, look_at_code, with_code
from secretguard.cli.rotation_given import check_as_begun, check_servers
from secretguard.cli.rotation_options import Options
from secretguard.cli.rotation_source import (
    from_operator,
    in_reports,
    resolved,
    search,
    target_again,
    there_still,
    together,
)
from secretguard.errors import ExitCode, RotationError, SecretguardError, UsageError
from secretguard.interfaces import Rotator
from secretguard.model import Credential, Report
from secretguard.reference import SecretReference, parse_reference
from secretguard.resolve import store
from secretguard.rotate.acts import Lacks, Means, now
from secretguard.rotate.audit import Trail
from secretguard.rotate.choose import default_reference, rotator_for
from secretguard.rotate.drive import Books, Told, drive, leased
from secretguard.rotate.holder import this_process
from secretguard.rotate.journal import open_journal
from secretguard.rotate.left_out import leave_out, named, written_down
from secretguard.rotate.plan import Plan, make_plan
from secretguard.rotate.records import Lease, Rotation, State
from secretguard.rotate.servers import divided
from secretguard.rotate.state_directory import state_directory
from secretguard.rotate.steps import Step, check_mode
from secretguard.rotate.target import confirmed, target_of
from secretguard.rotation import Context, Mode, Overlap, Target

ALIVE = (State.OPEN, State.WAITING)
_BEFORE_PUBLISHED = (Step.PREFLIGHT, Step.STAGE, Step.ISSUE, Step.PROVE_NEW)
"""After each later step the cache of `run` is emptied: who published may have been killed before it could do so."""


@contextmanager
def books(options: Options) -> Iterator[Books]:
    """Open journal and audit, and close them."""
    config = configure(options.chosen, None)
    journal = open_journal(config.journal, options.environ)
    trail = Trail(state_directory(options.environ), journal, this_process().who)
    teller = options.teller

    def told(one: Told) -> None:
        if one.step not in _BEFORE_PUBLISHED:
            run_cache.empty(Context(options.environ))
        teller.step(one)

    try:
        yield Books(journal, trail, told, teller.starting)
    finally:
        journal.close()


def rotate_each(names: Sequence[str], options: Options) -> ExitCode:
    """Rotate several credentials, each by itself: one that fails does not stop the others."""
    with books(options) as written:
        reports: list[Report] = []
        if len(names) == 1:
            return rotate_one(names[0], options, written, reports)
        options = replace(options, several=True)
        codes = [_settled(name, options, written, reports) for name in names]
    for code in (ExitCode.BUG, ExitCode.INCOMPLETE, ExitCode.USAGE, ExitCode.WAITING):
        if code in codes:
            return ExitCode.INCOMPLETE if code is ExitCode.USAGE else code
    return ExitCode.CLEAN


def _settled(name: str, options: Options, written: Books, reports: list[Report]) -> ExitCode:
    try:
        return rotate_one(name, options, written, reports)
    except SecretguardError as error:
        console.print_error(f"{name}: {error}", error.hint)
        return error.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:  # a bug in one is no reason to leave the others alive
        from secretguard.cli import end

        console.print_line(f"{name} was stopped by what follows; the others go on.")
        return end(error, sys.argv[1:])


def rotate_one(name: str, options: Options, written: Books, reports: list[Report]) -> ExitCode:
    """Rotate one credential, or go on with what was begun; `reports` keeps the scans for the next one."""
    if options.plan_only:
        return _show_plan(name, options, written, reports)
    with leased(written.journal, name) as lease:
        known = written.journal.rotations(name)
        unfinished = next((one for one in known if one.state in ALIVE), None)
        if unfinished is not None:
            check_as_begun(unfinished, options.given)
            console.print_line(f"Going on with {unfinished.id}, which {unfinished.actor} began at {unfinished.began}.")
            return go_on(unfinished, options, written, lease)
        closed = [one for one in known if one.state is State.CLOSED]
        if closed and stays_closed(closed, options, reports):
            return ExitCode.CLEAN
        return _begin(name, options, written, lease, reports)


def is_under_way(name: str, options: Options) -> bool:
    """Whether a rotation of a credential was begun and has not ended."""
    with books(options) as written:
        return any(one.state in ALIVE for one in written.journal.rotations(name))


def _show_plan(name: str, options: Options, written: Books, reports: list[Report]) -> ExitCode:
    """Say what would happen; no lease, for nobody is to be kept out."""
    known = written.journal.rotations(name)
    begun = next((one for one in known if one.state in ALIVE), None)
    closed = [one for one in known if one.state is State.CLOSED]
    if begun is not None:
        check_as_begun(begun, options.given)
        options.teller.ended(begun, None)
        console.print_line(f"It goes on with `secretguard rotate resume {begun.id}`.")
    elif not (closed and stays_closed(closed, options, reports)):
        _planned(name, _new(options), options, reports, _earlier(name, written))
    return ExitCode.CLEAN


def _earlier(name: str, written: Books) -> tuple[str, ...]:
    """Return the rotations of a credential that are closed: what they stored may be replaced."""
    return tuple(one.id for one in written.journal.rotations(name) if one.state is State.CLOSED)


def _searched(options: Options, reports: list[Report]) -> list[Report]:
    if not reports:
        reports.extend(search(options.chosen, options.repositories, directories=not options.old_from))
    return reports


def _begin(name: str, options: Options, written: Books, lease: Lease, reports: list[Report]) -> ExitCode:
    context = _new(options)
    options = replace(options, deliver=asked_way(options.deliver, asks=options.asks))
    earlier = _earlier(name, written)
    found, target, rotator, plan, code = _planned(name, context, options, reports, earlier)
    check_servers(plan, options.servers, unasked=options.yes)
    _confirm(target, options)
    rotation = _record(found, plan, context, options)
    written.journal.begin(rotation, lease)
    written.audit(rotation, "begun", evidence=tuple(_as_begun(rotation, earlier)))
    if plan.left_out:
        rotation = written_down(rotation, plan.left_out, options.reason, target, written, lease)
    lacks = lacking(code, target, rotation, context)
    return _drive(rotation, _means(rotation, target, rotator, context, lacks), options, written, lease)


def _planned(
    name: str, context: Context, options: Options, reports: list[Report], earlier: Sequence[str]
) -> tuple[Credential, Target, Rotator, Plan, Code | None]:
    """Find the credential, and say what will happen; raises RotationError if something is in the way."""
    found = in_reports(name, _searched(options, reports))
    admin, given = resolved(options.admin, context), resolved(options.old_from, context)
    if found is None or (given is not None and not options.several):
        said = from_operator(name, given, options.chosen)
        found = together([found, said]) if found else said
    target = target_of(found, admin)
    chosen = rotator_for(target, options.rotator)
    check_mode(options.mode, chosen[1].overlap(target, context), kill_first=options.kill_first)
    if options.kill_first and getattr(chosen[1], "made_like_the_old", False):
        raise UsageError(
            "--kill-first is not possible: the new value is made after the model of the old one, which has to live",
            hint="Leave --kill-first out.",
        )
    reference = parse_reference(options.to) if options.to else default_reference(target, options.environ)
    if options.leave_out and not options.several:
        named(options.leave_out, target.endpoints)
    deliver = options.deliver if options.deliver != "none" else ""
    variable, asks = options.variable, options.asks and not options.plan_only and not options.as_json
    check_way(deliver, options.mode, insists=options.insist, wait_merge=options.wait_merge, variable=variable)
    code, target = look_at_code(options.repositories, deliver, target, options.chosen, variable=variable, asks=asks)
    plan = make_plan(
        target,
        chosen,
        store(reference.backend),
        reference,
        context,
        kill_first=options.kill_first,
        delivers=bool(deliver),
        leave_out=options.leave_out,
        earlier=earlier,
    )
    plan = with_code(plan, code, target, context)
    target = confirmed(target, plan.endpoints, plan.alive)
    options.teller.plan(plan, target, found.rule.title, options.mode)
    for first in plan.flaws if options.plan_only else plan.obstacles:
        raise RotationError(f"nothing was done: {first.what}", hint=first.hint)
    return found, target, chosen[1], plan, code


def _new(options: Options) -> Context:
    """Return what another rotation is done with."""
    name = "rot_" + secrets.token_hex(8)
    return Context(options.environ, rotation=name, mode=options.mode, kill_first=options.kill_first)


def go_on(rotation: Rotation, options: Options, written: Books, lease: Lease) -> ExitCode:
    """Take up a rotation where it stands; raises UsageError if a server is to be left out that answers."""
    means = means_again(rotation, options)
    wanted = [one for one in options.leave_out if not options.several or any(map(one.covers, rotation.endpoints))]
    if wanted:
        rotation = leave_out(rotation, wanted, options.reason, means, written, lease)
        means = _means(rotation, means.target, means.rotator, means.context, means.code_lacks)
    if options.used_no_more:
        if rotation.mode is not Mode.GRACEFUL:
            raise UsageError("--used-no-more is for a graceful rotation", hint="Leave it out: this one does not wait.")
        written.audit(rotation, "said-used-no-more")
        means = replace(means, used_no_more=True)
    return _drive(rotation, means, options, written, lease)


def means_again(rotation: Rotation, options: Options) -> Means:
    """Return what a rotation that was begun works with: its old value is found again."""
    context = Context(
        options.environ,
        rotation=rotation.id,
        mode=rotation.mode,
        rotated_at=rotation.rotated_at or None,
        kill_first=rotation.kill_first,
    )
    admin, given = resolved(options.admin, context), resolved(options.old_from, context)
    target = target_again(rotation, options.chosen, given, admin, options.repositories)
    code, target = look_at_code(there_still(rotation), rotation.deliver, target, options.chosen)
    _, rotator = rotator_for(target, rotation.rotator)
    check_confirmed(rotation, rotator.overlap(target, context))
    return _means(rotation, target, rotator, context, lacking(code, target, rotation, context))


def _drive(rotation: Rotation, means: Means, options: Options, written: Books, lease: Lease) -> ExitCode:
    try:
        means = replace(means, watched=options.observe)
        rotation = drive(rotation, delivering(rotation, means, options.chosen), written, lease)
    except KeyboardInterrupt:
        options.teller.ended(written.journal.rotation(rotation.id) or rotation, None)
        console.print_line(f"It was interrupted: go on with `secretguard rotate resume {rotation.id}`.")
        raise
    left = None
    try:
        left = in_reports(rotation.credential, search(options.chosen, there_still(rotation)))
    except SecretguardError as error:  # the rotation is closed all the same
        console.print_line(f"Where the dead value still stands could not be looked up: {error}")
    options.teller.ended(rotation, left)
    return ExitCode.CLEAN


def _means(rotation: Rotation, target: Target, rotator: Rotator, context: Context, lacks: Lacks | None) -> Means:
    reference = parse_reference(rotation.reference)
    left_out = [one.endpoint for one in rotation.left_out]
    endpoints, alive = (
        tuple(one for one in among if one not in left_out) for among in (rotation.endpoints, rotation.alive)
    )
    near, elsewhere = divided(endpoints, alive)
    return Means(
        rotator=rotator,
        store=store(reference.backend),
        reference=reference,
        target=confirmed(target, near, alive),
        context=context,
        code_lacks=lacks,
        alive=alive,
        kill_first=rotation.kill_first,
        elsewhere=elsewhere,
        left_out=rotation.left_out,
    )


def _as_begun(rotation: Rotation, earlier: Sequence[str]) -> Iterator[str]:
    """Yield how a rotation was begun, for the audit."""
    yield f"to {rotation.reference}"
    yield f"mode {rotation.mode}"
    if rotation.deliver:
        yield f"deliver {rotation.deliver}{', and wait for the merge' if rotation.wait_merge else ''}"
    if rotation.variable:
        yield f"variable {rotation.variable}"
    yield from (f"after {one}, which is closed" for one in earlier)


def _record(found: Credential, plan: Plan, context: Context, options: Options) -> Rotation:
    return Rotation(
        id=context.rotation,
        credential=found.id,
        title=found.rule.title,
        family=found.family,
        kind=found.rule.kind,
        user=found.user,
        endpoints=plan.endpoints,
        alive=plan.alive,
        rotator=plan.rotator,
        reference=str(plan.reference),
        mode=context.mode,
        repositories=tuple(str(Path(one).resolve()) for one in options.repositories if Path(one).exists()),
        actor=this_process().who,
        began=now(),
        kill_first=options.kill_first,
        deliver=options.deliver if options.deliver != "none" else "",
        wait_merge=options.wait_merge,
        insists=options.insist,
        variable=plan.variable,
        overlap=str(plan.overlap),
    )


def _confirm(target: Target, options: Options) -> None:
    """Have the target typed, so that nobody rotates another one by accident."""
    if options.yes:
        return
    if not console.is_somebody_there():
        raise UsageError("nobody is here to confirm the plan", hint="Give --yes, or --plan to look only.")
    import click

    host = target.endpoints[0].host if target.endpoints else ""
    wanted = f"{target.leaked.user}@{host}" if target.leaked.user and host else target.credential
    console.print_line(f"To go on, type {wanted}")
    if click.prompt("", prompt_suffix="> ", default="", show_default=False, err=True).strip() != wanted:
        raise UsageError("that is another target: nothing was done", hint="Run it again to try once more.")


def named_rotation(name: str, written: Books) -> Rotation:
    """Return the rotation that a person means: by its own id, by its credential's, or the only one that is open."""
    if name:
        one = written.journal.rotation(name) or next(iter(written.journal.rotations(name)), None)
        if one is None:
            raise UsageError("there is no such rotation", hint="`secretguard rotate status` lists them.")
        return one
    alive = [one for one in written.journal.rotations() if one.state in ALIVE]
    if len(alive) != 1:
        what = "no rotation is open" if not alive else f"{len(alive)} rotations are open"
        raise UsageError(what, hint="`secretguard rotate status` lists them; name one.")
    return alive[0]


def check_confirmed(rotation: Rotation, overlap: Overlap) -> None:
    """Raise UsageError where it would go on in another way than the one that was confirmed."""
    if rotation.overlap not in ("", overlap):
        raise UsageError(
            f"{rotation.id} was confirmed for another way of replacing the value",
            hint="Give the same --admin REF as when it was begun, or none if there was none.",
        )


def parsed(reference: str) -> SecretReference | None:
    """Return what an option says, or nothing; raises BadReference before anything else happens."""
    return parse_reference(reference) if reference else None

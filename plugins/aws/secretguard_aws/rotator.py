"""IAM access keys: a second key beside the leaked one, then the leaked one is deactivated, seen dead and deleted.

A user has two slots, and a key has no name. Whoever `--admin` or the operator's environment names makes and ends keys;
the leaked key is only ever asked who it is.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Finding, Found, Login, Overlap, Preflight, Proof, Target, Usage
from secretguard_aws.calls import Refused, Service
from secretguard_aws.keys import (
    GONE,
    SLOTS,
    Caller,
    administrator,
    caller,
    iam_of,
    keys_of,
    last_use,
    moment,
    orphan,
    owner,
)

families = ("aws",)
kinds = ("aws-access-key",)

SECONDS_TO_SPREAD = 20.0
"""How long a key that was made or ended may take to be so everywhere in AWS, before a person is asked to wait."""
DELAY = timedelta(hours=4)
"""How late AWS may tell that a key was used."""
_PAUSE = 1.0
_LONG_TERM = "AKIA"
_SESSIONS = "sessions that the leaked key opened (sts:GetSessionToken, up to 36 hours) outlive it"


def overlap(target: Target, context: Context) -> Overlap:
    """Two keys a user."""
    return Overlap.TWO


def preflight(target: Target, context: Context) -> Preflight:
    """Prove that the leaked key is the user's, then look at the slots as the administrator."""
    if not target.leaked.user.startswith(_LONG_TERM):
        return _stopped(
            "this is no long-term access key of an IAM user (those begin with AKIA), so that IAM cannot replace it",
            "Keys of a role end by themselves; deny those issued until now: "
            "`aws iam put-role-policy` with aws:TokenIssueTime.",
        )
    leaked = caller(context, target.leaked)
    if leaked.answer is Answer.REFUSED:
        return _stopped(
            f"AWS refuses the leaked key already ({leaked.words}): there is nothing to rotate",
            f"If it is inactive only, delete it: `aws iam delete-access-key --access-key-id {target.leaked.user}`.",
        )
    if leaked.answer is Answer.UNKNOWN:
        return _stopped(f"nobody knows whether the leaked key works: {leaked.words}", "Look at the network and region.")
    if not leaked.user:
        return _stopped(
            f"the leaked key belongs to {leaked.arn}, which is no IAM user",
            "Keys of the root user are made and ended in the console, by the root user: delete it there.",
        )
    return _looked_as_administrator(target, leaked, context)


def _looked_as_administrator(target: Target, leaked: Caller, context: Context) -> Preflight:
    iam = iam_of(target, context)
    who = caller(context, administrator(target))
    if who.answer is not Answer.WORKS:
        return _stopped(f"AWS does not take the administrator's credentials: {who.words}", "Look at AWS_PROFILE.")
    if who.account != leaked.account:
        return _stopped(
            f"{who.arn} is in another account than the leaked key of {leaked.arn}",
            "Set AWS_PROFILE to an identity of that account.",
        )
    findings = list(_slots(iam, target, leaked.user, context))
    if any(one.stops for one in findings):
        return Preflight(findings=tuple(findings))
    return Preflight(
        effects=(
            f"{who.arn} makes a second access key for the user {leaked.user}",
            f"the leaked key {target.leaked.user} is set inactive, which can be undone, and seen to be refused by STS",
            f"the leaked key {target.leaked.user} is deleted, which cannot be undone",
        ),
        findings=(
            *findings,
            Finding(_SESSIONS, hint=f"Deny them to {leaked.user} with a condition on aws:TokenIssueTime."),
        ),
    )


def _slots(iam: Service, target: Target, user: str, context: Context) -> Iterator[Finding]:
    """Say what is known of the user's keys, and whether there is room for one more."""
    keys, _ = keys_of(iam, user)
    if target.leaked.user not in [key.id for key in keys]:
        yield Finding(f"the user {user} does not have the leaked key any more", stops=True)
        return
    for key in keys:
        used = last_use(iam, key.id)
        yield Finding(f"{key}: {used.words if used else 'gone'}")
    ours = orphan(iam, target, user, context)
    taken = [key for key in keys if key.id not in (target.leaked.user, ours.id if ours else "")]
    if len(taken) >= SLOTS - 1:
        yield Finding(
            f"the user {user} has {SLOTS} keys, and AWS allows no third: {', '.join(map(str, taken))} is in the way",
            hint="If nobody uses it, delete it; else move its users to a key of another user first.",
            stops=True,
        )


def _stopped(what: str, hint: str) -> Preflight:
    return Preflight(findings=(Finding(what, hint, stops=True),))


def make(target: Target, context: Context) -> Login | None:
    """Nothing: AWS makes the value."""
    return None


def reconcile(target: Target, new: Login | None, context: Context) -> Found:
    """Look for the new key by its id, or for one without an owner by the time it was made."""
    iam = iam_of(target, context)
    user = owner(iam, target, new)
    if new is None:
        return Found.ORPHAN if orphan(iam, target, user, context) else Found.NOTHING
    keys, _ = keys_of(iam, user)
    return Found.ISSUED if any(key.id == new.user and key.active for key in keys) else Found.NOTHING


def issue(target: Target, new: Login | None, context: Context) -> Login:
    """Have a key made; one that we have already is made active again. Raises IssuerError, also for want of a slot."""
    iam = iam_of(target, context)
    user = owner(iam, target, new)
    if new is not None:
        if not _set(iam, user, new.user, "Active"):
            raise IssuerError(
                f"somebody deleted the new key {new.user}", hint="`secretguard rotate abort` starts over."
            )
        return new
    try:
        made = iam.change("create_access_key", ("LimitExceeded",), UserName=user)["AccessKey"]
    except Refused:
        raise IssuerError(
            f"the user {user} has {SLOTS} keys, and AWS allows no third",
            hint=f"`aws iam list-access-keys --user-name {user}`; delete the one that nobody uses.",
        ) from None
    return Login(made["AccessKeyId"], made["SecretAccessKey"], made["AccessKeyId"])


def verify(target: Target, login: Login, context: Context) -> Proof:
    """Ask STS who it is. A new key that is refused is given the time to become known."""
    found = caller(context, login)
    if login.user != target.leaked.user:
        until = time.monotonic() + SECONDS_TO_SPREAD
        while found.answer is Answer.REFUSED and time.monotonic() < until:
            time.sleep(_PAUSE)
            found = caller(context, login)
    return Proof(((found.where, found.answer, found.words),))


def usage(target: Target, new: Login, context: Context) -> Usage:
    """Compare the last use of the leaked key with the time of the rotation; AWS tells it late."""
    iam = iam_of(target, context)
    used = last_use(iam, target.leaked.user)
    if used is None:
        return Usage(0, (f"{target.leaked.user} is gone",))
    evidence = (f"{target.leaked.user}: {used.words}", "AWS tells of uses with some delay, which may be hours")
    if context.rotated_at is None:
        return Usage(None, evidence)
    since = moment(context.rotated_at)
    _, ahead = keys_of(iam, used.user)
    if used.at is not None and used.at >= since + ahead:
        return Usage(1, evidence)
    if (told := since + DELAY) > datetime.now(UTC):
        later = f"that nobody used it since the new key is in force AWS can tell from {told:%Y-%m-%d %H:%M} UTC on"
        return Usage(None, (*evidence, later))
    return Usage(0, evidence)


def disable(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """Set the leaked key inactive, and wait until STS refuses it."""
    iam, key = iam_of(target, context), target.leaked.user
    try:
        user = owner(iam, target, new)
    except IssuerError:
        if last_use(iam, key) is not None:
            raise
        return (f"{key} is gone already",)
    if not _set(iam, user, key, "Inactive"):
        return (f"{key} is gone already",)
    until = time.monotonic() + SECONDS_TO_SPREAD
    found = caller(context, target.leaked)
    while found.answer is Answer.WORKS and time.monotonic() < until:
        time.sleep(_PAUSE)
        found = caller(context, target.leaked)
    return (f"{key} of {user} is inactive", f"{found.where}: {found.answer}", _SESSIONS)


def destroy(target: Target, new: Login, context: Context) -> tuple[str, ...]:
    """Delete the leaked key; raises IssuerError if it is active again."""
    iam, key = iam_of(target, context), target.leaked.user
    user = owner(iam, target, new)
    found, _ = keys_of(iam, user)
    if any(one.id == key and one.active for one in found):
        raise IssuerError(f"{key} is active again: somebody undid it", hint="Find out who, then resume.")
    return (_delete(iam, user, key),)


def withdraw(target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
    """Delete the key that this rotation had made: `new`, or the one whose value nobody has."""
    iam = iam_of(target, context)
    user = owner(iam, target, new)
    if new is None:
        ours = orphan(iam, target, user, context)
        key = ours.id if ours else ""
    else:
        key = new.user
    if key in ("", target.leaked.user):
        return ("no key of this rotation is there",)
    _set(iam, user, key, "Inactive")
    whose = f"{key} was made when this rotation asked for a key and got no reply, and was never used"
    return (*((whose,) if new is None else ()), _delete(iam, user, key))


def _set(iam: Service, user: str, key: str, status: str) -> bool:
    """Make a key active or inactive; False if it is gone."""
    try:
        iam.change("update_access_key", (GONE,), UserName=user, AccessKeyId=key, Status=status)
    except Refused:
        return False
    return True


def _delete(iam: Service, user: str, key: str) -> str:
    try:
        iam.change("delete_access_key", (GONE,), UserName=user, AccessKeyId=key)
    except Refused:
        return f"{key} was gone already"
    return f"{key} of {user} is deleted"

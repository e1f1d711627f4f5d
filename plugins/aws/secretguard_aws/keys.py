"""The access keys of one IAM user, and who somebody is to AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Login, Target
from secretguard.secret import Secret
from secretguard_aws import documents
from secretguard_aws.calls import BAD_SIGNATURE, EXPIRED, NOT_KNOWN, Refused, Service
from secretguard_aws.session import service

GONE = "NoSuchEntity"
SLOTS = 2
"""Access keys that AWS lets one user have."""
_SLACK = timedelta(seconds=5)
_LONGEST = timedelta(minutes=2)
"""How long after a try began that was cut off its key may have been made; a later one is somebody else's."""
_CLOCK_WORDS = ("Signature expired", "Signature not yet current")
_ADMIN_FIELDS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@dataclass(frozen=True, slots=True)
class Key:
    """One access key, without its secret."""

    id: str
    active: bool
    created: datetime

    def __str__(self) -> str:
        return f"{self.id} ({'active' if self.active else 'inactive'}, made {self.created:%Y-%m-%d})"


@dataclass(frozen=True, slots=True)
class LastUse:
    """When a key was used last, as far as AWS says."""

    user: str
    at: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class Caller:
    """What AWS says about a login."""

    where: str
    answer: Answer
    words: str
    arn: str = ""

    @property
    def account(self) -> str:
        """Return the number of the account."""
        return self.arn.split(":")[4] if self.arn.count(":") >= 5 else ""

    @property
    def user(self) -> str:
        """Return the name of the IAM user; empty for the root user, a role and anything else."""
        resource = self.arn.split(":", 5)[5] if self.arn.count(":") >= 5 else ""
        return resource.rpartition("/")[2] if resource.startswith("user/") else ""


def caller(context: Context, login: Login | None) -> Caller:
    """Ask STS who `login` is, or the operator; needs no rights at all. What nobody can tell is UNKNOWN."""
    sts = service("sts", context, IssuerError, login)
    try:
        found = sts.read("get_caller_identity", NOT_KNOWN | BAD_SIGNATURE | EXPIRED)
    except Refused as refused:
        if refused.message.startswith(_CLOCK_WORDS):
            return Caller(sts.host, Answer.UNKNOWN, "your clock and that of AWS differ too much")
        return Caller(sts.host, Answer.REFUSED, refused.code)
    except IssuerError as error:
        return Caller(sts.host, Answer.UNKNOWN, str(error))
    return Caller(sts.host, Answer.WORKS, found["Arn"], found["Arn"])


def administrator(target: Target) -> Login | None:
    """Return the login that `--admin` gave; None: the operator's environment says who it is. Raises IssuerError."""
    if target.admin is None:
        return None
    fields = documents.fields_of(target.admin)
    if fields is None:
        user, _, secret = target.admin.reveal().partition(":")
        login = Login(user, Secret(secret))
    else:
        given = [fields.get(name) for name in _ADMIN_FIELDS]
        login = Login(given[0].reveal() if given[0] else "", given[1] or Secret(""))
    if not login.user.isalnum() or not login.secret.reveal():
        raise IssuerError(
            "what --admin gave is no access key",
            hint=f"It is a JSON object with {' and '.join(_ADMIN_FIELDS)}, or KEY_ID:SECRET.",
        )
    return login


def iam_of(target: Target, context: Context) -> Service:
    """Return IAM, asked by whoever may; raises IssuerError if that would be the leaked key itself."""
    iam = service("iam", context, IssuerError, administrator(target))
    if iam.key_id == target.leaked.user:
        raise IssuerError(
            "your environment has the leaked key itself, which whoever found it has too",
            hint="Set AWS_PROFILE to another identity that may manage the user's keys, or give one with --admin REF.",
        )
    return iam


def last_use(iam: Service, key: str) -> LastUse | None:
    """Return who has a key and when it was used last; None if there is no such key."""
    try:
        found = iam.read("get_access_key_last_used", (GONE,), AccessKeyId=key)
    except Refused:
        return None
    used = found.get("AccessKeyLastUsed", {})
    at = used.get("LastUsedDate")
    words = f"last used {_told(at)} for {used.get('ServiceName')} in {used.get('Region')}" if at else "never used"
    return LastUse(str(found.get("UserName", "")), at, words)


def owner(iam: Service, target: Target, new: Login | None) -> str:
    """Return the user whose key leaked; raises IssuerError if neither key is known any more.

    The new key is asked for first: of a key that is gone AWS may say that it is not allowed to be asked for.
    """
    denied = None
    for key in (new.user if new else "", target.leaked.user):
        try:
            found = last_use(iam, key) if key else None
        except IssuerError as error:
            if error.transient:
                raise
            denied = error
            continue
        if found and found.user:
            return found.user
    raise denied or IssuerError(
        f"AWS knows no user with the key {target.leaked.user}", hint="It was deleted, or belongs to another account."
    )


def keys_of(iam: Service, user: str) -> tuple[list[Key], timedelta]:
    """Return the keys of a user, and how far AWS's clock is ahead of ours."""
    found, more, ahead = list[Key](), dict[str, str](), timedelta()
    while True:
        page = iam.read("list_access_keys", UserName=user, **more)
        found += [
            Key(one["AccessKeyId"], one["Status"] == "Active", one["CreateDate"]) for one in page["AccessKeyMetadata"]
        ]
        ahead = _ahead(page)
        if not page.get("IsTruncated"):
            return found, ahead
        more = {"Marker": page["Marker"]}


def orphan(iam: Service, target: Target, user: str, context: Context) -> Key | None:
    """Return the key that this rotation made and nobody has the value of; None if there is none.

    A key has no name. It is ours if AWS made it while this rotation asked for one and got no reply (by AWS's clock,
    whatever ours says), and it was never used: who has the value uses it, and nobody has the value of an orphan.
    """
    if not context.unanswered:
        return None
    keys, ahead = keys_of(iam, user)
    for key in keys:
        if key.id != target.leaked.user and _was_asked_for(key.created - ahead, context):
            used = last_use(iam, key.id)
            if used is not None and used.at is None:
                return key
    return None


def _was_asked_for(created: datetime, context: Context) -> bool:
    """Whether a time, by our clock, lies in a try that got no reply."""
    return any(
        moment(one.began) - _SLACK
        <= created
        <= (moment(one.ended) if one.ended else moment(one.began) + _LONGEST) + _SLACK
        for one in context.unanswered
    )


def moment(text: str) -> datetime:
    """Return a time as the journal writes it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _ahead(reply: Mapping[str, Any]) -> timedelta:
    """Return how far the server's clock is ahead, to the second; nothing if it does not say."""
    said = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return parsedate_to_datetime(said) - datetime.now(UTC).replace(microsecond=0)
    except (TypeError, ValueError):
        return timedelta()


def _told(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="minutes").replace("+00:00", "Z")

"""IAM and STS for the access keys of users: signatures are checked, an inactive key is refused, news takes its time.

It speaks the query protocol on loopback. What it enforces are sentences of the service models that botocore brings.
"""

import hashlib
import hmac
import itertools
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from tests.servers.strict_secretsmanager import Fault

ACCOUNT = "123456789012"
SLOTS = 2


class Rule(StrEnum):
    """What is enforced, in the model's own words."""

    NEW_IS_ACTIVE = "The default status for new keys is Active."
    SECRET_IS_TOLD_ONCE = "the secret access key is accessible only during key and user creation."
    INACTIVE_IS_REFUSED = (
        "Active means that the key can be used for programmatic calls to Amazon Web Services, while Inactive means that "
        "the key cannot be used."
    )
    SLOTS_ARE_LIMITED = (
        "The request was rejected because it attempted to create resources beyond the current Amazon Web Services account "
        "limits."
    )
    MISSING_IS_AN_ERROR = "The request was rejected because it referenced a resource entity that does not exist."
    LAST_USE_NAMES_THE_OWNER = "The name of the IAM user that owns this access key."
    IDENTITY_NEEDS_NO_RIGHTS = "No permissions are required to perform this operation."


class Refusal(Exception):
    def __init__(self, status: int, code: str, why: str) -> None:
        super().__init__(code)
        self.status, self.code, self.why = status, code, why


@dataclass(slots=True)
class Key:
    id: str
    secret: str
    user: str
    created: datetime
    active: bool = True
    used: datetime | None = None
    lag: int = 0
    """How many more requests see it as it was before."""


@dataclass(slots=True)
class User:
    name: str
    administrator: bool = False
    account: str = ACCOUNT
    keys: list[str] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:" + ("root" if self.name == "root" else f"user/{self.name}")


class StrictIam:
    """Users with keys; `requests` is who asked for what, `faults` what is to go wrong, `ahead` how wrong its clock is."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.keys: dict[str, Key] = {}
        self.requests: list[tuple[str, str]] = []
        self.faults: list[tuple[str, Fault]] = []
        self.ahead = timedelta()
        self.denied: set[str] = set()
        """Actions that nobody may."""
        self.lag = 0
        """How many requests it takes until a made or changed key is known everywhere."""
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["StrictIam"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def user(self, name: str, *, administrator: bool = False, account: str = ACCOUNT) -> Key:
        """Make a user with one key."""
        self.users[name] = User(name, administrator, account)
        return self.key(name)

    def key(self, user: str, *, age: timedelta = timedelta(days=30)) -> Key:
        """Give a user a key that was made some time ago."""
        made = Key(_key_id(), secrets.token_urlsafe(30)[:40], user, self.now() - age)
        self.keys[made.id] = made
        self.users[user].keys.append(made.id)
        return made

    def environ(self, key: Key, **more: str) -> Mapping[str, str]:
        """An operator's environment."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            **more,
        }

    def now(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0) + self.ahead

    def of(self, user: str) -> dict[str, bool]:
        """The keys of a user and whether each is active."""
        return {key: self.keys[key].active for key in self.users[user].keys}

    def fails(self, action: str, fault: Fault) -> None:
        self.faults.append((action, fault))

    def next_fault(self, action: str) -> Fault | None:
        with self._lock:
            for position, (name, fault) in enumerate(self.faults):
                if name == action:
                    del self.faults[position]
                    return fault
        return None

    def answer(self, request: Mapping[str, str], signed: "Signed") -> str:
        with self._lock:
            key = self._who(signed)
            action = request["Action"]
            self.requests.append((key.id, action))
            caller = self.users[key.user]
            key.used = self.now()
            if action == "GetCallerIdentity":  # Rule.IDENTITY_NEEDS_NO_RIGHTS
                return _result(
                    action, f"<Arn>{caller.arn}</Arn><UserId>AID</UserId><Account>{caller.account}</Account>"
                )
            if not caller.administrator or action in self.denied:
                raise Refusal(403, "AccessDenied", f"User: {caller.arn} is not authorized to perform: iam:{action}")
            act = getattr(self, f"_{action}")
            return _result(action, act(request))

    def _who(self, signed: "Signed") -> Key:
        key = self.keys.get(signed.key)
        known = key is not None and key.lag <= 0
        accepted = key is not None and (key.active if known else not key.active)  # Rule.INACTIVE_IS_REFUSED
        if key is not None and key.lag > 0:
            key.lag -= 1
        if key is None or not accepted:
            raise Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if abs(self.now() - signed.at) > timedelta(minutes=5):
            raise Refusal(403, "SignatureDoesNotMatch", f"Signature expired: {signed.at} is now earlier than that")
        if not hmac.compare_digest(signed.signature(key.secret), signed.given):
            raise Refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
        return key

    def _CreateAccessKey(self, request: Mapping[str, str]) -> str:
        user = self._user(request)
        if len(user.keys) >= SLOTS:
            raise Refusal(409, "LimitExceeded", Rule.SLOTS_ARE_LIMITED)
        key = self.key(user.name, age=timedelta())  # Rule.NEW_IS_ACTIVE
        key.lag = self.lag
        told = f"{_told(key)}<SecretAccessKey>{escape(key.secret)}</SecretAccessKey>"  # Rule.SECRET_IS_TOLD_ONCE
        return f"<AccessKey>{told}</AccessKey>"

    def _ListAccessKeys(self, request: Mapping[str, str]) -> str:
        keys, start = self._user(request).keys, int(request.get("Marker", 0))
        told = "".join(f"<member>{_told(self.keys[key])}</member>" for key in keys[start : start + 1])
        more = start + 1 < len(keys)  # a key a page, so that whoever forgets the next one is found out
        page = f"<IsTruncated>{str(more).lower()}</IsTruncated>" + (f"<Marker>{start + 1}</Marker>" if more else "")
        return f"<AccessKeyMetadata>{told}</AccessKeyMetadata>{page}"

    def _UpdateAccessKey(self, request: Mapping[str, str]) -> str:
        key = self._key(request)
        active = request["Status"] == "Active"
        key.lag = self.lag if active != key.active else key.lag
        key.active = active
        return ""

    def _DeleteAccessKey(self, request: Mapping[str, str]) -> str:
        key = self._key(request)
        self.users[key.user].keys.remove(key.id)
        del self.keys[key.id]
        return ""

    def _GetAccessKeyLastUsed(self, request: Mapping[str, str]) -> str:
        key = self.keys.get(request["AccessKeyId"])
        if key is None:
            raise Refusal(404, "NoSuchEntity", Rule.MISSING_IS_AN_ERROR)
        when = f"<LastUsedDate>{key.used.isoformat()}</LastUsedDate>" if key.used else ""
        what = "<ServiceName>s3</ServiceName><Region>eu-central-1</Region>" if key.used else ""
        blank = "" if key.used else "<ServiceName>N/A</ServiceName><Region>N/A</Region>"
        return (  # Rule.LAST_USE_NAMES_THE_OWNER
            f"<UserName>{key.user}</UserName><AccessKeyLastUsed>{when}{what}{blank}</AccessKeyLastUsed>"
        )

    def _user(self, request: Mapping[str, str]) -> User:
        if request.get("UserName") not in self.users:
            raise Refusal(404, "NoSuchEntity", Rule.MISSING_IS_AN_ERROR)
        return self.users[request["UserName"]]

    def _key(self, request: Mapping[str, str]) -> Key:
        if request["AccessKeyId"] not in self._user(request).keys:
            raise Refusal(404, "NoSuchEntity", Rule.MISSING_IS_AN_ERROR)
        return self.keys[request["AccessKeyId"]]


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as it was signed; https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html."""

    key: str
    scope: str
    at: datetime
    headers: tuple[tuple[str, str], ...]
    body: bytes
    given: str

    def signature(self, secret: str) -> str:
        names = ";".join(name for name, _ in self.headers)
        lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in self.headers)
        request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(self.body).hexdigest()}"
        stamp = self.at.strftime("%Y%m%dT%H%M%SZ")
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{self.scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = f"AWS4{secret}".encode()
        for part in self.scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()


def _signed(headers: Mapping[str, str], body: bytes) -> Signed:
    parts = dict(part.strip().split("=", 1) for part in headers["authorization"].split(" ", 1)[1].split(","))
    key, _, scope = parts["Credential"].partition("/")
    at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    signed = tuple((name, headers[name]) for name in parts["SignedHeaders"].split(";"))
    return Signed(key, scope, at, signed, body, parts["Signature"])


def _key_id() -> str:
    return "AKIA" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16))


def _told(key: Key) -> str:
    status = "Active" if key.active else "Inactive"
    return (
        f"<UserName>{key.user}</UserName><AccessKeyId>{key.id}</AccessKeyId><Status>{status}</Status>"
        f"<CreateDate>{key.created.isoformat()}</CreateDate>"
    )


def _result(action: str, inner: str) -> str:
    return f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"


def _handler(service: StrictIam) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: two wait for each other

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = dict(parse_qsl(body.decode()))
            fault = service.next_fault(request["Action"])
            if fault is Fault.THROTTLED:
                return self._say(400, _error("Throttling", "Rate exceeded"))
            try:
                status, reply = (
                    200,
                    service.answer(
                        request, _signed({name.lower(): value for name, value in self.headers.items()}, body)
                    ),
                )
            except Refusal as refusal:
                status, reply = refusal.status, _error(refusal.code, refusal.why)
            if fault is Fault.LOST:
                self.close_connection = True
                return None
            if fault is Fault.FAILED_AFTER:
                status, reply = 500, _error("ServiceFailure", "The request processing has failed.")
            return self._say(status, reply)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(service.now(), usegmt=True)

        def _say(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler


def _error(code: str, message: str) -> str:
    return f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"

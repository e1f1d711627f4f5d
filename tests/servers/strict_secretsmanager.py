"""Secrets Manager as its API model says it is: stricter than moto about tokens and labels, and able to fail.

It speaks JSON 1.1 on loopback. Each rule that it enforces is a sentence of the service model that botocore brings along.
"""

import base64
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
TOKEN_LENGTH = range(32, 65)
LONGEST_VALUE = 65536


class Rule(StrEnum):
    """What is enforced, in the model's own words."""

    CREATED_IS_CURRENT = (
        "If you include SecretString or SecretBinary, then Secrets Manager creates an initial secret version and "
        "automatically attaches the staging label AWSCURRENT to it."
    )
    NAME_IS_TAKEN = "A resource with the ID you requested already exists."
    SAME_TOKEN_SAME_VALUE = (
        "If you call this operation with a ClientRequestToken that matches an existing version's VersionId, and you "
        "specify the same secret data, the operation succeeds but does nothing."
    )
    SAME_TOKEN_OTHER_VALUE = (
        "However, if the secret data is different, then the operation fails because you can't modify an existing "
        "version; you can only create new ones."
    )
    UNLABELLED_PUT_IS_CURRENT = (
        "If you don't include VersionStages, then Secrets Manager automatically moves the staging label AWSCURRENT to "
        "this version."
    )
    FIRST_VERSION_IS_CURRENT = (
        "If this operation creates the first version for the secret, then Secrets Manager automatically attaches the "
        "staging label AWSCURRENT to it."
    )
    PUT_TAKES_LABELS = (
        "If you specify a staging label that's already associated with a different version of the same secret, then "
        "Secrets Manager removes the label from the other version and attaches it to this version."
    )
    ONE_VERSION_A_LABEL = "Each staging label can be attached to only one version at a time."
    COMPARE_AND_SWAP = (
        "If the label is attached and you either do not specify this parameter, or the version ID does not match, then "
        "the operation fails."
    )
    PREVIOUS_FOLLOWS = (
        "Whenever you move AWSCURRENT, Secrets Manager automatically moves the label AWSPREVIOUS to the version that "
        "AWSCURRENT was removed from."
    )
    NO_LABEL_IS_DEPRECATED = (
        "If this action results in the last label being removed from a version, then the version is considered to be "
        "'deprecated' and can be deleted by Secrets Manager."
    )
    READ_GIVES_CURRENT = (
        "If you don't specify either a VersionStage or VersionId, Secrets Manager returns the AWSCURRENT version."
    )
    READ_BOTH_AGREE = (
        "If you include both this parameter and VersionId, the two parameters must refer to the same secret version."
    )
    DESCRIBE_TELLS_LABELLED = (
        "The VersionIdsToStages field in the response includes every version ID that has a staging label attached, even "
        "if that version doesn't contain a secret value."
    )
    LIST_TELLS_VALUES = "ListSecretVersionIds only returns versions that contain a secret value."
    LIST_LEAVES_DEPRECATED_OUT = "By default, versions without staging labels aren't included."
    DELETED_IS_CLOSED = "The secret is scheduled for deletion."
    OWNER_UPDATES = "The secret is managed by another service, and you must use that service to update it."
    KEEPS_A_HUNDRED = (
        "Secrets Manager keeps 100 of the most recent versions, but it keeps all secret versions created in the last 24 "
        "hours."
    )
    TOO_MANY = (
        "If you call PutSecretValue more than once every 10 minutes, you will create more versions than Secrets Manager "
        "removes, and you will reach the quota for secret versions."
    )


class Fault(StrEnum):
    """How one request goes wrong."""

    LOST = "the effect takes place, and the connection is cut before the answer"
    FAILED_AFTER = "the effect takes place, and the answer is status 500"
    THROTTLED = "nothing takes place, and the answer asks to wait a second"
    REDIRECTED = "the answer is a redirect"


class Refusal(Exception):
    """The service says no."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code, self.why = code, why


@dataclass(slots=True)
class Version:
    text: str | None
    binary: str | None
    created: float
    labels: set[str] = field(default_factory=set)

    @property
    def has_value(self) -> bool:
        return self.text is not None or self.binary is not None

    def same_data(self, request: Mapping[str, Any]) -> bool:
        return (self.text, self.binary) == (request.get("SecretString"), request.get("SecretBinary"))


@dataclass(slots=True)
class Stored:
    """One secret."""

    name: str
    about: dict[str, Any] = field(default_factory=dict)
    """More of what DescribeSecret says: OwningService, Type, RotationEnabled, DeletedDate …"""
    versions: dict[str, Version] = field(default_factory=dict)

    def holder(self, label: str) -> str | None:
        holders = [name for name, version in self.versions.items() if label in version.labels]
        assert len(holders) <= 1, Rule.ONE_VERSION_A_LABEL
        return holders[0] if holders else None

    def attach(self, label: str, to: str) -> None:
        """Rule.ONE_VERSION_A_LABEL, Rule.PREVIOUS_FOLLOWS."""
        before = self.holder(label)
        if before == to:
            return
        if before is not None:
            self.versions[before].labels.remove(label)
        self.versions[to].labels.add(label)
        if label == CURRENT:
            self.versions[to].labels.discard(PREVIOUS)
            if before is not None:
                self.attach(PREVIOUS, before)


class StrictSecretsManager:
    """The service; `stored` is its state, `requests` what it was asked, `faults` what is to go wrong and when."""

    def __init__(self, longest: int = 100) -> None:
        self.stored: dict[str, Stored] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.faults: list[tuple[str, Fault]] = []
        self.before: Callable[[str, dict[str, Any]], None] = lambda operation, request: None
        self.longest = longest
        """Versions of the last 24 hours that one secret may have."""
        self._lock = threading.RLock()
        self._clock = itertools.count(int(time.time()))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environ(self, **more: str) -> Mapping[str, str]:
        """An operator's environment."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            **more,
        }

    @contextmanager
    def running(self) -> Iterator["StrictSecretsManager"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def holds(self, name: str, text: str) -> bool:
        """Whether any version that has not been deleted yet gives a text."""
        stored = self.stored.get(name)
        return stored is not None and any(text in (version.text or "") for version in stored.versions.values())

    def labels(self, name: str) -> dict[str, set[str]]:
        return {version: set(one.labels) for version, one in self.stored[name].versions.items()}

    def asked(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.requests if name == operation]

    def fails(self, operation: str, fault: Fault) -> None:
        """Let the next request for an operation go wrong."""
        self.faults.append((operation, fault))

    def next_fault(self, operation: str) -> Fault | None:
        with self._lock:
            for position, (name, fault) in enumerate(self.faults):
                if name == operation:
                    del self.faults[position]
                    return fault
        return None

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.before(operation, request)
        with self._lock:
            self.requests.append((operation, request))
            act = getattr(self, f"_{operation}", None)
            if act is None:
                raise Refusal("UnknownOperationException", operation)
            reply: dict[str, Any] = act(request)
            return reply

    def _find(self, request: Mapping[str, Any]) -> Stored:
        if request["SecretId"] not in self.stored:
            raise Refusal("ResourceNotFoundException", "Secrets Manager can't find the resource that you asked for.")
        return self.stored[request["SecretId"]]

    def _writable(self, request: Mapping[str, Any]) -> Stored:
        stored = self._find(request)
        if stored.about.get("DeletedDate"):
            raise Refusal("InvalidRequestException", Rule.DELETED_IS_CLOSED)
        if stored.about.get("OwningService"):
            raise Refusal("InvalidRequestException", Rule.OWNER_UPDATES)
        return stored

    def _CreateSecret(self, request: dict[str, Any]) -> dict[str, Any]:
        name, token = request["Name"], _token(request)
        if name in self.stored:
            existing = self.stored[name].versions.get(token)
            if existing is None or not existing.same_data(request):
                raise Refusal("ResourceExistsException", Rule.NAME_IS_TAKEN)
        else:
            self.stored[name] = stored = Stored(name)
            if "SecretString" in request or "SecretBinary" in request:
                self._add(stored, token, request)
                stored.attach(CURRENT, token)  # Rule.CREATED_IS_CURRENT
        return {"ARN": _arn(name), "Name": name, "VersionId": token}

    def _PutSecretValue(self, request: dict[str, Any]) -> dict[str, Any]:
        stored, token = self._writable(request), _token(request)
        existing = stored.versions.get(token)
        if existing is not None and existing.has_value:
            if not existing.same_data(request):
                raise Refusal("ResourceExistsException", Rule.SAME_TOKEN_OTHER_VALUE)
        else:  # else Rule.SAME_TOKEN_SAME_VALUE
            labels = list(request.get("VersionStages") or [CURRENT])  # Rule.UNLABELLED_PUT_IS_CURRENT
            if not any(version.has_value for version in stored.versions.values()):
                labels.append(CURRENT)  # Rule.FIRST_VERSION_IS_CURRENT
            self._add(stored, token, request)
            for label in labels:
                stored.attach(label, token)  # Rule.PUT_TAKES_LABELS
        return {
            "ARN": _arn(stored.name), "Name": stored.name, "VersionId": token,
            "VersionStages": sorted(stored.versions[token].labels),
        }  # fmt: skip

    def _add(self, stored: Stored, token: str, request: Mapping[str, Any]) -> None:
        """Rule.KEEPS_A_HUNDRED, Rule.TOO_MANY: all versions of a test are of the last 24 hours."""
        if len(request.get("SecretString", "").encode()) > LONGEST_VALUE:
            raise Refusal("ValidationException", "too long")
        if len(stored.versions) >= self.longest:
            raise Refusal("LimitExceededException", Rule.TOO_MANY)
        stored.versions[token] = Version(
            request.get("SecretString"), request.get("SecretBinary"), float(next(self._clock))
        )

    def _UpdateSecretVersionStage(self, request: dict[str, Any]) -> dict[str, Any]:
        stored, label = self._writable(request), request["VersionStage"]
        to, away_from, holder = request.get("MoveToVersionId"), request.get("RemoveFromVersionId"), None
        for version in (to, away_from):
            if version is not None and version not in stored.versions:
                raise Refusal("ResourceNotFoundException", "no such version")
        holder = stored.holder(label)
        if away_from != holder and (away_from is not None or (holder is not None and holder != to)):
            raise Refusal("InvalidParameterException", Rule.COMPARE_AND_SWAP)
        if to is not None:
            stored.attach(label, to)
        elif holder is not None:
            stored.versions[holder].labels.remove(label)  # Rule.NO_LABEL_IS_DEPRECATED
        return {"ARN": _arn(stored.name), "Name": stored.name}

    def _GetSecretValue(self, request: dict[str, Any]) -> dict[str, Any]:
        stored = self._find(request)
        if stored.about.get("DeletedDate"):
            raise Refusal("InvalidRequestException", Rule.DELETED_IS_CLOSED)
        name, label = request.get("VersionId"), request.get("VersionStage")
        by_label = stored.holder(label or CURRENT)  # Rule.READ_GIVES_CURRENT
        if name and label and by_label != name:
            raise Refusal("InvalidRequestException", Rule.READ_BOTH_AGREE)
        found = stored.versions.get(name or by_label or "")
        if found is None or not found.has_value:
            raise Refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret value.")
        value = {"SecretString": found.text} if found.text is not None else {"SecretBinary": found.binary}
        return {
            "ARN": _arn(stored.name), "Name": stored.name, "VersionId": name or by_label, **value,
            "VersionStages": sorted(found.labels), "CreatedDate": found.created,
        }  # fmt: skip

    def _DescribeSecret(self, request: dict[str, Any]) -> dict[str, Any]:
        stored = self._find(request)
        labelled = {name: sorted(one.labels) for name, one in stored.versions.items() if one.labels}
        return {
            "ARN": _arn(stored.name), "Name": stored.name, "VersionIdsToStages": labelled, **stored.about,
        }  # fmt: skip  # Rule.DESCRIBE_TELLS_LABELLED

    def _ListSecretVersionIds(self, request: dict[str, Any]) -> dict[str, Any]:
        stored = self._find(request)
        told = [
            {"VersionId": name, "VersionStages": sorted(one.labels), "CreatedDate": one.created}
            for name, one in stored.versions.items()
            if one.has_value  # Rule.LIST_TELLS_VALUES
            and (one.labels or request.get("IncludeDeprecated"))  # Rule.LIST_LEAVES_DEPRECATED_OUT
        ]
        return _page(request, "Versions", told) | {"ARN": _arn(stored.name), "Name": stored.name}

    def _ListSecrets(self, request: dict[str, Any]) -> dict[str, Any]:
        prefixes = [value for one in request.get("Filters", []) if one["Key"] == "name" for value in one["Values"]]
        names = [name for name in self.stored if not prefixes or any(name.startswith(one) for one in prefixes)]
        return _page(request, "SecretList", [{"ARN": _arn(name), "Name": name} for name in names])


def _page(request: Mapping[str, Any], name: str, found: list[Any], size: int = 5) -> dict[str, Any]:
    """Small pages, so that whoever forgets the next one is found out."""
    start = int(request.get("NextToken") or 0)
    more = {"NextToken": str(start + size)} if start + size < len(found) else {}
    return {name: found[start : start + size], **more}


def _token(request: Mapping[str, Any]) -> str:
    token = str(request.get("ClientRequestToken", ""))
    if len(token) not in TOKEN_LENGTH:
        raise Refusal("InvalidParameterException", "ClientRequestToken must be 32-64 characters long.")
    return token


def _arn(name: str) -> str:
    return f"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}-AbCdEf"


def _handler(service: StrictSecretsManager) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: two wait for each other

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            fault = service.next_fault(operation)
            if fault is Fault.THROTTLED:
                return self._say(400, _error("ThrottlingException", "Rate exceeded"), {"Retry-After": "1"})
            if fault is Fault.REDIRECTED:
                return self._say(307, b"", {"Location": f"http://127.0.0.2:{self.server.server_port}/"})  # type: ignore[attr-defined]
            try:
                status, reply = 200, json.dumps(service.answer(operation, json.loads(body))).encode()
            except Refusal as refusal:
                status, reply = 400, _error(refusal.code, refusal.why)
            if fault is Fault.LOST:
                self.close_connection = True
                return None
            if fault is Fault.FAILED_AFTER:
                status, reply = 500, _error("InternalServiceError", "An error occurred on the server side.")
            return self._say(status, reply, {})

        def _say(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    return Handler


def _error(code: str, message: str) -> bytes:
    return json.dumps({"__type": code, "message": message}).encode()


def binary(data: bytes) -> str:
    """A binary value as it is sent."""
    return base64.b64encode(data).decode()

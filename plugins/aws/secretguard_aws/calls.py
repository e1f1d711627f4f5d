"""One call to AWS: hidden values go out and come back hidden, and every failure says what may be done about it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from secretguard.errors import RemoteError
from secretguard.secret import Secret
from secretguard.transport import changing, reading

_THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
     "RequestLimitExceeded", "TooManyRequestsException", "PriorRequestNotComplete", "SlowDown"}
)  # fmt: skip
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
NOT_KNOWN = frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"})
BAD_SIGNATURE = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_LONGEST_MESSAGE = 300
"""Characters of what AWS says that are passed on."""


class Refused(Exception):  # noqa: N818 - an answer that the caller expected
    """AWS said no for a reason that the caller asked to be told."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        """AWS's own words. They may repeat what was sent, so they are not for people."""


@dataclass(frozen=True, slots=True)
class Service:
    """One AWS service, and who asks."""

    client: Any = field(repr=False)
    host: str
    seconds: float
    error: type[RemoteError]
    key_id: str = ""
    """The access key id that it is asked with."""

    def read(self, operation: str, expected: Collection[str] = (), **arguments: object) -> dict[str, Any]:
        """Ask, and again where that may help. Raises Refused for codes in `expected`, else `error`."""
        return reading(self.host, self._call(operation, expected, arguments), seconds=self.seconds, error=self.error)

    def change(self, operation: str, expected: Collection[str] = (), **arguments: object) -> dict[str, Any]:
        """Change something, asked once. Raises Refused for codes in `expected`, else `error`."""
        return changing(self.host, self._call(operation, expected, arguments), seconds=self.seconds, error=self.error)

    def _call(
        self, operation: str, expected: Collection[str], arguments: Mapping[str, object]
    ) -> Callable[[], dict[str, Any]]:
        return lambda: self._asked(operation, expected, arguments)

    def _asked(self, operation: str, expected: Collection[str], arguments: Mapping[str, object]) -> dict[str, Any]:
        """Ask once. The failure is raised outside of the handler: botocore's own holds what was sent in its frames."""
        from botocore.exceptions import BotoCoreError, ClientError

        failure: Exception
        try:
            return _hidden(getattr(self.client, operation)(**_shown(arguments)))
        except ClientError as failed:
            failure = self._refusal(operation, failed.response, expected)
        except BotoCoreError as failed:
            failure = self._silence(failed)
        raise failure

    def _refusal(self, operation: str, reply: Any, expected: Collection[str]) -> Exception:
        """Return what an answer that is none means."""
        about, told = reply.get("ResponseMetadata", {}), reply.get("Error", {})
        code, status = str(told.get("Code", "")), int(about.get("HTTPStatusCode", 0))
        message = " ".join(str(told.get("Message", "")).split())[:_LONGEST_MESSAGE]
        what = "".join(word.capitalize() for word in operation.split("_"))
        if code in expected:
            return Refused(code, message)
        if code in _THROTTLED or status == 429:
            wait = str(about.get("HTTPHeaders", {}).get("retry-after", ""))
            return self.error(
                f"{self.host} asks to wait ({what})",
                transient=True,
                retry_after=float(wait) if wait.isdigit() else None,
            )
        if status >= 500:
            return self.error(f"{self.host} failed with status {status} ({what})", transient=True, unsure=True)
        if 300 <= status < 400:
            return self.error(f"{self.host} sends us elsewhere (status {status}), and is not followed")
        if code in _DENIED:
            return self.error(
                f"AWS does not allow {what}: {message}",
                hint="The plugin's README lists the statements that a policy needs; a KMS key has a policy of its own.",
            )
        if code in NOT_KNOWN | BAD_SIGNATURE | EXPIRED:
            return self.error(
                f"AWS does not accept the credentials that {what} was asked with ({code})",
                hint="Look at AWS_PROFILE and AWS_ACCESS_KEY_ID, whether they have expired, and at your clock.",
            )
        full = "Limit" in code
        return self.error(
            f"AWS refuses {what} ({code or status})",
            hint="A quota is used up. Of versions AWS keeps 100 and all of the last 24 hours." if full else "",
        )

    def _silence(self, failed: Exception) -> Exception:
        """Return what it means that no answer came."""
        from botocore import exceptions as known

        if isinstance(failed, known.SSLError):
            return self.error(
                f"the certificate of {self.host} is not trusted", hint="AWS_CA_BUNDLE names a file of authorities."
            )
        if isinstance(failed, known.ConnectTimeoutError):
            return self.error(f"{self.host} cannot be reached in time", transient=True)
        if isinstance(failed, known.EndpointConnectionError | known.ProxyConnectionError):
            return self.error(f"{self.host} cannot be reached", transient=True)
        if isinstance(failed, known.HTTPClientError | known.ResponseStreamingError):
            return self.error(f"{self.host} broke off its answer", transient=True, unsure=True)
        if type(failed).__name__ == "ResponseParserError":
            return self.error(f"{self.host} sent an answer that is none of AWS's", transient=True, unsure=True)
        return self.error(
            f"your AWS credentials cannot be used ({type(failed).__name__})",
            hint="`aws sts get-caller-identity` shows whether the AWS command line can use them.",
        )


def _shown(arguments: Mapping[str, object]) -> dict[str, object]:
    """Return arguments as they are sent."""
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in arguments.items()}


def _hidden(reply: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reply with its values hidden; of a binary one only that it is there."""
    hidden: dict[str, Any] = {}
    for name, value in reply.items():
        if name in ("SecretString", "SecretAccessKey"):
            hidden[name] = Secret(value)
        elif name == "SecretBinary":
            hidden[name] = Secret("")
        else:
            hidden[name] = _hidden(value) if isinstance(value, dict) and name == "AccessKey" else value
    return hidden

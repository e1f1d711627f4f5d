"""What each server says to the leaked value, and whether anybody is there at all where none says it plainly."""

import re
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from secretguard.errors import UsageError
from secretguard.interfaces import Rotator
from secretguard.model import Endpoint
from secretguard.rotate.servers import Server, said
from secretguard.rotate.wording import without_values
from secretguard.rotation import Answer, Context, Login, Proof, Target
from secretguard.transport import is_off_limits

_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]+){3}|::1|host\.docker\.internal")
_ASKED_AT_ONCE = 8
_SECONDS_TO_KNOCK = 5.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What one server says to the leaked value."""

    endpoint: Endpoint
    answer: Answer
    words: str = ""

    def __str__(self) -> str:
        return Proof(((said(self.endpoint), self.answer, self.words),)).evidence[0]

    @property
    def is_elsewhere(self) -> bool:
        """Whether a loopback name is another machine's: nobody listens there on this one, and that is certain."""
        return bool(
            self.answer is Answer.UNKNOWN and _LOOPBACK.fullmatch(self.endpoint.host) and nobody_listens(self.endpoint)
        )

    @property
    def is_somebody(self) -> bool:
        """Whether somebody is there, whatever is said."""
        return self.answer is not Answer.UNKNOWN or answers(self.endpoint)


def probed(rotator: Rotator, target: Target, context: Context) -> list[Heard]:
    """Try the leaked value at each endpoint; what a server says is told without the value."""

    def heard(endpoint: Endpoint, proof: Proof) -> Heard:
        _, answer, words = proof.answers[0] if proof.answers else ("", Answer.UNKNOWN, "")
        return Heard(endpoint, answer, *without_values((words,), (target.leaked.secret,)))

    proofs = _each(rotator, target, target.leaked, context)
    return [heard(endpoint, proof) for endpoint, proof in zip(target.endpoints, proofs, strict=True)]


def proven(rotator: Rotator, target: Target, login: Login, context: Context) -> Proof:
    """Return what every server says to a login: as `verify` does, but several are asked at a time.

    The dead ones take their time to say nothing.
    """
    if len(target.endpoints) < 2:
        return rotator.verify(target, login, context)
    answers = (one for proof in _each(rotator, target, login, context) for one in proof.answers)
    return Proof(tuple(dict.fromkeys(answers)))  # several endpoints may lead to one server


def _each(rotator: Rotator, target: Target, login: Login, context: Context) -> list[Proof]:
    def ask(endpoint: Endpoint) -> Proof:
        return rotator.verify(replace(target, endpoints=(endpoint,)), login, context)

    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        return list(pool.map(ask, target.endpoints))


def silent(asked: Sequence[Server], heard: Sequence[Heard], alive: Sequence[Endpoint]) -> list[Endpoint]:
    """Return which servers are to be left out of the proof; raises UsageError for one that answers, whatever it says.

    `alive`: where the leaked value was seen to work. At one server of these it has to be seen to be dead.
    """
    chosen = [one for one in heard if any(server.covers(one.endpoint) for server in asked)]
    for one in chosen:
        if one.answer is Answer.WORKS:
            raise UsageError(
                f"{said(one.endpoint)} lets the leaked value in: it cannot be left out",
                hint="Nothing was done. Leave out only what never answers.",
            )
        if one.is_somebody:
            raise UsageError(
                f"{said(one.endpoint)} answers, so it is not left out{': ' * bool(one.words)}{one.words}",
                hint="Nothing was done; name the others. A server that is no more is switched off first.",
            )
    endpoints = [one.endpoint for one in chosen]
    if endpoints and not [one for one in alive if one not in endpoints]:
        raise UsageError(
            "no server would be left at which the leaked value is seen to be dead",
            hint="Nothing was done. A rotation closes only when at least one server refuses the leaked value.",
        )
    return endpoints


def nobody_listens(endpoint: Endpoint) -> bool:
    """Whether every address of a server refuses the connection, or there is no such name here."""
    return all(isinstance(one, ConnectionRefusedError) for one in _knocked(endpoint))


def answers(endpoint: Endpoint) -> bool:
    """Whether something takes a connection there."""
    return any(one is None for one in _knocked(endpoint))


def _knocked(endpoint: Endpoint) -> Iterable[OSError | None]:
    """Yield what came of a connection to each address of a server that may be contacted; None: it was taken."""
    if endpoint.port is None:
        yield OSError("nobody says at which port")
        return
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError, OverflowError) as error:
        if not (isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME):
            yield OSError("nobody knows its address")
        return
    for address in dict.fromkeys(str(entry[4][0]) for entry in found):
        if is_off_limits(address):
            yield OSError("nothing may be asked there")
            continue
        try:
            socket.create_connection((address, endpoint.port), timeout=_SECONDS_TO_KNOCK).close()
        except OSError as error:
            yield error
        else:
            yield None

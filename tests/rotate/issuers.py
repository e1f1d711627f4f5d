"""An issuer of our own on disk: it outlives a rotation that is killed, and can fail at any call.

Two kinds, as real ones are: one login with one password (`Passwords`), and keys of which there may be many (`Keys`).
"""

import json
import secrets
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Found, Login, Overlap, Preflight, Proof, Target, Usage
from secretguard.secret import Secret

Trouble = Callable[[str, int], IssuerError | None]
"""By call and how often it was made: what goes wrong."""


class Issuer:
    """What both kinds share: a file of state, and trouble before or after the effect of a call."""

    kinds: tuple[str, ...] = ()
    families: tuple[str, ...] = ("postgres",)

    def __init__(self, folder: Path) -> None:
        self.file = folder / "issuer.json"
        self.calls: Counter[str] = Counter()
        self.before: Trouble = lambda call, number: None
        self.after: Trouble = lambda call, number: None
        self.silent: set[str] = set()
        """Hosts that do not answer."""
        self.open: set[str] = set()
        """Hosts that let everybody in."""
        self.told: dict[str, list[str]] = {}
        """By host: the values that were tried there."""

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text("utf-8")) if self.file.exists() else {}
        return found

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        self.file.write_text(json.dumps(value), "utf-8")

    def _begin(self, call: str) -> None:
        self.calls[call] += 1
        if error := self.before(call, self.calls[call]):
            raise error

    def _end(self, call: str) -> None:
        if error := self.after(call, self.calls[call]):
            raise error

    def preflight(self, target: Target, context: Context) -> Preflight:
        self._begin("preflight")
        return Preflight(("sets another value",))

    def usage(self, target: Target, new: Login, context: Context) -> Usage:
        self._begin("usage")
        return Usage(self.state.get("users", 0), ("sessions of the old value",))

    def destroy(self, target: Target, new: Login, context: Context) -> tuple[str, ...]:
        self._begin("destroy")
        self._end("destroy")
        return ("removed",)

    def _proof(self, target: Target, login: Login, answer: Answer) -> Proof:
        for one in target.endpoints:
            self.told.setdefault(one.host, []).append(login.secret.reveal())
        return Proof(tuple((f"{one.host}:{one.port}", self._at(one.host, answer), "") for one in target.endpoints))

    def _at(self, host: str, answer: Answer) -> Answer:
        return Answer.WORKS if host in self.open else Answer.UNKNOWN if host in self.silent else answer


class Passwords(Issuer):
    """One login, one password: what is set ends what was."""

    def overlap(self, target: Target, context: Context) -> Overlap:
        return Overlap.NONE

    def make(self, target: Target, context: Context) -> Login | None:
        return Login(target.leaked.user, Secret(secrets.token_urlsafe(24)))

    def reconcile(self, target: Target, new: Login | None, context: Context) -> Found:
        self._begin("reconcile")
        in_force = new is not None and self.state.get("password") == new.secret.reveal()
        return Found.ISSUED if in_force else Found.NOTHING

    def issue(self, target: Target, new: Login | None, context: Context) -> Login:
        assert new is not None
        self._begin("issue")
        self.state = self.state | {"password": new.secret.reveal()}
        self._end("issue")
        return new

    def verify(self, target: Target, login: Login, context: Context) -> Proof:
        self._begin("verify")
        works = self.state.get("password") == login.secret.reveal()
        return self._proof(target, login, Answer.WORKS if works else Answer.REFUSED)

    def disable(self, target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
        self._begin("disable")
        self._end("disable")
        return ("nobody is in with the old value",)

    def withdraw(self, target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
        raise AssertionError("never called where there is no overlap")


class Keys(Issuer):
    """Many keys, each made by the issuer and shown once, under a name of ours."""

    def overlap(self, target: Target, context: Context) -> Overlap:
        return Overlap.MANY

    def make(self, target: Target, context: Context) -> Login | None:
        return None

    def reconcile(self, target: Target, new: Login | None, context: Context) -> Found:
        self._begin("reconcile")
        mine = [key for key in self._keys() if key["name"] == context.name]
        if not mine:
            return Found.NOTHING
        known = new is not None and any(key["value"] == new.secret.reveal() for key in mine)
        return Found.ISSUED if known else Found.ORPHAN

    def issue(self, target: Target, new: Login | None, context: Context) -> Login:
        self._begin("issue")
        value = "key-" + secrets.token_urlsafe(24)
        self._set([*self._keys(), {"name": context.name, "value": value, "live": True}])
        self._end("issue")
        return Login(target.leaked.user, Secret(value))

    def verify(self, target: Target, login: Login, context: Context) -> Proof:
        self._begin("verify")
        works = any(key["value"] == login.secret.reveal() and key["live"] for key in self._keys())
        return self._proof(target, login, Answer.WORKS if works else Answer.REFUSED)

    def disable(self, target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
        self._begin("disable")
        old = target.leaked.secret.reveal()
        self._set([key | {"live": key["live"] and key["value"] != old} for key in self._keys()])
        self._end("disable")
        return ("the old key is disabled",)

    def withdraw(self, target: Target, new: Login | None, context: Context) -> tuple[str, ...]:
        self._begin("withdraw")
        self._set([key for key in self._keys() if key["name"] != context.name])
        self._end("withdraw")
        return (f"{context.name} is gone",)

    def withdraw_late(self, target: Target, new: Login, context: Context) -> tuple[str, ...]:
        self._begin("withdraw_late")
        late = [key for key in self._keys() if key["name"] == context.name and key["value"] != new.secret.reveal()]
        self._set([key for key in self._keys() if key not in late])
        return tuple(f"{context.name}: one that came late is gone" for _ in late)

    def make_late(self, context: Context) -> None:
        """Carry out what was asked for earlier."""
        self._set([*self._keys(), {"name": context.name, "value": secrets.token_urlsafe(24), "live": True}])

    def _keys(self) -> list[dict[str, Any]]:
        return list(self.state.get("keys", []))

    def _set(self, keys: list[dict[str, Any]]) -> None:
        self.state = self.state | {"keys": keys}

    def live(self) -> list[str]:
        return [key["value"] for key in self._keys() if key["live"]]

"""What a rotation says: plan, steps, end; for a person, or one JSON object a line."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Protocol

from secretguard.cli import console
from secretguard.model import Credential, Endpoint
from secretguard.report.places import count, distinct_places, is_current
from secretguard.report.printable import printable
from secretguard.rotate.drive import Told
from secretguard.rotate.plan import Plan
from secretguard.rotate.records import Attempt, Outcome, Rotation, State
from secretguard.rotate.servers import said
from secretguard.rotate.steps import TITLES, Step
from secretguard.rotation import Mode, Target

_MODES = {
    Mode.BREACH: "breach: the leaked value dies as soon as the new one works; its users wait for it",
    Mode.GRACEFUL: "graceful: the leaked value lives until nobody uses it any more; nobody is interrupted",
}
_MARKS = {Outcome.DONE: "done ", Outcome.FAILED: "FAILED", Outcome.WAITS: "waits"}
_MOST_PLACES = 20


class Teller(Protocol):
    """Says what happens. Once a rotation has begun it goes on although nobody hears: only `plan` raises."""

    def plan(self, plan: Plan, target: Target, title: str, mode: Mode) -> None:
        """Say what will happen."""
        ...

    def starting(self, step: Step) -> None:
        """Say what happens now."""
        ...

    def step(self, told: Told) -> None:
        """Say how a step ended."""
        ...

    def ended(self, rotation: Rotation, left: Credential | None) -> None:
        """Say how the rotation stands, and where the old value still stands in the code."""
        ...


class TextTeller:
    """For a person."""

    def plan(self, plan: Plan, target: Target, title: str, mode: Mode) -> None:
        """See `Teller`."""
        _say(f"Plan for {target.credential}: {title}{_of(target)}")
        _say(f"  mode     {_MODES[mode]}")
        _say(f"  rotator  {plan.rotator}")
        _say(f"  store    {plan.reference}")
        for endpoint in plan.endpoints:
            works = "the leaked value works there" if endpoint in plan.alive else "not shown to work there"
            works = "left out of the proof" if endpoint in plan.left_out else works
            _say(f"  server   {said(endpoint)} ({works})")
        _say("  in this order")
        for number, step in enumerate(plan.steps, 1):
            _say(f"    {number:2}. {TITLES[step]}")
        _list("  what it does", plan.effects)
        _list("  to know", [_with_hint(one.what, one.hint) for one in plan.findings if not one.stops])
        _list("  TO BE GRANTED", [_with_hint(one.what, one.hint) for one in plan.obstacles if one.grantable])
        _list("  IN THE WAY", [_with_hint(one.what, one.hint) for one in plan.flaws])

    def starting(self, step: Step) -> None:
        """See `Teller`; on a terminal, on the line that the step's end is written over."""
        if all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr)):
            with suppress(OSError):
                sys.stderr.write(f"…      {TITLES[step]}\r")
                sys.stderr.flush()

    def step(self, told: Told) -> None:
        """See `Teller`."""
        with console.heard_or_not():
            _say(f"{_MARKS[told.outcome]}  {TITLES[told.step]}")
            if told.outcome is Outcome.DONE:
                for line in told.evidence:
                    _say(f"       {line}")

    def ended(self, rotation: Rotation, left: Credential | None) -> None:
        """See `Teller`."""
        with console.heard_or_not():
            for line in _ended(rotation, left):
                _say(line)


class JsonTeller:
    """One object a line."""

    def plan(self, plan: Plan, target: Target, title: str, mode: Mode) -> None:
        """See `Teller`."""
        _write(
            "plan",
            credential=target.credential,
            title=title,
            user=target.leaked.user,
            mode=str(mode),
            rotator=plan.rotator,
            reference=str(plan.reference),
            endpoints=[
                _endpoint(one) | {"works": one in plan.alive, "left_out": one in plan.left_out}
                for one in plan.endpoints
            ],
            steps=[str(step) for step in plan.steps],
            effects=list(plan.effects),
            findings=[
                {"what": one.what, "hint": one.hint, "stops": one.stops, "grantable": one.grantable}
                for one in plan.findings
            ],
        )

    def starting(self, step: Step) -> None:
        """See `Teller`."""

    def step(self, told: Told) -> None:
        """See `Teller`."""
        with console.heard_or_not():
            _write(
                "step",
                rotation=told.rotation,
                credential=told.credential,
                step=str(told.step),
                outcome=str(told.outcome),
                evidence=list(told.evidence),
                at=told.at,
            )

    def ended(self, rotation: Rotation, left: Credential | None) -> None:
        """See `Teller`."""
        with console.heard_or_not():
            _write("end", **rotation_json(rotation), places=_places(left, most=None) if left else [])


def rotation_json(rotation: Rotation, attempts: Sequence[Attempt] = ()) -> dict[str, object]:
    """Return a rotation as the JSON formats say it; without values, as the journal is."""
    document: dict[str, object] = {
        "rotation": rotation.id,
        "credential": rotation.credential,
        "title": rotation.title,
        "user": rotation.user,
        "endpoints": [_endpoint(one) | {"worked": one in rotation.alive} for one in rotation.endpoints],
        "rotator": rotation.rotator,
        "reference": rotation.reference,
        "mode": str(rotation.mode),
        "deliver": rotation.deliver or None,
        "state": str(rotation.state),
        "note": rotation.note,
        "actor": rotation.actor,
        "began": rotation.began,
        "rotated_at": rotation.rotated_at or None,
        "left_out": [
            _endpoint(one.endpoint) | {"reason": one.reason, "actor": one.actor, "at": one.at}
            for one in rotation.left_out
        ],
    }
    if attempts:
        document["steps"] = [
            {
                "step": one.step,
                "outcome": str(one.outcome) if one.outcome else None,
                "began": one.began,
                "ended": one.ended or None,
                "actor": one.actor,
                "evidence": list(one.evidence),
            }
            for one in attempts
        ]
    return document


def write_status(rotations: Sequence[Rotation], *, as_json: bool) -> None:
    """Print one line, or one object, a rotation."""
    if as_json:
        for one in rotations:
            _write("status", **rotation_json(one))
        return
    rows = [
        (
            one.id, one.credential, str(one.state), one.began, one.actor,
            "; ".join((one.note or one.reference, *_left_out(one))),
        )
        for one in rotations
    ]  # fmt: skip
    console.print_table(("rotation", "credential", "state", "began", "by", "note"), rows)


def write_report(rotation: Rotation, attempts: Sequence[Attempt], *, as_json: bool) -> None:
    """Print the whole story of a rotation."""
    if as_json:
        _write("report", **rotation_json(rotation, attempts))
        return
    _say(f"{rotation.id}: {rotation.title}, {rotation.credential}")
    _say(f"  state      {rotation.state}{': ' + rotation.note if rotation.note else ''}")
    _say(f"  login      {rotation.user or '(none)'}")
    for endpoint in rotation.endpoints:
        _say(f"  server     {said(endpoint)}")
    for left in rotation.left_out:
        _say(f"  left out   {said(left.endpoint)} by {left.actor} at {left.at}, not proven dead: {left.reason}")
    _say(f"  new value  {rotation.reference}")
    _say(f"  mode       {rotation.mode}")
    if rotation.deliver:
        _say(f"  code       {rotation.deliver} for {', '.join(rotation.repositories)}")
    _say(f"  began      {rotation.began} by {rotation.actor}")
    if rotation.rotated_at:
        _say(
            f"  in force   {rotation.rotated_at}; what was started before then and holds the old value needs a restart"
        )
    for one in attempts:
        title = TITLES[Step(one.step)] if one.step in set(Step) else one.step
        _say(f"  {one.ended or one.began}  {one.outcome or 'cut off'}: {title}")
        for line in one.evidence:
            _say(f"      {line}")


def _ended(rotation: Rotation, left: Credential | None) -> Iterator[str]:
    """Yield how a rotation stands, and where its dead value still is."""
    if rotation.state is not State.CLOSED:
        yield f"{rotation.id} is {rotation.state}{': ' + rotation.note if rotation.note else ''}"
        return
    dead = "dead at every other server" if rotation.left_out else "dead"
    dead += " as far as it can be seen" if rotation.note else ""
    yield from (*_left_out(rotation), *([rotation.note] if rotation.note else []))
    yield f"{rotation.id} is closed: {rotation.credential} is {dead}, the new value is at {rotation.reference}."
    if left is not None:
        yield _still_there(left)
        yield from (f"  {line}" for line in _places(left))


def _left_out(rotation: Rotation) -> list[str]:
    return [f"not proven dead at {said(one.endpoint)}: left out because {one.reason}" for one in rotation.left_out]


def _still_there(left: Credential) -> str:
    current = len({place.location.path for place in distinct_places(left) if is_current(place.location)})
    where = f"{count(current, 'current file')}" if current else "history only"
    return f"The dead value still stands in {count(len(distinct_places(left)), 'place')} ({where}):"


def _places(left: Credential, most: int | None = _MOST_PLACES) -> list[str]:
    places = [f"{one.location.path}:{one.match.line}" for one in distinct_places(left)]
    if most is not None and len(places) > most:
        return [*places[:most], f"and {len(places) - most:,} more; `secretguard show {left.id}` lists them"]
    return places


def _of(target: Target) -> str:
    where = target.endpoints[0].host if target.endpoints else ""
    return f", {target.leaked.user}@{where}" if target.leaked.user and where else ""


def _with_hint(what: str, hint: str) -> str:
    return f"{what} ({hint})" if hint else what


def _list(title: str, lines: Sequence[str]) -> None:
    if lines:
        _say(title)
    for line in lines:
        _say(f"    - {line}")


def _say(text: str) -> None:
    console.echo(printable(text))


def _endpoint(one: Endpoint) -> dict[str, object]:
    return {"host": one.host, "port": one.port, "database": one.database}


def _write(event: str, **details: object) -> None:
    document = {"schema": "secretguard.rotate/1", "event": event, **details}
    console.echo(json.dumps(document, ensure_ascii=True))

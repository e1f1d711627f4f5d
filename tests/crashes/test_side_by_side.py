"""Many rotations at once on one server keep what one keeps, and those that meet on one credential do not cross."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from secretguard.errors import IssuerError, Waiting
from secretguard.reference import parse_reference
from secretguard.rotation import Context
from secretguard.stores import local
from tests.crashes.rotating import Spec, home, of_login, rotate_here, rotate_with
from tests.servers.postgres import Postgres
from tests.servers.strict_iam import StrictIam

MANY = 200


def spec_of(server: Postgres, number: int, folder: Path, role: tuple[str, str]) -> Spec:
    return of_login(
        server, role, home(folder), f"ref+local://app-{number}#/DATABASE_URL",
        credential=f"sg_{number:012x}", rotation=f"rot_{number:016x}",
    )  # fmt: skip


def all_at_once(calls: list[Callable[[], None]]) -> list[Exception]:
    """Run each call in a thread of its own; return what they raised."""
    raised: list[Exception] = []

    def guarded(call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=guarded, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_two_hundred_rotations_side_by_side(postgres_with_statistics: Postgres, tmp_path: Path) -> None:
    server = postgres_with_statistics
    specs = [spec_of(server, number, tmp_path, server.role()) for number in range(MANY)]
    assert all_at_once([lambda one=spec: rotate_here(one) for spec in specs]) == []  # type: ignore[misc]
    for spec in specs:
        fields = local.read(parse_reference(spec.reference), Context(spec.environ))
        assert fields is not None
        password = fields["password"].reveal()
        assert server.lets_in(spec.user, password)
        assert not server.lets_in(spec.user, spec.old)
        assert password not in server.log


def test_ten_responders_on_one_credential_make_one_rotation(postgres: Postgres, tmp_path: Path) -> None:
    spec = spec_of(postgres, 1, tmp_path, postgres.role())
    raised = all_at_once([lambda: rotate_here(spec)] * 10)
    assert {type(error) for error in raised} <= {Waiting}
    reference, context = parse_reference(spec.reference), Context(spec.environ)
    fields = local.read(reference, context)
    assert fields is not None
    assert postgres.lets_in(spec.user, fields["password"].reveal())
    assert not postgres.lets_in(spec.user, spec.old)
    assert len([one for one in local.versions(reference, context) if one.state != "destroyed"]) == 1


def test_what_was_cut_off_on_one_host_does_not_end_what_another_one_did(postgres: Postgres, tmp_path: Path) -> None:
    """Both have an operator's login: the second died before it set the password, and goes on after the first closed."""
    role = postgres.role()
    first, second = (
        replace(spec_of(postgres, number, tmp_path / f"host{number}", role), admin=postgres.operator)
        for number in (1, 2)
    )
    for spec in (first, second):
        Path(spec.environ["HOME"]).mkdir()

    def dies(name: str, after: bool) -> None:
        if (name, after) == ("rotator.issue", False):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate_with(second, dies)
    rotate_here(first)
    with pytest.raises(IssuerError, match="refuses the leaked login"):
        rotate_here(second)
    fields = local.read(parse_reference(first.reference), Context(first.environ))
    assert fields is not None
    assert postgres.lets_in(role[0], fields["password"].reveal())


def test_a_key_that_a_colleague_made_meanwhile_is_not_taken_for_ours(strict_iam: StrictIam, tmp_path: Path) -> None:
    leaked, admin = strict_iam.user("deploy"), strict_iam.user("admin", administrator=True)
    environ = home(tmp_path) | strict_iam.environ(admin)
    spec = Spec("aws", "aws", "aws-access-key", leaked.id, leaked.secret, "ref+local://app", environ)
    strict_iam.denied.add("CreateAccessKey")
    with pytest.raises(IssuerError, match="does not allow"):
        rotate_here(spec)
    strict_iam.denied.clear()
    colleague = strict_iam.key("deploy", age=timedelta())
    with pytest.raises(IssuerError, match="no third"):
        rotate_here(spec)
    assert strict_iam.of("deploy") == {leaked.id: True, colleague.id: True}


def test_two_journals_on_two_hosts_do_not_undo_each_other(postgres: Postgres, tmp_path: Path) -> None:
    """Without a journal in common, what the first one did is seen at the server: the second changes nothing."""
    role = postgres.role()
    first, second = (spec_of(postgres, number, tmp_path / f"host{number}", role) for number in (1, 2))
    for spec in (first, second):
        Path(spec.environ["HOME"]).mkdir()
    raised = all_at_once([lambda: rotate_here(first), lambda: rotate_here(second)])
    winners = []
    for spec in (first, second):
        fields = local.read(parse_reference(spec.reference), Context(spec.environ))
        if fields is not None and postgres.lets_in(spec.user, fields["password"].reveal()):
            winners.append(spec)
    assert len(winners) == 1
    assert len(raised) == 1
    assert not postgres.lets_in(*role)

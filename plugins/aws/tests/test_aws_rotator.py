"""An IAM access key is replaced: by somebody else than itself, in two slots, and nobody's key is taken for ours."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import secretguard_aws.rotator as rotator
from secretguard_aws import session

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Found, Login, Overlap, Target, Unanswered
from secretguard.secret import Secret
from secretguard.testing.exposure import exposure
from secretguard.testing.stores import a_rotation
from tests.servers.strict_iam import Key, StrictIam
from tests.servers.strict_secretsmanager import Fault


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """News spreads by requests in the imitation, not by seconds."""
    monkeypatch.setattr(rotator, "_PAUSE", 0.01)
    monkeypatch.setattr(rotator, "SECONDS_TO_SPREAD", 20.0)


class World:
    """A user whose key leaked, and an administrator."""

    def __init__(self, iam: StrictIam) -> None:
        self.iam = iam
        self.leaked = iam.user("deploy")
        self.admin = iam.user("admin", administrator=True)
        self.target = target_of(self.leaked)

    def context(self, environ: Mapping[str, str] | None = None, rotated_at: str | None = None) -> Context:
        return Context(
            environ=environ if environ is not None else self.iam.environ(self.admin),
            rotation=a_rotation(),
            rotated_at=rotated_at or now(),
            unanswered=(Unanswered(rotated_at or now()),),
        )

    def by(self, key: Key) -> set[str]:
        """What was asked for with a key."""
        return {action for who, action in self.iam.requests if who == key.id}


@pytest.fixture
def world(strict_iam: StrictIam) -> World:
    return World(strict_iam)


def target_of(key: Key, admin: Secret | None = None) -> Target:
    leaked = Login(key.id, Secret(key.secret), key.id)
    return Target("sg_0123456789ab", "aws-access-key", "aws", leaked, (), admin=admin)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def answer(world: World, login: Login, context: Context) -> Answer:
    ((_, said, _),) = rotator.verify(world.target, login, context).answers
    return said


def stops(world: World, context: Context, target: Target | None = None) -> str:
    found = rotator.preflight(target or world.target, context)
    assert found.effects == ()
    return " ".join(one.what for one in found.findings if one.stops)


def test_a_leaked_key_is_replaced_seen_dead_and_deleted(world: World) -> None:
    context = world.context()
    assert rotator.overlap(world.target, context) is Overlap.TWO
    plan = rotator.preflight(world.target, context)
    assert not plan.stopped
    assert len(plan.effects) == 3
    assert rotator.make(world.target, context) is None
    assert rotator.reconcile(world.target, None, context) is Found.NOTHING
    new = rotator.issue(world.target, None, context)
    assert rotator.reconcile(world.target, new, context) is Found.ISSUED
    assert answer(world, new, context) is Answer.WORKS
    assert answer(world, world.target.leaked, context) is Answer.WORKS
    rotator.disable(world.target, new, context)
    assert world.iam.of("deploy") == {world.leaked.id: False, new.user: True}
    assert answer(world, world.target.leaked, context) is Answer.REFUSED
    rotator.destroy(world.target, new, context)
    assert world.iam.of("deploy") == {new.user: True}
    assert answer(world, world.target.leaked, context) is Answer.REFUSED
    assert answer(world, new, context) is Answer.WORKS


def test_the_leaked_key_only_says_who_it_is(world: World) -> None:
    context = world.context()
    rotator.preflight(world.target, context)
    new = rotator.issue(world.target, None, context)
    rotator.disable(world.target, new, context)
    rotator.destroy(world.target, new, context)
    assert world.by(world.leaked) == {"GetCallerIdentity"}


def test_each_step_may_be_repeated(world: World) -> None:
    context = world.context()
    new = rotator.issue(world.target, None, context)
    assert rotator.issue(world.target, new, context) is new
    for _ in range(2):
        rotator.disable(world.target, new, context)
    for _ in range(2):
        rotator.destroy(world.target, new, context)
    assert rotator.disable(world.target, new, context)
    assert world.iam.of("deploy") == {new.user: True}


def test_a_plan_has_no_effects(world: World) -> None:
    rotator.preflight(world.target, world.context())
    asked = {action for _, action in world.iam.requests}
    assert asked == {"GetCallerIdentity", "ListAccessKeys", "GetAccessKeyLastUsed"}


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.FAILED_AFTER], ids=lambda fault: fault.name)
def test_a_key_whose_answer_was_lost_is_found_and_taken_back(world: World, fault: Fault) -> None:
    context = world.context()
    world.iam.fails("CreateAccessKey", fault)
    with pytest.raises(IssuerError) as failed:
        rotator.issue(world.target, None, context)
    assert failed.value.unsure
    assert [action for _, action in world.iam.requests].count("CreateAccessKey") == 1
    assert len(world.iam.of("deploy")) == 2
    assert rotator.reconcile(world.target, None, context) is Found.ORPHAN
    rotator.withdraw(world.target, None, context)
    assert world.iam.of("deploy") == {world.leaked.id: True}
    assert rotator.reconcile(world.target, None, context) is Found.NOTHING
    assert rotator.issue(world.target, None, context).user in world.iam.of("deploy")


def test_a_throttled_request_made_nothing_and_says_how_to_go_on(world: World) -> None:
    world.iam.fails("CreateAccessKey", Fault.THROTTLED)
    with pytest.raises(IssuerError) as failed:
        rotator.issue(world.target, None, world.context())
    assert (failed.value.transient, failed.value.unsure) == (True, False)
    assert world.iam.of("deploy") == {world.leaked.id: True}


def test_a_key_made_before_the_rotation_is_somebody_elses(world: World) -> None:
    world.iam.key("deploy", age=timedelta(minutes=2))
    context = world.context()
    assert rotator.reconcile(world.target, None, context) is Found.NOTHING
    rotator.withdraw(world.target, None, context)
    assert len(world.iam.of("deploy")) == 2


def test_a_key_is_ours_only_if_it_was_made_while_we_had_no_reply(world: World) -> None:
    colleague = world.iam.key("deploy", age=timedelta(minutes=10))
    asked = datetime.now(UTC) - timedelta(minutes=20)
    for unanswered, found in (
        ((), Found.NOTHING),
        ((Unanswered(asked.isoformat()),), Found.NOTHING),
        ((Unanswered(asked.isoformat(), (asked + timedelta(minutes=1)).isoformat()),), Found.NOTHING),
        ((Unanswered((asked + timedelta(minutes=9)).isoformat()),), Found.ORPHAN),
    ):
        context = replace(world.context(), unanswered=unanswered)
        assert rotator.reconcile(world.target, None, context) is found
    rotator.withdraw(world.target, None, replace(world.context(), unanswered=()))
    assert colleague.id in world.iam.of("deploy")


def test_a_key_that_was_used_is_somebody_elses_however_new(world: World) -> None:
    context = world.context()
    colleague = world.iam.key("deploy", age=timedelta())
    assert rotator.reconcile(world.target, None, context) is Found.ORPHAN
    colleague.used = world.iam.now()
    assert rotator.reconcile(world.target, None, context) is Found.NOTHING
    rotator.withdraw(world.target, None, context)
    assert colleague.id in world.iam.of("deploy")


def test_the_clock_of_aws_decides_what_is_new(world: World) -> None:
    world.iam.ahead = timedelta(minutes=-4)
    colleague = world.iam.key("deploy", age=timedelta(minutes=1))
    context = world.context()
    assert rotator.reconcile(world.target, None, context) is Found.NOTHING
    world.iam.users["deploy"].keys.remove(colleague.id)
    world.iam.fails("CreateAccessKey", Fault.LOST)
    with pytest.raises(IssuerError):
        rotator.issue(world.target, None, context)
    assert rotator.reconcile(world.target, None, context) is Found.ORPHAN


def test_a_wrong_clock_is_not_taken_for_a_dead_key(world: World) -> None:
    world.iam.ahead = timedelta(hours=1)
    assert answer(world, world.target.leaked, world.context()) is Answer.UNKNOWN


def test_a_wrong_secret_is_refused(world: World) -> None:
    wrong = Login(world.leaked.id, Secret(world.admin.secret))
    assert answer(world, wrong, world.context()) is Answer.REFUSED


def test_no_answer_is_no_proof(world: World) -> None:
    context = world.context(world.iam.environ(world.admin, AWS_ENDPOINT_URL="http://127.0.0.1:9"))
    assert answer(world, world.target.leaked, context) is Answer.UNKNOWN


def test_a_new_key_is_given_time_to_become_known(world: World) -> None:
    world.iam.lag = 3
    context = world.context()
    new = rotator.issue(world.target, None, context)
    assert answer(world, new, context) is Answer.WORKS


def test_a_leaked_key_is_waited_for_until_it_is_refused_everywhere(world: World) -> None:
    context = world.context()
    new = rotator.issue(world.target, None, context)
    world.iam.lag = 3
    evidence = rotator.disable(world.target, new, context)
    assert any("refused" in line for line in evidence)
    assert answer(world, world.target.leaked, context) is Answer.REFUSED


def test_an_active_key_is_never_deleted_as_dead(world: World) -> None:
    context = world.context()
    new = rotator.issue(world.target, None, context)
    rotator.disable(world.target, new, context)
    world.iam.keys[world.leaked.id].active = True
    with pytest.raises(IssuerError, match="active again"):
        rotator.destroy(world.target, new, context)
    assert world.leaked.id in world.iam.of("deploy")


def test_kill_first_needs_no_new_key(world: World) -> None:
    context = world.context(rotated_at=None)
    rotator.disable(world.target, None, context)
    assert answer(world, world.target.leaked, context) is Answer.REFUSED
    new = rotator.issue(world.target, None, context)
    assert answer(world, new, context) is Answer.WORKS


def test_taking_a_new_key_back_leaves_the_old_one_at_work(world: World) -> None:
    context = world.context()
    new = rotator.issue(world.target, None, context)
    for _ in range(2):
        rotator.withdraw(world.target, new, context)
    assert world.iam.of("deploy") == {world.leaked.id: True}
    assert answer(world, world.target.leaked, context) is Answer.WORKS


def test_a_full_pair_of_slots_stops_and_names_what_is_in_the_way(world: World) -> None:
    other = world.iam.key("deploy")
    assert other.id in stops(world, world.context())
    with pytest.raises(IssuerError, match="no third"):
        rotator.issue(world.target, None, world.context())
    assert world.iam.of("deploy") == {world.leaked.id: True, other.id: True}


def test_our_own_orphan_is_no_reason_to_stop(world: World) -> None:
    context = world.context()
    world.iam.key("deploy", age=timedelta())
    assert not rotator.preflight(world.target, context).stopped


def test_the_leaked_key_is_not_its_own_administrator(world: World) -> None:
    world.iam.users["deploy"].administrator = True
    context = world.context(world.iam.environ(world.leaked))
    with pytest.raises(IssuerError, match="the leaked key itself"):
        rotator.preflight(world.target, context)
    with pytest.raises(IssuerError, match="the leaked key itself"):
        rotator.issue(world.target, None, context)
    assert world.by(world.leaked) <= {"GetCallerIdentity"}


def test_an_administrator_of_another_account_stops(world: World) -> None:
    foreign = world.iam.user("stranger", administrator=True, account="999999999999")
    assert "another account" in stops(world, world.context(world.iam.environ(foreign)))


def test_what_is_no_key_of_a_user_stops(world: World) -> None:
    root = world.iam.user("root")
    assert "no IAM user" in stops(world, world.context(), target_of(root))
    temporary = Target("sg_0", "aws-access-key", "aws", Login("ASIA" + "A" * 16, Secret("x" * 40)), ())
    assert "AKIA" in stops(world, world.context(), temporary)


def test_a_key_that_is_dead_already_stops(world: World) -> None:
    world.leaked.active = False
    assert "nothing to rotate" in stops(world, world.context())


@pytest.mark.parametrize(
    "spelled", ["{id}:{secret}", '{{"AWS_ACCESS_KEY_ID": "{id}", "AWS_SECRET_ACCESS_KEY": "{secret}"}}']
)
def test_an_admin_reference_says_who_makes_keys(world: World, spelled: str) -> None:
    nobody = world.iam.user("nobody")
    admin = Secret(spelled.format(id=world.admin.id, secret=world.admin.secret))
    target = target_of(world.leaked, admin)
    rotator.issue(target, None, world.context(world.iam.environ(nobody)))
    assert world.by(nobody) == set()
    assert "CreateAccessKey" in world.by(world.admin)


@pytest.mark.parametrize("given", ["", "AKIA", "no key:at all", json.dumps({"password": "x"})])
def test_an_admin_reference_that_is_no_key_is_told_without_its_value(world: World, given: str) -> None:
    with pytest.raises(IssuerError, match="no access key") as failed:
        rotator.issue(target_of(world.leaked, Secret(given)), None, world.context())
    assert not given or given not in str(failed.value)


def test_whoever_lacks_the_right_is_told_which(world: World) -> None:
    nobody = world.iam.user("nobody")
    with pytest.raises(IssuerError, match=r"does not allow \w+AccessKey") as failed:
        rotator.issue(world.target, None, world.context(world.iam.environ(nobody)))
    assert not failed.value.transient


def test_usage_counts_what_was_used_since_the_rotation(world: World) -> None:
    context = world.context()
    new = rotator.issue(world.target, None, context)
    world.leaked.used = world.iam.now() + timedelta(seconds=2)
    assert rotator.usage(world.target, new, context).users == 1


def test_nobody_is_said_not_to_use_a_key_as_long_as_aws_may_not_have_told_yet(world: World) -> None:
    rotated = datetime.now(UTC) - timedelta(hours=3)
    early, late = (
        world.context(rotated_at=at.isoformat(timespec="seconds")) for at in (rotated, rotated - timedelta(hours=2))
    )
    new = rotator.issue(world.target, None, early)
    world.leaked.used = world.iam.now() - timedelta(hours=6)
    told = rotator.usage(world.target, new, early)
    assert told.users is None
    assert f"AWS can tell from {rotated + timedelta(hours=4):%Y-%m-%d %H:%M} UTC on" in told.evidence[-1]
    assert rotator.usage(world.target, new, late).users == 0


def test_no_secret_key_is_in_an_error(world: World) -> None:
    context = world.context()
    errors = []
    for fault in (Fault.LOST, Fault.FAILED_AFTER, Fault.THROTTLED):
        world.iam.fails("CreateAccessKey", fault)
        with pytest.raises(IssuerError) as failed:
            rotator.issue(world.target, None, context)
        errors.append(failed.value)
        rotator.withdraw(world.target, None, context)
    values = [world.leaked.secret, world.admin.secret]
    assert [found for error in errors for found in exposure(error, *values)] == []


@pytest.fixture(autouse=True)
def fresh_clients() -> Iterator[None]:
    yield
    session._client.cache_clear()

"""Secrets Manager as a store: labels are claimed and swapped, never taken; a lost answer costs nothing."""

import functools
import itertools
import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
import secretguard_aws.store as store

from secretguard.errors import Conflict, StoreError
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.testing.stores import plain, refusal, secret_fields
from tests.servers.secretsmanager_desk import Desk
from tests.servers.strict_secretsmanager import (
    Fault,
    Stored,
    StrictSecretsManager,
    Version,
)

MUTATIONS = ("CreateSecret", "PutSecretValue", "UpdateSecretVersionStage")


def test_the_labels_go_the_four_steps(desk: Desk) -> None:
    old = desk.holds('{"password": "a", "host": "db"}')
    desk.stage(password="b")
    pending = desk.stored.holder("AWSPENDING")
    assert pending
    assert json.loads(desk.stored.versions[pending].text or "") == {"password": "b", "host": "db"}
    assert desk.stored.holder("AWSCURRENT") == old
    desk.publish()
    assert desk.stored.holder("AWSCURRENT") == pending
    assert desk.stored.holder("AWSPREVIOUS") == old
    assert desk.stored.holder("AWSPENDING") is None


def test_no_request_leaves_a_label_to_a_default(desk: Desk) -> None:
    desk.stage(password="a")
    desk.publish()
    store.put(desk.reference, secret_fields({"host": "db"}), desk.context)
    store.versions(desk.reference, desk.context)
    store.destroy_leaked(desk.reference, Secret("nowhere"), desk.context)
    assert all(one["VersionStages"] for one in desk.service.asked("PutSecretValue"))
    assert all("VersionStage" in one or "VersionId" in one for one in desk.service.asked("GetSecretValue"))
    assert all(len(one["ClientRequestToken"]) <= 64 for one in desk.service.asked("PutSecretValue"))


def test_the_same_rotation_makes_the_same_version_ids(desk: Desk) -> None:
    desk.holds("{}")
    desk.stage(password="a")
    first = {one["ClientRequestToken"] for one in desk.service.asked("PutSecretValue")}
    other = Desk(desk.service)
    other.context = desk.context
    base = other.holds("{}")
    other.stored.versions[next(iter(desk.stored.versions))] = other.stored.versions.pop(base)
    other.stage(password="a")
    assert {one["ClientRequestToken"] for one in desk.service.asked("PutSecretValue")} == first


def test_a_new_secret_is_empty_until_it_is_published(desk: Desk) -> None:
    assert "AWSCURRENT" in " ".join(store.preflight(desk.reference, desk.context).effects)
    desk.stage(password="a")
    assert desk.text == "{}"
    assert desk.seen is None
    desk.publish()
    assert desk.text == '{"password": "a"}'


def test_a_secret_without_any_version_is_filled(desk: Desk) -> None:
    desk.service.stored[desk.reference.path] = Stored(desk.reference.path)
    desk.stage(password="a")
    assert desk.text == "{}"
    desk.publish()
    assert desk.seen == {"password": "a"}


def mutations_of(work: Callable[[Desk], None], service: StrictSecretsManager) -> list[tuple[str, int]]:
    """Each change that `work` asks for, as operation and how many of its kind came before."""
    desk = Desk(service)
    work(desk)
    asked = [name for name, _ in service.requests if name in MUTATIONS]
    return [(name, asked[:position].count(name)) for position, name in enumerate(asked)]


def a_rotation_of(desk: Desk) -> None:
    desk.stage(password="new", username="app")
    desk.publish()


def everything(desk: Desk) -> None:
    a_rotation_of(desk)
    store.destroy_leaked(desk.reference, Secret("old"), desk.context)


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.FAILED_AFTER, Fault.THROTTLED], ids=lambda fault: fault.name)
def test_whichever_change_fails_doing_it_again_ends_the_same(
    strict_secretsmanager: StrictSecretsManager, fault: Fault
) -> None:
    service = strict_secretsmanager
    changes = mutations_of(everything, service)
    assert {name for name, _ in changes} == set(MUTATIONS)
    for operation, number in changes:
        desk = Desk(service)
        failing = number

        def before(
            name: str, request: dict[str, Any], operation: str = operation, path: str = desk.reference.path
        ) -> None:
            nonlocal failing
            if name == operation and path in (request.get("SecretId"), request.get("Name")):
                failing -= 1
                if failing == 0:
                    service.fails(operation, fault)

        if number == 0:
            service.fails(operation, fault)
        service.before = before
        failures = []
        while True:
            try:
                everything(desk)
            except StoreError as error:
                failures.append(error)
                assert len(failures) < 3
                continue
            break
        assert [(one.transient, one.unsure) for one in failures] == [(True, fault is not Fault.THROTTLED)]
        assert json.loads(desk.text or "") == {"password": "new", "username": "app"}
        assert desk.stored.holder("AWSPENDING") is None
        assert store.published(desk.reference, desk.context)
        assert plain(store.staged(desk.reference, desk.context)) == {"password": "new", "username": "app"}
        service.before = lambda name, request: None


def test_a_change_is_asked_once_and_a_question_again(desk: Desk) -> None:
    desk.holds('{"password": "a"}')
    desk.service.fails("PutSecretValue", Fault.FAILED_AFTER)
    refusal(lambda: desk.stage(password="b"))
    assert len(desk.service.asked("PutSecretValue")) == 1
    for _ in range(3):
        desk.service.fails("GetSecretValue", Fault.FAILED_AFTER)
    assert desk.seen == {"password": "a"}


def test_a_throttled_change_says_how_long_to_wait(desk: Desk) -> None:
    desk.holds("{}")
    desk.service.fails("PutSecretValue", Fault.THROTTLED)
    error = refusal(lambda: desk.stage(password="b"))
    assert (error.transient, error.unsure, error.retry_after) == (True, False, 1.0)


def test_a_put_whose_answer_was_lost_looks_before_it_complains(desk: Desk) -> None:
    desk.holds('{"password": "a"}')
    desk.service.fails("UpdateSecretVersionStage", Fault.LOST)
    store.put(desk.reference, secret_fields({"password": "b"}), desk.context)
    assert desk.seen == {"password": "b"}


def test_somebody_elses_pending_version_is_named_and_left_alone(desk: Desk) -> None:
    desk.holds('{"password": "a"}')
    theirs = secrets.token_hex(16)
    desk.stored.versions[theirs] = Version("{}", None, 2.0, {"AWSPENDING"})
    before = desk.service.labels(desk.reference.path)
    error = refusal(lambda: desk.stage(password="b"))
    assert isinstance(error, Conflict)
    assert theirs in str(error)
    assert theirs in error.hint
    assert theirs in desk.stops()
    assert desk.service.labels(desk.reference.path) == before


def test_an_empty_pending_version_is_in_the_way_too(desk: Desk) -> None:
    desk.holds('{"password": "a"}')
    desk.stored.versions["0" * 32] = Version(None, None, 2.0, {"AWSPENDING"})
    assert isinstance(refusal(lambda: desk.stage(password="b")), Conflict)


def test_a_pending_label_left_on_the_current_version_is_in_nobodys_way(desk: Desk) -> None:
    old = desk.holds('{"password": "a"}')
    desk.stored.versions[old].labels.add("AWSPENDING")
    desk.stage(password="b")
    desk.publish()
    assert desk.seen == {"password": "b"}


def test_a_rotation_that_takes_the_label_in_between_keeps_it(desk: Desk) -> None:
    desk.holds('{"password": "a"}')
    other = desk.somebody_else()

    def quicker(operation: str, request: dict[str, Any]) -> None:
        if operation == "UpdateSecretVersionStage" and request["VersionStage"] == "AWSPENDING":
            desk.service.before = lambda operation, request: None
            store.stage(desk.reference, secret_fields({"password": "c"}), other)

    desk.service.before = quicker
    error = refusal(lambda: desk.stage(password="b"))
    assert isinstance(error, Conflict)
    assert other.rotation in str(error)
    assert store.staged(desk.reference, desk.context) is None
    assert plain(store.staged(desk.reference, other)) == {"password": "c"}


def test_another_field_that_changed_meanwhile_is_kept(desk: Desk) -> None:
    desk.holds('{"password": "a", "host": "db-1"}')
    desk.stage(password="b")
    store.put(desk.reference, secret_fields({"host": "db-2"}), desk.rotation())
    desk.publish()
    assert desk.seen == {"password": "b", "host": "db-2"}


def test_the_same_field_that_changed_meanwhile_is_a_conflict(desk: Desk) -> None:
    desk.holds('{"password": "a", "host": "db"}')
    desk.stage(password="b")
    store.put(desk.reference, secret_fields({"password": "by hand"}), desk.rotation())
    error = refusal(desk.publish)
    assert isinstance(error, Conflict)
    assert "password" in str(error)
    assert desk.seen == {"password": "by hand", "host": "db"}


def test_a_version_published_in_the_same_moment_is_not_overwritten(desk: Desk) -> None:
    desk.holds('{"password": "a", "host": "db-1"}')
    desk.stage(password="b")

    def quicker(operation: str, request: dict[str, Any]) -> None:
        if operation == "UpdateSecretVersionStage" and request["VersionStage"] == "AWSCURRENT":
            desk.service.before = lambda operation, request: None
            store.put(desk.reference, secret_fields({"host": "db-2"}), desk.somebody_else())

    desk.service.before = quicker
    assert isinstance(refusal(desk.publish), Conflict)
    assert desk.seen == {"password": "a", "host": "db-2"}
    desk.publish()
    assert desk.seen == {"password": "b", "host": "db-2"}


def at_request(desk: Desk, number: int, act: Callable[[], None]) -> Callable[[], bool]:
    """Do something in the middle of the request with a number, counted from now; return whether it came to that."""
    left = number

    def before(operation: str, request: dict[str, Any]) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            desk.service.before = lambda operation, request: None
            act()

    desk.service.before = before
    return lambda: left <= 0


def test_whenever_somebody_publishes_in_between_nothing_is_lost(desk: Desk) -> None:
    service = desk.service
    conflicts = 0
    for number in itertools.count(1):
        desk = Desk(service)
        desk.holds('{"password": "a", "host": "db-1"}')
        desk.stage(password="b")
        rival, host = desk.somebody_else(), secret_fields({"host": "db-2"})
        came = at_request(desk, number, functools.partial(store.put, desk.reference, host, rival))
        try:
            desk.publish()
        except Conflict:
            conflicts += 1
            assert desk.seen == {"password": "a", "host": "db-2"}
            desk.publish()
        if not came():
            break
        assert desk.seen == {"password": "b", "host": "db-2"}, number
    assert number > 8
    assert 0 < conflicts < number


def test_whenever_somebody_stages_in_between_one_has_the_place(desk: Desk) -> None:
    service = desk.service
    lost = 0
    for number in itertools.count(1):
        desk = Desk(service)
        desk.holds('{"password": "a"}')
        rival = desk.somebody_else()
        refused: list[Conflict] = []

        def stage(desk: Desk = desk, rival: Context = rival, refused: list[Conflict] = refused) -> None:
            try:
                store.stage(desk.reference, secret_fields({"password": "c"}), rival)
            except Conflict as conflict:
                refused.append(conflict)

        came = at_request(desk, number, stage)
        try:
            desk.stage(password="b")
        except Conflict:
            lost += 1
            mine, theirs = None, {"password": "c"}
        else:
            mine, theirs = {"password": "b"}, None
        if not came():
            break
        assert len(refused) == (0 if mine is None else 1), number
        assert plain(store.staged(desk.reference, desk.context)) == mine
        assert plain(store.staged(desk.reference, rival)) == theirs
    assert 0 < lost < number

"""Secrets that are not of our making, what AWS cannot do, and what never gets out: all of it is told, nothing is lost."""

import json
import logging
import secrets
from typing import Any
from urllib.parse import quote

import pytest
import secretguard_aws.store as store

from secretguard.secret import Secret
from secretguard.testing.exposure import exposure
from secretguard.testing.stores import a_value, plain, refusal, secret_fields
from tests.servers.secretsmanager_desk import Desk
from tests.servers.strict_secretsmanager import (
    Fault,
    Version,
)


def test_numbers_and_objects_beside_the_fields_keep_their_type(desk: Desk) -> None:
    desk.holds('{"password": "a", "port": 5432, "options": {"ssl": true}, "hosts": ["x"], "none": null}')
    assert desk.seen == {
        "password": "a", "port": "5432", "options": '{"ssl": true}', "hosts": '["x"]', "none": "null",
    }  # fmt: skip
    desk.stage(password="b", port="5432")
    desk.publish()
    assert json.loads(desk.text or "") == {
        "password": "b", "port": 5432, "options": {"ssl": True}, "hosts": ["x"], "none": None,
    }  # fmt: skip


def test_a_value_without_fields_is_replaced_as_a_whole(desk: Desk) -> None:
    old, new = a_value("leaked"), a_value("new")
    desk.holds(old)
    assert desk.stops() == ""
    assert desk.seen == {"": old}
    desk.stage(OPENAI_API_KEY=new)
    assert desk.text == old
    assert plain(store.staged(desk.reference, desk.context)) == {"OPENAI_API_KEY": new}
    desk.publish()
    assert desk.text == new
    assert desk.seen == {"OPENAI_API_KEY": new}
    assert store.published(desk.reference, desk.context)


def test_a_value_without_fields_takes_no_login_of_parts(desk: Desk) -> None:
    desk.holds("just a value")
    refusal(lambda: desk.stage(username="app", password="b"))
    refusal(lambda: store.put(desk.reference, secret_fields({"a": "1", "b": "2"}), desk.context))
    assert desk.text == "just a value"
    assert len(desk.stored.versions) == 1


def test_a_value_without_fields_has_no_field(desk: Desk) -> None:
    desk.holds("just a value")
    desk.reference = desk.reference.with_field("password")
    assert "no JSON object" in desk.stops()
    refusal(lambda: store.read(desk.reference, desk.context))
    refusal(lambda: desk.stage(password="b"))
    assert desk.text == "just a value"


def test_a_binary_value_is_refused(desk: Desk) -> None:
    desk.holds(None, b"\x00\x01")
    assert "binary" in desk.stops()
    refusal(lambda: store.read(desk.reference, desk.context))
    refusal(lambda: desk.stage(password="b"))
    assert len(desk.stored.versions) == 1


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"OwningService": "rds"}, "rds"),
        ({"Type": "SalesforceClientSecret"}, "SalesforceClientSecret"),
        ({"RotationEnabled": True}, "RotationEnabled"),
    ],
    ids=["owned", "external", "rotated"],
)
def test_a_secret_that_aws_rotates_is_left_to_aws(desk: Desk, about: dict[str, Any], said: str) -> None:
    desk.holds('{"password": "a"}', **about)
    assert said in desk.stops()
    assert "rotate-secret" in desk.stops()
    for write in (
        lambda: desk.stage(password="b"),
        lambda: store.put(desk.reference, secret_fields({"password": "b"}), desk.context),
    ):
        assert said in str(refusal(write))
    assert len(desk.stored.versions) == 1


def test_a_secret_that_is_being_deleted_stops(desk: Desk) -> None:
    desk.holds('{"password": "a"}', DeletedDate=1.0)
    assert "restore-secret" in desk.stops()


def test_a_replica_is_written_where_it_comes_from(desk: Desk) -> None:
    desk.holds('{"password": "a"}', PrimaryRegion="us-west-2")
    assert "AWS_REGION=us-west-2" in desk.stops()


def test_a_secret_full_of_versions_is_told_of_and_refused_without_loss(desk: Desk) -> None:
    desk.holds('{"password": "a"}')
    for number in range(99):
        desk.stored.versions[f"{number:032}"] = Version("{}", None, 0.0)
    assert "100 versions" in " ".join(one.what for one in store.preflight(desk.reference, desk.context).findings)
    error = refusal(lambda: desk.stage(password="b"))
    assert "LimitExceeded" in str(error)
    assert desk.seen == {"password": "a"}


def test_what_cannot_be_destroyed_is_said(desk: Desk) -> None:
    leaked = "p/ss wörd&" + secrets.token_hex(4)
    old = desk.holds(json.dumps({"url": f"postgresql://app:{quote(leaked, safe='')}@db/app"}))
    older = secrets.token_hex(16)
    desk.stored.versions[older] = Version(json.dumps({"password": leaked}), None, 0.5)
    desk.stage(url="postgresql://app:new@db/app")
    desk.publish()
    evidence = store.destroy_leaked(desk.reference, Secret(leaked), desk.context)
    assert sum(old in line or older in line for line in evidence) == 2
    assert all("in the background" in line and "can read" in line for line in evidence)
    assert desk.stored.versions[old].labels == set()
    assert desk.stored.holder("AWSPREVIOUS") is None


def test_no_label_of_ours_stays_when_the_rotation_is_over(desk: Desk) -> None:
    desk.holds('{"password": "a"}')
    desk.stage(password="b")
    desk.publish()
    store.destroy_leaked(desk.reference, Secret("a"), desk.context)
    assert {label for labels in desk.service.labels(desk.reference.path).values() for label in labels} == {"AWSCURRENT"}
    assert store.published(desk.reference, desk.context)
    assert plain(store.staged(desk.reference, desk.context)) == {"password": "b"}


def test_somebody_elses_pending_version_keeps_its_label_and_is_told_of(desk: Desk) -> None:
    desk.holds('{"password": "b"}')
    theirs = secrets.token_hex(16)
    desk.stored.versions[theirs] = Version('{"password": "leaked value"}', None, 2.0, {"AWSPENDING"})
    (line,) = store.destroy_leaked(desk.reference, Secret("leaked value"), desk.context)
    assert theirs in line
    assert "somebody else" in line
    assert desk.stored.holder("AWSPENDING") == theirs


def test_the_current_version_is_not_destroyed_by_name(desk: Desk) -> None:
    current = desk.holds('{"password": "b"}')
    assert "current" in str(refusal(lambda: store.destroy(desk.reference, current, desk.context)))
    refusal(lambda: store.destroy(desk.reference, "0" * 32, desk.context))


def test_more_than_aws_takes_is_refused_before_it_is_sent(desk: Desk) -> None:
    desk.holds("{}")
    error = refusal(lambda: desk.stage(password="x" * 65536))
    assert "65536" in str(error)
    assert desk.service.asked("PutSecretValue") == []


def test_a_redirect_is_not_followed(desk: Desk) -> None:
    desk.holds("{}")
    desk.service.fails("DescribeSecret", Fault.REDIRECTED)
    assert "sends us elsewhere" in str(refusal(lambda: desk.stage(password="b")))


def test_no_value_is_logged_even_where_everything_is(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    value = a_value("new")
    desk.stage(password=value)
    desk.publish()
    assert desk.seen == {"password": value}
    assert value not in caplog.text
    assert "testing" not in caplog.text


def test_no_value_is_in_an_error_that_aws_answers_with(desk: Desk) -> None:
    old, new = a_value("old"), a_value("new")
    desk.holds(json.dumps({"password": old}))
    errors, fields = [], secret_fields({"password": new})
    for fault in (Fault.LOST, Fault.FAILED_AFTER, Fault.THROTTLED, Fault.REDIRECTED):
        desk.service.fails("PutSecretValue", fault)
        desk.context = desk.rotation()
        errors.append(refusal(lambda: store.stage(desk.reference, fields, desk.context)))
    desk.service.longest = 1
    desk.context = desk.rotation()
    errors.append(refusal(lambda: store.stage(desk.reference, fields, desk.context)))
    assert [found for error in errors for found in exposure(error, old, new)] == []

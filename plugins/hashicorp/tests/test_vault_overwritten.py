"""Somebody writes to a document of Vault while a rotation has a value pending there, and nothing of either is lost."""

import json

import pytest
import secretguard_hashicorp.store as store

from secretguard.errors import Conflict
from secretguard.reference import SecretReference
from secretguard.testing.store_place import plain, secret_fields
from tests.servers.openbao import OpenBao, staging


def test_a_document_that_is_written_anew_between_stage_and_publish_loses_nothing(
    openbao: OpenBao, reference: SecretReference
) -> None:
    """As Terraform and `vault kv put` do it: all of it, whatever stood there."""
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    openbao.done("POST", f"secret/data/{path}", {"data": {"A": "1", "password": "old"}})
    store.stage(reference, secret_fields({"password": "new", "username": "app"}), context)
    for number in range(8):
        openbao.done("POST", f"secret/data/{path}", {"data": {"A": "2", "password": "old", "number": number}})
    assert plain(store.staged(reference, context)) == {"password": "new", "username": "app"}
    assert not store.published(reference, context)
    store.publish(reference, context)
    assert store.published(reference, context)
    assert plain(store.read(reference, context)) == {
        "A": "2", "number": "7", "password": "new", "username": "app"
    }  # fmt: skip
    assert store.staged(reference, staging(openbao)) is None


def test_what_was_staged_first_stays_though_somebody_wrote_over_it(
    openbao: OpenBao, reference: SecretReference
) -> None:
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    store.stage(reference, secret_fields({"password": "first"}), context)
    openbao.done("POST", f"secret/data/{path}", {"data": {"A": "2"}})
    store.stage(reference, secret_fields({"password": "second"}), context)
    assert json.loads(openbao.data(path)["sg_pending"])["fields"] == {"password": "first"}
    store.publish(reference, context)
    assert plain(store.read(reference, context)) == {"A": "2", "password": "first"}


def test_a_field_that_somebody_wrote_anew_is_told_and_the_new_value_is_pending_again(
    openbao: OpenBao, reference: SecretReference
) -> None:
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    openbao.done("POST", f"secret/data/{path}", {"data": {"password": "old"}})
    store.stage(reference, secret_fields({"password": "new"}), context)
    openbao.done("POST", f"secret/data/{path}", {"data": {"password": "theirs", "B": "3"}})
    (before_anything_is_changed,) = [one for one in store.preflight(reference, context).findings if one.stops]
    assert f"Version 3 of {reference.path} has what they wrote. Keep theirs" in before_anything_is_changed.hint
    with pytest.raises(Conflict, match="somebody wrote password") as told:
        store.publish(reference, context)
    assert f"Version 4 of {reference.path}" in told.value.hint
    assert f"`secretguard store put {reference.with_field('password')} --empty`" in told.value.hint
    now = openbao.data(path)
    assert json.loads(now.pop("sg_pending"))["fields"] == {"password": "new"}
    assert now == {"password": "theirs", "B": "3"}
    store.put(reference, secret_fields({"password": ""}), context)
    store.publish(reference, context)
    assert plain(store.read(reference, context)) == {"password": "new", "B": "3"}


def test_what_was_discarded_is_not_found_again_in_an_older_version(
    openbao: OpenBao, reference: SecretReference
) -> None:
    path, context = reference.path.removeprefix("secret/"), staging(openbao)
    store.stage(reference, secret_fields({"password": "new"}), context)
    openbao.done("POST", f"secret/data/{path}", {"data": {"A": "2"}})
    store.discard(reference, context)
    assert store.staged(reference, context) is None
    openbao.done("POST", f"secret/data/{path}", {"data": {"A": "3"}})
    assert store.staged(reference, context) is None
    later = staging(openbao)
    store.stage(reference, secret_fields({"password": "later"}), later)
    store.publish(reference, later)
    assert plain(store.read(reference, later)) == {"A": "3", "password": "later"}
    assert store.staged(reference, context) is None

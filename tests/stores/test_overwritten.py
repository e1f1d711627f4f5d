"""Somebody writes to a document of the local store while a rotation has a value pending for it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from secretguard.errors import Conflict
from secretguard.reference import parse_reference
from secretguard.rotation import Context
from secretguard.stores import local
from secretguard.testing.store_place import a_rotation, plain, secret_fields

REFERENCE = parse_reference("ref+local://app#/URL")


@pytest.fixture
def context(tmp_path: Path) -> Context:
    environ: Mapping[str, str] = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    return Context({**environ, "SECRETGUARD_STORE_KEY": "file"}, a_rotation())


def test_an_emptied_field_takes_the_new_value(context: Context) -> None:
    local.put(REFERENCE, secret_fields({"URL": "old", "other": "1"}), context)
    local.stage(REFERENCE, secret_fields({"URL": "new"}), context)
    local.put(REFERENCE, secret_fields({"URL": "theirs"}), context)
    with pytest.raises(Conflict, match="somebody wrote URL") as told:
        local.publish(REFERENCE, context)
    assert "Version 2 of app" in told.value.hint
    (before_anything_is_changed,) = [one for one in local.preflight(REFERENCE, context).findings if one.stops]
    assert before_anything_is_changed.hint == told.value.hint
    assert "`secretguard store put ref+local://app#/URL --empty`" in told.value.hint
    local.put(REFERENCE, secret_fields({"URL": ""}), context)
    local.publish(REFERENCE, context)
    assert plain(local.read(REFERENCE, context)) == {"URL": "new", "other": "1"}


def test_a_field_that_came_in_between_is_not_replaced(context: Context) -> None:
    local.stage(REFERENCE, secret_fields({"URL": "new"}), context)
    local.put(REFERENCE, secret_fields({"URL": "theirs"}), context)
    with pytest.raises(Conflict):
        local.publish(REFERENCE, context)
    assert plain(local.read(REFERENCE, context)) == {"URL": "theirs"}

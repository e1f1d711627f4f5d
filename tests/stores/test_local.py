"""The local store: what is on disk, who is let in, what is told."""

import shutil
import stat
import subprocess
from pathlib import Path
from urllib.parse import quote

import pyrage
import pytest

from secretguard.errors import Conflict, StoreError
from secretguard.secret import Secret
from secretguard.stores import local
from tests.stores.conftest import ROTATION, Local, fields, ref

VALUE = "the-value-of-a-test"


def everything(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*"))


def test_everything_is_for_its_owner_alone(place: Local) -> None:
    place.put("team/app", DATABASE_URL=VALUE)
    place.stage("team/app", DATABASE_URL=VALUE)
    made = [place.data / "secretguard", *everything(place.data / "secretguard")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in made if path.is_file()} == {0o600}


def test_a_store_that_was_opened_to_others_is_closed_again(place: Local) -> None:
    place.put(password=VALUE)
    place.store.chmod(0o755)
    place.put(password=VALUE)
    assert stat.S_IMODE(place.store.stat().st_mode) == 0o700


def test_no_file_but_the_sealed_ones_tells_the_value(place: Local) -> None:
    place.put(password=VALUE)
    place.stage(password="another-" + VALUE)
    for path in everything(place.data):
        assert not path.is_file() or VALUE.encode() not in path.read_bytes()


def test_the_key_lies_outside_of_the_store(place: Local) -> None:
    place.put(password=VALUE)
    assert "AGE-SECRET-KEY-" in place.key_file.read_text()
    assert not any(b"AGE-SECRET-KEY-" in path.read_bytes() for path in everything(place.store) if path.is_file())


def test_the_key_file_opens_a_version_with_any_age_tool(place: Local) -> None:
    place.put(password=VALUE)
    text = place.key_file.read_text().splitlines()
    identity = pyrage.x25519.Identity.from_str(text[-1])
    assert VALUE.encode() in pyrage.decrypt((place.document() / "1.age").read_bytes(), [identity])


def test_an_armored_version_is_read_too(place: Local) -> None:
    place.put(password=VALUE)
    file = place.document() / "1.age"
    identity = pyrage.x25519.Identity.from_str(place.key_file.read_text().splitlines()[-1])
    plain = pyrage.decrypt(file.read_bytes(), [identity])
    file.write_bytes(pyrage.encrypt(plain, [identity.to_public()], armored=True))
    assert place.seen() == {"password": VALUE}


def test_a_second_recipient_opens_it_without_our_key(place: Local) -> None:
    colleague = pyrage.x25519.Identity.generate()
    recipient = str(colleague.to_public())
    context = place.context(SECRETGUARD_STORE_RECIPIENT=recipient)
    local.put(ref(), fields({"password": VALUE}), context)
    assert VALUE.encode() in pyrage.decrypt((place.document() / "1.age").read_bytes(), [colleague])
    assert place.seen() == {"password": VALUE}
    said = local.preflight(ref(), context)
    assert any("SECRETGUARD_STORE_RECIPIENT" in effect for effect in said.effects)
    assert not any("only copy" in finding.what for finding in said.findings)


@pytest.mark.parametrize("recipient", ["age1nonsense", "someone@example.com", "age1" + "q" * 58])
def test_a_recipient_that_is_none_stops_before_anything_is_written(place: Local, recipient: str) -> None:
    context = place.context(SECRETGUARD_STORE_RECIPIENT=recipient)
    assert local.preflight(ref(), context).stopped
    with pytest.raises(StoreError, match="no age public key"):
        local.put(ref(), fields({"password": VALUE}), context)
    assert place.seen() is None


def test_preflight_tells_who_cannot_read_it_and_that_it_is_the_only_copy(place: Local) -> None:
    said = local.preflight(ref(), place.context())
    words = " ".join(finding.what for finding in said.findings)
    for word in ("no other machine", "no other user", "no CI", "only copy"):
        assert word in words
    assert any(str(place.key_file) in effect for effect in said.effects)
    assert not place.data.exists()


def test_preflight_stops_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = local.preflight(ref(), Local(tmp_path / "file").context())
    assert said.stopped


def test_documents_of_like_names_are_kept_apart(place: Local) -> None:
    paths = ("a", "a/b", "a.b", "a@b", "a+b", "a=b", "A", "-", "a/b/c")
    for path in paths:
        place.put(path, name=path)
    assert {path: place.seen(path) for path in paths} == {path: {"name": path} for path in paths}
    assert local.listing("", place.context()) == sorted(paths)
    assert local.listing("a/", place.context()) == ["a/b", "a/b/c"]


def test_a_name_too_long_for_a_file_is_refused_in_words(place: Local) -> None:
    with pytest.raises(StoreError, match="at most 240 characters"):
        place.put("a" * 300, x="1")


def test_a_whole_value_and_fields_do_not_mix(place: Local) -> None:
    local.put(ref(), fields({"": VALUE}), place.context())
    assert place.seen() == {"": VALUE}
    with pytest.raises(StoreError, match="not both"):
        place.put(password=VALUE)
    assert place.seen() == {"": VALUE}


def test_a_file_put_in_the_place_of_another_is_noticed(place: Local) -> None:
    place.put("one", password=VALUE)
    place.put("two", password="other")
    shutil.copyfile(place.document("two") / "1.age", place.document("one") / "1.age")
    with pytest.raises(StoreError, match="belongs to another document"):
        place.seen("one")


def test_a_link_in_the_place_of_a_version_is_not_followed(place: Local, tmp_path: Path) -> None:
    place.put(password=VALUE)
    file = place.document() / "1.age"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="cannot be read"):
        place.seen()


def test_numbers_of_destroyed_versions_are_not_given_again(place: Local) -> None:
    place.put(password="1")
    place.put(password="2")
    local.destroy(ref(), "2", place.context())
    assert place.seen() is None
    place.put(password="3")
    assert place.states() == [("3", "current"), ("2", "destroyed"), ("1", "previous")]
    assert place.seen() == {"password": "3"}


def test_destroying_twice_is_destroying_once(place: Local) -> None:
    place.put(password="1")
    place.put(password="2")
    for _ in range(2):
        local.destroy(ref(), "1", place.context())
    assert place.states() == [("2", "current"), ("1", "destroyed")]
    with pytest.raises(StoreError, match="no such version"):
        local.destroy(ref(), "7", place.context())


def test_a_leaked_password_is_found_inside_of_a_url_as_a_url_spells_it(place: Local) -> None:
    leaked = "p@ss/word?x"
    place.put(DATABASE_URL=f"postgresql://app:{quote(leaked, safe='')}@db/app")
    place.put(DATABASE_URL="changed")
    assert "version 1 destroyed" in local.destroy_leaked(ref(), Secret(leaked), place.context(ROTATION))
    assert place.states() == [("2", "current"), ("1", "destroyed")]


def test_two_rotations_of_different_documents_are_free_of_each_other(place: Local) -> None:
    place.stage("one", password="1")
    place.stage("two", "rot_00000000000000b2", password="2")
    with pytest.raises(Conflict, match=ROTATION):
        place.stage("one", "rot_00000000000000b2", password="2")
    place.publish("one")
    assert (place.seen("one"), place.seen("two")) == ({"password": "1"}, None)


def test_removing_from_a_store_that_is_not_there_makes_none(place: Local) -> None:
    local.discard(ref(), place.context(ROTATION))
    local.destroy_leaked(ref(), Secret(VALUE), place.context(ROTATION))
    assert not place.data.exists()


@pytest.mark.skipif(shutil.which("age") is None, reason="age itself is not installed")
def test_age_itself_opens_a_version(place: Local) -> None:
    place.put(password=VALUE)
    command = ["age", "-d", "-i", str(place.key_file), str(place.document() / "1.age")]
    assert VALUE in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_preflight_names_the_rotation_that_has_the_document(place: Local) -> None:
    place.stage(password=VALUE)
    assert not local.preflight(ref(), place.context(ROTATION)).stopped
    said = local.preflight(ref(), place.context("rot_00000000000000b2"))
    assert said.stopped
    assert ROTATION in said.findings[0].what
    assert not local.preflight(ref(), place.context()).stopped

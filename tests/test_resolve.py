"""References become values: from the environment, from the local store, from plugins."""

from pathlib import Path

import pytest

from secretguard.errors import BadReference, PluginError, SecretguardError, StoreError
from secretguard.reference import parse_reference
from secretguard.resolve import document, resolve, store
from secretguard.rotation import Context
from secretguard.secret import Secret


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(environ={"XDG_DATA_HOME": str(tmp_path), "SECRETGUARD_STORE_KEY": "file", "TOKEN": "of-a-test"})


def test_a_variable_is_read_from_the_environment_that_is_given(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONLY_OURS", "x")
    assert resolve(parse_reference("ref+env://TOKEN"), context).reveal() == "of-a-test"
    with pytest.raises(StoreError, match="ONLY_OURS is not set"):
        resolve(parse_reference("ref+env://ONLY_OURS"), context)


def test_a_field_and_a_whole_value_are_read_from_the_local_store(context: Context) -> None:
    fields, whole = parse_reference("ref+local://app#/A"), parse_reference("ref+local://whole")
    store("local").put(fields, {"A": Secret("1"), "B": Secret("2")}, context)
    store("local").put(whole, {"": Secret("3")}, context)
    assert resolve(fields, context).reveal() == "1"
    assert resolve(whole, context).reveal() == "3"
    assert {name: value.reveal() for name, value in document(fields, context).items()} == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("ref+local://app#/C", StoreError, "has no field C"),
        ("ref+local://app", StoreError, "has fields, and the reference names none"),
        ("ref+local://whole#/A", StoreError, "is one whole value without fields"),
        ("ref+local://nothing#/A", StoreError, "holds nothing"),
        ("ref+env://TOKEN#/A", StoreError, "is one whole value without fields"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(
    context: Context, text: str, kind: type[SecretguardError], words: str
) -> None:
    store("local").put(parse_reference("ref+local://app"), {"A": Secret("of-a-test"), "B": Secret("2")}, context)
    store("local").put(parse_reference("ref+local://whole"), {"": Secret("3")}, context)
    with pytest.raises(kind, match=words) as caught:
        resolve(parse_reference(text), context)
    assert caught.value.hint
    assert "of-a-test" not in f"{caught.value} {caught.value.hint}"
    if "field" in words and "whole" not in words:
        assert "A, B" in caught.value.hint


def test_the_environment_is_no_store() -> None:
    with pytest.raises(BadReference, match="no store"):
        store("env")


def test_a_store_that_is_not_installed_is_told() -> None:
    with pytest.raises(PluginError, match="no plugin 'nowhere'"):
        store("nowhere")


def test_the_local_store_is_the_plugin_of_that_name() -> None:
    from secretguard import plugins

    assert store("local") is plugins.load(plugins.STORES, "local")

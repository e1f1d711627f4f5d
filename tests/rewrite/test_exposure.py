"""Nothing leaves with a value in it, however it is written; the error names the place and not the value."""

import base64
import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from secretguard.errors import RewriteError
from secretguard.rewrite.branch import update_branch
from secretguard.rewrite.patch import write_patch
from secretguard.rewrite.sightings import sought
from secretguard.rewriting import ManualItem
from secretguard.secret import Secret
from secretguard.testing import RepositoryBuilder
from secretguard.testing.exposure import exposure
from tests.rewrite.deliveries import WHO, a_key, assistant, delivery_of, snapshot

OLD, NEW = a_key(), a_key(8)
PASSWORD = "p@ss" + "/w0rd+é %x"


def base64_at(shift: int) -> Callable[[str], str]:
    return lambda value: base64.b64encode(b"postgres://u:"[:shift] + value.encode() + b"@host/db").decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    **{f"base64 in a text, shifted by {shift}": base64_at(shift) for shift in (9, 10, 11)},
    "base64url": lambda value: base64.urlsafe_b64encode(value.encode() + b"\xff\xfe\xfb").decode(),
    "base64 over lines": lambda value: re.sub("(.{12})", "\\1\n    ", base64_at(7)(value)),
    "base64 over lines of a literal": lambda value: re.sub("(.{12})", '\\1" +\n  "', base64_at(7)(value)),
    "base64 twice": lambda value: base64.b64encode(base64_at(5)(value).encode()).decode(),
    "base64 of percent": lambda value: base64.b64encode(quote(value, safe="").encode()).decode(),
    "hex": lambda value: value.encode().hex(),
    "HEX": lambda value: value.encode().hex().upper(),
    "percent": lambda value: quote(value, safe=""),
    "percent everywhere": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()),
    "percent everywhere, small": lambda value: "".join(f"%{byte:02x}" for byte in value.encode()),
    "percent twice": lambda value: quote(quote(value, safe=""), safe=""),
    "JSON": lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
    "unicode escapes": lambda value: "".join(f"\\u{ord(char):04x}" for char in value),
    "bracketed unicode escapes": lambda value: "".join(f"\\u{{{ord(char):x}}}" for char in value),
    "hex escapes": lambda value: "".join(f"\\x{byte:02x}" for byte in value.encode()),
    "octal escapes": lambda value: "".join(f"\\{byte:03o}" for byte in value.encode()),
    "HTML": lambda value: "".join(f"&#{ord(char)};" for char in value),
    "HTML names": lambda value: html.escape(value.replace("é", "&eacute;")).replace("&amp;eacute;", "&eacute;"),
    "JSON in percent": lambda value: quote(json.dumps(value)[1:-1], safe=""),
    "two literals": lambda value: value[:4] + '" "' + value[4:],
    "three literals": lambda value: value[:4] + "' +\n    '" + value[4:7] + "' .\n  '" + value[7:],
}


@pytest.mark.parametrize("value", [OLD, PASSWORD], ids=["key", "password"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_value_is_seen_in_every_encoding(encoding: str, value: str) -> None:
    text = f"first\nx = '{ENCODINGS[encoding](value)}'\nlast\n"
    assert sought(Secret(value)).count(text.encode())
    assert not sought(Secret(value[::-1])).count(text.encode())


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be", "latin-1"])
def test_a_value_is_seen_in_every_codec(codec: str) -> None:
    assert sought(Secret(PASSWORD)).count(f"x = '{PASSWORD}'\n".encode(codec))


def test_a_line_of_a_private_key_gives_it_away() -> None:
    lines = ["-----BEGIN KEY-----", OLD, NEW, "-----END KEY-----"]
    assert sought(Secret("\n".join(lines))).count(f"  - {NEW}".encode())


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_line_is_masked_in_every_encoding(encoding: str) -> None:
    line = f"x = '{ENCODINGS[encoding](OLD)}'"
    if "\n" not in line:
        masked = sought(Secret(OLD)).masked(line)
        assert "****" in masked
        assert not sought(Secret(OLD)).count(masked.encode())


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("age", ["old", "new"])
def test_no_added_line_takes_a_value_along(tmp_path: Path, encoding: str, age: str) -> None:
    _, after = assistant(tmp_path / "assistant", OLD)
    value = OLD if age == "old" else NEW
    after["app/assistant.py"] += f"# {ENCODINGS[encoding](value)}\n".encode()
    was = snapshot(tmp_path / "assistant")
    for deliver in (
        lambda delivery: update_branch(delivery, WHO),
        lambda delivery: write_patch(delivery, tmp_path / "out.patch", WHO),
    ):
        with pytest.raises(RewriteError, match=rf"the {age} value is in app/assistant\.py, ") as refused:
            deliver(delivery_of(tmp_path / "assistant", after, OLD, NEW))
        assert exposure(refused.value, OLD, NEW) == []
    assert snapshot(tmp_path / "assistant") == was
    assert not (tmp_path / "out.patch").exists()


def test_the_error_names_the_line(tmp_path: Path) -> None:
    _, after = assistant(tmp_path / "assistant", OLD)
    after["app/assistant.py"] += f"# {OLD}\n".encode()
    with pytest.raises(RewriteError, match=r"in app/assistant\.py, in line 7$"):
        update_branch(delivery_of(tmp_path / "assistant", after, OLD), WHO)


def test_the_old_value_may_stay_on_a_line_that_nobody_touches(tmp_path: Path) -> None:
    builder, after = assistant(tmp_path / "assistant", OLD)
    text = f'KEY = "{OLD}"\nconst K: &str = "{OLD}";\n'
    builder.write("app/assistant.py", text).commit("A place for hands")
    after["app/assistant.py"] = text.replace(f'"{OLD}"\nc', "None\nc").encode()
    assert update_branch(delivery_of(tmp_path / "assistant", after, OLD), WHO).is_new


@pytest.mark.parametrize("where", ["removed", "kept"])
def test_the_new_value_is_nowhere_in_the_difference(tmp_path: Path, where: str) -> None:
    builder, after = assistant(tmp_path / "assistant", OLD)
    builder.write("app/assistant.py", f'KEY = "{OLD}"\nNEXT = "{NEW}"\n').commit("Too early")
    after["app/assistant.py"] = b"KEY = None\n" + (f'NEXT = "{NEW}"\n'.encode() if where == "kept" else b"")
    with pytest.raises(RewriteError, match=r"the new value is in app/assistant\.py") as refused:
        update_branch(delivery_of(tmp_path / "assistant", after, OLD, NEW), WHO)
    assert exposure(refused.value, OLD, NEW) == []


def test_a_file_named_after_the_value_is_not_named(tmp_path: Path) -> None:
    _, after = assistant(tmp_path / "assistant", OLD)
    after[f"keys/{OLD}.txt"] = b"x\n"
    with pytest.raises(RewriteError, match="the name of file 4 of those that change") as refused:
        update_branch(delivery_of(tmp_path / "assistant", after, OLD), WHO)
    assert OLD not in str(refused.value) + refused.value.hint


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"title": f"key {OLD[-20:]}"}, "commit message"),
        ({"credential": OLD[:24]}, "name of the branch"),
        ({"manual": (ManualItem("a.rs", 1, f"const {OLD[-20:]}", "See there."),)}, "commit message"),
        ({"status": (f"it was {OLD[-20:]}",)}, "text of the pull request"),
    ],
)
def test_no_words_take_a_value_along(tmp_path: Path, change: dict[str, object], named: str) -> None:
    _, after = assistant(tmp_path / "assistant", OLD)
    value = OLD[:24] if "credential" in change else OLD[-20:]
    delivery = delivery_of(tmp_path / "assistant", {}, value, changes=delivery_of(tmp_path / "assistant", after, OLD).changes, **change)  # fmt: skip
    with pytest.raises(RewriteError, match=f"the old value is in the {named}") as refused:
        update_branch(delivery, WHO)
    assert value not in str(refused.value) + refused.value.hint


WORDS = ["postgres", "Admin", "1234", "ab", "x"]


@pytest.mark.parametrize("word", WORDS)
def test_an_ordinary_word_as_a_value_stops_nothing_that_only_mentions_it(tmp_path: Path, word: str) -> None:
    """The same word as scheme, user, password and database: the name of half of what stands there is the password."""
    place = tmp_path / "app"
    builder = RepositoryBuilder(place)
    before = f'import os\nDB = connect(host="{word}", user="{word}", password="{word}")  # {word}\n'
    builder.write(f"{word}/{word}.py", before).commit("Start")
    after = before.replace(f'password="{word}"', f'password=os.environ["{word.upper()}_PASSWORD"]').encode()
    done = write_patch(delivery_of(place, {f"{word}/{word}.py": after}, word), tmp_path / "out.patch", WHO)
    assert done.is_new
    assert f'"{word}"' not in done.text


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("line", ['KEY = "{}"', "key: {}", "KEY={}", "url: pg://user:{}@host/db"])
def test_an_ordinary_word_is_seen_where_a_value_stands(tmp_path: Path, word: str, line: str) -> None:
    place = tmp_path / "app"
    RepositoryBuilder(place).write("a.conf", f"secret {word}\n").commit("Start")
    with pytest.raises(RewriteError, match=r"the old value is in a\.conf, in line 1$"):
        update_branch(delivery_of(place, {"a.conf": line.format(word).encode() + b"\n"}, word), WHO)


def test_an_empty_value_is_in_nothing(tmp_path: Path) -> None:
    place = tmp_path / "app"
    RepositoryBuilder(place).write("a.conf", "key: ''\n").commit("Start")
    assert update_branch(replace(delivery_of(place, {"a.conf": b"key: x\n"}, ""), new=Secret("")), WHO).is_new

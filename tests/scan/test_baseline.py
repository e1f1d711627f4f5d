"""The baseline file: no values, no churn, one line an entry, and an error that says where."""

import base64
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretguard.errors import ConfigError, OutputError, UsageError
from secretguard.scan.baseline import (
    DEFAULT_FILE,
    STATUSES,
    Entry,
    entry_for,
    format_baseline,
    parse_baseline,
    read_baseline,
    write_baseline,
)
from tests.scan.planted import key, scanned

IDS = st.text("0123456789abcdef", min_size=12, max_size=12).map("sg_{}".format)
ENTRIES = st.lists(
    st.builds(Entry, IDS, st.text(max_size=20), st.text(max_size=20), st.sampled_from(STATUSES), st.text(max_size=40)),
    unique_by=lambda entry: entry.id,
    max_size=12,
)


@given(ENTRIES)
def test_what_is_written_is_read_again(entries: list[Entry]) -> None:
    assert list(parse_baseline(format_baseline(entries).encode(), "file").values()) == sorted(
        entries, key=lambda e: e.id
    )


@given(ENTRIES, st.randoms())
def test_the_order_of_entries_never_matters(entries: list[Entry], random: object) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)
    assert format_baseline(shuffled) == format_baseline(entries)


@given(ENTRIES, IDS)
def test_one_more_entry_is_one_more_line(entries: list[Entry], name: str) -> None:
    entries = [entry for entry in entries if entry.id != name]
    before, after = (format_baseline(some).splitlines() for some in (entries, [*entries, Entry(name, "r", "k")]))
    assert [line for line in after if line not in before] == [line for line in after if name in line]
    assert len(after) == len(before) + 1


def test_lines_of_two_branches_merged_together_are_a_baseline() -> None:
    one, two, three = (Entry(f"sg_{digit * 12}", "r", "k") for digit in "123")
    ours, theirs = format_baseline([one, two]).splitlines(), format_baseline([two, three]).splitlines()
    merged = [*ours[:-2], *[line for line in theirs[1:-2] if line not in ours], *ours[-2:]]
    assert set(parse_baseline("\n".join(merged).encode(), "file")) == {one.id, two.id, three.id}
    twice = [*ours[:2], ours[1], *ours[2:]]
    assert set(parse_baseline("\n".join(twice).encode(), "file")) == {one.id, two.id}


def test_every_entry_knows_its_line() -> None:
    entries = [Entry(f"sg_{digit * 12}", "r", "k") for digit in "321"]
    parsed = parse_baseline(format_baseline(entries).encode(), "file")
    assert {name: entry.line for name, entry in parsed.items()} == {
        f"sg_{digit * 12}": int(digit) + 1 for digit in "123"
    }


def test_no_part_of_a_value_stands_in_the_file(tmp_path: Path) -> None:
    canary = key("canary")
    write_baseline(tmp_path / DEFAULT_FILE, map(entry_for, scanned({"a": canary})))
    for path in tmp_path.iterdir():
        text = path.read_text()
        for form in (
            canary,
            canary[5:],
            canary[-8:],
            base64.b64encode(canary.encode()).decode(),
            canary.encode().hex(),
        ):
            assert form not in text


def test_there_is_no_time_and_no_place_in_the_file(tmp_path: Path) -> None:
    once = format_baseline(map(entry_for, scanned({"a.py": f"k = '{key(1)}'"})))
    moved = format_baseline(map(entry_for, scanned({"b/c.ts": f"\n\n\nconst token = `{key(1)}`"})))
    assert once == moved


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / DEFAULT_FILE
    write_baseline(path, [])
    path.chmod(0o640)
    write_baseline(path, [Entry("sg_" + "1" * 12, "r", "k")])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == [DEFAULT_FILE]


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / DEFAULT_FILE).symlink_to(target)
    with pytest.raises(UsageError, match="symbolic link"):
        write_baseline(tmp_path / DEFAULT_FILE, [])
    assert target.read_text() == "mine"


def test_a_place_that_cannot_be_written_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written") as caught:
        write_baseline(tmp_path / "no" / DEFAULT_FILE, [])
    assert caught.value.hint
    with pytest.raises(UsageError, match="not a regular file"):
        write_baseline(tmp_path, [])


SCHEMA = '"schema": "secretguard.baseline/1"'
GOOD = json.loads(format_baseline([Entry("sg_" + "a" * 12, "r", "k")]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: not JSON"),
        ('{\n  "schema": "x",\n', "line 3: not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "`schema`"),
        ('{"schema": "secretguard.baseline/2"}', "`schema`"),
        (json.dumps({**GOOD, "sg_short": {}}), "not a credential id"),
        (json.dumps({**GOOD, "sg_" + "b" * 12: []}), f"sg_{'b' * 12} is not an object"),
        ('{\n  "sg_bbbbbbbbbbbb": {"stauts": "accepted"},\n' + SCHEMA + "}", "line 2: .*unknown field"),
        ('{\n  "sg_bbbbbbbbbbbb": {"status": "fine"},\n' + SCHEMA + "}", "line 2: .*`status` is one of"),
        ('{\n  "sg_bbbbbbbbbbbb": {"note": 5},\n' + SCHEMA + "}", "line 2: .*`note` is not a string"),
        ("[" * 100_000, "not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_an_error_that_names_line_or_field(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / DEFAULT_FILE
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_baseline(path)
    assert str(caught.value).startswith(str(path))


def test_a_value_pasted_into_the_file_is_not_quoted_in_the_error() -> None:
    canary = key("canary")
    texts = [
        f'{{"{canary}": {{}}, {SCHEMA}}}', f'{{"schema": "{canary}"}}', f"{{ {canary}",
        f'{{"sg_bbbbbbbbbbbb": {{"{canary}": ""}}, {SCHEMA}}}',
        f'{{"sg_bbbbbbbbbbbb": {{"status": "{canary}"}}, {SCHEMA}}}',
    ]  # fmt: skip
    for text in texts:
        with pytest.raises(ConfigError) as caught:
            parse_baseline(text.encode(), "file")
        assert canary not in f"{caught.value} {caught.value.hint}"


def test_conflict_markers_are_explained() -> None:
    text = '{\n<<<<<<< ours\n  "sg_aaaaaaaaaaaa": {},\n=======\n>>>>>>> theirs\n}'
    with pytest.raises(ConfigError, match="line 2") as caught:
        parse_baseline(text.encode(), "file")
    assert "keep the lines of both sides" in caught.value.hint


@given(st.binary(max_size=300))
def test_any_bytes_are_a_baseline_or_a_clear_error(data: bytes) -> None:
    with pytest.raises(ConfigError, match=r"^file"):
        parse_baseline(data, "file")


def test_no_file_is_no_baseline(tmp_path: Path) -> None:
    assert read_baseline(tmp_path / DEFAULT_FILE) is None

"""The text report says what a person needs at three in the morning, and nothing a repository could abuse."""

import io
import re

import pytest

from secretguard.model import Confidence, Ignored, Place, Problem, Report, Severity, Stats, Verdict
from secretguard.report import radius, text
from tests.report.build import commit, credential, database_login, location, random_value, report

HOSTILE = "[bold]x[/bold] \x1b[2J\x1b]0;title\x07\r\b\x9b31m\u202e\u200b\udce9\n\t"
NO_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(of: Report, out: io.StringIO | None = None, **options: object) -> str:
    out = out or io.StringIO()
    text.write(of, out, **({"show_secrets": False} | options))  # type: ignore[arg-type]
    return out.getvalue()


@pytest.fixture(autouse=True)
def narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_a_block_tells_what_it_is_what_it_opens_where_it_stands_and_since_when() -> None:
    one = database_login(random_value(), location("a.py"), commit("a.py", 1), commit("b.py", 2))
    output = written(report(one))
    assert f" CRITICAL  PostgreSQL connection  {one.id}\n" in output
    assert "postgresql://capture:****@db.example.com:5432/raw" in output
    assert "opens       capture@db.example.com:5432/raw" in output
    assert "1 file, 2 commits; still in the current files" in output
    assert f"first seen  2025-06-01, commit {1:012x}"[:20] in output
    assert "Ada <ada@example.com>" in output
    assert "places      a.py:7" in output


def test_the_advice_is_to_rotate_and_never_names_a_command_that_does_not_exist() -> None:
    current = written(report(credential(random_value(), location())))
    gone = written(report(credential(random_value(), commit())))
    assert "Rotate it: make a new one at Acme, switch to it, revoke this one." in current
    assert all(output.count("the history and every clone keep it") == 1 for output in (current, gone))
    assert "gone from the current files, still in the repository" in gone
    for output in (current, gone):
        assert "secretguard rotate" not in output
        assert "secretguard purge" not in output


def test_what_is_only_staged_need_not_be_rotated() -> None:
    output = written(report(credential(random_value(), location(source=Place.STAGED)), mode="staged"))
    assert "Not committed yet: take it out of the file" in output


def test_the_worst_comes_first() -> None:
    blocks = [
        credential(random_value(), severity=Severity.LOW),
        credential(random_value(), severity=Severity.HIGH, confidence=Confidence.LOW),
        credential(random_value(), severity=Severity.HIGH),
        credential(random_value(), severity=Severity.LOW, verdict=Verdict.LIVE),
    ]
    output = written(report(*blocks))
    order = sorted(blocks, key=lambda one: output.index(one.id))
    assert [blocks.index(one) for one in order] == [3, 2, 1, 0]


def test_many_places_are_cut_short_and_show_lists_the_rest() -> None:
    one = credential(random_value(), *(location(f"dir/file{number:02}.py") for number in range(63)))
    output = written(report(one))
    assert output.count("dir/file") == 5
    assert f"and 58 more: secretguard show {one.id}" in output
    assert written(report(one), verbosity=1).count("dir/file") == 63
    out = io.StringIO()
    radius.write(report(one), one, out)
    assert out.getvalue().count("dir/file") == 63
    assert "63 current files" in out.getvalue()


def test_a_line_that_history_and_the_working_tree_hold_is_one_place() -> None:
    one = credential(random_value(), location("a.py"), commit("a.py", 1), commit("a.py", 2), commit("old.py", 3))
    output = written(report(one))
    assert output.count("a.py:7") == 1
    assert f"old.py:7  (commit {3:040x}"[:25] in output


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Place.COMMIT_MESSAGE, "commit message, commit 0000"),
        (Place.TAG_MESSAGE, "tag message, refs/tags/v1"),
        (Place.STASH, "a.py:7  (stash, commit 0000"),
        (Place.REFLOG, "a.py:7  (place only the reflog reaches, commit 0000"),
        (Place.UNREACHABLE, "a.py:7  (unreachable object, commit 0000"),
        (Place.NOTE, "a.py:7  (note, commit 0000"),
        (Place.STDIN, "standard input:7"),
    ],
)
def test_every_kind_of_place_is_named(source: Place, words: str) -> None:
    assert words in written(report(credential(random_value(), commit("a.py", source=source, ref="refs/tags/v1"))))


def test_a_clean_result_says_what_was_looked_at() -> None:
    assert written(report()) == (
        "No credentials found. Looked at 95,123 objects (2.2 GB) with 312 rules in 4.1 s, skipped 2.\n"
    )


def test_a_scan_that_looked_at_nothing_does_not_look_clean() -> None:
    output = written(report(stats=Stats()))
    assert "NOTHING WAS LOOKED AT" in output
    assert "No credentials" not in output
    assert written(report(stats=Stats(), mode="staged")) == "Nothing is staged, so nothing was looked at.\n"
    unread = report(stats=Stats(), mode="staged", problems=(Problem("index", "is damaged"),))
    assert "NOTHING WAS LOOKED AT" in written(unread)


def test_an_incomplete_scan_does_not_look_clean() -> None:
    output = written(report(problems=(Problem("objects/ab", "is corrupt", "run git fsck"),)))
    assert "Problem: objects/ab: is corrupt\n         hint: run git fsck\n" in output
    assert "INCOMPLETE: 1 problem." in output
    assert "No credentials found." not in output


def test_a_declared_limit_is_a_note_and_not_a_problem() -> None:
    output = written(report(problems=(Problem("", "this clone is shallow", is_note=True),), notes=("a note",)))
    assert "Note: this clone is shallow\n" in output
    assert "Note: a note\n" in output
    assert "INCOMPLETE" not in output


def test_what_is_ignored_is_counted_by_reason() -> None:
    ignored = (
        Ignored("sg_000000000000", "baseline", "a.py:1"),
        Ignored("sg_000000000001", "baseline", "a.py:2"),
        Ignored("sg_000000000002", "inline", "a.py:3"),
    )
    assert "Ignored: 2 baseline, 1 inline.  -v lists them.\n" in written(report(ignored=ignored))
    assert "sg_000000000001  baseline  a.py:2" in written(report(ignored=ignored), verbosity=1)


def test_an_ignore_entry_that_the_change_itself_adds_is_marked() -> None:
    one = Ignored("sg_000000000002", "inline", "a.py:3", added_by_change=True)
    output = written(report(ignored=(one,)), verbosity=1)
    assert "sg_000000000002  inline  a.py:3  added by the very change that was scanned\n" in output


def test_quiet_leaves_the_findings_and_the_problems() -> None:
    whole = report(
        credential(random_value()),
        ignored=(Ignored("sg_000000000002", "inline", "a.py:3"),),
        problems=(Problem("x", "is corrupt"),),
    )
    output = written(whole, verbosity=-1)
    assert "Acme API key" in output
    assert "is corrupt" in output
    assert "Looked at" not in output
    assert "Ignored" not in output
    assert written(report(), verbosity=-1) == ""


def test_a_pipe_gets_no_colours_and_no_line_breaks() -> None:
    path = "/".join(["a-long-directory-name"] * 20)
    output = written(report(credential(random_value(), location(path))))
    assert "\x1b" not in output
    assert f"{path}:7" in output
    assert max(len(line) for line in output.splitlines() if "Rotate first" in line) > 100


def test_a_terminal_gets_colours_and_prose_that_fits_but_whole_paths() -> None:
    path = "/".join(["a-long-directory-name"] * 20)
    output = written(report(credential(random_value(), location(path))), Terminal())
    assert "\x1b[" in output
    plain = NO_COLOURS.sub("", output)
    assert f"{path}:7" in plain
    assert max(len(line) for line in plain.splitlines() if path not in line) <= 80


@pytest.mark.parametrize("how", ["option", "variable", "dumb"])
def test_colours_can_be_switched_off(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "variable":
        monkeypatch.setenv("NO_COLOR", "1")
    if how == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    output = written(report(credential(random_value())), Terminal(), color=False if how == "option" else None)
    assert "\x1b" not in output


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_from_a_repository_reaches_the_terminal_unescaped(terminal: bool) -> None:
    one = database_login(
        random_value(),
        location(HOSTILE),
        commit(HOSTILE, author=HOSTILE, date=HOSTILE),
        commit("", 2, Place.TAG_MESSAGE, ref=HOSTILE, author=HOSTILE),
        user=HOSTILE,
        redacted=HOSTILE,
    )
    whole = report(
        one,
        path=HOSTILE,
        ignored=(Ignored(one.id, HOSTILE, HOSTILE, note=HOSTILE, added_by_change=True),),
        problems=(Problem(HOSTILE, HOSTILE, HOSTILE), Problem(HOSTILE, HOSTILE, HOSTILE, is_note=True)),
        notes=(HOSTILE,),
    )
    out = Terminal() if terminal else io.StringIO()
    output = written(whole, out)
    radius.write(whole, one, out)
    plain = NO_COLOURS.sub("", out.getvalue())
    assert all(char == "\n" or char.isprintable() for char in plain)
    assert "[bold]x[/bold]" in plain
    assert "\\x1b[2J" in output
    assert "\\xe9" in plain

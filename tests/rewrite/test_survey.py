"""What can be done in each file: nothing is lost silently, and one rewriter's fault costs one file."""

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from secretguard_languages import prose, python

from secretguard.errors import RewriteError
from secretguard.rewrite.survey import TrackedFile, survey
from secretguard.rewriting import Surroundings
from secretguard.rotation import Login
from secretguard.secret import Secret
from secretguard.testing.rewriting import rewritten
from tests.rewrite.logins import LEAKED, VALUE, planned

CODE = f'import os\nURL = "postgresql://app:{VALUE}@db/shop"\n'.encode()
NOWHERE = Surroundings(frozenset(), lambda _: None)


class Panic(BaseException):
    """What a compiled library raises in its panic: no Exception, with the text it was reading in its words."""


def broken(function: str, error: BaseException) -> Any:
    """A rewriter of `.bad` files that is as good as Python's, but for one function."""

    def fail(*_: object) -> None:
        raise error

    functions: dict[str, Any] = {
        "claims": lambda document: int(document.name.endswith(".bad")),
        "survey": python.survey,
        "additions": python.additions,
        "fault": python.fault,
    }
    return SimpleNamespace(**functions | {function: fail}, __name__="secretguard_bad")


@pytest.mark.parametrize("function", ["survey", "additions", "fault"])
@pytest.mark.parametrize("error", [ValueError(VALUE), RecursionError(), Panic(VALUE)], ids=["error", "depth", "panic"])
def test_a_rewriter_that_fails_is_named_and_loses_its_own_file_only(function: str, error: BaseException) -> None:
    found = planned({"a.py": CODE, "x.bad": CODE, "z.py": CODE}, broken(function, error), python)
    assert [one.path for one in found.changes if one.path.endswith((".py", ".bad"))] == ["a.py", "z.py"]
    (item,) = found.manual
    assert (item.path, item.line) == ("x.bad", 2)
    assert f"the rewriter secretguard_bad failed on it ({type(error).__name__})" in item.reason
    assert VALUE not in item.reason + item.advice


def test_a_rewriter_that_fails_to_say_whether_a_file_is_its_own_is_named() -> None:
    found = planned({"a.py": CODE}, broken("claims", Panic()), python)
    assert [one.reason for one in found.manual] == ["the rewriter secretguard_bad failed on it (Panic)"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RewriteError("ast-grep is not installed", hint="Install it.")])
def test_what_the_operator_does_or_has_to_do_is_no_fault_of_a_file(error: BaseException) -> None:
    with pytest.raises(type(error)):
        planned({"x.bad": CODE}, broken("survey", error))


def test_a_place_of_which_a_rewriter_says_nothing_is_left_to_a_person() -> None:
    silent = broken("fault", ValueError())
    silent.survey = lambda *_: []
    found = planned({"x.bad": CODE}, silent)
    assert [(one.path, one.line, one.reason) for one in found.manual] == [
        ("x.bad", 2, "nothing is known of this place")
    ]


def test_a_file_that_says_the_marks_of_the_edits_is_left_where_they_stand() -> None:
    marked = f'A = "\ue000 {VALUE}"\nB = "{VALUE}"\nC = "\ue002"\n'
    found = planned({"a.py": marked.encode()}, python)
    (change,) = (one for one in found.changes if one.path == "a.py")
    first, _, third = marked.splitlines()
    assert (change.after or b"").decode().splitlines()[2:] == [first, 'B = os.environ["DATABASE_PASSWORD"]', third]
    assert [one.line for one in found.manual] == [1]


def test_an_encoded_copy_beside_a_plain_one_is_seen() -> None:
    packed = base64.b64encode(VALUE.encode()).decode()
    found = planned({"a.py": f'A = "{VALUE}"\nB = "{packed}"\n'.encode()}, python)
    (change,) = (one for one in found.changes if one.path == "a.py")
    assert packed.encode() not in (change.after or b"")
    assert len(found.variables) == 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (f"x{VALUE}".encode(), "the value is part of a longer word there, or encoded together with other text"),
        (f"\0{VALUE}".encode(), "the file is binary, or very long"),
        (f"{VALUE}\n".encode() * 1_001, "the value stands there more than 1,000 times"),
    ],
    ids=["a longer word", "binary", "very often"],
)
def test_a_file_that_cannot_be_edited_is_never_passed_over(data: bytes, reason: str) -> None:
    assert [one.reason for one in planned({"a.md": data}, prose).manual] == [reason]


def test_part_of_a_large_file_is_not_taken_for_the_whole_of_it() -> None:
    _, manual = survey([TrackedFile("a.md", VALUE.encode(), is_whole=False)], [prose], NOWHERE, LEAKED)  # type: ignore[list-item]
    assert [one.reason for one in manual] == ["the file is binary, or very long"]


def test_a_file_of_another_value_is_no_business_of_ours() -> None:
    assert planned({"a.py": b'A = "another"\n', "b.bin": VALUE[:-1].encode()}, python).manual == ()


@pytest.mark.parametrize("name", ["a\nb.py", "\x1b]0;x\x07.py", "../a.py", "\udce9.py", "-rf.py"])
def test_any_name_of_a_file_is_only_a_name(name: str) -> None:
    assert [one.path for one in planned({name: CODE}, python).changes if one.path.endswith(".py")] == [name]


def test_a_word_as_password_is_looked_for_where_a_rule_saw_it_only() -> None:
    leaked = Login("postgres", Secret("postgres"))
    assert survey([TrackedFile("a.md", b"postgres is a database")], [prose], NOWHERE, leaked) == ([], [])  # type: ignore[list-item]


def test_user_and_password_that_are_left_for_one_reason_are_one_item() -> None:
    text = f"db:\n  db_host: db.internal\n  db_user: app\n  db_password: {VALUE}\n"
    found = rewritten({"unknown.yaml": text}, LEAKED)
    assert [(one.path, one.line) for one in found.manual] == [("unknown.yaml", 4)]


def test_a_user_of_another_command_is_not_taken_for_the_one_of_the_password() -> None:
    text = f'ssh deploy@h "PGPASSWORD={VALUE} psql"\nPGUSER=postgres psql\n'
    found = rewritten({"a.sh": text}, LEAKED)
    assert found.manual == ()
    assert VALUE.encode() not in next(one.after or b"" for one in found.changes if one.path == "a.sh")


@pytest.mark.parametrize(
    "text",
    [f"DB_USER=other\nDB_PASSWORD={VALUE}\n", f"PGUSER=other PGPASSWORD={VALUE} psql\n"],
    ids=["lines", "command"],
)
def test_the_password_of_another_user_stays_and_both_possibilities_are_told(text: str) -> None:
    found = rewritten({"a.sh": text}, LEAKED)
    assert found.changes == ()
    (item,) = found.manual
    assert item.reason == "another user seems to have the same password here, and is not rotated"
    assert "rotate that login by itself" in item.advice
    assert "the leaked login's own" in item.advice

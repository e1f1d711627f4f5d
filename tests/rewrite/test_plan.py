"""The rewriting of whole repositories: every copy is edited or reported, and nothing else changes."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from secretguard_languages import dotenv, javascript, python, shell

from secretguard.rewrite.documents import read_document
from secretguard.rewrite.survey import all_rewriters
from tests.rewrite.logins import VALUE, planned

PATHS = (
    *("a.py", "a.js", "a.ts", "a.tsx", "a.go", "a.rs", "a.java", "a.kt", "a.cs", "a.rb", "a.php", "a.scala", "a.sh"),
    *("a.yaml", "docker-compose.yml", ".github/workflows/a.yml", ".gitlab-ci.yml", "a.json", "a.toml", "a.ini"),
    *(
        "a.properties",
        ".env",
        "Dockerfile",
        "a.tf",
        "a.sql",
        "a.ipynb",
        "a.md",
        "a.xml",
        "a.html",
        "a.ps1",
        "a.unknown",
    ),
)
REWRITERS = all_rewriters()
LINE = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
PIECE = st.one_of(
    LINE, st.sampled_from(("\n", "\r\n", '"', "'", "`", "${", "{{", "<!--", "#", "\\", "- a: ", "f'", '"""'))
)


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=st.lists(PIECE, max_size=6).map("".join), after=st.lists(PIECE, max_size=6).map("".join))
@example(before="", after="")
@example(before="\ue000 '", after="' \ue002")
@example(before="\ufeff\r\n", after="\r\n")
def test_whatever_stands_around_a_value_it_goes_or_is_reported(path: str, before: str, after: str) -> None:
    text = f'{before}\n"{VALUE}"\n{after}'
    data = text.encode()
    found = planned({path: data}, *REWRITERS)
    assert not any("failed on it" in one.reason for one in found.manual), found.manual
    changed = [one for one in found.changes if one.path == path]
    assert changed or found.manual
    for one in changed:
        assert one.before == data
        if one.after is None:
            continue
        document = read_document(path, one.after)
        assert document is not None
        assert VALUE not in document.text or found.manual
        lines = iter(one.after.split(b"\n"))
        assert path not in ("a.md", "a.sh") or all(line in lines for line in before.encode().split(b"\n"))


@pytest.mark.parametrize(
    ("path", "opening", "closing"),
    [("a.py", "[", "]"), ("a.js", "[", "]"), ("a.js", "`${", "}`"), ("a.sh", "$(", ")"), ("a.go", "(", ")")],
)
def test_code_that_is_nested_without_end_is_left_to_a_person(path: str, opening: str, closing: str) -> None:
    text = f'x = {opening * 20_000}"{VALUE}"{closing * 20_000}\n'
    found = planned({path: text.encode(), "b.py": f'B = "{VALUE}"\n'.encode()}, *REWRITERS)
    assert [one.path for one in found.changes if one.path != "secretguard.refs.env"] == ["b.py"]
    assert [one.path for one in found.manual] == [path]


@pytest.mark.parametrize(("path", "plus"), [("a.py", " + "), ("a.js", " + "), ("a.py", " ")])
def test_a_sum_of_thousands_of_literals_is_left_to_a_person(path: str, plus: str) -> None:
    text = "x = " + plus.join([f'"{VALUE}"'] + ['"a"'] * 5_000) + "\n"
    assert [one.path for one in planned({path: text.encode()}, *REWRITERS).manual][:1] == [path]


@pytest.mark.parametrize("filling", ["a", "a1", "; ", " ", ".", "a=b ", "'", "a://"])
@pytest.mark.parametrize("path", ["a.py", "a.md", ".env", "a.sh"])
def test_one_huge_line_is_read_in_a_moment(path: str, filling: str) -> None:
    text = f'K="{filling * 20_000} {VALUE} {filling * 20_000}"\n'
    found = planned({path: text.encode()}, *REWRITERS)
    assert found.changes or found.manual


def test_edits_of_one_file_are_of_their_own_lines() -> None:
    lines = [f"line {number}" for number in range(50)]
    text = "\n".join(f"{one} {VALUE}" if number % 7 == 0 else one for number, one in enumerate(lines))
    (change,) = planned({"a.md": text.encode()}, *REWRITERS).changes
    after = (change.after or b"").decode().split("\n")
    assert [one for number, one in enumerate(after) if number % 7] == [one for n, one in enumerate(lines) if n % 7]
    assert all(one.endswith("<password>") for one in after[::7])


def test_rewriting_twice_changes_nothing_more() -> None:
    files = {"a.py": f'A = "{VALUE}"\n'.encode(), "a.sh": f"A={VALUE}\n".encode(), "a.js": f'f("{VALUE}")\n'.encode()}
    first = planned(files, python, shell, javascript, dotenv)
    again = {one.path: one.after for one in first.changes if one.after is not None}
    assert planned(again, python, shell, javascript, dotenv).changes == ()
    assert all(one.path < other.path for one, other in pairwise(first.changes))

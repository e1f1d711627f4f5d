"""No copy of the value stays that is neither edited nor listed, however it is written."""

import base64

import pytest
from secretguard_languages import java, javascript, python, shell

from secretguard.rewrite.sightings import finder
from tests.rewrite.logins import LEAKED, VALUE, planned

PLAIN = f'A = "{VALUE}"\n'
HALF = len(VALUE) // 2
WAYS = {
    "in a longer word": f'X = "pre{VALUE}post"',
    "base64, twice": f'X = "{base64.b64encode(base64.b64encode(VALUE.encode())).decode()}"',
    "base64 of more": f'X = "{base64.b64encode(f"app:{VALUE}!".encode()).decode()}"',
    "escapes": "X = b'" + "".join(f"\\x{ord(char):02x}" for char in VALUE) + "'",
    "entities": f'X = "{"".join(f"&#{ord(char)};" for char in VALUE)}"',
    "two literals": f'X = f("{VALUE[:HALF]}" "{VALUE[HALF:]}")',
    "a join over lines": f'X = f("{VALUE[:HALF]}"\n  "{VALUE[HALF:]}")',
}


@pytest.mark.parametrize("beside", [PLAIN, ""], ids=["beside a plain copy", "alone"])
@pytest.mark.parametrize("text", WAYS.values(), ids=WAYS)
def test_a_copy_that_is_written_in_another_way_is_edited_or_listed(text: str, beside: str) -> None:
    data = f"{beside}{text}\n".encode()
    assert finder(LEAKED)(data)
    found = planned({"a.py": data}, python)
    (after,) = [(one.after or b"").decode() for one in found.changes if one.path == "a.py"] or [data.decode()]
    is_edited = text not in after
    assert is_edited or [(one.path, one.line) for one in found.manual] == [("a.py", 1 + beside.count("\n"))]
    assert VALUE not in after or not is_edited


def test_a_value_behind_an_escape_is_edited() -> None:
    found = planned({"a.py": f'import os\nrun(input="app\\n{VALUE}\\n")\n'.encode()}, python)
    (change,) = (one for one in found.changes if one.path == "a.py")
    assert VALUE.encode() not in (change.after or b"")
    assert found.manual == ()


def test_both_copies_behind_escapes_in_one_literal_of_a_shell_go_or_are_listed() -> None:
    text = f"printf '{VALUE}\\n{VALUE}\\n' | passwd app\n"
    found = planned({"a.sh": text.encode()}, shell)
    (after,) = [(one.after or b"").decode() for one in found.changes if one.path == "a.sh"] or [text]
    assert VALUE not in after or [(one.path, one.line) for one in found.manual] == [("a.sh", 1)]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("A.java", f'switch (s) {{ case "{VALUE}": return "{VALUE}"; }}'),
        ("a.ts", f'const p: "{VALUE}" = "{VALUE}"'),
        ("a.py", f'a("{VALUE}"), b("x{VALUE}")'),
    ],
)
def test_a_line_with_a_copy_that_stays_is_left_as_it_is_and_everything_else_is_done(path: str, line: str) -> None:
    mixed = f'class A {{ void f(String s) {{\nString a = "{VALUE}";\n{line}\n}} }}' if path == "A.java" else line
    number = 3 if path == "A.java" else 1
    found = planned({path: f"{mixed}\n".encode(), "b.py": PLAIN.encode()}, python, java, javascript)
    after = {one.path: (one.after or b"").decode() for one in found.changes}
    assert VALUE not in after["b.py"]
    assert line in after.get(path, mixed)
    assert after.get(path, "").count(VALUE) in (0, 2)
    assert number in {one.line for one in found.manual if one.path == path}


def test_only_variables_of_edits_that_are_made_are_mapped() -> None:
    text = f'a("{VALUE}"), b("x{VALUE}")\n'
    found = planned({"a.py": text.encode()}, python)
    assert (found.changes, found.variables) == ((), ())

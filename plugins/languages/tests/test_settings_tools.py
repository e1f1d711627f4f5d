"""Rewritten files run through the programs that read them: each gets what stood there before."""

import configparser
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secretguard_languages import (
    batch_files,
    ini_files,
    makefiles,
    powershell,
    properties_files,
    sql_files,
    toml_files,
    xml_files,
)

from plugins.languages.tests.corpus import Case, cases, filled, leaked
from secretguard.interfaces import Rewriter
from secretguard.rewrite.spots import spots_of
from secretguard.rewriting import Document, Site, Surroundings
from secretguard.testing.rewriting import rewritten

_ODD = "x$y%40(z)"
_VALUE = f"postgresql://a:{_ODD}@h/b"
"""With characters that mean something to these programs."""
_PIECES = (
    "'",
    '"',
    "`",
    "$(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "\\",
    "\n",
    "\r\n",
    "#",
    "<#",
    "@'",
    '"@',
    "<!--",
    "-->",
    "<a>",
)
_FORMATS: tuple[tuple[str, Rewriter], ...] = (
    ("a.bat", batch_files),
    ("supervisord.conf", ini_files),
    ("Makefile", makefiles),
    ("a.ps1", powershell),
    ("application.properties", properties_files),
    ("a.psql", sql_files),
    ("telegraf.conf", toml_files),
    ("settings.xml", xml_files),
)


def _after(case: Case) -> str:
    login, kind, family = leaked(case)
    rewrite = rewritten({case.path: filled(case.before)}, login, kind=kind, family=family)
    return next(one.after or b"" for one in rewrite.changes if one.path == case.path).decode()


def _run(command: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("sign", ["=", "?=", ":=", "export ="])
def test_make_gets_the_variable_and_stops_without_it(tmp_path: Path, sign: str) -> None:
    word, _, sign = sign.rpartition(" ")
    text = f"{word} DATABASE_URL {sign} ⟨dsn⟩\nall:\n\t@printf %s '$(DATABASE_URL)'\n".lstrip()
    case = Case("", "Makefile", text, None)
    (tmp_path / "Makefile").write_text(_after(case), "utf-8")
    # Where `?=` lets the environment come first, make has always expanded a `$` in what it finds there.
    value = _VALUE.replace("$", "") if sign == "?=" else _VALUE
    assert _run(["make", "-s"], tmp_path, DATABASE_URL=value).stdout == value
    without = _run(["make", "-s"], tmp_path)
    assert without.returncode != 0
    assert "DATABASE_URL is not set" in without.stderr


@pytest.mark.skipif(shutil.which("php") is None, reason="php is not installed")
def test_php_gets_the_variable(tmp_path: Path) -> None:
    case = Case("", "php.ini", 'app.whole = ⟨dsn⟩\napp.part = "dsn=⟨dsn⟩;q"\n', None)
    (tmp_path / "php.ini").write_text(_after(case), "utf-8")
    code = "echo get_cfg_var('app.whole'), ' ', get_cfg_var('app.part');"
    found = _run(["php", "-c", str(tmp_path), "-r", code], tmp_path, DATABASE_URL=_VALUE)
    assert found.stdout == f"{_VALUE} dsn={_VALUE};q"


def test_the_values_of_supervisor_expand_to_what_stood_there() -> None:
    """Supervisor reads its file by configparser, and fills in each value by Python's `%` (supervisor.options.expand)."""
    case = next(one for one in cases() if one.source == "ini" and one.name == "a program of Supervisor")
    login, *_ = leaked(case)
    variables = {"ENV_LEVEL": "1", "ENV_APP_DB": filled("⟨dsn⟩"), "ENV_PGPASSWORD": login.secret.reveal()}
    before, after = (configparser.RawConfigParser() for _ in range(2))
    before.read_string(filled(case.before))
    after.read_string(_after(case))
    for name, value in before["program:web"].items():
        assert after["program:web"][name] % variables == value % variables


@settings(deadline=None, max_examples=40)
@given(
    at=st.integers(0, len(_FORMATS) - 1),
    before=st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=5)), max_size=12).map("".join),
    after=st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=5)), max_size=12).map("".join),
)
def test_any_text_around_a_secret_is_understood_or_left(at: int, before: str, after: str) -> None:
    path, rewriter = _FORMATS[at]
    login, *_ = leaked(Case("", path, "", None))
    document = Document(path, f"{before}\nx = '{login.secret.reveal()}'\n{after}")
    spots = spots_of(document, document.text.encode("utf-8", "surrogatepass"), (), login)
    for one in rewriter.survey(document, spots, Surroundings((), lambda _: None)):
        if isinstance(one, Site):
            assert any(one.start <= spot.start and spot.end <= one.end for spot in spots)

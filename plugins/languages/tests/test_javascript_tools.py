"""JavaScript, TypeScript and notebooks: Node.js, tsc and nbformat read them before and after; programs get the same."""

import json
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.languages.tests.corpus import Case, cases, filled, leaked
from secretguard.rewrite.plan import Rewrite
from secretguard.testing.rewriting import rewritten

WEB = [one for one in cases() if one.source in ("javascript", "typescript", "browsers") and one.after is not None]
PROGRAMS = [one for one in WEB if one.runs]
NOTEBOOKS = [one for one in cases() if one.source == "notebooks" and one.after is not None]
LOGIN, KIND, FAMILY = leaked(Case("", "", "", None))
DSN = filled("⟨dsn⟩")
PARSE = """
const fs = require("fs"), vm = require("vm");
for (const path of fs.readFileSync(0, "utf8").split("\\n").filter(Boolean)) {
  const text = fs.readFileSync(path, "utf8").replace(/^\\ufeff/, "");
  try { new vm.Script(text); } catch {
    try { new vm.SourceTextModule(text); } catch (error) { console.log(path, error.message); }
  }
}
"""
_ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def _run(*command: str | Path, given_text: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return subprocess.run(
        command,
        input=given_text,
        env=kept | variables,
        capture_output=True,
        check=False,
        timeout=300,
        encoding="utf-8",
    )


def _needs(tool: str) -> None:
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")


def _rewrite(case: Case, text: str) -> Rewrite:
    login, kind, family = leaked(case)
    others = {path: filled(content) for path, content in case.files.items()}
    return rewritten({case.path: case.written(text), **others}, login, kind=kind, family=family)


def _values(rewrite: Rewrite) -> dict[str, str]:
    """Return the variables of a rewriting with what the places held that read them now."""
    found = {}
    for one in rewrite.variables:
        text = one.spelling.text.reveal()
        found[one.variable.name] = b64encode(text.encode()).decode() if one.spelling.encoding else text
    return found


def _write(folder: Path, case: Case, text: str, name: str) -> Path:
    file = folder / f"{name}{Path(case.path).suffix}"
    file.write_bytes(case.written(text) if case.encoding == "utf-8" else filled(text).encode())
    return file


def test_every_script_of_the_corpus_is_read_by_node(tmp_path: Path) -> None:
    _needs("node")
    plain = [one for one in WEB if one.path.endswith((".js", ".mjs", ".cjs"))]
    files = [
        _write(tmp_path, one, text, f"{number}-{which}")
        for number, one in enumerate(plain)
        for which, text in (("before", one.before), ("after", one.after or ""))
    ]
    done = _run("node", "--experimental-vm-modules", "-e", PARSE, given_text="\n".join(map(str, files)))
    assert (done.returncode, done.stdout) == (0, "")
    assert len(files) > 50


@pytest.mark.parametrize("which", ["before", "after"])
def test_typescript_compiles_under_the_strict_options(which: str, tmp_path: Path) -> None:
    _needs("tsc")
    types = Path(_run("npm", "root", "-g").stdout.strip()) / "@types"
    if not (types / "node").is_dir():
        pytest.skip("the types of Node.js are not installed beside tsc")
    written = [one for one in WEB if one.compiles]
    files = [
        _write(tmp_path, one, (one.after or "") if which == "after" else one.before, f"case{number}")
        for number, one in enumerate(written)
    ]
    assert len(files) >= 4
    options = ("--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--types", "node")
    done = _run("tsc", *options, "--typeRoots", types, *files)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("case", PROGRAMS, ids=str)
def test_a_program_gets_what_it_had_and_stops_without(case: Case, tmp_path: Path) -> None:
    _needs("node")
    before = _run("node", _write(tmp_path, case, case.before, "before"))
    after = _write(tmp_path, case, case.after or "", "after")
    with_it = _run("node", after, **_values(_rewrite(case, case.before)))
    assert before.stdout
    assert (with_it.returncode, with_it.stdout, with_it.stderr) == (0, before.stdout, "")
    without = _run("node", after)
    assert without.returncode == 1
    assert " is not set" in without.stderr


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(around=st.lists(st.tuples(_ANY_TEXT, _ANY_TEXT), min_size=20, max_size=40), mark=st.sampled_from("'\"`"))
def test_any_text_around_a_dsn_is_the_same_in_a_template(around: list[tuple[str, str]], mark: str) -> None:
    """Inside a longer string of each kind, whatever has to be escaped there."""
    _needs("node")
    lines = [_quoted(f"{before} {DSN} {after}", mark) for before, after in around]
    program = "".join(f"console.log(JSON.stringify({line}));\n" for line in lines)
    rewrite = rewritten({"a.js": program}, LOGIN, kind=KIND, family=FAMILY)
    assert rewrite.manual == ()
    after = (rewrite.changes[0].after or b"").decode()
    assert after.count("process.env") == len(around)
    outputs = [_run("node", "-", given_text=one, **_values(rewrite)).stdout for one in (program, after)]
    assert outputs[0].count("\n") == len(around)
    assert outputs[1] == outputs[0]


def _quoted(text: str, mark: str) -> str:
    """Write a string of JavaScript."""
    inner = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace(mark, "\\" + mark)
    inner = inner.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return mark + (inner.replace("${", "\\${") if mark == "`" else inner) + mark


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    head=_ANY_TEXT,
    tail=_ANY_TEXT,
    name=st.sampled_from(["a.js", "a.tsx", "a.ts", "a.json", ".mcp.json", "a.ipynb", "a.html", "a.vue", "README.md"]),
)
def test_any_text_survives(head: str, tail: str, name: str) -> None:
    """Whatever stands around a literal, valid or not: nothing raises, and no other byte changes."""
    text = f'{head}\nx = "{DSN}"\n{tail}'
    rewrite = rewritten({name: text}, LOGIN, kind=KIND, family=FAMILY)
    for change in rewrite.changes:
        if change.path == name:
            after = (change.after or b"").decode()
            assert after.startswith(f"{head}\n")
            assert f"\n{tail}" in after
            assert LOGIN.secret.reveal() not in after


_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | _ANY_TEXT | st.just(DSN) | _ANY_TEXT.map(lambda text: f"{text} {DSN} "),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_ANY_TEXT.map(str.lower), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=_TREES, indent=st.sampled_from([None, 2, "\t"]), is_ascii=st.booleans())
def test_any_json_is_equal_but_for_the_values(tree: Any, indent: int | str | None, is_ascii: bool) -> None:
    text = json.dumps({"a": tree}, indent=indent, ensure_ascii=is_ascii)
    rewrite = rewritten({".gemini/settings.json": text}, LOGIN, kind=KIND, family=FAMILY)
    assert rewrite.manual == ()
    after = (rewrite.changes[0].after or b"").decode() if rewrite.changes else text
    assert json.loads(after) == json.loads(text.replace(DSN, "${DATABASE_URL}"))


def test_json_of_the_corpus_is_equal_but_for_the_values() -> None:
    written = [one for one in cases() if one.source == "json" and one.after is not None and "//" not in one.before]
    assert len(written) > 7
    for case in written:
        trees = [json.loads(case.written(text)) for text in (case.before, case.after or "")]
        leaves = [list(_leaves(tree)) for tree in trees]
        assert [one[0] for one in leaves[0]] == [one[0] for one in leaves[1]]
        other = [after for before, after in zip(*leaves, strict=True) if before != after]
        assert other
        assert all(any(mark in str(one[1]) for mark in ("${", "{{", "<")) for one in other)


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, (dict, list)):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _leaves(value, f"{path}/{key}")
    else:
        yield path, tree


@pytest.mark.parametrize("case", NOTEBOOKS, ids=str)
def test_a_notebook_is_one_before_and_after(case: Case) -> None:
    before, after = (nbformat.reads(case.written(text).decode(), 4) for text in (case.before, case.after or ""))
    for one in (before, after):
        nbformat.validate(one)
    assert len(before.cells) == len(after.cells)
    assert before.metadata == after.metadata


def test_the_cells_of_a_notebook_get_what_they_had() -> None:
    case = next(one for one in NOTEBOOKS if one.path == "one.ipynb")
    rewrite = _rewrite(case, case.before)
    outputs = []
    for text in (case.before, case.after or ""):
        cells = nbformat.reads(case.written(text).decode(), 4).cells
        program = "\n".join(f"{cell.source}\nprint(url)" for cell in cells)
        outputs.append(_run(sys.executable, "-c", program, **_values(rewrite)))
    assert outputs[0].stdout == outputs[1].stdout == f"{DSN}\n{DSN}\n"


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(_ANY_TEXT, max_size=5), is_list=st.booleans(), indent=st.sampled_from([None, 1]))
def test_any_cell_keeps_its_other_lines(lines: list[str], is_list: bool, indent: int | None) -> None:
    comments = [f"# {''.join(line.split())}\n" for line in lines]
    source = ["import os\n", *comments, f'url = "{DSN}"  # é 😀\n', *comments]
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": source if is_list else "".join(source)}
    notebook = {"cells": [cell], "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 4}
    text = json.dumps(notebook, indent=indent, ensure_ascii=is_list)
    rewrite = rewritten({"a.ipynb": text}, LOGIN, kind=KIND, family=FAMILY)
    assert rewrite.manual == ()
    after = json.loads(rewrite.changes[0].after or b"")
    wanted = [line.replace(f'"{DSN}"', 'os.environ["DATABASE_URL"]') for line in source]
    assert after == {**notebook, "cells": [{**cell, "source": wanted if is_list else "".join(wanted)}]}

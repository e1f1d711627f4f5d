"""`ignore.paths` means what the same line means in a .gitignore, and takes no longer for a hostile one."""

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from secretguard.globs import glob, matches

NAMES = st.sampled_from(["a", "b", "ab", "a.b", "ba", "abc"])
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=4).map("/".join), min_size=1, max_size=25, unique=True)
PARTS = st.lists(st.sampled_from(["a", "b", "*", "?", "[ab]", "[!a]", ".", "[a-b]"]), min_size=1, max_size=4).map(
    "".join
)
PATTERNS = st.builds(
    lambda front, parts, end: front + "/".join(parts) + end,
    st.sampled_from(["", "/", "**/"]),
    st.lists(
        PARTS.filter(lambda part: "**" not in part and part not in (".", "..")) | st.just("**"), min_size=1, max_size=4
    ),
    st.sampled_from(["", "/", "/**", "/*"]),
)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.lock", ["yarn.lock", "web/yarn.lock"], ["yarn.lock.md"]),
        ("node_modules", ["node_modules/a.js", "web/node_modules/b/c.js"], ["my_node_modules/a.js"]),
        ("/build", ["build", "build/out.txt"], ["src/build"]),
        ("tests/fixtures/**", ["tests/fixtures/a", "tests/fixtures/b/c"], ["tests/fixtures", "x/tests/fixtures/a"]),
        ("tests/**/data", ["tests/data/x", "tests/a/b/data/x"], ["tests/a/databases"]),
        ("**/keys/*.pem", ["keys/a.pem", "x/y/keys/a.pem"], ["keys/x/a.pem"]),
        ("docs/", ["docs/a.md", "x/docs/b.md"], ["docs"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b", "a/bc"]),
        ("v?.[0-9]*", ["v1.2", "v2.20/x"], ["v.2", "v1.x"]),
        ("[!a]bc", ["xbc"], ["abc"]),
    ],
)
def test_a_glob_matches_what_a_reader_expects(pattern: str, yes: list[str], no: list[str]) -> None:
    compiled = glob(pattern)
    assert [path for path in yes if not matches(compiled, path)] == []
    assert [path for path in no if matches(compiled, path)] == []


@pytest.mark.parametrize("pattern", ["!important", "", "/", "a/../b", ".."])
def test_what_a_glob_cannot_say_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="path glob"):
        glob(pattern)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("globs")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PATTERNS, PATHS)
def test_git_itself_ignores_the_same_paths(repository: Path, pattern: str, paths: list[str]) -> None:
    assume(pattern.strip("/") and "//" not in pattern)
    (repository / ".gitignore").write_text(pattern + "\n")
    run = subprocess.run(
        ["git", "-C", str(repository), "check-ignore", "--no-index", "--stdin"],
        input="\n".join(paths), text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert {path for path in paths if matches(glob(pattern), path)} == set(run.stdout.split())


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_pattern_is_either_refused_or_answers(pattern: str, path: str) -> None:
    try:
        compiled = glob(pattern)
    except ValueError:
        return
    assert matches(compiled, path) in (True, False)


def test_a_hostile_glob_takes_no_time() -> None:
    began = time.perf_counter()
    assert not matches(glob("*a" * 40 + "b"), "a" * 3000)
    assert not matches(glob("**/a/" * 40 + "b"), "a/" * 1500 + "c")
    assert time.perf_counter() - began < 2

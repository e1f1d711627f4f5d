"""Who is asked for a review is who CODEOWNERS says, as GitHub and GitLab read it."""

import time
from pathlib import Path

import pytest

from secretguard.rewrite.codeowners import GITHUB_PLACES, GITLAB_PLACES, codeowners, owners_of
from secretguard.testing import RepositoryBuilder
from tests.rewrite.deliveries import opened

# The example of GitHub's own documentation, in our words.
FILE = """\
# Owners
*       @everyone
*.js    @js-owner # inline comment
*.go    docs@example.com
*.txt   @org/writers
/build/logs/ @doctocat
docs/*  @direct
apps/   @octocat
/docs/  @deep
/scripts/ @doctocat @octocat
**/logs @logger
/apps/github
a\\ b.c @space
!x @negated
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("main.c", ["@everyone"]),
        ("src/main.js", ["@js-owner"]),
        ("main.go", ["docs@example.com"]),
        ("x/y.txt", ["@org/writers"]),
        ("build/logs/a.c", ["@logger"]),
        ("lib/build/logs", ["@logger"]),
        ("lib/docs/a.c", ["@everyone"]),
        ("docs/deep/er/a.c", ["@deep"]),
        ("lib/apps/a.c", ["@octocat"]),
        ("apps/github", []),
        ("scripts/a.sh", ["@doctocat", "@octocat"]),
        ("a b.c", ["@space"]),
    ],
)
def test_the_last_line_that_matches_wins(path: str, owners: list[str]) -> None:
    assert list(owners_of(FILE, [path])) == owners


def test_a_folders_star_goes_no_deeper() -> None:
    assert owners_of("docs/* @direct\n", ["docs/a.md"]) == ("@direct",)
    assert owners_of("docs/* @direct\n", ["docs/more/a.md"]) == ()


def test_sections_of_gitlab_add_up_and_have_owners_by_default() -> None:
    text = "* @all\n[Docs] @writers\n*.md\n*.rst @rst\n^[Database][2]\nmodel/ @dba\nREADME.md\n"
    assert owners_of(text, ["README.md"]) == ("@all", "@writers")
    assert owners_of(text, ["model/x.rst"]) == ("@all", "@dba", "@rst")


def test_who_owns_most_comes_first() -> None:
    assert owners_of("* @many\nb @one\n", ["a", "b", "c"]) == ("@many", "@one")


@pytest.mark.parametrize(("places", "found"), [(GITHUB_PLACES, "1"), (GITLAB_PLACES, "2")])
def test_the_file_of_the_commit_is_read_where_the_forge_looks(
    tmp_path: Path, places: tuple[str, ...], found: str
) -> None:
    builder = RepositoryBuilder(tmp_path)
    for number, place in enumerate((".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"), 1):
        builder.write(place, f"* @{number}\n")
    builder.commit("Owners")
    (tmp_path / "CODEOWNERS").write_text("* @half-an-edit\n")
    assert codeowners(opened(tmp_path), builder.head, places) == f"* @{found}\n"


def test_no_file_is_no_owners(tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path)
    builder.write("a", "a\n").commit("Start")
    assert codeowners(opened(tmp_path), builder.head, GITHUB_PLACES) == ""
    assert owners_of("", ["a"]) == ()


def test_a_hostile_file_takes_no_time() -> None:
    began = time.process_time()
    owners_of(f"{'*a' * 200}b @x\n" * 50 + "**/" * 200 + "z @y\n", ["a" * 2000, "/".join("a" * 500)])
    assert time.process_time() - began < 5

"""A `.env` leaves git; what stays behind is written only where it can be, and somebody else's files are kept."""

import pytest
from secretguard_languages import dotenv, python

from secretguard.rewrite.env_files import REFERENCES, is_env_file
from secretguard.rewrite.plan import Rewrite
from tests.rewrite.logins import VALUE, planned

ENV = f"DATABASE_URL=postgresql://app:{VALUE}@db/shop\nPORT=3000\n".encode()


def after(rewrite: Rewrite) -> dict[str, bytes | None]:
    return {one.path: one.after for one in rewrite.changes}


def test_the_names_stay_in_an_example_and_the_references_in_a_file_of_their_own() -> None:
    found = after(planned({"api/.env": ENV}, dotenv))
    assert found["api/.env"] is None
    assert found["api/.env.example"] == b"DATABASE_URL=\nPORT=\n"
    assert found["api/.gitignore"] == b"/.env\n"
    assert (found[REFERENCES] or b"").endswith(b"\nDATABASE_URL=ref+vault://secret/app#/DATABASE_URL\n")


def test_files_that_are_there_are_kept_to_the_byte_and_get_lines_at_their_end() -> None:
    kept = {".gitignore": b"*.pyc\r\n/build", ".env.example": "PORT=3000\u2028x\n".encode(), REFERENCES: b"OTHER=1\n"}
    found = after(planned({".env": ENV, **kept}, dotenv))
    assert found[".gitignore"] == b"*.pyc\r\n/build\r\n/.env\r\n"
    assert found[".env.example"] == kept[".env.example"] + b"DATABASE_URL=\n"
    assert found[REFERENCES] == b"OTHER=1\nDATABASE_URL=ref+vault://secret/app#/DATABASE_URL\n"


def test_a_second_rewriting_adds_nothing() -> None:
    first = after(planned({".env": ENV}, dotenv))
    again = {path: data for path, data in first.items() if data is not None}
    assert set(after(planned({".env": ENV} | again, dotenv))) == {".env"}


def test_an_example_that_holds_the_value_itself_is_one_change() -> None:
    example = f"OLD_URL=postgresql://app:{VALUE}@db/shop\n".encode()
    found = planned({".env": ENV, ".env.example": example}, dotenv)
    assert [one.path for one in found.changes].count(".env.example") == 1
    (change,) = (one for one in found.changes if one.path == ".env.example")
    assert (change.before, change.after) == (example, b"OLD_URL=\nDATABASE_URL=\nPORT=\n")


def test_links_folders_binary_files_and_other_letters_are_left_to_a_person_and_the_rest_is_done() -> None:
    others = {
        ".gitignore": b"caf\xe9\n",
        "api/.gitignore": b"\0",
        ".ENV.example": b"",
        "api/.env.example/readme": b"",
        REFERENCES: b"elsewhere",
    }
    found = planned({".env": ENV, "api/.env": ENV, **others}, dotenv, links=frozenset((REFERENCES,)))
    assert after(found) == {".env": None, "api/.env": None}
    assert {one.path: one.reason for one in found.manual} == {
        ".gitignore": "it is a link, or no text",
        "api/.gitignore": "it is a link, or no text",
        ".env.example": "a file has the same name in other letters",
        "api/.env.example": "it is a folder",
        REFERENCES: "it is a link, or no text",
    }
    (names,) = (one.advice for one in found.manual if one.path == "api/.env.example")
    assert names == "Write there by hand: DATABASE_URL=, PORT=."


def test_a_file_of_references_that_is_no_env_file_is_left_to_a_person() -> None:
    found = planned({".env": ENV, REFERENCES: b"{}\n"}, dotenv)
    assert REFERENCES not in after(found)
    assert [one.reason for one in found.manual] == ["it is no env file"]


def test_two_files_that_give_one_name_two_meanings_are_told_apart() -> None:
    live = f"DATABASE_URL=postgresql://app:{VALUE}@live/shop\n".encode()
    found = planned({".env": ENV, ".env.live": live}, dotenv)
    (one,) = found.manual
    assert (one.path, one.line) == (".env.live", 1)
    assert one.reason == f"DATABASE_URL is another connection here than in {REFERENCES}"
    assert "ref+vault://secret/app#/" in one.advice


def test_a_name_is_an_env_file_by_its_last_part_alone() -> None:
    assert is_env_file("a\nb/.env")
    assert is_env_file("../.env")
    assert not is_env_file(".env/readme")
    assert not is_env_file(".env.example")
    assert not is_env_file(REFERENCES)


def test_code_and_its_env_file_share_the_variable() -> None:
    code = f'URL = "postgresql://app:{VALUE}@db/shop"\n'.encode()
    found = planned({".env": ENV, "a.py": code}, dotenv, python)
    assert after(found)["a.py"] == b'import os\n\nURL = os.environ["DATABASE_URL"]\n'
    assert [one.variable.name for one in found.variables] == ["DATABASE_URL"]


def test_the_example_gets_every_name_and_no_value() -> None:
    env = ENV + b'# a note\nexport DEBUG=1\nKEY="first\nPART=x"\nCERT=begin\nQx3zAb==\n'
    found = after(planned({".env": env, ".env.example": b"DEBUG=0\n"}, dotenv))
    lines = (found[".env.example"] or b"").decode().splitlines()
    assert lines[:3] == ["DEBUG=0", "DATABASE_URL=", "PORT="]
    assert set(lines[3:]) <= {"KEY=", "CERT="}


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("docker-compose.yml", "services:\n  web:\n    env_file: .env\n", 3),
        ("deploy/compose.prod.yaml", "services:\n  web:\n    env_file:\n      - ../.env\n", 4),
        ("compose.yaml", 'services:\n  web:\n    env_file:\n      - path: "./.env"\n        required: true\n', 4),
        ("Makefile", "-include .env\n", 1),
        ("Makefile", "run:\n\t. ./.env && ./app\n", 2),
        ("Dockerfile", "FROM scratch\nCOPY package.json .env /app/\n", 2),
        ("run.sh", "set -a\nsource .env\n", 2),
        ("scripts/run.sh", "set -a; . ../.env; set +a\n", 1),
        ("package.json", '{"scripts": {"start": "node --env-file=.env app.js"}}\n', 1),
        ("package.json", '{"scripts": {"start": "dotenv -e .env -- node app.js"}}\n', 1),
    ],
)
def test_who_reads_a_file_that_leaves_is_told(path: str, text: str, line: int) -> None:
    found = planned({".env": ENV, path: text.encode()}, dotenv)
    (item,) = found.manual
    assert (item.path, item.line, item.reason) == (path, line, "it reads .env, which leaves git")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("docker-compose.yml", "services:\n  web:\n    env_file: .env.example\n    volumes:\n      - ./src:/src\n"),
        ("Makefile", "include other.mk\n# include .env\n"),
        ("Dockerfile", "COPY . /app\n"),
        ("other/run.sh", "source ../../.env\n"),
    ],
)
def test_who_reads_other_files_is_not(path: str, text: str) -> None:
    assert planned({".env": ENV, path: text.encode()}, dotenv).manual == ()

"""`secretguard store`: put, get, list, versions, destroy, export."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, Typed
from tests.servers.openbao import OpenBao

VALUE = "tr0ub4dor-and-3"
REF = "ref+local://app#/DATABASE_URL"


def test_a_piped_value_comes_back(run: Run) -> None:
    done = run("store", "put", REF, input=VALUE + "\n")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(f"Stored in {REF}.\nnote: only ")
    assert VALUE not in done.stderr
    got = run("store", "get", REF, "--show-secrets")
    assert (got.returncode, got.stdout, got.stderr) == (0, VALUE + "\n", "")


@pytest.mark.parametrize(("piped", "kept"), [("a\nb\n", "a\nb"), ("a\r\n", "a"), (" a ", " a "), ("é\n\n", "é\n")])
def test_only_the_last_line_end_is_taken_off(run: Run, piped: str, kept: str) -> None:
    assert run("store", "put", REF, "-q", input=piped).returncode == 0
    assert run("store", "get", REF, "--show-secrets").stdout == kept + "\n"


def test_a_value_is_typed_at_a_hidden_prompt(terminal: Typed) -> None:
    code, shown = terminal("store", "put", REF, answers=(("Value: ", VALUE), ("Again: ", VALUE)))
    assert code == 0, shown
    assert f"Stored in {REF}." in shown
    assert VALUE not in shown
    assert terminal("store", "get", REF) == (0, VALUE + "\n")


def test_a_value_that_could_move_the_cursor_is_escaped_on_a_terminal_only(run: Run, terminal: Typed) -> None:
    run("store", "put", REF, input="a\x1b[2Jb")
    assert terminal("store", "get", REF) == (0, "a\\x1b[2Jb\n")
    assert run("store", "get", REF, "--show-secrets").stdout == "a\x1b[2Jb\n"


def test_a_value_on_the_command_line_is_refused_and_not_repeated(run: Run) -> None:
    done = run("store", "put", REF, VALUE)
    assert done.returncode == 2
    assert "never given on the command line" in done.stderr
    assert VALUE not in done.stderr
    assert run("store", "list").stdout == ""


def test_a_value_is_not_printed_into_a_pipe_unasked(run: Run) -> None:
    run("store", "put", REF, input=VALUE)
    done = run("store", "get", REF)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--show-secrets" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("get", REF, "--show-secrets"), 3, "ref+local://app holds nothing"),
        (("versions", REF), 3, "ref+local://app holds nothing"),
        (("destroy", REF, "--all", "--yes"), 3, "ref+local://app holds nothing"),
        (("export", REF, "--to", "ref+local://b"), 3, "ref+local://app holds nothing"),
        (("get", "ref+local://../x", "--show-secrets"), 2, "path of the ref+local is not one"),
        (("put", "ref+exec://id"), 2, "runs a command, and is refused"),
        (("put", "ref+env://HOME"), 2, "is an environment variable and no store"),
        (("get", "hunter2-pasted", "--show-secrets"), 2, "that is not a reference"),
        (("put", REF), 2, "there is no value"),
        (("destroy", REF), 2, "which versions?"),
        (("destroy", REF, "--all", "--version", "1"), 2, "which versions?"),
        (("list", "hunter2-pasted"), 2, "no beginning of a reference"),
        (("export", REF, "--to", REF), 2, "the same place"),
    ],
)
def test_what_cannot_be_done_is_told_with_a_hint(run: Run, words: tuple[str, ...], code: int, told: str) -> None:
    done = run("store", *words, input="")
    assert (done.returncode, done.stdout) == (code, "")
    error, hint = done.stderr.splitlines()[:2]
    assert error.startswith("error: ")
    assert told in error
    assert hint.startswith("hint: ")
    assert "hunter2" not in done.stderr


def test_what_is_stored_is_listed_without_values(run: Run) -> None:
    for path in ("app", "team/app", "team/other"):
        run("store", "put", f"ref+local://{path}#/KEY", input=VALUE)
    assert run("store", "list").stdout == "ref+local://app\nref+local://team/app\nref+local://team/other\n"
    found = json.loads(run("store", "list", "ref+local://team/", "--format", "json").stdout)
    assert found == [{"reference": "ref+local://team/app"}, {"reference": "ref+local://team/other"}]


def test_versions_are_a_table_and_json(run: Run) -> None:
    for number in range(2):
        run("store", "put", REF, input=f"{VALUE}{number}")
    done = run("store", "versions", REF)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["VERSION", "CREATED", "STATE", "FIELDS"]
    assert [(row[0], row[2], row[3]) for row in rows[1:]] == [
        ("2", "current", "DATABASE_URL"),
        ("1", "previous", "DATABASE_URL"),
    ]
    found = json.loads(run("store", "versions", REF, "--format", "json").stdout)
    assert [(one["version"], one["state"], one["fields"]) for one in found] == [
        ("2", "current", ["DATABASE_URL"]),
        ("1", "previous", ["DATABASE_URL"]),
    ]
    assert VALUE not in done.stdout


def test_one_version_is_destroyed_and_the_others_stay(run: Run) -> None:
    for number in range(3):
        run("store", "put", REF, input=f"{VALUE}{number}")
    done = run("store", "destroy", REF, "--version", "1", "--yes")
    assert (done.returncode, done.stderr) == (0, "Destroyed 1 version of ref+local://app.\n")
    assert run("store", "get", REF, "--show-secrets").stdout == f"{VALUE}2\n"
    again = run("store", "destroy", REF, "--version", "1", "--yes")
    assert (again.returncode, "has no version 1" in again.stderr) == (2, True)


def test_nothing_is_destroyed_unconfirmed(run: Run, terminal: Typed) -> None:
    run("store", "put", REF, input=VALUE)
    done = run("store", "destroy", REF, "--all")
    assert (done.returncode, "Give --yes" in done.stderr) == (2, True)
    code, shown = terminal("store", "destroy", REF, "--all", answers=(("Destroy them?", "n"),))
    assert code == 3
    assert "whoever reads the reference gets nothing" in shown
    assert run("store", "get", REF, "--show-secrets").stdout == VALUE + "\n"
    code, _ = terminal("store", "destroy", REF, "--all", answers=(("Destroy them?", "y"),))
    assert code == 0
    assert run("store", "get", REF, "--show-secrets").returncode == 3


def test_an_exported_value_is_compared_and_the_copy_that_stays_is_named(run: Run) -> None:
    run("store", "put", REF, input=VALUE)
    done = run("store", "export", REF, "--to", "ref+local://team#/URL")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "Copied 1 value to ref+local://team, and read back the same.",
        "ref+local://app still holds it. Once nothing reads it there: secretguard store destroy ref+local://app --all",
    ]
    assert run("store", "get", "ref+local://team#/URL", "--show-secrets").stdout == VALUE + "\n"
    assert run("store", "get", REF, "--show-secrets").stdout == VALUE + "\n"


def test_a_whole_document_is_exported(run: Run) -> None:
    for name in ("A", "B"):
        run("store", "put", f"ref+local://app#/{name}", input=name)
    run("store", "put", "ref+local://team#/C", input="C")
    assert run("store", "export", "ref+local://app", "--to", "ref+local://team").returncode == 0
    assert [run("store", "get", f"ref+local://team#/{n}", "--show-secrets").stdout for n in "ABC"] == [
        "A\n",
        "B\n",
        "C\n",
    ]


def test_an_export_replaces_another_value_only_by_force(run: Run) -> None:
    run("store", "put", REF, input=VALUE)
    run("store", "put", "ref+local://team#/DATABASE_URL", input="somebody's")
    done = run("store", "export", REF, "--to", "ref+local://team")
    assert (done.returncode, "holds another value as DATABASE_URL" in done.stderr) == (3, True)
    assert run("store", "get", "ref+local://team#/DATABASE_URL", "--show-secrets").stdout == "somebody's\n"
    assert run("store", "export", REF, "--to", "ref+local://team", "--force").returncode == 0
    before = run("store", "versions", "ref+local://team").stdout
    assert run("store", "export", REF, "--to", "ref+local://team").returncode == 0
    assert run("store", "versions", "ref+local://team").stdout == before


def test_an_environment_variable_is_exported_into_a_store(run: Run) -> None:
    done = run("store", "export", "ref+env://TOKEN", "--to", "ref+local://app#/TOKEN", environ={"TOKEN": VALUE})
    assert done.returncode == 0, done.stderr
    assert "still holds" not in done.stderr
    assert run("store", "get", "ref+local://app#/TOKEN", "--show-secrets").stdout == VALUE + "\n"


def test_names_that_came_from_outside_are_escaped(run: Run, environment: dict[str, str]) -> None:
    run("store", "put", REF, input=VALUE)
    documents = Path(environment["HOME"]) / ".local/share/secretguard/store/documents"
    (documents / "app").rename(documents / "a%1B%5B2Jpp")
    done = run("store", "list")
    assert done.stdout == "ref+local://a\\x1b[2Jpp\n"


def test_the_recipient_of_a_configuration_file_counts(run: Run, environment: dict[str, str]) -> None:
    import pyrage

    colleague = pyrage.x25519.Identity.generate()
    file = Path(environment["HOME"]) / ".config/secretguard/config.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(f"store_recipient: {colleague.to_public()}\n")
    assert run("store", "put", REF, input=VALUE).returncode == 0
    sealed = Path(environment["HOME"]) / ".local/share/secretguard/store/documents/app/1.age"
    assert VALUE.encode() in pyrage.decrypt(sealed.read_bytes(), [colleague])
    file.write_text("store_recipient: me\n")
    done = run("store", "put", REF, input=VALUE)
    assert (done.returncode, "`store_recipient` is an age public key" in done.stderr) == (2, True)


def test_a_repository_chooses_neither_key_nor_recipient(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".secretguard.yaml").write_text("store_recipient: age1" + "q" * 58 + "\n")
    assert run("store", "put", REF, input=VALUE).returncode == 0
    assert "not for a repository to choose" in run("config").stderr


@pytest.mark.parametrize(("path", "told"), [("app/a+b", True), ("app/a@b", False), ("app/ab", False)])
def test_a_name_that_vals_would_misread_is_stored_and_told(run: Run, openbao: OpenBao, path: str, told: bool) -> None:
    login = {"VAULT_ADDR": openbao.address, "VAULT_TOKEN": openbao.root}
    reference = f"ref+vault://secret/{path}#/VALUE"
    done = run("store", "put", reference, input=VALUE, environ=login)
    assert done.returncode == 0, done.stderr
    assert ("note: vals does not read this reference" in done.stderr) == told
    assert run("store", "get", reference, "--show-secrets", environ=login).stdout == f"{VALUE}\n"

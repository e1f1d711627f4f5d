"""`secretguard run` with references of every kind at once, from the environment and from files."""

import json
import sys
from pathlib import Path

import boto3
import pytest

from secretguard.reference import parse_reference
from secretguard.rewrite.env_files import environment_changes
from secretguard.rewrite.naming import SpellingKey
from secretguard.rewriting import Surroundings, Variable
from tests.cli.conftest import Run
from tests.servers.moto import Moto
from tests.servers.openbao import OpenBao

SHOW = (sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")


@pytest.fixture
def stores(run: Run, openbao: OpenBao, moto: Moto, environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Each store with a value of its own; who reads them all."""
    openbao.done("POST", "secret/data/orders", {"data": {"PASSWORD": "of-vault"}})
    client = boto3.client(
        "secretsmanager",
        endpoint_url=moto.url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_secret(Name=f"{tmp_path.name}/orders", SecretString=json.dumps({"PASSWORD": "of-aws"}))
    client.create_secret(Name=f"{tmp_path.name}/key", SecretString="of-aws-whole")
    assert run("store", "put", "ref+local://orders#/PASSWORD", input="of-local").returncode == 0
    known = {"VAULT_ADDR": openbao.address, "VAULT_TOKEN": openbao.root, "MINE": "of-env"}
    return {**moto.environ(), **known, "HOME": environment["HOME"]}


def references(tmp_path: Path) -> dict[str, tuple[str, str]]:
    return {
        "FROM_VAULT": ("ref+vault://secret/orders#/PASSWORD", "of-vault"),
        "FROM_OPENBAO": ("ref+openbao://secret/orders#/PASSWORD", "of-vault"),
        "FROM_AWS": (f"ref+awssecrets://{tmp_path.name}/orders#/PASSWORD", "of-aws"),
        "FROM_AWS_WHOLE": (f"ref+awssecrets://{tmp_path.name}/key", "of-aws-whole"),
        "FROM_LOCAL": ("ref+local://orders#/PASSWORD", "of-local"),
        "FROM_ENV": ("ref+env://MINE", "of-env"),
    }


def written_by_a_rewrite(texts: dict[str, str], folder: Path) -> None:
    """The file of references that `secretguard rewrite` leaves, written by it."""
    variables = {SpellingKey("uri", name, ()): Variable(name, parse_reference(text)) for name, text in texts.items()}
    (change,) = environment_changes((), variables, Surroundings((), lambda _: None)).changes
    assert change.path == "secretguard.refs.env"
    assert change.after is not None
    (folder / change.path).write_bytes(change.after)


@pytest.mark.parametrize("place", ["environment", "file", "masked"])
def test_references_of_every_kind_become_values(run: Run, stores: dict[str, str], tmp_path: Path, place: str) -> None:
    wanted = references(tmp_path)
    texts = {name: text for name, (text, _) in wanted.items()}
    if place == "environment":
        done = run("run", "--", *SHOW, environ=stores | texts)
    else:
        written_by_a_rewrite(texts, tmp_path)
        options = ["--mask"] if place == "masked" else []
        done = run("run", *options, "--env-file", "secretguard.refs.env", "--", *SHOW, environ=stores)
    assert (done.returncode, done.stderr) == (0, "")
    given = json.loads(done.stdout)
    expected = {name: "****" if place == "masked" else value for name, (_, value) in wanted.items()}
    assert {name: given[name] for name in wanted} == expected


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("X", "ref+vault://secret/none#/X", 3),
        ("X", "ref+openbao://secret/orders#/NONE", 3),
        ("X", "ref+awssecrets://none#/X", 3),
        ("X", "ref+vault://secret#/X", 2),
    ],
)
def test_what_a_store_does_not_have_starts_nothing_and_names_the_variable(
    run: Run, stores: dict[str, str], tmp_path: Path, name: str, text: str, code: int
) -> None:
    for options in ([], ["--mask"], ["--cache", "60"]):
        done = run("run", *options, "--", "touch", "started", environ=stores | {name: text})
        assert (done.returncode, done.stdout) == (code, "")
        assert done.stderr.startswith(f"error: {name}: ")
        assert "of-vault" not in done.stderr
    assert not (tmp_path / "started").exists()

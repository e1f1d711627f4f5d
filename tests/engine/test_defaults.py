"""The default of a lookup is a value that somebody wrote down; an expression is none."""

import pytest

from secretguard.testing import find

VALUE = "kd83hfKDh38dQ"
BESIDE = "DB_HOST=db.acme.io\nDB_USER=app\n"


@pytest.mark.parametrize(
    "written",
    [
        "${DB_PW:-VALUE}",
        "${DB_PW-VALUE}",
        "os.getenv('DB_PW', 'VALUE')",
        "process.env.DB_PW || 'VALUE'",
    ],
)
def test_a_default_is_the_password(written: str) -> None:
    found = find(f"{BESIDE}DB_PASSWORD={written.replace('VALUE', VALUE)}\n")
    assert [(one.user, one.secret.reveal()) for one in found] == [("app", VALUE)]


@pytest.mark.parametrize(
    "line",
    [
        f"DB_PASSWORD=${{ssm:{VALUE}}}",
        f"DB_PASSWORD=${{self:custom.{VALUE}}}",
        f"DB_PASSWORD=${{DB_PW:?{VALUE} is missing}}",
        f"DB_PASSWORD=${{DB_PW:+{VALUE}}}",
        "DB_PASSWORD=${DB_PW:4:8}",
        "if not defined DB_PASSWORD (echo DB_PASSWORD is not set>&2)",
        "f\"jdbc:postgresql://db.acme.io/shop?user={it.user}&password={quote(it.secret.reveal(), safe='')}&ssl=true\"",
        'f"Server=db.acme.io;Database=shop;User Id={it.user};Password={it.secret.reveal()};Encrypt=yes"',
    ],
)
def test_an_expression_is_none(line: str) -> None:
    assert find(f"{BESIDE}{line}\n") == []

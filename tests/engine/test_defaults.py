"""The default of a lookup is a value that somebody wrote down; an expression is none."""

import pytest

from secretguard.examples import fill
from secretguard.model import Rule
from secretguard.plugins import installed_rules
from secretguard.testing import find
from secretguard.testing.rules import find_with

VALUE = "kd83hfKDh38dQ"
RULES = installed_rules().rules
BESIDE = "DB_HOST=db.acme.io\nDB_USER=app\n"


@pytest.mark.parametrize(
    "written",
    [
        "${DB_PW:-<VALUE>}",
        "${DB_PW-<VALUE>}",
        "os.getenv('DB_PW', '<VALUE>')",
        "process.env.DB_PW || '<VALUE>'",
        '"${DB_PW:-<VALUE>}"',
        "${DB_PW:-'<VALUE>'}",
        "${DB_PW:<VALUE>}",
        "'${shop.db.password:<VALUE>}'",
        "getenv('DB_PW') ?: '<VALUE>'",
        "$_ENV['DB_PW'] ?? '<VALUE>'",
        "ENV['DB_PW'] || '<VALUE>'",
        "ENV.fetch('DB_PW') { '<VALUE>' }",
        "env::var('DB_PW').unwrap_or_else(|_| \"<VALUE>\".into())",
        "sys.env.getOrElse('DB_PW', '<VALUE>')",
        "{{ lookup('env', 'DB_PW') | default('<VALUE>') }}",
        '{{ .Values.db.password | default "<VALUE>" }}',
        "${{ secrets.DB_PW || '<VALUE>' }}",
        "Field(default='<VALUE>', alias='DB_PW')",
        "SecretStr('<VALUE>')",
        "z.string().default('<VALUE>')",
    ],
)
def test_a_default_is_the_password(written: str) -> None:
    found = find(f"{BESIDE}DB_PASSWORD={written.replace('<VALUE>', VALUE)}\n")
    assert [(one.user, one.secret.reveal()) for one in found] == [("app", VALUE)]


@pytest.mark.parametrize(
    "line",
    [
        ': "${DB_PASSWORD:=<VALUE>}"',
        ": ${DB_PASSWORD=<VALUE>}",
        'psql --quiet "password=${DB_PASSWORD:-<VALUE>}"',
        '@Value("${db.password:<VALUE>}") String password;',
        'parser.add_argument("--db-password", help="of the database", default="<VALUE>")',
        'flag.StringVar(&dbPassword, "db-password", "<VALUE>", "of the database")',
        'variable "db_password" {\n  type    = string\n  default = "<VALUE>"\n}',
    ],
)
def test_a_variable_or_an_option_may_have_a_default(line: str) -> None:
    found = find(f"{BESIDE}{line.replace('<VALUE>', VALUE)}\n")
    assert [(one.user, one.secret.reveal()) for one in found] == [("app", VALUE)]


@pytest.mark.parametrize("rule", [one for one in RULES if one.form in ("token", "uri")], ids=lambda rule: rule.id)
def test_a_key_is_found_as_a_default_in_a_shell(rule: Rule) -> None:
    for match in find_with((rule,), fill(rule.examples[0])):
        alone, default = (
            find_with((rule,), f'export ACME_KEY="{written.replace("<VALUE>", match.text.reveal())}"\n')
            for written in ("<VALUE>", "${ACME_KEY:-<VALUE>}")
        )
        assert [one.secret.reveal() for one in default] == [one.secret.reveal() for one in alone]


@pytest.mark.parametrize(
    "line",
    [
        f"DB_PASSWORD=${{ssm:{VALUE}}}",
        f'DB_PASSWORD="${{env:{VALUE}}}"',
        f"db_password = os.environ['DB_PW'] or sys.exit('{VALUE} is not set')",
        f"db_password: str = Field(description='{VALUE} of the database')",
        f'dbPassword = Environment.GetEnvironmentVariable("DB_PW") ?? throw new Exception("{VALUE}")',
        f"use --db-password {VALUE} to log in",
        f"<db.password>@{VALUE}@</db.password>",
        "DB_PASSWORD=${DB_PW:0:3}",
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

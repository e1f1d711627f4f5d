"""Who reads an INI file: those that put in variables of the environment, and what to do with the others."""

from __future__ import annotations

from secretguard.rewriting import NAME
from secretguard_languages.settings import NOBODY, Reader

NAMES = r"\.(?:npmrc|yarnrc|pypirc|pgpass|my\.cnf|netrc|s3cfg|boto|gitconfig|htpasswd|flake8|coveragerc)|Caddyfile"
"""Files without a telling suffix."""
_DOLLAR = r"\$\{[^{}]*\}"
_NO_VARIABLES = "it puts in no variables"

READERS = (
    # https://supervisord.org/configuration.html#environment-variables; since 3.2 in all options
    Reader(
        contents=r"^\[(?:supervisord|program:[^\]\n]+|eventlistener:[^\]\n]+|fcgi-program:[^\]\n]+)\]",
        reference=f"%(ENV_{NAME})s",
        runs=r"%\([^()]*\)\w+",
        doubled="%",
    ),
    # https://uwsgi-docs.readthedocs.io/en/latest/Configuration.html
    Reader(contents=r"^\[uwsgi\]", reference=f"$({NAME})", runs=r"[$%@]\([^()]*\)|%[A-Za-z]"),
    # https://www.php.net/manual/en/configuration.file.php
    Reader(r".*/(?:php[\w.-]*|\.user)\.ini", reference=f"${{{NAME}}}", runs=_DOLLAR),
    # https://tox.wiki/en/latest/config.html#environment-variable-substitutions
    Reader(
        r".*/tox\.ini",
        reference=f"{{env:{NAME}}}",
        runs=r"\{[^{}]*\}",
        fallback=r"\{env:(?P<name>[A-Za-z_]\w*):(?P<value>[^{}]*)\}",
        kept=rf"{{env:\g<name>:{{env:{NAME}}}}}",
        keys=r"(?:tox|testenv)\b.*",
        advice="The tests get it from the environment.",
    ),
    # https://docs.npmjs.com/cli/configuring-npm/npmrc
    Reader(r".*/\.npmrc", reference=f"${{{NAME}}}", runs=_DOLLAR),
    # https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/#use-environment-variables
    Reader(r".*/grafana\.ini", reference=f"$__env{{{NAME}}}", runs=r"\$__\w+\{[^{}]*\}|\$\{[^{}]*\}"),
    # https://documentation.red-gate.com/fd/configuration-files-224003079.html
    Reader(r".*/flyway[\w.-]*\.conf", reference=f"${{{NAME}}}", runs=_DOLLAR),
    *(
        Reader(path, contents, reason=reason, advice=advice)
        for path, contents, reason, advice in (
            (
                r".*/alembic[\w.-]*\.ini",
                "",
                "Alembic puts in no variables",
                "Leave sqlalchemy.url out, and in env.py: config.set_main_option('sqlalchemy.url', "
                "os.environ['DATABASE_URL'].replace('%', '%%')).",
            ),
            (
                r".*/airflow[\w.-]*\.cfg",
                "",
                "Airflow puts in no variables",
                "Leave the setting out: Airflow reads AIRFLOW__SECTION__KEY ({key}), or AIRFLOW__SECTION__KEY_CMD.",
            ),
            (
                r".*/pip\.(?:conf|ini)",
                "",
                "pip puts in no variables",
                "Leave the URL out: pip reads PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, and logins from .netrc or keyring.",
            ),
            (
                r".*/\.pypirc",
                "",
                "nothing puts variables into .pypirc",
                "Take the file out of git; twine reads TWINE_USERNAME and TWINE_PASSWORD.",
            ),
            (r".*/\.yarnrc", "", "Yarn puts no variables into .yarnrc", "Move it to .npmrc, as `${NAME}`."),
            (
                r".*/(?:setup\.cfg|pytest\.ini|\.coveragerc|\.flake8)",
                "",
                "Python's configparser has no variables of the environment",
                "Leave it out, and set the variable where the tests are started.",
            ),
            (
                r".*/\.pgpass",
                "",
                "libpq reads it as it is",
                "Take the file out of git; PGPASSFILE says where it is, and it is made where it is used.",
            ),
            (
                r".*/pg_service\.conf",
                "",
                "libpq reads it as it is",
                "Leave the password out: libpq reads PGPASSWORD, or PGPASSFILE.",
            ),
            (
                r".*/pgbouncer[\w.-]*\.ini",
                r"",
                "PgBouncer puts in no variables",
                "Leave the password out of [databases], and use auth_file, or auth_query; both files outside of git.",
            ),
            (
                r".*/(?:\.?my|mysqld?|mariadb)[\w.-]*\.cnf",
                "",
                "MySQL's clients put in no variables",
                "Take the login out: `mysql_config_editor set`, or an `!include` of a file that is not committed.",
            ),
            (r".*/odbc(?:inst)?\.ini", "", "ODBC puts in no variables", "Give PWD when the program connects."),
            (
                r".*/(?:redis|sentinel|valkey)[\w.-]*\.conf",
                "",
                "Redis puts in no variables",
                "Use `include`, or `aclfile`, of a file that is made where the server runs.",
            ),
            (
                r".*/rabbitmq[\w.-]*\.conf",
                "",
                "only a newer RabbitMQ puts in variables",
                "From RabbitMQ 3.11 on write `$(NAME)`; before, make the user by `rabbitmqctl` with the password on "
                "its standard input.",
            ),
            (
                r".*/(?:nginx[\w.-]*|sites-(?:available|enabled)/.*|conf\.d/.*)\.?(?:conf)?",
                r"\b(?:server|location|upstream|http)\s[^;{]{0,200}\{|^\s*(?:proxy_|fastcgi_|auth_basic)",
                "nginx puts in no variables of the environment",
                "Make it a template (`envsubst`; the official image does it for /etc/nginx/templates), or `include` a "
                "file that is not committed.",
            ),
            (
                r".*",
                r"^\s*<(?:VirtualHost|Directory|Location|IfModule)\b",
                "Apache puts in variables only where its own start sets them",
                "Write `${NAME}`, and set NAME in envvars, or `PassEnv` it to the application.",
            ),
            (
                r".*\.service",
                r"^\[Service\]",
                "a unit's settings can be read by everybody",
                "Use `LoadCredential=`, or `EnvironmentFile=` with a file that only root reads.",
            ),
            (
                r".*/(?:application|reference)[\w.-]*\.conf",
                "",
                "it may be HOCON",
                "If it is, write `${NAME}` without quotes: the program then does not start without it.",
            ),
            (
                r".*/odoo[\w.-]*\.conf",
                "",
                "Odoo puts in no variables",
                "Leave db_password out: Odoo's libpq reads PGPASSWORD.",
            ),
            (
                r".*/(?:\.s3cfg|\.boto|\.netrc)",
                "",
                _NO_VARIABLES,
                "Take the file out of git; it belongs to one person.",
            ),
            (r".*/\.aws/.*", "", _NO_VARIABLES, "Take the file out of git: it belongs to one person."),
            (r".*/Caddyfile", "", "it is no file of settings with names", "Write `{$NAME}`, which Caddy puts in."),
        )
    ),
    NOBODY,
)

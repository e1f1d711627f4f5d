"""Logins whose parts stand in separate settings of one file: `split_credentials` of the format reference."""

import base64
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.generators.databases import Service, login
from tests.generators.encoded import base64_text
from tests.generators.sample import Sample
from tests.generators.shapes import pick

_FAMILIES = {
    "postgres": Service("postgres", (), 5432, ()),
    "mysql": Service("mysql", (), 3306, ()),
    "mongodb": Service("mongodb", (), 27017, (), host="mongo"),
    "redis": Service("redis", (), 6379, (), host="cache"),
    "amqp": Service("amqp", (), 5672, (), host="mq"),
    "mssql": Service("mssql", (), 1433, (), host="sql"),
    "oracle": Service("oracle", (), 1521, (), host="ora"),
    "clickhouse": Service("clickhouse", (), 9000, (), host="olap"),
    "cassandra": Service("cassandra", (), 9042, (), host="ring"),
    "elasticsearch": Service("elasticsearch", (), 9200, (), host="search"),
    "snowflake": Service("snowflake", (), 443, (), host="account"),
    "nats": Service("nats", (), 4222, (), host="nats"),
    "mqtt": Service("mqtt", (), 1883, (), host="broker"),
    "kafka": Service("kafka", (), 9092, (), host="kafka"),
    "database": Service("database", (), 5432, ()),
}
"""The family of the identity a scanner should give them; `database` where the text does not tell the engine."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A file with gaps for {h}ost, {p}ort, {d}atabase, {u}ser and {s}ecret; `<…>` around what stands in base64."""

    family: str
    name: str
    text: str

    def __call__(self, rng: random.Random) -> Sample:
        """Return a sample with a new login; it says the parts that stand in the text."""
        who = login(rng, _FAMILIES[self.family])
        parts = {"h": who.host, "p": who.port, "d": who.database, "u": who.user, "s": who.password}
        text = self.text
        for letter, value in parts.items():
            encoded = base64.b64encode(str(value).encode()).decode()
            text = text.replace(f"<{letter}>", encoded).replace(f"{{{letter}}}", str(value))

        def given(letter: str) -> bool:
            return f"{{{letter}}}" in self.text or f"<{letter}>" in self.text

        return Sample(
            self.family,
            text,
            who.password,
            who.user if given("u") else "",
            who.host if given("h") else "",
            who.port if given("p") else None,
            who.database if given("d") else "",
            self.name,
        )


SPLIT_SAMPLES: Sequence[Callable[[random.Random], Sample]] = tuple(
    Shape(family, name, text)
    for family, shapes in yaml.safe_load(Path(__file__).with_name("settings.yaml").read_text(encoding="utf-8")).items()
    for name, text in shapes.items()
)
"""Each returns a login in one more shape; `kind` is the family of its identity."""

_REFERENCES = (
    "${DB_PASSWORD}", "$DB_PASSWORD", "$(DB_PASSWORD)", "{{ .Values.db.password }}", "{{ vault_db_password }}",
    "<password>", "%(password)s", "%DB_PASSWORD%", "#{db.password}", "#{DbPassword}#", "__DB_PASSWORD__",
    "vault:secret/data/db#password", "ref+vault://secret/db#/password", "op://prod/db/password",
    "arn:aws:secretsmanager:eu-west-1:210987654321:secret:db-Ab12Cd",
    "ENC[AES256_GCM,data:q1w2,iv:zz,tag:xx,type:str]",
    "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/db)", "sm://projects/9/secrets/db",
    "!Ref DbPassword", "********", "xxxxxxxx",
)  # fmt: skip
_LOOKUPS = (
    "password = os.environ['DB_PASSWORD']\nuser = os.environ['DB_USER']\n",
    "const pool = new Pool({ user: process.env.PGUSER, password: process.env.PGPASSWORD });\n",
    "'password' => env('DB_PASSWORD'),\n",
    'password := os.Getenv("DB_PASSWORD")\n',
    "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n",
    'password = var.db_password\nusername = "app"\n',
    "- name: PGPASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: db\n      key: password\n",
    "conn = psycopg.connect(host=host, user=user, password=password)\n",
    "String password = config.getPassword();\n",
)


def references(rng: random.Random) -> Iterator[str]:
    """Yield settings whose password is a reference, a template, a mask or a hash: nothing to report."""
    salt, stored, server = (base64_text(rng.randbytes(size)) for size in (16, 32, 32))
    bcrypt, scram = f"$2b$12${pick(rng, 'alnum', 53)}", f"SCRAM-SHA-256$4096:{salt}${stored}:{server}"
    for reference in (*_REFERENCES, bcrypt, scram):
        who = login(rng)
        yield f"DB_HOST={who.host}\nDB_PORT=5432\nDB_USER={who.user}\nDB_PASSWORD={reference}\n"
        yield f'conn = psycopg.connect(host="{who.host}", user="{who.user}", password="{reference}")\n'
    yield from _LOOKUPS

"""Every spelling of one secret is one credential."""

import random
import string
from itertools import permutations

import pytest

from secretguard.model import Location, Occurrence, Place
from secretguard.scan.credentials import group, joins
from secretguard.testing import find

RNG = random.Random(20)
PASSWORD = "".join(RNG.choices(string.ascii_letters + string.digits, k=18))


def credentials(*files: str):
    occurrences = [
        Occurrence(match, Location(Place.WORKTREE, f"file{number}", match.blob))
        for number, text in enumerate(files)
        for match in find(text)
    ]
    return group(occurrences)


SPELLINGS = {
    "uri": f"DATABASE_URL=postgresql://app:{PASSWORD}@db.prod-net.io:5432/orders",
    "short scheme, no port": f"url = 'postgres://app:{PASSWORD}@db.prod-net.io/orders?sslmode=require'",
    "dialect": f'engine = create_engine("postgresql+asyncpg://app:{PASSWORD}@db.prod-net.io/orders")',
    "pooler": f"POOL=postgresql://app:{PASSWORD}@pool.prod-net.io:6432/orders",
    "jdbc": f"spring.datasource.url=jdbc:postgresql://db.prod-net.io:5432/orders?user=app&password={PASSWORD}",
    "libpq": f'dsn = "host=db.prod-net.io port=5432 user=app password={PASSWORD} dbname=orders"',
    "env": f"DB_CONNECTION=pgsql\nDB_HOST=db.prod-net.io\nDB_PORT=5432\nDB_USER=app\nDB_PASSWORD={PASSWORD}\nDB_NAME=orders\n",
    "node": f"const pool = new Pool({{\n  host: 'db.prod-net.io',\n  user: 'app',\n  password: '{PASSWORD}',\n  database: 'orders',\n}});\n",
    "psycopg": f'conn = psycopg.connect(\n    host="db.prod-net.io",\n    user="app",\n    password="{PASSWORD}",\n    dbname="orders",\n)\n',
    "django": "DATABASES = {\n  'default': {\n    'ENGINE': 'django.db.backends.postgresql',\n    'NAME': 'orders',\n    'USER': 'app',\n"
    f"    'PASSWORD': '{PASSWORD}',\n    'HOST': 'db.prod-net.io',\n    'PORT': '5432',\n  }}\n}}\n",
    "compose map": f"services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_USER: app\n      POSTGRES_PASSWORD: {PASSWORD}\n      POSTGRES_DB: orders\n",
    "compose list": f"services:\n  api:\n    environment:\n      - PGHOST=db.prod-net.io\n      - PGUSER=app\n      - PGPASSWORD={PASSWORD}\n",
    "shell": f"PGPASSWORD={PASSWORD} psql -h db.prod-net.io -U app -d orders -c 'select 1'\n",
    "sql": f"ALTER ROLE app WITH LOGIN PASSWORD '{PASSWORD}';\n",
    "pgpass": f"db.prod-net.io:5432:orders:app:{PASSWORD}\n",
    "userlist": f'"app" "{PASSWORD}"\n',
    "percent": "u = 'postgresql://app:" + "".join(f"%{ord(c):02X}" for c in PASSWORD) + "@db.prod-net.io/orders'",
    "password alone": f"export PGPASSWORD={PASSWORD}\n",
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_each_spelling_alone_is_a_postgres_login(name: str) -> None:
    (credential,) = credentials(SPELLINGS[name])
    assert credential.family == "postgres"
    assert credential.secret.reveal() == PASSWORD
    assert credential.user == ("" if name == "password alone" else "app")


def test_all_spellings_are_one_credential_with_one_id_whatever_their_order() -> None:
    (all_together,) = credentials(*SPELLINGS.values())
    (backwards,) = credentials(*reversed(SPELLINGS.values()))
    (alone,) = credentials(SPELLINGS["uri"])
    assert all_together.id == backwards.id == alone.id
    assert len({o.location.path for o in all_together.occurrences}) == len(SPELLINGS)
    assert {(e.host, e.port) for e in all_together.endpoints} == {("db.prod-net.io", 5432), ("pool.prod-net.io", 6432)}


def test_another_user_on_the_same_host_is_another_credential() -> None:
    found = credentials(SPELLINGS["uri"], SPELLINGS["uri"].replace("app:", "reporting:"))
    assert {c.user for c in found} == {"app", "reporting"}


def test_a_password_without_user_stays_alone_when_two_users_fit() -> None:
    found = credentials(SPELLINGS["uri"], SPELLINGS["uri"].replace("app:", "reporting:"), SPELLINGS["password alone"])
    assert sorted(c.user for c in found) == ["", "app", "reporting"]


def test_an_aws_key_id_and_its_secret_are_one_credential() -> None:
    key_id = "AKIA" + "".join(RNG.choices(string.ascii_uppercase + "234567", k=16))
    secret = "".join(RNG.choices(string.ascii_letters + string.digits + "/+", k=40))
    together = f"aws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n"
    (credential,) = credentials(together, f"AWS_ACCESS_KEY_ID={key_id}\n", f"AWS_SECRET_ACCESS_KEY={secret}\n")
    assert (credential.user, credential.secret.reveal()) == (key_id, secret)
    assert {o.location.path for o in credential.occurrences} == {"file0", "file1", "file2"}


def test_joining_does_not_depend_on_order() -> None:
    unknown, no_user, full = ("database", "", "s"), ("postgres", "", "s"), ("postgres", "app", "s")
    for order in permutations([unknown, no_user, full]):
        assert joins(list(order)) == {unknown: full, no_user: full, full: full}


def test_a_spelling_that_two_credentials_fit_stays_alone() -> None:
    unknown, postgres, mysql = ("database", "", "s"), ("postgres", "app", "s"), ("mysql", "app", "s")
    for order in permutations([unknown, postgres, mysql]):
        assert joins(list(order)) == {unknown: unknown, postgres: postgres, mysql: mysql}


def test_a_login_of_something_joins_the_database_it_opens() -> None:
    login, database = ("password", "app", "kd83hf"), ("database", "app", "kd83hf")
    for order in permutations([login, database]):
        assert joins(list(order)) == {login: database, database: database}


def test_a_password_that_everybody_takes_joins_nothing() -> None:
    unknown, known = ("password", "admin", "admin"), ("mongodb", "admin", "admin")
    assert joins([unknown, known]) == {unknown: unknown, known: known}
    assert joins([("database", "", "secret"), ("mysql", "app", "secret")])["database", "", "secret"][0] == "database"


def test_a_password_is_not_taken_for_the_user_of_another_login() -> None:
    first, second = ("password", "admin", "ansible-7f3"), ("password", "ansible-7f3", "q9Zk27vbn")
    assert joins([first, second]) == {first: first, second: second}
    lone, other = ("postgres", "", "app-7f3"), ("postgres", "app-7f3", "q9Zk27vbn")
    assert joins([lone, other]) == {lone: lone, other: other}

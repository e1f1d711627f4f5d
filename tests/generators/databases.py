"""Logins in URLs: the schemes and dialects of `dsns` in the format reference, in every spelling of a password."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

from tests.generators import carriers
from tests.generators.sample import Sample
from tests.generators.shapes import pick


@dataclass(frozen=True, slots=True)
class Login:
    """What a connection string says."""

    user: str
    password: str
    host: str
    port: int
    database: str


@dataclass(frozen=True, slots=True)
class Service:
    """A kind of server, and how its URLs look."""

    kind: str
    schemes: tuple[str, ...]
    port: int
    names: tuple[str, ...]
    host: str = "db"
    path: str = "/{database}"
    several_hosts: bool = False
    password_in_query: bool = False


_PG = "postgresql"
_SQLA_PG = tuple(
    f"{_PG}+{driver}" for driver in ("asyncpg", "psycopg", "psycopg2", "psycopg2cffi", "pg8000", "py-postgresql")
)
_SQLA_MY = tuple(f"mysql+{driver}" for driver in ("pymysql", "mysqldb", "mysqlconnector", "aiomysql", "asyncmy"))
_OTHER = (
    "http", "https", "ftp", "ftps", "sftp", "ssh", "git", "git+https", "svn", "ldap", "ldaps", "socks5", "rtsp",
    "telnet", "vnc", "neo4j", "neo4j+s", "bolt", "bolt+s", "couchbase", "couchbases", "couchdb", "influxdb",
    "memcached", "s3", "hdfs", "hive", "impala", "presto", "trino", "db2", "firebird", "sybase", "teradata",
    "vertica", "exasol", "monetdb", "druid", "pinot", "libsql", "turso", "surrealdb", "questdb", "crate", "etcd",
    "zookeeper", "consul", "vault", "minio", "git+ssh", "svn+ssh", "socks4", "socks5h", "rtsps", "neo4j+ssc", "influx",
    "hive2", "teradatasql", "registry", "docker", "rqlite", "dremio", "databricks", "airflow", "ws", "wss", "tls", "imap",
    "imaps", "pop3", "pop3s", "xmpp", "sip", "sips", "irc", "ircs", "dav", "davs", "webdav", "webdavs", "smb", "cifs",
    "afp", "nfs", "rsync", "tcp", "udp", "stomp", "kafka",
)  # fmt: skip

POSTGRES = Service(
    "postgres-uri",
    ("postgres", _PG, *_SQLA_PG, "postgis", "pgsql", "timescale", "timescaledb", "redshift", "redshift+psycopg2",
     "cockroach", "cockroachdb", "cockroachdb+psycopg2", "pgx", "psql", "pg", "db+postgresql"),
    5432,
    ("DATABASE_URL", "POSTGRES_URL", "PG_URL", "POSTGRES_PRISMA_URL", "SQLALCHEMY_DATABASE_URI", "DB_URL"),
    several_hosts=True,
    password_in_query=True,
)  # fmt: skip
MYSQL = Service(
    "mysql-uri",
    ("mysql", "mysql2", "mysqlx", "mariadb", *_SQLA_MY, "mariadb+mariadbconnector", "tidb", "db+mysql"),
    3306,
    ("DATABASE_URL", "MYSQL_URL", "CLEARDB_DATABASE_URL", "JAWSDB_URL", "PLANETSCALE_DATABASE_URL"),
    password_in_query=True,
)
SERVICES = (
    POSTGRES,
    MYSQL,
    Service(
        "mongodb-uri",
        ("mongodb", "mongodb+srv", "mongo"),
        27017,
        ("MONGODB_URI", "MONGO_URL", "ATLAS_URI"),
        several_hosts=True,
    ),
    Service(
        "redis-uri",
        ("redis", "rediss", "redis+sentinel", "redis-sentinel", "redis-socket", "rediss+cluster", "valkey", "valkeys"),
        6379,
        ("REDIS_URL", "REDIS_TLS_URL", "KV_URL", "CELERY_BROKER_URL", "BULL_REDIS_URL"),
        host="cache",
        path="/0",
    ),
    Service(
        "amqp-uri",
        ("amqp", "amqps", "pyamqp", "amqp+ssl", "rabbitmq"),
        5672,
        ("RABBITMQ_URL", "AMQP_URL", "CLOUDAMQP_URL", "CELERY_BROKER_URL", "MESSENGER_TRANSPORT_DSN"),
        host="mq",
    ),
    Service(
        "mssql",
        ("mssql", "mssql+pyodbc", "mssql+pymssql", "mssql+aioodbc", "sqlserver"),
        1433,
        ("SQLSERVER_URL", "DATABASE_URL"),
        host="sql",
    ),
    Service("oracle", ("oracle", "oracle+cx_oracle", "oracle+oracledb"), 1521, ("ORACLE_URL",), host="ora"),
    Service(
        "clickhouse",
        ("clickhouse", "clickhouse+native", "clickhouse+http", "clickhouses", "ch"),
        9440,
        ("CLICKHOUSE_URL",),
        host="olap",
        password_in_query=True,
    ),
    Service("cassandra", ("cassandra", "scylla"), 9042, ("CASSANDRA_URL",), host="ring"),
    Service("elasticsearch", ("elasticsearch",), 9200, ("ELASTICSEARCH_URL", "BONSAI_URL"), host="search"),
    Service("snowflake", ("snowflake",), 443, ("SNOWFLAKE_URL",), host="account"),
    Service("nats", ("nats",), 4222, ("NATS_URL",), host="nats"),
    Service("mqtt", ("mqtt", "mqtts"), 8883, ("MQTT_URL", "CLOUDMQTT_URL"), host="broker"),
    Service(
        "smtp",
        (
            "smtp",
            "smtps",
            "submission",
            "mailgun+smtp",
            "sendgrid+smtp",
            "ses+smtp",
            "gmail+smtp",
            "mandrill+smtp",
            "postmark+smtp",
            "brevo+smtp",
        ),
        587,
        ("SMTP_URL", "EMAIL_URL", "MAILER_DSN", "MAIL_URL"),
        host="mail",
        path="",
    ),
    Service("generic-url-cred", _OTHER, 8443, ("SERVICE_URL", "HTTPS_PROXY", "PIP_INDEX_URL", "REPO_URL"), host="svc"),
)


def machine(rng: random.Random, role: str = "db") -> str:
    """Return the name of a machine that nobody takes for a local one."""
    return f"{role}-{pick(rng, 'lowernum', 6)}.eu-west.norvik-corp.net"


def user_name(rng: random.Random) -> str:
    """Return a role as people name them."""
    return f"{rng.choice(('orders', 'billing', 'ledger', 'crawler', 'reports'))}_{pick(rng, 'lower', 4)}"


def password(rng: random.Random) -> str:
    """Return a password whose characters need no quoting anywhere."""
    return pick(rng, "alnum", rng.randrange(14, 25))


def awkward_password(rng: random.Random) -> str:
    """Return a password that has to be percent-encoded."""
    return "".join(pick(rng, "alnum", 3) + char for char in rng.sample("@:/#%?", 6)) + pick(rng, "alnum", 3)


def login(rng: random.Random, service: Service = POSTGRES) -> Login:
    """Return a new login at a new machine."""
    database = f"{rng.choice(('shop', 'crm', 'events', 'core'))}_{pick(rng, 'lower', 3)}"
    return Login(user_name(rng), password(rng), machine(rng, service.host), service.port, database)


def url(
    scheme: str, who: Login, *, secret: str | None = None, place: str | None = None, path: str | None = None
) -> str:
    """Return a connection URL; the parts can be given in their written form."""
    secret = quote(who.password, safe="") if secret is None else secret
    place = f"{who.host}:{who.port}" if place is None else place
    path = f"/{who.database}" if path is None else path.format(database=who.database)
    return f"{scheme}://{who.user}:{secret}@{place}{path}"


def service_samples(service: Service, rng: random.Random) -> list[Sample]:
    """Return a login in every scheme, then every spelling in the first ones."""
    samples = [_plain(service, scheme, rng) for scheme in service.schemes]
    spellings: list[Callable[[Service, str, random.Random], Sample]] = [
        _encoded, _raw_at, _ipv6, _without_port, _with_options,
    ]  # fmt: skip
    if service.kind == "redis-uri":
        spellings.append(_without_user)
    if service.several_hosts:
        spellings.append(_several_hosts)
    if service.password_in_query:
        spellings.append(_in_query)
    schemes = [scheme for scheme in service.schemes if "+srv" not in scheme][:2]
    return samples + [spell(service, scheme, rng) for spell in spellings for scheme in schemes]


def _sample(service: Service, rng: random.Random, variant: str, who: Login, text: str, *, port: bool = True) -> Sample:
    snippet = carriers.setting(rng, rng.choice(service.names), text)
    database = who.database if service.kind in _WITH_DATABASE else ""
    return Sample(
        service.kind, snippet, who.password, who.user, who.host, who.port if port else None, database, variant
    )


_WITH_DATABASE = ("postgres-uri", "mysql-uri", "mongodb-uri", "mssql", "clickhouse")


def _plain(service: Service, scheme: str, rng: random.Random) -> Sample:
    who, has_port = login(rng, service), "+srv" not in scheme
    text = url(scheme, who, place=None if has_port else who.host, path=service.path)
    return _sample(service, rng, scheme, who, text, port=has_port)


def _encoded(service: Service, scheme: str, rng: random.Random) -> Sample:
    who = replace(login(rng, service), password=awkward_password(rng))
    return _sample(service, rng, f"{scheme}, percent-encoded", who, url(scheme, who, path=service.path))


def _raw_at(service: Service, scheme: str, rng: random.Random) -> Sample:
    who = replace(login(rng, service), password=f"{password(rng)}@{pick(rng, 'alnum', 4)}!")
    text = url(scheme, who, secret=who.password, path=service.path)
    return _sample(service, rng, f"{scheme}, raw @", who, text)


def _ipv6(service: Service, scheme: str, rng: random.Random) -> Sample:
    address = f"fd{pick(rng, 'hex', 2)}:{rng.randrange(1, 10)}{pick(rng, 'hex', 3)}::{rng.randrange(100, 1000)}"
    who = replace(login(rng, service), host=address)
    text = url(scheme, who, place=f"[{address}]:{who.port}", path=service.path)
    return _sample(service, rng, f"{scheme}, IPv6", who, text)


def _without_port(service: Service, scheme: str, rng: random.Random) -> Sample:
    who = login(rng, service)
    text = url(scheme, who, place=who.host, path=service.path)
    return _sample(service, rng, f"{scheme}, no port", who, text, port=False)


def _with_options(service: Service, scheme: str, rng: random.Random) -> Sample:
    who = login(rng, service)
    text = url(scheme, who, path=f"{service.path}?timeout=10&ssl=true")
    return _sample(service, rng, f"{scheme}, options", who, text)


def _without_user(service: Service, scheme: str, rng: random.Random) -> Sample:
    who = replace(login(rng, service), user="")
    return _sample(service, rng, f"{scheme}, no user", who, url(scheme, who, path=service.path))


def _several_hosts(service: Service, scheme: str, rng: random.Random) -> Sample:
    who = login(rng, service)
    place = f"{who.host}:{who.port},{machine(rng)}:{who.port + 1}"
    return _sample(service, rng, f"{scheme}, several hosts", who, url(scheme, who, place=place))


def _in_query(service: Service, scheme: str, rng: random.Random) -> Sample:
    who = login(rng, service)
    text = f"{scheme}://{who.host}:{who.port}/{who.database}?user={who.user}&password={who.password}"
    return _sample(service, rng, f"{scheme}, password in the query", who, text)

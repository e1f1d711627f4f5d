"""Logins of SQL servers outside URLs: JDBC, libpq, Go, ADO.NET, ODBC, OLE DB, Oracle, command lines."""

import json
import random
from dataclasses import replace
from xml.sax.saxutils import quoteattr

from tests.generators import carriers
from tests.generators.databases import MYSQL, POSTGRES, Login, Service, login, machine, password, user_name
from tests.generators.sample import Sample
from tests.generators.shapes import pick

MSSQL = Service("mssql", (), 1433, (), host="sql")
ORACLE = Service("oracle", (), 1521, (), host="ora")
SNOWFLAKE = Service("snowflake", (), 443, (), host="acct")
_JDBC_NAMES = ("SPRING_DATASOURCE_URL", "JDBC_DATABASE_URL", "JDBC_URL")


def found(kind: str, variant: str, who: Login, text: str) -> Sample:
    """Return the sample of a login of which the text gives every part."""
    return Sample(kind, text, who.password, who.user, who.host, who.port, who.database, variant)


def _jdbc(kind: str, schemes: tuple[str, ...], service: Service, rng: random.Random) -> list[Sample]:
    samples = []
    for scheme in schemes:
        who = login(rng, service)
        place = f"{scheme}://{who.host}:{who.port}/{who.database}"
        text = carriers.setting(
            rng, rng.choice(_JDBC_NAMES), f"{place}?user={who.user}&password={who.password}&ssl=true"
        )
        samples.append(found(kind, f"{scheme}, parameters", who, text))
        who = login(rng, service)
        text = f'String url = "{scheme}://{who.user}:{who.password}@{who.host}:{who.port}/{who.database}";\n'
        samples.append(found(kind, f"{scheme}, userinfo", who, text))
    return samples


def postgres_jdbc(rng: random.Random) -> list[Sample]:
    """Return JDBC URLs of every scheme, and with a percent-encoded password."""
    schemes = ("jdbc:postgresql", "jdbc:pgsql", "jdbc:redshift", "jdbc:cockroachdb")
    samples = _jdbc("postgres-jdbc", schemes, POSTGRES, rng)
    who = login(rng)
    text = f"JDBC_URL=jdbc:postgresql://{who.host}:{who.port}/{who.database}?ssl=true&password={who.password}%26%40&user={who.user}\n"
    awkward = replace(who, password=who.password + "&@")
    return [*samples, found("postgres-jdbc", "percent-encoded, other order", awkward, text)]


def libpq(rng: random.Random) -> list[Sample]:
    """Return keyword strings in every quoting, a service file and .pgpass lines."""
    kind, samples = "libpq-kv", []

    def add(variant: str, shape: str, secret: str = "{}", written: str = "{}") -> None:
        who = login(rng)
        text = shape.format(h=who.host, p=who.port, d=who.database, u=who.user, s=written.format(who.password))
        samples.append(found(kind, variant, replace(who, password=secret.format(who.password)), text))

    add("plain", 'DATABASE_DSN="host={h} port={p} dbname={d} user={u} password={s}"\n')
    add("other order", 'dsn := "user={u} password={s} host={h} port={p} dbname={d} sslmode=disable"\n')
    add(
        "quoted, with a space",
        "conn = connect(\"host={h} port={p} dbname={d} user={u} password='{s}'\")\n",
        "{} x!",
        "{} x!",
    )
    add(
        "quoted, with escapes",
        "DB_DSN=host={h} port={p} dbname={d} user={u} password='{s}'\n",
        "{}'x\\y",
        "{}\\'x\\\\y",
    )
    add("blanks around =", 'conninfo: "host = {h} port = {p} dbname = {d} user = {u} password = {s}"\n')
    add("gorm", 'db, err := gorm.Open(postgres.Open("host={h} user={u} password={s} dbname={d} port={p}"))\n')
    add("service file", "[reports]\nhost={h}\nport={p}\ndbname={d}\nuser={u}\npassword={s}\n")
    add(".pgpass", "{h}:{p}:{d}:{u}:{s}\n")
    add(".pgpass with a colon", "{h}:{p}:{d}:{u}:{s}\n", "{}:x", "{}\\:x")
    return samples


def mysql(rng: random.Random) -> list[Sample]:
    """Return JDBC, the Go driver's DSN and PDO."""
    samples = _jdbc("mysql-uri", ("jdbc:mysql", "jdbc:mariadb", "jdbc:aurora"), MYSQL, rng)
    for secret in ("{}", "{}@x", "{}:x/y"):
        who = login(rng, MYSQL)
        who = replace(who, password=secret.format(who.password))
        dsn = f"{who.user}:{who.password}@tcp({who.host}:{who.port})/{who.database}?parseTime=true"
        text = f'db, err := sql.Open("mysql", "{dsn}")\n'
        samples.append(found("mysql-uri", f"Go driver, {secret}", who, text))
    who = login(rng, MYSQL)
    place = f"mysql:host={who.host};port={who.port};dbname={who.database}"
    text = f"$db = new PDO('{place}', '{who.user}', '{who.password}');\n"
    return [*samples, found("mysql-uri", "PDO", who, text)]


_HOSTS = ("Server=tcp:{h},{p}", "Server={h},{p}", "Data Source={h},{p}", "Address={h},{p}", "Addr={h},{p}",
          "Network Address={h},{p}", "Host={h},{p}")  # fmt: skip
_BASES = ("Initial Catalog={d}", "Database={d}", "InitialCatalog={d}")
_USERS = ("User ID={u}", "User Id={u}", "UserId={u}", "User={u}", "UID={u}", "Username={u}", "uid={u}")
_SECRETS = ("Password={s}", "Pwd={s}", "PASSWD={s}", "pwd={s}", "PASSWORD={s}", "password={s}", "PWD={s}")


def _ado(who: Login, parts: tuple[str, ...], written: str | None = None, end: str = ";") -> str:
    return ";".join(parts).format(h=who.host, p=who.port, d=who.database, u=who.user, s=written or who.password) + end


def mssql(rng: random.Random) -> list[Sample]:
    """Return ADO.NET with every synonym and quoting, ODBC, OLE DB, JDBC and command lines."""
    samples = []
    for i, (place, user, secret) in enumerate(zip(_HOSTS, _USERS, _SECRETS, strict=True)):
        who, parts = login(rng, MSSQL), [place, _BASES[i % 3], user, secret, "Encrypt=True"]
        rng.shuffle(parts)
        text = carriers.setting(rng, "SQLAZURECONNSTR_Main", _ado(who, tuple(parts)))
        samples.append(found("mssql", f"ADO.NET {place.split('=')[0]}, {user[:-4]}, {secret[:-4]}", who, text))
    return [*samples, *_quoted_ado(rng), *_odbc_for_mssql(rng), *_mssql_jdbc(rng), *_mssql_commands(rng)]


def _quoted_ado(rng: random.Random) -> list[Sample]:
    parts = (_HOSTS[0], _BASES[0], _USERS[0], _SECRETS[0], "Encrypt=True")
    samples = []
    for name, secret, written, frame in (
        ("double quotes", "{};x", '"{};x"', "$cs = '{}'\n"),
        ("single quotes", "{};=x", "'{};=x'", 'var cs = "{}";\n'),
        ("doubled quotes", "{}'x", "'{}''x'", 'var cs = "{}";\n'),
    ):
        who = login(rng, MSSQL)
        text = frame.format(_ado(who, parts, written.format(who.password)))
        samples.append(found("mssql", name, replace(who, password=secret.format(who.password)), text))
    who = login(rng, MSSQL)
    who = replace(who, password=f"{who.password}&<x")
    value = quoteattr(_ado(who, parts))
    samples.append(found("mssql", "web.config", who, f'<add name="Main" connectionString={value} />\n'))
    who = login(rng, MSSQL)
    who = replace(who, password=f"{who.password};x")
    value = quoteattr(_ado(who, parts, f'"{who.password}"').replace("'", "&apos;"), {'"': "&quot;"})
    samples.append(found("mssql", "web.config with &quot;", who, f'<add name="Main" connectionString={value} />\n'))
    who = login(rng, MSSQL)
    settings = {"ConnectionStrings": {"DefaultConnection": _ado(who, (r"Server={h}\MAIN", *parts[1:]))}}
    text = json.dumps(settings, indent=2)
    return [*samples, Sample("mssql", text, who.password, who.user, variant="appsettings.json, named instance")]


def _odbc_for_mssql(rng: random.Random) -> list[Sample]:
    samples = []
    for name, head in (
        ("ODBC", "Driver={{ODBC Driver 18 for SQL Server}}"),
        ("OLE DB", "Provider=SQLOLEDB"),
        ("OLE DB", "Provider=MSOLEDBSQL"),
    ):
        who = login(rng, MSSQL)
        text = carriers.setting(
            rng, "AZURE_SQL_CONNECTIONSTRING", _ado(who, (head, _HOSTS[1], _BASES[1], "UID={u}", "PWD={s}"))
        )
        samples.append(found("mssql", f"{name} {head}", who, text))
    who = login(rng, MSSQL)
    parts = ("Driver={{ODBC Driver 18 for SQL Server}}", _HOSTS[1], _BASES[1], "UID={u}", "PWD={s}")
    text = f'conn = pyodbc.connect("{_ado(who, parts, "{" + who.password + ";}}x}")}")\n'
    return [*samples, found("mssql", "ODBC, braces", replace(who, password=who.password + ";}x"), text)]


def _mssql_jdbc(rng: random.Random) -> list[Sample]:
    first, second = login(rng, MSSQL), login(rng, MSSQL)
    head = "jdbc:sqlserver://{0.host}:{0.port};databaseName={0.database};"
    return [
        found(
            "mssql",
            "JDBC",
            first,
            f"JDBC_URL={(head + 'user={0.user};password={0.password};encrypt=true').format(first)}\n",
        ),
        found(
            "mssql",
            "JDBC, Prisma",
            second,
            (f'url = "{head[5:]}user={{0.user}};password={{0.password}}"\n').format(second),
        ),
    ]


def _mssql_commands(rng: random.Random) -> list[Sample]:
    samples = []
    for command in (
        "sqlcmd -S {h} -d {d} -U {u} -P {s} -i seed.sql\n",
        "bcp dbo.Orders out o.dat -S {h} -U {u} -P '{s}' -c\n",
    ):
        who = login(rng, MSSQL)
        text = command.format(h=who.host, d=who.database, u=who.user, s=who.password)
        samples.append(Sample("mssql", text, who.password, who.user, who.host, variant=command.split()[0]))
    return samples


def odbc(rng: random.Random) -> list[Sample]:
    """Return ODBC and OLE DB strings of other engines."""
    samples = []
    heads = (
        "Driver={{PostgreSQL Unicode}};Server={h};Port={p};Database={d}",
        "DSN=Reporting",
        "Provider=OraOLEDB.Oracle;Data Source={h}",
    )
    for head in heads:
        who = login(rng)
        text = carriers.setting(rng, "ODBC_CONNECTION_STRING", _ado(who, (head, "Uid={u}", "Pwd={s}")))
        host = who.host if "{h}" in head else ""
        samples.append(Sample("odbc-generic", text, who.password, who.user, host, variant=head))
    return samples


def oracle(rng: random.Random) -> list[Sample]:
    """Return thin JDBC, EZConnect and sqlplus."""
    samples = []
    for variant, shape, port in (
        ("thin, service", "JDBC_URL=jdbc:oracle:thin:{u}/{s}@//{h}:1521/{d}\n", 1521),
        ("thin, SID", 'String url = "jdbc:oracle:thin:{u}/{s}@{h}:1521:{d}";\n', 1521),
        ("EZConnect", 'conn = oracledb.connect("{u}/{s}@{h}:1521/{d}")\n', 1521),
        ("sqlplus", "sqlplus -S {u}/{s}@{h}:1521/{d} @report.sql\n", 1521),
    ):
        who = login(rng, ORACLE)
        text = shape.format(h=who.host, d=who.database, u=who.user, s=who.password)
        samples.append(Sample("oracle", text, who.password, who.user, who.host, port, variant=variant))
    who = login(rng, ORACLE)
    text = f"sqlplus {who.user}/{who.password}@PRODDB @nightly.sql\n"
    return [*samples, Sample("oracle", text, who.password, who.user, variant="sqlplus with a TNS name")]


def clickhouse(rng: random.Random) -> list[Sample]:
    """Return JDBC, the HTTP interface and a ClickHouse Cloud key."""
    service = Service("clickhouse", (), 8443, (), host="clickhouse")
    samples = _jdbc("clickhouse", ("jdbc:clickhouse", "jdbc:ch"), service, rng)
    who = login(rng, service)
    text = f"CLICKHOUSE_URL=https://{who.user}:{who.password}@{who.host}:{who.port}\n"
    samples.append(Sample("clickhouse", text, who.password, who.user, who.host, who.port, variant="https"))
    key, secret = pick(rng, "alnum", 20), "4b1d" + pick(rng, "alnum", 38)
    text = f"CLICKHOUSE_KEY_ID={key}\nCLICKHOUSE_KEY_SECRET={secret}\n"
    return [*samples, Sample("clickhouse", text, secret, variant="ClickHouse Cloud")]


def snowflake(rng: random.Random) -> list[Sample]:
    """Return JDBC and the connector's keywords."""
    account, samples = f"nv{pick(rng, 'digits', 5)}.eu-west-1", []
    who = login(rng, SNOWFLAKE)
    host = f"{account}.snowflakecomputing.com"
    text = f"JDBC_URL=jdbc:snowflake://{host}/?user={who.user}&password={who.password}&db={who.database}\n"
    samples.append(Sample("snowflake", text, who.password, who.user, host, variant="JDBC"))
    user, secret = user_name(rng), password(rng)
    for variant, text in (
        ("connect()", f"snowflake.connector.connect(user='{user}', password='{secret}', account='{account}')\n"),
        ("settings", f"SNOWFLAKE_ACCOUNT={account}\nSNOWFLAKE_USER={user}\nSNOWFLAKE_PASSWORD={secret}\n"),
    ):
        samples.append(Sample("snowflake", text, secret, user, variant=variant))
    return samples


def sockets(rng: random.Random) -> list[Sample]:
    """Return PostgreSQL through a socket, and with the password of the client's key."""
    who = login(rng)
    text = f"DATABASE_URL=postgresql://{who.user}:{who.password}@%2Fvar%2Frun%2Fpostgresql/{who.database}\n"
    return [Sample("postgres-uri", text, who.password, who.user, database=who.database, variant="socket host")]


def providers(rng: random.Random) -> list[Sample]:
    """Return PostgreSQL URLs as hosting companies give them."""
    ref, samples = pick(rng, "lower", 20), []
    for variant, user, host, port, secret in (
        ("Supabase pooler", f"postgres.{ref}", "aws-0-eu-west-1.pooler.supabase.com", 6543, password(rng)),
        (
            "Neon",
            user_name(rng),
            f"ep-{pick(rng, 'lower', 8)}-pooler.eu-central-1.aws.neon.tech",
            5432,
            "npg_" + pick(rng, "alnum", 12),
        ),
        (
            "Heroku",
            pick(rng, "lower", 14),
            f"ec2-{rng.randrange(3, 99)}-7-9-2.compute-1.amazonaws.com",
            5432,
            "p" + pick(rng, "hex", 64),
        ),
        (
            "Aiven",
            "avnadmin",
            machine(rng).replace("norvik-corp.net", "aivencloud.com"),
            21699,
            "AVNS_" + pick(rng, "url", 19),
        ),
    ):
        text = carriers.setting(
            rng, "DATABASE_URL", f"postgres://{user}:{secret}@{host}:{port}/main_db?sslmode=require"
        )
        samples.append(Sample("postgres-uri", text, secret, user, host, port, "main_db", variant))
    return samples


SPECIAL = {
    "postgres-uri": (sockets, providers),
    "postgres-jdbc": (postgres_jdbc,),
    "libpq-kv": (libpq,),
    "mysql-uri": (mysql,),
    "mssql": (mssql,),
    "odbc-generic": (odbc,),
    "oracle": (oracle,),
    "clickhouse": (clickhouse,),
    "snowflake": (snowflake,),
}

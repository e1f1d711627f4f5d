"""Which database or broker a word, a driver or a port speaks of."""

import re
from bisect import bisect_left
from operator import itemgetter

from secretguard.engine.lazily import compiled
from secretguard.engine.parts import Found
from secretguard.engine.text import neighbourhood, shared_neighbourhood

_NAMES = (  # the words of a family, with ` | ` between them
    (
        "postgres",
        r"postgres(?:ql)? | psycopg\w* | asyncpg | npgsql | pgx(?:pool)? | node-postgres | pg-promise | libpq"
        r" | redshift | timescale | \b(?:Pool|Client)\(\{ | \bpsql\b | \bpgsql\b | pg_dump | \bpgbouncer"
        r" | ['\"]pg['\"] | lib/pq | tokio_postgres"
        r" | PgConnectOptions",
    ),
    (
        "mysql",
        r"mysql\w* | mariadb\w* | pymysql | aiomysql"
        r" | wordpress\w* | wp-config | WP_DEBUG | \$table_prefix | define\([ \t]*['\"]DB_",
    ),
    ("mongodb", r"mongo(?:db|ose|client|_initdb)?\w*"),
    ("redis", r"\bredis\w* | \bvalkey | ioredis"),
    ("amqp", r"rabbitmq\w* | \bamqps?\b | \bpika\b | \bkombu\b"),
    ("mssql", r"sqlserver | sql server | mssql\w* | SqlConnection\w* | pymssql | \btedious\b"),
    ("oracle", r"oracle\w* | cx_oracle | oracledb"),
    ("clickhouse", r"clickhouse\w*"),
    ("cassandra", r"cassandra\w* | scylla\w* | PlainTextAuthProvider"),
    ("elasticsearch", r"elastic(?:search)?\w* | opensearch\w*"),
    ("snowflake", r"snowflake\w*"),
    ("kafka", r"kafka\w* | \bsasl\b"),
    ("nats", r"\bnats\b"),
    ("mqtt", r"\bmqtts?\w* | mosquitto\w* | \bpaho\b"),
    ("smtp", r"\bsmtps?\w* | sendmail | nodemailer | email_host\w* | mailer\w* | \bmail_\w+"),
)  # fmt: skip
_WORDS = tuple((family, compiled(words.replace(" | ", "|").encode(), re.IGNORECASE)) for family, words in _NAMES)
_WORD_BY_WORD = [(family, word) for family, words in _NAMES for word in words.split(" | ")]
# In lower case, each word an alternative of its own: `re` then passes over most by their first letter, which it does
# not with IGNORECASE. Its empty group says which it was.
_ANY = compiled("|".join(f"{word.lower()}()" for _, word in _WORD_BY_WORD).encode())
_NO_DATABASES = ("redis", "amqp", "kafka", "nats", "mqtt", "smtp")
FAMILY_OF_PORT = {
    5432: "postgres", 6432: "postgres", 3306: "mysql", 27017: "mongodb", 6379: "redis", 5672: "amqp", 5671: "amqp",
    1433: "mssql", 1521: "oracle", 9042: "cassandra", 9092: "kafka", 587: "smtp", 465: "smtp", 1883: "mqtt",
    8883: "mqtt", 4222: "nats", 9200: "elasticsearch",
}  # fmt: skip


def family_named(text: str) -> str:
    """Return the family that `text` (a key, a driver, a dialect) names, or an empty string."""
    if text.strip("_ ") == "pg":
        return "postgres"
    raw = text.encode("utf-8", "surrogateescape")
    return next((family for family, words in _WORDS if raw and words.search(raw)), "")


def nearest_family(found: Found, place: tuple[int, int], around: tuple[int, int], *, of_database: bool = False) -> str:
    """Return the family whose word stands nearest to the span `around`, outside of it, or an empty string.

    It has to stand in the neighbourhood of `place`. `of_database` leaves out caches, brokers and mail servers: a
    `DB_PASSWORD` is none of theirs.
    """
    low, high = neighbourhood(found.data, *place)
    words = found.once(_databases if of_database else _spoken_of, shared_neighbourhood(found.data, *place))
    before, behind = (bisect_left(words, at, key=itemgetter(0)) for at in around)
    left = words[before - 1] if before and words[before - 1][0] >= low else None
    right = words[behind] if behind < len(words) and words[behind][0] < high else None
    if left and right:
        return (left if around[0] - left[0] <= right[0] - around[0] else right)[1]
    return (left or right or (0, ""))[1]


def _spoken_of(data: bytes, low: int, high: int) -> list[tuple[int, str]]:
    before = max(0, low - 1)  # it may belong to the first word
    text = data[before:high].lower()
    found = _ANY.finditer(text, low - before, high - before)
    return [(before + match.start(), _WORD_BY_WORD[(match.lastindex or 0) - 1][0]) for match in found]


def _databases(data: bytes, low: int, high: int) -> list[tuple[int, str]]:
    return [(start, family) for start, family in _spoken_of(data, low, high) if family not in _NO_DATABASES]

"""Settings whose name alone tells whose password they hold: `env_families` of the format reference, and their kin."""

import random
from collections.abc import Iterator

from tests.generators.databases import password
from tests.generators.sample import Sample

_OWNERS = {
    "postgres": "POSTGRES POSTGRESQL PG POSTGRESQL_POSTGRES REPLICA_PG",
    "mysql": "MYSQL MYSQL_ROOT MARIADB MARIADB_ROOT",
    "mongodb": "MONGO MONGODB MONGO_INITDB_ROOT ATLAS",
    "redis": "REDIS VALKEY REDIS_CACHE",
    "amqp": "RABBITMQ RABBITMQ_DEFAULT RABBIT AMQP",
    "mssql": "MSSQL MSSQL_SA SQLSERVER SQL_SERVER",
    "oracle": "ORACLE ORA",
    "clickhouse": "CLICKHOUSE",
    "cassandra": "CASSANDRA SCYLLA",
    "elasticsearch": "ELASTIC ELASTICSEARCH OPENSEARCH OPENSEARCH_INITIAL_ADMIN",
    "snowflake": "SNOWFLAKE SNOWSQL",
    "nats": "NATS",
    "mqtt": "MQTT MOSQUITTO",
    "kafka": "KAFKA KAFKA_SASL SASL CONFLUENT",
    "smtp": "SMTP MAIL EMAIL EMAIL_HOST",
    "database": "DB DATABASE RDS SPRING_DATASOURCE SQL HIBERNATE_CONNECTION TYPEORM QUARKUS_DATASOURCE QUARKUS AIRFLOW_DB",
}
_WORDS = ("PASSWORD", "PASSWD", "PASSPHRASE", "PASS", "PWD")


def password_settings(rng: random.Random) -> Iterator[Sample]:
    """Yield one setting for each owner and each word for a password; `kind` is the family of its identity."""
    for family, owners in _OWNERS.items():
        for owner in owners.split():
            for word in _WORDS:
                name, secret = f"{owner}_{word}", password(rng)
                yield Sample(family, f"LOG_LEVEL=info\n{name}={secret}\n", secret, variant=name)

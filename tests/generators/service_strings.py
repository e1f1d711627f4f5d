"""Logins and keys of services outside plain URLs: Redis, Kafka, Azure, Sentry, netrc, docker, curl and the like."""

import base64
import random
from dataclasses import replace
from urllib.parse import quote

from tests.generators import carriers, checksums
from tests.generators.databases import Service, login, machine, password, url, user_name
from tests.generators.encoded import base64_text, jwt
from tests.generators.sample import Sample
from tests.generators.shapes import pick

_KAFKA_SECURITY = "org.apache.kafka.common.security."
REDIS = Service("redis-uri", (), 6379, (), host="cache")


def _key(rng: random.Random, size: int) -> str:
    return base64.b64encode(rng.randbytes(size)).decode()


def redis(rng: random.Random) -> list[Sample]:
    """Return a socket URL, client options, a client's representation in a log, and StackExchange's string."""
    samples = []
    for variant, shape in (
        ("options", "const redis = new Redis({{ host: '{h}', port: 6379, password: '{s}' }});\n"),
        ("log", "INFO Redis<ConnectionPool<Connection<host={h},port=6379,db=0,password={s}>>>\n"),
        ("StackExchange", 'var mux = ConnectionMultiplexer.Connect("{h}:6379,password={s},ssl=True");\n'),
    ):
        who = login(rng, REDIS)
        text = shape.format(h=who.host, s=who.password)
        samples.append(Sample("redis-uri", text, who.password, host=who.host, port=6379, variant=variant))
    user, secret = user_name(rng), password(rng)
    text = f"REDIS_URL=unix://{user}:{secret}@/var/run/redis.sock?db=0\n"
    return [*samples, Sample("redis-uri", text, secret, user, variant="unix://")]


def cassandra(rng: random.Random) -> list[Sample]:
    """Return the driver's provider and an Astra token."""
    user, secret = user_name(rng), password(rng)
    token = f"AstraCS:{pick(rng, 'alnum', 24)}:{pick(rng, 'hex', 64)}"
    text = f"auth = PlainTextAuthProvider(username='{user}', password='{secret}')\n"
    setting = carriers.setting(rng, "ASTRA_DB_APPLICATION_TOKEN", token)
    return [
        Sample("cassandra", text, secret, user, variant="PlainTextAuthProvider"),
        Sample("cassandra", setting, token, variant="AstraCS"),
    ]


def elasticsearch(rng: random.Random) -> list[Sample]:
    """Return URLs with http(s), API keys and Elastic Cloud keys at both ends."""
    samples = []
    for scheme in ("http", "https"):
        secret, host = password(rng), machine(rng, "search")
        text = f"ELASTICSEARCH_URL={scheme}://elastic:{secret}@{host}:9200\n"
        samples.append(Sample("elasticsearch", text, secret, "elastic", host, 9200, variant=scheme))
    key = base64_text(f"{pick(rng, 'alnum', 20)}:{pick(rng, 'url', 22)}")
    text = f"curl -H 'Authorization: ApiKey {key}' https://{machine(rng, 'elasticsearch')}:9200/_search\n"
    samples.append(Sample("elasticsearch", text, key, variant="API key"))
    for length in (60, 200):
        cloud = "essu_" + pick(rng, "alnum", length)
        text = carriers.setting(rng, "ELASTIC_CLOUD_KEY", cloud)
        samples.append(Sample("elasticsearch", text, cloud, variant=f"essu_, {length}"))
    return samples


def nats(rng: random.Random) -> list[Sample]:
    """Return tls and WebSocket URLs, a token, seeds of every role and a .creds file."""
    service = Service("nats", (), 4222, (), host="nats")
    samples = []
    for scheme in ("tls", "ws", "wss"):
        who = login(rng, service)
        text = f"NATS_URL={url(scheme, who, path='')}\n"
        samples.append(Sample("nats", text, who.password, who.user, who.host, who.port, variant=scheme))
    token, host = pick(rng, "alnum", 32), machine(rng, "nats")
    samples.append(
        Sample("nats", f"NATS_URL=nats://{token}@{host}:4222\n", token, host=host, port=4222, variant="token")
    )
    for role in "UAO":
        seed = checksums.nkey_seed(rng, role)
        samples.append(Sample("nats", carriers.setting(rng, "NATS_NKEY_SEED", seed), seed, variant=f"seed S{role}"))
    seed = checksums.nkey_seed(rng, "U")
    token = jwt(rng, {"sub": pick(rng, "base32", 56), "nats": {"type": "user"}})
    text = (
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )
    return [*samples, Sample("nats", text, seed, variant=".creds")]


def mqtt(rng: random.Random) -> list[Sample]:
    """Return brokers behind WebSockets."""
    samples = []
    for scheme in ("ws", "wss"):
        who = login(rng, Service("mqtt", (), 8883, (), host="mqtt"))
        text = f"MQTT_URL={url(scheme, who, path='/mqtt')}\n"
        samples.append(Sample("mqtt", text, who.password, who.user, who.host, who.port, variant=scheme))
    return samples


def kafka(rng: random.Random) -> list[Sample]:
    """Return JAAS strings, librdkafka keys, and Confluent Cloud keys of both formats."""
    samples = []
    for variant, shape in (
        ("plain", 'sasl.jaas.config={c}plain.PlainLoginModule required username="{u}" password="{s}";\n'),
        ("scram", 'sasl.jaas.config={c}scram.ScramLoginModule required username="{u}" password="{s}";\n'),
        ("escaped", 'SASL_JAAS_CONFIG: "{c}plain.PlainLoginModule required username=\\"{u}\\" password=\\"{s}\\";"\n'),
        (
            "spring",
            "spring.kafka.properties.{j}={c}scram.ScramLoginModule required username='{u}' password='{s}';\n",
        ),
        ("librdkafka", "sasl.mechanisms=PLAIN\nsasl.username={u}\nsasl.password={s}\n"),
        ("librdkafka, Python", "conf = {{'sasl.username': '{u}', 'sasl.password': '{s}'}}\n"),
    ):
        user, secret = user_name(rng), password(rng)
        text = shape.format(c=_KAFKA_SECURITY, j="sasl.jaas.config", u=user, s=secret)
        samples.append(Sample("kafka-sasl", text, secret, user, variant=variant))
    for variant, secret in (
        ("Confluent", pick(rng, "base64", 64)),
        ("Confluent cflt", checksums.confluent("cflt" + pick(rng, "base64", 60))),
    ):
        key = pick(rng, "uppernum", 16)
        text = f"CONFLUENT_API_KEY={key}\nCONFLUENT_API_SECRET={secret}\n"
        samples.append(Sample("kafka-sasl", text, secret, key, variant=variant))
    key, secret = pick(rng, "uppernum", 16), pick(rng, "base64", 64)
    text = f"SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO={key}:{secret}\n"
    return [*samples, Sample("kafka-sasl", text, secret, key, variant="schema registry")]


def smtp(rng: random.Random) -> list[Sample]:
    """Return mail settings in several lines."""
    samples = []
    for variant, shape in (
        ("settings", "SMTP_HOST={h}\nSMTP_PORT=587\nSMTP_USER={u}\nSMTP_PASSWORD={s}\n"),
        ("Django", "EMAIL_HOST = '{h}'\nEMAIL_PORT = 587\nEMAIL_HOST_USER = '{u}'\nEMAIL_HOST_PASSWORD = '{s}'\n"),
        ("Laravel", "MAIL_HOST={h}\nMAIL_PORT=587\nMAIL_USERNAME={u}\nMAIL_PASSWORD={s}\n"),
    ):
        user, secret, host = user_name(rng), password(rng), machine(rng, "mail")
        samples.append(Sample("smtp", shape.format(h=host, u=user, s=secret), secret, user, host, 587, variant=variant))
    return samples


def sentry(rng: random.Random) -> list[Sample]:
    """Return today's public DSN in each region, and the legacy one with its secret half."""
    samples = []
    for region in ("", ".us", ".de"):
        key, host = pick(rng, "hex", 32), f"o{pick(rng, 'digits', 6)}.ingest{region}.sentry.io"
        text = carriers.setting(rng, "SENTRY_DSN", f"https://{key}@{host}/{pick(rng, 'digits', 7)}")
        samples.append(Sample("sentry-dsn", text, key, host=host, variant=f"public: DSN{region}"))
    key, secret, host = pick(rng, "hex", 32), pick(rng, "hex", 32), f"o{pick(rng, 'digits', 6)}.ingest.sentry.io"
    text = carriers.setting(rng, "SENTRY_DSN", f"https://{key}:{secret}@{host}/{pick(rng, 'digits', 7)}")
    return [*samples, Sample("sentry-dsn", text, secret, key, host, variant="legacy")]


def azure(rng: random.Random) -> list[Sample]:
    """Return a connection string of every service, and a shared access signature."""
    name = "norvik" + pick(rng, "lower", 6)
    marked = f"{pick(rng, 'alnum', 52)}JQQJ99{pick(rng, 'alnum', 18)}AZAC{pick(rng, 'alnum', 4)}"
    bus, policy = f"sb://{name}.servicebus.windows.net", "SharedAccessKeyName=RootManageSharedAccessKey"
    store = f"DefaultEndpointsProtocol=https;AccountName={name};AccountKey={{}};EndpointSuffix=core.windows.net"
    samples = []
    for variant, secret, shape in (
        ("storage", _key(rng, 64), store),
        ("service bus", _key(rng, 32), f"Endpoint={bus}/;{policy};SharedAccessKey={{}}"),
        ("event hub", _key(rng, 32), f"Endpoint={bus}/;{policy};SharedAccessKey={{}};EntityPath=orders"),
        (
            "app configuration",
            _key(rng, 32),
            f"Endpoint=https://{name}.azconfig.io;Id={pick(rng, 'alnum', 8)};Secret={{}}",
        ),
        (
            "app configuration, new",
            marked,
            f"Endpoint=https://{name}.azconfig.io;Id={pick(rng, 'alnum', 8)};Secret={{}}",
        ),
        (
            "IoT hub",
            _key(rng, 32),
            f"HostName={name}.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey={{}}",
        ),
        ("IoT device", _key(rng, 32), f"HostName={name}.azure-devices.net;DeviceId=press-7;SharedAccessKey={{}}"),
        ("Cosmos", _key(rng, 64), f"AccountEndpoint=https://{name}.documents.azure.com:443/;AccountKey={{}};"),
        ("SignalR", _key(rng, 32), f"Endpoint=https://{name}.service.signalr.net;AccessKey={{}};Version=1.0;"),
    ):
        names = ("AZURE_STORAGE_CONNECTION_STRING", "AzureWebJobsStorage", "SERVICEBUS_CONNECTION_STRING")
        text = carriers.setting(rng, rng.choice(names), shape.format(secret))
        samples.append(Sample("azure-conn", text, secret, variant=variant))
    for setting in ("AZURE_STORAGE_KEY", "COSMOS_KEY"):
        key = _key(rng, 64)
        samples.append(Sample("azure-conn", carriers.setting(rng, setting, key), key, variant=setting))
    signature = _key(rng, 32)
    rights = "sv=2023-11-03&sr=b&sp=r&se=2027-01-01"
    link = f"https://{name}.blob.core.windows.net/backups/a.tar?{rights}&sig={quote(signature, safe='')}"
    return [*samples, Sample("azure-conn", f"BACKUP_URL={link}\n", signature, variant="SAS URL")]


def generic(rng: random.Random) -> list[Sample]:
    """Return logins of any service in the files and commands that hold them."""
    samples = []
    for variant, shape in (
        (".git/config", '[remote "origin"]\n\turl = https://{u}:{s}@{h}/norvik/app.git\n'),
        (".git-credentials", "https://{u}:{s}@{h}\n"),
        (".netrc", "machine {h}\nlogin {u}\npassword {s}\n"),
        (".netrc, one line", "machine {h} login {u} password {s}\n"),
        ("pip.conf", "[global]\nindex-url = https://{u}:{s}@{h}/simple\n"),
        (".pypirc", "[corp]\nrepository = https://{h}/upload\nusername = {u}\npassword = {s}\n"),
        ("curl -u", "curl -fsS -u {u}:{s} https://{h}/api/v1/export\n"),
        ("curl --user", "curl --user '{u}:{s}' https://{h}/api/v1/export\n"),
        ("wget", "wget --http-user={u} --http-password={s} https://{h}/dump.tgz\n"),
        ("ldapsearch", 'ldapsearch -H ldaps://{h} -D "cn={u},dc=norvik" -w {s} -b dc=norvik\n'),
        ("sshpass", "sshpass -p {s} ssh {u}@{h} uptime\n"),
        ("sshpass, quoted", "sshpass -p '{s}' scp dump.gz {u}@{h}:/srv\n"),
    ):
        user, secret, host = user_name(rng), password(rng), machine(rng, "svc")
        text = shape.format(u=user, s=secret, h=host)
        named = user if variant not in ("ldapsearch", "sshpass", "sshpass, quoted") else ""
        samples.append(Sample("generic-url-cred", text, secret, named, variant=variant))
    return [*samples, *_client_commands(rng), *_base64_logins(rng)]


def _client_commands(rng: random.Random) -> list[Sample]:
    samples = []
    for variant, shape in (
        ("mysql -p", "mysql -h {h} -u {u} -p{s} shop < seed.sql\n"),
        ("redis-cli", "redis-cli -h {h} -a {s} ping\n"),
        ("mongo", "mongo --host {h} -u {u} -p {s} shop\n"),
    ):
        user, secret = user_name(rng), password(rng)
        text = shape.format(u=user, s=secret, h=machine(rng))
        samples.append(Sample("generic-url-cred", text, secret, user if "{u}" in shape else "", variant=variant))
    return samples


def _base64_logins(rng: random.Random) -> list[Sample]:
    samples = []
    for variant, shape in (
        (".npmrc _auth", "//npm.corp.internal/:_auth={both}\n"),
        (".npmrc _password", "//npm.corp.internal/:_password={alone}\n//npm.corp.internal/:username={u}\n"),
        ("docker config", '{{"auths": {{"registry.corp.internal": {{"auth": "{both}"}}}}}}\n'),
    ):
        user, secret = user_name(rng), password(rng)
        text = shape.format(u=user, both=base64_text(f"{user}:{secret}"), alone=base64_text(secret))
        samples.append(Sample("generic-url-cred", text, secret, user, variant=variant))
    return samples


def mongodb_socket(rng: random.Random) -> list[Sample]:
    """Return MongoDB through a socket, and with every troublesome character raw."""
    mongo = Service("mongodb-uri", (), 27017, (), host="mongo")
    first, second = login(rng, mongo), login(rng, mongo)
    second = replace(second, password=f"{second.password}!x:y@z")
    text = f"MONGO_URL={url('mongodb', first, place='%2Ftmp%2Fmongodb-27017.sock')}\n"
    raw = f'mongoose.connect("{url("mongodb", second, secret=second.password)}?authSource=admin")\n'
    return [
        Sample("mongodb-uri", text, first.password, first.user, variant="socket host"),
        Sample("mongodb-uri", raw, second.password, second.user, second.host, second.port, variant="raw ! : @"),
    ]


SPECIAL = {
    "redis-uri": (redis,),
    "cassandra": (cassandra,),
    "elasticsearch": (elasticsearch,),
    "nats": (nats,),
    "mqtt": (mqtt,),
    "kafka-sasl": (kafka,),
    "smtp": (smtp,),
    "sentry-dsn": (sentry,),
    "azure-conn": (azure,),
    "generic-url-cred": (generic,),
    "mongodb-uri": (mongodb_socket,),
}

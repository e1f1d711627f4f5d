"""Texts that come close to a kind and hold none: what a rule must leave alone."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.generators import ai_vendors, carriers, formats, general, shapes
from tests.generators.databases import SERVICES, Service, login, machine, password, user_name
from tests.generators.encoded import base64_text, base64_url
from tests.generators.shapes import pick

_TEMPLATES = (
    "${DB_PASSWORD}", "$DB_PASSWORD", "$(DB_PASSWORD)", "{{ db_password }}", "{{db_password}}", "<password>",
    "%(password)s", "%(pw)s", "%s", "*****", "xxxx", "#{DbPassword}#", "__PASSWORD__", "{password}", "[PASSWORD]",
)  # fmt: skip
_LOOKUPS = (
    'url = os.environ["{name}"]\n',
    "const url = process.env.{name};\n",
    'url := os.Getenv("{name}")\n',
    'url = f"{scheme}://{{user}}:{{password}}@{{host}}/{{db}}"\n',
    "const url = `{scheme}://${{user}}:${{password}}@${{host}}/app`;\n",
    'url := fmt.Sprintf("{scheme}://%s:%s@%s/app", user, password, host)\n',
    '"{scheme}://" + user + ":" + password + "@" + host\n',
    "{name}={scheme}://$DB_USER:$DB_PASS@$DB_HOST/app\n",
    "{scheme}://{{host}}:{{port}}/app\n",
)


def service_misses(service: Service, rng: random.Random) -> Iterator[str]:
    """Yield URLs without a password, with a template for one, and code that puts one together."""
    for scheme in service.schemes[:3]:
        who, name = login(rng, service), service.names[0]
        yield f"{name}={scheme}://{who.host}:{who.port}/{who.database}\n"
        if service.kind != "nats":  # its user part alone may be a token
            yield f"{name}={scheme}://{who.user}@{who.host}:{who.port}/{who.database}\n"
        yield f"{name}={scheme}://{who.user}:@{who.host}:{who.port}/{who.database}\n"
        for template in _TEMPLATES:
            yield carriers.setting(rng, name, f"{scheme}://{who.user}:{template}@{who.host}:{who.port}/{who.database}")
        yield from (lookup.format(scheme=scheme, name=name) for lookup in _LOOKUPS)


def _jdbc(scheme: str, rng: random.Random) -> Iterator[str]:
    place = f"{scheme}://{machine(rng)}:5432/shop"
    yield f"JDBC_URL={place}\n"
    yield f"JDBC_URL={place}?user={user_name(rng)}&ssl=true\n"
    for template in _TEMPLATES:
        yield f"JDBC_URL={place}?user={user_name(rng)}&password={template}\n"


def _keywords(rng: random.Random) -> Iterator[str]:
    yield f"dsn = 'host={machine(rng)} port=5432 dbname=shop user={user_name(rng)}'\n"
    yield f"dsn = 'host={machine(rng)} dbname=shop user={user_name(rng)} password='\n"
    for template in ("${DB_PASSWORD}", "{{ pw }}", "<password>", "%(pw)s", "%s", "*****"):
        yield f"dsn = 'host={machine(rng)} dbname=shop user={user_name(rng)} password={template}'\n"


def _ado(head: str, rng: random.Random) -> Iterator[str]:
    start = f"{head}={machine(rng)};Database=shop"
    yield f'"{start};Integrated Security=True;"\n'
    yield f'"{start};Trusted_Connection=Yes;"\n'
    yield f'"{start};User Id={user_name(rng)};Encrypt=True;"\n'
    for template in ("${DB_PASSWORD}", "#{DbPassword}#", "__DB_PASSWORD__", "{{ pw }}", "<password>", "*****"):
        yield f'"{start};User Id={user_name(rng)};Password={template};"\n'


def _oracle(rng: random.Random) -> Iterator[str]:
    yield f"jdbc:oracle:thin:@//{machine(rng)}:1521/ORCL\n"
    yield f"jdbc:oracle:thin:${{USER}}/${{PASS}}@//{machine(rng)}:1521/ORCL\n"
    yield f"sqlplus /@{machine(rng)}:1521/ORCL\n"


def _services(rng: random.Random) -> dict[str, Iterator[str]]:
    user, host = user_name(rng), machine(rng)
    return {
        "cassandra": iter(
            (
                f"PlainTextAuthProvider(username='{user}', password=os.environ['CASSANDRA_PASSWORD'])\n",
                f"ASTRA_TOKEN=AstraCS:{pick(rng, 'alnum', 12)}\n",
            )
        ),
        "elasticsearch": iter((f"https://{host}:9200/_search\n", f"essu_{pick(rng, 'alnum', 12)}\n")),
        "snowflake": iter((f"connect(user='{user}', password=os.environ['SNOWFLAKE_PASSWORD'], account='nv1')\n",)),
        "nats": iter(
            (
                f"seed: SU{pick(rng, 'base32', 55)}\n",
                f"seed: SU{pick(rng, 'base32', 57)}\n",
                f"seed: SU{pick(rng, 'base32', 30)}1{pick(rng, 'base32', 25)}\n",
                f"public: U{pick(rng, 'base32', 55)}\n",
            )
        ),
        "kafka-sasl": iter(
            (
                'sasl.jaas.config=x.PlainLoginModule required username="${K}" password="${S}";\n',
                "sasl.username=orders\nsasl.password=${KAFKA_PASSWORD}\n",
                f"key: {pick(rng, 'uppernum', 16)}\n",
            )
        ),
        "sentry-dsn": iter(
            f"https://{key}@o1234.ingest.sentry.io/56\n"
            for key in (pick(rng, "hex", 31), pick(rng, "hex", 33), pick(rng, "hex", 16) + "g" + pick(rng, "hex", 15))
        ),
        "azure-conn": iter(
            (
                "DefaultEndpointsProtocol=https;AccountName=norvik;AccountKey=${KEY};EndpointSuffix=core.windows.net\n",
                "Endpoint=sb://norvik.servicebus.windows.net/;Authentication=ManagedIdentity\n",
                "UseDevelopmentStorage=true\n",
                "AccountName=norvik;AccountKey=<key>;EndpointSuffix=core.windows.net\n",
                f"DefaultEndpointsProtocol=https;AccountName=norvik;AccountKey={pick(rng, 'base64', 40)};\n",
            )
        ),
        "generic-url-cred": iter(
            (
                "curl -u $USER:$PASS https://api.internal/export\n",
                "curl -u ${USER}:${PASS} https://api.internal/export\n",
                f"machine {host} login {user}\n",
                "git clone git@github.com:norvik/app.git\n",
                f"see https://{host}/@{user}/posts and mail {user}@{host}\n",
                f"wget --http-password=$PW https://{host}/x\n",
                '{"auths": {"registry.corp.internal": {}}, "credsStore": "pass"}\n',
            )
        ),
        "rabbitmq-default": iter((f"amqp://{host}:5672/\n", f"amqp://{user}:{password(rng)}@{host}/\n")),
        "smtp": iter((f"SMTP_HOST={host}\nSMTP_USER={user}\nSMTP_PASSWORD=${{SMTP_PASSWORD}}\n",)),
    }


def _pem(label: str, rng: random.Random) -> str:
    lines = "\n".join(pick(rng, "base64", 64) for _ in range(4))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def _tokens(rng: random.Random) -> dict[str, Iterator[str]]:
    head, claims = base64_url('{"alg":"none"}'), base64_url('{"sub":"7"}')
    discord_id = base64_url("1" + pick(rng, "digits", 17))
    key = "AKIA" + pick(rng, "base32", 16)
    return {
        "aws-access-key": iter(
            (
                f"key: {pick(rng, 'base64', 40)}\n",
                f"commit {pick(rng, 'hex', 40)}\n",
                f"id: {key[:-1]}\n",
                f"id: {key}7\n",
                f"id: {key[:10]}1{key[11:]}\n",
                f"AWS_SECRET_ACCESS_KEY={pick(rng, 'base64', 39)}\n",
                f"AWS_SECRET_ACCESS_KEY={pick(rng, 'base64', 41)}\n",
            )
        ),
        "aws-bedrock-long": iter(
            (
                f"token: ABSK{base64_text(pick(rng, 'alnum', 95))}\n",
                f"token: ABSK{base64_text('BedrockAPIKey-' + pick(rng, 'alnum', 20))}\n",
            )
        ),
        "aws-bedrock-short": iter(
            (f"token: bedrock-api-key-{base64_text('sts.amazonaws.com/?' + pick(rng, 'alnum', 300))}\n",)
        ),
        "twilio": iter(
            (
                f"sid: AC{pick(rng, 'hex', 31)}\ntoken: x\n",
                f"sid: AC{pick(rng, 'hex', 16)}g{pick(rng, 'hex', 15)}\n",
                f"md5: {pick(rng, 'hex', 32)}\n",
            )
        ),
        "gcp-service-account": iter(
            (
                f'{{"type": "authorized_user", "client_id": "{pick(rng, "digits", 21)}"}}\n',
                f'{{"type": "service_account", "client_email": "a@{pick(rng, "lower", 8)}.iam.gserviceaccount.com"}}\n',
            )
        ),
        "private-key": iter(
            (
                *(
                    _pem(label, rng)
                    for label in ("PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE", "PGP PUBLIC KEY BLOCK")
                ),
                "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
                'assert text.startswith("-----BEGIN RSA PRIVATE KEY-----")\n',
                f"age1{pick(rng, 'lowernum', 58)}\n",
                f"AGE-SECRET-KEY-1{pick(rng, 'uppernum', 57)}\n",
                f'{{"kty": "EC", "crv": "P-256", "x": "{pick(rng, "url", 43)}", "y": "{pick(rng, "url", 43)}"}}\n',
                f"ssh-ed25519 {pick(rng, 'base64', 68)} deploy\n",
            )
        ),
        "jwt": iter((f"ACCESS_TOKEN={head}.{claims}.\n", f"ACCESS_TOKEN={head}.{claims}\n", "eyJhbGciOi.is.short\n")),
        "discord": iter(
            (
                f"DISCORD_TOKEN={pick(rng, 'url', 23)}.{pick(rng, 'url', 6)}.{pick(rng, 'url', 27)}\n",
                f"DISCORD_TOKEN={discord_id}.{pick(rng, 'url', 6)}.{pick(rng, 'url', 26)}\n",
                f"DISCORD_TOKEN={discord_id}.{pick(rng, 'url', 5)}.{pick(rng, 'url', 28)}\n",
            )
        ),
        "flyio": iter(('FLY_API_TOKEN="FlyV1 "\n', f"FlyV1 {pick(rng, 'alnum', 8)}\n")),
        "reddit": iter((f"id: {pick(rng, 'url', 14)}\nsecret: {pick(rng, 'url', 27)}\n",)),
        "flickr": iter((f"md5: {pick(rng, 'hex', 32)}\nfnv: {pick(rng, 'hex', 16)}\n",)),
        "mongodb-atlas-sa": iter(
            f"MONGODB_ATLAS_CLIENT_SECRET={value}\n" for value in shapes.spoilt("mdb_sa_sk_{url:40}", rng)
        ),
        "grafana": iter((f"token: glc_{pick(rng, 'alnum', 6)}\n",)),
        "sentry-token": iter((f"token: sntrys_{pick(rng, 'alnum', 20)}\n",)),
    }


def _strings(rng: random.Random) -> dict[str, Iterator[str]]:
    return {
        "postgres-jdbc": _jdbc("jdbc:postgresql", rng),
        "mysql-uri": _jdbc("jdbc:mysql", rng),
        "clickhouse": _jdbc("jdbc:clickhouse", rng),
        "libpq-kv": _keywords(rng),
        "mssql": _ado("Server", rng),
        "odbc-generic": _ado("Driver={PostgreSQL Unicode};Server", rng),
        "oracle": _oracle(rng),
    }


def near_misses(kinds: Sequence[str]) -> Mapping[str, Callable[[random.Random], Sequence[str]]]:
    """Return, for each kind, a function that makes texts close to it."""

    def of(kind: str) -> Callable[[random.Random], Sequence[str]]:
        def make(rng: random.Random) -> Sequence[str]:
            table = [form for form in (*ai_vendors.FORMATS, *general.FORMATS) if form.kind == kind]
            texts = formats.near_misses(table, rng)
            for service in SERVICES:
                texts += service_misses(service, rng) if service.kind == kind else ()
            for special in (_services, _tokens, _strings):
                texts += special(rng).get(kind, ())
            return texts

        return make

    return {kind: of(kind) for kind in kinds}

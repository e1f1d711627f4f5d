"""Credentials of several parts (an id and its secret) and private keys: the rest of `general`."""

import base64
import json
import random
import textwrap

from tests.generators import carriers, checksums
from tests.generators.databases import machine
from tests.generators.sample import Sample
from tests.generators.shapes import pick

_PEM_LABELS = ("", "RSA ", "EC ", "DSA ", "OPENSSH ")


def pem(rng: random.Random, label: str = "", size: int = 1190) -> str:
    """Return a private key of `size` random bytes; only the first bytes look like a real one."""
    body = base64.b64encode(b"\x30\x82\x04\xa2\x02\x01\x00" + rng.randbytes(size)).decode()
    lines = "\n".join(textwrap.wrap(body, 64))
    return f"-----BEGIN {label}PRIVATE KEY-----\n{lines}\n-----END {label}PRIVATE KEY-----"


def aws(rng: random.Random) -> list[Sample]:
    """Return an id with its secret for every prefix, in the files where they stand, and session tokens."""
    samples = []
    for prefix in ("AKIA", "ASIA", "ABIA", "ACCA", "A3T" + pick(rng, "base32", 1)):
        key, secret = prefix + pick(rng, "base32", 16), pick(rng, "base64", 40)
        text = rng.choice(
            (
                f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\nregion = eu-west-1\n",
                f"AWS_ACCESS_KEY_ID={key}\nAWS_SECRET_ACCESS_KEY={secret}\n",
                f'provider "aws" {{\n  access_key = "{key}"\n  secret_key = "{secret}"\n}}\n',
                f'{{"AccessKeyId": "{key}", "SecretAccessKey": "{secret}"}}\n',
                f"boto3.client('s3', aws_access_key_id='{key}',\n             aws_secret_access_key='{secret}')\n",
                f"AWS.config.update({{ accessKeyId: '{key}', secretAccessKey: '{secret}' }});\n",
            )
        )
        samples.append(Sample("aws-access-key", text, secret, user=key, variant=f"{prefix[:3]}… and secret"))
    for start, length in (("IQoJ", 200), ("FwoG", 1200)):
        token = start + pick(rng, "base64", length - 4)
        text = carriers.setting(rng, "AWS_SESSION_TOKEN", token)
        samples.append(Sample("aws-access-key", text, token, variant=f"session token of {length}"))
    return samples


def twilio(rng: random.Random) -> list[Sample]:
    """Return an account with its token, and an API key with its secret."""
    account, token = "AC" + pick(rng, "hex", 32), pick(rng, "hex", 32)
    key, secret = "SK" + pick(rng, "hex", 32), pick(rng, "alnum", 32)
    texts = (
        f"TWILIO_ACCOUNT_SID={account}\nTWILIO_AUTH_TOKEN={token}\n",
        f"const client = require('twilio')('{account}', '{token}');\n",
        f"twilio:\n  account_sid: {account}\n  auth_token: {token}\n",
    )
    return [
        Sample("twilio", rng.choice(texts), token, user=account, variant="account"),
        Sample("twilio", f"TWILIO_API_KEY={key}\nTWILIO_API_SECRET={secret}\n", secret, user=key, variant="API key"),
    ]


def github_oauth_app(rng: random.Random) -> list[Sample]:
    """Return an App's private key as a setting."""
    key = pem(rng, "RSA ")
    text = f'GITHUB_APP_PRIVATE_KEY="{key.replace(chr(10), chr(92) + "n")}"\n'
    return [Sample("github-oauth-app", text, key, variant="App private key")]


def service_account(rng: random.Random) -> list[Sample]:
    """Return the JSON file of a Google service account, indented and on one line."""
    samples = []
    for indent, frame in ((2, "{}"), (None, "{}\n"), (None, "GOOGLE_APPLICATION_CREDENTIALS_JSON='{}'\n")):
        key, project = pem(rng), f"norvik-{pick(rng, 'lower', 6)}"
        email = f"deploy@{project}.iam.gserviceaccount.com"
        document = {
            "type": "service_account",
            "project_id": project,
            "private_key_id": pick(rng, "hex", 40),
            "private_key": key + "\n",
            "client_email": email,
            "client_id": pick(rng, "digits", 21),
        }
        text = frame.format(json.dumps(document, indent=indent))
        samples.append(
            Sample("gcp-service-account", text, key, user=email, variant=f"{frame[:-2]}JSON, indent {indent}")
        )
    return samples


def private_keys(rng: random.Random) -> list[Sample]:
    """Return every kind of key file, and PEM with escaped line ends in JSON and .env."""
    found = []
    for label in _PEM_LABELS:
        key = pem(rng, label, 300)
        found.append(Sample("private-key", key + "\n", key, variant=f"PEM {label}".strip()))
    locked = pem(rng, "ENCRYPTED ", 300)
    found.append(Sample("private-key", locked + "\n", locked, variant="PEM ENCRYPTED"))
    escaped = pem(rng, "", 300)
    one_line = escaped.replace("\n", "\\n")
    found.append(Sample("private-key", f'JWT_PRIVATE_KEY="{one_line}\\n"\n', escaped, variant="PEM in .env"))
    in_json = pem(rng, "RSA ", 300)
    found.append(Sample("private-key", json.dumps({"tls": {"key": in_json}}), in_json, variant="PEM in JSON"))
    in_yaml = pem(rng, "EC ", 120)
    text = "tls:\n  key: |\n" + textwrap.indent(in_yaml, "    ") + "\n"
    found.append(Sample("private-key", text, in_yaml, variant="PEM in YAML"))
    age = checksums.age_key(rng)
    found.append(Sample("private-key", f"# created: 2026-03-01\n{age}\n", age, variant="age"))
    return [*found, _pgp(rng), _putty(rng), _jwk(rng)]


def _pgp(rng: random.Random) -> Sample:
    body = "\n".join(textwrap.wrap(base64.b64encode(rng.randbytes(900)).decode(), 64))
    label = "PGP PRIVATE KEY BLOCK"
    key = f"-----BEGIN {label}-----\n\n{body}\n={pick(rng, 'base64', 4)}\n-----END {label}-----"
    return Sample("private-key", key + "\n", key, variant="PGP")


def _putty(rng: random.Random) -> Sample:
    public, private = (base64.b64encode(rng.randbytes(size)).decode() for size in (51, 36))
    version = rng.choice((2, 3))
    text = (
        f"PuTTY-User-Key-File-{version}: ssh-ed25519\nEncryption: none\nComment: deploy\nPublic-Lines: 2\n"
        f"{public[:64]}\n{public[64:]}\nPrivate-Lines: 1\n{private}\nPrivate-MAC: {pick(rng, 'hex', 40)}\n"
    )
    return Sample("private-key", text, private, variant="PuTTY")


def _jwk(rng: random.Random) -> Sample:
    x, y, d = (pick(rng, "url", 43) for _ in range(3))
    text = json.dumps({"kty": "EC", "crv": "P-256", "x": x, "y": y, "d": d})
    return Sample("private-key", text, d, variant="JWK")


def reddit(rng: random.Random) -> list[Sample]:
    """Return an application's id and secret at both ends of the range."""
    samples = []
    for id_length, length in ((14, 27), (22, 30)):
        client, secret = pick(rng, "url", id_length), pick(rng, "url", length)
        texts = (
            f"REDDIT_CLIENT_ID={client}\nREDDIT_CLIENT_SECRET={secret}\n",
            f"reddit = praw.Reddit(client_id='{client}', client_secret='{secret}', user_agent='bot')\n",
        )
        samples.append(Sample("reddit", rng.choice(texts), secret, user=client, variant=f"{length} characters"))
    return samples


def flickr(rng: random.Random) -> list[Sample]:
    """Return a key and its secret."""
    key, secret = pick(rng, "hex", 32), pick(rng, "hex", 16)
    texts = (
        f"FLICKR_API_KEY={key}\nFLICKR_SECRET={secret}\n",
        f"flickr.set_keys(api_key='{key}', api_secret='{secret}')\n",
    )
    return [Sample("flickr", rng.choice(texts), secret, user=key, variant="key and secret")]


def atlas_service_account(rng: random.Random) -> list[Sample]:
    """Return a MongoDB Atlas service account's id and secret."""
    client, secret = "mdb_sa_id_" + pick(rng, "hex", 24), "mdb_sa_sk_" + pick(rng, "alnum", 40)
    text = f"MONGODB_ATLAS_CLIENT_ID={client}\nMONGODB_ATLAS_CLIENT_SECRET={secret}\n"
    return [Sample("mongodb-atlas-sa", text, secret, user=client, variant="id and secret")]


def rabbitmq_default(rng: random.Random) -> list[Sample]:
    """Return RabbitMQ's default login in a URL."""
    host = machine(rng, "mq")
    word = "guest"
    url = f"RABBITMQ_URL=amqp://{word}:{word}@{host}:5672/\n"
    settings = f"RABBITMQ_HOST={host}\nRABBITMQ_DEFAULT_USER={word}\nRABBITMQ_DEFAULT_PASS={word}\n"
    return [
        Sample("rabbitmq-default", url, word, user=word, host=host, port=5672, variant="URL"),
        Sample("rabbitmq-default", settings, word, user=word, variant="settings"),
    ]


SPECIAL = {
    "aws-access-key": (aws,),
    "twilio": (twilio,),
    "github-oauth-app": (github_oauth_app,),
    "gcp-service-account": (service_account,),
    "private-key": (private_keys,),
    "reddit": (reddit,),
    "flickr": (flickr,),
    "mongodb-atlas-sa": (atlas_service_account,),
    "rabbitmq-default": (rabbitmq_default,),
}

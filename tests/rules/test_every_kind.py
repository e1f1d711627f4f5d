"""The rules find every documented format, take it apart rightly, and leave what only comes close."""

import random
import re
from collections.abc import Iterable

import pytest

from secretguard.model import Match, Severity
from secretguard.testing import find
from tests.generators import GENERATORS, NEAR_MISSES, SPLIT_SAMPLES, Sample, password_settings, references

SEEDS = (11, 12, 13)

FAMILIES = {
    "postgres-uri": {"postgres"},
    "postgres-jdbc": {"postgres"},
    "libpq-kv": {"postgres"},
    "mysql-uri": {"mysql"},
    "mongodb-uri": {"mongodb"},
    "redis-uri": {"redis"},
    "amqp-uri": {"amqp"},
    "rabbitmq-default": {"amqp"},
    "mssql": {"mssql"},
    "odbc-generic": {"odbc", "postgres", "oracle", "database"},
    "oracle": {"oracle"},
    "clickhouse": {"clickhouse", "token"},
    "cassandra": {"cassandra", "token"},
    "elasticsearch": {"elasticsearch", "token"},
    "snowflake": {"snowflake"},
    "nats": {"nats", "token"},
    "mqtt": {"mqtt"},
    "kafka-sasl": {"kafka", "token"},
    "smtp": {"smtp"},
    "sentry-dsn": {"sentry"},
    "azure-conn": {"azure"},
    "aws-access-key": {"aws", "token"},
    "twilio": {"twilio"},
    "private-key": {"private-key", "token"},
}
"""Kind: the families its identity may have; `token` for the one-string keys among them."""

ALSO = {
    "libpq-kv": {"database-settings", "postgres-settings"},  # a service file is a block of settings
    "mssql": {"odbc-generic"},  # Driver=… and Provider=…
    "mysql-uri": {"database-settings", "mysql-settings"},  # PDO
    "redis-uri": {"redis-settings", "database-settings"},  # a client's options
    "smtp": {"smtp-settings"},
    "kafka-sasl": {"kafka-settings", "database-settings"},
    "snowflake": {"snowflake-settings", "database-settings"},
    "cassandra": {"cassandra-settings"},
    "github-oauth-app": {"private-key"},  # an App's key is a PEM like others
    "rabbitmq-default": {"amqp-settings"},
    "generic-url-cred": {"mysql-command-line", "mongodb-command-line"},
}
"""Kind: what rules may call it where its parts stand in several places; family and parts are checked all the same."""


def _findings(text: str) -> list[Match]:
    return [match for match in find(text) if not match.placeholder]


def _bare(secret: str) -> str:
    """Return a PEM's body without its lines' ends; anything else as it is."""
    return re.sub(r"-----[A-Z ]+-----|\s", "", secret) if "\n" in secret or len(secret) > 160 else secret


def _wrong(match: Match, sample: Sample, families: Iterable[str]) -> list[str]:
    """Name the parts of `match` that differ from the sample."""
    wrong = []
    if _bare(match.secret.reveal()) != _bare(sample.secret):
        wrong.append("secret")
    if sample.user and match.user != sample.user and match.family != "token":  # a token is its own identity
        wrong.append("user")
    if families and match.family not in families:
        wrong.append(f"family {match.family}")
    for name in ("host", "port", "database") if sample.host else ():  # without a host there is no endpoint
        wanted = getattr(sample, name)
        if wanted and wanted not in [getattr(endpoint, name) for endpoint in match.endpoints]:
            wrong.append(name)
    return wrong


def _complaint(sample: Sample, families: Iterable[str], *, kind: str = "") -> str:
    """Say what is missing, without any value; nothing if a match says it all."""
    matches = _findings(sample.text)
    closest: list[str] = []
    for match in matches:
        wrong = _wrong(match, sample, families)
        if kind and match.rule.kind not in {kind, *ALSO.get(kind, ())}:
            wrong.insert(0, f"kind {match.rule.kind}")
        if not wrong:
            return ""
        closest.append(f"{match.rule.id} (wrong: {', '.join(wrong)})")
    if not closest:
        ignored = sorted({f"{match.rule.id} ignored: {match.placeholder}" for match in find(sample.text)})
        closest = ignored or ["nothing"]
    return f"{sample.variant}: found {'; '.join(closest)}"


def _draw(kind: str) -> list[Sample]:
    return [sample for seed in SEEDS for sample in GENERATORS[kind](random.Random(seed))]


@pytest.mark.parametrize("kind", sorted(GENERATORS))
def test_every_documented_format_is_found_with_its_parts(kind: str) -> None:
    samples = [sample for sample in _draw(kind) if not sample.is_public]
    complaints = [_complaint(sample, FAMILIES.get(kind, ()), kind=kind) for sample in samples]
    assert not sorted(filter(None, complaints))


@pytest.mark.parametrize("kind", sorted(GENERATORS))
def test_what_only_comes_close_is_left_alone(kind: str) -> None:
    texts = [text for seed in SEEDS[:2] for text in NEAR_MISSES[kind](random.Random(seed))]
    taken = [(match.rule.id, text) for text in texts for match in _findings(text) if match.rule.kind == kind]
    assert not taken


PUBLIC = sorted({kind for kind in GENERATORS for sample in GENERATORS[kind](random.Random(0)) if sample.is_public})


@pytest.mark.parametrize("kind", PUBLIC)
def test_a_value_its_vendor_publishes_is_low_or_nothing(kind: str) -> None:
    # A Google key in a web page may still open Gemini, so it is less, but not nothing.
    most = Severity.MEDIUM if kind == "google-api-key" else Severity.LOW
    loud = [
        (sample.variant, match.rule.id, match.severity)
        for sample in _draw(kind)
        if sample.is_public
        for match in _findings(sample.text)
        if match.secret.reveal() == sample.secret and match.severity.rank > most.rank
    ]
    assert not loud


@pytest.mark.parametrize("shape", SPLIT_SAMPLES, ids=lambda shape: f"{shape.family}, {shape.name}")
def test_a_login_in_separate_settings_is_one_login(shape: object) -> None:
    complaints = []
    for seed in SEEDS:
        sample = shape(random.Random(seed))  # type: ignore[operator]
        complaints.append(_complaint(sample, {sample.kind}))
    assert not list(filter(None, complaints))


def test_the_name_of_a_setting_tells_whose_password_it_holds() -> None:
    samples = password_settings(random.Random(SEEDS[0]))
    assert not [told for sample in samples if (told := _complaint(sample, {sample.kind}))]


def test_a_reference_to_a_password_is_no_password() -> None:
    texts = list(references(random.Random(SEEDS[0])))
    assert not [(match.rule.id, text) for text in texts for match in _findings(text)]


@pytest.mark.parametrize("kind", sorted(GENERATORS))
def test_the_prefilter_loses_nothing_that_the_rules_would_find(kind: str) -> None:
    lost = []
    for sample in GENERATORS[kind](random.Random(SEEDS[0])):
        fast, slow = find(sample.text), find(sample.text, without_prefilter=True)
        if [(m.rule.id, m.start, m.end) for m in fast] != [(m.rule.id, m.start, m.end) for m in slow]:
            lost.append((sample.variant, [m.rule.id for m in fast], [m.rule.id for m in slow]))
    assert not lost

"""The generators keep to what they document, whatever the scanner thinks of their values."""

import base64
import binascii
import random
import re
import zlib

import pytest

from tests.generators import GENERATORS, NEAR_MISSES, SPLIT_SAMPLES, Sample, checksums, references
from tests.generators.shapes import draw, draws, spoilt

AI_VENDORS = """
openai-legacy openai-project openai-svcacct openai-admin anthropic-api anthropic-admin anthropic-enterprise-api01
anthropic-oauth google-api-key google-gemini-auth-key deepseek together xai perplexity mistral groq cohere huggingface
replicate openrouter fireworks azure-openai aws-bedrock-long aws-bedrock-short cerebras elevenlabs stability voyage
jina assemblyai langsmith pinecone weaviate databricks nvidia-nim ai21 anyscale deepgram moonshot zhipu dashscope
minimax tavily langfuse wandb clerk vercel-ai-gateway ollama runpod cursor upstage meta-llama exa firecrawl
"""
DSNS = """
postgres-uri postgres-jdbc libpq-kv mysql-uri mongodb-uri redis-uri amqp-uri mssql odbc-generic oracle clickhouse
cassandra elasticsearch snowflake nats mqtt kafka-sasl smtp sentry-dsn azure-conn generic-url-cred
"""
GENERAL = """
aws-access-key github-tokens github-oauth-app gitlab-tokens slack stripe twilio sendgrid npm pypi gcp-service-account
private-key jwt vault terraform-cloud doppler cloudflare digitalocean datadog newrelic grafana telegram discord
meta-facebook reddit flickr render vercel netlify supabase railway flyio heroku kong consul rabbitmq-default
sentry-token neon-api planetscale mongodb-atlas-sa azure-client-secret shopify linear notion postman atlassian
"""

LENGTHS = {
    "openai-legacy": {"sk-": 51},
    "openai-admin": {"sk-admin-": 133},
    "anthropic-api": {"sk-ant-api03-": 108},
    "anthropic-admin": {"sk-ant-admin01-": 110},
    "google-api-key": {"AIza": 39},
    "google-gemini-auth-key": {"AQ.": 53},
    "deepseek": {"sk-": 35},
    "xai": {"xai-": 84},
    "perplexity": {"pplx-": 53},
    "groq": {"gsk_": 56},
    "huggingface": {"hf_": 37, "api_org_": 42},
    "replicate": {"r8_": 40},
    "openrouter": {"sk-or-v1-": 73},
    "cerebras": {"csk-": 52},
    "elevenlabs": {"sk_": 51},
    "jina": {"jina_": 65},
    "langsmith": {"lsv2_pt_": 51, "lsv2_sk_": 51},
    "nvidia-nim": {"nvapi-": 70},
    "minimax": {"sk-api-": 126},
    "langfuse": {"sk-lf-": 42},
    "sendgrid": {"SG.": 69},
    "npm": {"npm_": 40},
    "digitalocean": {"dop_v1_": 71},
    "grafana": {"glsa_": 46},
    "heroku": {"HRKU-AA": 65},
    "supabase": {"sbp_": 44, "sb_secret_": 41},
    "github-tokens": {"ghp_": 40, "gho_": 40, "github_pat_": 93},
}
"""Kind: prefix and total length, for the formats that have one length."""


def _samples(kind: str, seed: int = 0) -> list[Sample]:
    return list(GENERATORS[kind](random.Random(seed)))


def _secrets(kind: str, prefix: str = "") -> list[str]:
    found = [sample.secret for seed in range(3) for sample in _samples(kind, seed) if sample.secret.startswith(prefix)]
    assert found
    return found


def test_every_kind_of_the_reference_has_samples_and_near_misses() -> None:
    groups = [AI_VENDORS.split(), DSNS.split(), GENERAL.split()]
    assert [len(group) for group in groups] == [54, 21, 46]
    assert set(GENERATORS) == set(NEAR_MISSES) == {kind for group in groups for kind in group}


@pytest.mark.parametrize("kind", sorted(GENERATORS))
def test_a_sample_belongs_to_its_kind_and_at_least_one_is_secret(kind: str) -> None:
    samples = _samples(kind)
    assert all(sample.kind == kind for sample in samples)
    assert any(not sample.is_public for sample in samples)
    assert list(NEAR_MISSES[kind](random.Random(0)))


@pytest.mark.parametrize("kind", sorted(GENERATORS))
def test_a_login_in_plain_spelling_stands_in_its_text(kind: str) -> None:
    for sample in _samples(kind):
        if re.fullmatch(r"[A-Za-z0-9]+", sample.secret) and "_auth" not in sample.text and '"auth"' not in sample.text:
            is_wrapped = "_password" in sample.text and "npm" in sample.text
            assert sample.secret in sample.text or is_wrapped, sample.variant
        for part in (sample.host, sample.database):
            assert part in sample.text, sample.variant


@pytest.mark.parametrize(("kind", "prefix", "length"), [(k, p, n) for k, of in LENGTHS.items() for p, n in of.items()])
def test_a_format_has_its_documented_length(kind: str, prefix: str, length: int) -> None:
    assert {len(secret) for secret in _secrets(kind, prefix)} == {length}


def test_a_range_of_lengths_is_drawn_at_both_ends() -> None:
    assert [len(value) for value in draws("whsec_{alnum:32-64}", random.Random(0))] == [38, 70]
    assert {len(secret) for secret in _secrets("reddit")} == {27, 30}


def test_a_spoilt_value_is_too_short_too_long_foreign_or_wrong_inside() -> None:
    values = spoilt("ab_{hex:8}.{hex:4}", random.Random(0))
    assert not [value for value in values if re.fullmatch(r"ab_[0-9a-f]{8}\.[0-9a-f]{4}", value)]
    assert sorted(len(value) for value in values) == [15, 15, 16, 16, 16, 17, 17]


def test_the_same_seed_draws_the_same_and_another_seed_something_else() -> None:
    for kind in GENERATORS:
        once, again, other = _samples(kind, 1), _samples(kind, 1), _samples(kind, 2)
        assert once == again
        texts = [sample.text for sample in once + other]
        assert len(set(texts)) == len(texts), kind
        assert list(NEAR_MISSES[kind](random.Random(1))) == list(NEAR_MISSES[kind](random.Random(1)))


def test_split_settings_leave_no_gap_open_and_hold_the_password() -> None:
    drawn = [make(random.Random(seed)) for seed in (0, 1) for make in SPLIT_SAMPLES]
    assert len({sample.text for sample in drawn}) == len(drawn)
    for sample in drawn:
        encoded = base64.b64encode(sample.secret.encode()).decode()
        assert sample.secret in sample.text or encoded in sample.text
        assert not re.search(r"\{[hpdus]\}|<[hpdus]>", sample.text)


def test_references_hold_no_password() -> None:
    assert len(list(references(random.Random(0)))) > 40


def test_github_and_npm_tokens_end_in_the_crc_of_their_body() -> None:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for secret in _secrets("github-tokens", "ghp_") + _secrets("npm", "npm_"):
        body, tail = secret[4:-6], secret[-6:]
        assert sum(digits.index(char) * 62**i for i, char in enumerate(reversed(tail))) == zlib.crc32(body.encode())


def test_a_small_crc_is_padded_with_zeros_on_the_left() -> None:
    assert checksums.in_base(61, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 6) == "00000z"


def test_a_gitlab_token_says_the_length_of_its_payload_and_the_crc_of_all_before() -> None:
    routable = [secret for secret in _secrets("gitlab-tokens", "glpat-") if "." in secret]
    assert any(".01." in secret for secret in routable)
    for secret in routable:
        payload = secret.removeprefix("glpat-").split(".")[0]
        assert int(secret[-9:-7], 36) == len(payload)
        assert int(secret[-7:], 36) == zlib.crc32(secret[:-7].encode())


def test_grafana_and_confluent_checksums_are_little_endian() -> None:
    for secret in _secrets("grafana", "glsa_"):
        assert bytes.fromhex(secret[-8:]) == zlib.crc32(secret[:-9].encode()).to_bytes(4, "little")
    for secret in _secrets("kafka-sasl", "cflt"):
        assert len(secret) == 64
        assert base64.b64decode(secret[58:] + "==") == zlib.crc32(secret[4:58].encode()).to_bytes(4, "little")


def test_an_age_identity_is_bech32_of_32_bytes() -> None:
    letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    for secret in _secrets("private-key", "AGE-SECRET-KEY-1"):
        prefix, data = secret.lower().rsplit("1", 1)
        assert len(data) == 58
        expanded = [*(ord(char) >> 5 for char in prefix), 0, *(ord(char) & 31 for char in prefix)]
        assert checksums.bech32_polymod([*expanded, *map(letters.index, data)]) == 1


def test_bech32_accepts_the_shortest_string_of_its_standard() -> None:
    # BIP 173 lists the prefix "a" with no data, upper case: A1 2UEL5L.
    assert checksums.bech32_polymod([3, 0, 1, *map("qpzry9x8gf2tvdw0s3jn54khce6mua7l".index, "2uel5l")]) == 1


def test_a_nats_seed_is_58_characters_with_its_crc_inside() -> None:
    for role in "UAO":
        for secret in _secrets("nats", "S" + role):
            raw = base64.b32decode(secret + "=" * (-len(secret) % 8))
            assert len(secret) == 58
            assert binascii.crc_hqx(raw[:-2], 0) == int.from_bytes(raw[-2:], "little")


def test_marks_stand_at_their_offsets() -> None:
    assert {secret.index("T3BlbkFJ") for secret in _secrets("openai-legacy")} == {3 + 20}
    assert {secret.index("T3BlbkFJ") - 8 for secret in _secrets("openai-project")} == {74, 58, 20}
    marked = [secret for secret in _secrets("azure-openai") if len(secret) == 84]
    assert all(secret[52:58] == "JQQJ99" and secret[76:80] == "ACOG" for secret in marked)
    assert {secret.index(".atlasv1.") for secret in _secrets("terraform-cloud")} == {14}


def test_bedrock_keys_decode_to_what_they_are_for() -> None:
    for secret in _secrets("aws-bedrock-long", "ABSK"):
        assert secret[4:].startswith("QmVkcm9ja0FQSUtleS")
        assert base64.b64decode(secret[4:]).startswith(b"BedrockAPIKey-")
    for secret in _secrets("aws-bedrock-short"):
        body = secret.removeprefix("bedrock-api-key-")
        assert base64.b64decode(body).startswith(b"bedrock.amazonaws.com")


def test_the_2026_github_token_is_about_520_characters_with_two_dots() -> None:
    long = [secret for secret in _secrets("github-tokens", "ghs_") if secret.count(".") == 2]
    assert all(490 <= len(secret) <= 550 for secret in long)
    assert long


def test_no_value_holds_a_word_that_marks_an_example() -> None:
    words = re.compile(r"(?i)example|changeme|dummy|placeholder|your[_-]")
    for kind in GENERATORS:
        for sample in _samples(kind):
            assert not words.search(sample.host + sample.user + sample.database), kind
            assert not words.search(sample.secret), kind


def test_a_drawn_slot_uses_its_whole_alphabet() -> None:
    assert set(draw("{base32:4000}", random.Random(0))) == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

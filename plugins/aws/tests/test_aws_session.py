"""Where AWS is and who asks: the operator's environment and profiles say so, and nothing else."""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from secretguard_aws import session
from secretguard_aws.keys import caller
from secretguard_aws.session import service

from secretguard.errors import IssuerError, StoreError
from secretguard.rotation import Answer, Context
from tests.servers.strict_iam import StrictIam

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def fresh_clients() -> Iterator[None]:
    yield
    session._client.cache_clear()


def asked(environ: Mapping[str, str]) -> str:
    """Who AWS says that we are."""
    found = caller(Context(environ=environ, timeout=5.0), None)
    assert found.answer is Answer.WORKS, found.words
    return found.user


def test_the_mapping_counts_and_not_the_process(strict_iam: StrictIam, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, ambient = strict_iam.user("mine"), strict_iam.user("ambient")
    for name, value in strict_iam.environ(ambient, AWS_ENDPOINT_URL=NOWHERE, AWS_PROFILE="nobody").items():
        monkeypatch.setenv(name, value)
    assert asked(strict_iam.environ(mine)) == "mine"
    with pytest.raises(IssuerError, match="no AWS credentials"):
        service("sts", Context(environ={"AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}))


def test_a_profile_says_who_and_where(strict_iam: StrictIam, tmp_path: Path) -> None:
    key = strict_iam.user("profiled")
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(
        f"[profile team]\nregion = eu-west-1\nendpoint_url = {strict_iam.url}\n"
        f"[profile services]\nregion = eu-west-1\nservices = local\nendpoint_url = {NOWHERE}\n"
        f"[services local]\nsts =\n  endpoint_url = {strict_iam.url}\n"
    )
    (tmp_path / ".aws" / "credentials").write_text(
        "".join(
            f"[{name}]\naws_access_key_id = {key.id}\naws_secret_access_key = {key.secret}\n"
            for name in ("team", "services")
        )
    )
    for name in ("team", "services"):
        assert asked({"HOME": str(tmp_path), "AWS_PROFILE": name}) == "profiled"
    context = Context(environ={"HOME": str(tmp_path), "AWS_PROFILE": "team"})
    assert service("secretsmanager", context).client.meta.region_name == "eu-west-1"
    assert (
        service(
            "secretsmanager", Context(environ={**context.environ, "AWS_REGION": "us-east-2"})
        ).client.meta.region_name
        == "us-east-2"
    )


def test_the_address_of_one_service_goes_before_the_general_one(strict_iam: StrictIam) -> None:
    key = strict_iam.user("mine")
    environ = strict_iam.environ(key, AWS_ENDPOINT_URL=NOWHERE, AWS_ENDPOINT_URL_STS=strict_iam.url)
    assert asked(environ) == "mine"


def test_no_proxy_is_taken_from_any_environment(strict_iam: StrictIam, monkeypatch: pytest.MonkeyPatch) -> None:
    key = strict_iam.user("mine")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, NOWHERE)
        monkeypatch.setenv(name.lower(), NOWHERE)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert asked({**os.environ, **strict_iam.environ(key)}) == "mine"


def test_what_is_missing_is_named() -> None:
    key = {"AWS_ACCESS_KEY_ID": "A" * 20, "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20), "HOME": "/nonexistent"}
    with pytest.raises(StoreError, match="AWS_REGION"):
        service("secretsmanager", Context(environ=key), StoreError)
    with pytest.raises(StoreError, match="AWS_PROFILE"):
        service("secretsmanager", Context(environ={**key, "AWS_PROFILE": "none"}), StoreError)
    environ = {**key, "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "no address"}
    with pytest.raises(StoreError, match="AWS_ENDPOINT_URL"):
        service("secretsmanager", Context(environ=environ), StoreError)


def test_without_boto3_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(StoreError) as failed:
        service("secretsmanager", Context(environ={"AWS_REGION": "eu-west-1"}), StoreError)
    assert failed.value.hint == "pip install 'secretguard[aws]'"

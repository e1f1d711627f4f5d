"""The plumbing to IAM and STS holds on an imitation that somebody else wrote; what moto does not check is not tried."""

import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import secretguard_aws.rotator as rotator
from secretguard_aws import session

from secretguard.errors import IssuerError
from secretguard.rotation import Answer, Context, Found, Login, Target
from secretguard.secret import Secret
from secretguard.testing.stores import a_rotation
from tests.servers.moto import Moto


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An inactive key still works in moto, so that waiting for its end is in vain."""
    monkeypatch.setattr(rotator, "SECONDS_TO_SPREAD", 0.0)
    yield
    session._client.cache_clear()


@pytest.fixture
def iam(moto: Moto) -> Any:
    assert "AWS_PROFILE" not in os.environ
    return boto3.client(
        "iam",
        endpoint_url=moto.url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        region_name="us-east-1",
    )


def test_a_key_of_a_user_is_replaced(moto: Moto, iam: Any) -> None:
    user = f"deploy-{secrets.token_hex(4)}"
    iam.create_user(UserName=user, Path="/division/")
    key = iam.create_access_key(UserName=user)["AccessKey"]
    leaked = Login(key["AccessKeyId"], Secret(key["SecretAccessKey"]))
    target = Target("sg_0123456789ab", "aws-access-key", "aws", leaked, ())
    rotated = (datetime.now(UTC) + timedelta(seconds=10)).isoformat()
    context = Context(environ=moto.environ(), rotation=a_rotation(), rotated_at=rotated)
    plan = rotator.preflight(target, context)
    assert not plan.stopped
    assert user in " ".join(plan.effects)
    assert rotator.reconcile(target, None, context) is Found.NOTHING
    new = rotator.issue(target, None, context)
    assert rotator.reconcile(target, new, context) is Found.ISSUED
    assert rotator.verify(target, new, context).answers[0][1] is Answer.WORKS
    with pytest.raises(IssuerError, match="no third"):
        rotator.issue(target, None, context)
    assert rotator.usage(target, new, context).users is None  # AWS tells of uses hours late
    rotator.disable(target, new, context)
    assert statuses(iam, user) == {leaked.user: "Inactive", new.user: "Active"}
    rotator.destroy(target, new, context)
    assert statuses(iam, user) == {new.user: "Active"}
    rotator.withdraw(target, new, context)
    assert statuses(iam, user) == {}


def statuses(iam: Any, user: str) -> dict[str, str]:
    return {one["AccessKeyId"]: one["Status"] for one in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]}

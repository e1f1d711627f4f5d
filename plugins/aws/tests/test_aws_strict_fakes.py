"""The strict imitations enforce what AWS's own service models say, word for word."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.loaders
import pytest

from tests.servers import strict_iam, strict_secretsmanager


@cache
def words_of(service: str) -> str:
    """Everything that the installed model says in words, without its markup."""
    model = botocore.loaders.create_loader().load_service_model(service, "service-2")
    return "\n".join(plain(text) for text in documentation(model))


def documentation(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("documentation"), str):
            yield node["documentation"]
        for value in node.values():
            yield from documentation(value)
    elif isinstance(node, list):
        for value in node:
            yield from documentation(value)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text.replace("</p>", " ").replace("</li>", " "))).strip()


@pytest.mark.parametrize("rule", strict_secretsmanager.Rule, ids=lambda rule: rule.name)
def test_a_rule_of_secrets_manager_stands_in_its_model(rule: strict_secretsmanager.Rule) -> None:
    assert rule.value in words_of("secretsmanager")


@pytest.mark.parametrize("rule", strict_iam.Rule, ids=lambda rule: rule.name)
def test_a_rule_of_access_keys_stands_in_its_model(rule: strict_iam.Rule) -> None:
    assert rule.value in words_of("iam") + words_of("sts")


def test_lengths_are_those_of_the_model() -> None:
    shapes = botocore.loaders.create_loader().load_service_model("secretsmanager", "service-2")["shapes"]
    token, value = shapes["ClientRequestTokenType"], shapes["SecretStringType"]
    assert (token["min"], token["max"]) == (
        strict_secretsmanager.TOKEN_LENGTH[0],
        strict_secretsmanager.TOKEN_LENGTH[-1],
    )
    assert value["max"] == strict_secretsmanager.LONGEST_VALUE


def test_a_sentence_that_nobody_wrote_is_not_found() -> None:
    assert "A staging label may be attached to two versions." not in words_of("secretsmanager")
    assert json.dumps(words_of("iam")).count("Inactive means") >= 1

"""Whatever bytes a repository holds, the engine ends, raises nothing, and keeps its word about positions."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secretguard.examples import fill
from secretguard.plugins import installed_rules
from secretguard.testing import find

RULES = installed_rules().rules
EXAMPLES = [fill(example, 1).encode() for rule in RULES for example in rule.examples]
FRAGMENTS = [
    b"://", b"@", b":", b"password=", b'"', b"'", b"\\", b"\n", b"%40", b"\x00", b"{", b"}}", b"${", b"-----BEGIN RSA PRIVATE KEY-----",
    b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b"&#x70;", b"\\u0070", b"kind: Secret\ndata:\n  password: ", b";", b"=", b"\xff\xfe",
]  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.sampled_from(EXAMPLES), st.binary(max_size=40)), max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts.map(b"".join))
def test_any_bytes_are_judged_without_an_error(data: bytes) -> None:
    for match in find(data):
        assert 0 <= match.start < match.end <= len(data)
        assert (match.line, match.column) <= (match.end_line, match.end_column)
        secret = match.secret.reveal()
        assert secret
        assert len(secret) < 8 or secret not in match.redacted


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(EXAMPLES), st.integers(0, 2**32), st.integers(1, 6))
def test_a_damaged_example_raises_nothing(example: bytes, seed: int, cuts: int) -> None:
    rng = random.Random(seed)
    data = bytearray(example)
    for _ in range(cuts):
        at = rng.randrange(len(data))
        data[at : at + rng.randrange(3)] = rng.choice(FRAGMENTS)
    find(bytes(data))


def test_a_line_of_five_megabytes_is_searched_to_its_end() -> None:
    example = b"postgresql://app:" + b"Zx9" * 6 + b"@db.prod-net.io/orders"
    line = b"var a=1;" * 320_000 + example + b";var b=2;" * 320_000
    (match,) = find(line)
    assert (match.line, match.start) == (1, line.index(example))

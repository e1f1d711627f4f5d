"""Theorem (b) of the design: the precise pass without Hyperscan finds nothing that the prefilter does not point at."""

import base64
import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secretguard.examples import fill
from secretguard.model import Match, Rule
from secretguard.plugins import installed_rules
from secretguard.testing import find
from secretguard.testing.rules import find_with

RULES = installed_rules().rules
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda text: text,
    "base64": base64.b64encode,
    "base64 at the second alignment": lambda text: base64.b64encode(b"\n" + text),
    "base64 at the third alignment": lambda text: base64.b64encode(b"\n\n" + text),
    "base64 for URLs": base64.urlsafe_b64encode,
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(text)),
    "hex": lambda text: text.hex().encode(),
    "upper-case hex": lambda text: text.hex().upper().encode(),
    "percent": lambda text: b"".join(b"%%%02X" % byte for byte in text),
    "x escapes": lambda text: b"".join(b"\\x%02x" % byte for byte in text),
    "u escapes": lambda text: b"".join(b"\\u%04x" % byte for byte in text),
    "character references": lambda text: b"".join(b"&#%d;" % byte for byte in text),
    "UTF-16 LE": lambda text: text.decode().encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.decode().encode("utf-16-be"),
    "UTF-32 LE": lambda text: text.decode().encode("utf-32-le"),
}
SURROUNDINGS: dict[str, Callable[[bytes], bytes]] = {
    "alone": lambda text: text,
    "between lines": lambda text: b"first line\n" * 12 + text + b"\n" + b"last line\n" * 12,
    "in a long line": lambda text: b"var a=1;" * 12_000 + b"\n" + b"x=1; " * 14_000 + text + b" ;y=2" * 14_000,
}


def places(matches: list[Match]) -> list[tuple[object, ...]]:
    return [(m.rule.id, m.start, m.end, m.encoding, m.user, m.secret.reveal(), m.endpoints) for m in matches]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_prefilter_misses_nothing_in_any_encoding(rule: Rule) -> None:
    for number, example in enumerate(rule.examples):
        text = fill(example, number).encode()
        for name, encode in ENCODINGS.items():
            data = b"k " + encode(text) + b"\n"
            slow, fast = (find_with((rule,), data, without_prefilter=without) for without in (True, False))
            assert places(fast) == places(slow), (example, name)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_surroundings_change_nothing(rule: Rule) -> None:
    for number, example in enumerate(rule.examples):
        text = fill(example, number).encode()
        for name, surround in SURROUNDINGS.items():
            if number and name == "in a long line":
                continue  # what is far away is looked at in the same way for every example, and takes its time
            data = surround(text)
            slow, fast = (find_with((rule,), data, without_prefilter=without) for without in (True, False))
            assert places(fast) == places(slow), (example, name)


@pytest.mark.parametrize("rule", [r for r in RULES if any(len(a) >= 5 for a in r.anchors)], ids=lambda rule: rule.id)
def test_an_encoded_copy_of_an_anchored_example_is_found(rule: Rule) -> None:
    anchored = [e for e in rule.examples if any(len(a) >= 5 and a in fill(e) for a in rule.anchors)]
    for example in anchored:
        text = fill(example).encode()
        plain = {m.secret.reveal() for m in find_with((rule,), text)}
        for name in ("base64", "base64 at the third alignment", "hex", "UTF-16 LE", "percent"):
            found = {m.secret.reveal() for m in find_with((rule,), b"v = " + ENCODINGS[name](text) + b"\n")}
            assert plain <= found, (example, name)


def test_all_rules_together_agree_with_the_oracle() -> None:
    for rule in RULES:
        text = fill(rule.examples[0], 3)
        assert places(find(text)) == places(find(text, without_prefilter=True)), rule.id


KEYS = st.sampled_from(
    ["DB_PASSWORD", "db.password", "smtpPass", "MYSQL_PWD", "redis_auth_password", "PGPASSWORD", "mail.smtp.passwd",
     "password", "passwd", "setPassword", "--db-password", "config.setPassword", "kafka_passphrase", "database.pwd"]
)  # fmt: skip
LINES = st.sampled_from(
    ["{k}={v}", "{k}: {v}", '{k} = "{v}"', "{k}:'{v}'", '"{k}": "{v}",', "{k} => '{v}',", "{k}:={v}", "{k} ?= {v}",
     "{k}<-'{v}'", "define('{k}', '{v}');", "{k}('{v}')", 'os.environ["{k}"] = "{v}"', "{k} {v}", "{k} '{v}'",
     "ENV {k} {v}", "setenv {k} {v}", "<{k}>{v}</{k}>", '<add key="{k}" value="{v}"/>', '<e name="{k}" t="s">{v}</e>',
     "- name: {k}\n  value: {v}", '- name: "{k}"\n  value: "{v}"', '"name": "{k}",\n"value": "{v}"',
     "{k} = os.getenv('X', '{v}')", "{k}: process.env.X || '{v}'", "{k}=${{X:-{v}}}", '{{\\"{k}\\": \\"{v}\\"}}',
     "{k}: str = '{v}'", "{k}={v} # why", "f({k}=b'{v}')", "host=db user=app dbname=x {k}={v}", "{k}={v};Server=db;",
     '{k}="${{X_Y:-{v}}}"', "{k}: ${{X_Y:{v}}}", "{k}: '${{x.y:{v}}}'", ': "${{{k}:={v}}}"', "${{{k}:-{v}}}", "{k}=${{x-y:{v}}}",
     "{k} = getenv('A') ?: '{v}'", "{k} = $_ENV['A'] ?? '{v}'", "{k}: a || '{v}'", "{k} = x or '{v}'", "{k} = e.unwrap_or('{v}')",
     "{k}: '{{{{ a | default(\"{v}\") }}}}'", "{k}: ${{{{ secrets.A || '{v}' }}}}", "{k}: S = Field(default='{v}')", "--{k}={v} x",
     'variable "{k}" {{\n  default = "{v}"\n}}', '{{"name": "{k}", "value": "{v}"}}', 'f("--{k}", a=1, default="{v}")',
     "s.StringVar(&p, '{k}', '{v}', 'x')", "- {{key: {k}, value: {v}}}", "<p name=\"{k}\">{v}</p>",
     "Server=db;{k}={v}", "postgres://app:{v}@db/x", "https://user:{v}@h/", "https://{v}:secret@h/?{k}={v}"]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        [
            "password",
            "secret",
            "pass",
            "Passw0rd",
            "md5" + "0a" * 16,
            "admin",
            "x1",
            "1x",
            "$x",
            "${X}",
            "{{x}}",
            "%s",
            "%(x)s",
            "*",
            "--y",
            "-y",
            "=y",
            ":y",
            "#y",
            "<y>",
            "None",
            "a.b",
            "(y)",
            "$5y",
            "'y",
        ]
    ),
    st.text(string.ascii_letters + string.digits + "!#$%&*+-./:;<=>?@^_{|}~ '\"`\\,()[]", min_size=1, max_size=24),
)


@settings(max_examples=600, deadline=None)
@given(KEYS, LINES, VALUES, st.sampled_from(["", "host: h.acme.io\nuser: app\n", "adapter: mysql2\nuser: app\n"]))
def test_however_a_setting_is_written_the_prefilter_points_at_it(key: str, line: str, value: str, before: str) -> None:
    text = before + line.format(k=key, v=value) + "\n"
    assert places(find(text)) == places(find(text, without_prefilter=True))

"""A rule says by the name of a group how the secret is written, and by its companion whose it is."""

import base64
from urllib.parse import quote

import pytest

from secretguard.model import Match, Rule
from secretguard.rules import load_rules
from secretguard.testing.rules import find_with

SECRET = "kf:9\\x" + "Wq4" * 5

RULE = """
vendor: Acme
rules:
  - id: acme-login
    kind: acme
    title: Acme login
    severity: high
    family: url
    form: lines
    pattern: '{}'
    before: ''
    after: ''
    {}
"""


def rule(pattern: str, more: str = "") -> Rule:
    return load_rules(RULE.format(pattern, more), "acme")[0]


def only(found: list[Match]) -> Match:
    (match,) = found
    return match


@pytest.mark.parametrize(
    ("group", "written", "encoding"),
    [
        ("secret", SECRET, ()),
        ("secret_base64", base64.b64encode(SECRET.encode()).decode(), ("base64",)),
        ("secret_percent", quote(SECRET, safe=""), ("percent",)),
        ("secret_escaped", SECRET.replace("\\", "\\\\").replace(":", "\\:"), ()),
    ],
)
def test_the_group_says_how_the_secret_is_written(group: str, written: str, encoding: tuple[str, ...]) -> None:
    match = only(find_with((rule(rf"acme=(?P<{group}>[^ \n]{{1,99}})"),), f"acme={written} # a comment\n"))
    assert (match.secret.reveal(), match.encoding) == (SECRET, encoding)


def test_base64_of_a_login_gives_user_and_password() -> None:
    both = base64.b64encode(b"ci:" + SECRET.encode()).decode()
    match = only(find_with((rule("auth=(?P<login>[A-Za-z0-9+/=]{8,99})"),), f"auth={both}\n"))
    assert (match.user, match.secret.reveal()) == ("ci", SECRET)


@pytest.mark.parametrize("group", ["login", "secret_base64"])
def test_what_is_no_base64_of_text_is_no_secret(group: str) -> None:
    assert find_with((rule(f"acme=(?P<{group}>[A-Za-z0-9+/=]{{4,99}})"),), "acme=/////w==\n") == []


def test_one_rule_may_know_two_spellings() -> None:
    either = rule("acme(?:=(?P<secret>[^ \n]{1,99})|64=(?P<secret_base64>[A-Za-z0-9+/=]{1,99}))".replace("\n", r"\n"))
    encoded = base64.b64encode(SECRET.encode()).decode()
    found = find_with((either,), f"acme={SECRET}\nacme64={encoded}\n")
    assert {match.secret.reveal() for match in found} == {SECRET}
    assert len(found) == 2


def test_the_companion_is_the_nearest_user() -> None:
    login = rule("password (?P<secret>[a-z0-9]{8,40})", "companion: 'login (?P<user>[a-z]{1,20})'")
    text = "machine a\nlogin first\npassword q4w9e8r7t6\nmachine b\nlogin second\npassword z7x6c5v4b3\n"
    assert [match.user for match in find_with((login,), text)] == ["first", "second"]


PUTTY = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: {}\nComment: a\nPublic-Lines: 1\n{}\nPrivate-Lines: 1\n{}\n"


@pytest.mark.parametrize(("cipher", "form"), [("none", "pem"), ("aes256-cbc", "encrypted-pem")])
def test_a_putty_key_is_its_private_lines(cipher: str, form: str) -> None:
    private = base64.b64encode(bytes(range(36))).decode()
    key = load_rules(
        "vendor: any\nrules:\n  - {id: ppk, kind: private-key, title: key, severity: high, family: private-key, "
        "form: pem, pattern: 'PuTTY-User-Key-File-[123]: ', after: ''}\n",
        "keys",
    )
    text = PUTTY.format(cipher, "AAAA" * 16, private) + "Private-MAC: " + "0f" * 20 + "\n"
    match = only(find_with(key, text))
    assert (match.secret.reveal(), match.form) == (private, form)
    assert find_with(key, text.rpartition("Private-MAC")[0]) == []

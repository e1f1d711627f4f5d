"""What looked like a credential in real repositories and was none, and what was one all the same."""

import random
import string

import pytest

from secretguard.model import Match
from secretguard.testing import find

RNG = random.Random(41)
VALUE = "".join(RNG.choices(string.ascii_letters + string.digits, k=20))
HEX = "".join(RNG.choices("0123456789abcdef", k=40))


def reported(text: str) -> list[Match]:
    return [match for match in find(text) if not match.placeholder]


HARMLESS = {
    "prose about an option": "Added Authentication to redis-cli.c using -a switch, updated usage\n",
    "Ansible's lookup": "password: \"{{ lookup('password', 'credentials/' + client + '/mysql') }}\"\n- mysql_user: x\n",
    "a URL's parts in a sentence": '"netloc": "user:password@www.acme-corp.net:9000",\n',
    "a pair that stands for itself": "# http://username:pass@wherever/foo\n",
    "the same in SQL": "-- GRANT USAGE ON *.* TO 'user'@'localhost' IDENTIFIED BY 'pass';\n",
    "the same in a header": 'headers["Authorization"] = "Basic dXNlcjpwYXNzd2Q="\n',
    "a word in capitals": "  redis-cli -u redis://default:PASSWORD@cache.acme-corp.net:6379/0\n",
    "anonymous FTP": "ftp://anonymous:anonymous@ftp.acme-corp.net/pub\n",
    "a token against forged requests": f'{{"csrftoken": "{VALUE}"}}\n',
    "a page of an answer": f'nextPageToken = "{VALUE}"\n',
    "a digest of nothing": "api_key = d41d8cd98f00b204e9800998ecf8427e\n",
    "a hash of MySQL": f"mysql_user: name=app password='*{HEX}' encrypted=yes\n",
    "counting": "OAuthToken: 'abc123def456'\n",
    "a key that every page shows": f"Authorization: Bearer sb_publishable_{VALUE}_{HEX[:8]}\n",
    "an option without a value": "(`PGPASSWORD=`, a bare `password:`)\n",
    "two names in a sentence": "split settings (`PGPASSWORD`, `POSTGRES_*`) and `.pgpass` lines\n",
    "the word of a manual": "- host: 10.20.30.40\n  username: admin\n  password: sunshine\n",
    "a manual's password": "connect(host='10.20.30.40', username='admin', password='Password123')\n",
    "an option's name at a line's end": "sendemail.smtpPass\n    value: of the option\n",
    "a hidden word's name": "smtp-pass    is asked for\nsmtp_authpass,$compose,$time);\nmail.smtppass::\n",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_nothing_is_reported_for(name: str) -> None:
    assert [(match.rule.id, match.user) for match in reported(HARMLESS[name])] == []


def test_a_password_that_counts_is_weak_and_not_silent() -> None:
    for counting in ("1" + "234", "abc" + "123"):
        (match,) = reported(f"mysql://root:{counting}@db.acme-corp.net/shop\n")
        assert match.secret.reveal() == counting


def test_a_client_given_a_literal_token_is_found() -> None:
    (match,) = reported(f'client = Client(token="{VALUE}")\n')
    assert match.secret.reveal() == VALUE


def test_an_unquoted_name_beside_a_quoted_password_is_a_variable() -> None:
    text = f'# host = "10.20.30.40"\n# user = "ops"\nuser = chosen_user\n# password = "{VALUE}"\npassword = chosen\n'
    (match,) = reported(text)
    assert (match.user, match.secret.reveal()) == ("ops", VALUE)


def test_a_database_password_is_not_the_neighbouring_cache_s() -> None:
    text = f"DB_HOST=db.acme-corp.net\nDB_USERNAME=app\nDB_PASSWORD={VALUE}\n\nREDIS_HOST=cache.acme-corp.net\n"
    (match,) = reported(text)
    assert match.family == "database"


def test_ansible_s_hosts_are_not_the_login_s() -> None:
    (match,) = reported(f"- hosts: all\n  vars:\n    db_user: app\n    db_password: {VALUE}\n")
    assert (match.user, match.endpoints) == ("app", ())


def test_an_address_as_user_and_a_raw_sign_in_the_password() -> None:
    (match,) = reported(f"https://me@acme-corp.net:{VALUE}!#@4@git.acme-corp.net\n")
    assert (match.user, match.secret.reveal()) == ("me@acme-corp.net", f"{VALUE}!#@4")
    assert [endpoint.host for endpoint in match.endpoints] == ["git.acme-corp.net"]


def test_whose_server_it_is_says_the_name_before_the_url_and_not_the_next_line() -> None:
    text = f"CLICKHOUSE_URL=https://app:{VALUE}@olap.acme-corp.net:8443\nSITE_URL=https://bot:{HEX}@www.acme-corp.net\n"
    assert {match.user: match.family for match in reported(text)} == {"app": "clickhouse", "bot": "url"}


def test_any_word_is_a_password_beside_the_driver_of_a_database() -> None:
    (match,) = reported("production:\n  adapter: mysql2\n  host: 10.20.30.40\n  username: shop\n  password: sunshine\n")
    assert (match.user, match.secret.reveal(), match.family) == ("shop", "sunshine", "mysql")


@pytest.mark.parametrize("value", [VALUE, "Sunshine2024", "sunshine7!", "kxQQvbTzmWpL", "sun^shine", "4sunshine"])
@pytest.mark.parametrize(
    "text",
    [
        "- host: 10.20.30.40\n  username: admin\n  password: {}\n",
        "connect(host='10.20.30.40', username='admin', password='{}')\n",
        '{{"host": "10.20.30.40", "username": "admin", "pwd": "{}"}}\n',
        '{{\\"host\\": \\"10.20.30.40\\", \\"username\\": \\"admin\\", \\"pass\\": \\"{}\\"}}\n',
        "<host>10.20.30.40</host>\n<username>admin</username>\n<password>{}</password>\n",
        "host = '10.20.30.40'\nuser = 'admin'\npassword = os.getenv('PW', '{}')\n",
    ],
)
def test_a_value_with_the_shape_of_a_password_needs_no_engine(text: str, value: str) -> None:
    (match,) = reported(text.format(value))
    assert (match.user, match.secret.reveal()) == ("admin", value)


def test_a_sample_login_in_a_url_is_not_even_ignored_and_half_of_one_is_told() -> None:
    assert find("http://user:password@www.acme-corp.net/\nhttps://UserName:Secret@git.acme-corp.net/\n") == []
    (match,) = reported(f"https://user:{VALUE}@git.acme-corp.net/\n")
    assert match.secret.reveal() == VALUE
    (match,) = find("https://deploy:{}@git.acme-corp.net/\n".format("password"))
    assert match.user == "deploy"

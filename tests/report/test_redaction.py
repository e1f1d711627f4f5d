"""No report shows a value unless it is asked to."""

import io

import pytest

from secretguard.model import Endpoint, Ignored, Place, Problem, Report
from secretguard.report import json_report, jsonl, radius, sarif, text
from tests.report.build import (
    assert_hidden,
    commit,
    credential,
    database_login,
    location,
    random_value,
    report,
    spellings,
)

REPORTERS = [text, json_report, jsonl, sarif]


def written(reporter: object, of: Report, *, show_secrets: bool = False) -> str:
    out = io.StringIO()
    reporter.write(of, out, show_secrets=show_secrets)  # type: ignore[attr-defined]
    return out.getvalue()


@pytest.mark.parametrize("reporter", REPORTERS)
def test_a_value_is_hidden_and_shown_only_on_demand(reporter: object) -> None:
    value = random_value()
    whole = report(database_login(value, location(), commit()))
    assert_hidden(written(reporter, whole), value)
    assert value in written(reporter, whole, show_secrets=True)


@pytest.mark.parametrize("reporter", REPORTERS)
@pytest.mark.parametrize("form", range(7))
def test_a_value_that_also_stands_somewhere_else_is_masked_there(reporter: object, form: int) -> None:
    value = random_value()
    leak = spellings(value)[form]
    one = database_login(
        value,
        location(f"backup/{leak}.sql"),
        commit(f"old/{leak}", author=f"{leak} <x@example.com>"),
        commit("", 2, Place.TAG_MESSAGE, ref=f"refs/tags/{leak}"),
        endpoints=(Endpoint(f"{leak}.example.com", 5432, leak),),
        redacted=f"postgresql://capture:{leak}@db",
    )
    other = credential(random_value(), location(f"copy-of-{leak}"))
    whole = report(
        one,
        other,
        ignored=(Ignored(one.id, "baseline", f"a/{leak}:3", note=f"was {leak}", added_by_change=True),),
        problems=(Problem(f"b/{leak}", f"cannot read {leak}", f"look at {leak}"), Problem("", leak, is_note=True)),
        notes=(f"{leak} was renamed",),
        path=f"/srv/{leak}",
    )
    assert_hidden(written(reporter, whole), value)


@pytest.mark.parametrize("reporter", REPORTERS)
@pytest.mark.parametrize("value", ["k9", "postgres", ""], ids=["short", "word", "random"])
def test_a_user_name_that_is_the_secret_is_masked_however_short(reporter: object, value: str) -> None:
    value = value or random_value()
    output = written(reporter, report(database_login(value, user=value, redacted="****:****@db")))
    assert f'"user": "{value}"' not in output
    assert f"{value}@db.example.com" not in output


def test_a_dictionary_word_as_password_does_not_blot_out_paths() -> None:
    output = written(text, report(credential("postgres", location("docker/postgres/Dockerfile"))))
    assert "docker/postgres/Dockerfile:7" in output


def test_the_login_of_a_clone_url_is_never_shown() -> None:
    value = random_value().replace("/", "")
    url = f"https://bot:{value}@git.example.com/app.git"
    whole = report(path=url, problems=(Problem(url, f"cannot fetch {url}"),))
    for reporter in REPORTERS:
        assert_hidden(written(reporter, whole), value)


def test_the_blast_radius_hides_the_value_too() -> None:
    value = random_value()
    one = database_login(value, location(f"{value}.txt"), commit(author=value), user=value)
    out = io.StringIO()
    radius.write(report(one), one, out)
    assert_hidden(out.getvalue(), value)


def test_masking_a_thousand_values_in_many_paths_stays_quick() -> None:
    many = [credential(random_value(40), *(commit(f"dir{i}/file{j}.py", 1) for j in range(20))) for i in range(1000)]
    assert_hidden(written(json_report, report()._replace(credentials=tuple(many))), many[500].secret.reveal())

"""Each spelling gets one variable, no two the same, and none that the repository uses for something else."""

from urllib.parse import quote

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from secretguard_languages import hcl, python

from secretguard.cli.variable_name import VariableName
from secretguard.model import Endpoint
from secretguard.rewrite.naming import conventional, is_own_use, key_of, variable_names
from secretguard.rewrite.sightings import sought
from secretguard.rewriting import Site
from secretguard.rotation import Spelling
from secretguard.secret import Secret
from tests.rewrite.logins import VALUE, planned

WORD = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True)
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,5}", fullmatch=True)


@st.composite
def spellings(draw: st.DrawFn) -> Spelling:
    form = draw(st.sampled_from(("uri", "jdbc", "keyword", "ado", "password", "quoted")))
    driver, host, database = draw(st.sampled_from(("", "+asyncpg", "+psycopg"))), draw(WORD), draw(WORD)
    text = f"postgresql{driver}://app:{quote(VALUE)}@{host}/{database}"
    encoding = draw(st.sampled_from(((), ("base64",))))
    return Spelling(form, Secret(text), (Endpoint(host, 5432, database),), encoding)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(st.tuples(spellings(), st.lists(NAMES, max_size=2)), max_size=8), st.sets(NAMES, max_size=6), NAMES)
def test_distinct_spellings_get_distinct_names_and_none_that_is_taken(
    used: list[tuple[Spelling, list[str]]], taken: set[str], main: str
) -> None:
    sites = [Site(0, 1, "", spelling, tuple(names)) for spelling, names in used]
    chosen = variable_names(sites, (main, "app"), taken.__contains__)
    assert set(chosen) == {key_of(spelling) for spelling, _ in used}
    assert len(set(chosen.values())) == len(chosen)
    own = {name for _, names in used for name in names}
    assert not (set(chosen.values()) & taken) - own


def test_the_name_that_the_code_uses_comes_first_and_other_drivers_get_a_suffix() -> None:
    plain = Spelling("uri", Secret(f"postgresql://app:{VALUE}@db/shop"))
    driver = Spelling("uri", Secret(f"postgresql+asyncpg://app:{VALUE}@db/shop"))
    sites = [Site(0, 1, "", driver), Site(0, 1, "", plain, ("SHOP_URL",))]
    chosen = variable_names(sites, ("DATABASE_URL", "app"), lambda _: False)
    assert (chosen[key_of(plain)], chosen[key_of(driver)]) == ("SHOP_URL", "SHOP_URL_ASYNCPG")


def test_two_names_of_one_scheme_are_one_spelling() -> None:
    one, other = (Spelling("uri", Secret(f"{scheme}://app:{VALUE}@db/shop")) for scheme in ("postgres", "postgresql"))
    assert key_of(one) == key_of(other)


def test_a_kind_that_nobody_named_gets_a_name_of_its_vendor() -> None:
    assert conventional("acme-api-key", "token") == "ACME_API_KEY"
    assert conventional("mysql-uri", "mysql") == "DATABASE_URL"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"USER": "app", "PASSWORD": "{}"', "DATABASE_PASSWORD"),
        ('connect(PWD="{}")', "DATABASE_PASSWORD"),
        ("f(\"SELECT dblink('host=db user=app password={}')\")", "DATABASE_DSN"),
        ('SECRET = "{}"', "DATABASE_PASSWORD"),
        ('os.environ.get("PWD", "{}")', "DATABASE_PASSWORD"),
        ('os.environ.get("PASSWORD", "{}")', "PASSWORD"),
        ('SHOP_PASSWORD = "{}"', "SHOP_PASSWORD"),
        ('PGPASSWORD = "{}"', "PGPASSWORD"),
    ],
)
def test_what_says_nothing_or_is_the_systems_is_never_the_name(before: str, after: str) -> None:
    text = f"import os\nx = {{{before}}}\n" if before.startswith('"') else f"import os\n{before}\n"
    found = planned({"a.py": text.replace("{}", VALUE).encode()}, python)
    assert [one.variable.name for one in found.variables] == [after]


@pytest.mark.parametrize("label", ["url", "password", "path"])
def test_a_variable_of_terraform_with_a_vague_name_is_called_as_by_convention(label: str) -> None:
    text = f'variable "{label}" {{\n  default = "postgresql://app:{VALUE}@db/shop"\n}}\n'
    found = planned({"a.tf": text.encode()}, hcl)
    assert [one.variable.name for one in found.variables] == ["DATABASE_URL"]
    assert any("keeps its name" in one.reason for one in found.manual)


@pytest.mark.parametrize("name", ["PATH", "USER", "PWD", "HOSTNAME", "LD_PRELOAD", "LC_ALL", "GIT_SSH_COMMAND"])
def test_a_name_of_the_system_cannot_be_asked_for(name: str) -> None:
    with pytest.raises(click.BadParameter, match=f"{name} means something to the system"):
        VariableName().convert(name, None, None)
    assert VariableName().convert("PGPASSWORD", None, None) == "PGPASSWORD"


@pytest.mark.parametrize(
    ("text", "is_own"),
    [
        (f"ENV DATABASE_URL=postgresql://app:{VALUE}@db/shop", True),
        (f'env.db("DATABASE_URL", default="postgresql://app:{VALUE}@db/shop")', True),
        (f'env.db(\n  "DATABASE_URL",\n  default="postgresql://app:{VALUE}@db/shop",\n)', True),
        (f"- name: DATABASE_URL\n  value: postgresql://app:{VALUE}@db/shop", True),
        (f"web: DATABASE_URL={VALUE} python app.py", True),
        (f"DATABASE_URL=sqlite://\nOTHER={VALUE}", False),
        (f"MY_DATABASE_URL={VALUE}", False),
        ("DATABASE_URL=", False),
    ],
)
def test_a_name_that_has_the_leaked_value_is_the_credentials_own(text: str, is_own: bool) -> None:
    assert is_own_use("DATABASE_URL", text, sought(Secret(VALUE))) is is_own

"""Terraform: what a module's callers and outputs need once a value in it is a sensitive variable."""

from plugins.languages.tests.corpus import Case, filled, leaked
from secretguard.testing.rewriting import rewritten

LITERAL = """locals {
  url  = "⟨dsn⟩"
  both = [local.url]
}
"""


def _manual(files: dict[str, str]) -> set[tuple[str, int, str]]:
    login, kind, family = leaked(Case("", "", "", None))
    rewrite = rewritten({path: filled(text) for path, text in files.items()}, login, kind=kind, family=family)
    return {(one.path, one.line, one.reason) for one in rewrite.manual}


def test_each_caller_of_a_module_is_told_of_its_new_variable() -> None:
    call = 'provider "aws" {}\nmodule "db" {\n  source = "../modules/db"\n}\n'
    found = _manual({"modules/db/main.tf": LITERAL, "live/main.tf": call, "other/main.tf": call.replace("/db", "/x")})
    assert found == {("live/main.tf", 2, "the module that is called here gets a variable that has no value")}


def test_a_default_that_is_taken_away_is_told_to_the_callers() -> None:
    variable = 'variable "database_url" {\n  default = "⟨dsn⟩"\n}\n'
    found = _manual({"db/main.tf": variable, "main.tf": 'module "db" {\n  source = "./db"\n}\n'})
    assert {path for path, _, _ in found} == {"main.tf"}


def test_a_module_that_nobody_calls_takes_its_variables_from_the_environment() -> None:
    assert [path for path, _, reason in _manual({"main.tf": LITERAL}) if "TF_VAR_" in reason] == ["main.tf"]


def test_an_output_of_what_becomes_sensitive_is_named() -> None:
    outputs = (
        'output "a" {\n  value = local.url\n}\n'
        'output "b" {\n  value = "x ${local.both[0]}"\n}\n'
        'output "c" {\n  value     = local.url\n  sensitive = true\n}\n'
        'output "d" {\n  value = local.url_of_others\n}\n'
    )
    found = {(path, line) for path, line, why in _manual({"main.tf": LITERAL, "out.tf": outputs}) if "sensitive" in why}
    assert found == {("out.tf", 1), ("out.tf", 4)}

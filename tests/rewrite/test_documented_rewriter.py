"""The rewriter in docs/write-a-plugin.md does what the page says."""

import re
from types import ModuleType

from secretguard import plugins
from secretguard.cli.plugins import _check
from secretguard.testing import RewriterContract
from tests.house.source import DOCS, section

MODULE, TESTS = re.findall(r"```python\n(.*?)```", section(DOCS / "write-a-plugin.md", "A rewriter"), re.DOTALL)
acme = ModuleType("secretguard_acme.rewriter")
exec(compile(MODULE, "docs/write-a-plugin.md", "exec"), acme.__dict__)
package = ModuleType("secretguard_acme")
package.rewriter = acme  # type: ignore[attr-defined]
exec(TESTS, globals() | {"secretguard_acme": package}, namespace := dict[str, type[RewriterContract]]())
TestAcmeRewriter = namespace["TestAcmeRewriter"]


def test_it_keeps_the_contract_that_plugins_check_runs() -> None:
    assert _check(plugins.REWRITERS, acme, "acme") == []


def test_a_rewriter_without_one_of_its_functions_is_told_which() -> None:
    short = ModuleType("short")
    short.claims, short.survey, short.fault = acme.claims, acme.survey, lambda: ""  # type: ignore[attr-defined]
    assert _check(plugins.REWRITERS, short, "short") == [
        "short has no function additions()",
        "short.fault() is not fault(before, after)",
    ]


def test_every_installed_rewriter_keeps_it() -> None:
    modules = plugins.load_all(plugins.REWRITERS)
    assert [sentence for one in modules for sentence in _check(plugins.REWRITERS, one, one.__name__)] == []

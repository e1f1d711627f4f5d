"""Settings in YAML whose program is known to put in variables of the environment, and those whose program is not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from secretguard.rewriting import NAME
from secretguard_languages.settings import ANY_DEFAULT, NOBODY, SPRING_DEFAULT, SPRING_KEPT
from secretguard_languages.yaml_places import Inline, Kind, Left, Place, Sample, Tree
from secretguard_languages.yaml_scalars import Scalar, contents, pairs_of

_DOLLAR = re.compile(r"\$\{[^}]*\}")
_BY_HAND = "Have its program read the value from the environment or from a file that is not committed."


@dataclass(frozen=True, slots=True)
class _Loader:
    """A program's file, and how it says a variable."""

    path: str
    """A regular expression that the end of the path matches, from a `/` on."""
    keys: frozenset[str]
    """One of these stands at the top; empty: whatever stands there."""
    place: Place

    def is_one(self, tree: Tree) -> bool:
        path = "/" + tree.document.path
        if not re.search(f"{self.path}$", path, re.IGNORECASE):
            return False
        return not self.keys or bool(self.keys & _top(tree))


def _top(tree: Tree) -> set[str]:
    return {key for one in contents(tree.root) for key in pairs_of(one, tree.source)}


_LOADERS = (
    # https://docs.spring.io/spring-boot/reference/features/external-config.html; Quarkus and Micronaut have the same
    _Loader(
        r"/(?:application|bootstrap)(?:-[\w.-]+)?\.ya?ml",
        frozenset(("spring", "quarkus", "micronaut", "datasources", "server", "management", "logging", "eureka")),
        Inline(
            f"${{{NAME}}}",
            runs=_DOLLAR,
            fallback=re.compile(SPRING_DEFAULT),
            kept=SPRING_KEPT,
        ),
    ),
    # https://guides.rubyonrails.org/configuring.html#configuring-a-database
    _Loader(
        r"/config/(?:database|cable|storage|cache|queue|sidekiq|secrets|redis|mongoid)\.ya?ml",
        frozenset(("default", "development", "test", "production", "staging", "shared")),
        Inline(
            f'<%= ENV.fetch("{NAME}") %>',
            fallback=re.compile(
                r"<%=\s*ENV(?:\.fetch\(|\[)[\"'](?P<name>[A-Za-z_]\w*)[\"']"
                r"(?:\]\s*\|\||\)\s*\{|,)\s*(?P<q>[\"'])(?P<value>[^\"'#\\]*)(?P=q)\s*[})]?\s*%>"
            ),
            kept=rf'<%= ENV["\g<name>"] || ENV.fetch("{NAME}") %>',
            is_first=True,
        ),
    ),
    # https://docs.getdbt.com/reference/dbt-jinja-functions/env_var
    _Loader(r"/profiles\.ya?ml", frozenset(), Inline(f"{{{{ env_var('{NAME}') }}}}")),
    # https://docs.litellm.ai/docs/proxy/configs
    _Loader(r"\.ya?ml", frozenset(("model_list",)), Inline(f"os.environ/{NAME}", is_whole=True)),
    # https://opentelemetry.io/docs/collector/configuration/#environment-variables
    _Loader(
        r"\.ya?ml",
        frozenset(("exporters",)),
        Inline(f"${{env:{NAME}}}", runs=_DOLLAR, doubled="$"),
    ),
    # https://grafana.com/docs/grafana/latest/administration/provisioning/
    _Loader(
        r"/provisioning/(?:\w+/)*[\w.-]+\.ya?ml",
        frozenset(("apiVersion",)),
        Inline(f"${{{NAME}}}", runs=re.compile(r"\$\{[^}]*\}|\$\w+"), doubled="$"),
    ),
    # https://www.elastic.co/docs/reference/beats/filebeat/using-environ-vars
    _Loader(
        r"/(?:filebeat|metricbeat|heartbeat|packetbeat|auditbeat)(?:[.-][\w.-]+)?\.ya?ml",
        frozenset(),
        Inline(f"${{{NAME}:?}}", runs=_DOLLAR),
    ),
    # https://symfony.com/doc/current/configuration.html#configuration-based-on-environment-variables
    _Loader(
        r"/config/packages/(?:\w+/)*[\w.-]+\.ya?ml",
        frozenset(),
        Inline(f"%env({NAME})%", runs=re.compile(r"%[^%\s]+%"), doubled="%"),
    ),
    # https://www.serverless.com/framework/docs/guides/variables
    _Loader(
        r"/serverless(?:[._-][\w.-]+)?\.ya?ml",
        frozenset(("service", "provider", "functions")),
        Inline(
            f"${{env:{NAME}}}",
            runs=_DOLLAR,
            fallback=re.compile(r"\$\{env:(?P<name>[A-Za-z_]\w*),\s*(?P<q>['\"])(?P<value>[^'\"{}]*)(?P=q)\}"),
            kept=rf"${{env:\g<name>, ${{env:{NAME}}}}}",
        ),
    ),
    _Loader(r"\.ya?ml", frozenset(("openapi", "swagger", "asyncapi")), Sample()),
    _Loader(r"/\.github/(?:ISSUE_TEMPLATE|DISCUSSION_TEMPLATE)/[\w.-]+\.ya?ml", frozenset(), Sample()),
    _Loader(
        r"/(?:prometheus|alertmanager)[\w.-]*\.ya?ml",
        frozenset(),
        Left(
            "Prometheus puts in no variables",
            "Use `password_file`, `credentials_file` or their like, and mount the secret as a file.",
        ),
    ),
    _Loader(
        r"/\.pre-commit-config\.ya?ml",
        frozenset(),
        Left("pre-commit puts in no variables", "Have the hook read it from the environment."),
    ),
    _Loader(r"\.ya?ml", frozenset(), Left(NOBODY.reason, _BY_HAND)),
)
_SOMEBODY = Inline(f"${{{NAME}}}", fallback=re.compile(ANY_DEFAULT))


def _placed(place: Place, scalar: Scalar, _: Tree) -> Place:
    is_somebody = place is _LOADERS[-1].place and re.fullmatch(ANY_DEFAULT, scalar.text)
    return _SOMEBODY if is_somebody else place


KINDS = tuple(Kind(one.is_one, partial(_placed, one.place)) for one in _LOADERS)

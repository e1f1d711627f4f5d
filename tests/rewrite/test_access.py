"""A token goes to the host that it is for, and the remote of a clone alone never decides which that is."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from secretguard.errors import ConfigError, RewriteError, SecretguardError
from secretguard.reference import parse_reference
from secretguard.resolve import store
from secretguard.rewrite.forges.access import Destination, destination, parsed_remote
from secretguard.rotation import Context
from secretguard.secret import Secret
from secretguard.testing import RepositoryBuilder
from secretguard.testing.exposure import exposure
from tests.rewrite.deliveries import git, opened

TOKEN = "operators-" + "own"
GITHUB = {"GITHUB_TOKEN": TOKEN}
GITLAB = {"GITLAB_TOKEN": TOKEN}
FORGE = {"SECRETGUARD_FORGE_TOKEN": TOKEN}
ALL = {**GITHUB, **GITLAB, **FORGE}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    RepositoryBuilder(tmp_path / "app").write("a", "a\n").commit("Start")
    return tmp_path / "app"


def going_to(place: Path, remote: str, environ: Mapping[str, str] | Context) -> Destination:
    git(place, "config", "remote.origin.url", remote)
    return destination(opened(place), "origin", environ if isinstance(environ, Context) else Context(environ))


@pytest.mark.parametrize(
    ("remote", "environ", "api", "project"),
    [
        ("https://github.com/ops/app.git", GITHUB, "https://api.github.com", "ops/app"),
        ("https://github.com/ops/app/", {"GH_TOKEN": TOKEN}, "https://api.github.com", "ops/app"),
        (f"https://me:{TOKEN}@GitHub.com/ops/app", GITHUB, "https://api.github.com", "ops/app"),
        ("git@github.com:ops/app.git", GITHUB, "https://api.github.com", "ops/app"),
        ("ssh://git@ssh.github.com:443/ops/app.git", GITHUB, "https://api.github.com", "ops/app"),
        ("git@github.com:ops/app", {**GITHUB, "GITHUB_API_URL": "https://api.github.com"}, "https://api.github.com", "ops/app"),
        ("git@gitlab.com:ops/ai/app.git", GITLAB, "https://gitlab.com/api/v4", "ops/ai/app"),
        ("https://code.ops.invalid/ops/app", {**GITHUB, "GITHUB_API_URL": "https://code.ops.invalid/api/v3"}, "https://code.ops.invalid/api/v3", "ops/app"),
        ("https://ops.ghe.com/ops/app", {**FORGE, "SECRETGUARD_FORGE_URL": "https://api.ops.ghe.com"}, "https://api.ops.ghe.com", "ops/app"),
        ("git@code.ops.invalid:ops/app", {**GITLAB, "GITLAB_URL": "https://code.ops.invalid"}, "https://code.ops.invalid/api/v4", "ops/app"),
        ("https://ops.invalid/code/ops/app", {**GITLAB, "GITLAB_URL": "https://ops.invalid/code/"}, "https://ops.invalid/code/api/v4", "ops/app"),
        ("https://code.ops.invalid:8443/ops/app", {**FORGE, "SECRETGUARD_FORGE_URL": "https://code.ops.invalid:8443/api/v4"}, "https://code.ops.invalid:8443/api/v4", "ops/app"),
    ],
)  # fmt: skip
def test_a_remote_leads_to_the_interface_that_the_operator_allows(
    place: Path, remote: str, environ: dict[str, str], api: str, project: str
) -> None:
    to = going_to(place, remote, environ)
    assert (to.http.base, to.project) == (api, project)
    assert TOKEN in str(dict(to.http.headers))
    assert TOKEN not in repr(to)


@pytest.mark.parametrize(
    ("remote", "environ"),
    [
        ("https://evil.invalid/ops/app", ALL),
        ("https://github.com.evil.invalid/ops/app", ALL),
        ("https://evil.invalid/github.com/ops/app", ALL),
        ("https://github.com@evil.invalid/ops/app", ALL),
        ("https://api.github.com/ops/app", ALL),
        ("git@github.com.evil.invalid:ops/app", ALL),
        ("https://github.com:8443/ops/app", ALL),
        ("http://github.com/ops/app", ALL),
        ("https://github.com/ops/app", {**ALL, "GITHUB_API_URL": "https://code.ops.invalid/api/v3"}),
        ("https://gitlab.com/ops/app", {**ALL, "GITLAB_URL": "https://code.ops.invalid"}),
        ("https://github.com/ops/app", {**ALL, "SECRETGUARD_FORGE_URL": "https://code.ops.invalid/api/v3"}),
        ("https://code.ops.invalid:8443/ops/app", {**ALL, "SECRETGUARD_FORGE_URL": "https://code.ops.invalid/api/v3"}),
    ],
)  # fmt: skip
def test_no_other_host_is_given_a_token(place: Path, remote: str, environ: dict[str, str]) -> None:
    context = Context(environ)
    with pytest.raises(RewriteError, match="may be given a token of yours") as refused:
        going_to(place, remote, context)
    assert "SECRETGUARD_FORGE_URL" in refused.value.hint
    assert exposure(refused.value, TOKEN) == []


@pytest.mark.parametrize(
    ("remote", "environ", "variable"),
    [
        ("https://github.com/ops/app", {**GITLAB, **FORGE}, "GITHUB_TOKEN"),
        ("https://gitlab.com/ops/app", {**GITHUB, **FORGE}, "GITLAB_TOKEN"),
        ("https://github.com/ops/app", {**GITHUB, "SECRETGUARD_FORGE_URL": "https://api.github.com"}, "SECRETGUARD_FORGE_TOKEN"),
        ("https://github.com/ops/app", {"GITHUB_TOKEN": "two\nlines"}, "GITHUB_TOKEN"),
    ],
)  # fmt: skip
def test_a_token_of_another_forge_is_none(place: Path, remote: str, environ: dict[str, str], variable: str) -> None:
    with pytest.raises(RewriteError, match="there is no token") as refused:
        going_to(place, remote, environ)
    assert variable in refused.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "http://code.ops.invalid/api/v4",
        "https://me:x@code.ops.invalid/api/v4",
        "ftp://a/api/v3",
        "https:///api/v3",
        "https://code.ops.invalid/somewhere",
        "https://code.ops.invalid:port/api/v3",
    ],
)
def test_an_address_that_no_token_can_be_sent_to_is_refused(place: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="SECRETGUARD_FORGE_URL"):
        going_to(place, "https://code.ops.invalid/ops/app", {**FORGE, "SECRETGUARD_FORGE_URL": url})


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/app",
        "https://github.com/a/b/c",
        "https://github.com/ops/..",
        "https://github.com/ops/a%2fb",
        "https://github.com/ops/a b",
    ],
)
def test_a_remote_that_names_no_project_is_refused(place: Path, remote: str) -> None:
    with pytest.raises(RewriteError, match="names no project"):
        going_to(place, remote, GITHUB)


@pytest.mark.parametrize(
    "remote", ["../elsewhere", "/srv/app.git", "file:///srv/app.git", "ext::sh -c x", "https://[::1"]
)
def test_a_remote_on_no_server_is_refused(place: Path, remote: str) -> None:
    assert parsed_remote(remote) is None
    with pytest.raises(RewriteError, match="is on no server"):
        going_to(place, remote, GITHUB)


def test_a_missing_remote_is_told(place: Path) -> None:
    with pytest.raises(RewriteError, match="has no remote upstream"):
        destination(opened(place), "upstream", Context(GITHUB))


def test_a_rule_of_the_repository_that_rewrites_urls_is_not_followed(place: Path) -> None:
    git(place, "config", "url.https://evil.invalid/.insteadOf", "https://github.com/")
    assert going_to(place, "https://github.com/ops/app", GITHUB).http.base == "https://api.github.com"


def test_the_token_may_be_a_reference(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    context = Context(dict(os.environ))
    store("local").put(parse_reference("ref+local://forge"), {"token": Secret(TOKEN)}, context)
    to = going_to(place, "https://github.com/ops/app", {**os.environ, "GITHUB_TOKEN": "ref+local://forge#/token"})
    assert to.http.headers["Authorization"] == f"Bearer {TOKEN}"
    with pytest.raises(SecretguardError):
        going_to(place, "https://github.com/ops/app", {**os.environ, "GITHUB_TOKEN": "ref+local://nothing#/token"})

"""Layers of configuration: who wins, who is told off, and what a repository may not choose."""

import os
import socket
import time
from pathlib import Path

import pytest

from secretguard.config import KEYS, Config, find_root, load_config
from secretguard.errors import ConfigError, ExitCode

ID = "sg_0123456789ab"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    (root / ".git").mkdir(parents=True)
    return root


@pytest.fixture
def user(tmp_path: Path) -> Path:
    folder = tmp_path / "xdg" / "secretguard"
    folder.mkdir(parents=True)
    return folder / "config.yaml"


def load(repo: Path | None, flags: dict[str, object] | None = None, **environ: str) -> Config:
    home = repo.parent if repo else Path("/nowhere")
    return load_config(repo, flags, {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "xdg"), **environ})


def refusal(repo: Path, **environ: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(repo, **environ)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.hint
    return caught.value


def yaml(repo: Path, text: str) -> None:
    (repo / ".secretguard.yaml").write_text(text)


def test_without_any_layer_every_value_is_the_default(repo: Path) -> None:
    config = load(repo)
    assert {setting.layer for setting in config.settings} == {"default"}
    assert [setting.key for setting in config.settings] == list(KEYS)
    assert (config.fail_on, config.format, config.jobs) == ("low", "text", 0)


def test_every_key_is_a_field() -> None:
    assert {key.replace(".", "_") for key in KEYS} <= set(Config._fields)


def test_the_nearer_layer_wins_and_each_value_knows_its_layer(repo: Path, user: Path) -> None:
    def decided(flags: dict[str, object] | None = None, **environ: str) -> tuple[str, str]:
        config = load(repo, flags, **environ)
        (setting,) = [one for one in config.settings if one.key == "fail_on"]
        assert setting.value == config.fail_on
        return setting.layer, config.fail_on

    assert decided() == ("default", "low")
    user.write_text("fail_on: medium")
    assert decided() == ("user", "medium")
    yaml(repo, "fail_on: high")
    assert decided() == ("repository", "high")
    assert decided(SECRETGUARD_FAIL_ON="critical") == ("environment", "critical")
    assert decided({"fail_on": "live"}, SECRETGUARD_FAIL_ON="critical") == ("flag", "live")
    assert decided({"fail_on": None}) == ("repository", "high")


def test_a_repository_adds_to_lists_and_cannot_take_from_them(repo: Path, user: Path) -> None:
    (repo / "rules.yaml").touch()
    user.write_text("rules: [company.yaml]\nignore: {paths: ['*.lock']}")
    yaml(repo, "rules: [rules.yaml]\nignore: {paths: [docs/**]}")
    config = load(repo, {"rules": (Path("mine.yaml"),)})
    assert config.rules == (user.parent / "company.yaml", (repo / "rules.yaml").resolve(), Path("mine.yaml"))
    assert config.ignore_paths == ("*.lock", "docs/**")
    assert [one.layer for one in config.settings if one.key == "rules"] == ["user", "repository", "flag"]


def test_pyproject_is_the_other_place_and_both_is_one_too_many(repo: Path) -> None:
    (repo / "pyproject.toml").write_text(
        "[tool.secretguard]\nfail_on = 'high'\n[tool.secretguard.ignore]\npaths = ['x']\n"
    )
    config = load(repo)
    assert (config.fail_on, config.ignore_paths) == ("high", ("x",))
    assert config.origin("fail_on") == "pyproject.toml"
    yaml(repo, "")
    assert "both configure" in str(refusal(repo))


def test_somebody_elses_broken_pyproject_is_not_our_matter(repo: Path) -> None:
    (repo / "pyproject.toml").write_text("[tool.other\n")
    assert load(repo).fail_on == "low"
    (repo / "pyproject.toml").write_text("[tool.secretguard\n")
    assert "pyproject.toml is not TOML" in str(refusal(repo))


def test_no_repository_layer_is_read_without_a_root(repo: Path) -> None:
    yaml(repo, "fail_on: high")
    assert load(None).fail_on == "low"


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("fail-on: low", "fail-on", "fail_on"),
        ("ignore: {path: []}", "ignore.path", "ignore.paths"),
        ("ignored: {}", "ignored", "ignore"),
    ],
)
def test_an_unknown_key_names_the_file_and_the_nearest_known_one(repo: Path, text: str, key: str, nearest: str) -> None:
    yaml(repo, text)
    error = refusal(repo)
    assert str(error) == f".secretguard.yaml: unknown key `{key}`"
    assert error.hint == f"Did you mean `{nearest}`?"


def test_an_unknown_variable_names_the_nearest_known_one(repo: Path) -> None:
    error = refusal(repo, SECRETGUARD_FAILON="low")
    assert "SECRETGUARD_FAILON" in str(error)
    assert "SECRETGUARD_FAIL_ON" in error.hint
    assert load(repo, SECRETGUARD_ID_KEY="not configuration").fail_on == "low"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fail_on: hihg", "fail_on` is one of low, medium, high, critical, live"),
        ("fail_on: [low]", "fail_on` is one of"),
        ("format: html", "format` is one of text, json, jsonl, sarif"),
        ("include_ignored: 'yes'", "include_ignored` is true or false"),
        ("ignore: {paths: docs}", "ignore.paths` is a list of strings"),
        ("ignore: {paths: [1]}", "ignore.paths` is a list of strings"),
        ("ignore: [x]", "`ignore` is a mapping"),
        ("ignore: {credentials: [sg_1]}", "not a credential id"),
        ("ignore: {credentials: [{reason: x}]}", "holds ids, or mappings with `id` and `reason`"),
        ("ignore: {credentials: [{id: sg_0123456789ab, until: 2030}]}", "holds ids"),
        ("rules: extra.yaml", "rules` is a list of paths"),
        ("baseline: 7", "baseline` is a path"),
        ("- fail_on", "is a mapping of keys to values"),
        ("fail_on: low\nfail_on: high", "line 2: `fail_on` is given twice"),
        ("1: low", "line 1: a key is a word"),
        ("fail_on: [low", "is not YAML: line"),
        ("fail_on: !!python/object/apply:os.system [id]", "is not YAML: line 1"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_file(repo: Path, text: str, message: str) -> None:
    yaml(repo, text)
    error = str(refusal(repo))
    assert error.startswith(".secretguard.yaml")
    assert message in error


@pytest.mark.parametrize("key", ["jobs: 4", "without_plugins: [aws]", "verbosity: 1", "no_color: true"])
def test_a_repository_does_not_choose_what_is_the_operators(repo: Path, user: Path, key: str) -> None:
    user.write_text(key)
    load(repo)
    user.write_text("")
    yaml(repo, key)
    assert "is not for a repository to choose" in str(refusal(repo))


@pytest.mark.parametrize(
    "key", ["hosts: [x]", "store: x", "verify: true", "output: /tmp/x", "reporters: [x]", "exec: id"]
)
def test_what_a_repository_must_never_name_is_not_even_a_key(repo: Path, key: str) -> None:
    yaml(repo, key)
    assert "unknown key" in str(refusal(repo))


@pytest.mark.parametrize(
    "path", ["../outside.yaml", "{outside}", "link.yaml", "linked/outside.yaml", ".git/config", "a/../../x", "."]
)
@pytest.mark.parametrize("key", ["rules: ['{}']", "baseline: '{}'"])
def test_a_repository_names_only_files_of_its_own(repo: Path, path: str, key: str) -> None:
    outside = repo.parent / "outside.yaml"
    outside.write_text("rules: []")
    (repo / "link.yaml").symlink_to(outside)
    (repo / "linked").symlink_to(repo.parent)
    yaml(repo, key.format(path.format(outside=outside)))
    if path == ".":
        return  # a directory of its own; whoever reads it says so
    assert "leads out of the repository" in str(refusal(repo))


def test_a_users_paths_are_relative_to_the_users_file(repo: Path, user: Path) -> None:
    user.write_text("rules: [mine.yaml, ~/other.yaml, /etc/rules.yaml]")
    assert load(repo).rules[0] == user.parent / "mine.yaml"
    assert load(repo).rules[2] == Path("/etc/rules.yaml")


def test_ignored_credentials_keep_their_reason_and_place(repo: Path) -> None:
    yaml(
        repo,
        f"ignore:\n  credentials:\n    - {ID}\n    - {{id: {ID}, reason: rotated in May}}\n  rules: [generic-password]",
    )
    config = load(repo)
    assert [(one.id, one.reason, one.where) for one in config.ignore_credentials] == [
        (ID, "", ".secretguard.yaml"),
        (ID, "rotated in May", ".secretguard.yaml"),
    ]
    assert config.ignore_rules == ("generic-password",)


def test_variables_are_read_as_what_they_are(repo: Path) -> None:
    config = load(
        repo,
        SECRETGUARD_JOBS="3",
        SECRETGUARD_INCLUDE_IGNORED="yes",
        SECRETGUARD_RULES=os.pathsep.join(["a.yaml", "b.yaml"]),
        SECRETGUARD_WITHOUT_PLUGINS="aws,vault",
        SECRETGUARD_IGNORE_PATHS="docs/**",
        SECRETGUARD_NO_COLOR="0",
    )
    assert (config.jobs, config.include_ignored, config.no_color) == (3, True, False)
    assert config.rules == (Path("a.yaml"), Path("b.yaml"))
    assert config.without_plugins == {"aws", "vault"}
    assert config.ignore_paths == ("docs/**",)
    assert "SECRETGUARD_JOBS is a whole number from 0 to 256" in str(refusal(repo, SECRETGUARD_JOBS="many"))
    assert "SECRETGUARD_INCLUDE_IGNORED is true or false" in str(refusal(repo, SECRETGUARD_INCLUDE_IGNORED="maybe"))


def test_a_message_does_not_repeat_what_the_file_says(repo: Path) -> None:
    value = "".join(["hunter", "2", "hunter", "2"])
    for text in (f"fail_on: {value}", f"ignore: {{credentials: [{value}]}}", f"x: [{value}", f"jobs: {value}"):
        yaml(repo, text)
        error = refusal(repo)
        assert value not in f"{error} {error.hint}"


def test_a_hostile_file_costs_little_and_follows_nothing(repo: Path) -> None:
    bomb = "a: &a [x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
    )
    started = time.monotonic()
    for text, message in [
        (bomb, "aliases are not allowed"),
        ("ignore: " + "[" * 5000, "nested too deeply"),
        ("#" * 1_000_001, "is larger than 1,000,000 bytes"),
    ]:
        yaml(repo, text)
        assert message in str(refusal(repo))
    (repo / ".secretguard.yaml").write_bytes(b"fail_on: \xff\xfe")
    assert "is not UTF-8" in str(refusal(repo))
    assert time.monotonic() - started < 5


def test_only_a_regular_file_is_read(repo: Path) -> None:
    path = repo / ".secretguard.yaml"
    path.symlink_to("/etc/passwd")
    assert "is a symbolic link" in str(refusal(repo))
    path.unlink()
    os.mkfifo(path)
    assert "is not a regular file" in str(refusal(repo))
    path.unlink()
    path.mkdir()
    assert "is not a regular file" in str(refusal(repo))
    path.rmdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert "cannot be read" in str(refusal(repo))
    path.unlink()
    (repo / "pyproject.toml").symlink_to("/dev/zero")
    assert "is a symbolic link" in str(refusal(repo))


def test_the_root_is_the_work_tree_and_a_bare_repository_has_none(repo: Path, tmp_path: Path) -> None:
    (repo / "src").mkdir()
    (repo / "src" / "a.py").touch()
    assert find_root(repo / "src") == find_root(repo / "src" / "a.py") == repo
    bare = repo / "bare.git"
    (bare / "objects").mkdir(parents=True)
    (bare / "HEAD").touch()
    assert find_root(bare) is None
    plain = tmp_path / "plain"
    plain.mkdir()
    assert find_root(plain) == plain
    assert find_root(Path("https://git.example.com/a.git")) is None


def test_a_config_is_frozen(repo: Path) -> None:
    with pytest.raises(AttributeError):
        load(repo).fail_on = "live"  # type: ignore[misc]


@pytest.mark.parametrize(
    "setting",
    [
        "postgresql://ada@db.internal/ops?sslmode=verify-full", "postgres://db.internal", "host=db.internal user=ada",
        "service=journal", "postgresql://ada@[::1]:5432/ops", "postgresql://[::1]:5432/ops", "dbname=ops passfile=/x/y",
    ],
)  # fmt: skip
def test_the_operator_names_a_journal(repo: Path, user: Path, setting: str) -> None:
    user.write_text(f"journal: '{setting}'")
    assert load(repo).journal == setting
    assert load(repo, SECRETGUARD_JOURNAL="service=other").journal == "service=other"


@pytest.mark.parametrize(
    "setting",
    [
        "postgresql://ada:{}@db.internal/ops", "postgresql://ada@db.internal/ops?password={}", "user=ada password='{}'",
        "postgresql://db.internal/ops?pass%77ord={}", "user=ada password = {}", "dbname='postgresql://ada:{}@db.internal'",
    ],
)  # fmt: skip
def test_a_password_of_the_journal_is_refused_and_not_repeated(repo: Path, setting: str) -> None:
    password = "".join(chr(97 + number) for number in os.urandom(16) if number < 26) + "hunter2"
    error = refusal(repo, SECRETGUARD_JOURNAL=setting.format(password))
    assert "PGPASSFILE" in error.hint
    assert password not in f"{error} {error.hint}"


@pytest.mark.parametrize("setting", ["sqlite", "/var/lib/journal", "https://db.internal"])
def test_a_journal_is_a_connection_string(repo: Path, setting: str) -> None:
    assert "SECRETGUARD_JOURNAL" in str(refusal(repo, SECRETGUARD_JOURNAL=setting))


def test_a_repository_names_no_journal(repo: Path) -> None:
    yaml(repo, "journal: postgresql://evil.invalid/ops")
    assert "not for a repository" in str(refusal(repo))

"""The compiled rules are cached for speed, and never trusted."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from secretguard import plugins
from secretguard.plugins import plugin_names
from secretguard.scan.cache import CompiledRules, cache_directory, compiled_rules

RULE = "vendor: A\nrules: [{id: zz-one, kind: zz, title: Z, severity: low, pattern: 'zz_[a-f]{20}', examples: [x], counter_examples: [y]}]\n"


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_directory()


def the_file(directory: Path) -> Path:
    (file,) = directory.glob("rules-*.bin")
    return file


def compiled(**more: Any) -> CompiledRules:
    """Compile the rules of one plugin: what is cached is cached alike, and all of them take their seconds."""
    return compiled_rules(frozenset(plugin_names(plugins.RULES)) - {"anthropic"}, **more)


def rule_ids() -> set[str]:
    return {rule.id for rule in compiled().detector.rules}


def test_a_second_run_reads_what_the_first_one_compiled(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = compiled()
    monkeypatch.setattr(plugins, "installed_rules", lambda *_: pytest.fail("the rules were read again"))
    assert compiled().digest == first.digest
    assert (fresh.stat().st_mode & 0o777, (fresh / "key").stat().st_mode & 0o777) == (0o700, 0o600)


def test_the_rules_of_the_cache_are_those_that_were_compiled(fresh: Path) -> None:
    made, read = compiled_rules().detector.rules, compiled_rules().detector.rules
    assert len(read) == len(made) > 100
    assert list(read) == list(made)
    assert read[-1] is read[len(made) - 1]
    assert read[2:4] == tuple(made[2:4])
    with pytest.raises(IndexError):
        _ = read[len(made)]


@pytest.mark.parametrize("length", [0, 20, 39, 100, -1])
def test_a_file_that_was_cut_short_is_ignored(fresh: Path, length: int) -> None:
    expected = rule_ids()
    file = the_file(fresh)
    file.write_bytes(file.read_bytes()[:length])
    assert rule_ids() == expected


def test_a_file_that_promises_more_than_memory_holds_is_ignored(fresh: Path) -> None:
    expected = rule_ids()
    file = the_file(fresh)
    content = file.read_bytes()
    file.write_bytes(content[:32] + b"\xff" * 8 + content[40:])
    assert rule_ids() == expected


def test_a_tampered_file_is_ignored_and_made_anew(fresh: Path) -> None:
    expected = rule_ids()
    file = the_file(fresh)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert rule_ids() == expected
    assert file.read_bytes() != content


def test_a_file_from_another_user_is_ignored(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = rule_ids()
    foreign = the_file(fresh).read_bytes()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    compiled()
    the_file(cache_directory()).write_bytes(foreign)
    assert rule_ids() == expected


def test_an_edited_rule_file_is_noticed(fresh: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(RULE)
    first = compiled(extra_files=[file]).digest
    file.write_text(RULE.replace("{20}", "{21}"))
    os.utime(file, (1, 1))
    assert compiled(extra_files=[file]).digest != first


@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="needs root to make a directory of another user"
)
def test_a_directory_of_another_user_is_not_used(fresh: Path) -> None:
    fresh.mkdir(parents=True)
    os.chown(fresh, 12345, 12345)
    compiled()
    assert list(fresh.iterdir()) == []


def test_no_cache_directory_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a directory")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert rule_ids()


def test_a_module_of_the_current_directory_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "yaml.py").write_text("raise SystemExit('hostile code ran')")
    done = subprocess.run(
        [sys.executable, "-m", "secretguard", "rules", "list", "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)

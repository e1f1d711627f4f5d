"""Whatever a repository's configuration would have git run, no scan runs it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.hostile.conftest import Hostile
from tests.journeys.running import CommandLine

MODES: tuple[tuple[str, ...], ...] = ((), ("--history", "--no-cache"), ("--staged",), ("--since", "HEAD~1"))


@dataclass(frozen=True)
class Trap:
    """Configuration that runs `{trap}`, and the everyday git command by which we know that it would."""

    name: str
    configuration: dict[str, str]
    control: tuple[str, ...]
    attributes: str = ""
    control_input: str = ""
    prepare: Callable[[Hostile, CommandLine], None] | None = field(default=None, compare=False)


def _hooks(hostile: Hostile, _: CommandLine) -> None:
    trap = hostile.trap()
    folder = hostile.path / ".git" / "hooks"
    folder.mkdir(exist_ok=True)
    names = """
        applypatch-msg pre-commit prepare-commit-msg commit-msg post-commit post-checkout post-merge pre-push
        pre-receive post-rewrite post-index-change reference-transaction fsmonitor-watchman pre-auto-gc p4-changelist
    """
    for name in names.split():
        (folder / name).symlink_to(trap)


def _signed(hostile: Hostile, command_line: CommandLine) -> None:
    """Put a commit with a signature on top, so that there is something for the program to verify."""
    raw = command_line.git("cat-file", "commit", "HEAD", cwd=hostile.path)
    head, _, message = raw.partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----"
    signed = f"{head}\n{signature}\n\n{message}\n"
    name = command_line.git("hash-object", "-t", "commit", "-w", "--stdin", cwd=hostile.path, feed=signed)
    command_line.git("update-ref", "HEAD", name, cwd=hostile.path)


def _dirty(hostile: Hostile, _: CommandLine) -> None:
    """Make git want to read a file again."""
    (hostile.path / "README.md").write_text("# Innocent!\n")


TRAPS = (
    Trap("fsmonitor", {"core.fsmonitor": "{trap}", "core.fsmonitorHookVersion": "2"}, ("status",)),
    Trap("hooks", {}, ("commit", "--allow-empty", "-m", "x"), prepare=_hooks),
    Trap("hooks path", {"core.hooksPath": "{hooks}"}, ("commit", "--allow-empty", "-m", "x")),
    Trap(
        "filters",
        {"filter.evil.clean": "{trap}", "filter.evil.smudge": "{trap}", "filter.evil.required": "true"},
        ("diff",),
        "* filter=evil\n",
        prepare=_dirty,
    ),
    Trap("filter process", {"filter.evil.process": "{trap}"}, ("diff",), "* filter=evil\n", prepare=_dirty),
    Trap("textconv", {"diff.evil.textconv": "{trap}"}, ("log", "-p"), "* diff=evil\n"),
    Trap("diff driver", {"diff.evil.command": "{trap}"}, ("diff", "HEAD~1"), "* diff=evil\n"),
    Trap("external diff", {"diff.external": "{trap}"}, ("diff", "HEAD~1")),
    Trap(
        "ssh command",
        {"core.sshCommand": "{trap}", "remote.origin.url": "ssh://host.invalid/x"},
        ("ls-remote", "origin"),
    ),
    Trap("pager", {"core.pager": "{trap}", "pager.log": "true", "pager.status": "{trap}"}, ("log",)),
    Trap(
        "aliases",
        {f"alias.{name}": "!{trap}" for name in ("boom", "rev-parse", "cat-file", "ls-files", "status", "diff-tree")},
        ("boom",),
    ),
    Trap(
        "gpg program",
        {"gpg.program": "{trap}", "gpg.openpgp.program": "{trap}", "log.showSignature": "true"},
        ("log",),
        prepare=_signed,
    ),
    Trap(
        "credential helper",
        {"credential.helper": "!{trap}", "core.askPass": "{trap}"},
        ("credential", "fill"),
        control_input="url=https://host.invalid/\n\n",
    ),
    Trap("editor", {"core.editor": "{trap}", "sequence.editor": "{trap}"}, ("commit", "--allow-empty")),
    Trap("ext remote", {"remote.origin.url": "ext::{trap}", "protocol.ext.allow": "always"}, ("ls-remote", "origin")),
    Trap(
        "upload pack",
        {"remote.origin.url": "{repository}", "remote.origin.uploadpack": "{trap}"},
        ("ls-remote", "origin"),
    ),
)


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_no_scan_runs_what_the_configuration_names(hostile: Hostile, command_line: CommandLine, trap: Trap) -> None:
    set_up(hostile, command_line, trap)
    control(hostile, command_line, trap)
    for words in MODES:
        report = command_line.scan(*words, cwd=hostile.path, code=0 if words == ("--staged",) else 1)
        assert hostile.trigger() == "", words
        assert len(report["credentials"]) == (0 if words == ("--staged",) else 1)


def test_all_traps_together_catch_no_command(hostile: Hostile, command_line: CommandLine) -> None:
    for trap in sorted(TRAPS, key=lambda trap: trap.name.startswith("hooks")):
        set_up(hostile, command_line, trap)
    hostile.trigger()
    for words in (
        ("scan", "app/settings.env"),
        ("scan", "app", "--include-ignored"),
        ("baseline", "create", "--history"),
        ("baseline", "update"),
        ("config",),
        ("doctor",),
        ("show", "sg_000000000000"),
    ):
        done = command_line.run(*words, cwd=hostile.path)
        assert done.returncode in (0, 1, 2), (words, done.stderr)
        assert "Traceback" not in done.stderr
        assert hostile.trigger() == "", words


def test_cloning_a_hostile_repository_runs_nothing(hostile: Hostile, command_line: CommandLine, tmp_path: Path) -> None:
    for trap in sorted(TRAPS, key=lambda trap: trap.name.startswith("hooks")):
        set_up(hostile, command_line, trap)
    hostile.trigger()
    report = command_line.scan(f"file://{hostile.path}", "--history", cwd=tmp_path, code=1)
    assert len(report["credentials"]) == 1
    assert hostile.trigger() == ""


@pytest.mark.parametrize("url", ["ext::{trap}", "ssh://host.invalid/{trap}", "host.invalid:x"])
def test_a_promisor_remote_is_never_contacted(hostile: Hostile, command_line: CommandLine, url: str) -> None:
    """Every missing object is a reason for git to ask the remote for it: a scan must not let it."""
    lost = command_line.git("rev-parse", "HEAD:README.md", cwd=hostile.path)
    trap = Trap(
        "promisor",
        {
            "remote.origin.url": url,
            "remote.origin.promisor": "true",
            "remote.origin.partialclonefilter": "blob:none",
            "extensions.partialClone": "origin",
            "core.repositoryFormatVersion": "1",
            "core.sshCommand": "{trap}",
            "protocol.allow": "always",
            "protocol.ext.allow": "always",
        },
        ("cat-file", "-p", lost),
    )
    set_up(hostile, command_line, trap)
    (hostile.path / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    control(hostile, command_line, trap)
    for words in MODES:
        command_line.scan(*words, cwd=hostile.path, code=0 if words == ("--staged",) else 1)
        assert hostile.trigger() == "", words
    report = command_line.scan("--history", cwd=hostile.path)
    assert [problem["is_note"] for problem in report["problems"]] == [True]
    assert "partial clone" in report["problems"][0]["what"]


def test_a_foreign_working_tree_is_not_scanned(hostile: Hostile, command_line: CommandLine, tmp_path: Path) -> None:
    """core.worktree may name any directory of this machine, such as somebody's home."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "private.env").write_text((hostile.path / "app/settings.env").read_text())
    command_line.git("config", "core.worktree", outside, cwd=hostile.path)
    for words in (["--history"], []):
        report = command_line.scan(*words, cwd=hostile.path)
        paths = {at["path"] for one in report["credentials"] for at in one["occurrences"]}
        assert not any("private" in path for path in paths)
        assert any("outside" in problem["what"] or "worktree" in problem["what"] for problem in report["problems"])


def set_up(hostile: Hostile, command_line: CommandLine, trap: Trap) -> None:
    if trap.prepare:
        trap.prepare(hostile, command_line)
    values = {"trap": hostile.trap(), "hooks": _hook_folder(hostile), "repository": hostile.path}
    for name, value in trap.configuration.items():
        command_line.git("config", name, value.format(**values), cwd=hostile.path)
    if trap.attributes:
        (hostile.path / ".gitattributes").write_text(trap.attributes)


def control(hostile: Hostile, command_line: CommandLine, trap: Trap) -> None:
    """Make sure that the trap is armed: git itself does run it."""
    options = {"feed": trap.control_input} if trap.control_input else {}
    if trap.name == "pager":
        _in_a_terminal(hostile, command_line)
    else:
        command_line.git(*trap.control, cwd=hostile.path, check=False, **options)
    assert hostile.trigger() != "", f"git {trap.control} did not run the trap: this test would prove nothing"


def _in_a_terminal(hostile: Hostile, command_line: CommandLine) -> None:
    command_line.program("script", "-qec", "git log", "/dev/null", cwd=hostile.path, environ={"TERM": "xterm"})


def _hook_folder(hostile: Hostile) -> Path:
    folder = hostile.path.parent / "their-hooks"
    folder.mkdir(exist_ok=True)
    for name in ("pre-commit", "post-index-change", "reference-transaction", "post-checkout"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(hostile.trap())
    return folder

"""`secretguard baseline` as a user types it, in a real repository, with the real rules."""

import json
import os
import random
import string
import subprocess
import sys
from pathlib import Path

import pytest

from secretguard.cli import main
from secretguard.scan.baseline import DEFAULT_FILE, parse_baseline

RNG = random.Random(77)
ONE, TWO, THREE = ("".join(RNG.choices(string.ascii_letters + string.digits, k=20)) for _ in range(3))


def uri(password: str, user: str = "app") -> str:
    return f"DATABASE_URL=postgresql://{user}:{password}@db.prod-net.io:5432/orders\n"


def git(*words: str) -> None:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


def commit(message: str = "work") -> None:
    git("add", "-A")
    git("commit", "-q", "-m", message)


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q")
    Path("old.env").write_text(uri(ONE, "old"))
    commit()
    Path("old.env").unlink()
    Path("prod.env").write_text(uri(TWO))
    commit()
    return folder


def entries() -> dict[str, object]:
    return dict(parse_baseline(Path(DEFAULT_FILE).read_bytes(), DEFAULT_FILE))


def test_create_makes_the_next_scan_clean_and_a_new_secret_still_alarms() -> None:
    assert main(["-q", "scan"]) == 1
    assert main(["baseline", "create"]) == 0
    assert main(["-q", "scan"]) == 0
    Path("prod.env").rename("moved.env")
    assert main(["-q", "scan"]) == 0
    Path("moved.env").write_text(uri(THREE))
    assert main(["-q", "scan"]) == 1


def test_the_baseline_of_the_tree_does_not_speak_for_the_history() -> None:
    assert main(["baseline", "create"]) == 0
    assert len(entries()) == 1
    assert main(["-q", "scan", "--history"]) == 1
    assert main(["baseline", "update", "--history"]) == 0
    assert len(entries()) == 2
    assert main(["-q", "scan", "--history"]) == 0


def test_create_overwrites_only_with_force(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "create"]) == 0
    Path("more.env").write_text(uri(THREE, "third"))
    assert main(["baseline", "create"]) == 2
    assert "baseline update" in capsys.readouterr().err
    assert len(entries()) == 1
    assert main(["baseline", "create", "--force"]) == 0
    assert len(entries()) == 2


def test_update_keeps_notes_and_drops_only_when_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "create", "--history"]) == 0
    noted = Path(DEFAULT_FILE).read_text().replace('"note": ""', '"note": "asked Ada"')
    gone = '  "sg_000000000000": {"kind": "k", "note": "", "rule": "r", "status": "accepted"},\n'
    Path(DEFAULT_FILE).write_text(noted.replace("{\n", "{\n" + gone, 1))
    assert main(["baseline", "update", "--history"]) == 0
    assert "--prune drops" in capsys.readouterr().err
    assert len(entries()) == 3
    assert main(["baseline", "update", "--prune"]) == 0
    assert Path(DEFAULT_FILE).read_text() == noted
    assert main(["baseline", "update"]) == 0
    assert Path(DEFAULT_FILE).read_text() == noted, "an update with nothing new changes nothing"


def test_without_a_baseline_update_and_audit_say_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("update", "audit"):
        assert main(["baseline", name]) == 2
        assert "baseline create" in capsys.readouterr().err


def test_a_broken_baseline_stops_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path(DEFAULT_FILE).write_text("{\n oops\n")
    assert main(["-q", "scan"]) == 2
    assert f"{DEFAULT_FILE}, line 2" in capsys.readouterr().err


def test_audit_without_a_terminal_prints_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    main(["baseline", "create", "--history"])
    capsys.readouterr()
    assert main(["baseline", "audit"]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["id", "status", "kind", "rule", "note"]
    assert sorted(row.split()[0] for row in rows) == sorted(entries())


def test_audit_in_a_terminal_asks_and_writes_each_answer() -> None:
    pty = pytest.importorskip("pty")
    main(["baseline", "create", "--history"])
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "secretguard", "baseline", "audit", "--history"]
    run = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    os.write(ours, b"x\ny\nasked Ada\ns\n")
    said = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux says so when the other end is closed
            break
        if not piece:
            break
        said += piece
    os.close(ours)
    assert run.wait(60) == 0, said
    answered, skipped = sorted(entries().values(), key=lambda entry: entry.status, reverse=True)
    assert (answered.status, answered.note) == ("to-rotate", "asked Ada")
    assert (skipped.status, skipped.note) == ("accepted", "")
    text = said.decode()
    assert "postgresql://app:****@db.prod-net.io" in text
    assert "prod.env:1" in text
    assert ONE not in text
    assert TWO not in text


def test_import_takes_a_report_over_by_value_and_keeps_no_value(repository: Path, tmp_path: Path) -> None:
    findings = [
        {"RuleID": "x", "Secret": uri(value).strip().partition("=")[2], "File": file, "StartLine": 1, "Commit": ""}
        for value, file in ((TWO, "prod.env"), (THREE, "never.env"))
    ]
    findings.append({"RuleID": "x", "Secret": ONE, "File": "old.env", "StartLine": 1, "Commit": "ab" * 20})
    report = tmp_path / "gitleaks.json"
    report.write_text(json.dumps(findings))
    assert main(["baseline", "import", str(report)]) == 0
    assert len(entries()) == 2
    assert main(["-q", "scan", "--history"]) == 0
    places = [path for path in tmp_path.rglob("*") if path.is_file() and ".git" not in path.parts]
    holding = {path.name for path in places if any(value in path.read_text() for value in (ONE, TWO, THREE))}
    assert holding == {"prod.env", "gitleaks.json"}


def test_import_reads_a_file_that_is_honoured_already(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".gitleaksignore").write_text("prod.env:generic:1\nnowhere.env:generic:1\n")
    assert main(["-q", "scan"]) == 0
    assert main(["baseline", "import", ".gitleaksignore"]) == 0
    said = capsys.readouterr()
    assert "1 added; 1 of 2 entries found again" in said.out
    assert "nothing was found at nowhere.env:1" in said.err
    Path(".gitleaksignore").unlink()
    assert main(["-q", "scan"]) == 0


def test_import_of_a_file_that_is_not_there_or_is_nothing_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "import", "no.json"]) == 2
    Path("what.txt").write_text("words\n")
    assert main(["baseline", "import", "what.txt"]) == 2
    assert "of no kind that is known" in capsys.readouterr().err
    assert not Path(DEFAULT_FILE).exists()


def test_a_commit_that_brings_its_own_baseline_entry_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("more.env").write_text(uri(THREE, "third"))
    main(["baseline", "create"])
    git("add", "-A")
    capsys.readouterr()
    assert main(["scan", "--staged"]) == 0
    assert "that this change adds" in capsys.readouterr().out


def test_a_directory_without_git_can_have_a_baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "prod.env").write_text(uri(TWO))
    monkeypatch.chdir(tmp_path)
    assert main(["baseline", "create", "plain"]) == 0
    assert (folder / DEFAULT_FILE).exists()
    assert main(["-q", "scan", "plain"]) == 0
    assert main(["baseline", "update", "plain", "--prune"]) == 0

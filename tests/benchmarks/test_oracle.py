"""Whether our reader of packs finds what git's own reading finds is one command, and it says where they differ."""

from pathlib import Path

import pytest

from benchmarks import oracle
from benchmarks.planted import planted_repository
from secretguard.scan.run import ScanRequest, scan


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    return planted_repository(tmp_path)


def test_both_readers_find_the_same(planted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert oracle.run([planted], markdown=False) == 0
    assert "the same" in capsys.readouterr().out
    assert compare_credentials(planted) >= 2


def test_a_place_that_one_of_them_misses_is_told(
    planted: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(request: ScanRequest, progress: oracle.Silence) -> object:
        report = scan(request, progress)
        return report if request.reader == "git" else report._replace(credentials=report.credentials[1:])

    monkeypatch.setattr(oracle, "scan", blind)
    assert oracle.run([planted], markdown=False) == 1
    assert "2 places only git's reading has, 0 only ours" in capsys.readouterr().out


def compare_credentials(repository: Path) -> int:
    return int(oracle.compare(repository).row[2])

"""The other scanners are called as they are at their fastest, ask nobody on the network, and are really themselves."""

from pathlib import Path

import pytest

from benchmarks.peers import PEERS, Peer, installed_peers

MODES = [pytest.param(peer, mode, id=f"{peer.name} {mode}") for peer in PEERS for mode in peer.modes]


@pytest.mark.parametrize(("peer", "mode"), MODES)
def test_every_call_names_its_target_and_a_report_to_write(peer: Peer, mode: str) -> None:
    words = peer.modes[mode]
    assert words.count("{target}") == words.count("{report}") == 1
    assert words[words.index("{report}") - 1] in ("--output", "--report-path")


@pytest.mark.parametrize(("peer", "mode"), MODES)
def test_no_key_is_validated_and_no_update_looked_for(peer: Peer, mode: str) -> None:
    words = set(peer.modes[mode])
    assert not words & {"--validate", "--analyze", "--self-update", "-v", "-a"}
    if peer.program == "kingfisher":
        assert {"--no-validate", "--no-update-check"} <= words


@pytest.mark.parametrize(("peer", "mode"), MODES)
def test_findings_and_errors_end_differently(peer: Peer, mode: str) -> None:
    assert peer.codes == {0, 200}
    if peer.program != "kingfisher":  # which says 200 by itself
        assert peer.modes[mode][peer.modes[mode].index("--exit-code") + 1] == "200"


def test_every_mode_has_a_peer_and_kingfisher_runs_with_and_without_turbo() -> None:
    assert {mode for peer in PEERS for mode in peer.modes} == {"history", "tree", "staged"}
    turbo = {peer.name: any("--turbo" in words for words in peer.modes.values()) for peer in PEERS}
    assert turbo["kingfisher --turbo"]
    assert not turbo["kingfisher"]


def program(path: Path, version: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)


def test_the_program_behind_what_pip_installed_is_called(tmp_path: Path) -> None:
    """Two distributions install a script called gitleaks; the last one wins, and is another scanner."""
    program(tmp_path / "bin" / "gitleaks", "2.0.0")
    carried = tmp_path / "lib" / "python3.11" / "site-packages" / "its_package" / "bin" / "gitleaks"
    program(carried, "v8.30.1")
    (found,) = installed_peers(tmp_path, as_installed=False)
    assert (found.path, found.version) == (carried, "8.30.1")
    (found,) = installed_peers(tmp_path, as_installed=True)
    assert found.version == "2.0.0"


def test_a_peer_that_is_not_there_is_not_needed(tmp_path: Path) -> None:
    assert installed_peers(tmp_path, as_installed=False) == ()

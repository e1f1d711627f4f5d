"""Bundles every vendor folder under plugins/ into the one wheel, from the plugins' own pyproject.toml files."""

import tomllib
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def bundle() -> dict[str, object]:
    """Return packages, their folders and the entry points of secretguard and of all first-party plugins."""
    packages = find_packages(include=["secretguard", "secretguard.*"])
    package_dir = {"secretguard": "secretguard"}
    points: dict[str, list[str]] = {
        "console_scripts": ["secretguard = secretguard.cli:main"],
        "secretguard.reporters": [
            "text = secretguard.report.text",
            "json = secretguard.report.json_report",
            "jsonl = secretguard.report.jsonl",
            "sarif = secretguard.report.sarif",
        ],
    }
    for project in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        declared = tomllib.loads(project.read_text("utf-8"))["project"]["entry-points"]
        for group, members in declared.items():
            points.setdefault(group, []).extend(f"{name} = {value}" for name, value in members.items())
        for package in sorted(project.parent.glob("secretguard_*/__init__.py")):
            packages.append(package.parent.name)
            package_dir[package.parent.name] = package.parent.relative_to(ROOT).as_posix()
    return {"packages": packages, "package_dir": package_dir, "entry_points": points}


setup(package_data={"": ["*.yaml", "py.typed"]}, **bundle())

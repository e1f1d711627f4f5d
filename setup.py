"""Compiles the delta loop where it can, and bundles the vendor folders under plugins/ into the one wheel.

What each of those declares is read from its own pyproject.toml.
"""

import os
import sys
import tomllib
from pathlib import Path

from setuptools import Extension, find_packages, setup

ROOT = Path(__file__).parent
COMPILED = (
    "git.delta", "git.families", "git.packed_trees", "git.tree_changes", "git.tree_pairs", "git.tree_table", "git.walk",
    "engine.clean_lines", "engine.fresh_lines", "scan.history_watch",
)  # fmt: skip
"""Modules that Cython compiles."""


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
        "secretguard.stores": ["local = secretguard.stores.local"],
    }
    for project in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        declared = tomllib.loads(project.read_text("utf-8"))["project"]["entry-points"]
        for group, members in declared.items():
            points.setdefault(group, []).extend(f"{name} = {value}" for name, value in members.items())
        for package in sorted(project.parent.glob("secretguard_*/__init__.py")):
            packages.append(package.parent.name)
            package_dir[package.parent.name] = package.parent.relative_to(ROOT).as_posix()
    return {"packages": packages, "package_dir": package_dir, "entry_points": points}


def compiled() -> list[Extension]:
    """Return the modules of the delta loop for the compiler; the same source runs uncompiled where that fails.

    SECRETGUARD_PURE=1 leaves them uncompiled.
    """
    if os.environ.get("SECRETGUARD_PURE") == "1":
        return []
    try:
        from Cython.Build import cythonize

        extensions: list[Extension] = cythonize(
            [f"secretguard/{name.replace('.', '/')}.py" for name in COMPILED],
            build_dir="build/cython",
            compiler_directives={
                "language_level": 3,
                "annotation_typing": False,
                "boundscheck": True,  # a pack is hostile
                "wraparound": False,
            },
        )
    except Exception as error:  # whatever it is: without the compiled modules everything works, only slower
        sys.stderr.write(f"secretguard: uncompiled: {error}\n")
        return []
    for extension in extensions:
        extension.optional = True  # cythonize drops the flag where it is given to an Extension
        if os.name == "posix":
            extension.extra_compile_args = ["-g0"]  # Python's own flags ask for debugging symbols, five times the size
    return extensions


setup(
    package_data={
        "": ["*.yaml", "py.typed"],
        **{f"secretguard.{name}": ["*.pxd"] for name in ("engine", "git", "scan")},
    },
    ext_modules=compiled(),
    options={"build_ext": {"parallel": True}},
    **bundle(),
)

"""The project's own files, as the house tests look at them."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PRODUCT = sorted([*ROOT.glob("secretguard/**/*.py"), *ROOT.glob("plugins/*/secretguard_*/**/*.py")])
PLUGINS = sorted(path for path in ROOT.glob("plugins/*") if path.is_dir() and any(path.rglob("*.*")))
PAGES = [README, *sorted(DOCS.glob("*.md"))]


def name_of(path: Path) -> str:
    """The path as a person would say it: `secretguard/git/command.py`."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imported_by(path: Path) -> Iterator[str]:
    """Every module that `path` imports anywhere in it, dotted."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers_of(*modules: str) -> set[str]:
    """The files of the product that import one of the modules, or something in it."""
    return {
        name_of(path)
        for path in PRODUCT
        if any(name == module or name.startswith(f"{module}.") for name in imported_by(path) for module in modules)
    }


def modules_using(*names: str) -> set[str]:
    """The files of the product that use an attribute: `reveal` of whatever object, `os.fork` of that one."""
    attributes = {name.rpartition(".")[2] for name in names}
    return {
        name_of(path)
        for path in PRODUCT
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr in attributes and {node.attr, ast.unparse(node)} & set(names)
    }


def project(folder: Path) -> dict[str, Any]:
    """The `[project]` table of a folder's pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return table


def section(page: Path, heading: str) -> str:
    """What stands under a heading, up to the next one of the same or a higher level."""
    lines = page.read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if re.fullmatch(rf"#+ {re.escape(heading)}", line))
    level = lines[start].index(" ")
    rest = lines[start + 1 :]
    end = next((number for number, line in enumerate(rest) if re.match(rf"#{{1,{level}}} ", line)), len(rest))
    return "\n".join(rest[:end])


def rows(text: str) -> list[list[str]]:
    """The cells of every table in a text, without headings."""
    found = []
    previous = ""
    for line in text.splitlines():
        if line.startswith("|") and previous.startswith("|") and not set(line) <= set("|-: "):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        previous = line
    return found


def code_spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)

"""Entry points -> plugins, by group and name, loaded on first use.

A scanner short of a detector must not print "clean": a plugin that fails to load, or a name that two
distributions claim, stops the run and names the distribution. Only installed distributions are looked at,
never a path in a scanned repository.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from secretguard.errors import PluginError, RuleError, UsageError
from secretguard.model import Rule
from secretguard.rules import check_unique, load_rules

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

RULES = "secretguard.rules"
REPORTERS = "secretguard.reporters"
ROTATORS = "secretguard.rotators"
STORES = "secretguard.stores"
REWRITERS = "secretguard.rewriters"
GROUPS = (RULES, REPORTERS, ROTATORS, STORES, REWRITERS)


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One installed plugin, and what is wrong with it (empty if it is healthy)."""

    group: str
    name: str
    distribution: str
    version: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of a run, and the files they were read from (to notice an edit)."""

    rules: tuple[Rule, ...]
    files: tuple[Path, ...]


def installed_rules(without: frozenset[str] = frozenset(), extra_files: Sequence[Path] = ()) -> RuleSet:
    """Read the rules of every installed plugin but `without`, and of `extra_files`.

    Raises PluginError, RuleError and, for a name in `without` that nothing has, UsageError.
    """
    rules: list[Rule] = []
    files: list[Path] = []
    points = _points(RULES)
    if unknown := without - set(points):
        raise UsageError(f"no plugin is called {min(unknown)!r}", hint="`secretguard plugins` lists them.")
    for name in sorted(set(points) - without):
        for rule_file in _import(points[name]).rules():
            if isinstance(rule_file, Path):
                files.append(rule_file)
            rules.extend(load_rules(rule_file.read_text("utf-8"), name))
    for path in extra_files:
        rules.extend(load_rules(_read(path), str(path)))
        files.append(path)
    if not rules:
        raise PluginError("no rules are installed", hint="Reinstall secretguard: its rule plugins are missing.")
    check_unique(rules)
    return RuleSet(tuple(rules), tuple(files))


def load(group: str, name: str) -> ModuleType:
    """Import the plugin `name` of `group`; raises PluginError that names its distribution."""
    points = _points(group)
    if name not in points:
        raise PluginError(f"no plugin {name!r} in {group}", hint="`secretguard plugins` lists what is installed.")
    return _import(points[name])


def load_all(group: str) -> tuple[ModuleType, ...]:
    """Import every plugin of `group`, sorted by name; raises PluginError that names a distribution."""
    points = _points(group)
    return tuple(_import(points[name]) for name in sorted(points))


def _import(point: "EntryPoint") -> ModuleType:
    try:
        return importlib.import_module(point.module)
    except Exception as error:
        raise PluginError(
            f"plugin {point.name!r} of {_distribution(point)} does not load: {type(error).__name__}: {error}",
            hint=f"Reinstall {_distribution(point)}, or leave it out with --without-plugin {point.name}.",
        ) from error


def plugin_names(group: str) -> list[str]:
    """Return the names installed in `group`, sorted; raises PluginError if two distributions claim one."""
    return sorted(_points(group))


def installed_plugins() -> list[PluginInfo]:
    """List every plugin of every group with its health; never raises for a broken one."""
    return [
        _looked_at(group, point, claims)
        for group in GROUPS
        for _, claims in sorted(_claims(group).items())
        for point in claims
    ]


def _looked_at(group: str, point: "EntryPoint", claims: "list[EntryPoint]") -> PluginInfo:
    problem = ""
    try:
        _import(_only(point.name, claims))
    except PluginError as error:
        problem = str(error)
    if point.dist is None:
        return PluginInfo(group, point.name, _distribution(point), "", problem)
    about = point.dist.metadata  # parsed each time that it is asked for
    return PluginInfo(group, point.name, about["Name"], about["Version"], problem)


def _claims(group: str) -> "dict[str, list[EntryPoint]]":
    """Return the entry points of `group` by name; one `entry_points` call, for it reads every distribution."""
    from importlib.metadata import entry_points  # a scan with a warm cache asks for none

    by_name: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        by_name.setdefault(point.name, []).append(point)
    return by_name


def _points(group: str) -> "dict[str, EntryPoint]":
    """Return the entry point of each name in `group`; raises PluginError if two distributions claim one."""
    return {name: _only(name, claims) for name, claims in _claims(group).items()}


def _only(name: str, claims: "list[EntryPoint]") -> "EntryPoint":
    if len(claims) == 1:
        return claims[0]  # what it belongs to takes a millisecond to find out
    # The same distribution can be listed twice (an editable install on a path that is also on sys.path).
    points = {(_distribution(point), point.value): point for point in claims}
    if len(points) > 1:
        owners = " and ".join(sorted(owner for owner, _ in points))
        raise PluginError(
            f"plugin name {name!r} is claimed by {owners}", hint="Uninstall one of them: a name belongs to one plugin."
        )
    return next(iter(points.values()))


def _distribution(point: "EntryPoint") -> str:
    return point.dist.name if point.dist else "an unknown distribution"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise RuleError(f"rule file {path} is not UTF-8") from None
    except OSError as error:
        raise RuleError(
            f"rule file {path} cannot be read: {error.strerror}", hint="Check the path and its permissions."
        ) from None

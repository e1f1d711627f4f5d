"""`secretguard plugins`: what is installed, and whether it keeps its contract."""

import inspect
from types import ModuleType

import click

from secretguard import plugins
from secretguard.cli import console, usage
from secretguard.cli.rules import problems_of
from secretguard.errors import ExitCode
from secretguard.interfaces import Rewriter, Rotator, StorePlugin
from secretguard.report.json_report import encode
from secretguard.report.places import count
from secretguard.report.printable import printable
from secretguard.rules import check_unique, load_rules


@click.group("plugins", invoke_without_command=True)
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(ctx: click.Context, format_name: str) -> ExitCode:
    """List the installed plugins, and check one."""
    if ctx.invoked_subcommand:
        return ExitCode.CLEAN
    installed = plugins.installed_plugins()
    broken = [one for one in installed if one.problem]
    if format_name == "json":
        names = ("group", "name", "distribution", "version", "problem")
        console.echo(encode([{name: getattr(one, name) for name in names} for one in installed]))
    else:
        rows = [
            (one.group, one.name, one.distribution, one.version, printable(one.problem) or "healthy")
            for one in installed
        ]
        console.print_table(("GROUP", "NAME", "DISTRIBUTION", "VERSION", "HEALTH"), rows)
    return ExitCode.INCOMPLETE if broken else ExitCode.CLEAN


@command.command("check")
@click.argument("name")
def check(name: str) -> ExitCode:
    """Load the plugin NAME and run its contract: its rules load and their examples hold."""
    groups = sorted({one.group for one in plugins.installed_plugins() if one.name == name})
    if not groups:
        known = sorted({one.name for one in plugins.installed_plugins()})
        raise usage.unknown_word("plugin", name, known)
    wrong = [sentence for group in groups for sentence in _check(group, plugins.load(group, name), name)]
    for sentence in wrong:
        console.echo(printable(sentence))
    verdict = count(len(wrong), "problem") if wrong else "it keeps its contract"
    console.echo(f"{name} ({', '.join(groups)}): {verdict}.")
    return ExitCode.FOUND if wrong else ExitCode.CLEAN


_PROMISED = {plugins.STORES: StorePlugin, plugins.ROTATORS: Rotator, plugins.REWRITERS: Rewriter}


def _check(group: str, module: ModuleType, name: str) -> list[str]:
    if group == plugins.REPORTERS:
        return _check_reporter(module)
    if protocol := _PROMISED.get(group):
        return _check_functions(module, protocol)
    if not callable(getattr(module, "rules", None)):
        return [f"{module.__name__} has no function rules()"]
    rules = tuple(rule for file in module.rules() for rule in load_rules(file.read_text("utf-8"), name))
    if not rules:
        return [f"{module.__name__} has no rules"]
    check_unique(rules)
    return problems_of(rules)


def _check_functions(module: ModuleType, protocol: type) -> list[str]:
    """Return what a module lacks of a Protocol's functions and constants."""
    wrong = [
        f"{module.__name__} has no {name}"
        for name in inspect.get_annotations(protocol)
        if not isinstance(getattr(module, name, None), tuple)
    ]
    for name, promised in inspect.getmembers(protocol, inspect.isfunction):
        if name.startswith("_"):
            continue
        words = list(inspect.signature(promised).parameters)[1:]
        offered = getattr(module, name, None)
        if not callable(offered):
            wrong.append(f"{module.__name__} has no function {name}()")
            continue
        try:
            inspect.signature(offered).bind(*words)
        except TypeError:
            wrong.append(f"{module.__name__}.{name}() is not {name}({', '.join(words)})")
    return wrong


def _check_reporter(module: ModuleType) -> list[str]:
    write = getattr(module, "write", None)
    if not callable(write):
        return [f"{module.__name__} has no function write()"]
    try:
        inspect.signature(write).bind(None, None, show_secrets=False)
    except TypeError:
        return [f"{module.__name__}.write() is not write(report, out, *, show_secrets)"]
    return []

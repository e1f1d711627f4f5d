"""What `secretguard scan` does once its options are known."""

from collections.abc import Mapping
from typing import Any

from secretguard.cli import console, output
from secretguard.cli.invocation import configure, run_scan
from secretguard.errors import ExitCode
from secretguard.report.danger import exit_code


def run_and_report(mode: str, options: Mapping[str, Any], chosen: Mapping[str, Any]) -> ExitCode:
    """Scan in `mode` and deliver the report; `options` are scan's own, `chosen` the global ones."""
    config = configure(chosen, None if mode == "stdin" else options["target"], _flags(options))
    reporter = output.reporter(config)
    output.check_writable(options["output"])
    report = run_scan(options["target"], mode, config, since=options["since"] or "", use_cache=not options["no_cache"])
    output.deliver(report, reporter, config, options["output"], show_secrets=options["show_secrets"])
    code = exit_code(report, config.fail_on)
    if report.credentials and code is not ExitCode.FOUND and config.verbosity >= 0:
        origin = config.origin("fail_on")
        console.print_line(f"Not a failure: nothing reaches `fail_on: {config.fail_on}` ({origin}).")
    return code


def _flags(options: Mapping[str, Any]) -> dict[str, object]:
    """Return the options that are configuration, by configuration key."""
    return {
        "include_ignored": options["include_ignored"],
        "format": options["format"],
        "baseline": options["baseline"],
        "fail_on": options["fail_on"],
        "jobs": options["jobs"],
        "rules": options["rules"],
        "without_plugins": options["without_plugin"],
    }

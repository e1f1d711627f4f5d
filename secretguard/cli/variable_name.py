"""What options and prompts take for the name of an environment variable."""

import re

import click

from secretguard.variables import is_of_system


class VariableName(click.ParamType[str]):
    """The name of an environment variable."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See `click.ParamType`."""
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,127}", value.strip()):
            self.fail("that is not the name of an environment variable, as in DATABASE_URL.", param, ctx)
        if is_of_system(value.strip()):
            self.fail(f"{value.strip()} means something to the system. Take a name of its own.", param, ctx)
        return value.strip()

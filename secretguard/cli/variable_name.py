"""What options and prompts take for the name of an environment variable."""

import re

import click


class VariableName(click.ParamType[str]):
    """The name of an environment variable."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See `click.ParamType`."""
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,127}", value.strip()):
            self.fail("that is not the name of an environment variable, as in DATABASE_URL.", param, ctx)
        return value.strip()

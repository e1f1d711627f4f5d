"""Regular expressions that are compiled when they are first used: a scan needs a few of our many."""

import re
from typing import Any, AnyStr, cast


class _Expression:
    """Stands for the compiled expression, and takes over each of its methods once it is asked for it."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def compiled(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what `re.compile` would, before it is compiled."""
    return cast("re.Pattern[AnyStr]", _Expression(text, flags))

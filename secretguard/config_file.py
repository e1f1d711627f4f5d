"""One configuration file -> a plain mapping, without trusting it: bounded, no aliases, no symlink, no key twice."""

import errno
import os
import stat
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from secretguard.errors import ConfigError

LARGEST = 1_000_000
DEEPEST = 16
_HINT = "See docs/configuration.md; --no-repo-config leaves out what a repository says."


def read_yaml(path: Path, where: str, *, trusted: bool = True) -> Mapping[str, object] | None:
    """Return the mapping in `path`, None if there is no such file; raises ConfigError that begins with `where`."""
    data = _read(path, where, trusted=trusted)
    if data is None:
        return None
    # Only a run with a configuration file pays for the import.
    import yaml

    try:
        text = data.decode("utf-8")
        _check_events(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), where)
        document = yaml.load(text, Loader=_loader(where))  # a SafeLoader
    except UnicodeDecodeError:
        raise ConfigError(f"{where} is not UTF-8", hint=_HINT) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        # Newer ones of libyaml have a limit of their own, and read ahead of their events.
        what = "nested too deeply" if "nesting depth" in str(error) else "not YAML"
        raise ConfigError(f"{where} is {what}: {_place(error)}", hint=_HINT) from None
    return _mapping(document, where)


def read_pyproject(path: Path, where: str) -> Mapping[str, object] | None:
    """Return `[tool.secretguard]`, None if there is none; somebody else's broken pyproject.toml is not our matter."""
    data = _read(path, where, trusted=False)
    if data is None or b"secretguard" not in data:
        return None
    import tomllib

    try:
        tool = tomllib.loads(data.decode("utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        raise ConfigError(f"{where} is not TOML", hint=_HINT) from None
    table = tool.get("secretguard") if isinstance(tool, dict) else None
    return None if table is None else _mapping(table, where)


def _read(path: Path, where: str, *, trusted: bool) -> bytes | None:
    """Read a regular file of bounded size; a repository's file must not be a symlink, for it could lead anywhere."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not trusted:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{where} is not a regular file", hint=_HINT)
            data = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConfigError(f"{where} is a symbolic link, which is not followed", hint=_HINT) from None
        if error.errno == errno.EISDIR:
            raise ConfigError(f"{where} is not a regular file", hint=_HINT) from None
        raise ConfigError(f"{where} cannot be read: {error.strerror}", hint=_HINT) from None
    if len(data) > LARGEST:
        raise ConfigError(f"{where} is larger than {LARGEST:,} bytes", hint=_HINT)
    return data


def _check_events(events: Any, where: str) -> None:
    """Refuse aliases (a few bytes of them expand to gigabytes) and deep nesting before anything is built."""
    depth = 0
    for event in events:
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if kind == "AliasEvent":
            raise ConfigError(f"{where}, line {event.start_mark.line + 1}: YAML aliases are not allowed", hint=_HINT)
        if depth > DEEPEST:
            raise ConfigError(f"{where}, line {event.start_mark.line + 1}: nested too deeply", hint=_HINT)


def _loader(where: str) -> Any:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """A safe loader that refuses a key given twice, of which YAML would keep the last without a word."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
            seen: set[object] = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                if not isinstance(key, str):
                    raise ConfigError(f"{where}, line {key_node.start_mark.line + 1}: a key is a word", hint=_HINT)
                if key in seen:
                    raise ConfigError(
                        f"{where}, line {key_node.start_mark.line + 1}: `{key}` is given twice", hint=_HINT
                    )
                seen.add(key)
            return dict(super().construct_mapping(node, deep))

    return Loader


def _mapping(document: object, where: str) -> Mapping[str, object]:
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{where} is a mapping of keys to values", hint=_HINT)
    return document


def _place(error: Exception) -> str:
    """Say where the error is without quoting the file, which may hold anything."""
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else type(error).__name__

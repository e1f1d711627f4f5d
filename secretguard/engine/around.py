"""The settings around a password's, and which of them say user, host, port, database and engine of its login."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from operator import attrgetter

from secretguard.engine.lazily import compiled
from secretguard.engine.settings import Setting, settings
from secretguard.engine.values import is_reference

_WORDS = {
    "user": "user username user_name usr login uid userid user_id role rolename default_user",
    "host": "host hosts hostname host_name server server_name addr address endpoint url uri jdbc_url url_host"
    " data_source",
    "port": "port url_port",
    "database": "name database db dbname db_name database_name initial_catalog vhost url_database",
    "engine": "engine dialect client type adapter driver connection driver_class_name drivername provider image",
}
_ROLES = {word: role for role, words in _WORDS.items() for word in words.split()}
_ENDINGS = tuple(_ROLES)
_FLAGS = {
    "U": "user", "u": "user", "user": "user", "username": "user", "h": "host", "host": "host", "p": "port", "P": "port",
    "port": "port", "d": "database", "dbname": "database", "D": "database", "database": "database",
}  # fmt: skip
_BRACES = compiled(rb"[(){}\[\]]")
_OPENING = b"({["
_START = attrgetter("start")
_LONGEST_KEY = 80


class Around:
    """A stretch of text with its settings: read once for all passwords that stand close together in it."""

    def __init__(self, data: bytes, low: int, high: int) -> None:
        self._data, self._span = data, (low, high)
        self._all = settings(data, low, high)
        self._roles: dict[tuple[str, bool, bool], dict[str, list[Setting]]] = {}

    @cached_property
    def _speaking(self) -> list[tuple[Setting, str]]:
        """Those that may say something, with their names in snake case."""
        named = ((one, snake_case(one.key)) for one in self._all)
        return [(one, snake) for one, snake in named if snake.endswith(_ENDINGS) or one.key in _FLAGS]

    @cached_property
    def _braces(self) -> list[int]:
        return [match.start() for match in _BRACES.finditer(self._data, *self._span)]

    def setting_at(self, place: int) -> Setting | None:
        """Return the setting whose key stands at `place`."""
        return _at(place, self._all)

    def braces(self, place: int, low: int, high: int) -> tuple[int, int] | None:
        """Return the span of the innermost braces around `place` that hold another setting, within `low:high`."""
        data, depth, end = self._data, 0, -1
        for at in range(bisect_left(self._braces, place) - 1, -1, -1):
            start = self._braces[at]
            if start < low:
                break
            if data[start] not in _OPENING:
                depth += 1
                continue
            depth -= 1
            if depth < 0:
                end = self._closing(place, high) if end < 0 else end
                if bisect_left(self._all, end, key=_START) - bisect_right(self._all, start, key=_START) > 1:
                    return start, end
                depth = 0
        return None

    def nearest(
        self, mine: Setting, places: Sequence[tuple[int, int]], prefix: str, *, flags: bool, is_user: bool
    ) -> dict[str, Setting]:
        """Return the settings that belong to `mine`, by role: the nearest in the first of the places.

        The next place is looked at where the one before holds no host. `flags` are those of a command line; `is_user`
        says that a `name` is a user's.
        """
        found: dict[str, Setting] = {}
        for low, high in places:
            for role, those in self._by_role(prefix, flags=flags, is_user=is_user).items():
                if role not in found and (one := self._nearest(those, mine, low, high)):
                    found[role] = one
            if "host" in found:
                break
        return found

    def _closing(self, place: int, high: int) -> int:
        depth = 0
        for at in range(bisect_left(self._braces, place), len(self._braces)):
            end = self._braces[at]
            if end >= high:
                break
            depth += 1 if self._data[end] in _OPENING else -1
            if depth < 0:
                return end
        return high

    def _by_role(self, prefix: str, *, flags: bool, is_user: bool) -> dict[str, list[Setting]]:
        asked = prefix, flags, is_user
        if asked not in self._roles:
            of_role = self._roles[asked] = defaultdict(list)
            for one, snake in self._speaking:
                role = "user" if is_user and one.key == "name" else _role(one.key, snake, prefix, flags=flags)
                if role:
                    of_role[role].append(one)
        return self._roles[asked]

    def _nearest(self, those: Sequence[Setting], mine: Setting, low: int, high: int) -> Setting | None:
        """Return the one that starts nearest to `mine` in `low:high` and can belong to it."""
        right = bisect_left(those, mine.start, key=_START)
        left = right - 1
        while True:
            has_left = left >= 0 and those[left].start >= low
            has_right = right < len(those) and those[right].start < high
            if not (has_left or has_right):
                return None
            if has_left and not (has_right and those[right].start - mine.start < mine.start - those[left].start):
                one, left = those[left], left - 1
            else:
                one, right = those[right], right + 1
            if one is not mine and _is_companion(one) and not _is_variable(self._data, mine, one):
                return one


def setting_at(place: int, data: bytes, low: int, high: int) -> Setting | None:
    """Return the setting in `data[low:high]` whose key stands at `place`; those behind it are not read."""
    return _at(place, settings(data, low, high, place))


def _at(place: int, those: Sequence[Setting]) -> Setting | None:
    at = bisect_right(those, place, key=_START)
    inside = []
    while at and those[at - 1].start > place - _LONGEST_KEY:
        at -= 1
        one = those[at]
        if place < one.start + len(one.key):
            inside.append(one)
    return min(reversed(inside), key=lambda one: one.value_start, default=None)


def snake_case(key: str) -> str:
    """Return `key` in lower case with one underscore between its words."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key.replace("-", "_").replace(".", "_"))
    return re.sub(r"__+", "_", spaced.lower())


def _role(key: str, snake: str, prefix: str, *, flags: bool) -> str | None:
    if flags and (role := _FLAGS.get(key)):
        return role
    # EMAIL_HOST_PASSWORD stands beside EMAIL_HOST, RABBITMQ_DEFAULT_PASS beside RABBITMQ_HOST.
    shorter = re.sub(r"(?:host|default|root|admin|initdb_root)_$", "", prefix)
    longer = "elasticsearch_" if prefix == "elastic_" else prefix
    for stem in dict.fromkeys((prefix, shorter, longer)):
        rest = snake[len(stem) :] if snake.startswith(stem) else ""
        if rest in ("name", "hosts") and not stem and not key.isupper():
            continue  # Django's NAME is a database; `name:` is anything, and Ansible's `hosts:` all of them
        if rest in _ROLES:
            return _ROLES[rest]
    return None


def _is_companion(setting: Setting) -> bool:
    value = setting.value
    return bool(value) and len(value) < 200 and value not in ("true", "false", "new") and not is_reference(value)


def _is_variable(data: bytes, mine: Setting, other: Setting) -> bool:
    """Whether `other` is a variable: `user = app` beside `password = "…"`, where a literal has quotes."""
    if other.quoted or not mine.quoted or other.key.isupper() or not other.value.isidentifier():
        return False
    return data[other.start + len(other.key) : other.value_start] == b" = "

"""Layers -> one frozen `Config`: flag > SECRETGUARD_* > repository > user > default; each value knows its layer.

The repository layer comes from the repository that is scanned and is untrusted: it may choose rules, paths,
ignores, thresholds and format, and every file it names lies inside the repository.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from secretguard.config_file import read_pyproject, read_yaml
from secretguard.errors import ConfigError
from secretguard.home import home_of

REPOSITORY_FILE = ".secretguard.yaml"
BASELINE_FILE = ".secretguard-baseline.json"
FORMATS = ("text", "json", "jsonl", "sarif")
FAIL_ON = ("low", "medium", "high", "critical", "live")
STORE_KEYS = ("auto", "keyring", "file")
MOST_JOBS = 256
OTHER_VARIABLES = (
    "SECRETGUARD_FORGE_TOKEN", "SECRETGUARD_FORGE_URL", "SECRETGUARD_ID_KEY", "SECRETGUARD_PURE",
    "SECRETGUARD_RABBITMQ_API", "SECRETGUARD_TIMINGS", "SECRETGUARD_VAULT_APPROLE", "SECRETGUARD_VAULT_LEASE",
    "SECRETGUARD_VAULT_ROLE",
)  # fmt: skip
"""Environment variables that are not configuration keys: they are read where they are used, and never stored."""

PASSWORDS = ("password", "sslpassword", "oauth_client_secret")
"""Parameters of libpq that are secret."""
PASSWORD_HINT = "Take it out: libpq reads it from PGPASSFILE, PGPASSWORD or a service file."  # noqa: S105

_PREFIX = "SECRETGUARD_"
_CREDENTIAL_ID = "sg_[0-9a-f]{12}"
_AGE_RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}")


class IgnoredCredential(NamedTuple):
    """One entry of `ignore.credentials`."""

    id: str
    reason: str = ""
    where: str = ""
    """The file or layer it was read from."""


class Setting(NamedTuple):
    """One value and the layer that gave it."""

    key: str
    value: Any
    layer: str
    """flag, environment, repository, user or default."""
    where: str = ""
    """The option, variable or file."""


class Config(NamedTuple):
    """Every choice of a run."""

    fail_on: str = "low"
    format: str = "text"
    jobs: int = 0
    """0: as many as there are processors."""
    include_ignored: bool = False
    baseline: Path | None = None
    rules: tuple[Path, ...] = ()
    without_plugins: frozenset[str] = frozenset()
    ignore_paths: tuple[str, ...] = ()
    ignore_credentials: tuple[IgnoredCredential, ...] = ()
    ignore_rules: tuple[str, ...] = ()
    journal: str | None = None
    """Where rotations are written down: a connection string of libpq, None for a file of this user's."""
    verbosity: int = 0
    no_color: bool = False
    store_key: str = "auto"
    """Where the key of the local store is kept when it is made: auto, keyring or file."""
    store_recipient: str = ""
    """An age public key that the local store encrypts for, too."""
    root: Path | None = None
    """Where the repository layer was looked for; the paths it names are relative to it."""
    settings: tuple[Setting, ...] = ()

    def origin(self, key: str) -> str:
        """Return where the value of `key` came from, for messages; empty if it is the default."""
        return ", ".join(setting.where for setting in self.settings if setting.key == key and setting.where)


class Layer(NamedTuple):
    """The values of one layer, by dotted key, and what its paths are relative to."""

    name: str
    where: str
    values: Mapping[str, object]
    root: Path | None = None

    @property
    def trusted(self) -> bool:
        """Whether the person who runs us wrote it, rather than the repository."""
        return self.name != "repository"

    def error(self, key: str, what: str, hint: str = "") -> ConfigError:
        """Return the error that `key` of this layer is not `what`."""
        name = f"{_PREFIX}{_field(key).upper()}" if self.name == "environment" else f"{self.where}: `{key}`"
        return ConfigError(f"{name} {what}", hint=hint or "See docs/configuration.md.")


def load_config(
    root: Path | None, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] = os.environ
) -> Config:
    """Read every layer and return the one `Config`; raises ConfigError.

    `root` is the directory whose repository layer counts, None for no such layer. `flags` holds typed values
    by dotted key; None values are options that were not given.
    """
    layers = [user_layer(environ)]
    if root is not None:
        layers.append(repository_layer(root))
    layers.append(environment_layer(environ))
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    layers.append(Layer("flag", "command line", given, Path()))
    settings = tuple(setting for key in KEYS for setting in _settings(key, layers))
    values: dict[str, Any] = {}
    for setting in settings:
        name = _field(setting.key)
        adds_up = KEYS[setting.key].adds_up and name in values
        values[name] = _joined(values[name], setting.value) if adds_up else setting.value
    return Config(**values, root=root, settings=settings)


def find_root(target: Path) -> Path | None:
    """Return the work tree that holds `target`, else its directory; None for a bare repository or no such path."""
    try:
        if not target.exists():
            return None
        start = target.resolve() if target.is_dir() else target.resolve().parent
        if (start / "HEAD").is_file() and (start / "objects").is_dir():
            return None
        return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)
    except PermissionError:
        return None  # the scan says what cannot be read


def user_layer(environ: Mapping[str, str]) -> Layer:
    """Read `$XDG_CONFIG_HOME/secretguard/config.yaml`."""
    home = environ.get("XDG_CONFIG_HOME") or str(home_of(environ) / ".config")
    path = Path(home) / "secretguard" / "config.yaml"
    return Layer("user", str(path), _flat(read_yaml(path, str(path)), str(path)), path.parent)


def repository_layer(root: Path) -> Layer:
    """Read `.secretguard.yaml`, or `[tool.secretguard]` of pyproject.toml; both is an error."""
    own = read_yaml(root / REPOSITORY_FILE, REPOSITORY_FILE, trusted=False)
    table = read_pyproject(root / "pyproject.toml", "pyproject.toml")
    if own is not None and table is not None:
        raise ConfigError(
            f"{REPOSITORY_FILE} and [tool.secretguard] in pyproject.toml both configure secretguard",
            hint="Keep one of them.",
        )
    where = REPOSITORY_FILE if table is None else "pyproject.toml"
    return Layer("repository", where, _flat(own if table is None else table, where), root)


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Read the SECRETGUARD_* variables, lists split at the path separator or at commas."""
    known = {_PREFIX + _field(key).upper(): key for key in KEYS}
    values: dict[str, object] = {}
    for name, text in environ.items():
        if not name.startswith(_PREFIX) or name in OTHER_VARIABLES:
            continue
        if name not in known:
            raise ConfigError(f"unknown environment variable {name}", hint=_nearest(name, [*known, *OTHER_VARIABLES]))
        key = KEYS[known[name]]
        values[key.name] = [part for part in text.split(key.separator) if part] if key.separator else text
    return Layer("environment", "environment", values, Path())


def _settings(name: str, layers: Sequence[Layer]) -> Iterator[Setting]:
    """Yield who decides `name`: the highest layer, or for lists that add up every layer, lowest first."""
    key = KEYS[name]
    found = []
    for layer in layers:
        if name not in layer.values:
            continue
        if key.operator_only and not layer.trusted:
            raise layer.error(name, "is not for a repository to choose", "Set it in your own configuration file.")
        where = _PREFIX + _field(name).upper() if layer.name == "environment" else layer.where
        found.append(Setting(name, key.parse(layer.values[name], layer, name), layer.name, where))
    if not found:
        yield Setting(name, getattr(Config(), _field(name)), "default")
    yield from found if key.adds_up else found[-1:]


def _flat(document: Mapping[str, object] | None, where: str) -> dict[str, object]:
    """Turn `ignore: {paths: …}` into `ignore.paths`, refusing what nobody knows."""
    values: dict[str, object] = {}
    sections = {name.partition(".")[0] for name in KEYS if "." in name}
    for name, value in (document or {}).items():
        if name in sections:
            if not isinstance(value, Mapping):
                raise ConfigError(f"{where}: `{name}` is a mapping", hint="See docs/configuration.md.")
            values.update({f"{name}.{inner}": item for inner, item in value.items()})
        else:
            values[name] = value
    known = [*KEYS, *sections]
    for name in values:
        if name not in KEYS:
            raise ConfigError(f"{where}: unknown key `{name}`", hint=_nearest(name, known))
    return values


def _nearest(word: str, known: Sequence[str]) -> str:
    near = _near(word, known, cutoff=0.5)
    return f"Did you mean `{near}`?" if near else f"Known: {', '.join(sorted(known))}."


def _near(word: str, known: Sequence[str], cutoff: float = 0.6) -> str:
    import difflib  # only somebody who mistyped pays for it

    return next(iter(difflib.get_close_matches(word, known, n=1, cutoff=cutoff)), "")


def _field(key: str) -> str:
    return key.replace(".", "_")


def _joined(first: Any, second: Any) -> Any:
    return first | second if isinstance(first, frozenset) else first + second


def _one_of(choices: Sequence[str]) -> "Parse":
    def parse(value: object, layer: Layer, key: str) -> str:
        if isinstance(value, str) and (value in choices or (key == "format" and layer.trusted)):
            return value
        near = _near(str(value), choices)
        hint = f"Did you mean `{near}`?" if near else ""
        raise layer.error(key, f"is one of {', '.join(choices)}", hint)

    return parse


def _whole_number(low: int, high: int) -> "Parse":
    def parse(value: object, layer: Layer, key: str) -> int:
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,6}", value) and layer.name == "environment":
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise layer.error(key, f"is a whole number from {low} to {high}")
        return value

    return parse


def _truth(value: object, layer: Layer, key: str) -> bool:
    if layer.name == "environment":
        value = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}.get(
            str(value).lower(), value
        )
    if not isinstance(value, bool):
        raise layer.error(key, "is true or false")
    return value


def _strings(value: object, layer: Layer, key: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item.strip() for item in value):
        raise layer.error(key, "is a list of strings")
    return tuple(value)


def _names(value: object, layer: Layer, key: str) -> frozenset[str]:
    return frozenset(_strings(value, layer, key))


def _age_recipients(value: object, layer: Layer, key: str) -> str:
    if not isinstance(value, str) or not all(_AGE_RECIPIENT.fullmatch(one) for one in value.replace(",", " ").split()):
        raise layer.error(key, "is an age public key, or some with commas between", "One looks like age1… .")
    return value


def _path(value: object, layer: Layer, key: str) -> Path:
    """Return the path, relative to the layer's own file; one that a repository names stays inside it."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise layer.error(key, "is a path")
    root = layer.root or Path()
    if layer.trusted:
        return root / Path(value).expanduser()
    inside = root.resolve()
    path = (inside / value).resolve()
    if not path.is_relative_to(inside) or ".git" in path.relative_to(inside).parts:
        raise layer.error(key, "leads out of the repository", "A repository names only files of its own.")
    return path


def _connection(value: object, layer: Layer, key: str) -> str:
    """Return a connection string of libpq; a password in it would be printed with the configuration."""
    from urllib.parse import unquote  # most runs name no journal

    if not isinstance(value, str) or not ("=" in value or re.match(r"postgres(?:ql)?://", value)):
        raise layer.error(key, "is a URI or keyword string of libpq, as in postgresql://journal@db.internal/ops")
    # As libpq reads it: what stands before @ may have a password behind a colon; names may be percent-encoded.
    named = re.search(rf"(?:{'|'.join(PASSWORDS)})\s*=", unquote(value))
    if named or re.search(r"://[^@/]*:[^@/]*@", value):
        raise layer.error(key, "holds a password", PASSWORD_HINT)
    return value


def _paths(value: object, layer: Layer, key: str) -> tuple[Path, ...]:
    if not isinstance(value, list | tuple):
        raise layer.error(key, "is a list of paths")
    return tuple(_path(item, layer, key) for item in value)


def _credentials(value: object, layer: Layer, key: str) -> tuple[IgnoredCredential, ...]:
    if not isinstance(value, list | tuple):
        raise layer.error(key, "is a list of credential ids")
    return tuple(_credential(item, layer, key) for item in value)


def _credential(item: object, layer: Layer, key: str) -> IgnoredCredential:
    entry = {"id": item} if isinstance(item, str) else item
    if not isinstance(entry, Mapping) or not {"id"} <= set(entry) <= {"id", "reason"}:
        raise layer.error(key, "holds ids, or mappings with `id` and `reason`")
    name, reason = entry["id"], entry.get("reason", "")
    if not isinstance(name, str) or not re.fullmatch(_CREDENTIAL_ID, name) or not isinstance(reason, str):
        raise layer.error(key, "holds something that is not a credential id", "An id is sg_ and 12 hex digits.")
    return IgnoredCredential(name, reason, layer.where)


Parse = Callable[[object, Layer, str], object]


class Key(NamedTuple):
    """One thing that can be configured."""

    name: str
    parse: Parse
    adds_up: bool = False
    """Each layer adds to the list, so that a repository cannot switch off a rule file or ignore of the user's."""
    operator_only: bool = False
    separator: str = ""
    """What splits a list in an environment variable."""


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("fail_on", _one_of(FAIL_ON)),
        Key("format", _one_of(FORMATS)),
        Key("jobs", _whole_number(0, MOST_JOBS), operator_only=True),
        Key("include_ignored", _truth),
        Key("baseline", _path),
        Key("rules", _paths, adds_up=True, separator=os.pathsep),
        Key("without_plugins", _names, adds_up=True, operator_only=True, separator=","),
        Key("ignore.paths", _strings, adds_up=True, separator=","),
        Key("ignore.credentials", _credentials, adds_up=True, separator=","),
        Key("ignore.rules", _strings, adds_up=True, separator=","),
        Key("journal", _connection, operator_only=True),
        Key("verbosity", _whole_number(-1, 2), operator_only=True),
        Key("no_color", _truth, operator_only=True),
        Key("store_key", _one_of(STORE_KEYS), operator_only=True),
        Key("store_recipient", _age_recipients, operator_only=True),
    )
}

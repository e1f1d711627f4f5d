"""The leak: one repository with a credential in every kind of place that a repository has."""

import random
from collections.abc import Iterator
from pathlib import Path

from secretguard.testing.keys import aws_key, llm_keys
from secretguard.testing.manifest import Manifest, Planted, Text, text
from secretguard.testing.repository import RepositoryBuilder
from secretguard.testing.spellings import Login, harmless, letters, random_login, spelled

LLM_KEYS = 20
_GRACE = "Grace Hopper <grace@build.invalid>"
_ALAN = "Alan Turing <alan@build.invalid>"
_FORMATS = (
    ("config/{name}.env", "{variable}={value}\nLOG_LEVEL=info\n"),
    ("agents/{name}.py", 'import os\n\nos.environ["{variable}"] = "{value}"\n'),
    ("web/lib/{name}.ts", "export const client = new Client({{ apiKey: '{value}' }})\n"),
    ("deploy/{name}.yaml", 'env:\n  {variable}: "{value}"\n'),
    ("config/{name}.json", '{{\n  "{variable}": "{value}"\n}}\n'),
)


def build_leak(path: Path, seed: int = 0) -> Manifest:
    """Build the leak repository in `path`; the same seed gives the same commits and values.

    It holds one PostgreSQL login in every spelling, another user of the same server, an AWS key, twenty LLM keys
    of eight vendors, things that only look like credentials, and one key in each place off the beaten track.
    """
    rng = random.Random(seed)
    keys = llm_keys(rng)
    builder = RepositoryBuilder(path)
    _files(builder, rng, [next(keys) for _ in range(LLM_KEYS)])
    _past(builder, keys)
    _branches(builder, keys)
    builder.pack()
    _out_of_sight(builder, keys)
    _uncommitted(builder, keys, rng)
    return builder.manifest()


def _files(builder: RepositoryBuilder, rng: random.Random, keys: list[Planted]) -> None:
    """Put the login, its neighbour, the AWS key and the LLM keys into the files of `main`."""
    login = random_login(rng)
    builder.write(".gitignore", ".env\n").write("README.md", "# Orders\n")
    for path, content in harmless(rng):
        builder.write(path, content)
    builder.commit("Start")
    for number, (path, content) in enumerate(spelled(login, login.planted("login"))):
        builder.write(path, content)
        if number % 32 == 31:
            builder.commit(f"Import, part {number // 32 + 1}", author=_GRACE)
    builder.commit("Import, the rest", author=_GRACE)
    neighbour = random_login(rng, login.servers)
    builder.write("services/audit/config.py", _url_file(neighbour, neighbour.planted("neighbour")))
    for path, content in _aws_files(aws_key(rng)):
        builder.write(path, content)
    for number, key in enumerate(keys):
        for path, pattern in _FORMATS[: 1 + number % len(_FORMATS)]:
            builder.write(path.format(name=key.name), _holding(pattern, key))
    builder.commit("Add the agents", author=_ALAN)


def _past(builder: RepositoryBuilder, keys: Iterator[Planted]) -> None:
    """Change, move, delete and bring back files that hold a key."""
    edited, moved, deleted, returned = (_named(keys, name) for name in ("edited", "moved", "deleted", "returned"))
    builder.write("past/edited.py", _holding("KEY = '{value}'\n", edited))
    builder.write("past/old_name.py", _holding("KEY = '{value}'\n", moved))
    builder.write("past/deleted.env", _holding("{variable}={value}\n", deleted))
    builder.write("past/returned.env", _holding("{variable}={value}\n", returned))
    builder.commit("Add what will change", author=_ALAN)
    builder.write("past/edited.py", _holding("KEY = '{value}'\nTIMEOUT = 30\n", edited))
    builder.remove("past/old_name.py").write("past/new_name.py", _holding("KEY = '{value}'\n", moved))
    builder.remove("past/deleted.env").remove("past/returned.env")
    builder.commit("Edit, move, delete")
    builder.write("past/returned.env", _holding("{variable}={value}\n", returned)).commit("Bring back")


def _branches(builder: RepositoryBuilder, keys: Iterator[Planted]) -> None:
    """Hide a key on a side branch, one in a merge's resolution, one that both sides added, one in a message."""
    side, resolution, both, message = (_named(keys, name) for name in ("side", "resolution", "both", "message"))
    start = builder.write("src/limits.py", "RETRIES = 1\n").commit("Add limits")
    builder.branch("experiment").write("lab/try.py", _holding("KEY = '{value}'\n", side)).commit("Try", author=_ALAN)
    builder.switch("main").branch("feature").write("src/limits.py", "RETRIES = 2\n")
    builder.write("src/both.env", _holding("{variable}={value}\n", both)).commit("Retry twice", author=_GRACE)
    builder.switch("main").write("src/limits.py", "RETRIES = 3\n")
    builder.write("src/both.env", _holding("{variable}={value}\n", both)).commit("Retry three times")
    builder.merge("feature", {"src/limits.py": _holding("RETRIES = 3\nKEY = '{value}'\n", resolution)})
    builder.write("src/limits.py", "RETRIES = 3\n").commit(
        _holding("Fix the 401\n\nIt works with {value} here.", message)
    )
    builder.note(_holding("Reviewed. The key was {value}", _named(keys, "note")), start)


def _out_of_sight(builder: RepositoryBuilder, keys: Iterator[Planted]) -> None:
    """Hide keys where no branch leads: tags, stash, reflog, nothing at all."""
    tip = builder.head
    builder.branch("release").write("release.env", _holding("{variable}={value}\n", _named(keys, "tagged")))
    builder.commit("Release", author=_GRACE)
    builder.tag("v0.9").switch("main").delete_branch("release")
    builder.tag("v1.0", _holding("First release\n\nSmoke test: {value}", _named(keys, "tag-message")), tip)
    builder.tag_blob("backup", _holding("{variable}={value}\n", _named(keys, "tagged-blob")))
    builder.write("README.md", _holding("# Orders\n\n{variable}={value}\n", _named(keys, "stash"))).stash()
    builder.write("oops.env", _holding("{variable}={value}\n", _named(keys, "amended"))).commit("Add settings")
    builder.remove("oops.env").write("settings.env", "LOG_LEVEL=info\n").commit("Add settings", amend=True)
    good = builder.head
    builder.write("debug.env", _holding("{variable}={value}\n", _named(keys, "reset"))).commit("Debug")
    builder.reset(good)
    builder.unreachable_commit({"lost.env": _holding("{variable}={value}\n", _named(keys, "unreachable"))})
    builder.dangling_blob(_holding("{variable}={value}\n", _named(keys, "dangling")))


def _uncommitted(builder: RepositoryBuilder, keys: Iterator[Planted], rng: random.Random) -> None:
    """Leave keys in the index, the working tree, an ignored file and the configuration of a remote."""
    builder.stage("staged.env", _holding("{variable}={value}\n", _named(keys, "index")))
    builder.write("notes.txt", _holding("try {variable}={value}\n", _named(keys, "untracked")))
    builder.ignored(".env", _holding("{variable}={value}\n", _named(keys, "ignored")))
    bot = Planted("remote", letters(rng, 24), "url", "deploy-bot")
    builder.remote("origin", text(f"https://{bot.user}:{bot.secret}@git.{letters(rng, 8).lower()}.net/orders.git", bot))


def _url_file(login: Login, planted: Planted) -> Text:
    return text(f'AUDIT_URL = "{login.uri(login.servers[0])}"\n', planted)


def _aws_files(key: Planted) -> Iterator[tuple[str, Text]]:
    """Yield the pair in one file, and its halves in a file each."""
    pair = f"[default]\naws_access_key_id = {key.user}\naws_secret_access_key = {key.secret}\n"
    yield "infra/credentials", text(pair, key, key)
    yield "infra/id.tf", text(f'variable "access_key" {{\n  default = "{key.user}"\n}}\n', key)
    yield "infra/secret.env", text(f"AWS_SECRET_ACCESS_KEY={key.secret}\n", key)


def _holding(pattern: str, key: Planted) -> Text:
    return text(pattern.format(variable=key.variable, value=key.secret), key)


def _named(keys: Iterator[Planted], name: str) -> Planted:
    key = next(keys)
    return Planted(name, key.secret, key.family, variable=key.variable)

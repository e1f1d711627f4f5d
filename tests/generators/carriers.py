"""Pieces of files around a value: settings, code, headers."""

import json
import random
from collections.abc import Callable

Carrier = Callable[[str, str], str]


def _quoted(value: str) -> str:
    return json.dumps(value)


SETTINGS: tuple[Carrier, ...] = (
    lambda name, value: f"LOG_LEVEL=info\n{name}={value}\nPORT=8080\n",
    lambda name, value: f"export {name}={_quoted(value)}\n",
    lambda name, value: f"services:\n  worker:\n    environment:\n      {name}: {value}\n      TZ: UTC\n",
    lambda name, value: f"    environment:\n      - {name}={value}\n",
    lambda name, value: f"        env:\n        - name: {name}\n          value: {_quoted(value)}\n",
    lambda name, value: json.dumps({"region": "eu", name: value, "timeout": 30}, indent=2),
    lambda name, value: f"import os\n\nos.environ[{_quoted(name)}] = {_quoted(value)}\n",
    lambda name, value: f"{name} = '{value}'  # rotate in spring\n",
    lambda name, value: f"const {name} = '{value}';\n",
    lambda name, value: f'ENV {name}="{value}"\nRUN make\n',
    lambda name, value: f'variable "{name.lower()}" {{\n  default = "{value}"\n}}\n',
    lambda name, value: f"<add key={_quoted(name)} value={_quoted(value)} />\n",
)
"""Ways to give a named setting a value."""

BARE: tuple[Callable[[str], str], ...] = (
    lambda value: f"curl -sS https://api.internal/v1/me -H 'Authorization: Bearer {value}'\n",
    lambda value: f'client = Client(api_key="{value}", timeout=10)\n',
    lambda value: f"we used {value} for the demo, please revoke it\n",
    lambda value: f'{{"token":"{value}","ttl":3600}}\n',
    lambda value: f"- {value}\n",
)
"""Places without any vendor's name."""

HARMLESS: tuple[Callable[[str], str], ...] = (
    lambda value: f"checksum: {value}\n",
    lambda value: f"commit {value}\nAuthor: Ines\n",
    lambda value: f"md5: {value}\n",
    lambda value: f'{{"etag": "{value}", "size": 1204}}\n',
    lambda value: f"{value}  dist/app.tar.gz\n",
    lambda value: f"trace_id={value} span=12\n",
)
"""Places where a value without a shape of its own is no credential."""


def setting(rng: random.Random, name: str, value: str) -> str:
    """Return a snippet that gives the setting `name` its value."""
    return rng.choice(SETTINGS)(name, value)


def vendor_code(rng: random.Random, word: str, value: str) -> str:
    """Return a snippet whose only context is the vendor's name beside a word such as key or token."""
    ways: tuple[str, ...] = (
        f"from {word} import Client\n\nclient = Client(api_key={_quoted(value)})\n",
        f"{word}:\n  base_url: https://api.internal/{word}\n  api_key: {value}\n",
        f"// {word} settings\nconst apiKey = '{value}'\n",
        f'[{word}]\ntoken = "{value}"\n',
        f"{word}_token: {value}\n",
    )
    return rng.choice(ways)


def named_code(rng: random.Random, name: str, value: str) -> str:
    """Return a snippet with the setting's name in another spelling than a shell's."""
    words = name.lower().split("_")
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    ways = (
        f"const {camel} = '{value}';\n",
        f'{{"{camel}": "{value}"}}\n',
        f"deploy --{'-'.join(words)} {value}\n",
        f"{'.'.join(words)}={value}\n",
        f'connect({"_".join(words)}="{value}")\n',
    )
    return rng.choice(ways)


def bare(rng: random.Random, value: str) -> str:
    """Return a snippet that names no vendor."""
    return rng.choice(BARE)(value)

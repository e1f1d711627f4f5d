"""What a secret of Secrets Manager holds: a JSON object of fields, or one value that has no name."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from secretguard.rotation import Fields
from secretguard.secret import Secret

WHOLE = ""
"""The name of a value that is no JSON object."""
EMPTY = Secret("{}")


def fields_of(text: Secret) -> dict[str, Secret] | None:
    """Return the fields; what is no string comes as its JSON. None if it is no JSON object."""
    found = _parsed(text)
    if not isinstance(found, dict):
        return None
    return {name: Secret(_said(value)) for name, value in found.items()}


def document(fields: Fields) -> Secret:
    """Return `fields` as a JSON object."""
    return Secret(json.dumps({name: value.reveal() for name, value in fields.items()}))


def merged(text: Secret, fields: Fields) -> Secret:
    """Return the JSON object `text` with `fields` in it; what already says the same keeps its type."""
    found = _parsed(text)
    changed = {
        name: value.reveal()
        for name, value in fields.items()
        if name not in found or _said(found[name]) != value.reveal()
    }
    return Secret(json.dumps(found | changed))


def says(text: Secret, fields: Fields) -> bool:
    """Whether a reader of `text` gets `fields`."""
    given = fields_of(text)
    if given is None:
        return len(fields) == 1 and all(text.same_as(value) for value in fields.values())
    return all(name in given and given[name].same_as(value) for name, value in fields.items())


def holds(text: Secret, leaked: Secret) -> bool:
    """Whether `leaked` stands anywhere in `text`, as it is or as a URL or JSON writes it."""
    value = leaked.reveal()
    if not value:
        return False
    return any(
        spelled in place
        for spelled in {value, _quoted(quote, value), _quoted(quote_plus, value)}
        for place in (text.reveal(), *_strings(_parsed(text)))
    )


def size_of(text: Secret) -> int:
    """Return how many bytes AWS has to keep."""
    return len(text.reveal().encode("utf-8", "surrogateescape"))


def _quoted(how: Any, value: str) -> str:
    return str(how(value, safe="", errors="surrogateescape"))


def _strings(found: Any) -> Iterator[str]:
    """Yield every string in a JSON value, names too, however deep it is nested."""
    left = [found]
    while left:
        one = left.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            left += one


def _parsed(text: Secret) -> Any:
    """Return JSON as it is; None if it is none, told by no exception: that would hold the document."""
    try:
        return json.loads(text.reveal())
    except (ValueError, RecursionError):
        return None


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
